//! The switch lab: what it costs the kernel to go from one task to the next. A token goes round a ring of
//! pipes; whoever has it reads through a working set of its own and passes it on (lmbench's lat_ctx).
//!
//! A lap by so many tasks is as many switches, as many reads and writes of a pipe, and as many readings of a
//! working set. What all but the switch cost is measured first, by one task that passes the token to itself,
//! and subtracted: what is left is the switch, and what its cache misses cost.

mod ring;
mod tasks;

use hdrhistogram::Histogram;
use measure::LabAsked;
use nix::errno::Errno;
use record::histogram::latencies;
use record::{Encoded, Findings, Outcome};

use crate::Nothing;
use crate::sys::spawn::{Memory, now_ns};
use ring::{Hop, Lap, Ring};
use tasks::Tasks;

/// Every mechanism, in the order of tables: name and title.
pub const MECHANISMS: &[(&str, &str)] = &[
    ("process-ring", "a ring of processes"),
    ("thread-ring", "a ring of threads"),
    ("task-ring", "a ring of tokio tasks, by channels"),
];

/// The ring whose switches are none of the kernel's.
const TASKS: &str = "task-ring";
/// Laps by one task alone, from which the overhead is the middle.
const ALONE: u32 = 2_000;
/// Tokens are 1 to this; 0 ends the ring.
const TOKENS: u64 = 250;

/// Measures one.
///
/// # Errors
/// Why there is no figure.
pub fn measure(asked: &LabAsked) -> Result<Findings, Nothing> {
    let lab = &asked.lab;
    crate::lab::stay_on(&asked.cpus, lab.placement)?;
    let tasks = lab.tasks.unwrap_or(2) as usize;
    let bytes = (lab.working_set_kib.unwrap_or(0) as usize) << 10;
    let overhead = match asked.mechanism.as_str() {
        // Its token goes by no pipe, so that there is nothing to subtract.
        TASKS => 0,
        _ => alone(tasks, bytes)?,
    };
    let ring = match asked.mechanism.as_str() {
        "process-ring" => Ring::of_processes(tasks, bytes).map(boxed),
        "thread-ring" => Ring::of_threads(tasks, bytes).map(boxed),
        TASKS => Tasks::new(tasks, bytes).map(boxed),
        other => return Err(crate::lab::unknown(other)),
    };
    let mut ring = ring.map_err(|errno| {
        Nothing::unavailable(
            format!("{tasks} tasks in a ring: {}", errno.desc()),
            Some(errno as i32),
        )
    })?;
    let warm = now_ns() + crate::spawn::nanos(lab.warmup);
    let end = warm + crate::spawn::nanos(lab.window);
    let (mut laps, mut switches) = (0_u64, latencies());
    loop {
        let begun = now_ns();
        let enough = match asked.times {
            Some(times) => switches.len() >= times,
            None => begun >= end && !switches.is_empty(),
        };
        if enough {
            break;
        }
        laps += 1;
        ring.lap((laps % TOKENS) as u8 + 1).map_err(went_wrong)?;
        let taken = now_ns() - begun;
        if begun >= warm || asked.times.is_some() {
            let hop = (taken / tasks as u64).saturating_sub(overhead);
            switches.saturating_record(hop.max(1));
        }
    }
    ring.end().map_err(went_wrong)?;
    Ok(findings(&switches, overhead, laps * tasks as u64))
}

fn boxed(ring: impl Lap + 'static) -> Box<dyn Lap> {
    Box::new(ring)
}

fn went_wrong(errno: Errno) -> Nothing {
    match errno {
        Errno::EBADMSG => Nothing {
            outcome: Outcome::Wrong,
            text: "another token came back than was sent".to_owned(),
            errno: None,
        },
        other => Nothing::failed("the ring", other),
    }
}

/// What a hop costs without a switch: the same pipes and working sets, one task.
fn alone(tasks: usize, bytes: usize) -> Result<u64, Nothing> {
    let failed = |errno| Nothing::failed("pipe2", errno);
    let pipes = (0..tasks).map(|_| ring::pipe());
    let pipes = pipes.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let memory = Memory::touched(bytes, false).map_err(|errno| Nothing::failed("mmap", errno))?;
    let mut taken = latencies();
    for lap in 0..ALONE {
        let (from, to) = &pipes[lap as usize % tasks];
        let hop = Hop::new(from, to, &memory, bytes);
        let begun = now_ns();
        hop.send(1)
            .and_then(|()| hop.receive())
            .map_err(went_wrong)?;
        taken.saturating_record((now_ns() - begun).max(1));
    }
    Ok(taken.value_at_quantile(0.5))
}

fn findings(switches: &Histogram<u64>, overhead: u64, verified: u64) -> Findings {
    Findings {
        times: switches.len(),
        verified,
        figures: [("overhead_ns".to_owned(), overhead as f64)].into(),
        histograms: [("switch_ns".to_owned(), Encoded::new(switches))].into(),
        ..Findings::default()
    }
}
