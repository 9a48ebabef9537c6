//! What changed from one run to another, contender by contender.
//!
//! Within each run, what a round did to all contenders alike is taken out of it (`steadied`: a step of Tukey's median
//! polish). What the runs differ by is then a difference of two means over rounds (Welch), less the median of all
//! contenders of the scenario: the *shift*, which is the machine's as far as anybody can tell. And as two runs differ
//! by more than their rounds do, all errors are multiplied by how much more contenders scatter about the shift than
//! their rounds say (`scatter`, the Birge ratio of metrology, made of medians so that one changed contender moves it little).

use record::{Answer, Better, CONTROL, Results};
use serde_json::{Value, json};

use super::Side;
use crate::cells::{self, Cell};
use crate::comparisons::{EQUAL, SURE};
use crate::conditions::is_open;
use crate::doubts::{TOO_FEW_ROUNDS, VALID, Verdict};
use crate::stats::{self, Welch};
use crate::struck::strikes;
use crate::{estimates, format};

/// The median of |t| where chance alone is at work, of as many rounds as runs have (8 degrees of freedom).
const MEDIAN_ERRORS: f64 = 0.706;
/// So many standard errors is the median of many less sure than their mean.
const MEDIAN_OVER_MEAN: f64 = 1.2533;

/// A contender in two runs, by one metric.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which of the sides stands against the first: 1 is the second.
    pub side: usize,
    /// Who.
    pub contender: String,
    /// Under what.
    pub scenario: String,
    /// Of what.
    pub metric: String,
    /// Medians or percentiles over rounds, as both reports have them.
    pub values: [f64; 2],
    /// Second / first, as measured.
    pub raw: f64,
    /// The same over the shift of all contenders; what is judged.
    pub ratio: f64,
    /// Its 95 % interval; `None` when rounds are too few, or nobody else is there to tell the machine by.
    pub interval: Option<(f64, f64)>,
    /// Holm's, over everything that was compared.
    pub p: Option<f64>,
    /// Ahead: the second is better.
    pub answer: Answer,
    /// Why there is no interval.
    pub reason: Option<&'static str>,
}

/// By how much all contenders of a scenario moved together.
#[derive(Clone, Debug)]
pub(super) struct Shift {
    pub side: usize,
    pub scenario: String,
    pub metric: String,
    pub ratio: f64,
    /// Contenders it is the median of, the control included.
    pub contenders: usize,
    /// By how much errors were multiplied under this metric.
    pub scatter: f64,
}

#[derive(Default)]
pub(super) struct Found {
    pub changes: Vec<Change>,
    pub shifts: Vec<Shift>,
    pub left_out: Vec<String>,
}

/// One member of a scenario and metric in both runs.
struct Member<'a> {
    contender: &'a str,
    values: [f64; 2],
    /// Logarithms over rounds.
    rounds: [Vec<(u32, f64)>; 2],
}

/// Members of one scenario and metric.
struct Field<'a> {
    scenario: &'a str,
    metric: &'a str,
    members: Vec<Member<'a>>,
}

