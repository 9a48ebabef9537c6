//! What the kernel counted of a server, per request: system calls by name, moves between CPUs, switches. Of counter
//! passes alone, which are made for this and give nothing else but what the counting cost.
//!
//! A figure is a number or a sentence why there is none, in the words of the record where it has some.

use std::collections::BTreeMap;

use record::{Counted, Pass, SYSTEM_CALLS, Scenario, Workload};

use crate::cells::Cell;
use crate::doubts;
use crate::figures;
use crate::stats;

pub(crate) mod tables;

/// What stands before a system call's name among the record's events; alone it is all of them.
const ENTERED: &str = "sys_enter";
/// What stands in a metric's place of a name for system calls that are looked for by none.
const OTHERS: &str = "others";

/// A metric of each counter round by itself.
///
/// # Errors
/// With the reason when no round has it.
pub(crate) fn by_round(cell: &Cell<'_>, metric: &str) -> Result<Vec<(u32, f64)>, String> {
    if cell.is_wrong() {
        return Err("no good pass".to_owned());
    }
    if cell.counters.is_empty() {
        return Err(match cell.counters_failed {
            Some(pass) => format!("its counter pass failed: {}", doubts::failure(pass)),
            None => "no counter pass was made".to_owned(),
        });
    }
    let rounds = cell.counters.iter();
    figures::of_rounds(rounds.map(|pass| (pass.round, figure(cell, pass, metric))))
}

/// A metric of one counter pass.
fn figure(cell: &Cell<'_>, pass: &Pass, metric: &str) -> Result<f64, String> {
    let load = cell.scenario.workload;
    match metric {
        "throughput_ratio_counted" => of_bare(cell, pass, figures::throughput),
        "cpu_ratio_counted" => of_bare(cell, pass, figures::cpu),
        _ => {
            let window = Window::of(pass, load)?;
            let counted = match metric {
                SYSTEM_CALLS => window.event(ENTERED),
                "migrations_per_request" => window.event("cpu-migrations"),
                "switches_per_request" => window.event("context-switches"),
                "task_clock_us_per_request" => window.event("task-clock").map(|ns| ns / 1e3),
                _ => match metric
                    .strip_prefix(SYSTEM_CALLS)
                    .and_then(|rest| rest.strip_prefix('_'))
                {
                    Some(OTHERS) => window.others(),
                    Some(name) => window.event(&format!("{ENTERED}_{name}")),
                    None => Err(format!("this version does not know {metric}")),
                },
            };
            Ok(counted? / window.replies)
        }
    }
}

/// A figure of a counter pass as a share of what the bare passes of the cell had.
fn of_bare(
    cell: &Cell<'_>,
    pass: &Pass,
    figure: fn(&Pass, Workload) -> figures::Figure,
) -> Result<f64, String> {
    let load = cell.scenario.workload;
    let bare = cell.figures().iter();
    let bare: Vec<f64> = bare.filter_map(|pass| figure(pass, load).ok()).collect();
    let bare = stats::median(&bare).filter(|bare| *bare > 0.0);
    let bare = bare.ok_or("no bare pass has a figure to compare with")?;
    Ok(figure(pass, load)? / bare)
}

/// What was counted between two instants, and the replies between them.
struct Window<'a> {
    from: &'a Counted,
    to: &'a Counted,
    replies: f64,
}

impl<'a> Window<'a> {
    /// What is counted holds the dead, too. Yet under crr it begins before anybody connects, because who serves the
    /// first client may be started for it; the end is before the server is told to go.
    fn of(pass: &'a Pass, load: Workload) -> Result<Self, String> {
        let usage = &pass.usage;
        let from = match load {
            Workload::Crr => &usage.ready,
            _ => &usage.before,
        };
        let ends = from.as_ref().zip(usage.after.as_ref());
        let (from, to) = ends.ok_or("usage was not read")?;
        let replies = match to.replies.saturating_sub(from.replies) {
            0 => return Err("no reply was counted between the two instants".to_owned()),
            replies => replies as f64,
        };
        let counted = from.counted.as_ref().zip(to.counted.as_ref());
        let (from, to) = counted.ok_or("nothing was counted in its counter pass")?;
        Ok(Window { from, to, replies })
    }

    /// How often an event occurred.
    fn event(&self, name: &str) -> Result<f64, String> {
        let ends = self.from.events.get(name).zip(self.to.events.get(name));
        match ends {
            Some((from, to)) => Ok(to.saturating_sub(*from) as f64),
            None => Err(self.why_not(name)),
        }
    }

    /// System calls that none of the names that are looked for is of.
    fn others(&self) -> Result<f64, String> {
        let all = self.event(ENTERED)?;
        // Those of a name that could not be counted cannot be told from them.
        let missing = self.to.unavailable.keys();
        let mut missing = missing.filter(|name| name.starts_with(ENTERED));
        if let Some(name) = missing.next() {
            return Err(format!("{name} is among them: {}", self.why_not(name)));
        }
        let named: f64 = calls(&self.to.events)
            .filter_map(|name| self.event(&format!("{ENTERED}_{name}")).ok())
            .sum();
        Ok((all - named).max(0.0))
    }

    fn why_not(&self, name: &str) -> String {
        let kinds: &[&str] = match name.starts_with(ENTERED) {
            true => &[name, "tracepoints", "perf"],
            false => &[name, "perf"],
        };
        let said = [self.to, self.from].map(|it| &it.unavailable);
        let mut said = kinds.iter().flat_map(|kind| said.map(|it| it.get(*kind)));
        match said.find_map(|reason| reason) {
            Some(reason) => crate::format::without_paths(reason),
            None => format!("{name} was not counted"),
        }
    }
}

/// The names that system calls are looked for by.
fn calls(events: &BTreeMap<String, u64>) -> impl Iterator<Item = &str> {
    let names = events.keys();
    names.filter_map(|name| name.strip_prefix(ENTERED)?.strip_prefix('_'))
}

/// The metrics of system calls by name under a scenario: of the names that anybody used there, and of the others.
pub(crate) fn by_name(cells: &[Cell<'_>], scenario: &Scenario) -> Vec<String> {
    let mut used: BTreeMap<&str, u64> = BTreeMap::new();
    let here = cells
        .iter()
        .filter(|cell| cell.scenario.name == scenario.name);
    for pass in here.flat_map(|cell| &cell.counters) {
        let Ok(window) = Window::of(pass, scenario.workload) else {
            continue;
        };
        for name in calls(&window.to.events) {
            let count = window.event(&format!("{ENTERED}_{name}")).unwrap_or(0.0);
            *used.entry(name).or_default() += count as u64;
        }
    }
    let names = used.into_iter().filter(|(_, count)| *count > 0);
    let names: Vec<String> = names.map(|(name, _)| metric_of(name)).collect();
    match names.is_empty() {
        true => names,
        false => names.into_iter().chain([metric_of(OTHERS)]).collect(),
    }
}

fn metric_of(call: &str) -> String {
    format!("{SYSTEM_CALLS}_{call}")
}
