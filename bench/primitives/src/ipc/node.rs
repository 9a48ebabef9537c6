//! Node's own channel, measured by a script in node itself, by the clock that everybody here has: a parent and
//! the child that it forked.
//!
//! Its CPU time and switches are those of whole processes: node's own threads collect, compile and wait, too.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use record::histogram::latencies;
use serde::Deserialize;

use super::parties::hear;
use super::{Asked, Measured, Placement, Unmeasured};

const SCRIPT: &str = include_str!("channel.js");

#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Found {
        times: Vec<u64>,
        used: [f64; 3],
        taken: u64,
        ns: u64,
    },
    Wrong {
        wrong: String,
    },
}

/// Measures it, with one of node's two ways to write messages down.
///
/// # Errors
/// Without node, when a message is wrong, and when there is no end to it.
pub fn measure(
    serialization: &str,
    asked: &Asked,
    patience: Duration,
) -> Result<Measured, Unmeasured> {
    let failed = |text: &str| Unmeasured::Failed(format!("node: {text}"), None);
    let deadline = Instant::now() + patience;
    let lengths = [asked.warmup, asked.round_trips_for, asked.one_way_for];
    let lengths = lengths.map(|length| length.as_nanos().to_string());
    let node = Command::new("node")
        .args(["-e", SCRIPT, "parent", serialization])
        .arg(asked.bytes.to_string())
        .args(lengths)
        .env("FIVEWAYS_CHANNEL", SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let node = node.map_err(|error| {
        let text = format!("node cannot be run: {error}");
        Unmeasured::Unavailable(text, error.raw_os_error())
    })?;
    let mut node = Ended(node);
    let (Some(mut lifeline), Some(told)) = (node.0.stdin.take(), node.0.stdout.take()) else {
        return Err(failed("no pipes"));
    };
    let told = OwnedFd::from(told);
    let copy = told
        .try_clone()
        .map_err(|error| failed(&error.to_string()))?;
    let ids = first_line(copy, deadline).ok_or_else(|| failed("it does not start"))?;
    place(ids, asked.placement).map_err(|errno| failed(errno.desc()))?;
    let begun = lifeline.write_all(b"begin\n");
    begun.map_err(|error| failed(&error.to_string()))?;
    let said = hear(told, deadline).ok_or_else(|| {
        let text = format!("no end within {} s", patience.as_secs());
        failed(&text)
    })?;
    match serde_json::from_slice(&said) {
        Ok(Said::Found {
            times,
            used,
            taken,
            ns,
        }) if !times.is_empty() => Ok(measured(&times, used, (taken, ns), asked.bytes)),
        Ok(Said::Wrong { wrong }) => Err(failed(&wrong)),
        _ => Err(failed("it ended without an answer")),
    }
}

/// Ended and reaped when dropped; its child ends when the channel does.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It has ended by itself, as it should.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The ids of parent and child.
fn first_line(told: OwnedFd, deadline: Instant) -> Option<[i32; 2]> {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
    poll(&mut [PollFd::new(told.as_fd(), PollFlags::POLLIN)], left).ok()?;
    let mut line = [0; 64];
    let got = File::from(told).read(&mut line).ok()?;
    let line = std::str::from_utf8(&line[..got]).ok()?;
    let (parent, child) = line.trim().split_once(' ')?;
    Some([parent.parse().ok()?, child.parse().ok()?])
}

/// Puts every thread of both where it belongs.
fn place(ids: [i32; 2], placement: Placement) -> nix::Result<()> {
    let cpus = match placement {
        Placement::Free => return Ok(()),
        Placement::SameCore(cpu) => [cpu, cpu],
        Placement::TwoCores(one, other) => [one, other],
    };
    for (id, cpu) in ids.into_iter().zip(cpus) {
        let mut set = CpuSet::new();
        set.set(cpu)?;
        let tasks = std::fs::read_dir(format!("/proc/{id}/task"));
        for task in tasks.into_iter().flatten().flatten() {
            if let Some(task) = task.file_name().to_str().and_then(|name| name.parse().ok()) {
                sched_setaffinity(Pid::from_raw(task), &set)?;
            }
        }
    }
    Ok(())
}

fn measured(times: &[u64], used: [f64; 3], (taken, ns): (u64, u64), bytes: usize) -> Measured {
    let mut round_trip = latencies();
    for time in times {
        round_trip.saturating_record(*time);
    }
    let each = |of: f64| of / times.len() as f64;
    let messages_per_s = (ns > 0).then(|| (taken - 1) as f64 / ns as f64 * 1e9);
    Measured {
        round_trip,
        round_trips: times.len() as u64,
        messages_per_s,
        bytes_per_s: messages_per_s.map(|messages| messages * bytes as f64),
        cpu_ns: each(used[0]),
        switches_voluntary: each(used[1]),
        switches_involuntary: each(used[2]),
        verified: 2 * times.len() as u64 + taken,
    }
}