/// The first side against all others.
pub(super) fn changes(sides: &[Side<'_>], metrics: &[&str]) -> Found {
    let mut found = Found::default();
    let cells: Vec<_> = sides
        .iter()
        .map(|side| cells::cells(side.results))
        .collect();
    for (index, second) in cells.iter().enumerate().skip(1) {
        let pair = [(&sides[0], &cells[0]), (&sides[index], second)];
        found.left_out.extend(left_out(pair));
        let [first, second] = pair.map(|(side, cells)| (side.results, cells.as_slice()));
        for metric in metrics {
            judge(index, metric, &fields(first, second, metric), &mut found);
        }
    }
    corrected(&mut found.changes);
    // Scenario by scenario, as pages read.
    found.changes.sort_by_key(|it| {
        let mut scenarios = sides[0].results.run.suite.scenarios.iter();
        (
            it.side,
            scenarios.position(|scenario| scenario.name == it.scenario),
        )
    });
    found
}

/// Who stands in one run only, or is doubted in either.
fn left_out(pair: [(&Side<'_>, &Vec<Cell<'_>>); 2]) -> Vec<String> {
    let mut said = Vec::new();
    for (at, (side, cells)) in pair.iter().enumerate() {
        let others = pair[1 - at].1;
        for cell in cells.iter().filter(|it| it.contender != CONTROL) {
            let name = format!("{} under {}", cell.contender, cell.scenario.name);
            let mut verdicts = std::iter::once(&cell.verdict).chain(&cell.of_percentiles);
            if let Some(doubted) = verdicts.find(|it| !is_trusted(it)) {
                let reason = doubted.reason.as_deref().unwrap_or_default();
                said.push(format!(
                    "{name}: {} in {}, {reason}",
                    doubted.word, side.name
                ));
            } else if twin(others, cell).is_none() {
                said.push(format!("{name}: only in {}", side.name));
            }
        }
    }
    said.into_iter()
        .map(|it| format::without_paths(&it))
        .collect()
}

fn is_trusted(verdict: &Verdict) -> bool {
    matches!(verdict.word.as_str(), VALID | TOO_FEW_ROUNDS)
}

/// The same contender under the same load in the other run.
fn twin<'c, 'a>(cells: &'c [Cell<'a>], of: &Cell<'_>) -> Option<&'c Cell<'a>> {
    cells.iter().find(|it| {
        let load = |cell: &Cell<'_>| crate::conditions::conditions(cell.scenario);
        it.contender == of.contender && it.scenario.name == of.scenario.name && load(it) == load(of)
    })
}

type Run<'a, 'c> = (&'a Results, &'c [Cell<'a>]);

fn fields<'a>(first: Run<'a, '_>, second: Run<'_, '_>, metric: &'a str) -> Vec<Field<'a>> {
    let scenarios = first.0.run.suite.scenarios.iter();
    let scenarios = scenarios.filter(|it| !strikes(it) && !it.probe && is_asked(it, metric));
    let field = scenarios.map(|scenario| {
        let here = first
            .1
            .iter()
            .filter(|it| it.scenario.name == scenario.name);
        let members = here.filter_map(|cell| member(first, second, cell, metric));
        let mut members: Vec<Member<'a>> = members.collect();
        for side in 0..2 {
            steadied(&mut members, side);
        }
        Field {
            scenario: &scenario.name,
            metric,
            members,
        }
    });
    field.filter(|it| !it.members.is_empty()).collect()
}

/// With a rate, throughput is what was asked; in a closed loop of rr, service is response.
fn is_asked(scenario: &record::Scenario, metric: &str) -> bool {
    let applies = record::metric(metric).is_some_and(|it| it.applies(scenario));
    let open = is_open(scenario);
    let same = scenario.workload == record::Workload::Rr && metric.starts_with("service_") && !open;
    applies && !same && !(open && metric == "throughput_per_s")
}

fn member<'a>(
    first: Run<'a, '_>,
    second: Run<'_, '_>,
    cell: &Cell<'a>,
    metric: &str,
) -> Option<Member<'a>> {
    let other = twin(second.1, cell)?;
    if !is_trusted(cell.verdict_of(metric)) || !is_trusted(other.verdict_of(metric)) {
        return None;
    }
    let logarithms = |(_, cells): Run<'_, '_>, cell: &Cell<'_>| {
        let rounds = estimates::by_round(cells, cell, metric).ok()?;
        let positive = rounds
            .iter()
            .all(|(_, value)| *value > 0.0 && value.is_finite());
        let values: Vec<f64> = rounds.iter().map(|it| it.1).collect();
        let middle = stats::median(&values)?;
        let logarithms = rounds.into_iter().map(|(round, value)| (round, value.ln()));
        positive.then(|| (middle, logarithms.collect::<Vec<_>>()))
    };
    let (from, one) = logarithms(first, cell)?;
    let (to, other) = logarithms(second, other)?;
    Some(Member {
        contender: cell.contender,
        values: [from, to],
        rounds: [one, other],
    })
}

