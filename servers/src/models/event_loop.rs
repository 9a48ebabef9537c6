//! Event loop: one thread waits for all connections at once and reacts to what has changed.
//!
//! ```text
//!             ┌───────────────────────────────────────────────────────────┐
//!             ▼                                                           │
//! epoll_wait: who is ready? ──► listener: accept all ── table[fd] = new ──┤
//!             │                                                           │
//!             ├──► readable: recv → send ── all sent ─────────────────────┤
//!             │                        └─── not all: keep the rest, wait until writable
//!             └──► writable: send the rest ── then wait until readable ───┘
//! ```
//!
//! It pays a few dozen bytes for a connection and no context switch for a request: a busy loop never sleeps.
//! Back-pressure: a client that does not read stops being read, so that at most one buffer is kept for it.
//! It ends at one core, and at the first request that blocks: work is done inline, and while it is, nobody
//! else is served. That is the lesson of this model.

use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::Server;
use crate::echo::BUFFER;
use crate::listen::{Refusal, refusal};
use crate::nonblocking::{Connection, Wants};
use crate::patience::PAUSE;

/// What the listener's events carry instead of a descriptor.
const LISTENER: u64 = u64::MAX;

/// Serves all connections on this thread.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?.into_nonblocking()?;
    let accept = || Connection::accept(&listener, &server.service);
    run(&listener, EpollFlags::EPOLLIN, accept)
}

/// Serves on this thread whoever comes by the source `new`, until `accept` says that no more will come and
/// all have gone. `watch` says how to wait for them.
pub fn run(
    new: impl AsFd,
    watch: EpollFlags,
    mut accept: impl FnMut() -> io::Result<Connection>,
) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut connections = Connections::none();
    let mut door = Door::Closed(Instant::now());
    let mut buffer = [0; BUFFER];
    let mut events = [EpollEvent::empty(); 512];
    while connections.open > 0 || !matches!(door, Door::Shut) {
        if matches!(door, Door::Closed(until) if until <= Instant::now()) {
            epoll.add(&new, EpollEvent::new(watch, LISTENER))?;
            door = Door::Open;
        }
        let timeout = match door {
            Door::Closed(_) => EpollTimeout::try_from(PAUSE).unwrap_or(EpollTimeout::ZERO),
            Door::Open | Door::Shut => EpollTimeout::NONE,
        };
        let ready = match epoll.wait(&mut events, timeout) {
            Err(Errno::EINTR) => continue,
            ready => ready?,
        };
        for event in &events[..ready] {
            match event.data() {
                LISTENER => door = connections.accept_all(&new, &mut accept, &epoll)?,
                descriptor => connections.turn(descriptor as usize, &epoll, &mut buffer),
            }
        }
    }
    Ok(())
}

/// Whether the loop watches the listener: not while the kernel is out of descriptors, nor after QUIT.
enum Door {
    Open,
    Closed(Instant),
    Shut,
}

struct Connections {
    /// Indexed by descriptor.
    table: Vec<Option<Connection>>,
    open: usize,
}

impl Connections {
    fn none() -> Self {
        Connections {
            table: Vec::new(),
            open: 0,
        }
    }

    fn accept_all(
        &mut self,
        new: impl AsFd,
        accept: &mut impl FnMut() -> io::Result<Connection>,
        epoll: &Epoll,
    ) -> io::Result<Door> {
        let door = loop {
            match accept() {
                Ok(connection) => self.add(connection, epoll),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Door::Open),
                Err(error) => match refusal(&error) {
                    Refusal::Retry => {}
                    Refusal::Ended => break Door::Shut,
                    Refusal::Exhausted => break Door::Closed(Instant::now() + PAUSE),
                },
            }
        };
        // Level-triggered: a listener that cannot be served would be reported again and again.
        epoll.delete(new)?;
        Ok(door)
    }

    fn add(&mut self, connection: Connection, epoll: &Epoll) {
        let at = connection.descriptor();
        let readable = EpollEvent::new(EpollFlags::EPOLLIN, at as u64);
        // Out of kernel memory: dropping the connection ends this one and no other.
        if epoll.add(&connection, readable).is_ok() {
            let length = self.table.len().max(at + 1);
            self.table.resize_with(length, || None);
            self.table[at] = Some(connection);
            self.open += 1;
        }
    }

    fn turn(&mut self, at: usize, epoll: &Epoll, buffer: &mut [u8]) {
        let Some(Some(connection)) = self.table.get_mut(at) else {
            return;
        };
        let wanted = connection.wants();
        let ended = connection.turn(buffer).is_err();
        let wants = connection.wants();
        if ended || (wants != wanted && watch(epoll, connection, wants).is_err()) {
            // Closing the descriptor takes it out of epoll, too.
            self.table[at] = None;
            self.open -= 1;
        }
    }
}

/// Waits for one thing at a time: a client that is behind is not read.
fn watch(epoll: &Epoll, connection: &Connection, wants: Wants) -> nix::Result<()> {
    let flags = match wants {
        Wants::Read => EpollFlags::EPOLLIN,
        Wants::Write => EpollFlags::EPOLLOUT,
    };
    let mut event = EpollEvent::new(flags, connection.descriptor() as u64);
    epoll.modify(connection, &mut event)
}
