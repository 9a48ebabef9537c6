//! The IPC lab: what a message between two processes (or threads) costs, by every way that this kernel has.
//!
//! [`measure()`] is called in a fresh process of one thread, forked for this one measurement, whose standard
//! input and output are /dev/null. It places itself and its counterpart, and ends what it started before it
//! returns. Should it be killed, nothing may stay: whatever it forks asks for PR_SET_PDEATHSIG first (and
//! checks that its parent still lives), and objects with a life of their own are unlinked while in use, or
//! stand in an IPC namespace that ends with its last process.

mod board;
mod carried;
mod end;
mod interrupts;
mod memory;
mod message;
mod node;
mod packets;
mod parties;
mod place;
mod queues;
mod signals;
mod stages;
mod streams;
mod table;
mod turns;

use std::time::Duration;

use hdrhistogram::Histogram;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

pub use interrupts::{Interrupts, evidence};

use board::{Board, Trouble};
use message::Messages;
use parties::Went;
use stages::Plan;
use table::{By, OneWay, Way};

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
    way: Way,
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
    /// payload: 8); where up to 64 bytes are asked for it stands for them, and larger ones do not apply.
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
    table::ALL
}

/// Beside the time that was asked for: to fork, to meet, and to be preempted.
const PATIENCE: Duration = Duration::from_secs(10);
/// Up to this size a suite's smallest stand for a message of one size only.
const SMALL: usize = 64;

/// Measures one mechanism in this process.
///
/// # Errors
/// [`Unmeasured`]: why there is no figure.
pub fn measure(mechanism: &Mechanism, asked: &Asked) -> Result<Measured, Unmeasured> {
    let bytes = size(mechanism, asked.bytes)?;
    let way = &mechanism.way;
    let patience = PATIENCE + asked.warmup + asked.round_trips_for + asked.one_way_for;
    let (make, alone) = match way.by {
        By::Node(serialization) => return node::measure(serialization, asked, patience),
        By::Ends(make) => (make, false),
        By::End(make) => (make, true),
    };
    place::sweep();
    if way.lasting {
        own_namespace();
    }
    let pair = make(bytes).map_err(|(call, errno)| {
        Unmeasured::Unavailable(format!("{call}: {}", errno.desc()), Some(errno as i32))
    })?;
    let failed = |call: &str, errno: Errno| {
        Unmeasured::Failed(format!("{call}: {}", errno.desc()), Some(errno as i32))
    };
    let board = Board::new().map_err(|errno| failed("mmap", errno))?;
    let (one_way_for, in_flight) = match way.one_way {
        OneWay::Never => (Duration::ZERO, 0),
        OneWay::AsFits => (asked.one_way_for, 0),
        // A packet takes a kilobyte of the kernel's memory at least.
        OneWay::InFlight(some) => (asked.one_way_for, (some / bytes.max(1024)).max(1)),
    };
    let plan = Plan {
        board: &board,
        messages: &Messages::new(bytes),
        bytes,
        lengths: [asked.warmup, asked.round_trips_for, one_way_for],
        in_flight: in_flight as u64,
        alone,
    };
    let went = parties::carry_out(pair, mechanism.parties, asked.placement, &plan, patience)
        .map_err(|errno| failed("fork", errno))?;
    match went {
        Went::Well(times) => Ok(measured(times, &plan)),
        Went::Wrong(Trouble::Call(errno)) => Err(failed("a message", errno)),
        Went::Wrong(Trouble::Differs(number)) => {
            let text = format!("message {number} is not what was sent");
            Err(Unmeasured::Failed(text, None))
        }
        Went::Stuck => {
            let text = format!("no end within {} s", patience.as_secs());
            Err(Unmeasured::Failed(text, None))
        }
        Went::Died => {
            let text = "a party ended without a word".to_owned();
            Err(Unmeasured::Failed(text, None))
        }
    }
}

/// Lets System V objects and POSIX queues end with this process and its children, whoever is killed. Where not
/// even a user namespace may be had, they are removed by their owner, which SIGKILL would prevent.
fn own_namespace() {
    let mine = CloneFlags::CLONE_NEWIPC;
    let _ = unshare(mine).or_else(|_| unshare(mine | CloneFlags::CLONE_NEWUSER));
}

/// The bytes of a message, where the mechanism has such a one.
fn size(mechanism: &Mechanism, asked: usize) -> Result<usize, Unmeasured> {
    let not = |text| Err(Unmeasured::NotApplicable(text));
    match mechanism.sizes {
        Sizes::UpTo(most) if asked > most => not(format!("a message has at most {most} bytes")),
        Sizes::UpTo(_) => Ok(asked),
        Sizes::Only(0) if asked > SMALL => not("a message has no content".to_owned()),
        Sizes::Only(only) if asked > SMALL => not(format!("a message has {only} bytes")),
        Sizes::Only(only) => Ok(only),
    }
}

fn measured(times: Histogram<u64>, plan: &Plan<'_>) -> Measured {
    let (used, (taken, ns)) = (plan.board.used(), plan.board.taken());
    let each = |of: u64| of as f64 / times.len() as f64;
    // The first began before the receiver's clock.
    let messages_per_s = (ns > 0).then(|| (taken - 1) as f64 / ns as f64 * 1e9);
    Measured {
        round_trips: times.len(),
        messages_per_s,
        bytes_per_s: messages_per_s
            .filter(|_| plan.bytes > 0)
            .map(|messages| messages * plan.bytes as f64),
        switches_voluntary: each(used.voluntary),
        switches_involuntary: each(used.involuntary),
        cpu_ns: each(used.cpu_ns),
        verified: 2 * plan.board.compared() + taken,
        round_trip: times,
    }
}
