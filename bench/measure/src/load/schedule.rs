//! When requests are due in an open loop: one global schedule, from a seed, the same for every contender.
//!
//! Threads draw the same schedule and take every T-th request of it, so that together they send exactly what
//! was asked. Nothing the server does moves it.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use record::Pace;
use serde::{Deserialize, Serialize};

/// Which part of the whole a thread has: number `index` of `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// From 0.
    pub index: u32,
    /// How many threads.
    pub of: u32,
}

impl Share {
    /// This thread's part of `whole`; the parts of all threads sum to it.
    pub fn part(self, whole: u64) -> u64 {
        whole / u64::from(self.of) + u64::from(u64::from(self.index) < whole % u64::from(self.of))
    }
}

/// The due times of one thread's requests, in order.
#[derive(Debug)]
pub struct Schedule {
    pace: Pace,
    rng: StdRng,
    share: Share,
    start_ns: u64,
    end_ns: u64,
    /// Of the whole schedule, not of this thread's part.
    index: u64,
    limit: u64,
    /// Since the start, of request `index`.
    offset_ns: f64,
    next: Option<u64>,
}

impl Schedule {
    /// Requests that are due from `start_ns` on and before `end_ns`, at most `limit` over all threads.
    /// A closed loop has no schedule, nor has a share of something unknown: nothing is ever due by them.
    pub fn new(
        pace: Pace,
        seed: u64,
        (start_ns, end_ns): (u64, u64),
        limit: u64,
        share: Share,
    ) -> Self {
        let mut schedule = Schedule {
            pace,
            rng: StdRng::seed_from_u64(seed),
            share,
            start_ns,
            end_ns,
            index: 0,
            limit,
            offset_ns: 0.0,
            next: None,
        };
        if let Pace::Poisson(rate) = pace {
            schedule.offset_ns = schedule.exponential_ns(rate);
        }
        schedule.settle();
        schedule
    }

    /// When the next request of this thread is due.
    #[inline]
    pub fn due(&self) -> Option<u64> {
        self.next
    }

    /// That one is taken.
    pub fn take(&mut self) {
        self.step();
        self.settle();
    }

    /// Goes on to the next request that is this thread's.
    fn settle(&mut self) {
        while self.index % u64::from(self.share.of) != u64::from(self.share.index) {
            self.step();
        }
        let due = self.start_ns.saturating_add(self.offset_ns as u64);
        let there =
            self.pace.rate_per_s().is_some() && due < self.end_ns && self.index < self.limit;
        self.next = there.then_some(due);
    }

    fn step(&mut self) {
        self.index += 1;
        match self.pace {
            Pace::Closed | Pace::OfSlowest(_) | Pace::OfOwn(_) => {}
            // Not a sum of gaps: what rounding takes from one would be missing at the end.
            Pace::Constant(rate) => self.offset_ns = self.index as f64 * 1e9 / rate,
            Pace::Poisson(rate) => self.offset_ns += self.exponential_ns(rate),
        }
    }

    /// A gap of a Poisson process, by inversion.
    fn exponential_ns(&mut self, rate_per_s: f64) -> f64 {
        let uniform: f64 = self.rng.random();
        -(1.0 - uniform).ln() * 1e9 / rate_per_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dues(pace: Pace, seed: u64, length_ns: u64, limit: u64, share: Share) -> Vec<u64> {
        let mut schedule = Schedule::new(pace, seed, (1000, 1000 + length_ns), limit, share);
        std::iter::from_fn(|| {
            let due = schedule.due()?;
            schedule.take();
            Some(due)
        })
        .collect()
    }

    const WHOLE: Share = Share { index: 0, of: 1 };

    #[test]
    fn a_constant_rate_sends_exactly_what_was_asked() {
        for rate in [1.0, 3.0, 997.0, 20_000.0, 1_000_003.0] {
            assert_eq!(
                dues(Pace::Constant(rate), 1, 1_000_000_000, u64::MAX, WHOLE).len() as f64,
                rate
            );
        }
        assert_eq!(
            dues(Pace::Constant(100.0), 1, 1_000_000_000, 7, WHOLE).len(),
            7
        );
        assert!(dues(Pace::Closed, 1, 1_000_000_000, 7, WHOLE).is_empty());
    }

    proptest! {
        #[test]
        fn threads_together_have_the_one_schedule(seed: u64, of in 1u32..9, rate in 1.0..5000.0f64, poisson: bool) {
            let pace = if poisson { Pace::Poisson(rate) } else { Pace::Constant(rate) };
            let whole = dues(pace, seed, 500_000_000, u64::MAX, WHOLE);
            let mut parts: Vec<u64> = (0..of)
                .flat_map(|index| dues(pace, seed, 500_000_000, u64::MAX, Share { index, of }))
                .collect();
            parts.sort_unstable();
            prop_assert_eq!(parts, whole);
        }

        #[test]
        fn parts_sum_to_the_whole(whole: u32, of in 1u32..64) {
            let sum: u64 = (0..of).map(|index| Share { index, of }.part(u64::from(whole))).sum();
            prop_assert_eq!(sum, u64::from(whole));
        }
    }

    /// Kolmogorov and Smirnov: the largest distance between the gaps' distribution and the exponential one.
    #[test]
    fn gaps_of_a_poisson_schedule_are_exponential() {
        const RATE: f64 = 20_000.0;
        let dues = dues(Pace::Poisson(RATE), 42, 2_000_000_000, u64::MAX, WHOLE);
        let mut gaps: Vec<f64> = dues
            .windows(2)
            .map(|two| (two[1] - two[0]) as f64 / 1e9)
            .collect();
        gaps.sort_by(f64::total_cmp);
        let count = gaps.len() as f64;
        assert!(
            (count - 2.0 * RATE).abs() < 4.0 * (2.0 * RATE).sqrt(),
            "{count} gaps"
        );
        let distance = |rate: f64| {
            gaps.iter()
                .enumerate()
                .map(|(index, gap)| {
                    let expected = 1.0 - (-gap * rate).exp();
                    (expected - index as f64 / count)
                        .abs()
                        .max(((index + 1) as f64 / count - expected).abs())
                })
                .fold(0.0, f64::max)
        };
        // The 1 % point of the distribution of the distance; a rate that is off by 5 % is found.
        let critical = 1.628 / count.sqrt();
        assert!(distance(RATE) < critical);
        assert!(distance(RATE * 1.05) > critical);
    }
}