/// Takes out of each round what it did to all members alike: the median of how far they are from their own middle.
fn steadied(members: &mut [Member<'_>], side: usize) {
    if members.len() < 3 {
        return; // of two, the half of what happens to one would be the other's
    }
    let middle = |member: &Member<'_>| {
        let values: Vec<f64> = member.rounds[side].iter().map(|it| it.1).collect();
        stats::median(&values).unwrap_or_default()
    };
    let middles: Vec<f64> = members.iter().map(middle).collect();
    let mut rounds: Vec<u32> = members
        .iter()
        .flat_map(|it| it.rounds[side].iter().map(|it| it.0))
        .collect();
    rounds.sort_unstable();
    rounds.dedup();
    for round in rounds {
        let apart = members.iter().zip(&middles).filter_map(|(member, middle)| {
            let (_, value) = member.rounds[side].iter().find(|it| it.0 == round)?;
            Some(value - middle)
        });
        let of_round = stats::median(&apart.collect::<Vec<_>>()).unwrap_or_default();
        let values = members.iter_mut().flat_map(|it| it.rounds[side].iter_mut());
        values
            .filter(|it| it.0 == round)
            .for_each(|it| it.1 -= of_round);
    }
}

fn judge(side: usize, metric: &str, fields: &[Field<'_>], found: &mut Found) {
    let measured: Vec<Measured<'_>> = fields.iter().map(Measured::of).collect();
    let scatter = scatter(&measured);
    for field in &measured {
        if let Some((ratio, contenders)) = field.shift.filter(|it| it.1 > 2) {
            found.shifts.push(Shift {
                side,
                scenario: field.scenario.to_owned(),
                metric: metric.to_owned(),
                ratio: ratio.exp(),
                contenders,
                scatter,
            });
        }
        let judged = field.members.iter().filter(|it| it.contender != CONTROL);
        found
            .changes
            .extend(judged.map(|it| field.change(it, side, scatter)));
    }
}

/// A field with the differences of its members, and what they have in common.
struct Measured<'f> {
    scenario: &'f str,
    metric: &'f str,
    members: &'f [Member<'f>],
    welches: Vec<Option<Welch>>,
    /// Its logarithm, and of how many it is the median.
    shift: Option<(f64, usize)>,
}

impl<'f> Measured<'f> {
    fn of(field: &'f Field<'f>) -> Self {
        let values = |rounds: &[(u32, f64)]| rounds.iter().map(|it| it.1).collect::<Vec<_>>();
        let welch = |it: &Member<'_>| Welch::of(&values(&it.rounds[0]), &values(&it.rounds[1]));
        let welches: Vec<Option<Welch>> = field.members.iter().map(welch).collect();
        let mean =
            |rounds: &[(u32, f64)]| rounds.iter().map(|it| it.1).sum::<f64>() / rounds.len() as f64;
        let apart = |it: &Member<'_>| mean(&it.rounds[1]) - mean(&it.rounds[0]);
        let differences: Vec<f64> = field.members.iter().map(apart).collect();
        Measured {
            scenario: field.scenario,
            metric: field.metric,
            members: &field.members,
            welches,
            shift: stats::median(&differences).map(|it| (it, differences.len())),
        }
    }

    /// Of the shift: by the usual errors of those that it is the median of.
    fn variance(&self) -> f64 {
        let all: Vec<f64> = self
            .welches
            .iter()
            .flatten()
            .map(|it| it.variance)
            .collect();
        let mean = all.iter().sum::<f64>() / all.len().max(1) as f64;
        MEDIAN_OVER_MEAN.powi(2) * mean / self.members.len() as f64
    }

