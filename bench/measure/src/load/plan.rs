//! What shall be loaded, and what came of it: the two ends of the generator.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hdrhistogram::Histogram;
use record::histogram::{coarse_latencies, latencies};
use record::{Pace, Requests, Workload};
use serde::{Deserialize, Serialize};

use super::schedule::Share;

/// Nobody's first answer for so long: who has none is unserved.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// Likewise once as many are served as ever were: to wait in full each time was a seventh of the suite `quick`.
pub const PATIENCE_ONCE_ENOUGH: Duration = Duration::from_millis(100);

/// All connections together have so long to arrive, however slowly they are answered.
const ARRIVAL: Duration = Duration::from_secs(30);
/// What each of them adds to that.
const ARRIVAL_OF_EACH: Duration = Duration::from_millis(5);

/// Everything that the generator is told. The same plan and seed give the same schedule and payloads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoadPlan {
    /// The server.
    pub target: SocketAddr,
    /// What connections do.
    pub workload: Workload,
    /// When requests are due.
    pub pace: Pace,
    /// How many connections; over all threads they sum to exactly this.
    pub connections: u32,
    /// Bytes of a request.
    pub message: usize,
    /// stream: requests of a connection on their way at once.
    pub depth: u32,
    /// crr: requests of a connection before it is closed.
    pub per_connection: u32,
    /// Closed loop: a client's pause between a reply and its next request.
    pub think: Duration,
    /// Threads of the generator.
    pub threads: u32,
    /// How long first answers are awaited after the last one: who has none by then is unserved.
    pub patience: Duration,
    /// How many got a first answer when it was waited for in full: once so many have, [`PATIENCE_ONCE_ENOUGH`] will do.
    pub enough: Option<u32>,
    /// How long a request may take before it counts as timed out.
    pub timeout: Duration,
    /// Whether a connection that failed is opened anew (a tool's user wants that; a measured pass has
    /// failed already).
    pub reconnect: bool,
    /// Addresses that connections come from, in turn; none leaves it to the kernel.
    pub sources: Vec<Ipv4Addr>,
    /// Whether it is told how each connection was served.
    pub by_connection: bool,
    /// From which the schedule follows.
    pub seed: u64,
    /// The number of the first connection, from which payloads follow.
    pub first_connection: u64,
    /// Connections beside those: each is answered once, and then stays and says nothing.
    pub idle: u32,
    /// Which part of it this generator carries, where several carry it together.
    #[serde(default)]
    pub part: Option<Part>,
}

impl LoadPlan {
    /// How long its connections have to arrive, altogether.
    pub fn arrival(&self) -> Duration {
        ARRIVAL + ARRIVAL_OF_EACH * (self.connections + self.idle)
    }
}

/// The part of one generator of several that load one target together. Each is told the whole plan; connections,
/// rates and payloads are split by threads, over all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which of the generators.
    pub hosts: Share,
    /// Its first thread, of the threads of all.
    pub threads: Share,
}

/// What generators that load together have agreed on, told to each in the time of its own clock. The default is for
/// one that loads alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// When the load begins.
    pub at_ns: Option<u64>,
    /// From when the starts of slices are told.
    pub origin_ns: Option<u64>,
    /// For each target, which of the threads that have a connection are this generator's: those alone can carry a rate.
    pub able: Vec<Share>,
}

/// For how long.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Span {
    /// Load before the first recorded instant.
    pub warmup: Duration,
    /// Recorded load.
    pub length: Duration,
    /// End sooner, when so many requests have been begun.
    pub requests: Option<u64>,
}

/// A tenth of a second of load.
#[derive(Clone, Debug)]
pub struct LoadBin {
    /// Since the first recorded instant.
    pub start_ns: u64,
    /// Of the bin: a tenth of a second, the last one perhaps less.
    pub length_ns: u64,
    /// Replies that came in it.
    pub replies: u64,
    /// Requests that failed in it.
    pub errors: u64,
    /// CPU time of all threads.
    pub generator_cpu_ns: u64,
    /// Response times of its replies.
    pub response: Histogram<u64>,
}

impl LoadBin {
    /// A bin in which nothing has happened.
    pub fn empty(start_ns: u64, length_ns: u64) -> Self {
        LoadBin {
            start_ns,
            length_ns,
            replies: 0,
            errors: 0,
            generator_cpu_ns: 0,
            response: coarse_latencies(),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Connections that were asked for, and that got an answer to their first echo in time.
    pub connections: record::Connections,
    /// Recorded requests: `sent = ok + Σ errors`, to the unit. The first echoes are no part of it.
    pub requests: Requests,
    /// The first thing that went wrong, as a sentence.
    pub problem: Option<String>,
    /// From the first recorded instant to the end of the load (not of the waiting for last replies).
    pub elapsed_ns: u64,
    /// Replies within that time: throughput is `replies / elapsed_ns`.
    pub replies: u64,
    /// received − due.
    pub response: Histogram<u64>,
    /// received − sent.
    pub service: Histogram<u64>,
    /// connected − connect started (crr).
    pub connect: Histogram<u64>,
    /// sent − due of requests that found a free connection (open loop).
    pub lag: Histogram<u64>,
    /// Latencies beyond the histograms' range.
    pub clamped: u64,
    /// CPU time of all threads over the recorded load.
    pub generator_cpu_ns: u64,
    /// Resident memory of this process.
    pub resident_bytes: u64,
}

impl Default for Loaded {
    fn default() -> Self {
        Loaded {
            connections: record::Connections::default(),
            requests: Requests::default(),
            problem: None,
            elapsed_ns: 0,
            replies: 0,
            response: latencies(),
            service: latencies(),
            connect: latencies(),
            lag: latencies(),
            clamped: 0,
            generator_cpu_ns: 0,
            resident_bytes: 0,
        }
    }
}

/// Why a plan was not begun.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// More descriptors than this process may open.
    #[error(
        "{needed} connections need {} more descriptors than the hard limit of {limit} leaves \
         (`ulimit -Hn`)",
        missing
    )]
    Descriptors {
        /// Connections of the plan.
        needed: u32,
        /// The hard limit.
        limit: u64,
        /// How many are missing.
        missing: u64,
    },
    /// Nobody got an answer.
    #[error("{problem}")]
    NobodyServed {
        /// The first thing that went wrong.
        problem: String,
        /// Whether bytes came that were not owed.
        wrong: bool,
    },
    /// The system refused something that the generator cannot do without.
    #[error("{what}: {error}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        error: std::io::Error,
    },
}
