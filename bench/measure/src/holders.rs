//! Who of a server's tree serves which connection: seen from outside, in the socket tables.
//!
//! A descriptor belongs to a process, not to a thread: which thread of a process serves a connection is not told
//! anywhere, so of threads only the CPU time is known. It pays a look at every descriptor of the tree.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::net::SocketAddr;

use hdrhistogram::Histogram;
use netlink_packet_sock_diag::constants::TCP_LISTEN;
use netlink_packet_sock_diag::inet::StateFlags;
use procfs::process::{FDTarget, Process};
use record::Encoded;
use record::histogram::coarse_latencies;
use record::pass::Worker;

use crate::protocol::{Holder, OfConnection};
use crate::sockets;
use crate::tree::Tree;

/// Every process below `keeper`, with the connections to `port` of which it has a descriptor.
///
/// # Errors
/// Where sock_diag(7) is not allowed.
pub fn holders(keeper: i32, port: u16) -> io::Result<Vec<Holder>> {
    let mut peers: HashMap<u64, SocketAddr> = HashMap::new();
    let mut doors: HashSet<u64> = HashSet::new();
    sockets::each(StateFlags::ESTABLISHED | StateFlags::LISTEN, |socket| {
        let id = &socket.socket_id;
        if id.source_port == port && socket.state == TCP_LISTEN {
            doors.insert(u64::from(socket.inode));
        } else if id.source_port == port {
            let peer = SocketAddr::new(id.destination_address.to_canonical(), id.destination_port);
            peers.insert(u64::from(socket.inode), peer);
        }
    })?;
    let tree = Tree::now();
    let of = |pid: i32| holder(pid, tree.children(keeper).contains(&pid), &peers, &doors);
    Ok(tree
        .descendants(keeper)
        .into_iter()
        .filter_map(of)
        .collect())
}

/// `None` when it is gone.
fn holder(
    pid: i32,
    root: bool,
    peers: &HashMap<u64, SocketAddr>,
    doors: &HashSet<u64>,
) -> Option<Holder> {
    let process = Process::new(pid).ok()?;
    let descriptors = process.fd().ok()?.flatten();
    let sockets = descriptors.filter_map(|descriptor| match descriptor.target {
        FDTarget::Socket(inode) => Some(inode),
        _ => None,
    });
    let sockets: Vec<u64> = sockets.collect();
    let held = sockets.iter().filter_map(|inode| peers.get(inode).copied());
    let open = sockets.iter().copied().filter(|it| doors.contains(it));
    let used =
        |task: procfs::process::Task| Some((task.tid, task.schedstat().ok()?.sum_exec_runtime));
    Some(Holder {
        pid,
        root,
        listens: open.collect(),
        peers: held.collect(),
        threads: process.tasks().ok()?.flatten().filter_map(used).collect(),
    })
}

/// What each process did between two looks, its connections' latencies put together.
pub fn workers(before: &[Holder], after: &[Holder], served: &[OfConnection]) -> Vec<Worker> {
    let used: BTreeMap<i32, u64> = before.iter().flat_map(|it| it.threads.clone()).collect();
    let by_end: HashMap<SocketAddr, &Encoded> =
        served.iter().map(|it| (it.local, &it.service)).collect();
    let worker = |holder: &Holder| {
        let mut service = coarse_latencies();
        let ends = holder.peers.iter().filter_map(|peer| by_end.get(peer));
        for part in ends.filter_map(|encoded| encoded.decode().ok()) {
            // The same bounds: nothing is lost.
            let _ = service.add(part);
        }
        let threads = holder.threads.iter();
        let cpu = threads.map(|(tid, ns)| ns - used.get(tid).copied().unwrap_or(0).min(*ns));
        let mut threads_cpu_ns: Vec<u64> = cpu.collect();
        threads_cpu_ns.sort_unstable_by_key(|ns| std::cmp::Reverse(*ns));
        Worker {
            pid: holder.pid,
            root: holder.root,
            listens: holder.listens.clone(),
            connections: holder.peers.len() as u32,
            replies: Histogram::len(&service),
            threads_cpu_ns,
            service: Encoded::new(&service),
        }
    };
    after.iter().map(worker).collect()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::*;

    #[test]
    fn connections_are_found_where_their_descriptors_are() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let clients: Vec<TcpStream> = (0..3)
            .map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap())
            .collect();
        let accepted: Vec<TcpStream> = (0..2).map(|_| listener.accept().unwrap().0).collect();
        let own = std::process::id() as i32;
        let parent = nix::unistd::getppid().as_raw();
        let found = holders(parent, port).unwrap();
        let found = found.iter().find(|it| it.pid == own).unwrap();
        assert!(found.root && !found.threads.is_empty());
        assert_eq!(found.listens.len(), 1, "the one door");
        let mut expected: Vec<SocketAddr> =
            accepted.iter().map(|it| it.peer_addr().unwrap()).collect();
        let mut peers = found.peers.clone();
        expected.sort();
        peers.sort();
        assert_eq!(
            peers, expected,
            "the third waits in the queue and is nobody's"
        );
        drop(clients);
    }

    #[test]
    fn a_worker_is_what_its_connections_are() {
        let end = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let holder = |pid, ports: &[u16], cpu_ns| Holder {
            pid,
            root: pid == 1,
            listens: Vec::new(),
            peers: ports.iter().map(|port| end(*port)).collect(),
            threads: vec![(pid, cpu_ns), (pid + 100, cpu_ns / 2)],
        };
        let of = |port: u16, replies: u64| {
            let mut service = coarse_latencies();
            service.record_n(u64::from(port), replies).unwrap();
            OfConnection {
                local: end(port),
                service: Encoded::new(&service),
            }
        };
        let found = workers(
            &[holder(1, &[], 100), holder(2, &[10, 11], 1000)],
            &[
                holder(1, &[], 100),
                holder(2, &[10, 11], 1600),
                holder(3, &[12], 80),
            ],
            &[of(10, 5), of(11, 7), of(12, 1), of(13, 100)],
        );
        let seen: Vec<_> = found
            .iter()
            .map(|it| {
                (
                    it.pid,
                    it.root,
                    it.connections,
                    it.replies,
                    it.threads_cpu_ns.clone(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (1, true, 0, 0, vec![0, 0]),
                (2, false, 2, 12, vec![600, 300]),
                (3, false, 1, 1, vec![80, 40]),
            ]
        );
        assert_eq!(found[1].service.decode().unwrap().max(), 11);
    }
}
