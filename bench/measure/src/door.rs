//! Round trips: how long the network takes between a load host and the server's host, with no server in between.
//!
//! The server's host opens a door, a listening socket that nobody accepts from; the kernels at both ends shake hands, and
//! that is timed. It pays one packet each way. It ends with the door: whoever waits in its queue is reset.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrStorage, bind,
    connect, listen, setsockopt, socket, sockopt,
};

use crate::listening::{Claim, Ports};
use crate::load::now_ns;

/// Handshakes that may wait in the door's queue: more than are ever timed at once by all load hosts.
const QUEUE: i32 = 512;
/// A handshake that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(3);

/// A listening socket that nobody accepts from, on a port such as servers get.
#[derive(Debug)]
pub struct Door {
    /// Its port.
    pub port: u16,
    _claim: Claim,
    _socket: OwnedFd,
}

impl Door {
    /// Opens it on every address of this host.
    ///
    /// # Errors
    /// When no port is free, or the system refuses.
    pub fn open(ports: &mut Ports) -> io::Result<Self> {
        let claim = ports
            .claim()
            .ok_or_else(|| io::Error::other("no port below the local port range is free"))?;
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, claim.port));
        let four = SocketAddr::from((Ipv4Addr::UNSPECIFIED, claim.port));
        // Where there is no IPv6, there is IPv4.
        let socket = listening(any).or_else(|_| listening(four))?;
        Ok(Door {
            port: claim.port,
            _claim: claim,
            _socket: socket,
        })
    }
}

fn listening(address: SocketAddr) -> io::Result<OwnedFd> {
    let fd = stream(address)?;
    if address.is_ipv6() {
        setsockopt(&fd, sockopt::Ipv6V6Only, &false)?;
    }
    bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen(&fd, Backlog::new(QUEUE).map_err(io::Error::from)?)?;
    Ok(fd)
}

fn stream(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    Ok(socket(
        family,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::Tcp,
    )?)
}

/// How long handshakes with the door take, one after another; each connection is reset at once, so that no port is left
/// in TIME_WAIT.
///
/// # Errors
/// When the door cannot be reached: why.
pub fn round_trips(to: SocketAddr, from: Option<Ipv4Addr>, times: u32) -> io::Result<Vec<u64>> {
    (0..times).map(|_| round_trip(to, from)).collect()
}

fn round_trip(to: SocketAddr, from: Option<Ipv4Addr>) -> io::Result<u64> {
    let fd = stream(to)?;
    // Reset instead of a farewell.
    setsockopt(
        &fd,
        sockopt::Linger,
        &nix::libc::linger {
            l_onoff: 1,
            l_linger: 0,
        },
    )?;
    if let (Some(from), IpAddr::V4(_)) = (from, to.ip()) {
        setsockopt(&fd, sockopt::IpBindAddressNoPort, &true)?;
        bind(
            fd.as_raw_fd(),
            &SockaddrIn::from(std::net::SocketAddrV4::new(from, 0)),
        )?;
    }
    let time = nix::sys::time::TimeVal::new(PATIENCE.as_secs() as i64, 0);
    // connect(2) keeps to it: EINPROGRESS when it has passed.
    setsockopt(&fd, sockopt::SendTimeout, &time)?;
    let begun_ns = now_ns();
    match connect(fd.as_raw_fd(), &SockaddrStorage::from(to)) {
        Ok(()) => Ok(now_ns() - begun_ns),
        Err(nix::errno::Errno::EINPROGRESS) => Err(io::ErrorKind::TimedOut.into()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_with_an_open_door_is_timed_and_with_a_closed_one_refused() {
        let door = Door::open(&mut Ports::new(32768)).expect("a port");
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, door.port));
        let timed = round_trips(to, None, 20).expect("open");
        assert_eq!(timed.len(), 20);
        assert!(timed.iter().all(|ns| *ns > 0));
        drop(door);
        let refused = round_trips(to, None, 1).expect_err("closed");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }
}
