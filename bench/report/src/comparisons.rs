//! Comparisons: the ratio of two contenders, paired by slice and round, and what it says. Both were measured within
//! the same seconds of a round, so what the machine did to both drops out of their ratio.
//!
//! Goals: as many pairs as there are get the errors of one question (Holm over all pairs of a scenario and metric,
//! whichever of them a page then shows). It ends at ratios: who may be compared at all is the doubts' business.

use rayon::prelude::*;
use record::{Answer, CONTROL, Comparison, Results, Run, Scenario};

use crate::cells::Cell;
use crate::conditions::{is_open, is_sliced};
use crate::struck::strikes;
use crate::{cells, doubts, stats};

mod pairing;

use pairing::Member;

/// Metrics by which contenders are compared in a summary.
const COMPARED: &[&str] = &[
    "throughput_per_s",
    "response_ns_p99",
    CPU,
    "memory_bytes_per_connection",
];

/// Metrics by which two contenders of a duel, or the reference's two copies, are compared.
pub(crate) const PAIRED: &[&str] = &[THROUGHPUT, CPU, "service_ns_p50", "service_ns_p99"];

/// What is compared slice by slice.
pub(crate) const THROUGHPUT: &str = "throughput_per_s";

/// What is controlled by what the generator spent in the same slices.
pub(crate) const CPU: &str = "cpu_us_per_request";

/// By how much the logarithm of such a ratio is off from duel to duel beyond what the rounds of one show, as a standard
/// deviation: 76 duels of two copies of one server (METHODOLOGY) ended as if it were 0.04 %.
const RESOLUTION: f64 = 0.0004;

/// Within this of 1, two are called equal: a difference that nobody would choose a server for.
pub(crate) const EQUAL: f64 = 0.03;
/// A difference that chance makes more often than this is not called one.
pub(crate) const SURE: f64 = 0.05;

/// Every pair of contenders (a before b in the order of entrants) under every scenario, by throughput, CPU per
/// request, service p50 and p99; only of valid cells. p is corrected (Holm) over the pairs of a scenario and metric.
/// The control is no contender and in no pair.
pub fn pairs(results: &Results) -> Vec<Comparison> {
    all_pairs(&cells::cells(results), &results.run, PAIRED)
}

