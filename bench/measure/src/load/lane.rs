//! A lane: one target's connections, loaded in stretches, closed loop. While a stretch lasts, each reply is
//! answered by the next request; after its end no request is begun, and those under way are awaited.
//!
//! It pays, for a round trip: one recv, one send, one clock reading, one histogram entry, and its share of
//! an epoll_wait. It ends where rates begin: it does not know when a request *should* be sent.

use std::net::{Ipv4Addr, SocketAddrV4};

use hdrhistogram::Histogram;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use record::Encoded;
use record::histogram::{LATENCY_MAX_NS, latencies};
use record::{Slice, Workload};

use super::clock::{now_ns, thread_cpu_ns};
use super::connection::{Connection, Failure, Progress};
use crate::protocol::{Measured, Tally, Target};

/// Events taken by one epoll_wait(2).
const EVENTS: usize = 512;
/// Connections that may be waiting for their first answer before the next is opened: no accept queue,
/// not even that of a server which listens with a backlog of 100, is flooded by our arriving.
const ARRIVING: usize = 64;
/// Without any answer for so long, the next may arrive all the same.
const STALL_NS: u64 = 50_000_000;
/// Nobody's first answer for so long: who has none is unserved. Also the patience after a stretch's end.
pub const PATIENCE_NS: u64 = 1_000_000_000;
/// crr spreads its clients over 127.0.1.1 … 127.0.1.8, each with its own 28,000 ports.
const SOURCES: u32 = 8;

/// When replies count, and until when requests are begun.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    count_from_ns: u64,
    end_ns: u64,
    /// Whether replies between the two are recorded.
    measured: bool,
}

/// No request is begun any more.
const OVER: Stretch = Stretch {
    count_from_ns: 0,
    end_ns: 0,
    measured: false,
};

/// One target and everything that is known of its load.
#[derive(Debug)]
pub struct Lane {
    target: Target,
    epoll: Epoll,
    connections: Vec<Connection>,
    opened: u32,
    busy: usize,
    last_answer_ns: u64,
    counted: u64,
    tally: Tally,
    measured: Measured,
    service: Histogram<u64>,
    response: Option<Histogram<u64>>,
    connect: Option<Histogram<u64>>,
}

impl Lane {
    /// A lane with no connection open yet.
    ///
    /// # Errors
    /// When epoll_create1(2) is refused.
    pub fn new(target: Target) -> nix::Result<Self> {
        let crr = target.workload == Workload::Crr;
        Ok(Lane {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            connections: (0..u64::from(target.connections))
                .map(|n| Connection::new(target.first_connection + n))
                .collect(),
            opened: 0,
            busy: 0,
            last_answer_ns: 0,
            counted: 0,
            tally: Tally::default(),
            measured: Measured::default(),
            service: latencies(),
            response: crr.then(latencies),
            connect: crr.then(latencies),
            target,
        })
    }

    /// Opens all connections and sends each one's first request, not too many at a time.
    pub fn open(&mut self, buffer: &mut [u8]) {
        let mut arriving = ARRIVING;
        self.last_answer_ns = now_ns();
        for index in 0..self.connections.len() {
            let before = self.tally.requests.ok;
            if self.busy >= arriving
                && !self.turn(&OVER, STALL_NS, buffer)
                && self.tally.requests.ok == before
            {
                arriving += ARRIVING;
            }
            if self.target.workload != Workload::Crr {
                self.open_one(index);
            }
            if self.target.workload == Workload::Crr || self.connections[index].socket.is_some() {
                self.begin(index, now_ns(), buffer);
            }
        }
    }

    /// Waits for the first answers. Who has none when nobody got one for a second is unserved: it stays
    /// open and silent, and is no part of the load.
    pub fn settle(&mut self, buffer: &mut [u8]) {
        while self.busy > 0 {
            let left = (self.last_answer_ns + PATIENCE_NS).saturating_sub(now_ns());
            let before = self.tally.requests.ok;
            self.turn(&OVER, left, buffer);
            if left == 0 && self.tally.requests.ok == before {
                break;
            }
        }
        for connection in self
            .connections
            .iter_mut()
            .filter(|connection| connection.busy)
        {
            connection.busy = false;
            if let Some(socket) = &connection.socket {
                // It stays open, but what it may still say is nothing to us.
                let _ = self.epoll.delete(socket);
            }
            *self
                .tally
                .requests
                .errors
                .entry("unserved".to_owned())
                .or_default() += 1;
        }
        self.busy = 0;
    }

