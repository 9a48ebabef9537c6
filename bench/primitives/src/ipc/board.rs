//! What the parties tell each other and their supervisor beside the messages: words of shared memory.

use std::sync::atomic::Ordering;

use nix::errno::Errno;
use nix::sched::sched_yield;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;

use crate::sys::ipc::Shared;

/// What messages are sent for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// So that both are awake and everything is mapped.
    WarmUp,
    /// One at a time.
    RoundTrips,
    /// As many as fit.
    OneWay,
}

/// Who.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// Asks, and pours.
    Asker,
    /// Answers, and takes.
    Answerer,
}

// Words: what there is of each, a word a row.
const LAST: usize = 0;
const HERE: usize = 3;
const READY: usize = 5;
const USED: usize = 7;
const TAKEN: usize = 13;
const TROUBLE: usize = 16;
const DONE: usize = 18;
const WORDS: usize = 19;

/// CPU time and switches of one thread.
#[derive(Clone, Copy, Default)]
pub struct Used {
    /// Nanoseconds.
    pub cpu_ns: u64,
    /// It waited.
    pub voluntary: u64,
    /// It was preempted.
    pub involuntary: u64,
}

impl Used {
    /// By the calling thread until now.
    ///
    /// # Errors
    /// None known.
    pub fn now() -> Result<Self, Errno> {
        let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
        let cpu = usage.user_time() + usage.system_time();
        Ok(Used {
            cpu_ns: cpu.num_microseconds().unsigned_abs() * 1_000,
            voluntary: usage.voluntary_context_switches().unsigned_abs(),
            involuntary: usage.involuntary_context_switches().unsigned_abs(),
        })
    }
}

/// The words.
pub struct Board(Shared);

impl Board {
    /// A clean one.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new() -> Result<Self, Errno> {
        Shared::anonymous(WORDS * 8).map(Board)
    }

    fn get(&self, index: usize) -> u64 {
        self.0.word(index).load(Ordering::Acquire)
    }

    fn put(&self, index: usize, value: u64) {
        self.0.word(index).store(value, Ordering::Release);
    }

    /// Says, before it is sent, that this message is the stage's last.
    pub fn last_is(&self, stage: Stage, number: u64) {
        self.put(LAST + stage as usize, number);
    }

    /// Whether a message that was received is the stage's last.
    pub fn is_last(&self, stage: Stage, number: u64) -> bool {
        self.get(LAST + stage as usize) == number
    }

    /// Says who one is, and waits until the other has said so.
    pub fn meet(&self, me: Party, pid: Pid) -> Pid {
        self.put(HERE + me as usize, u64::from(pid.as_raw().unsigned_abs()));
        let other = self.waited(HERE + 1 - me as usize);
        Pid::from_raw(other as i32)
    }

    /// Waits until both are ready.
    pub fn both_ready(&self, me: Party) {
        self.put(READY + me as usize, 1);
        self.waited(READY + 1 - me as usize);
    }

    fn waited(&self, index: usize) -> u64 {
        loop {
            match self.get(index) {
                0 => drop(sched_yield()),
                value => return value,
            }
        }
    }

    /// What a party has used for its round trips.
    pub fn has_used(&self, me: Party, before: Used, after: Used) {
        let first = USED + 3 * me as usize;
        self.put(first, after.cpu_ns - before.cpu_ns);
        self.put(first + 1, after.voluntary - before.voluntary);
        self.put(first + 2, after.involuntary - before.involuntary);
    }

    /// What both have used.
    pub fn used(&self) -> Used {
        let sum = |of| self.get(USED + of) + self.get(USED + 3 + of);
        Used {
            cpu_ns: sum(0),
            voluntary: sum(1),
            involuntary: sum(2),
        }
    }

    /// How many were taken one way, and in which time after the first.
    pub fn has_taken(&self, messages: u64, ns: u64) {
        self.put(TAKEN + 1, ns);
        self.put(TAKEN, messages);
    }

    /// What [`Board::has_taken`] was told.
    pub fn taken(&self) -> (u64, u64) {
        (self.get(TAKEN), self.get(TAKEN + 1))
    }

    /// Waits until the other has taken all: it may still have to fetch them from here.
    pub fn wait_until_taken(&self) {
        self.waited(TAKEN);
    }

    /// Says that the asker has its last answer.
    pub fn asker_is_done(&self) {
        self.put(DONE, 1);
    }

    /// Waits until the asker has its last answer: it may still have to fetch it from here.
    pub fn wait_for_the_asker(&self) {
        self.waited(DONE);
    }

    /// How many answers were compared.
    pub fn has_compared(&self, answers: u64) {
        self.put(TAKEN + 2, answers);
    }

    /// What [`Board::has_compared`] was told.
    pub fn compared(&self) -> u64 {
        self.get(TAKEN + 2)
    }

    /// Says what went wrong, unless the other has said so before.
    pub fn trouble(&self, trouble: Trouble) {
        let (kind, detail) = match trouble {
            Trouble::Call(errno) => (1, errno as u64),
            Trouble::Differs(number) => (2, number),
        };
        let first = self.0.word(TROUBLE);
        if first
            .compare_exchange(0, kind, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
        {
            self.put(TROUBLE + 1, detail);
        }
    }

    /// What went wrong first.
    pub fn troubled(&self) -> Option<Trouble> {
        let detail = self.get(TROUBLE + 1);
        match self.get(TROUBLE) {
            0 => None,
            1 => Some(Trouble::Call(Errno::from_raw(detail as i32))),
            _ => Some(Trouble::Differs(detail)),
        }
    }
}

/// What can go wrong in a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A call failed.
    Call(Errno),
    /// The message of this number is not what was sent.
    Differs(u64),
}

impl From<Errno> for Trouble {
    fn from(errno: Errno) -> Self {
        Trouble::Call(errno)
    }
}
