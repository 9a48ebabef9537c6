//! The pool of an open loop's connections, one request in flight on each, as in a client's pool: a request
//! that is due takes the connection that has been free for longest; one that finds none waits its turn.

use std::collections::VecDeque;

/// Who is free, and what waits. At most one of the two is not empty.
#[derive(Debug, Default)]
pub struct Pool {
    free: VecDeque<u32>,
    waiting: VecDeque<u64>,
}

impl Pool {
    /// All of these connections are free, and nothing waits.
    pub fn refill(&mut self, connections: impl Iterator<Item = u32>) {
        self.waiting.clear();
        self.free = connections.collect();
    }

    /// A request is due: the connection on which it goes now, if one is free; else it waits.
    #[inline]
    pub fn due(&mut self, due_ns: u64) -> Option<u32> {
        let connection = self.free.pop_front();
        if connection.is_none() {
            self.waiting.push_back(due_ns);
        }
        connection
    }

    /// A connection is free: the due time of the request that goes on it now, if one waits.
    #[inline]
    pub fn freed(&mut self, connection: u32) -> Option<u64> {
        let due_ns = self.waiting.pop_front();
        if due_ns.is_none() {
            self.free.push_back(connection);
        }
        due_ns
    }

    /// A connection is lost.
    pub fn lose(&mut self, connection: u32) {
        self.free.retain(|&free| free != connection);
    }

    /// Whether no request waits.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The load is over: nobody is free, and these waited in vain.
    pub fn drain(&mut self) -> VecDeque<u64> {
        self.free.clear();
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;
    use std::time::Duration;

    use record::{Pace, Workload};

    use super::*;
    use crate::load::flights::Flight;
    use crate::load::plan::LoadPlan;
    use crate::load::recorder::{Counting, Recorder};
    use crate::load::schedule::{Schedule, Share};

    const SECOND: u64 = 1_000_000_000;
    const SERVICE: u64 = 50_000;

    fn plan(connections: u32, rate: f64) -> LoadPlan {
        LoadPlan {
            target: ([127, 0, 0, 1], 1).into(),
            workload: Workload::Rr,
            pace: Pace::Constant(rate),
            connections,
            message: 64,
            depth: 1,
            per_connection: 1,
            think: Duration::ZERO,
            threads: 1,
            patience: crate::load::PATIENCE,
            enough: None,
            timeout: Duration::from_secs(10),
            reconnect: false,
            sources: Vec::new(),
            seed: 1,
            by_connection: false,
            first_connection: 0,
            idle: 0,
            part: None,
        }
    }

    /// Schedule, pool and recorder on a clock of our own, against a server that takes `SERVICE` for each
    /// request and stands still from `stall.0` until `stall.1`.
    fn simulate(plan: &LoadPlan, length: u64, stall: (u64, u64)) -> Recorder {
        let whole = Share { index: 0, of: 1 };
        let mut schedule = Schedule::new(plan.pace, plan.seed, (0, length), u64::MAX, whole);
        let mut pool = Pool::default();
        pool.refill(0..plan.connections);
        let mut recorder = Recorder::new(plan);
        recorder.counting = Counting::Dues(0, length);
        let answered_at = |sent: u64| {
            let done = sent + SERVICE;
            if sent < stall.1 && done > stall.0 {
                stall.1 + SERVICE
            } else {
                done
            }
        };
        let mut replies: BinaryHeap<Reverse<(u64, u32, u64, u64)>> = BinaryHeap::new();
        loop {
            let next = replies.peek().map(|Reverse((when, ..))| *when);
            match (schedule.due(), next) {
                (Some(due), next) if next.is_none_or(|reply| due < reply) => {
                    schedule.take();
                    recorder.begun(due);
                    if let Some(index) = pool.due(due) {
                        replies.push(Reverse((answered_at(due), index, due, due)));
                    }
                }
                (_, Some(now)) => {
                    let Some(Reverse((_, index, due_ns, sent_ns))) = replies.pop() else {
                        break;
                    };
                    recorder.answered(Flight { due_ns, sent_ns }, None, now);
                    if let Some(waited) = pool.freed(index) {
                        replies.push(Reverse((answered_at(now), index, waited, now)));
                    }
                }
                _ => break,
            }
        }
        recorder
    }

    #[test]
    fn a_stall_shows_in_response_time_as_long_as_it_was_and_hides_from_service_time() {
        let stall = (8 * SECOND, 8 * SECOND + 1_400_000_000);
        let recorder = simulate(&plan(20, 2000.0), 20 * SECOND, stall);
        assert_eq!(
            (recorder.requests.sent, recorder.requests.ok),
            (40_000, 40_000)
        );
        let response = recorder.response.as_ref().expect("an open loop");
        // Request k of the stall is due at its start + k / 2000 s and answered, as one of twenty at a time,
        // (1 + k / 20) services after its end. 400 of 40,000 waited longer than request 400.
        let waited = |k: u64| 1_400_000_000 + SERVICE * (1 + k / 20) - k * 500_000;
        let p99 = response.value_at_quantile(0.99);
        assert!(response.equivalent(p99, waited(400)), "{p99}");
        assert!(response.equivalent(response.max(), waited(0)));
        // 20 of 40,000 were on their way when it began.
        assert!(
            recorder
                .service
                .equivalent(recorder.service.value_at_quantile(0.99), SERVICE)
        );
        let hit = recorder.service.count_between(SECOND, 2 * SECOND);
        assert_eq!(hit, 20);
    }

    #[test]
    fn without_a_stall_nobody_waits() {
        let recorder = simulate(&plan(20, 2000.0), SECOND, (u64::MAX, u64::MAX));
        let response = recorder.response.as_ref().expect("an open loop");
        assert!(response.equivalent(response.max(), SERVICE) && response.len() == 2000);
    }
}
