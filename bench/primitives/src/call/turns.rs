//! What a server sees in a turn, and which call of it is timed.

use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::AtomicU32;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, SockaddrIn, accept4, bind, getsockname,
    listen, recv, send, socket,
};
use nix::unistd::getppid;

use super::Times;
use crate::sys::ipc::futex_wake;

/// Clients of a turn that talk, and of one that come and go.
const TALKING: usize = 50;
const COMING: usize = 16;
const MESSAGE: [u8; 64] = [7; 64];

/// Something that can be done again and again, a call of it timed.
pub trait Turn {
    /// Once.
    ///
    /// # Errors
    /// Of the first call that failed.
    fn take(&mut self, times: &mut Times) -> Result<(), Errno>;

    /// Whether each connection that it times leaves a port behind for a minute.
    fn leaves_ports(&self) -> bool {
        false
    }
}

/// Calls that need no socket.
pub enum Bare {
    /// In and out.
    Entry,
    /// A word for which nobody waits.
    Futex(Box<AtomicU32>),
}

impl Bare {
    /// A word for which nobody waits.
    pub fn futex() -> Self {
        Bare::Futex(Box::new(AtomicU32::new(0)))
    }
}

impl Turn for Bare {
    fn take(&mut self, times: &mut Times) -> Result<(), Errno> {
        match self {
            Bare::Entry => drop(times.of(getppid)),
            Bare::Futex(word) => times.of(|| futex_wake(word)),
        }
        Ok(())
    }
}

fn errno(error: std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// A listener like those of the servers.
fn door() -> Result<OwnedFd, Errno> {
    let door = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    bind(door.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0))?;
    listen(&door, Backlog::new(1024)?)?;
    Ok(door)
}

fn client(door: &OwnedFd) -> Result<TcpStream, Errno> {
    let port = getsockname::<SockaddrIn>(door.as_raw_fd())?.port();
    let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(errno)?;
    client.set_nodelay(true).map_err(errno)?;
    Ok(client)
}

fn accept(door: &OwnedFd) -> Result<OwnedFd, Errno> {
    let accepted = accept4(door.as_raw_fd(), SockFlag::SOCK_CLOEXEC)?;
    Ok(crate::sys::ipc::own(accepted))
}

/// Which call of a talk is timed.
enum Timed {
    Receive,
    Send,
    CloseCopy,
}

/// Fifty clients that ask and are answered.
pub struct Talk {
    pairs: Vec<(TcpStream, TcpStream)>,
    timed: Timed,
}

impl Talk {
    fn new(timed: Timed) -> Result<Self, Errno> {
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(errno)?;
        let address = door.local_addr().map_err(errno)?;
        let pair = || {
            let client = TcpStream::connect(address)?;
            let (server, _) = door.accept()?;
            client.set_nodelay(true)?;
            server.set_nodelay(true)?;
            Ok((client, server))
        };
        let pairs: std::io::Result<_> = (0..TALKING).map(|_| pair()).collect();
        Ok(Talk {
            pairs: pairs.map_err(errno)?,
            timed,
        })
    }

    /// The request's reading.
    pub fn receiving() -> Result<Self, Errno> {
        Talk::new(Timed::Receive)
    }

    /// The reply's sending.
    pub fn sending() -> Result<Self, Errno> {
        Talk::new(Timed::Send)
    }

    /// The closing of a second descriptor.
    pub fn closing_copies() -> Result<Self, Errno> {
        Talk::new(Timed::CloseCopy)
    }
}

impl Turn for Talk {
    fn take(&mut self, times: &mut Times) -> Result<(), Errno> {
        let mut buffer = [0; 4096];
        for (client, _) in &self.pairs {
            send(client.as_raw_fd(), &MESSAGE, MsgFlags::empty())?;
        }
        for (_, server) in &self.pairs {
            let fd = server.as_raw_fd();
            if matches!(self.timed, Timed::CloseCopy) {
                let copy = server.as_fd().try_clone_to_owned().map_err(errno)?;
                times.of(|| drop(copy));
            }
            let mut receive = || recv(fd, &mut buffer, MsgFlags::empty());
            let got = match self.timed {
                Timed::Receive => times.of(receive),
                _ => receive(),
            }?;
            let answer = || send(fd, &MESSAGE[..got.min(64)], MsgFlags::empty());
            match self.timed {
                Timed::Send => times.of(answer),
                _ => answer(),
            }?;
        }
        for (client, _) in &self.pairs {
            match recv(client.as_raw_fd(), &mut buffer, MsgFlags::empty())? {
                64 => {}
                _ => return Err(Errno::EBADMSG),
            }
        }
        Ok(())
    }
}

