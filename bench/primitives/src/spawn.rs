//! The spawn lab: what it costs to start something, to its first instruction and to its end.
//!
//! A start is measured from before the call that starts to the child's own reading of the same clock
//! (CLOCK_MONOTONIC, in its first instructions), and to the instant at which the parent knows its end. The
//! first figure holds the child's clock read; what comes later (its exit, output, the parent's wake-up) is in
//! the second alone. Children of fork run on in the parent's program; whatever is executed is a program of
//! our own without runtime, linker or libc, so that no figure holds another program's start-up.

mod call;
mod calls;
mod copies;
mod first;
mod node;
mod parent;
mod tasks;

use std::time::Duration;

use measure::LabAsked;
use nix::errno::Errno;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use record::histogram::latencies;
use record::{Encoded, Findings, Lab, Outcome};

pub use first::say as say_when_it_began;

use crate::Nothing;
use crate::sys::spawn::{Notes, now_ns};
use parent::Parent;

/// Whether this process is a child of `self-exec`.
pub fn is_the_child() -> bool {
    std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == call::OWN_WORD)
}

/// A way to start something.
#[derive(Debug)]
pub struct Mechanism {
    /// `[a-z0-9-]+`: the contender of records.
    pub name: &'static str,
    /// What the reader sees.
    pub title: &'static str,
    prepare: Prepare,
}

/// Makes everything that is not to be measured.
type Prepare = fn(&Parent) -> Result<Start, Nothing>;
/// One start, to its end.
type Start = Box<dyn FnMut() -> Result<Started, Nothing>>;

/// Two instants of a start, on the monotonic clock.
#[derive(Clone, Copy, Debug)]
struct Started {
    began: u64,
    reaped: u64,
}

const fn row(name: &'static str, title: &'static str, prepare: Prepare) -> Mechanism {
    Mechanism {
        name,
        title,
        prepare,
    }
}

/// Every mechanism, in the order of tables; those of node stand apart.
#[rustfmt::skip]
const MECHANISMS: &[Mechanism] = &[
    row("fork", "fork: a copy of the process", call::fork),
    row("vfork", "vfork: the parent's memory, lent", call::vfork),
    row("clone3-pidfd", "clone3 with a descriptor for the child", call::clone3),
    row("posix-spawn", "posix_spawn of a program", call::posix_spawn),
    row("fork-exec", "fork, then exec of a program", call::fork_exec),
    row("std-command", "Rust's Command, its output collected", call::command),
    row("sh-c", "sh -c, its output collected", call::shell),
    row("script", "a #!/usr/bin/env script", call::script),
    row("ipc-child", "a child with a channel, to its first message", call::channel),
    row("self-exec", "this program once more", call::own),
    row("thread-pthread", "pthread_create", tasks::pthread),
    row("thread-std", "Rust's thread::spawn", tasks::std_thread),
    row("pool-job", "a job on a pooled thread (rayon)", tasks::pool_job),
    row("tokio-task", "a tokio task", tasks::tokio_task),
];

/// The mechanisms of node, measured by itself: name and title.
const NODE: &[(&str, &str)] = &[
    ("node-spawn", "node: spawn"),
    ("node-exec", "node: exec"),
    ("node-exec-file", "node: execFile"),
    ("node-fork", "node: fork, to its first message"),
];

/// Names and titles of all mechanisms.
pub fn mechanisms() -> Vec<(&'static str, &'static str)> {
    let own = MECHANISMS.iter().map(|it| (it.name, it.title));
    own.chain(NODE.iter().copied()).collect()
}

/// Fewer starts than this are no distribution; then the window is overrun.
const FEWEST: u64 = 5;
const MOST: usize = 1_000_000;

