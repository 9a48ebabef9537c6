//! A master: one process that accepts for all, and gives each connection to a worker that is free.
//!
//! It waits for the listener only while somebody is free: those who cannot be served stay in the kernel's
//! backlog, in the order of their coming. Two sets of descriptors instead of one, so that this costs no
//! system call: one with the listener, one without.
//!
//! After QUIT the workers' channels are closed; they finish what they have.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::unistd::Pid;

use crate::channel::Channel;
use crate::crew::{self, Crew};
use crate::handover::{Giver, Heard, Taker};
use crate::listen::{Refusal, refusal};
use crate::models::Server;
use crate::patience::{self, PAUSE};
use crate::signals;

/// A worker that would take a connection.
pub struct Free {
    /// Its place among the workers.
    pub place: usize,
    /// When it was given the last one, counted in connections.
    pub since: u64,
}

/// Who of the free workers, in the order of their places, gets a connection.
pub type Choice<'a> = &'a dyn Fn(&mut dyn Iterator<Item = Free>) -> Option<Free>;

/// What differs between masters.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// Who gets the next connection.
    pub choose: Choice<'a>,
    /// How it is accepted: blocking or not, that goes with it.
    pub accept: fn(&TcpListener) -> io::Result<TcpStream>,
    /// What a worker does with those that it takes.
    pub work: &'a dyn Fn(&Taker),
}

const LISTENER: u64 = u64::MAX;
const CREW: u64 = u64::MAX - 1;

struct Master<'a> {
    rules: Rules<'a>,
    listener: Option<TcpListener>,
    /// By place: the worker, and when it was given something.
    workers: Vec<Option<(Giver, u64)>>,
    given: u64,
    /// Accepted, and to be given again.
    back: VecDeque<OwnedFd>,
    /// Whether the listener has been reported.
    knocks: bool,
    /// Out of descriptors: nobody is accepted, and nothing given, until then.
    rests: Option<Instant>,
    with_listener: Epoll,
    without: Epoll,
}

/// Serves with `workers` processes by `rules`.
///
/// # Errors
/// When the address cannot be had, or there is no room for the descriptors.
pub fn serve(server: &Server, rules: Rules<'_>) -> io::Result<()> {
    let listener = server.listen()?.into_nonblocking()?;
    let mut crew = Crew::of(server.workers)?;
    let epoll = || Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC);
    let (with_listener, without) = (epoll()?, epoll()?);
    with_listener.add(&listener, readable(LISTENER))?;
    for waits in [&with_listener, &without] {
        waits.add(&crew, readable(CREW))?;
    }
    let mut master = Master {
        rules,
        listener: Some(listener),
        workers: (0..server.workers).map(|_| None).collect(),
        given: 0,
        back: VecDeque::new(),
        knocks: false,
        rests: None,
        with_listener,
        without,
    };
    while crew.tend(|place| master.hire(place))? {
        while !master.turn()? {}
    }
    Ok(())
}

impl Master<'_> {
    /// Starts the worker of a place; what the one before it had not answered for is given again.
    fn hire(&mut self, place: usize) -> io::Result<Pid> {
        self.dismiss(place);
        let (ours, theirs) = Channel::pair()?;
        for waits in [&self.with_listener, &self.without] {
            waits.add(&ours, readable(place as u64))?;
        }
        let worker = crew::start(place, || {
            // A worker that kept the master's descriptors would keep clients and other workers waiting.
            self.workers.clear();
            self.back.clear();
            self.listener = None;
            (self.rules.work)(&Taker::new(theirs));
        })?;
        self.workers[place] = Some((Giver::new(ours), self.given));
        Ok(worker)
    }

    fn dismiss(&mut self, place: usize) {
        let gone = self.workers[place].take();
        self.back
            .extend(gone.and_then(|(worker, _)| worker.rescue()));
    }

    /// Gives what there is, and waits for more; true when the crew wants to be tended.
    fn turn(&mut self) -> io::Result<bool> {
        self.rests = self.rests.filter(|until| *until > Instant::now());
        while self.rests.is_none() && self.give() {}
        if signals::quitting() && self.back.is_empty() {
            self.listener = None;
            self.workers
                .iter()
                .flatten()
                .for_each(|(worker, _)| worker.close());
        }
        let opens = self.rests.is_none() && self.listener.is_some() && self.choose().is_some();
        let waits = if opens {
            &self.with_listener
        } else {
            &self.without
        };
        let timeout = match self.rests {
            Some(_) => EpollTimeout::try_from(PAUSE).unwrap_or(EpollTimeout::ZERO),
            None => EpollTimeout::NONE,
        };
        let mut events = [EpollEvent::empty(); 64];
        let ready = match waits.wait(&mut events, timeout) {
            Err(Errno::EINTR) => return Ok(signals::quitting()),
            ready => ready?,
        };
        let mut news = false;
        for event in &events[..ready] {
            match event.data() {
                CREW => news = true,
                LISTENER => self.knocks = true,
                place => self.hear(place as usize),
            }
        }
        Ok(news)
    }

    /// Gives one connection to one worker; false when either is missing.
    fn give(&mut self) -> bool {
        let Some(Free { place, .. }) = self.choose() else {
            return false;
        };
        let Some(connection) = self.back.pop_front().or_else(|| self.accept()) else {
            return false;
        };
        self.given += 1;
        let Some((worker, since)) = &mut self.workers[place] else {
            return false;
        };
        *since = self.given;
        if let Err((connection, error)) = worker.pass(connection) {
            // The worker is gone, or this user has too much on the way: it goes first next time.
            self.back.push_front(connection);
            if worker.is_free() {
                patience::say_once("pass a connection", &error);
                self.rests = Some(Instant::now() + PAUSE);
            }
        }
        true
    }

    fn choose(&self) -> Option<Free> {
        let free = |(place, worker): (usize, &Option<(Giver, u64)>)| match worker {
            Some((worker, since)) if worker.is_free() => Some(Free {
                place,
                since: *since,
            }),
            _ => None,
        };
        (self.rules.choose)(&mut self.workers.iter().enumerate().filter_map(free))
    }

    fn accept(&mut self) -> Option<OwnedFd> {
        if !std::mem::take(&mut self.knocks) {
            return None;
        }
        let error = match (self.rules.accept)(self.listener.as_ref()?) {
            Ok(stream) => return Some(stream.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(error) => error,
        };
        match refusal(&error) {
            Refusal::Retry => {}
            Refusal::Ended => self.listener = None,
            Refusal::Exhausted => self.rests = Some(Instant::now() + PAUSE),
        }
        None
    }

    fn hear(&mut self, place: usize) {
        match self.workers[place]
            .as_mut()
            .map(|(worker, _)| worker.hear())
        {
            Some(Heard::Back(connection)) => self.back.push_back(connection),
            Some(Heard::Gone) => self.dismiss(place),
            Some(Heard::Answer | Heard::Nothing) | None => {}
        }
    }
}

fn readable(what: u64) -> EpollEvent {
    EpollEvent::new(EpollFlags::EPOLLIN, what)
}
