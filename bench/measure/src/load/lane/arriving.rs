//! How connections arrive: opened not too many at a time, each answered once, and who is not served left out.

use super::Lane;
use crate::load::clock::now_ns;
use crate::load::plan::PATIENCE_ONCE_ENOUGH;

/// Connections that may be waiting for their first answer before the next is opened: no accept queue,
/// not even that of a server which listens with a backlog of 100, is flooded by our arriving.
const ARRIVING: usize = 64;
/// Without any answer for so long, the next may arrive all the same.
const STALL_NS: u64 = 50_000_000;

impl Lane {
    /// Opens all connections and sends each one's first request, not too many at a time.
    pub fn open(&mut self, buffer: &mut [u8]) {
        let mut arriving = ARRIVING;
        self.last_answer_ns = now_ns();
        self.arrived_by_ns = self.last_answer_ns + self.plan.arrival().as_nanos() as u64;
        for index in 0..self.connections.len() {
            let before = self.tally.requests.ok;
            if self.busy >= arriving
                && now_ns() < self.arrived_by_ns
                && !self.turn(STALL_NS, buffer)
                && self.tally.requests.ok == before
            {
                arriving += ARRIVING;
            }
            self.begin(index, now_ns());
            self.flush(index, buffer);
        }
    }

    /// Waits for the first answers. Who has none when nobody got one within the patience of the plan, or when all should have
    /// arrived, is unserved: it stays open and silent, and is no part of the load.
    pub fn settle(&mut self, buffer: &mut [u8]) {
        while self.busy > 0 {
            let before = self.tally.requests.ok;
            let patience = match self.enough.is_some_and(|enough| before >= enough) {
                true => PATIENCE_ONCE_ENOUGH.min(self.plan.patience),
                false => self.plan.patience,
            };
            let until = (self.last_answer_ns + patience.as_nanos() as u64).min(self.arrived_by_ns);
            let left = until.saturating_sub(now_ns());
            self.turn(left, buffer);
            if left == 0 && (self.tally.requests.ok == before || now_ns() >= self.arrived_by_ns) {
                break;
            }
        }
        for connection in &mut self.connections {
            if connection.flights.is_empty() {
                continue;
            }
            connection.flights.take_all();
            if let Some(socket) = &connection.socket {
                // It stays open, but what it may still say is nothing to us.
                let _ = self.epoll.delete(socket);
            }
            self.tally.count_error("unserved", 1);
        }
        self.busy = 0;
    }
}
