//! A lane: one thread's part of one target's connections, and their load.
//!
//! Closed loop: each reply is answered by the next request, at once or after a pause. Open loop: requests
//! are due by a schedule; one that finds no free connection waits, timed from when it was due. After the end
//! no request is begun, and those under way are awaited.
//!
//! It pays, for a round trip: one recv, one send, one clock reading, one histogram entry, and its share of
//! an epoll_wait.
//!
//! | what | where |
//! |---|---|
//! | connections that come and are answered once | `arriving` |
//! | sockets, opened and watched | `sockets` |
//! | what fails | `failing` |

mod arriving;
mod failing;
mod sockets;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use hdrhistogram::Histogram;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use record::histogram::coarse_latencies;
use record::{Encoded, Pace, Workload};

use super::clock::now_ns;
use super::connection::{Connection, Sent};
use super::flights::Flight;
use super::plan::LoadPlan;
use super::pool::Pool;
use super::recorder::Recorder;
use super::schedule::Share;
use crate::protocol::{OfConnection, Tally};
use crate::sys;

/// Events taken by one epoll_wait(2).
const EVENTS: usize = 512;
/// The other side has ended, or the connection was lost.
const ENDED: EpollFlags = EpollFlags::EPOLLRDHUP
    .union(EpollFlags::EPOLLHUP)
    .union(EpollFlags::EPOLLERR);

/// How a connection came to be (crr).
#[derive(Clone, Copy, Debug, Default)]
struct Handshake {
    opened_ns: u64,
    connected_ns: u64,
    /// Requests that are answered since.
    answered: u32,
}

/// One thread's part of a target.
#[derive(Debug)]
pub struct Lane {
    /// What is loaded.
    pub plan: LoadPlan,
    /// What is recorded.
    pub recorder: Recorder,
    /// Everything since the first echo.
    pub tally: Tally,
    /// Requests under way.
    pub busy: usize,
    /// No request is begun from this instant on.
    pub closes_ns: u64,
    /// Requests that may still be begun in a closed loop.
    pub budget: u64,
    /// Open loop: who is free, and what waits.
    pub pool: Pool,
    /// What happens later: when, to which connection; the soonest first.
    pub later: BinaryHeap<Reverse<(u64, u32)>>,
    epoll: Epoll,
    connections: Vec<Connection>,
    /// One a connection under crr, else none.
    handshakes: Vec<Handshake>,
    /// Service time of each connection's replies that count, where that is asked for; else none.
    each: Vec<Histogram<u64>>,
    opened: u32,
    /// Its part of the plan's `enough`.
    enough: Option<u64>,
    /// Who was lost at least once after its first answer.
    hit: BTreeSet<usize>,
    last_answer_ns: u64,
    /// Who has not arrived by then is unserved.
    arrived_by_ns: u64,
    events: Vec<EpollEvent>,
}

impl Lane {
    /// The part `share` of a plan, with no connection open yet.
    ///
    /// # Errors
    /// When epoll_create1(2) is refused.
    pub fn new(plan: &LoadPlan, share: Share) -> nix::Result<Self> {
        let own = share.part(u64::from(plan.connections));
        let number =
            |n: u64| plan.first_connection + n * u64::from(share.of) + u64::from(share.index);
        Ok(Lane {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            connections: (0..own).map(|n| Connection::new(number(n))).collect(),
            handshakes: match plan.workload {
                Workload::Crr => vec![Handshake::default(); own as usize],
                _ => Vec::new(),
            },
            each: match plan.by_connection {
                true => vec![coarse_latencies(); own as usize],
                false => Vec::new(),
            },
            recorder: Recorder::new(plan),
            tally: Tally::default(),
            busy: 0,
            closes_ns: 0,
            budget: u64::MAX,
            pool: Pool::default(),
            later: BinaryHeap::new(),
            opened: share.index,
            enough: plan.enough.map(|clients| share.part(u64::from(clients))),
            hit: BTreeSet::new(),
            last_answer_ns: 0,
            arrived_by_ns: 0,
            events: vec![EpollEvent::empty(); EVENTS],
            plan: plan.clone(),
        })
    }

    /// Connections that take part in the load.
    pub fn served(&self) -> u32 {
        self.connections
            .iter()
            .filter(|connection| connection.served)
            .count() as u32
    }

    /// Connections that are its part of the plan.
    pub fn asked(&self) -> u32 {
        self.connections.len() as u32
    }

    /// How each connection that still stands was served, where that was asked for.
    pub fn by_connection(&self) -> Vec<OfConnection> {
        let each = self.connections.iter().zip(&self.each);
        let of = |(connection, service): (&Connection, &Histogram<u64>)| {
            Some(OfConnection {
                local: connection.local()?,
                service: Encoded::new(service),
            })
        };
        each.filter_map(of).collect()
    }

    /// Indices of the connections that take part.
    pub fn members(&self) -> impl Iterator<Item = usize> + use<> {
        let served: Vec<usize> = (0..self.connections.len())
            .filter(|&index| self.connections[index].served)
            .collect();
        served.into_iter()
    }

    /// Waits at most `patience_ns` for events and deals with them; false when there were none.
    #[inline]
    pub fn turn(&mut self, patience_ns: u64, buffer: &mut [u8]) -> bool {
        let mut events = std::mem::take(&mut self.events);
        let count = sys::epoll_wait(&self.epoll, &mut events, patience_ns);
        for event in &events[..count] {
            self.deal_with(event.data() as usize, event.events(), buffer);
        }
        self.events = events;
        count > 0
    }

