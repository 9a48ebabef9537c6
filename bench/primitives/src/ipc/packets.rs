//! Sockets that keep messages apart: datagrams and sequenced packets of the Unix domain, and UDP.

use std::net::UdpSocket;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept, bind, connect, listen,
    recv, send, socket, socketpair,
};

use super::end::{End, Pair, Refused, by, through};
use super::place::Named;
use super::streams::errno;

struct Packets(OwnedFd);

impl End for Packets {
    fn send(&mut self, message: &[u8]) -> Result<(), Errno> {
        let sent = through(|| send(self.0.as_raw_fd(), message, MsgFlags::empty()))?;
        if sent == message.len() {
            Ok(())
        } else {
            Err(Errno::EMSGSIZE)
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        match through(|| recv(self.0.as_raw_fd(), buffer, MsgFlags::MSG_TRUNC))? {
            0 => Err(Errno::EPIPE),
            got if got == buffer.len() => Ok(()),
            _ => Err(Errno::EBADMSG),
        }
    }
}

fn pair(kind: SockType) -> Result<Pair, Refused> {
    let made = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC);
    let (one, other) = made.map_err(by("socketpair"))?;
    Ok(Pair::new(Packets(one), Packets(other)))
}

/// socketpair(2) of datagrams.
pub fn datagrams(_: usize) -> Result<Pair, Refused> {
    pair(SockType::Datagram)
}

/// socketpair(2) of sequenced packets.
pub fn sequenced(_: usize) -> Result<Pair, Refused> {
    pair(SockType::SeqPacket)
}

fn unix(kind: SockType) -> Result<OwnedFd, Refused> {
    let made = socket(AddressFamily::Unix, kind, SockFlag::SOCK_CLOEXEC, None);
    made.map_err(by("socket"))
}

fn address(of: &Named) -> Result<UnixAddr, Refused> {
    UnixAddr::new(of.path()).map_err(by("a socket's path"))
}

/// Datagrams between two paths.
pub fn named_datagrams(_: usize) -> Result<Pair, Refused> {
    let names = [Named::new(), Named::new()];
    let sockets = [unix(SockType::Datagram)?, unix(SockType::Datagram)?];
    for (name, socket) in names.iter().zip(&sockets) {
        bind(socket.as_raw_fd(), &address(name)?).map_err(by("bind"))?;
    }
    for (name, socket) in names.iter().rev().zip(&sockets) {
        connect(socket.as_raw_fd(), &address(name)?).map_err(by("connect"))?;
    }
    let [one, other] = sockets;
    Ok(Pair::new(Packets(one), Packets(other)))
}

/// Sequenced packets through a path.
pub fn named_sequenced(_: usize) -> Result<Pair, Refused> {
    let name = Named::new();
    let (listener, one) = (unix(SockType::SeqPacket)?, unix(SockType::SeqPacket)?);
    bind(listener.as_raw_fd(), &address(&name)?).map_err(by("bind"))?;
    let one_only = Backlog::new(1).map_err(by("listen"))?;
    listen(&listener, one_only).map_err(by("listen"))?;
    connect(one.as_raw_fd(), &address(&name)?).map_err(by("connect"))?;
    let other = accept(listener.as_raw_fd()).map_err(by("accept"))?;
    let other = crate::sys::ipc::own(other);
    Ok(Pair::new(Packets(one), Packets(other)))
}

/// UDP over loopback; what pours has to wait now and then, or the kernel drops it.
pub fn udp(_: usize) -> Result<Pair, Refused> {
    let io = |call: &'static str| move |error: std::io::Error| (call, errno(&error));
    let bind = || UdpSocket::bind("127.0.0.1:0").map_err(io("bind"));
    let (one, other) = (bind()?, bind()?);
    let address = |of: &UdpSocket| of.local_addr().map_err(io("getsockname"));
    one.connect(address(&other)?).map_err(io("connect"))?;
    other.connect(address(&one)?).map_err(io("connect"))?;
    Ok(Pair::new(Packets(one.into()), Packets(other.into())))
}
