//! Student's t: the mean of a few rounds, how far it may be off, and how often chance alone takes it so far from 0.
//!
//! It ends where rounds are fewer than three: two have a spread, and nothing that could be said with it.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Interval, ROUNDS_MIN};

/// Values of which mean and spread are known.
pub(super) struct Student {
    mean: f64,
    /// Of the mean.
    error: f64,
    law: StudentsT,
}

impl Student {
    /// Of `values`, one a round; `None` when they are too few.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.len() < ROUNDS_MIN {
            return None;
        }
        let rounds = values.len() as f64;
        let mean = values.iter().sum::<f64>() / rounds;
        let squares = values.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
        Some(Student {
            mean,
            error: (squares / (rounds - 1.0) / rounds).sqrt(),
            law: StudentsT::new(0.0, 1.0, rounds - 1.0).ok()?,
        })
    }

    /// The same mean, known no better than to this standard deviation.
    pub fn at_best(mut self, resolution: f64) -> Self {
        self.error = self.error.hypot(resolution);
        self
    }

    /// The 97.5th percentile of the law.
    pub fn quantile(&self) -> f64 {
        self.law.inverse_cdf(0.975)
    }

    /// The 95 % interval of the mean.
    pub fn interval(&self) -> Interval {
        let half = self.quantile() * self.error;
        Interval {
            low: self.mean - half,
            high: self.mean + half,
        }
    }

    /// How often chance alone takes a mean at least so far from 0, to either side.
    pub fn p(&self) -> f64 {
        if self.mean == 0.0 {
            return 1.0;
        }
        // Rounds without any spread: infinitely many errors from 0.
        (2.0 * self.law.cdf(-(self.mean / self.error).abs())).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // Student's own data (1908): hours of sleep gained, drug against drug, ten patients: t = 4.0621, p = 0.00283.
        let sleep = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        let of = Student::of(&sleep).expect("ten");
        assert!((of.p() - 0.002_833).abs() < 1e-6, "{}", of.p());
        let interval = of.interval();
        assert!((interval.low - 0.700_114).abs() < 1e-5, "{interval:?}");
        assert!((interval.high - 2.459_886).abs() < 1e-5, "{interval:?}");
    }

    #[test]
    fn rounds_without_spread_are_sure() {
        let of = |values: &[f64]| Student::of(values).map(|it| it.p());
        assert_eq!(of(&[0.5; 3]), Some(0.0));
        assert_eq!(of(&[0.0; 3]), Some(1.0));
        assert_eq!(of(&[0.5; 2]), None);
    }
}