/// Which call of a connection's life is timed.
#[derive(Clone, Copy, PartialEq)]
enum Moment {
    Accept,
    Register,
    End,
    Close,
}

/// Sixteen clients that come, ask, are answered, and go.
pub struct Connections {
    door: OwnedFd,
    epoll: Epoll,
    timed: Moment,
}

impl Connections {
    fn new(timed: Moment) -> Result<Self, Errno> {
        Ok(Connections {
            door: door()?,
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            timed,
        })
    }

    /// Its beginning.
    pub fn accepting() -> Result<Self, Errno> {
        Connections::new(Moment::Accept)
    }

    /// Its being waited for.
    pub fn registering() -> Result<Self, Errno> {
        Connections::new(Moment::Register)
    }

    /// The news of its end.
    pub fn ending() -> Result<Self, Errno> {
        Connections::new(Moment::End)
    }

    /// Its end.
    pub fn closing() -> Result<Self, Errno> {
        Connections::new(Moment::Close)
    }

    fn serve(&self, client: TcpStream, server: OwnedFd, times: &mut Times) -> Result<(), Errno> {
        let mut buffer = [0; 4096];
        let fd = server.as_raw_fd();
        send(client.as_raw_fd(), &MESSAGE, MsgFlags::empty())?;
        let got = recv(fd, &mut buffer, MsgFlags::empty())?;
        send(fd, &buffer[..got], MsgFlags::empty())?;
        recv(client.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        client.shutdown(Shutdown::Both).map_err(errno)?;
        drop(client);
        let mut end = || recv(fd, &mut buffer, MsgFlags::empty());
        let left = match self.timed {
            Moment::End => times.of(end),
            _ => end(),
        }?;
        match self.timed {
            Moment::Close => times.of(|| drop(server)),
            _ => drop(server),
        }
        if left == 0 {
            Ok(())
        } else {
            Err(Errno::EBADMSG)
        }
    }
}

impl Turn for Connections {
    fn take(&mut self, times: &mut Times) -> Result<(), Errno> {
        let clients = (0..COMING).map(|_| client(&self.door));
        let clients = clients.collect::<Result<Vec<_>, _>>()?;
        let mut served = Vec::new();
        for client in clients {
            let come = || accept(&self.door);
            let server = match self.timed {
                Moment::Accept => times.of(come),
                _ => come(),
            }?;
            let event = EpollEvent::new(EpollFlags::EPOLLIN, 1);
            if self.timed == Moment::Register {
                times.of(|| self.epoll.add(&server, event))?;
            }
            served.push((client, server));
        }
        for (client, server) in served {
            self.serve(client, server, times)?;
        }
        Ok(())
    }

    fn leaves_ports(&self) -> bool {
        true
    }
}

/// So many of fifty clients have asked.
pub struct Ready {
    talk: Talk,
    epoll: Epoll,
    many: usize,
}

impl Ready {
    /// So many.
    pub fn of(many: usize) -> Result<Self, Errno> {
        let (talk, epoll) = (
            Talk::new(Timed::CloseCopy)?,
            Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
        );
        for (_, server) in &talk.pairs {
            epoll.add(server, EpollEvent::new(EpollFlags::EPOLLIN, 1))?;
        }
        Ok(Ready { talk, epoll, many })
    }
}

impl Turn for Ready {
    fn take(&mut self, times: &mut Times) -> Result<(), Errno> {
        let mut buffer = [0; 4096];
        for start in 0..TALKING / self.many {
            let asking = &self.talk.pairs[start * self.many..][..self.many];
            for (client, _) in asking {
                send(client.as_raw_fd(), &MESSAGE, MsgFlags::empty())?;
            }
            let mut events = [EpollEvent::empty(); TALKING];
            let found = times.of(|| self.epoll.wait(&mut events, EpollTimeout::ZERO))?;
            if found != self.many {
                return Err(Errno::EBADMSG);
            }
            for (_, server) in asking {
                recv(server.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
            }
            // Nothing is ready now, and what was is forgotten by the list.
            self.epoll.wait(&mut events, EpollTimeout::ZERO)?;
        }
        Ok(())
    }
}
