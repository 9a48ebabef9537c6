//! A solo window over time: what its bins say of each step, over all rounds of a cell.
//!
//! Rates and CPU are medians over rounds; percentiles are read from the rounds' histograms merged, as
//! everywhere; queues and refusals are the most of any round, because a median would hide the one that had any.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use record::Bin;

use crate::cells::Cell;
use crate::stats;

/// The length of a bin.
const BIN_NS: u64 = 100_000_000;

/// More steps than this cannot be told apart.
const STEPS: u64 = 400;

/// One step of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// Its middle, seconds since the window began.
    pub at_s: f64,
    /// Replies a second.
    pub replies_per_s: Option<f64>,
    /// Median response time; nothing where nobody was answered.
    pub response_ns_p50: Option<f64>,
    /// Its 99th percentile, from a hundred replies on.
    pub response_ns_p99: Option<f64>,
    /// Connections in the accept queue.
    pub accept_queue: Option<f64>,
    /// Connections that the host turned away.
    pub turned_away: Option<f64>,
    /// Cores that the generator used.
    pub generator_cores: Option<f64>,
}

/// How long a step is, so that the longest window of `cells` has not too many of them.
pub(crate) fn step_ns(cells: &[&Cell<'_>]) -> u64 {
    let passes = cells.iter().flat_map(|cell| cell.figures());
    let bins = passes.flat_map(|pass| &pass.bins);
    let end = bins.map(|bin| bin.start_ns.saturating_add(bin.length_ns));
    BIN_NS * end.max().unwrap_or(0).div_ceil(BIN_NS * STEPS).max(1)
}

/// What one round adds to a step.
#[derive(Default)]
struct Round {
    replies: u64,
    length_ns: u64,
    generator_cpu_ns: u64,
}

/// What all rounds add to a step.
#[derive(Default)]
struct Gathered {
    rounds: BTreeMap<u32, Round>,
    response: Option<Histogram<u64>>,
    accept_queue: Option<u32>,
    turned_away: Option<u64>,
}

/// The steps of a cell, in order; those of which no round has a bin are left out.
pub(crate) fn steps(cell: &Cell<'_>, step_ns: u64) -> Vec<Step> {
    let mut gathered: BTreeMap<u64, Gathered> = BTreeMap::new();
    for pass in cell.figures() {
        for bin in &pass.bins {
            // A bin belongs where its middle lies: clocks put its beginning a little early or late.
            let middle = bin.start_ns.saturating_add(bin.length_ns / 2);
            let step = gathered.entry(middle / step_ns).or_default();
            step.add(pass.round, bin);
        }
    }
    let steps = gathered.iter();
    steps
        .filter_map(|(index, step)| step.read(*index, step_ns))
        .collect()
}

impl Gathered {
    fn add(&mut self, number: u32, bin: &Bin) {
        let round = self.rounds.entry(number).or_default();
        round.replies += bin.replies;
        round.length_ns += bin.length_ns;
        round.generator_cpu_ns += bin.generator_cpu_ns;
        self.accept_queue = self.accept_queue.max(bin.accept_queue);
        // ListenDrops holds the overflows; where only these were read, they are what is known.
        self.turned_away = self
            .turned_away
            .max(bin.listen_drops)
            .max(bin.listen_overflows);
        let Ok(response) = bin.response.decode() else {
            return;
        };
        match &mut self.response {
            // Both were made with the same bounds; one from elsewhere that does not fit is left out.
            Some(merged) => drop(merged.add(&response)),
            None => self.response = Some(response),
        }
    }

    /// Nothing for a rest of a step too short to have a rate.
    fn read(&self, index: u64, step_ns: u64) -> Option<Step> {
        let rounds = self.rounds.values();
        let whole: Vec<&Round> = rounds.filter(|it| it.length_ns >= step_ns / 4).collect();
        if whole.is_empty() {
            return None;
        }
        let share = |part: fn(&Round) -> u64| {
            let shares = whole
                .iter()
                .map(|it| part(it) as f64 / it.length_ns.max(1) as f64);
            stats::median(&shares.collect::<Vec<_>>())
        };
        let percentile = |quantile: f64| {
            let merged = self.response.as_ref()?;
            let beyond = (1.0 - quantile) * merged.len() as f64 + 1e-6;
            (beyond >= 1.0).then(|| merged.value_at_quantile(quantile) as f64)
        };
        Some(Step {
            at_s: (index as f64 + 0.5) * step_ns as f64 / 1e9,
            replies_per_s: share(|it| it.replies).map(|per_ns| per_ns * 1e9),
            response_ns_p50: percentile(0.5),
            response_ns_p99: percentile(0.99),
            accept_queue: self.accept_queue.map(f64::from),
            turned_away: self.turned_away.map(|count| count as f64),
            generator_cores: share(|it| it.generator_cpu_ns),
        })
    }
}

#[cfg(test)]
mod tests {
    use record::histogram::{Encoded, coarse_latencies};

    use super::*;

    fn bin(start_ns: u64, length_ns: u64, latencies: &[u64], queue: Option<u32>) -> Bin {
        let mut response = coarse_latencies();
        for &latency in latencies {
            response.saturating_record(latency);
        }
        Bin {
            start_ns,
            length_ns,
            replies: latencies.len() as u64,
            errors: 0,
            generator_cpu_ns: length_ns / 4,
            response: Encoded::new(&response),
            accept_queue: queue,
            listen_overflows: None,
            listen_drops: None,
        }
    }

    #[test]
    fn a_step_is_a_median_of_rates_and_a_merge_of_latencies() {
        let mut step = Gathered::default();
        step.add(1, &bin(0, BIN_NS, &[1_000; 150], Some(0)));
        step.add(2, &bin(0, BIN_NS, &[1_000; 120], Some(7)));
        step.add(3, &bin(0, BIN_NS, &[9_000_000; 30], None));
        let read = step.read(3, BIN_NS).expect("three whole rounds");
        assert!((read.at_s - 0.35).abs() < 1e-9);
        assert_eq!(read.replies_per_s.map(f64::round), Some(1_200.0));
        assert!(read.response_ns_p50.is_some_and(|ns| ns < 1_100.0));
        assert!(
            read.response_ns_p99.is_some_and(|ns| ns > 8e6),
            "one bad round shows"
        );
        assert_eq!((read.accept_queue, read.turned_away), (Some(7.0), None));
        assert_eq!(read.generator_cores, Some(0.25));
    }

    #[test]
    fn what_nobody_answered_has_a_rate_and_no_latency() {
        let mut step = Gathered::default();
        step.add(1, &bin(0, BIN_NS, &[], None));
        let read = step.read(0, BIN_NS).expect("a whole round");
        assert_eq!(
            (read.replies_per_s, read.response_ns_p50),
            (Some(0.0), None)
        );
    }

    #[test]
    fn a_rest_is_no_step() {
        let mut step = Gathered::default();
        step.add(1, &bin(0, BIN_NS / 5, &[1_000; 9], None));
        step.add(2, &bin(0, 0, &[], None));
        assert_eq!(step.read(0, BIN_NS), None);
    }
}
