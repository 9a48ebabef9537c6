//! Welch's t: the difference of two means of a few rounds each, of which neither knows the other's spread.
//!
//! It ends where rounds are fewer than three on either side.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Interval, ROUNDS_MIN};

/// The difference of two means, and how far it may be off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Welch {
    /// Mean of the second less mean of the first.
    pub difference: f64,
    /// Its standard error, squared.
    pub variance: f64,
    /// Degrees of freedom (Satterthwaite).
    freedom: f64,
}

impl Welch {
    /// Of the rounds of two runs; `None` when those of either are too few.
    pub fn of(first: &[f64], second: &[f64]) -> Option<Self> {
        let (first, second) = (Mean::of(first)?, Mean::of(second)?);
        let variance = first.variance + second.variance;
        let shares = first.share() + second.share();
        // Rounds without any spread say the same however few they are.
        let least = (first.rounds.min(second.rounds)) - 1.0;
        let freedom = if shares > 0.0 {
            variance * variance / shares
        } else {
            least
        };
        Some(Welch {
            difference: second.mean - first.mean,
            variance,
            freedom: freedom.max(1.0),
        })
    }

    /// With something taken off whose own variance is known, and all errors so many times as large.
    pub fn less(self, shift: f64, variance: f64, times: f64) -> Self {
        Welch {
            difference: self.difference - shift,
            variance: (self.variance + variance) * times * times,
            ..self
        }
    }

    /// How many standard errors from 0.
    pub fn errors(&self) -> f64 {
        if self.difference == 0.0 {
            return 0.0;
        }
        (self.difference / self.variance.sqrt()).abs()
    }

    /// The 95 % interval.
    pub fn interval(&self) -> Option<Interval> {
        let half = self.law()?.inverse_cdf(0.975) * self.variance.sqrt();
        Some(Interval {
            low: self.difference - half,
            high: self.difference + half,
        })
    }

    /// How often chance alone takes a difference so far from 0, to either side.
    pub fn p(&self) -> Option<f64> {
        Some((2.0 * self.law()?.cdf(-self.errors())).min(1.0))
    }

    fn law(&self) -> Option<StudentsT> {
        StudentsT::new(0.0, 1.0, self.freedom).ok()
    }
}

/// A mean of rounds.
struct Mean {
    mean: f64,
    /// Of the mean.
    variance: f64,
    rounds: f64,
}

impl Mean {
    fn of(values: &[f64]) -> Option<Self> {
        if values.len() < ROUNDS_MIN {
            return None;
        }
        let rounds = values.len() as f64;
        let mean = values.iter().sum::<f64>() / rounds;
        let squares = values.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
        Some(Mean {
            mean,
            variance: squares / (rounds - 1.0) / rounds,
            rounds,
        })
    }

    fn share(&self) -> f64 {
        self.variance * self.variance / (self.rounds - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // By hand: means 3 and 6.5; variances of the means 2.5/5 and 5/3/4.
        let of = Welch::of(&[1.0, 2.0, 3.0, 4.0, 5.0], &[5.0, 6.0, 7.0, 8.0]).expect("rounds");
        assert!((of.difference - 3.5).abs() < 1e-12);
        assert!((of.variance - (0.5 + 5.0 / 12.0)).abs() < 1e-12);
        let freedom = of.variance.powi(2) / (0.25 / 4.0 + (5.0_f64 / 12.0).powi(2) / 3.0);
        assert!((of.freedom - freedom).abs() < 1e-9, "{of:?}");
        assert!(
            of.p().is_some_and(|p| (0.005..0.011).contains(&p)),
            "{of:?}"
        );
        let interval = of.interval().expect("an interval");
        assert!(interval.low > 1.0 && interval.high < 6.0, "{interval:?}");
    }

    #[test]
    fn edges() {
        assert!(Welch::of(&[1.0; 2], &[1.0; 9]).is_none());
        let same = Welch::of(&[1.0; 3], &[1.0; 3]).expect("rounds");
        assert_eq!((same.errors(), same.p()), (0.0, Some(1.0)));
        let apart = Welch::of(&[1.0; 3], &[2.0; 3]).expect("rounds");
        assert_eq!(apart.p(), Some(0.0));
    }
}
