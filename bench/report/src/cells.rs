//! Cells: what was recorded of one contender under one scenario, the good passes apart from the others.
//!
//! Every entrant that was not skipped has a cell under every scenario that it was to be taken through, measured
//! or not: a gap would be read as "does not exist", an empty cell says why it is empty.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rayon::prelude::*;
use record::{BrokenOff, Outcome, Pass, PassKind, Results, Scenario};

use crate::conditions::is_open;
use crate::doubts::{self, Verdict, little, stolen};
use crate::figures;
use crate::latency::{Merged, Span};

/// One contender under one scenario.
#[derive(Clone, Debug)]
pub(crate) struct Cell<'a> {
    /// Who.
    pub contender: &'a str,
    /// Of which family.
    pub family: &'a str,
    /// Under what.
    pub scenario: &'a Scenario,
    /// Bare passes that went well, one a round.
    pub passes: Vec<&'a Pass>,
    /// Those that went well and do not count, because the hypervisor took them.
    pub stolen: Vec<&'a Pass>,
    /// Those of further blocks of the same rounds: the reference stands in every block, as the bridge between them.
    pub in_other_blocks: Vec<&'a Pass>,
    /// Counter passes that went well, one a round of theirs.
    pub counters: Vec<&'a Pass>,
    /// The first counter pass that did not.
    pub counters_failed: Option<&'a Pass>,
    /// The bare pass that did not, if one did not: wrong bytes before anything else (those of a counter pass, too), else
    /// the first.
    pub failed: Option<&'a Pass>,
    /// How late the generator itself was, where it had a schedule: nanoseconds, read once for every doubt.
    pub lag_ns_p99: Option<f64>,
    /// How long a request was on its way, likewise.
    pub service_ns_p50: Option<f64>,
    /// Closed loops: throughput × mean response time of each round, over the clients that it had.
    pub little: Vec<f64>,
    /// What is to be thought of its figures; made once, of all of the above.
    pub verdict: Verdict,
    /// What is to be thought of its percentiles, where that is something else.
    pub of_percentiles: Option<Verdict>,
}

impl<'a> Cell<'a> {
    /// What is to be thought of its percentiles.
    pub fn verdict_of_percentiles(&self) -> &Verdict {
        self.of_percentiles.as_ref().unwrap_or(&self.verdict)
    }

    /// What is to be thought of its figure of this metric.
    pub fn verdict_of(&self, metric: &str) -> &Verdict {
        match figures::is_percentile(metric) {
            true => self.verdict_of_percentiles(),
            false => &self.verdict,
        }
    }

    /// Whether bytes came back that were not sent: then no figure of the cell is believed.
    pub fn is_wrong(&self) -> bool {
        self.failed
            .is_some_and(|pass| pass.outcome == Outcome::Wrong)
    }

    /// Passes that may give figures.
    pub fn figures(&self) -> &[&'a Pass] {
        if self.is_wrong() { &[] } else { &self.passes }
    }

    /// Those of one round, of every block.
    pub fn passes_of(&self, round: u32) -> Vec<&'a Pass> {
        let passes = self.figures().iter().chain(&self.in_other_blocks).copied();
        passes.filter(|pass| pass.round == round).collect()
    }

    /// The most connections that were asked for and the fewest of them served in one pass, the silent ones
    /// included.
    pub fn served(&self) -> Option<(u32, u32)> {
        let passes = || self.passes.iter();
        let served = passes().map(|pass| pass.connections.served + pass.idle.served);
        let asked = passes().map(|pass| pass.connections.asked + pass.idle.asked);
        Some((served.min()?, asked.max()?))
    }
}

/// The cells of `results`: scenarios in the suite's order, contenders in the order of entrants.
pub(crate) fn cells(results: &Results) -> Vec<Cell<'_>> {
    let contenders = contenders(results);
    let mut timing = by_cell(results, PassKind::Timing);
    let mut counters = by_cell(results, PassKind::Counter);
    let planned = results.run.passes.iter();
    let planned: HashSet<(&str, &str)> = planned
        .map(|it| (it.scenario.as_str(), it.contender.as_str()))
        .collect();
    let mut wanted = Vec::new();
    for scenario in &results.run.suite.scenarios {
        for &(contender, family) in &contenders {
            let key = (scenario.name.as_str(), contender);
            let passes = timing.remove(&key).unwrap_or_default();
            let counters = counters.remove(&key).unwrap_or_default();
            if passes.is_empty() && !scenario.asks(contender) {
                continue;
            }
            // A search takes everybody its own way, and a share of a capacity asks only those who have one.
            if passes.is_empty() && goes_its_own_way(scenario) && !planned.contains(&key) {
                continue;
            }
            wanted.push(((contender, family), scenario, passes, counters));
        }
    }
    // An indexed parallel map keeps the order. Each decodes the distributions of its passes.
    let mut cells: Vec<Cell<'_>> = wanted
        .par_iter()
        .map(|(who, scenario, passes, counters)| cell(*who, scenario, passes, counters))
        .collect();
    if let Some(broken) = &results.run.broken_off {
        cells.iter_mut().for_each(|cell| break_off(cell, broken));
    }
    cells
}