    #[inline]
    fn deal_with(&mut self, index: usize, events: EpollFlags, buffer: &mut [u8]) {
        if events.contains(EpollFlags::EPOLLOUT) && self.connections[index].wants_room {
            self.resume_sending(index, buffer);
        }
        // Told once (edge-triggered): an end that has come with the last bytes is to be found behind them.
        let ended = events.intersects(ENDED);
        let mut more = ended || events.contains(EpollFlags::EPOLLIN);
        while more && self.connections[index].socket.is_some() {
            match self.connections[index].receive(self.plan.message, buffer) {
                Ok(received) => {
                    more = received.more || ended && received.bytes > 0;
                    if received.replies > 0 {
                        self.complete(index, received.replies, buffer);
                        // What is answered is answered: its end is told again, and found in another turn.
                        if ended && self.connections[index].flights.is_empty() {
                            return self.watch(index, false);
                        }
                    }
                }
                Err(failure) => return self.fail(index, failure),
            }
        }
    }

    /// Replies are complete: records them, and begins what follows them.
    #[inline]
    fn complete(&mut self, index: usize, replies: u32, buffer: &mut [u8]) {
        let now = now_ns();
        self.last_answer_ns = now;
        for _ in 0..replies {
            let connection = &mut self.connections[index];
            let Some(flight) = connection.flights.take_oldest() else {
                return;
            };
            connection.served = true;
            self.busy -= 1;
            self.tally.requests.ok += 1;
            let connect_ns = self.count_answer(index);
            let counts = self.recorder.answered(flight, connect_ns, now);
            if counts && let Some(own) = self.each.get_mut(index) {
                own.saturating_record(now - flight.sent_ns);
            }
            self.follow(index, now);
        }
        self.flush(index, buffer);
    }

    /// How long it took to connect, with the first answer of each socket (crr).
    #[inline]
    fn count_answer(&mut self, index: usize) -> Option<u64> {
        let handshake = self.handshakes.get_mut(index)?;
        handshake.answered += 1;
        (handshake.answered == 1).then(|| handshake.connected_ns - handshake.opened_ns)
    }

    /// What follows a reply: the next request in a closed loop, a free connection in an open one.
    #[inline]
    fn follow(&mut self, index: usize, now: u64) {
        let handshake = self.handshakes.get(index);
        if handshake.is_some_and(|it| it.answered >= self.plan.per_connection) {
            self.connections[index].close();
        }
        if self.plan.pace != Pace::Closed {
            if let Some(due) = self.pool.freed(index as u32) {
                self.begin(index, due);
            }
        } else if now < self.closes_ns {
            if self.plan.think.is_zero() {
                self.begin_within_budget(index, now);
            } else {
                self.schedule(index, now + self.plan.think.as_nanos() as u64);
            }
        }
    }

    /// Gives a connection the time of its next request, unless it has one.
    fn schedule(&mut self, index: usize, when_ns: u64) {
        if !std::mem::replace(&mut self.connections[index].scheduled, true) {
            self.later.push(Reverse((when_ns, index as u32)));
        }
    }

    /// Closed loop: begins as many requests on each connection as may be on their way.
    pub fn begin_all(&mut self, due_ns: u64, buffer: &mut [u8]) {
        if self.plan.pace != Pace::Closed || self.plan.workload == Workload::Idle {
            return;
        }
        for index in self.members() {
            for _ in 0..self.plan.depth {
                self.begin_within_budget(index, due_ns.max(now_ns()));
            }
            self.flush(index, buffer);
        }
    }

    /// Begins a closed-loop request, unless as many as were asked for have been begun.
    #[inline]
    pub fn begin_within_budget(&mut self, index: usize, due: u64) {
        if self.budget > 0 {
            self.budget -= 1;
            self.begin(index, due);
        }
    }

    /// Begins a request; nothing is sent before [`Lane::flush`]. One whose connection cannot be opened fails.
    #[inline]
    pub fn begin(&mut self, index: usize, due_ns: u64) {
        self.tally.requests.sent += 1;
        self.recorder.begun(due_ns);
        self.busy += 1;
        // In a closed loop a request is sent when it is due: both are the last reply's arrival.
        let sent_ns = if self.plan.pace == Pace::Closed {
            due_ns
        } else {
            now_ns()
        };
        self.connections[index].begin(Flight { due_ns, sent_ns });
        if self.connections[index].socket.is_none() {
            self.open_one(index, sent_ns);
        }
    }

    /// Sends what was begun on a connection.
    #[inline]
    pub fn flush(&mut self, index: usize, buffer: &mut [u8]) {
        let connection = &mut self.connections[index];
        if connection.flights.is_empty() || connection.wants_room {
            return;
        }
        match connection.send(self.plan.message, buffer) {
            Ok(Sent::All) => {}
            Ok(Sent::Part) => self.watch(index, true),
            Err(failure) => self.fail(index, failure),
        }
    }

    /// Takes up a connection at its time: a client has thought, or a lost connection is opened anew.
    pub fn take_up(&mut self, index: usize, now: u64, buffer: &mut [u8]) {
        self.connections[index].scheduled = false;
        if self.plan.pace != Pace::Closed {
            if let Some(due) = self.pool.freed(index as u32) {
                self.begin(index, due);
            }
        } else if now < self.closes_ns {
            for _ in self.connections[index].flights.len()..self.plan.depth as usize {
                self.begin_within_budget(index, now);
            }
        }
        self.flush(index, buffer);
    }

    /// The load is over: nothing is to be taken up any more.
    pub fn forget_later(&mut self) {
        for Reverse((_, index)) in self.later.drain() {
            self.connections[index as usize].scheduled = false;
        }
    }
}
