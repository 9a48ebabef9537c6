//! Of this run: what its scenarios left out, and what happened to the host while it ran.

use record::{HostInstant, Pass, Workload};

use super::Limit;
use crate::data::Data;
use crate::format;

/// A clock that is being adjusted runs at most so much too fast or too slow (adjtimex(2)): a change beyond it,
/// and beyond what reading two clocks takes, is a step.
const SLEW: f64 = 500e-6;
const READING_NS: f64 = 1e6;
/// Less than this of a CPU is nothing to speak of: over all passes, and in one of them. Per cent.
const STOLEN: f64 = 0.1;
const STOLEN_ONCE: f64 = 1.0;

pub(super) fn server_cores(data: &Data<'_>) -> Option<Limit> {
    let most = data.scenarios().iter().map(|it| it.server_cpus).max()?;
    let host = &data.results.run.host;
    let here = format!(
        "this machine has {}, and the generator needs one",
        format::plural(host.cores as usize, "core")
    );
    let (what, text) = match most {
        1 => (
            "more than one server core",
            format!(
                "Every figure is of one server core ({here}): how a model grows with cores, who contends for a lock or \
                 an accept queue there, and what spreading over workers gains, is not shown."
            ),
        ),
        cores => (
            "more server cores",
            format!("No figure is of more than {cores} server cores ({here})."),
        ),
    };
    Some(Limit { what, text })
}

/// The share of the kernel in an echo's cost, where a cgroup split it.
pub(super) fn work(data: &Data<'_>) -> Option<Limit> {
    let scenarios = data.scenarios();
    let loaded = scenarios.iter().filter(|it| it.workload != Workload::Idle);
    let sizes: Vec<usize> = loaded.clone().map(|it| it.message).collect();
    if sizes.is_empty() || loaded.clone().any(|it| it.work != "none") {
        return None;
    }
    let (least, most) = (sizes.iter().min()?, sizes.iter().max()?);
    let size = match least == most {
        true => format::bytes(*least as f64),
        false => format!(
            "{} to {}",
            format::bytes(*least as f64),
            format::bytes(*most as f64)
        ),
    };
    let figure = kernels_share(data)
        .unwrap_or_else(|| "how much of it is the kernel's was not to be had".to_owned());
    Some(Limit {
        what: "a server's own work",
        text: format!(
            "A request is an echo of {size}, and nothing else: {figure}. Work of your own comes on top, alike for every \
             model, and narrows the ratios between them."
        ),
    })
}

fn kernels_share(data: &Data<'_>) -> Option<String> {
    let scenario = data.typical(Workload::Rr).or_else(|| data.typical_open())?;
    let name = &data.results.run.suite.reference;
    let value = |metric: &str| data.estimate(name, &scenario.name, metric)?.value;
    let (user, system) = (
        value("cpu_us_per_request_user")?,
        value("cpu_us_per_request_system")?,
    );
    let whole = user + system;
    (whole > 0.0).then(|| {
        format!(
            "of the {} µs of CPU that one costs {name} ({}) {:.0} % are the kernel's",
            format::digits(whole),
            scenario.name,
            100.0 * system / whole
        )
    })
}

/// A pass with how long it took, nanoseconds, and what a reading of the host changed by meanwhile.
fn changes<'a>(
    data: &Data<'a>,
    read: fn(&HostInstant) -> Option<f64>,
) -> Vec<(&'a Pass, f64, f64)> {
    let passes = data.results.passes.iter();
    let change = |pass: &'_ Pass| {
        let (before, after) = (&pass.host.before, &pass.host.after);
        let (from, to) = before.at_ns.zip(after.at_ns)?;
        let length = to.checked_sub(from).filter(|ns| *ns > 0)? as f64;
        Some((length, read(after)? - read(before)?))
    };
    passes
        .filter_map(|pass| change(pass).map(|(length, change)| (pass, length, change)))
        .collect()
}

pub(super) fn steal(data: &Data<'_>) -> Option<Limit> {
    let changes = changes(data, |it| it.steal_ns.map(|ns| ns as f64));
    let share = |taken: f64, length: f64| 100.0 * taken / length;
    // Passes of a block share their readings: both sums count them as often.
    let (taken, length) = changes
        .iter()
        .fold((0.0, 0.0), |sum, it| (sum.0 + it.2, sum.1 + it.1));
    let worst = changes
        .iter()
        .max_by(|a, b| share(a.2, a.1).total_cmp(&share(b.2, b.1)))?;
    let (mean, most) = (share(taken, length), share(worst.2, worst.1));
    if mean < STOLEN && most < STOLEN_ONCE {
        return None;
    }
    Some(Limit {
        what: "an undisturbed machine",
        text: format!(
            "The hypervisor took {} % of a CPU for others during the passes (steal), and {} % in the worst of them \
             ({}, round {}).",
            format::digits(mean),
            format::digits(most),
            worst.0.scenario,
            worst.0.round
        ),
    })
}

pub(super) fn steps(data: &Data<'_>) -> Option<Limit> {
    let changes = changes(data, |it| it.wall_offset_ns.map(|ns| ns as f64));
    let is_step = |it: &&(&Pass, f64, f64)| it.2.abs() > SLEW * it.1 + READING_NS;
    let steps: Vec<f64> = changes
        .iter()
        .filter(is_step)
        .map(|it| it.2.abs())
        .collect();
    let largest = steps.iter().copied().reduce(f64::max)?;
    Some(Limit {
        what: "dates that can be trusted",
        text: format!(
            "The wall clock was set during {} (by up to {}): no figure rests on it, but the times of day in logs do.",
            format::plural_of(steps.len(), "pass", "passes"),
            format::time(largest)
        ),
    })
}

pub(super) fn suspended(data: &Data<'_>) -> Option<Limit> {
    let changes = changes(data, |it| it.suspended_ns.map(|ns| ns as f64));
    let asleep = changes.iter().map(|it| it.2).filter(|ns| *ns > READING_NS);
    let (passes, ns) = asleep.fold((0, 0.0), |sum, ns| (sum.0 + 1, sum.1 + ns));
    (passes > 0).then(|| Limit {
        what: "a machine that stayed awake",
        text: format!(
            "The machine was suspended for {} during {}: what waited then is in no latency, and caches were cold after.",
            format::time(ns),
            format::plural_of(passes, "pass", "passes")
        ),
    })
}

/// From the first pass to the last.
pub(super) fn another_day(data: &Data<'_>) -> Option<Limit> {
    let passes = || data.results.passes.iter();
    let first = passes().filter_map(|pass| pass.host.before.at_ns).min()?;
    let last = passes().filter_map(|pass| pass.host.after.at_ns).max()?;
    let length = last.checked_sub(first).filter(|ns| *ns > 0)? as f64;
    let (length, unit) = match length / 60e9 {
        minutes if minutes < 1.0 => (length / 1e9, "s"),
        minutes if minutes < 90.0 => (minutes, "minutes"),
        minutes => (minutes / 60.0, "hours"),
    };
    Some(Limit {
        what: "another day",
        text: format!(
            "All passes lie within {} {unit}: intervals hold what differs from round to round in that time, not what \
             another hour, kernel or neighbour would bring.",
            format::digits(length)
        ),
    })
}
