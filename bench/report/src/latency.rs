//! Percentiles: the histograms of the rounds merged, the percentile read from the merge, its interval by
//! drawing rounds, merging and reading again. Percentiles are never averaged.
//!
//! A thousand merges of five histograms would be dear. A merge is a weighted sum, so the running totals of
//! every round over the union of their buckets are kept, and a reading is a binary search over weighted sums.

use hdrhistogram::Histogram;
use record::histogram::{Encoded, Filled};
use record::{Pace, Pass, Scenario, Workload};

use crate::cells::Cell;
use crate::stats::{self, Interval};

/// Samples that must lie beyond a percentile before it is believed.
pub(crate) const BEYOND: f64 = 10.0;

/// Which distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// received − due.
    Response,
    /// received − sent.
    Service,
    /// connected − connect started.
    Connect,
    /// sent − due of requests that found a free connection.
    Lag,
}

impl Span {
    /// Why a cell has no such distribution.
    fn missing(self, scenario: &Scenario) -> &'static str {
        match self {
            Span::Lag if scenario.pace == Pace::Closed => {
                "only with a rate is there a schedule to be late for"
            }
            Span::Lag => "no schedule lag was recorded",
            _ => "no latencies were recorded",
        }
    }
}

/// One distribution over rounds.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    /// Upper ends of the buckets that some round filled, ascending.
    buckets: Vec<u64>,
    /// Per round, samples up to and including each bucket.
    running: Vec<Vec<u64>>,
    /// The round each row of `running` is of.
    rounds: Vec<u32>,
}

impl Merged {
    /// The distributions of a cell's good passes.
    ///
    /// # Errors
    /// When none is stored, or one cannot be read.
    pub fn of(cell: &Cell<'_>, span: Span) -> Result<Self, String> {
        let mut rows = Vec::new();
        for pass in cell.figures() {
            if let Some(stored) = stored(pass, cell.scenario, span) {
                rows.push((pass.round, stored.filled().map_err(in_round(pass))?));
            }
        }
        if rows.iter().all(|(_, filled)| filled.buckets.is_empty()) {
            return Err(span.missing(cell.scenario).to_owned());
        }
        Ok(Self::of_rounds(&rows))
    }

    /// Distributions of rounds.
    pub fn of_rounds(rows: &[(u32, &Filled)]) -> Self {
        let all = rows.iter().flat_map(|(_, filled)| filled.buckets.iter());
        let mut buckets: Vec<u64> = all.map(|(end, _)| *end).collect();
        // Each row is ascending: a stable sort merges such runs.
        buckets.sort();
        buckets.dedup();
        let running = rows.iter().map(|(_, filled)| totals(&buckets, filled));
        let running = running.collect();
        let rounds = rows.iter().map(|(round, _)| *round).collect();
        Merged {
            buckets,
            running,
            rounds,
        }
    }

    /// Rounds it rests on.
    pub fn rounds(&self) -> usize {
        self.rounds.len()
    }

    /// The percentile over all rounds.
    ///
    /// # Errors
    /// When fewer than [`BEYOND`] samples lie beyond it.
    pub fn value(&self, quantile: f64) -> Result<f64, String> {
        let weights = vec![1; self.running.len()];
        let total = self.total(&weights);
        if (1.0 - quantile) * total as f64 + 1e-6 < BEYOND {
            return Err(format!(
                "fewer than {BEYOND} samples lie beyond it: measure longer (window, --rounds)"
            ));
        }
        Ok(self.read(quantile, &weights))
    }

    /// Its 95 % interval over rounds.
    pub fn interval(&self, quantile: f64, seed: u64) -> Option<Interval> {
        let value = self.value(quantile).ok()?;
        stats::interval(value, self.rounds(), seed, |weights| {
            self.read(quantile, weights)
        })
    }

    /// The percentile of each round by itself, where its samples allow it.
    pub fn by_round(&self, quantile: f64) -> Vec<(u32, f64)> {
        let alone = |row: usize| {
            let mut weights = vec![0; self.running.len()];
            weights[row] = 1;
            let enough = (1.0 - quantile) * self.total(&weights) as f64 + 1e-6 >= BEYOND;
            enough.then(|| (self.rounds[row], self.read(quantile, &weights)))
        };
        (0..self.running.len()).filter_map(alone).collect()
    }

    /// The largest quantile that still has [`BEYOND`] samples beyond it.
    pub fn furthest(&self) -> f64 {
        let total = self.total(&vec![1; self.running.len()]);
        (1.0 - BEYOND / (total as f64).max(1.0)).max(0.0)
    }

    fn total(&self, weights: &[u32]) -> u64 {
        self.sum(self.buckets.len().saturating_sub(1), weights)
    }

    fn sum(&self, bucket: usize, weights: &[u32]) -> u64 {
        let rows = self.running.iter().zip(weights);
        rows.map(|(row, weight)| row.get(bucket).unwrap_or(&0) * u64::from(*weight))
            .sum()
    }

