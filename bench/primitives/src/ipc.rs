//! The IPC lab: what a message between two processes (or threads) costs, by every way that this kernel has.
//!
//! [`measure()`] is called in a fresh process of one thread, forked for this one measurement, whose standard
//! input and output are /dev/null. It places itself and its counterpart, and ends what it started before it
//! returns. Should it be killed, nothing may stay: whatever it forks asks for PR_SET_PDEATHSIG first (and
//! checks that its parent still lives), and objects with a life of their own are unlinked while in use, or
//! stand in an IPC namespace that ends with its last process.

use std::time::Duration;

use hdrhistogram::Histogram;

/// A way to pass messages.
#[derive(Debug)]
pub struct Mechanism {
    /// `[a-z0-9-]+`: the contender of records.
    pub name: &'static str,
    /// What the reader sees.
    pub title: &'static str,
    /// Between whom.
    pub parties: Parties,
    /// The sizes of a message that it has, of those a suite may ask for.
    pub sizes: Sizes,
}

/// Between whom messages pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parties {
    /// Two processes.
    Processes,
    /// Two threads of one process.
    Threads,
}

/// Which sizes of a message a mechanism has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// Any, up to so many bytes.
    UpTo(usize),
    /// A message has this size and no other (a semaphore's post: 0; an eventfd's count or a signal's
    /// payload: 8); it is measured at the smallest size that a suite asks for, and others do not apply.
    Only(usize),
}

/// Where the two parties run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Both on this logical CPU.
    SameCore(usize),
    /// The asking one here, the answering one there.
    TwoCores(usize, usize),
    /// Wherever the scheduler likes.
    Free,
}

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Bytes of a message; what a mechanism of [`Sizes::Only`] cannot vary, it ignores.
    pub bytes: usize,
    /// Where.
    pub placement: Placement,
    /// Before anything is recorded.
    pub warmup: Duration,
    /// How long messages go to and fro, one at a time.
    pub round_trips_for: Duration,
    /// How long messages go one way, as many as fit; none when zero.
    pub one_way_for: Duration,
}

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// From before a message is sent to after its answer is there, nanoseconds.
    pub round_trip: Histogram<u64>,
    /// How many of them.
    pub round_trips: u64,
    /// One way, as many as fit; counted by the receiver, over its own time. Absent where a mechanism has
    /// no one-way traffic.
    pub messages_per_s: Option<f64>,
    /// The same, in bytes of payload.
    pub bytes_per_s: Option<f64>,
    /// Both parties' voluntary context switches per round trip.
    pub switches_voluntary: f64,
    /// Both parties' involuntary context switches per round trip.
    pub switches_involuntary: f64,
    /// Both parties' CPU time per round trip, nanoseconds.
    pub cpu_ns: f64,
    /// Messages whose every byte was compared with what was sent, both directions, one way included.
    pub verified: u64,
}

/// Why there is no figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmeasured {
    /// The mechanism has no such size or placement; why, as a sentence.
    NotApplicable(String),
    /// This host does not allow it, or lacks it; which call said so, and its error number.
    Unavailable(String, Option<i32>),
    /// It should have worked; what happened, and the error number if a call gave one.
    Failed(String, Option<i32>),
}

/// Every mechanism, in the order of tables.
pub fn mechanisms() -> &'static [Mechanism] {
    &[]
}

/// Measures one mechanism in this process.
///
/// # Errors
/// [`Unmeasured`]: why there is no figure.
pub fn measure(mechanism: &Mechanism, asked: &Asked) -> Result<Measured, Unmeasured> {
    let _ = asked;
    Err(Unmeasured::Failed(
        format!("{} is not written yet", mechanism.name),
        None,
    ))
}
