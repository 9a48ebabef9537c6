//! The ratio of two contenders, from the logarithms of the rounds' ratios: a ratio is positive and its errors multiply.
//!
//! Below 15 rounds its interval is Student's. From 15 on rounds are drawn (`bootstrap`), so that one bad round does
//! not widen the good side. Below 15 drawing covers too little, however the rounds are drawn: see the tests. What rounds
//! of one run cannot show comes to both, squared: the instrument's own `resolution` (GUM, JCGM 100:2008, 4.3 and 5.1).

use super::bootstrap::mean_interval;
use super::student::Student;
use super::{Interval, median};

/// From so many rounds on they are drawn.
const DRAWN_FROM: usize = 15;

/// A ratio over rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    /// Geometric mean of the rounds' ratios.
    pub value: f64,
    /// Its interval; `None` when rounds are too few to tell.
    pub interval: Option<Interval>,
    /// How often chance alone makes it so different from 1 (Student's t), not corrected.
    pub p: Option<f64>,
    /// Rounds it rests on.
    pub rounds: usize,
}

/// The logarithm of the ratio of one round, from those of its pairs of slices: their median.
///
/// Of two copies of one server (`tests/twins.csv`) the pairs of a round lie 9 % apart, a few of them far out, because
/// the machine does not slow down for both of a pair alike. The rounds' means then spread by 1.6 %, means without
/// the outer tenths by 1.0 %, without the outer quarters by 0.8 %, medians by 0.7 %: five times fewer rounds than
/// with the mean. What it costs: a contender that is slow in fewer than half of its slices is not seen to be.
pub(crate) fn of_slices(pairs: &[f64]) -> Option<f64> {
    median(pairs).filter(|it| it.is_finite())
}

/// The ratio of which `logarithms` are the rounds'; `None` without rounds. `resolution`: the standard deviation of what
/// their mean may be off from run to run however many rounds there are.
pub(crate) fn ratio(logarithms: &[f64], resolution: f64, seed: u64) -> Option<Ratio> {
    if logarithms.is_empty() {
        return None;
    }
    let rounds = logarithms.len();
    let mean = logarithms.iter().sum::<f64>() / rounds as f64;
    let student = Student::of(logarithms);
    let interval = student.as_ref().map(|student| {
        let interval = if rounds < DRAWN_FROM {
            student.interval()
        } else {
            mean_interval(logarithms, student.quantile(), seed)
        };
        let half = |known: f64| known.hypot(student.quantile() * resolution);
        Interval {
            low: mean - half(mean - interval.low),
            high: mean + half(interval.high - mean),
        }
    });
    Some(Ratio {
        value: mean.exp(),
        interval: interval.map(|it| Interval {
            low: it.low.exp(),
            high: it.high.exp(),
        }),
        p: student.map(|student| student.at_best(resolution).p()),
        rounds,
    })
}
