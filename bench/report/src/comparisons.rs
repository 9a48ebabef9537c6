//! Comparisons: the ratio of two contenders, round by round, and what it says. Both were measured within
//! the same seconds of a round, so what the machine did to both drops out of their ratio.

use rayon::prelude::*;
use record::{Answer, Comparison, Run};

use crate::cells::Cell;
use crate::conditions::is_open;
use crate::{doubts, estimates, stats};

/// Metrics by which contenders are compared with the reference.
const COMPARED: &[&str] = &[
    "throughput_per_s",
    "response_ns_p99",
    "cpu_us_per_request",
    "memory_bytes_per_connection",
];

/// Within this of 1, two are called equal: a difference that nobody would choose a server for.
const EQUAL: f64 = 0.03;

/// Everybody against the suite's reference, wherever both cells are valid.
pub(crate) fn comparisons(cells: &[Cell<'_>], run: &Run) -> Vec<Comparison> {
    let reference = run.suite.reference.as_str();
    let against = |cell: &Cell<'_>| -> Vec<Comparison> {
        let other = cells.iter().find(|other| {
            other.contender == reference && other.scenario.name == cell.scenario.name
        });
        let Some(other) = other.filter(|_| cell.contender != reference) else {
            return Vec::new();
        };
        // With a rate everybody answers what was asked: a ratio of throughputs would say nothing.
        let open = is_open(cell.scenario);
        COMPARED
            .iter()
            .filter(|metric| !(open && **metric == "throughput_per_s"))
            .filter_map(|metric| compare(cells, cell, other, metric, run.seed))
            .collect()
    };
    cells.par_iter().map(against).collect::<Vec<_>>().concat()
}

/// The ratio a / b of a metric; `None` when one of the cells is not valid or no round has both figures.
pub(crate) fn compare(
    cells: &[Cell<'_>],
    a: &Cell<'_>,
    b: &Cell<'_>,
    metric: &str,
    seed: u64,
) -> Option<Comparison> {
    let comparable = |cell| {
        let word = doubts::verdict(cell).word;
        // Too few rounds leave a ratio without an interval; every other doubt spoils the ratio itself.
        word == doubts::VALID || word == doubts::TOO_FEW_ROUNDS
    };
    if !comparable(a) || !comparable(b) {
        return None;
    }
    let rounds_b = estimates::by_round(cells, b, metric).ok()?;
    // A ratio is positive and its errors multiply: its interval is made of logarithms. Where a round's
    // figure is not above zero (a slope within its noise), there is nothing that a ratio could say.
    let logarithms: Vec<f64> = estimates::by_round(cells, a, metric)
        .ok()?
        .into_iter()
        .filter_map(|(round, value)| {
            let (_, base) = rounds_b.iter().find(|(other, _)| *other == round)?;
            Some((value > 0.0 && *base > 0.0).then(|| (value / base).ln()))
        })
        .collect::<Option<_>>()?;
    let ratio = stats::median(&logarithms)?.exp();
    let scenario = a.scenario.name.as_str();
    let seed = stats::seed(seed, &[a.contender, b.contender, scenario, metric]);
    let interval = stats::median_interval(&logarithms, seed).map(|of| stats::Interval {
        low: of.low.exp(),
        high: of.high.exp(),
    });
    Some(Comparison {
        a: a.contender.to_owned(),
        b: b.contender.to_owned(),
        scenario: scenario.to_owned(),
        metric: metric.to_owned(),
        ratio,
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        answer: answer(interval),
    })
}

fn answer(interval: Option<stats::Interval>) -> Answer {
    match interval {
        Some(it) if it.low >= 1.0 - EQUAL && it.high <= 1.0 + EQUAL => Answer::Equal,
        Some(it) if it.low > 1.0 => Answer::Ahead,
        Some(it) if it.high < 1.0 => Answer::Behind,
        _ => Answer::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cells, fixture};

    #[test]
    fn answers_follow_from_the_interval() {
        let of = |low, high| answer(Some(stats::Interval { low, high }));
        assert_eq!(of(0.98, 1.02), Answer::Equal);
        assert_eq!(of(1.01, 1.02), Answer::Equal);
        assert_eq!(of(1.01, 1.20), Answer::Ahead);
        assert_eq!(of(0.50, 0.99), Answer::Behind);
        assert_eq!(of(0.90, 1.20), Answer::Undecided);
        assert_eq!(answer(None), Answer::Undecided);
    }

    #[test]
    fn pairing_by_round_removes_what_the_machine_did_to_both() {
        let mut results = fixture::results();
        let throughput = |results: &record::Results| {
            let cells = cells::cells(results);
            let cell = |name: &str| {
                cells
                    .iter()
                    .find(|cell| cell.contender == name && cell.scenario.name == "rr-50")
                    .expect(name)
            };
            compare(
                &cells,
                cell("prefork"),
                cell("event-loop"),
                "throughput_per_s",
                1,
            )
            .expect("both valid")
        };
        let steady = throughput(&results);
        for pass in &mut results.passes {
            // A machine that slows down by 2 % from round to round, for everybody alike.
            for slice in &mut pass.slices {
                slice.length_ns += slice.length_ns / 50 * u64::from(pass.round);
            }
        }
        let drifting = throughput(&results);
        assert!((steady.ratio - drifting.ratio).abs() < 1e-9);
        assert!(
            (steady.low.expect("five rounds") - drifting.low.expect("five rounds")).abs() < 1e-9
        );
    }
}