/// A cell in whose middle the run broke off says so; the rounds that it has are kept.
fn break_off(cell: &mut Cell<'_>, broken: &BrokenOff) {
    let is_meant = cell.scenario.name == broken.scenario
        && broken.contenders.iter().any(|name| name == cell.contender);
    let is_made = cell.passes.iter().any(|pass| pass.round == broken.round);
    if is_meant && !is_made && cell.failed.is_none() {
        cell.verdict = Verdict {
            word: Outcome::Partial.as_str().to_owned(),
            reason: Some(format!("round {}: {}", broken.round, broken.cause)),
        };
        cell.of_percentiles = None;
    }
}

/// Passes of a kind by scenario and contender.
fn by_cell(results: &Results, kind: PassKind) -> BTreeMap<(&str, &str), Vec<&Pass>> {
    let mut passes: BTreeMap<(&str, &str), Vec<&Pass>> = BTreeMap::new();
    for pass in results.passes.iter().filter(|pass| pass.pass == kind) {
        let key = (pass.scenario.as_str(), pass.contender.as_str());
        passes.entry(key).or_default().push(pass);
    }
    passes
}

/// Whether not everybody is taken through it.
fn goes_its_own_way(scenario: &Scenario) -> bool {
    scenario.probe || !scenario.rates.is_empty()
}

/// Entrants that were measured, then names that stand in the records alone.
fn contenders(results: &Results) -> Vec<(&str, &str)> {
    let entrants = &results.run.entrants;
    let mut contenders: Vec<(&str, &str)> = entrants
        .iter()
        .filter(|entrant| entrant.skipped.is_none() && !entrant.is_part())
        .map(|entrant| (entrant.name.as_str(), entrant.family.as_str()))
        .collect();
    for pass in results
        .passes
        .iter()
        .filter(|it| it.pass == PassKind::Timing)
    {
        let known = contenders.iter().any(|(name, _)| *name == pass.contender);
        if !known
            && !entrants
                .iter()
                .any(|entrant| entrant.name == pass.contender)
        {
            contenders.push((&pass.contender, &pass.family));
        }
    }
    contenders
}

/// Good passes, the first block of each round apart from the others. A round that was made again after an
/// interruption stands twice: the later one is whole.
fn good<'a>(passes: &[&'a Pass]) -> (Vec<&'a Pass>, Vec<&'a Pass>) {
    let good: BTreeMap<(u32, u32), &Pass> = passes
        .iter()
        .filter(|pass| pass.outcome.is_good())
        .map(|pass| ((pass.round, pass.block), *pass))
        .collect();
    let mut rounds = BTreeSet::new();
    good.into_values()
        .partition(|pass| rounds.insert(pass.round))
}

fn cell<'a>(
    (contender, family): (&'a str, &'a str),
    scenario: &'a Scenario,
    passes: &[&'a Pass],
    counters: &[&'a Pass],
) -> Cell<'a> {
    let (first, in_other_blocks) = good(passes);
    let (first, stolen) = stolen::apart(scenario, first);
    let is_bad = |pass: &&&Pass| !pass.outcome.is_good();
    let is_wrong = |pass: &&&Pass| pass.outcome == Outcome::Wrong;
    let wrong = passes.iter().chain(counters).find(is_wrong);
    let mut cell = Cell {
        contender,
        family,
        scenario,
        passes: first,
        stolen,
        in_other_blocks,
        counters: good(counters).0,
        counters_failed: counters.iter().find(is_bad).copied(),
        failed: wrong.or_else(|| passes.iter().find(is_bad)).copied(),
        lag_ns_p99: None,
        service_ns_p50: None,
        little: Vec::new(),
        verdict: Verdict::default(),
        of_percentiles: None,
    };
    let ratios = cell.passes.iter();
    cell.little = ratios
        .filter_map(|pass| little::ratio(pass, &cell))
        .collect();
    if is_open(scenario) {
        let read = |span, quantile| Merged::of(&cell, span).ok()?.value(quantile).ok();
        (cell.lag_ns_p99, cell.service_ns_p50) = (read(Span::Lag, 0.99), read(Span::Service, 0.5));
    }
    (cell.verdict, cell.of_percentiles) = doubts::verdicts(&cell);
    cell
}
