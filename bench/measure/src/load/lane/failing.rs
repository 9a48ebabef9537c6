//! What goes wrong on a connection: its requests fail with it, all are counted by kind, and the first is told in words.

use nix::errno::Errno;
use record::Workload;

use super::Lane;
use crate::load::clock::now_ns;
use crate::load::connection::{Connection, Failure};
use crate::load::flights::Flight;

/// Between two attempts to open a connection that cannot be opened.
const REOPEN_NS: u64 = 10_000_000;

impl Lane {
    /// Requests sent before `sent_before_ns` have waited long enough.
    pub fn time_out(&mut self, sent_before_ns: u64) {
        for index in 0..self.connections.len() {
            let oldest = self.connections[index].flights.oldest();
            if oldest.is_some_and(|flight| flight.sent_ns < sent_before_ns) {
                self.fail(index, Failure::Timeout);
            }
        }
    }

    /// Requests that were due and never sent: the load is over.
    pub fn abandon_waiting(&mut self) {
        let now = now_ns();
        for due_ns in self.pool.drain() {
            self.tally.requests.sent += 1;
            self.recorder.begun(due_ns);
            self.count_failure(
                Failure::Unfinished,
                &[Flight {
                    due_ns,
                    sent_ns: now,
                }],
                now,
            );
        }
    }

    /// Whatever was on its way on this connection has failed, and the connection with it.
    #[cold]
    pub(super) fn fail(&mut self, index: usize, failure: Failure) {
        let now = now_ns();
        let connection = &mut self.connections[index];
        if self.tally.problem.is_none() {
            self.tally.problem = Some(describe(failure, connection, self.plan.message));
        }
        let took_part = connection.served;
        // A connection that cannot be opened anew was lost before.
        let stood = took_part && connection.socket.is_some() && failure != Failure::Refused;
        if stood && self.hit.insert(index) {
            *self.tally.hit.entry(failure.kind().to_owned()).or_default() += 1;
        }
        connection.served = false;
        let flights = connection.hang_up();
        self.busy -= flights.len();
        self.count_failure(failure, &flights, now);
        // An idle connection that is lost has nothing to come back for.
        if self.plan.reconnect && took_part && self.plan.workload != Workload::Idle {
            self.connections[index].served = true;
            self.pool.lose(index as u32);
            self.schedule(index, now + REOPEN_NS);
        }
    }

    fn count_failure(&mut self, failure: Failure, flights: &[Flight], now: u64) {
        if !flights.is_empty() {
            self.tally.count_error(failure.kind(), flights.len() as u64);
        }
        for flight in flights {
            self.recorder.failed(*flight, failure.kind(), now);
        }
    }
}

fn describe(failure: Failure, connection: &Connection, message: usize) -> String {
    let (sequence, received) = connection.progress();
    let what = match failure {
        Failure::Wrong { offset, got } if offset < message => {
            let owed = crate::payload::Payload::new(connection.number, sequence).byte(offset);
            format!("byte {offset} of the reply is {got:#04x} instead of {owed:#04x}")
        }
        Failure::Wrong { got, .. } => format!("a byte ({got:#04x}) came that was never sent"),
        Failure::Closed => format!("the server closed after {received} of {message} bytes"),
        Failure::Reset => with_number("the server reset the connection", Errno::ECONNRESET),
        Failure::Refused => with_number("nobody accepts connections", Errno::ECONNREFUSED),
        Failure::NoPort => with_number("no local port is free", Errno::EADDRNOTAVAIL),
        Failure::Timeout => format!("{received} of {message} bytes came, then nothing in time"),
        Failure::Unfinished => "the load ended before it could be sent".to_owned(),
        Failure::System(errno) => with_number(errno.desc(), errno),
    };
    format!(
        "connection {}, request {sequence}: {what}",
        connection.number
    )
}

/// As the standard library writes an error's number.
fn with_number(what: &str, errno: Errno) -> String {
    format!("{what} (os error {})", errno as i32)
}
