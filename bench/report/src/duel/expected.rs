//! Every pair of a duel by every metric of it: what was found, or why there is nothing. Who reads an answer by a program
//! could not tell a pair that was refused from one that was forgotten.

use record::{Answer, CONTROL, Comparison, Results, Scenario};
use serde::Serialize;

use crate::cells::{self, Cell};
use crate::comparisons::{PAIRED, THROUGHPUT, find, is_comparable};
use crate::conditions::is_open;
use crate::estimates;
use crate::struck::strikes;

/// Two contenders of a duel by one metric: the ratio a / b, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DuelPair {
    /// Numerator.
    pub a: String,
    /// Denominator.
    pub b: String,
    /// Under what.
    pub scenario: String,
    /// Of what.
    pub metric: String,
    /// Geometric mean of the rounds' ratios; `None` with a reason.
    pub ratio: Option<f64>,
    /// Lower end of its 95 % interval; `None` when rounds are too few to tell.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Rounds in which both have the figure.
    pub rounds: u32,
    /// As of a [`Comparison`].
    pub p: Option<f64>,
    /// What the ratio says; `None` where there is none.
    pub answer: Option<Answer>,
    /// Why there is no ratio; of one that there is, what makes the figures of a or b weak.
    pub reason: Option<String>,
}

/// Every pair of contenders (a before b in the order of entrants) under every scenario, by throughput, CPU per request,
/// service p50 and p99, with what `found` (as [`crate::pairs`] makes it) has of it.
pub fn duel_pairs(results: &Results, found: &[Comparison]) -> Vec<DuelPair> {
    let cells = cells::cells(results);
    let scenarios = results.run.suite.scenarios.iter();
    let pairs = scenarios.flat_map(|scenario| {
        let expected = expected(&cells, scenario);
        let pair = |it: Expected<'_, '_>| it.pair(&cells, found);
        expected.into_iter().map(pair).collect::<Vec<_>>()
    });
    pairs.collect()
}

/// A pair and a metric that a duel is asked for.
pub(super) struct Expected<'a, 'c> {
    a: &'c Cell<'a>,
    b: &'c Cell<'a>,
    pub metric: &'static str,
}

/// All of a scenario, metric by metric.
pub(super) fn expected<'a, 'c>(
    cells: &'c [Cell<'a>],
    scenario: &Scenario,
) -> Vec<Expected<'a, 'c>> {
    let here = cells.iter().filter(|it| it.scenario.name == scenario.name);
    let here: Vec<&Cell<'_>> = here.filter(|it| it.contender != CONTROL).collect();
    let mut all = Vec::new();
    for &metric in PAIRED {
        for (index, &a) in here.iter().enumerate() {
            let others = here[index + 1..].iter();
            all.extend(others.map(|&b| Expected { a, b, metric }));
        }
    }
    all
}

impl Expected<'_, '_> {
    /// What was found of it.
    pub fn found(&self, found: &[Comparison]) -> Option<Comparison> {
        let (a, b) = (self.a.contender, self.b.contender);
        find(found, a, b, &self.a.scenario.name, self.metric)
    }

    fn pair(&self, cells: &[Cell<'_>], found: &[Comparison]) -> DuelPair {
        let found = self.found(found);
        let of = |part: fn(&Comparison) -> Option<f64>| found.as_ref().and_then(part);
        let reasons = match found {
            Some(_) => self.doubts(|_| true),
            None => self.missing(cells),
        };
        DuelPair {
            a: self.a.contender.to_owned(),
            b: self.b.contender.to_owned(),
            scenario: self.a.scenario.name.clone(),
            metric: self.metric.to_owned(),
            ratio: of(|it| Some(it.ratio)),
            low: of(|it| it.low),
            high: of(|it| it.high),
            rounds: found.as_ref().map_or(0, |it| it.rounds),
            p: of(|it| it.p),
            answer: found.as_ref().map(|it| it.answer),
            reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
        }
    }

    /// Why nothing was found: never empty.
    pub fn missing(&self, cells: &[Cell<'_>]) -> Vec<String> {
        let scenario = self.a.scenario;
        if strikes(scenario) {
            return vec!["figures of an outage are none of a server that serves".to_owned()];
        }
        if is_open(scenario) && self.metric == THROUGHPUT {
            return vec!["with a rate, everybody answers what was asked".to_owned()];
        }
        let doubts = self.doubts(|cell| !is_comparable(cell, self.metric));
        if !doubts.is_empty() {
            return doubts;
        }
        let of_cell = |cell: &&Cell<'_>| {
            let figures = estimates::by_round(cells, cell, self.metric);
            Some(format!("{}: {}", cell.contender, figures.err()?))
        };
        let missing: Vec<String> = [self.a, self.b].iter().filter_map(of_cell).collect();
        match missing.is_empty() {
            true => vec!["no round has figures of both that can be divided".to_owned()],
            false => missing,
        }
    }

    /// What makes the figures of those weak.
    fn doubts(&self, whose: impl Fn(&Cell<'_>) -> bool) -> Vec<String> {
        let doubted = [self.a, self.b].into_iter().filter(|cell| whose(cell));
        let said = doubted.filter_map(|cell| {
            let verdict = cell.verdict_of(self.metric);
            let reason = verdict.reason.as_deref()?;
            Some(format!("{}, {}: {reason}", cell.contender, verdict.word))
        });
        said.collect()
    }
}
