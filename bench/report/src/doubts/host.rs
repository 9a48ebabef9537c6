//! The host beside us: what others burnt, what the hypervisor took, and whom the host turned away.
//!
//! A second fiveways is known for sure. The other three are of the whole host over the whole pass, from before the servers were started to after they
//! were gone. Memory is weighed, not timed: idle scenarios are not doubted for it.

use record::{HostInstant, Pass, Workload};

use super::stolen;
use crate::cells::Cell;
use crate::conditions::is_open;
use crate::{format, stats};

/// What others may burn, as a share of one CPU. Busy time is counted by ticks of 4 ms: on a quiet machine the
/// medians of saturated cells were − 3 to + 7 %, and lower where cores halt between two ticks.
const OTHERS: f64 = 0.10;
/// No listener's queue is shorter among the servers that are usual: fewer clients than this cannot fill it.
const SHORTEST_QUEUE: u32 = 100;

/// Somebody else used the machine, or it had less to give than it seemed.
pub(super) fn noisy(cell: &Cell<'_>) -> Option<String> {
    // Two runs share the pages of their servers, too: what is weighed is doubted as what is timed.
    if let Some(reason) = beside(&cell.passes) {
        return Some(reason);
    }
    if cell.scenario.workload == Workload::Idle {
        return None;
    }
    burnt(cell).or_else(|| stolen(cell)).or_else(|| drops(cell))
}

/// Another fiveways measured on this host meanwhile, because its user or this one said `--now`.
pub(crate) fn beside(passes: &[&Pass]) -> Option<String> {
    let beside = passes.iter().filter(|pass| pass.host.beside).count();
    (beside > 0).then(|| {
        format!(
            "another fiveways measured on this host in {beside} of {} (--now): run it again by itself",
            format::plural(passes.len(), "round")
        )
    })
}

fn burnt(cell: &Cell<'_>) -> Option<String> {
    let others = stats::median(&shares(cell, |from, to| {
        let busy = since(from.busy_ns, to.busy_ns)?;
        Some(busy - since(from.ours_ns, to.ours_ns)?)
    }))?;
    (others > OTHERS).then(|| {
        format!(
            "others on this host used {} % of a CPU meanwhile: stop them (top shows who), and run it again",
            format::digits(100.0 * others)
        )
    })
}

fn stolen(cell: &Cell<'_>) -> Option<String> {
    let stolen = stats::median(&shares(cell, stolen::taken))?;
    (stolen > stolen::STEAL).then(|| {
        format!(
            "the hypervisor took {} % of a CPU for other machines meanwhile (steal): run it again at another \
             time, or on a machine of your own",
            format::digits(100.0 * stolen)
        )
    })
}

/// In a closed loop of few clients no queue can be full: who was turned away was not by a model's choice.
/// Where connections stand before the load begins, it touches no figure.
fn drops(cell: &Cell<'_>) -> Option<String> {
    let scenario = cell.scenario;
    let touches = scenario.workload == Workload::Crr && !is_open(scenario);
    if !touches || scenario.connections > SHORTEST_QUEUE {
        return None;
    }
    let passes = cell.passes.iter();
    let drops = passes.filter_map(|pass| turned_away(pass)).max()?;
    (drops > 0).then(|| {
        format!(
            "the host turned {} away in a round (ListenDrops), though no queue can be full with {} at once: each \
             such client waits a second; nstat -az TcpExtListenDrops shows whether somebody else's do",
            format::plural(drops as usize, "connection"),
            scenario.connections
        )
    })
}

/// Overflows of accept queues are counted as drops, too; where only one of them is known it is that one.
fn turned_away(pass: &Pass) -> Option<u64> {
    let (from, to) = (&pass.host.before, &pass.host.after);
    let drops = to.listen_drops.zip(from.listen_drops);
    let overflows = to.listen_overflows.zip(from.listen_overflows);
    let counts = [drops, overflows].into_iter().flatten();
    counts.map(|(to, from)| to.saturating_sub(from)).max()
}

/// Of each round a time in the pass, as a share of the pass.
pub(super) fn shares(
    cell: &Cell<'_>,
    time_ns: fn(&HostInstant, &HostInstant) -> Option<f64>,
) -> Vec<f64> {
    let passes = cell.passes.iter();
    passes.filter_map(|pass| share_of(pass, time_ns)).collect()
}

/// A time in the pass, as a share of the pass.
pub(super) fn share_of(
    pass: &Pass,
    time_ns: fn(&HostInstant, &HostInstant) -> Option<f64>,
) -> Option<f64> {
    let (from, to) = (&pass.host.before, &pass.host.after);
    let length_ns = since(from.at_ns, to.at_ns).filter(|ns| *ns > 0.0)?;
    Some(time_ns(from, to)? / length_ns)
}

/// Nanoseconds from one reading of a clock that only grows to another.
pub(super) fn since(from: Option<u64>, to: Option<u64>) -> Option<f64> {
    let (from, to) = from.zip(to)?;
    Some(to.saturating_sub(from) as f64)
}
