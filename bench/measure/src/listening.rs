//! Ready means: the port is in LISTEN, and the listening sockets belong to the tree. Asked of the kernel; a
//! probing connect would be a connection that the server must serve, and a model of one client would be busy.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use netlink_packet_sock_diag::inet::StateFlags;
use procfs::process::{FDTarget, Process};

use crate::sockets;

/// How many listening sockets on `port` belong to these processes.
pub fn listeners(port: u16, pids: &[i32]) -> usize {
    let inodes: HashSet<u64> = match listening(port) {
        Ok(sockets) => sockets.into_keys().collect(),
        Err(_) => inodes_of_proc(port),
    };
    if inodes.is_empty() {
        return 0;
    }
    let mut owned = HashSet::new();
    for pid in pids {
        let Ok(descriptors) = Process::new(*pid).and_then(|process| process.fd()) else {
            continue;
        };
        owned.extend(
            descriptors
                .flatten()
                .filter_map(|descriptor| match descriptor.target {
                    FDTarget::Socket(inode) if inodes.contains(&inode) => Some(inode),
                    _ => None,
                }),
        );
        if owned.len() == inodes.len() {
            break;
        }
    }
    owned.len()
}

/// Connections that wait to be accepted on `port`.
///
/// # Errors
/// Where sock_diag(7) is not allowed.
pub fn accept_queue(port: u16) -> io::Result<u32> {
    Ok(listening(port)?.values().sum())
}

/// Connections that this host has turned away so far because an accept queue was full (ListenOverflows),
/// and for any reason (ListenDrops).
pub fn turned_away() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/net/netstat").ok()?;
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let value = |wanted: &str| {
        let at = names.split(' ').position(|name| name == wanted)?;
        values.split(' ').nth(at)?.parse().ok()
    };
    Some((value("ListenOverflows")?, value("ListenDrops")?))
}

/// Listening sockets on `port` and the length of each one's accept queue.
/// (/proc/net/tcp6 walks past every socket in TIME_WAIT, of IPv4, too: 20 ms after a suite of churn.)
fn listening(port: u16) -> io::Result<HashMap<u64, u32>> {
    let mut sockets = HashMap::new();
    sockets::each(StateFlags::LISTEN, |socket| {
        if socket.socket_id.source_port == port {
            sockets.insert(u64::from(socket.inode), socket.recv_queue);
        }
    })?;
    Ok(sockets)
}

/// Where sock_diag is not allowed. Listening sockets stand first: reading stops at the first other one.
fn inodes_of_proc(port: u16) -> HashSet<u64> {
    let suffix = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| File::open(table).ok())
        .flat_map(|file| {
            BufReader::with_capacity(4096, file)
                .lines()
                .skip(1)
                .map_while(Result::ok)
                .map(|line| {
                    line.split_whitespace()
                        .map(str::to_owned)
                        .collect::<Vec<_>>()
                })
                .take_while(|fields| fields.get(3).is_some_and(|state| state == "0A"))
        })
        .filter(|fields| fields[1].ends_with(&suffix))
        .filter_map(|fields| fields.get(9)?.parse().ok())
        .collect()
}

/// Finds free ports below the range from which the kernel takes a client's, so that no connection of a
/// load is ever in the way of a listener.
#[derive(Debug)]
pub struct Ports {
    next: u16,
    first: u16,
    end: u16,
}

/// A port that is this process's to give to a server, until this is dropped. Two harnesses at once never
/// claim the same one: a claim is a socket of an abstract name, which ends with its process, however that ends.
#[derive(Debug)]
pub struct Claim {
    /// The port.
    pub port: u16,
    _name: UnixListener,
}

impl Ports {
    /// `local_range_start` is the lower end of net.ipv4.ip_local_port_range.
    pub fn new(local_range_start: u16) -> Self {
        let end = local_range_start.max(2048);
        let first = (end / 2).max(1024);
        // Two harnesses start looking at different places.
        let next = first + (std::process::id() % u32::from(end - first)) as u16;
        Ports { next, first, end }
    }

    /// A port on which nobody listens now, and which nobody else has claimed.
    pub fn claim(&mut self) -> Option<Claim> {
        for _ in self.first..self.end {
            let port = self.next;
            self.next = if port + 1 == self.end {
                self.first
            } else {
                port + 1
            };
            let name = SocketAddr::from_abstract_name(format!("fiveways-port-{port}"));
            let claimed = name.and_then(|name| UnixListener::bind_addr(&name));
            if let Ok(name) = claimed
                && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
            {
                return Some(Claim { port, _name: name });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_of_ours_is_found_and_a_strangers_is_not_ours() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = std::process::id() as i32;
        assert_eq!(listeners(port, &[own]), 1);
        assert_eq!(listeners(port, &[]), 0);
        let inodes: HashSet<u64> = listening(port).unwrap().into_keys().collect();
        assert_eq!(inodes_of_proc(port), inodes);
        assert_eq!(accept_queue(port).unwrap(), 0);
        let _waiting = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert_eq!(accept_queue(port).unwrap(), 1);
        assert!(turned_away().is_some());
        drop(listener);
        assert_eq!(listeners(port, &[own]), 0);
    }

    #[test]
    fn a_claimed_port_is_below_the_range_and_nobody_elses() {
        let mut ports = [Ports::new(32768), Ports::new(32768)];
        let claims: Vec<Claim> = (0..20).filter_map(|n| ports[n % 2].claim()).collect();
        let mut numbers: Vec<u16> = claims.iter().map(|claim| claim.port).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 20);
        assert!(numbers.iter().all(|&port| port < 32768));
    }
}
