//! Rounds that the hypervisor took: a virtual machine whose host was busy for half a second has one round that says
//! nothing of the server, and percentiles are read from all rounds merged.
//!
//! What was taken is known of each pass apart from its figures, and its cause is outside of this machine, so a round may
//! be judged by it without a look at what it found. Where most rounds are spared, and enough for an interval, the others
//! do not count, and the table says so; elsewhere all stand, and the cell is `host-noisy` where most were taken. It pays
//! with rounds. Memory is weighed, not timed: there all count.

use std::collections::BTreeMap;

use record::{HostInstant, Pass, Scenario, Workload};

use super::host::{share_of, since};
use crate::cells::Cell;
use crate::{format, stats};

/// What a hypervisor may take, as a share of one CPU; it takes it from whoever is running. Medians on a quiet
/// machine: up to 2 %.
pub(super) const STEAL: f64 = 0.05;

/// More contenders than this are counted.
const NAMED: usize = 4;

/// What it took from one reading to another, nanoseconds; `None` where the host does not say.
pub(super) fn taken(from: &HostInstant, to: &HostInstant) -> Option<f64> {
    since(from.steal_ns, to.steal_ns)
}

/// The rounds that count, and those that do not.
pub(crate) fn apart<'a>(
    scenario: &Scenario,
    passes: Vec<&'a Pass>,
) -> (Vec<&'a Pass>, Vec<&'a Pass>) {
    if scenario.workload == Workload::Idle {
        return (passes, Vec::new());
    }
    let is_spared = |pass: &&Pass| share_of(pass, taken).is_none_or(|share| share <= STEAL);
    let (spared, stolen): (Vec<&Pass>, Vec<&Pass>) = passes.iter().copied().partition(is_spared);
    match spared.len() >= stats::ROUNDS_MIN && spared.len() > stolen.len() {
        true => (spared, stolen),
        false => (passes, Vec::new()),
    }
}

/// Which rounds of whom do not count under a scenario, and why; `None` where all do.
pub(crate) fn note<'a, 'b: 'a>(cells: impl Iterator<Item = &'a Cell<'b>>) -> Option<String> {
    let mut left_out: BTreeMap<Vec<u32>, Vec<&str>> = BTreeMap::new();
    for cell in cells.filter(|cell| !cell.stolen.is_empty()) {
        let rounds = cell.stolen.iter().map(|pass| pass.round).collect();
        left_out.entry(rounds).or_default().push(cell.contender);
    }
    let of = |(rounds, who): (&Vec<u32>, &Vec<&str>)| {
        let word = if rounds.len() == 1 { "round" } else { "rounds" };
        let rounds: Vec<String> = rounds.iter().map(u32::to_string).collect();
        let who = match who.len() {
            1..=NAMED => who.join(", "),
            many => format!("{many} contenders"),
        };
        format!("{word} {} of {who}", rounds.join(", "))
    };
    let left_out: Vec<String> = left_out.iter().map(of).collect();
    (!left_out.is_empty()).then(|| {
        format!(
            "left out, because the hypervisor took more than {} % of a CPU for other machines meanwhile (steal): {}",
            format::tick(100.0 * STEAL),
            left_out.join("; ")
        )
    })
}
