//! Ready means: the port is in LISTEN, and the listening sockets belong to the tree. Seen in /proc; a
//! probing connect would be a connection that the server must serve, and a model of one client would be busy.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use procfs::process::{FDTarget, Process};

/// How many listening sockets on `port` belong to these processes.
pub fn listeners(port: u16, pids: &[i32]) -> usize {
    let mut inodes = HashSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        inodes.extend(listening_inodes(table, port));
    }
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

/// The kernel lists listening sockets first; reading stops at the first other one, because behind them
/// may stand tens of thousands in TIME_WAIT (which is why this is not `procfs::net::tcp`).
fn listening_inodes(table: &str, port: u16) -> Vec<u64> {
    let Ok(file) = File::open(table) else {
        return Vec::new();
    };
    let suffix = format!(":{port:04X}");
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
