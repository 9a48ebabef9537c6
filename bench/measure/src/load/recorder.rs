//! What is recorded of a lane's load: which replies count, and their distributions.

use hdrhistogram::Histogram;
use record::histogram::{LATENCY_MAX_NS, latencies};
use record::{Pace, Requests, Workload};

use super::flights::Flight;
use super::plan::{LoadBin, LoadPlan};

/// Which requests count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    /// None.
    #[default]
    Nothing,
    /// Replies that come from one instant to another: a slice, whose start is still settling.
    Replies(u64, u64),
    /// Requests that are due from one instant until before another: a window, of which nobody is left out.
    Dues(u64, u64),
}

/// Distributions and counts of what counts.
#[derive(Debug)]
pub struct Recorder {
    /// Which requests count.
    pub counting: Counting,
    /// Of those.
    pub requests: Requests,
    /// Replies that came while something counted.
    pub replies: u64,
    /// received − sent.
    pub service: Histogram<u64>,
    /// received − due, where that differs.
    pub response: Option<Histogram<u64>>,
    /// connected − connect started (crr).
    pub connect: Option<Histogram<u64>>,
    /// sent − due of requests that found a free connection (open loop).
    pub lag: Option<Histogram<u64>>,
    /// Latencies beyond the range.
    pub clamped: u64,
    /// The tenth of a second that is running.
    pub bin: Option<LoadBin>,
}

impl Recorder {
    /// For what this plan yields.
    pub fn new(plan: &LoadPlan) -> Self {
        let crr = plan.workload == Workload::Crr;
        let open = plan.pace != Pace::Closed;
        Recorder {
            counting: Counting::Nothing,
            requests: Requests::default(),
            replies: 0,
            service: latencies(),
            response: (crr || open).then(latencies),
            connect: crr.then(latencies),
            lag: open.then(latencies),
            clamped: 0,
            bin: None,
        }
    }

    /// A request was begun, or would have been.
    #[inline]
    pub fn begun(&mut self, due_ns: u64) {
        if let Counting::Dues(from, until) = self.counting
            && (from..until).contains(&due_ns)
        {
            self.requests.sent += 1;
        }
    }

    /// A request found a free connection, so late.
    pub fn late(&mut self, lag_ns: u64) {
        if let (Some(lag), Counting::Dues(..)) = (&mut self.lag, self.counting) {
            lag.saturating_record(lag_ns);
        }
    }

    /// A reply is complete; with `connect_ns` it is the first of a connection that took so long to be there. Says
    /// whether it counts.
    #[inline]
    pub fn answered(&mut self, flight: Flight, connect_ns: Option<u64>, now: u64) -> bool {
        if let Some(bin) = &mut self.bin {
            bin.replies += 1;
            bin.response.saturating_record(now - flight.due_ns);
        }
        let counts = match self.counting {
            Counting::Nothing => return false,
            Counting::Replies(from, until) => {
                let counts = (from..=until).contains(&now);
                self.replies += u64::from(counts);
                counts
            }
            Counting::Dues(from, until) => {
                self.replies += u64::from((from..=until).contains(&now));
                let counts = (from..until).contains(&flight.due_ns);
                self.requests.ok += u64::from(counts);
                counts
            }
        };
        if counts {
            self.record(flight, now);
            if let (Some(connect), Some(connect_ns)) = (&mut self.connect, connect_ns) {
                connect.saturating_record(connect_ns);
            }
        }
        counts
    }

    /// A request has failed: it counts by kind, and its latency is at least what it has waited.
    pub fn failed(&mut self, flight: Flight, kind: &str, now: u64) {
        if let Some(bin) = &mut self.bin {
            bin.errors += 1;
        }
        let counts = match self.counting {
            Counting::Nothing => false,
            Counting::Replies(from, until) => (from..=until).contains(&now),
            Counting::Dues(from, until) => (from..until).contains(&flight.due_ns),
        };
        if counts {
            *self.requests.errors.entry(kind.to_owned()).or_default() += 1;
            self.record(flight, now);
        }
    }

    #[inline]
    fn record(&mut self, flight: Flight, now: u64) {
        let service = now - flight.sent_ns;
        self.clamped += u64::from(service > LATENCY_MAX_NS);
        self.service.saturating_record(service);
        if let Some(response) = &mut self.response {
            response.saturating_record(now - flight.due_ns);
        }
    }
}
