//! Thread pool with a dispatcher: one thread waits for all, workers take what is ready, a request at a time
//! (half-sync/half-async; Java's NIO servers).
//!
//! ```text
//!                                                        ┌─► worker: recv → send ─┐
//! epoll_wait: who is ready? ──► [ ready connections ] ───┼─► worker: recv → send ─┤
//!    ▲       │                                           └─► worker: recv → send ─┤
//!    │       └─ listener: accept all ─► resting ◄──────────────────────────────── ┘
//!    └───────────────────────────────────── armed again (one-shot: one event, one worker)
//! ```
//!
//! A worker owns a connection for one request, not for its life: N threads serve any number of clients, and
//! a request that blocks stops one worker of N. It pays for each request what a pool pays for each
//! connection: a lock, a wake-up, a switch to the worker, and the arming. It ends when all N are blocked.
//!
//! System calls: a request is `recvfrom`, `sendto`, `epoll_ctl`, a share of an `epoll_wait`, and a `futex`
//! when a worker sleeps. A connection is `accept4`, `epoll_ctl`, `close`.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::Server;
use crate::echo::BUFFER;
use crate::listen::{Refusal, refusal};
use crate::nonblocking::{Connection, Wants};
use crate::patience::{PAUSE, patiently};
use crate::work::Service;

/// What events carry instead of a descriptor.
const LISTENER: u64 = u64::MAX;
const LAST_GONE: u64 = u64::MAX - 1;

/// Serves with `workers` threads, and this one to dispatch.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?.into_nonblocking()?;
    let hall = &Hall {
        epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
        seats: Mutex::default(),
        some_ready: Condvar::new(),
        last_gone: EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?,
    };
    hall.epoll.add(
        &hall.last_gone,
        EpollEvent::new(EpollFlags::EPOLLIN, LAST_GONE),
    )?;
    thread::scope(|pool| {
        for _ in 0..server.workers {
            patiently("start a worker thread", || {
                let worker = thread::Builder::new().stack_size(server.stack);
                worker.spawn_scoped(pool, || hall.work())
            });
        }
        let dispatched = hall.dispatch(&listener, &server.service);
        hall.lock().closed = true;
        hall.some_ready.notify_all();
        dispatched
    })
}

/// Where connections are while nobody serves them.
struct Hall {
    epoll: Epoll,
    seats: Mutex<Seats>,
    some_ready: Condvar,
    last_gone: EventFd,
}

#[derive(Default)]
struct Seats {
    /// By descriptor: those that wait for their clients.
    resting: Vec<Option<Connection>>,
    ready: VecDeque<Connection>,
    open: usize,
    idle_workers: usize,
    /// Nobody more is accepted; nothing more will be ready.
    shut: bool,
    closed: bool,
}

impl Hall {
    fn dispatch(&self, listener: &TcpListener, service: &'static Service) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 512];
        let mut opens = Some(Instant::now());
        while !self.is_over() {
            if opens.is_some_and(|at| at <= Instant::now()) {
                self.epoll
                    .add(listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
                opens = None;
            }
            let pause = EpollTimeout::try_from(PAUSE).unwrap_or(EpollTimeout::ZERO);
            let timeout = opens.map_or(EpollTimeout::NONE, |_| pause);
            let ready = match self.epoll.wait(&mut events, timeout) {
                Err(Errno::EINTR) => continue,
                ready => ready?,
            };
            let mut seats = self.lock();
            for event in &events[..ready] {
                match event.data() {
                    LISTENER => opens = self.accept_all(listener, service, &mut seats)?,
                    LAST_GONE => {}
                    at => {
                        let connection = seats.resting[at as usize].take();
                        seats.ready.extend(connection);
                    }
                }
            }
            let wanted = seats.ready.len().min(seats.idle_workers);
            drop(seats);
            (0..wanted).for_each(|_| self.some_ready.notify_one());
        }
        Ok(())
    }

    /// Seats all who wait; returns when to look again if the kernel is out of something.
    fn accept_all(
        &self,
        listener: &TcpListener,
        service: &'static Service,
        seats: &mut Seats,
    ) -> io::Result<Option<Instant>> {
        loop {
            let error = match Connection::accept(listener, service) {
                Ok(connection) => {
                    let at = connection.descriptor();
                    let once = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT;
                    // Out of kernel memory: dropping the connection ends this one and no other.
                    if self
                        .epoll
                        .add(&connection, EpollEvent::new(once, at as u64))
                        .is_ok()
                    {
                        let length = seats.resting.len().max(at + 1);
                        seats.resting.resize_with(length, || None);
                        seats.resting[at] = Some(connection);
                        seats.open += 1;
                    }
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => refusal(&error),
            };
            let Refusal::Retry = error else {
                self.epoll.delete(listener)?;
                seats.shut = matches!(error, Refusal::Ended);
                return Ok((!seats.shut).then(|| Instant::now() + PAUSE));
            };
        }
    }

    fn work(&self) {
        let mut buffer = [0; BUFFER];
        let mut seats = self.lock();
        loop {
            let Some(mut connection) = seats.ready.pop_front() else {
                if seats.closed {
                    return;
                }
                seats.idle_workers += 1;
                seats = self
                    .some_ready
                    .wait(seats)
                    .unwrap_or_else(PoisonError::into_inner);
                seats.idle_workers -= 1;
                continue;
            };
            drop(seats);
            let ended = connection.turn(&mut buffer).is_err();
            seats = self.lock();
            // Under the lock: whoever hears of the next event finds the connection seated.
            if ended || self.arm(&connection).is_err() {
                drop(connection);
                seats.open -= 1;
                if seats.shut && seats.open == 0 {
                    let _ = self.last_gone.write(1);
                }
            } else {
                let at = connection.descriptor();
                seats.resting[at] = Some(connection);
            }
        }
    }

    fn arm(&self, connection: &Connection) -> nix::Result<()> {
        let flags = match connection.wants() {
            Wants::Read => EpollFlags::EPOLLIN,
            Wants::Write => EpollFlags::EPOLLOUT,
        };
        let at = connection.descriptor() as u64;
        let mut event = EpollEvent::new(flags | EpollFlags::EPOLLONESHOT, at);
        self.epoll.modify(connection, &mut event)
    }

    fn is_over(&self) -> bool {
        let seats = self.lock();
        seats.shut && seats.open == 0
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