    fn change(&self, member: &Member<'_>, side: usize, scatter: f64) -> Change {
        let at = self
            .members
            .iter()
            .position(|it| it.contender == member.contender);
        let welch = at.and_then(|at| self.welches[at]);
        let mean =
            |rounds: &[(u32, f64)]| rounds.iter().map(|it| it.1).sum::<f64>() / rounds.len() as f64;
        let raw = mean(&member.rounds[1]) - mean(&member.rounds[0]);
        let shift = self.shift.filter(|it| it.1 > 2).map_or(0.0, |it| it.0);
        let (judged, reason) = match (welch, self.members.len()) {
            (None, _) => (None, Some("fewer than 3 rounds in either run")),
            (_, 0..=2) => (
                None,
                Some(
                    "fewer than 3 contenders in both runs: what the machine did cannot be told from what changed",
                ),
            ),
            (Some(welch), _) => (Some(welch.less(shift, self.variance(), scatter)), None),
        };
        let interval = judged.and_then(|it| it.interval());
        Change {
            side,
            contender: member.contender.to_owned(),
            scenario: self.scenario.to_owned(),
            metric: self.metric.to_owned(),
            values: member.values,
            raw: raw.exp(),
            ratio: (raw - shift).exp(),
            interval: interval.map(|it| (it.low.exp(), it.high.exp())),
            p: judged.and_then(|it| it.p()),
            answer: Answer::Undecided,
            reason,
        }
    }
}

/// How many times farther members of a metric's scenarios lie from their shift than their rounds say; 1 at least. The
/// nearest of a scenario says nothing: of an odd number it *is* the median. Of the others the lower middle: among three,
/// one that changed is half of them.
fn scatter(fields: &[Measured<'_>]) -> f64 {
    let told = fields.iter().filter(|it| it.members.len() > 2);
    let errors = told.flat_map(|field| {
        let (shift, variance) = (field.shift.map_or(0.0, |it| it.0), field.variance());
        let all = field.welches.iter().flatten();
        let mut errors: Vec<f64> = all
            .map(|it| it.less(shift, variance, 1.0).errors())
            .collect();
        errors.sort_by(f64::total_cmp);
        errors.into_iter().skip(1)
    });
    let mut errors: Vec<f64> = errors.filter(|it| it.is_finite()).collect();
    errors.sort_by(f64::total_cmp);
    let middle = errors.get(errors.len().saturating_sub(1) / 2);
    (middle.copied().unwrap_or_default() / MEDIAN_ERRORS).max(1.0)
}

/// All p corrected together, and answers given.
fn corrected(changes: &mut [Change]) {
    let tested: Vec<f64> = changes.iter().filter_map(|it| it.p).collect();
    let mut holm = stats::holm(&tested).into_iter();
    for change in changes {
        change.p = change.p.and_then(|_| holm.next());
        change.answer = change.answer();
    }
}

impl Change {
    /// Whether more of it is worse.
    pub fn is_cost(&self) -> bool {
        record::metric(&self.metric).is_none_or(|it| it.better != Better::More)
    }

    /// Whether chance is ruled out.
    pub fn is_sure(&self) -> bool {
        self.p.is_some_and(|p| p <= SURE)
    }

    fn answer(&self) -> Answer {
        let Some((low, high)) = self.interval else {
            return Answer::Undecided;
        };
        if low >= 1.0 - EQUAL && high <= 1.0 + EQUAL {
            return Answer::Equal;
        }
        let (more, less) = (low > 1.0 && self.is_sure(), high < 1.0 && self.is_sure());
        match (more, less, self.is_cost()) {
            (true, _, false) | (_, true, true) => Answer::Ahead,
            (true, _, true) | (_, true, false) => Answer::Behind,
            _ => Answer::Undecided,
        }
    }

    pub(super) fn object(&self) -> Value {
        json!({
            "side": self.side, "contender": self.contender, "scenario": self.scenario, "metric": self.metric,
            "values": self.values, "raw_ratio": self.raw, "ratio": self.ratio,
            "low": self.interval.map(|it| it.0), "high": self.interval.map(|it| it.1),
            "p": self.p, "answer": self.answer, "reason": self.reason,
        })
    }
}

impl Shift {
    pub(super) fn object(&self) -> Value {
        json!({
            "side": self.side, "scenario": self.scenario, "metric": self.metric, "ratio": self.ratio,
            "contenders": self.contenders, "scatter": self.scatter,
        })
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
