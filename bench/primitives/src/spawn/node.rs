//! Node's own ways to start something, measured by a script in node itself, with the clock that everybody
//! here has. It also counts how often each way enters `ChildProcess.prototype.spawn`, to which all are said
//! to come down.

use std::process::{Command, Stdio};

use measure::LabAsked;
use record::{Encoded, Findings, Outcome};

use super::first::Program;
use super::nanos;
use crate::Nothing;

const SCRIPT: &str = include_str!("node.js");

/// Measures one.
///
/// # Errors
/// Without node, and when a child said something else than it must.
pub fn measure(asked: &LabAsked) -> Result<Findings, Nothing> {
    let first = Program::first().map_err(|(text, errno)| Nothing::unavailable(text, errno))?;
    let path = first.path().to_string_lossy().into_owned();
    let figures = [
        nanos(asked.lab.warmup),
        nanos(asked.lab.window),
        asked.times.unwrap_or(0),
    ];
    let output = Command::new("node")
        .args(["-e", SCRIPT, &asked.mechanism])
        .args(figures.map(|figure| figure.to_string()))
        .arg(path)
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(|error| {
        Nothing::unavailable(format!("node cannot be run: {error}"), error.raw_os_error())
    })?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let line = stderr.lines().find(|line| line.contains("Error"));
        return Err(Nothing {
            outcome: Outcome::Crashed,
            text: format!("node: {}", line.unwrap_or("it does not say why")),
            errno: None,
        });
    }
    findings(&said).ok_or_else(|| super::unexpected(said.as_bytes()))
}

fn findings(said: &str) -> Option<Findings> {
    let mut spawn = record::histogram::latencies();
    let mut reap = record::histogram::latencies();
    let mut entries = 0;
    let (mut begun, mut ended) = (u64::MAX, 0);
    for line in said.lines() {
        let words: Vec<u64> = line
            .split(' ')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        let [from, first, reaped, entered] = words[..] else {
            return None;
        };
        if first == 0 {
            return None;
        }
        spawn.saturating_record(first.saturating_sub(from).max(1));
        reap.saturating_record(reaped.saturating_sub(from).max(1));
        entries += entered;
        (begun, ended) = (begun.min(from), ended.max(reaped));
    }
    let times = spawn.len();
    if times == 0 {
        return None;
    }
    let figures = [
        ("node_spawn_entries_per_call", entries as f64 / times as f64),
        (
            "starts_per_s",
            times as f64 * 1e9 / (ended - begun).max(1) as f64,
        ),
    ];
    let distributions = [("spawn_ns", &spawn), ("reap_ns", &reap)];
    let missing = [
        "cpu_ns_per_time",
        "faults_minor_per_time",
        "switches_voluntary_per_time",
        "switches_involuntary_per_time",
    ];
    Some(Findings {
        times,
        verified: times,
        figures: figures.map(|(name, value)| (name.to_owned(), value)).into(),
        histograms: distributions
            .map(|(name, histogram)| (name.to_owned(), Encoded::new(histogram)))
            .into(),
        missing: missing
            .map(|name| {
                (
                    name.to_owned(),
                    "node's own start-up is in its usage".to_owned(),
                )
            })
            .into(),
        seen: Default::default(),
    })
}
