//! What pages are made from: the results, their summary, and the questions that every page asks of them.

use std::collections::{BTreeMap, BTreeSet};

use record::{
    CONTROL, Comparison, Entrant, Estimate, Lab, Outcome, PassKind, Results, Scenario, Summary,
    Workload,
};

use crate::cells::{self, Cell};
use crate::charts::look::Look;
use crate::comparisons;
use crate::conditions::{asks_at_once, is_open, is_saturating};
use crate::doubts::{self, TOO_FEW_ROUNDS, UNSERVED, VALID};
use crate::format;
use crate::labs;
use crate::struck::strikes;

/// The families in the order of the textbook's chapter, the baseline first.
pub(crate) const FAMILIES: [&str; 6] = [
    "iterative",
    "fork-per-connection",
    "prefork",
    "thread-per-connection",
    "thread-pool",
    "event-driven",
];

/// A run, its figures, and an index of them. The control is no contender, and in nothing of this.
pub(crate) struct Data<'a> {
    /// The records.
    pub results: &'a Results,
    /// The figures.
    pub summary: &'a Summary,
    /// The records by contender and scenario.
    pub cells: Vec<Cell<'a>>,
    /// Every pair of contenders by the metrics of the summary.
    pub pairs: Vec<Comparison>,
    /// Whom pictures show, and on what.
    pub look: Look,
    index: BTreeMap<(&'a str, &'a str, &'a str), &'a Estimate>,
}