/// Every pair of contenders by the metrics of a summary.
pub(crate) fn compared_pairs(cells: &[Cell<'_>], run: &Run) -> Vec<Comparison> {
    all_pairs(cells, run, COMPARED)
}

/// Everybody against the suite's reference, wherever both cells are valid, of all `pairs`; the control, too.
pub(crate) fn comparisons(cells: &[Cell<'_>], run: &Run, pairs: &[Comparison]) -> Vec<Comparison> {
    let reference = run.suite.reference.as_str();
    let against = |cell: &Cell<'_>| {
        let of_cell = |metric: &&str| {
            if cell.contender == CONTROL {
                control(cells, cell.scenario, metric, run)
            } else {
                find(
                    pairs,
                    cell.contender,
                    reference,
                    &cell.scenario.name,
                    metric,
                )
            }
        };
        COMPARED.iter().filter_map(of_cell).collect::<Vec<_>>()
    };
    cells.iter().flat_map(against).collect()
}

/// The reference's second copy against the reference: a question of its own, and no part of any family.
pub(crate) fn control(
    cells: &[Cell<'_>],
    scenario: &Scenario,
    metric: &str,
    run: &Run,
) -> Option<Comparison> {
    let twin = |name: &str| name == CONTROL || name == run.suite.reference;
    let members = members(cells, scenario, metric, run, twin);
    let of = |name: &str| members.iter().find(|it| it.cell.contender == name);
    let (a, b) = (of(CONTROL)?, of(&run.suite.reference)?);
    judged(vec![compare(a, b, metric, run.seed)?]).pop()
}

/// The comparison of a with b among `pairs`, whichever of them stands first there.
pub(crate) fn find(
    pairs: &[Comparison],
    a: &str,
    b: &str,
    scenario: &str,
    metric: &str,
) -> Option<Comparison> {
    let mut here = pairs.iter();
    let pair = here.find(|it| {
        let ends = (it.a.as_str(), it.b.as_str());
        it.scenario == scenario && it.metric == metric && (ends == (a, b) || ends == (b, a))
    })?;
    Some(if pair.a == a {
        pair.clone()
    } else {
        turned(pair)
    })
}

/// b / a.
pub(crate) fn turned(pair: &Comparison) -> Comparison {
    Comparison {
        a: pair.b.clone(),
        b: pair.a.clone(),
        ratio: 1.0 / pair.ratio,
        low: pair.high.map(|high| 1.0 / high),
        high: pair.low.map(|low| 1.0 / low),
        answer: match pair.answer {
            Answer::Ahead => Answer::Behind,
            Answer::Behind => Answer::Ahead,
            other => other,
        },
        ..pair.clone()
    }
}

fn all_pairs(cells: &[Cell<'_>], run: &Run, metrics: &[&str]) -> Vec<Comparison> {
    let scenarios = run.suite.scenarios.iter();
    let families: Vec<(&Scenario, &str)> = scenarios
        .flat_map(|scenario| metrics.iter().map(move |metric| (scenario, *metric)))
        // With a rate everybody answers what was asked: a ratio of throughputs would say nothing.
        .filter(|(scenario, metric)| !(is_open(scenario) && *metric == THROUGHPUT))
        // Percentiles of a window in which service was out are none of a server that serves.
        .filter(|(scenario, _)| !strikes(scenario))
        .collect();
    // An indexed parallel map keeps the order: the same records give the same bytes.
    let pairs = families
        .par_iter()
        .map(|(scenario, metric)| family(cells, scenario, metric, run));
    pairs.collect::<Vec<_>>().concat()
}

/// All pairs of one scenario and metric.
pub(crate) fn family(
    cells: &[Cell<'_>],
    scenario: &Scenario,
    metric: &str,
    run: &Run,
) -> Vec<Comparison> {
    let members = members(cells, scenario, metric, run, |name| name != CONTROL);
    let mut pairs = Vec::new();
    for (index, a) in members.iter().enumerate() {
        let others = members[index + 1..].iter();
        pairs.extend(others.filter_map(|b| compare(a, b, metric, run.seed)));
    }
    judged(pairs)
}

/// Contenders of a scenario that may be compared, with their figures.
fn members<'a, 'c>(
    cells: &'c [Cell<'a>],
    scenario: &Scenario,
    metric: &str,
    run: &Run,
    who: impl Fn(&str) -> bool,
) -> Vec<Member<'a, 'c>> {
    let here = cells.iter();
    here.filter(|cell| cell.scenario.name == scenario.name)
        .filter(|cell| who(cell.contender) && is_comparable(cell, metric))
        .filter_map(|cell| Member::of(cells, cell, metric, &run.suite.reference))
        .collect()
}

/// What both have in turns within a round, so that whatever made the round slow was there for both.
const SHARED: [&str; 2] = [THROUGHPUT, CPU];

/// Too few rounds leave a ratio without an interval. Rounds that disagree leave one that says so where slices are
/// paired. Every other doubt spoils the ratio itself.
pub(crate) fn is_comparable(cell: &Cell<'_>, metric: &str) -> bool {
    match cell.verdict_of(metric).word.as_str() {
        doubts::VALID | doubts::TOO_FEW_ROUNDS => true,
        doubts::UNSTABLE => SHARED.contains(&metric) && is_sliced(cell.scenario),
        _ => false,
    }
}

/// The logarithms of a / b by rounds, of neighbouring slices where there are any; `None` where one lacks the figure.
pub(crate) fn logarithms<'a, 'c>(
    cells: &'c [Cell<'a>],
    a: &'c Cell<'a>,
    b: &'c Cell<'a>,
    metric: &str,
    reference: &str,
) -> Option<Vec<f64>> {
    let member = |cell: &'c Cell<'a>| Member::of(cells, cell, metric, reference);
    pairing::logarithms(&member(a)?, &member(b)?, metric)
}

/// The ratio a / b of a metric, not judged yet; `None` when no round has both figures.
fn compare(a: &Member<'_, '_>, b: &Member<'_, '_>, metric: &str, seed: u64) -> Option<Comparison> {
    let logarithms = pairing::logarithms(a, b, metric)?;
    let (a, b) = (a.cell, b.cell);
    let scenario = a.scenario.name.as_str();
    let seed = stats::seed(seed, &[a.contender, b.contender, scenario, metric]);
    let ratio = stats::ratio(&logarithms, resolution(metric), seed)?;
    Some(Comparison {
        a: a.contender.to_owned(),
        b: b.contender.to_owned(),
        scenario: scenario.to_owned(),
        metric: metric.to_owned(),
        ratio: ratio.value,
        low: ratio.interval.map(|interval| interval.low),
        high: ratio.interval.map(|interval| interval.high),
        rounds: u32::try_from(ratio.rounds).unwrap_or(u32::MAX),
        p: ratio.p,
        answer: Answer::Undecided,
    })
}

/// Of a ratio of this metric (`stats::ratio`). What is counted is counted right.
pub(crate) fn resolution(metric: &str) -> f64 {
    if PAIRED.contains(&metric) {
        RESOLUTION
    } else {
        0.0
    }
}

/// A whole family, its p corrected and its answers given.
fn judged(mut family: Vec<Comparison>) -> Vec<Comparison> {
    let tested: Vec<f64> = family.iter().filter_map(|it| it.p).collect();
    let mut corrected = stats::holm(&tested).into_iter();
    for pair in &mut family {
        pair.p = pair.p.and_then(|_| corrected.next());
        pair.answer = answer(pair);
    }
    family
}

fn answer(pair: &Comparison) -> Answer {
    match pair.low.zip(pair.high) {
        Some((low, high)) if low >= 1.0 - EQUAL && high <= 1.0 + EQUAL => Answer::Equal,
        Some((low, _)) if low > 1.0 && is_sure(pair) => Answer::Ahead,
        Some((_, high)) if high < 1.0 && is_sure(pair) => Answer::Behind,
        _ => Answer::Undecided,
    }
}

fn is_sure(pair: &Comparison) -> bool {
    pair.p.is_some_and(|p| p <= SURE)
}

/// Whether the difference is none of chance, however small it is.
pub(crate) fn is_real(pair: &Comparison) -> bool {
    let apart = |(low, high)| low > 1.0 || high < 1.0;
    is_sure(pair) && pair.low.zip(pair.high).is_some_and(apart)
}

#[cfg(test)]
mod tests;