    /// Loads the target for `length_ns`; a measured stretch is a slice and is kept, `origin_ns` being the
    /// instant from which its start is told.
    pub fn stretch(&mut self, length_ns: u64, measured_since: Option<u64>, buffer: &mut [u8]) {
        let cpu_before = thread_cpu_ns();
        let (replies_before, start_ns) = (self.tally.requests.ok, now_ns());
        let stretch = Stretch {
            count_from_ns: start_ns + length_ns / 10,
            end_ns: start_ns + length_ns,
            measured: measured_since.is_some(),
        };
        self.counted = 0;
        for index in 0..self.connections.len() {
            if self.connections[index].served {
                self.begin(index, now_ns(), buffer);
            }
        }
        while self.busy > 0 {
            let left = (stretch.end_ns + PATIENCE_NS).saturating_sub(now_ns());
            if left == 0 {
                self.give_up();
            } else {
                self.turn(&stretch, left, buffer);
            }
        }
        if let Some(origin_ns) = measured_since {
            let generator_cpu_ns = thread_cpu_ns() - cpu_before;
            self.measured.slices.push(Slice {
                start_ns: start_ns - origin_ns,
                length_ns: stretch.end_ns - stretch.count_from_ns,
                replies: self.counted,
                generator_cpu_ns,
            });
            self.measured.generator.cpu_ns += generator_cpu_ns;
            self.measured.generator.replies += self.tally.requests.ok - replies_before;
            self.measured.generator.loaded_ns += now_ns() - start_ns;
        }
    }

    /// How the target stands.
    pub fn tally(&self) -> Tally {
        let served = self
            .connections
            .iter()
            .filter(|connection| connection.served)
            .count();
        Tally {
            served: served as u32,
            ..self.tally.clone()
        }
    }

    /// Closes every connection, the client first, and says what was measured.
    pub fn close(mut self) -> Measured {
        self.measured.tally = self.tally();
        for connection in &mut self.connections {
            connection.socket = None;
        }
        if !self.measured.slices.is_empty() {
            self.measured.service = Some(Encoded::new(&self.service));
            self.measured.response = self.response.as_ref().map(Encoded::new);
            self.measured.connect = self.connect.as_ref().map(Encoded::new);
        }
        self.measured.generator.threads = 1;
        self.measured.generator.sources = match self.target.workload {
            Workload::Crr => "127.0.1.1-8, the client closes first",
            Workload::Rr | Workload::Idle => "127.0.0.1, the client closes first",
        }
        .to_owned();
        self.measured
    }

    /// Waits at most `patience_ns` for events and deals with them; false when there were none.
    #[inline]
    fn turn(&mut self, stretch: &Stretch, patience_ns: u64, buffer: &mut [u8]) -> bool {
        let mut events = [EpollEvent::empty(); EVENTS];
        let millis = u16::try_from(patience_ns.div_ceil(1_000_000)).unwrap_or(u16::MAX);
        let count = self
            .epoll
            .wait(&mut events, EpollTimeout::from(millis))
            .unwrap_or(0);
        for event in &events[..count] {
            self.deal_with(event.data() as usize, event.events(), stretch, buffer);
        }
        count > 0
    }

