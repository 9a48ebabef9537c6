//! Estimates: every metric of every cell, as a median with its interval or the reason why there is none.

use rayon::prelude::*;
use record::{Estimate, METRICS, Metric};

use crate::cells::Cell;
use crate::counters;
use crate::doubts::Verdict;
use crate::figures::{self, How};
use crate::format;
use crate::latency::{Merged, Span};
use crate::memory::{self, Part};
use crate::stats::{self, Interval};
use crate::struck;

/// Every metric of every cell, in the order of cells and of [`METRICS`].
pub(crate) fn estimates(cells: &[Cell<'_>], seed: u64) -> Vec<Estimate> {
    let of_cell = |cell: &Cell<'_>| {
        let latencies = Latencies::of(cell);
        let metrics = METRICS
            .iter()
            .filter(|metric| metric.applies(cell.scenario));
        // Which system calls there are, the records say.
        let calls = match cell.scenario.counters {
            0 => Vec::new(),
            _ => counters::by_name(cells, cell.scenario),
        };
        let calls = calls
            .iter()
            .filter_map(|name| Some((name.as_str(), record::metric(name)?)));
        metrics
            .map(|metric| (metric.name, metric))
            .chain(calls)
            .map(|(name, metric)| {
                let seed = stats::seed(seed, &[cell.contender, &cell.scenario.name, name]);
                let found = found(cells, cell, &latencies, name, seed);
                estimate(cell, (name, metric), cell.verdict_of(name), found)
            })
            .collect::<Vec<_>>()
    };
    // An indexed parallel map keeps the order: the same records give the same bytes.
    cells.par_iter().map(of_cell).collect::<Vec<_>>().concat()
}

/// A figure over rounds.
#[derive(Debug)]
struct Found {
    value: f64,
    interval: Option<Interval>,
    rounds: usize,
    /// What the reader of the figure must know.
    note: Option<String>,
}

/// A cell's distributions, decoded once for all percentiles.
struct Latencies([(Span, Result<Merged, String>); 4]);

impl Latencies {
    fn of(cell: &Cell<'_>) -> Self {
        Latencies(
            [Span::Response, Span::Service, Span::Connect, Span::Lag]
                .map(|span| (span, Merged::of(cell, span))),
        )
    }

    fn get(&self, span: Span) -> Result<&Merged, String> {
        let (_, merged) = self
            .0
            .iter()
            .find(|(other, _)| *other == span)
            .ok_or("no such distribution")?;
        merged.as_ref().map_err(Clone::clone)
    }
}

fn found(
    cells: &[Cell<'_>],
    cell: &Cell<'_>,
    latencies: &Latencies,
    metric: &str,
    seed: u64,
) -> Result<Found, String> {
    let passes = cell.figures();
    let how = figures::how(metric);
    if passes.is_empty() && !matches!(how, How::Counter) {
        return Err("no good pass".to_owned());
    }
    let counted = |value: u64| {
        Ok(Found {
            value: value as f64,
            interval: None,
            rounds: passes.len(),
            note: None,
        })
    };
    match how {
        How::Percentile(span, quantile) => {
            let merged = latencies.get(span)?;
            Ok(Found {
                value: merged.value(quantile)?,
                interval: merged.interval(quantile, seed),
                rounds: merged.rounds(),
                note: None,
            })
        }
        How::Slope(part) => {
            let line = memory::line(cells, cell, part)?;
            Ok(Found {
                value: line.slope,
                interval: line.interval,
                rounds: line.rounds,
                note: (part == Part::Whole).then(|| memory::bent(&line)).flatten(),
            })
        }
        How::Total(count) => counted(passes.iter().map(|pass| count(pass)).sum()),
        How::Largest(count) => counted(passes.iter().map(|pass| count(pass)).max().unwrap_or(0)),
        _ => {
            let rounds = by_round(cells, cell, metric)?;
            let values: Vec<f64> = rounds.iter().map(|(_, value)| *value).collect();
            let value = stats::median(&values).ok_or("no round has it")?;
            let few = matches!(how, How::Counter) && values.len() < stats::ROUNDS_MIN;
            Ok(Found {
                value,
                interval: stats::median_interval(&values, seed)
                    .map(|it| figures::within_reach(metric, it)),
                rounds: values.len(),
                note: match value.is_infinite() {
                    true => Some(struck::NEVER.to_owned()),
                    false => few.then(|| {
                        let rounds = format::plural(values.len(), "round");
                        let least = stats::ROUNDS_MIN;
                        format!("{rounds} of counter passes: an interval takes {least}")
                    }),
                },
            })
        }
    }
}

/// A metric of each round by itself: what comparisons pair.
///
/// # Errors
/// With the reason when no round has it.
pub(crate) fn by_round(
    cells: &[Cell<'_>],
    cell: &Cell<'_>,
    metric: &str,
) -> Result<Vec<(u32, f64)>, String> {
    match figures::how(metric) {
        How::Round(figure) => {
            let rounds = cell.figures().iter();
            let rounds = rounds.map(|pass| (pass.round, figure(pass, cell.scenario.workload)));
            figures::of_rounds(rounds)
        }
        How::Percentile(span, quantile) => Ok(Merged::of(cell, span)?.by_round(quantile)),
        How::Slope(part) => memory::slopes(cells, cell, part),
        How::Counter => counters::by_round(cell, metric),
        How::Total(_) | How::Largest(_) | How::Unknown => {
            Err(format!("this version does not know {metric}"))
        }
    }
}

fn estimate(
    cell: &Cell<'_>,
    (name, metric): (&str, &Metric),
    verdict: &Verdict,
    found: Result<Found, String>,
) -> Estimate {
    let (found, missing) = match found {
        Ok(found) => (Some(found), None),
        Err(reason) => (None, Some(reason)),
    };
    let finite = |value: f64| value.is_finite().then_some(value);
    let interval = found.as_ref().and_then(|found| found.interval);
    // Why the cell is not valid explains a missing figure better than that there was no pass.
    let reason = match (&verdict.reason, missing) {
        (Some(verdict), _) if found.is_none() && cell.figures().is_empty() => Some(verdict.clone()),
        (_, Some(missing)) => Some(missing),
        // It has no end, and that is what is to be said of it.
        _ if found
            .as_ref()
            .is_some_and(|found| found.value.is_infinite()) =>
        {
            found.as_ref().and_then(|found| found.note.clone())
        }
        (None, None) => found.as_ref().and_then(|found| found.note.clone()),
        (verdict, None) => verdict.clone(),
    };
    let pass = cell.figures().first().copied();
    Estimate {
        contender: cell.contender.to_owned(),
        family: cell.family.to_owned(),
        scenario: cell.scenario.name.clone(),
        metric: name.to_owned(),
        unit: metric.unit.to_owned(),
        value: found.as_ref().and_then(|found| finite(found.value)),
        low: interval.and_then(|interval| finite(interval.low)),
        high: interval.and_then(|interval| finite(interval.high)),
        rounds: found
            .as_ref()
            .map_or(0, |found| u32::try_from(found.rounds).unwrap_or(u32::MAX)),
        source: figures::source(name, pass, cell.scenario.workload),
        verdict: verdict.word.clone(),
        reason,
    }
}