    /// The smallest bucket that holds the quantile's rank, as `Histogram::value_at_quantile` has it.
    fn read(&self, quantile: f64, weights: &[u32]) -> f64 {
        let rank = ((quantile * self.total(weights) as f64).ceil() as u64).max(1);
        let (mut low, mut high) = (0, self.buckets.len().saturating_sub(1));
        while low < high {
            let middle = (low + high) / 2;
            if self.sum(middle, weights) >= rank {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        self.buckets.get(low).map_or(f64::NAN, |&end| end as f64)
    }
}

/// A figure of a pass's distribution, its largest say, in nanoseconds; `None` where there is none.
pub(crate) fn of_pass(
    pass: &Pass,
    scenario: &Scenario,
    span: Span,
    figure: impl Fn(&Histogram<u64>) -> f64,
) -> Option<f64> {
    let histogram = stored(pass, scenario, span)?.decode().ok()?;
    (!histogram.is_empty()).then(|| figure(&histogram))
}

/// The mean of a pass's distribution, nanoseconds.
pub(crate) fn mean(pass: &Pass, scenario: &Scenario, span: Span) -> Option<f64> {
    let filled = stored(pass, scenario, span)?.filled().ok()?;
    (!filled.buckets.is_empty()).then_some(filled.mean)
}

/// The distribution of a cell over its rounds, merged; `None` where there is none.
///
/// # Errors
/// When one cannot be read.
pub(crate) fn whole(cell: &Cell<'_>, span: Span) -> Result<Option<Histogram<u64>>, String> {
    let mut whole: Option<Histogram<u64>> = None;
    for pass in cell.figures() {
        let Some(stored) = stored(pass, cell.scenario, span) else {
            continue;
        };
        let histogram = stored.decode().map_err(in_round(pass))?;
        match &mut whole {
            Some(whole) => add(whole, &histogram)?,
            None => whole = Some(histogram),
        }
    }
    Ok(whole)
}

/// Adds one distribution to another, however far either reaches.
///
/// # Errors
/// When the sum does not fit into memory.
pub(crate) fn add(whole: &mut Histogram<u64>, histogram: &Histogram<u64>) -> Result<(), String> {
    whole.auto(true);
    whole.add(histogram).map_err(|error| error.to_string())
}

fn stored<'a>(pass: &'a Pass, scenario: &Scenario, span: Span) -> Option<&'a Encoded> {
    let stored = match span {
        Span::Service => &pass.histograms.service,
        Span::Connect => &pass.histograms.connect,
        Span::Lag => &pass.histograms.lag,
        // In a closed loop a request is due when the last reply is in: the two are the same.
        Span::Response
            if scenario.pace == Pace::Closed
                && scenario.workload != Workload::Crr
                && pass.histograms.response.is_none() =>
        {
            &pass.histograms.service
        }
        Span::Response => &pass.histograms.response,
    };
    stored.as_ref()
}

fn in_round(pass: &Pass) -> impl FnOnce(record::histogram::DecodeError) -> String {
    let round = pass.round;
    move |error| format!("round {round}: {error}")
}

fn totals(buckets: &[u64], filled: &Filled) -> Vec<u64> {
    let mut filled = filled.buckets.iter().peekable();
    let mut total = 0;
    buckets
        .iter()
        .map(|&bucket| {
            while let Some((_, count)) = filled.next_if(|(end, _)| *end <= bucket) {
                total += count;
            }
            total
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(values: &[u64]) -> Histogram<u64> {
        let mut histogram = record::histogram::latencies();
        for &value in values {
            histogram.saturating_record(value);
        }
        histogram
    }

    proptest! {
        #[test]
        fn a_merged_percentile_is_that_of_the_concatenation(
            rounds in prop::collection::vec(prop::collection::vec(1..40_000_000_000_u64, 1..300), 1..6),
            weights in prop::collection::vec(1..4_u32, 6),
        ) {
            let rows: Vec<_> = (1..).zip(rounds.iter().map(|round| Filled::of(&histogram(round)))).collect();
            let rows: Vec<_> = rows.iter().map(|(round, filled)| (*round, filled)).collect();
            let merged = Merged::of_rounds(&rows);
            let repeated = rounds.iter().zip(&weights).flat_map(|(round, weight)| {
                round.iter().copied().cycle().take(round.len() * *weight as usize)
            });
            let all = histogram(&repeated.collect::<Vec<_>>());
            for quantile in [0.5, 0.9, 0.99, 0.999] {
                let read = merged.read(quantile, &weights[..rounds.len()]);
                prop_assert_eq!(read, all.value_at_quantile(quantile) as f64);
            }
        }
    }

    #[test]
    fn a_percentile_needs_ten_samples_beyond_it() {
        let merged = |samples: u64| {
            let filled = Filled::of(&histogram(&(1..=samples).collect::<Vec<_>>()));
            Merged::of_rounds(&[(1, &filled)])
        };
        assert!(merged(999).value(0.99).is_err());
        assert!(merged(1_000).value(0.99).is_ok());
        assert!(merged(1_000).value(0.999).is_err());
        assert!(merged(10_000).value(0.999).is_ok());
        assert!(merged(999).by_round(0.99).is_empty());
    }
}