/// Measures one mechanism in this process.
///
/// # Errors
/// Why there is no figure.
pub fn measure(asked: &LabAsked) -> Result<Findings, Nothing> {
    crate::lab::stay_on(&asked.cpus, asked.lab.placement)?;
    if NODE.iter().any(|(name, _)| *name == asked.mechanism) {
        return node::measure(asked);
    }
    let mut all = MECHANISMS.iter();
    let mechanism = all.find(|it| it.name == asked.mechanism);
    let mechanism = mechanism.ok_or_else(|| crate::lab::unknown(&asked.mechanism))?;
    // Traced in a process that holds nothing: what is called does not depend on it.
    let calls = match asked.times {
        None => calls::of(mechanism),
        Some(_) => Err("not traced".to_owned()),
    };
    let parent = Parent::new(&asked.lab)?;
    let mut start = (mechanism.prepare)(&parent)?;
    let warm = now_ns() + nanos(asked.lab.warmup);
    loop {
        start()?;
        if now_ns() >= warm {
            break;
        }
    }
    let mut tally = Tally::new()?;
    tally.run(&asked.lab, asked.times, start.as_mut())?;
    let mut findings = tally.findings();
    match calls {
        Ok(calls) => findings.seen.insert("calls".to_owned(), calls),
        Err(why) => findings.missing.insert("calls".to_owned(), why),
    };
    if let Some(granted) = parent.huge_bytes() {
        let granted = format!("{} MiB", granted >> 20);
        findings.seen.insert("huge_pages".to_owned(), granted);
    }
    if mechanism.name == "fork" && asked.times.is_none() && asked.lab.rate.is_none() {
        copies::look(&parent, &mut findings)?;
    }
    Ok(findings)
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What many starts took.
struct Tally {
    /// Of each start, nanoseconds to the child's first instruction and to its end. No histograms yet: half a
    /// megabyte of them would be copied by every fork (a tenth of its time).
    notes: Notes,
    length_ns: u64,
    before: (Usage, Usage),
    after: (Usage, Usage),
}

fn usage() -> Result<(Usage, Usage), Errno> {
    let own = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok((own, getrusage(UsageWho::RUSAGE_CHILDREN)?))
}

fn failed_usage(errno: Errno) -> Nothing {
    Nothing::failed("getrusage", errno)
}

impl Tally {
    fn new() -> Result<Self, Nothing> {
        let notes = Notes::with_room_for(MOST).map_err(|errno| Nothing::failed("mmap", errno))?;
        let before = usage().map_err(failed_usage)?;
        Ok(Tally {
            notes,
            length_ns: 0,
            before,
            after: before,
        })
    }

    /// Starts, one after another or as they fall due, for the window or so many times.
    fn run(
        &mut self,
        lab: &Lab,
        times: Option<u64>,
        start: &mut dyn FnMut() -> Result<Started, Nothing>,
    ) -> Result<(), Nothing> {
        let (begun, window) = (now_ns(), nanos(lab.window));
        let gap = lab.rate.map(|rate| 1e9 / rate);
        for made in 0.. {
            let now = now_ns();
            let due = gap.map_or(now, |gap| begun + (gap * made as f64) as u64);
            let enough = match times {
                Some(times) => made >= times,
                None => due >= begun + window && made >= FEWEST,
            };
            // A rate that cannot be kept makes the schedule as long as it is late, at most twice the window.
            let late = gap.is_some() && now > begun + 2 * window;
            if enough || late || self.notes.are_full() {
                break;
            }
            wait_until(due);
            let from = if gap.is_some() { due } else { now_ns() };
            let started = start()?;
            let since = |instant: u64| instant.saturating_sub(from).max(1);
            self.notes
                .put([since(started.began), since(started.reaped)]);
        }
        self.length_ns = now_ns() - begun;
        self.after = usage().map_err(failed_usage)?;
        Ok(())
    }

    fn findings(&self) -> Findings {
        let times = self.notes.all().len() as u64;
        let per_time = |figure: fn(&Usage) -> i64| {
            let of = |(own, children): &(Usage, Usage)| figure(own) + figure(children);
            (of(&self.after) - of(&self.before)) as f64 / times.max(1) as f64
        };
        let cpu =
            |it: &Usage| it.user_time().num_microseconds() + it.system_time().num_microseconds();
        let figures = [
            (
                "starts_per_s",
                times as f64 * 1e9 / self.length_ns.max(1) as f64,
            ),
            ("cpu_ns_per_time", per_time(cpu) * 1e3),
            ("faults_minor_per_time", per_time(Usage::minor_page_faults)),
            (
                "switches_voluntary_per_time",
                per_time(Usage::voluntary_context_switches),
            ),
            (
                "switches_involuntary_per_time",
                per_time(Usage::involuntary_context_switches),
            ),
        ];
        let distribution = |which: usize| {
            let mut histogram = latencies();
            let noted = self.notes.all().iter();
            noted.for_each(|pair| histogram.saturating_record(pair[which]));
            Encoded::new(&histogram)
        };
        let distributions = [("spawn_ns", 0), ("reap_ns", 1)];
        Findings {
            times,
            verified: times,
            figures: figures.map(|(name, value)| (name.to_owned(), value)).into(),
            histograms: distributions
                .map(|(name, which)| (name.to_owned(), distribution(which)))
                .into(),
            ..Findings::default()
        }
    }
}

/// Sleeps most of the way and spins the rest: timers are late.
fn wait_until(due: u64) {
    const SPUN_NS: u64 = 100_000;
    let left = due.saturating_sub(now_ns());
    if left > SPUN_NS {
        std::thread::sleep(Duration::from_nanos(left - SPUN_NS));
    }
    while now_ns() < due {
        std::hint::spin_loop();
    }
}

/// A child that said something else than it must.
fn unexpected(said: &[u8]) -> Nothing {
    let text = format!(
        "a child should say when it began and 123, and said {:?}",
        String::from_utf8_lossy(said)
    );
    Nothing {
        outcome: Outcome::Wrong,
        text,
        errno: None,
    }
}
