//! The clients of an event loop: a table of them, and the door by which they come.
//!
//! All loops on epoll share it, so that their files say only what they do when a client's turn comes. It
//! pays a place in a table for each descriptor. The door closes for 10 ms when the kernel is out of
//! descriptors, and for good after QUIT.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::listen::{Refusal, refusal};
use crate::nonblocking::Connection;
use crate::patience::PAUSE;

/// What an event of the door carries in place of a client's number.
pub const DOOR: u64 = u64::MAX;

/// What an edge-triggered loop watches its clients for. The end of a client's bytes is told with its last ones:
/// without that, each turn would have to ask for it.
pub const EDGES: EpollFlags = EpollFlags::EPOLLIN
    .union(EpollFlags::EPOLLOUT)
    .union(EpollFlags::EPOLLRDHUP)
    .union(EpollFlags::EPOLLET);

/// A client has said all, or is gone.
pub const LAST: EpollFlags = EpollFlags::EPOLLRDHUP
    .union(EpollFlags::EPOLLHUP)
    .union(EpollFlags::EPOLLERR);

/// Turns of one client, at an edge, before others have theirs.
pub const TURNS: usize = 16;

/// Who is here, and who may yet come.
pub struct Clients<'a> {
    epoll: Epoll,
    /// By descriptor.
    table: Vec<Option<Connection>>,
    /// Those that are lent out, too.
    open: usize,
    /// What each of them is watched for from the beginning.
    interest: EpollFlags,
    door: Door,
    entrance: BorrowedFd<'a>,
    knock: EpollFlags,
    accept: Box<dyn FnMut() -> io::Result<Connection> + 'a>,
}

enum Door {
    Open,
    Closed(Instant),
    Shut,
}

impl<'a> Clients<'a> {
    /// Nobody yet. They come by `accept` whenever `entrance` has an event of `knock`, until `accept` says
    /// that the listener is shut down.
    ///
    /// # Errors
    /// Those of `epoll_create1`.
    pub fn none(
        entrance: BorrowedFd<'a>,
        knock: EpollFlags,
        accept: impl FnMut() -> io::Result<Connection> + 'a,
        interest: EpollFlags,
    ) -> io::Result<Self> {
        Ok(Clients {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            table: Vec::new(),
            open: 0,
            interest,
            door: Door::Closed(Instant::now()),
            entrance,
            knock,
            accept: Box::new(accept),
        })
    }

    /// Whether there is anybody to wait for.
    pub fn expected(&self) -> bool {
        self.open > 0 || !matches!(self.door, Door::Shut)
    }

    /// Waits for events, and says how many have come; none when a signal did, or the door's time.
    ///
    /// # Errors
    /// Those of `epoll_wait` and `epoll_ctl`.
    pub fn wait(&mut self, events: &mut [EpollEvent]) -> io::Result<usize> {
        let timeout = match self.door {
            Door::Closed(until) if until <= Instant::now() => {
                let event = EpollEvent::new(self.knock, DOOR);
                self.epoll.add(self.entrance, event)?;
                self.door = Door::Open;
                EpollTimeout::NONE
            }
            Door::Closed(_) => EpollTimeout::try_from(PAUSE).unwrap_or(EpollTimeout::ZERO),
            Door::Open | Door::Shut => EpollTimeout::NONE,
        };
        match self.epoll.wait(events, timeout) {
            Err(Errno::EINTR) => Ok(0),
            ready => Ok(ready?),
        }
    }

    /// Lets everybody in who waits at the door.
    ///
    /// # Errors
    /// Those of `epoll_ctl`.
    pub fn let_in(&mut self) -> io::Result<()> {
        self.door = loop {
            match (self.accept)() {
                Ok(connection) => self.add(connection),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => match refusal(&error) {
                    Refusal::Retry => {}
                    Refusal::Ended => break Door::Shut,
                    Refusal::Exhausted => break Door::Closed(Instant::now() + PAUSE),
                },
            }
        };
        // A listener that cannot be served would be reported again and again.
        Ok(self.epoll.delete(self.entrance)?)
    }

    fn add(&mut self, connection: Connection) {
        let at = connection.descriptor();
        let event = EpollEvent::new(self.interest, at as u64);
        // Out of kernel memory: dropping the connection ends this one and no other.
        if self.epoll.add(&connection, event).is_ok() {
            let length = self.table.len().max(at + 1);
            self.table.resize_with(length, || None);
            self.table[at] = Some(connection);
            self.open += 1;
        }
    }

    /// Watches something that is no client; its events carry `number`.
    ///
    /// # Errors
    /// Those of `epoll_ctl`.
    pub fn watch_besides(
        &self,
        other: impl AsFd,
        interest: EpollFlags,
        number: u64,
    ) -> io::Result<()> {
        Ok(self.epoll.add(other, EpollEvent::new(interest, number))?)
    }

    /// The client of that number, if it is here.
    pub fn get(&mut self, at: usize) -> Option<&mut Connection> {
        self.table.get_mut(at)?.as_mut()
    }

    /// Watches it for this from now on, and reports at once what is there already.
    pub fn watch(&mut self, at: usize, interest: EpollFlags) {
        let Some(Some(connection)) = self.table.get(at) else {
            return;
        };
        let mut event = EpollEvent::new(interest, at as u64);
        if self.epoll.modify(connection, &mut event).is_err() {
            self.end(at);
        }
    }

    /// Ends one that is here; closing the descriptor takes it out of epoll, too.
    pub fn end(&mut self, at: usize) {
        if let Some(connection) = self.lend(at) {
            self.end_lent(connection);
        }
    }

    /// Gives a client away for a while: until it is back, its events find nobody.
    pub fn lend(&mut self, at: usize) -> Option<Connection> {
        self.table.get_mut(at)?.take()
    }

    /// Takes one back that was lent.
    pub fn take_back(&mut self, connection: Connection) {
        let at = connection.descriptor();
        self.table[at] = Some(connection);
    }

    /// Ends one that was lent.
    pub fn end_lent(&mut self, connection: Connection) {
        drop(connection);
        self.open -= 1;
    }
}