impl<'a> Data<'a> {
    /// Both, indexed.
    pub fn new(results: &'a Results, summary: &'a Summary) -> Self {
        let key = |it: &'a Estimate| {
            (
                it.contender.as_str(),
                it.scenario.as_str(),
                it.metric.as_str(),
            )
        };
        let index = summary.estimates.iter().map(|it| (key(it), it)).collect();
        let mut cells = cells::cells(results);
        cells.retain(|cell| cell.contender != CONTROL);
        // A summary that was read from a file has none.
        let pairs = match summary.pairs.is_empty() {
            true => comparisons::compared_pairs(&cells, &results.run),
            false => summary.pairs.clone(),
        };
        Data {
            results,
            summary,
            cells,
            pairs,
            look: Look::default(),
            index,
        }
    }

    /// For pictures that look so.
    pub fn looking(self, look: Look) -> Self {
        Data { look, ..self }
    }

    /// The scenarios of the suite, in order.
    pub fn scenarios(&self) -> &'a [Scenario] {
        &self.results.run.suite.scenarios
    }

    /// The scenarios that have a section of their own: all but the looks of a search.
    pub fn sections(&self) -> impl Iterator<Item = &'a Scenario> + use<'a> {
        self.scenarios().iter().filter(|scenario| !scenario.probe)
    }

    /// The search for capacities, if there was one.
    pub fn search(&self) -> Option<&'a record::Search> {
        self.results.run.suite.capacity.as_ref()
    }

    /// The labs of the suite, in order.
    pub fn labs(&self) -> &'a [Lab] {
        &self.results.run.suite.labs
    }

    /// Entrants that were measured and are shown, in order.
    pub fn measured(&self) -> impl Iterator<Item = &'a Entrant> + use<'a, '_> {
        self.everybody()
            .filter(|entrant| self.look.shows(&entrant.name))
    }

    /// Entrants that were measured, in order, whoever is shown.
    pub fn everybody(&self) -> impl Iterator<Item = &'a Entrant> + use<'a> {
        self.results
            .run
            .entrants
            .iter()
            .filter(|entrant| entrant.skipped.is_none() && entrant.name != CONTROL)
    }

    /// Those of them that are servers.
    pub fn servers(&self) -> impl Iterator<Item = &'a Entrant> + use<'a, '_> {
        self.measured().filter(|entrant| !entrant.is_part())
    }

    /// The first entrant of each family, the baseline first: the five ways and what they improve on.
    pub fn firsts(&self) -> Vec<&'a Entrant> {
        let first = |family: &&str| self.servers().find(|entrant| entrant.family == *family);
        FAMILIES.iter().filter_map(first).collect()
    }

    /// Everybody who was measured, the firsts of families before the others.
    pub fn firsts_then_others(&self) -> Vec<&'a Entrant> {
        let mut all = self.firsts();
        for entrant in self.servers() {
            if !all.iter().any(|other| other.name == entrant.name) {
                all.push(entrant);
            }
        }
        all
    }

    /// One figure.
    pub fn estimate(&self, contender: &str, scenario: &str, metric: &str) -> Option<&'a Estimate> {
        self.index.get(&(contender, scenario, metric)).copied()
    }

    /// One figure, if it may stand beside others.
    pub fn shown(&self, contender: &str, scenario: &str, metric: &str) -> Option<&'a Estimate> {
        self.estimate(contender, scenario, metric)
            .filter(|it| may_be_shown(it) && it.value.is_some())
    }

    /// A cell.
    pub fn cell(&self, contender: &str, scenario: &str) -> Option<&Cell<'a>> {
        self.cells
            .iter()
            .find(|cell| cell.contender == contender && cell.scenario.name == scenario)
    }

    /// `1 of 50 served`, where that stands in the place of figures.
    pub fn served(&self, contender: &str, scenario: &str) -> Option<String> {
        let cell = self.cell(contender, scenario)?;
        let (served, asked) = cell.served().filter(|(served, asked)| served < asked)?;
        cell.failed.is_none().then(|| format::served(served, asked))
    }

    /// What contenders have of a metric, ranked or not.
    pub fn estimates<'b>(
        &self,
        scenario: &'b str,
        metric: &'b str,
    ) -> impl Iterator<Item = &'a Estimate> + use<'a, 'b> {
        let all = self.summary.estimates.iter();
        all.filter(move |it| it.scenario == scenario && it.metric == metric)
            .filter(|it| it.contender != CONTROL)
    }

    /// Contenders with a figure that may be ranked, the best first.
    pub fn ranking(&self, scenario: &str, metric: &str) -> Vec<&'a Estimate> {
        let mut ranking: Vec<&Estimate> = self
            .estimates(scenario, metric)
            .filter(|it| may_be_shown(it) && it.value.is_some())
            .collect();
        let more =
            record::metric(metric).is_some_and(|metric| metric.better == record::Better::More);
        ranking.sort_by(|a, b| {
            let (a, b) = (a.value.unwrap_or(f64::NAN), b.value.unwrap_or(f64::NAN));
            if more {
                b.total_cmp(&a)
            } else {
                a.total_cmp(&b)
            }
        });
        ranking
    }

    /// Scenarios of a workload in which everybody asks again at once: throughput is what can be had.
    pub fn at_once(&self, workload: Workload) -> impl Iterator<Item = &'a Scenario> + use<'a> {
        self.sections()
            .filter(move |it| it.workload == workload && asks_at_once(it))
    }

    /// Scenarios in which everybody is silent.
    fn idle(&self) -> impl Iterator<Item = &'a Scenario> + use<'a> {
        let scenarios = self.scenarios().iter();
        scenarios.filter(|scenario| scenario.workload == Workload::Idle)
    }

    /// The scenario that stands for a workload at saturation: the middle one by connections, of those without work
    /// if there are any. Chosen by the suite alone: two runs of it show the same scenario, however their figures fell.
    pub fn typical(&self, workload: Workload) -> Option<&'a Scenario> {
        let mut scenarios: Vec<&Scenario> = self
            .at_once(workload)
            .filter(|it| is_saturating(it))
            .collect();
        if scenarios.iter().any(|it| it.work == "none") {
            scenarios.retain(|it| it.work == "none");
        }
        scenarios.sort_by_key(|scenario| scenario.connections);
        scenarios.get(scenarios.len() / 2).copied()
    }

    /// The scenario that stands for those with a rate: the middle one by rate.
    pub fn typical_open(&self) -> Option<&'a Scenario> {
        let rate = |scenario: &&Scenario| scenario.pace.rate_per_s().unwrap_or(0.0);
        let mut scenarios: Vec<&Scenario> = self
            .sections()
            .filter(|it| is_open(it) && !strikes(it))
            .collect();
        scenarios.sort_by(|a, b| rate(a).total_cmp(&rate(b)));
        scenarios.get(scenarios.len() / 2).copied()
    }

    /// Scenarios in which a process of the server is struck.
    pub fn struck(&self) -> impl Iterator<Item = &'a Scenario> + use<'a> {
        self.sections().filter(|it| strikes(it))
    }

    /// The scenario at which bytes per connection stand.
    pub fn heaviest(&self) -> Option<&'a Scenario> {
        let stands = |scenario: &&Scenario| {
            !self
                .ranking(&scenario.name, "memory_bytes_per_connection")
                .is_empty()
        };
        let with_figure = self.idle().filter(stands);
        with_figure
            .max_by_key(|scenario| scenario.connections)
            .or_else(|| self.idle().max_by_key(|scenario| scenario.connections))
    }

    /// `provisional, round 1 of 5 (54 of 270 passes)`, while the plan is not done.
    pub fn provisional(&self) -> Option<String> {
        let (plan, passes) = (&self.results.run.passes, &self.results.passes);
        // Counter passes have rounds of their own.
        let counts = |pass| pass == PassKind::Counter;
        let done: BTreeSet<(&str, &str, bool, u32, u32)> = passes
            .iter()
            .map(|it| {
                let (contender, scenario) = (it.contender.as_str(), it.scenario.as_str());
                (contender, scenario, counts(it.pass), it.round, it.block)
            })
            .collect();
        let key = |it: &'a record::Planned| {
            let (contender, scenario) = (it.contender.as_str(), it.scenario.as_str());
            (contender, scenario, counts(it.pass), it.round, it.block)
        };
        let made = plan
            .iter()
            .filter(|planned| done.contains(&key(planned)))
            .count();
        let mut timing = passes.iter().filter(|it| !counts(it.pass));
        let round = timing.next_back().map_or(0, |pass| pass.round);
        (made < plan.len()).then(|| {
            let (rounds, all) = (self.rounds(), plan.len());
            format!("provisional, round {round} of {rounds} ({made} of {all} passes)")
        })
    }

    /// Rounds that a scenario's figures rest on so far: of the contender that has the most.
    pub fn rounds_made(&self, scenario: &Scenario) -> usize {
        let here = self.cells.iter();
        let here = here.filter(|cell| cell.scenario.name == scenario.name);
        here.map(|cell| cell.passes.len()).max().unwrap_or(0)
    }

    /// Rounds of the scenario with the most; whole searches, where there is nothing else.
    pub fn rounds(&self) -> u32 {
        let rounds = self.sections().map(|scenario| scenario.rounds);
        let labs = self.labs().iter().map(|lab| lab.rounds);
        rounds
            .chain(labs)
            .max()
            .or(self.search().map(|search| search.rounds))
            .unwrap_or(0)
    }

    /// Skipped entrants, each with its reason.
    pub fn skipped(&self) -> Vec<(&'a str, String)> {
        let entrants = self.results.run.entrants.iter();
        entrants
            .filter(|entrant| entrant.name != CONTROL)
            .filter_map(|entrant| {
                Some((
                    entrant.name.as_str(),
                    format::without_paths(entrant.skipped.as_ref()?),
                ))
            })
            .collect()
    }

    /// Cells with a pass that did not go well: who, under what, which outcome, why.
    pub fn failed(&self) -> Vec<(&'a str, &'a str, String, String)> {
        // That a rate was too high for a server is what a search looks for.
        let is_found = |pass: &record::Pass, probe: bool| {
            probe && !matches!(pass.outcome, Outcome::Wrong | Outcome::Crashed)
        };
        let failed = self.cells.iter().filter(|cell| {
            cell.failed
                .is_some_and(|pass| !is_found(pass, cell.scenario.probe))
        });
        let broken = self
            .cells
            .iter()
            .filter(|cell| cell.failed.is_none() && cell.verdict.word == Outcome::Partial.as_str());
        let failed = failed.chain(broken);
        let failed = failed.map(|cell| {
            let verdict = cell.verdict.clone();
            (
                cell.contender,
                cell.scenario.name.as_str(),
                verdict.word,
                verdict.reason.unwrap_or_default(),
            )
        });
        let counters = self.cells.iter().filter_map(|cell| {
            let pass = cell
                .counters_failed
                .filter(|pass| cell.failed != Some(*pass))?;
            let why = format!("counter pass, {}", doubts::failure(pass));
            let outcome = pass.outcome.as_str().to_owned();
            Some((cell.contender, cell.scenario.name.as_str(), outcome, why))
        });
        failed
            .chain(counters)
            .chain(labs::failed(self.results))
            .collect()
    }
}

/// Whether a figure may be drawn and ranked. Too few rounds leave it without an interval and are no reason
/// to hide it: an unfinished run would have no page at all.
pub(crate) fn may_be_shown(estimate: &Estimate) -> bool {
    estimate.verdict == VALID || estimate.verdict == TOO_FEW_ROUNDS
}

/// Whether "n of m served" stands in the place of figures.
pub(crate) fn is_unserved(estimate: &Estimate) -> bool {
    estimate.verdict == UNSERVED
}