    #[inline]
    fn deal_with(
        &mut self,
        index: usize,
        events: EpollFlags,
        stretch: &Stretch,
        buffer: &mut [u8],
    ) {
        if events.contains(EpollFlags::EPOLLOUT) && self.connections[index].wants_room {
            self.resume_sending(index, buffer);
        }
        if !events.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP) {
            return;
        }
        match self.connections[index].receive(self.target.message, buffer) {
            Ok(Progress::Complete) => self.complete(index, stretch, buffer),
            Ok(_) => {}
            Err(failure) => self.fail(index, failure),
        }
    }

    #[inline]
    fn complete(&mut self, index: usize, stretch: &Stretch, buffer: &mut [u8]) {
        let now = now_ns();
        self.busy -= 1;
        self.tally.requests.ok += 1;
        self.last_answer_ns = now;
        if stretch.measured && (stretch.count_from_ns..=stretch.end_ns).contains(&now) {
            self.record(index, now);
        }
        if self.target.workload == Workload::Crr {
            self.connections[index].socket = None;
        }
        if now < stretch.end_ns {
            self.begin(index, now, buffer);
        }
    }

    #[inline]
    fn record(&mut self, index: usize, now: u64) {
        let connection = &self.connections[index];
        self.counted += 1;
        let service = now - connection.sent_ns;
        self.measured.generator.clamped += u64::from(service > LATENCY_MAX_NS);
        self.service.saturating_record(service);
        if let (Some(response), Some(connect)) = (&mut self.response, &mut self.connect) {
            response.saturating_record(now - connection.due_ns);
            connect.saturating_record(connection.connected_ns - connection.due_ns);
        }
    }

    /// Begins a request that is due now; for crr, by connecting.
    #[inline]
    fn begin(&mut self, index: usize, now: u64, buffer: &mut [u8]) {
        self.tally.requests.sent += 1;
        self.busy += 1;
        self.connections[index].due_ns = now;
        self.connections[index].sent_ns = now;
        self.connections[index].begin();
        if self.target.workload == Workload::Crr {
            if !self.open_one(index) {
                return;
            }
            let connected = now_ns();
            self.connections[index].connected_ns = connected;
            self.connections[index].sent_ns = connected;
        }
        match self.connections[index].send(self.target.message, buffer) {
            Ok(Progress::Sending) => self.watch_for_room(index, true),
            Ok(_) => {}
            Err(failure) => self.fail(index, failure),
        }
    }

    /// Opens a connection and watches it; false when that failed, which is then counted.
    fn open_one(&mut self, index: usize) -> bool {
        let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.target.port);
        let source = (self.target.workload == Workload::Crr)
            .then(|| Ipv4Addr::new(127, 0, 1, (self.opened % SOURCES + 1) as u8));
        self.opened = self.opened.wrapping_add(1);
        let connection = &mut self.connections[index];
        let opened = connection.open(to, source).and_then(|()| {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
            match &connection.socket {
                Some(socket) => Ok(self.epoll.add(socket, event)?),
                None => Ok(()),
            }
        });
        let Err(failure) = opened else {
            return true;
        };
        if !self.connections[index].busy {
            self.tally.requests.sent += 1;
            self.busy += 1;
        }
        self.fail(index, failure);
        false
    }

    /// The socket took too little of the request, or is not connected yet.
    fn watch_for_room(&mut self, index: usize, wanted: bool) {
        let connection = &mut self.connections[index];
        connection.wants_room = wanted;
        let mut flags = EpollFlags::EPOLLIN;
        flags.set(EpollFlags::EPOLLOUT, wanted);
        let modified = match &connection.socket {
            Some(socket) => self
                .epoll
                .modify(socket, &mut EpollEvent::new(flags, index as u64)),
            None => Ok(()),
        };
        if let Err(errno) = modified {
            self.fail(index, errno.into());
        }
    }

    fn resume_sending(&mut self, index: usize, buffer: &mut [u8]) {
        let connection = &mut self.connections[index];
        if connection.sent == 0 && self.target.workload == Workload::Crr {
            connection.connected_ns = now_ns();
            connection.sent_ns = connection.connected_ns;
        }
        match connection.send(self.target.message, buffer) {
            Ok(Progress::Sending) => {}
            Ok(_) => self.watch_for_room(index, false),
            Err(failure) => self.fail(index, failure),
        }
    }

    /// The stretch is over and somebody still owes a reply.
    fn give_up(&mut self) {
        for index in 0..self.connections.len() {
            if self.connections[index].busy {
                self.fail(index, Failure::Timeout);
            }
        }
    }

    /// Counts a failure by kind, and closes the connection for good.
    #[cold]
    fn fail(&mut self, index: usize, failure: Failure) {
        let connection = &mut self.connections[index];
        if connection.busy {
            self.busy -= 1;
            *self
                .tally
                .requests
                .errors
                .entry(failure.kind().to_owned())
                .or_default() += 1;
        }
        if self.tally.problem.is_none() {
            self.tally.problem = Some(describe(failure, connection, self.target.message));
        }
        connection.busy = false;
        connection.served = false;
        connection.socket = None;
    }
}

fn describe(failure: Failure, connection: &Connection, message: usize) -> String {
    let what = match failure {
        Failure::Wrong { offset, got } if connection.busy && offset < message => {
            let owed =
                crate::payload::Payload::new(connection.number, connection.sequence).byte(offset);
            format!("byte {offset} of the reply is {got:#04x} instead of {owed:#04x}")
        }
        Failure::Wrong { got, .. } => format!("a byte ({got:#04x}) came that was never sent"),
        Failure::Closed => {
            let received = connection.received;
            format!("the server closed after {received} of {message} bytes")
        }
        Failure::Reset => "the server reset the connection".to_owned(),
        Failure::Refused => "nobody accepts connections".to_owned(),
        Failure::NoPort => "no local port is free (EADDRNOTAVAIL)".to_owned(),
        Failure::Timeout => {
            let received = connection.received;
            format!("{received} of {message} bytes came, then nothing for a second")
        }
        Failure::System(errno) => format!("{} (errno {})", errno.desc(), errno as i32),
    };
    format!(
        "connection {}, request {}: {what}",
        connection.number, connection.sequence
    )
}
