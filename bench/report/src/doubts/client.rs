//! The generator as the limit: what it could not send, or sent late, is no figure of the server's.

use record::{Generator, Pass, Placing, Source};

use super::{host, stolen};
use crate::cells::Cell;
use crate::conditions::{asks_at_once, is_open};
use crate::{format, stats};

/// With a rate, the generator was later than this once in a hundred requests: then its own lateness stands
/// in the response times.
pub(crate) const LATE_NS: f64 = 1e6;

/// More moves of its threads from CPU to CPU than this in a loaded second: a move makes a request late by
/// some 50 µs (the caches are elsewhere, and a halted core must wake), so that these are 1 % of the time.
const MOVES_MAX_PER_S: f64 = 200.0;

/// A CPU of which the hypervisor takes this share is away at one in a hundred of the instants at which a request is due.
const TAKEN: f64 = 0.01;

/// The generator could not keep its schedule, and what the hypervisor took is enough for that.
pub(super) fn robbed(cell: &Cell<'_>) -> Option<String> {
    let lag = cell.lag_ns_p99.filter(|lag| *lag > LATE_NS)?;
    // The mean, as the requests of all rounds are counted together.
    let shares = host::shares(cell, stolen::taken);
    let taken = shares.iter().sum::<f64>() / shares.len() as f64;
    if taken.is_nan() || taken < TAKEN {
        return None;
    }
    Some(format!(
        "the generator sent 1 % of its requests {} late or later, and the hypervisor took {} % of a CPU for other machines \
         meanwhile (steal), which is enough for that: run it again at another time, or on a machine of your own",
        format::time(lag),
        format::digits(100.0 * taken)
    ))
}

/// The generator could not keep its schedule.
pub(super) fn late(cell: &Cell<'_>) -> Option<String> {
    let lag = cell.lag_ns_p99.filter(|lag| *lag > LATE_NS)?;
    Some(format!(
        "the generator sent 1 % of its requests {} late or later: that is in the response times; give it more \
         cores (a smaller server_cpus, or a larger machine), or ask for a lower rate",
        format::time(lag)
    ))
}

/// While loaded the generator's CPUs idled less than 2 % and the server's more than 5 %: then the figure is
/// the generator's. When neither idles the limit is shared, and the cell is valid.
pub(super) fn client_bound(cell: &Cell<'_>) -> Option<String> {
    // With a rate it waits for the next due instant on its feet: then what tells is whether it was late.
    if is_open(cell.scenario) || cell.scenario.placement == Placing::Shared {
        return None;
    }
    let (generator, server) = busy_shares(cell)?;
    (generator > 0.98 && server < 0.95).then(|| {
        format!(
            "the generator was busy {:.0} % of the time and the server {:.0} %: the figure is the \
             generator's; give it more cores (a smaller server_cpus, or a larger machine)",
            generator * 100.0,
            server * 100.0
        )
    })
}

/// The generator's threads were moved about: their work was then not the same from round to round.
pub(super) fn moved_about(cell: &Cell<'_>) -> Option<String> {
    // Where both sides share their CPUs, the server's tasks are what moves it about, and that is the question.
    if cell.scenario.placement == Placing::Shared {
        return None;
    }
    let rates = cell.passes.iter().filter_map(|pass| {
        let loaded_s = pass.generator.loaded_ns as f64 / 1e9;
        Some(pass.generator.migrations? as f64 / loaded_s).filter(|rate| rate.is_finite())
    });
    let rate = stats::median(&rates.collect::<Vec<_>>())?;
    (rate > MOVES_MAX_PER_S).then(|| {
        format!(
            "the generator's threads were moved from CPU to CPU {} times a second: others want its CPUs, or it \
             has more threads than CPUs; stop the others, or give it more cores (a smaller server_cpus)",
            format::count(rate)
        )
    })
}

/// Neither side was busy: throughput is then the time that wake-ups take, not capacity. No doubt of the
/// figure, but of what a reader may make of it; a sentence to stand beside it.
pub(crate) fn waiting(cell: &Cell<'_>) -> Option<String> {
    // Where both sides share their CPUs, neither can be busy for long.
    if !asks_at_once(cell.scenario) || cell.scenario.placement == Placing::Shared {
        return None;
    }
    let (generator, server) = busy_shares(cell)?;
    (generator < 0.9 && server < 0.9).then(|| {
        format!(
            "Neither side was busy (server {:.0} %, generator {:.0} % of the time): this is how long \
             waking takes here, and how requests happen to bunch, not what the server could do.",
            server * 100.0,
            generator * 100.0
        )
    })
}

/// Medians over rounds of the shares of the loaded time in which generator and server were on their CPUs.
fn busy_shares(cell: &Cell<'_>) -> Option<(f64, f64)> {
    let (generator, server): (Vec<f64>, Vec<f64>) =
        cell.passes.iter().filter_map(|pass| busy(pass)).unzip();
    Some((stats::median(&generator)?, stats::median(&server)?))
}

/// Shares of the loaded time in which the generator and the server were on their CPUs.
fn busy(pass: &Pass) -> Option<(f64, f64)> {
    let (before, after) = pass.usage.before.as_ref().zip(pass.usage.after.as_ref())?;
    // The time of tasks that ended in between is lost, unless a cgroup kept it.
    let whole = after.cpu_source == Source::Cgroup || before.tasks_hash == after.tasks_hash;
    let loaded = pass.generator.loaded_ns as f64;
    if !whole || loaded == 0.0 {
        return None;
    }
    // Of several hosts, the one that is busiest holds up all.
    let of = |generator: &Generator| {
        let loaded = generator.loaded_ns as f64 * f64::from(generator.threads.max(1));
        if loaded > 0.0 {
            generator.cpu_ns as f64 / loaded
        } else {
            0.0
        }
    };
    let parts = pass.load.iter().map(|part| of(&part.generator));
    let generator = parts.fold(of(&pass.generator), f64::max);
    let cpus = pass.server_cpus.len().max(1) as f64;
    let server = after.cpu_ns.saturating_sub(before.cpu_ns) as f64 / (loaded * cpus);
    Some((generator, server))
}
