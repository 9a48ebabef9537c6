//! Where the connections of a pool are while no thread serves them: at rest until something happens to them,
//! or ready, in a queue, until a worker takes them.
//!
//! A connection at rest is armed for one event (EPOLLONESHOT), so two threads never have it. It pays a lock
//! for each of its ways, and wakes a worker only if one sleeps.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::listen::{Refusal, refusal};
use crate::nonblocking::{Connection, Wants};
use crate::patience::PAUSE;
use crate::work::Service;

/// What events carry instead of a descriptor.
const LISTENER: u64 = u64::MAX;
const LAST_GONE: u64 = u64::MAX - 1;

/// Shared by a dispatcher and its workers.
pub struct Hall<'a> {
    listener: &'a TcpListener,
    service: &'static Service,
    epoll: Epoll,
    seats: Mutex<Seats>,
    some_ready: Condvar,
    last_gone: EventFd,
}

#[derive(Default)]
struct Seats {
    /// By descriptor.
    resting: Vec<Option<Connection>>,
    ready: VecDeque<Connection>,
    open: usize,
    idle_workers: usize,
    /// Nobody more comes.
    shut: bool,
    closed: bool,
}

impl<'a> Hall<'a> {
    /// An empty one, for those who come to `listener`.
    ///
    /// # Errors
    /// Those of `epoll_create1` and `eventfd`.
    pub fn of(listener: &'a TcpListener, service: &'static Service) -> io::Result<Self> {
        let hall = Hall {
            listener,
            service,
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            seats: Mutex::default(),
            some_ready: Condvar::new(),
            last_gone: EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?,
        };
        let last = EpollEvent::new(EpollFlags::EPOLLIN, LAST_GONE);
        hall.epoll.add(&hall.last_gone, last)?;
        Ok(hall)
    }

    /// Lets connections in and calls those that are ready, until QUIT has ended the last.
    ///
    /// # Errors
    /// Those of `epoll_wait` and `epoll_ctl`.
    pub fn dispatch(&self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 512];
        let mut opens = Some(Instant::now());
        while !self.is_over() {
            if opens.is_some_and(|at| at <= Instant::now()) {
                let knock = EpollEvent::new(EpollFlags::EPOLLIN, LISTENER);
                self.epoll.add(self.listener, knock)?;
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
                    LISTENER => opens = self.let_in(&mut seats)?,
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

    /// Sends the workers home.
    pub fn close(&self) {
        self.lock().closed = true;
        self.some_ready.notify_all();
    }

    /// The next connection with something to do, or `None` once the hall is closed.
    pub fn next_ready(&self) -> Option<Connection> {
        let mut seats = self.lock();
        loop {
            if let Some(connection) = seats.ready.pop_front() {
                return Some(connection);
            }
            if seats.closed {
                return None;
            }
            seats.idle_workers += 1;
            let woken = self.some_ready.wait(seats);
            seats = woken.unwrap_or_else(PoisonError::into_inner);
            seats.idle_workers -= 1;
        }
    }

    /// Lets a connection rest until something happens to it.
    pub fn seat(&self, connection: Connection) {
        let at = connection.descriptor();
        let flags = match connection.wants() {
            Wants::Read => EpollFlags::EPOLLIN,
            Wants::Write => EpollFlags::EPOLLOUT,
        };
        let mut event = EpollEvent::new(flags | EpollFlags::EPOLLONESHOT, at as u64);
        // Under the lock: whoever hears of its next event finds it seated.
        let mut seats = self.lock();
        match self.epoll.modify(&connection, &mut event) {
            Ok(()) => seats.resting[at] = Some(connection),
            Err(_) => {
                drop(seats);
                self.see_off(connection);
            }
        }
    }

    /// Ends a connection.
    pub fn see_off(&self, connection: Connection) {
        drop(connection);
        let mut seats = self.lock();
        seats.open -= 1;
        if seats.shut && seats.open == 0 {
            // It can only be full, and then the dispatcher is woken, too.
            let _ = self.last_gone.write(1);
        }
    }

    /// Seats all who wait; says when to look again if the kernel is out of something.
    fn let_in(&self, seats: &mut Seats) -> io::Result<Option<Instant>> {
        loop {
            let refusal = match Connection::accept(self.listener, self.service) {
                Ok(connection) => {
                    self.let_one_in(connection, seats);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => refusal(&error),
            };
            if !matches!(refusal, Refusal::Retry) {
                // Level-triggered: a listener that cannot be served would be reported again and again.
                self.epoll.delete(self.listener)?;
                seats.shut = matches!(refusal, Refusal::Ended);
                return Ok((!seats.shut).then(|| Instant::now() + PAUSE));
            }
        }
    }

    fn let_one_in(&self, connection: Connection, seats: &mut Seats) {
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
    }

    fn is_over(&self) -> bool {
        let seats = self.lock();
        seats.shut && seats.open == 0
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
