//! A line through the points of several rounds: least squares with one slope for all and an intercept for each
//! round, and whether a line is what the points lie on.
//!
//! The round is the unit of replication: points of one round share what the machine was like. So the interval is
//! Student's t over the rounds' own slopes (each weighted by how far apart its points lie, which for rounds of the
//! same places is the mean of their slopes), and not over points, which would make 25 of 5 rounds. It pays with
//! wide intervals where rounds are few, and ends at three.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Interval, ROUNDS_MIN};

/// A line with one slope.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// Of all rounds.
    pub slope: f64,
    /// Of the slope; from three rounds on.
    pub interval: Option<Interval>,
    /// Rounds that have a slope.
    pub rounds: usize,
    /// Where the points lie off the line by more than chance, if they do.
    pub bend: Option<Bend>,
}

/// How far points lie off a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bend {
    /// At which place they do most.
    pub x: f64,
    /// By which share of what the line rises from its first place to its last; above it or below.
    pub share: f64,
}

/// Points may lie off the line by this share of its rise.
const BEND_MAX: f64 = 0.02;

/// The line through `rounds`, each of points (x, y); `None` when no round has two places.
pub(crate) fn line(rounds: &[Vec<(f64, f64)>]) -> Option<Line> {
    let sums: Vec<Sums> = rounds
        .iter()
        .filter_map(|points| Sums::of(points))
        .collect();
    let weight: f64 = sums.iter().map(|it| it.xx).sum();
    let slope = sums.iter().map(|it| it.xy).sum::<f64>() / weight;
    if !slope.is_finite() {
        return None;
    }
    Some(Line {
        slope,
        interval: interval(&sums, slope, weight),
        rounds: sums.len(),
        bend: bend(rounds, slope),
    })
}

/// The slope of one round by itself.
pub(crate) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let sums = Sums::of(points)?;
    Some(sums.xy / sums.xx)
}

/// Sums of squares and products about the means of a round.
struct Sums {
    xx: f64,
    xy: f64,
}

impl Sums {
    fn of(points: &[(f64, f64)]) -> Option<Self> {
        let (mean_x, mean_y) = means(points);
        let xx: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let products = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y));
        let xy = products.sum();
        (xx > 0.0).then_some(Sums { xx, xy })
    }
}

fn means(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    (mean(|(x, _)| *x), mean(|(_, y)| *y))
}

fn interval(sums: &[Sums], slope: f64, weight: f64) -> Option<Interval> {
    if sums.len() < ROUNDS_MIN {
        return None;
    }
    let rounds = sums.len() as f64;
    let squares = sums.iter().map(|it| (it.xy - slope * it.xx).powi(2));
    let error = (squares.sum::<f64>() * rounds / (rounds - 1.0)).sqrt() / weight;
    let half = quantile(0.975, rounds - 1.0)? * error;
    Some(Interval {
        low: slope - half,
        high: slope + half,
    })
}

fn quantile(share: f64, freedom: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(share))
}

/// The place at which the rounds lie furthest off the line together: by more than [`BEND_MAX`] of its rise, and by more
/// than chance would take any of the places once in twenty times (Bonferroni).
fn bend(rounds: &[Vec<(f64, f64)>], slope: f64) -> Option<Bend> {
    let whole = rounds.iter().filter(|points| points.len() > 2);
    let residuals: Vec<(f64, f64)> = whole
        .flat_map(|points| {
            let (mean_x, mean_y) = means(points);
            let off = move |(x, y): &(f64, f64)| (*x, y - mean_y - slope * (x - mean_x));
            points.iter().map(off)
        })
        .collect();
    let mut places: Vec<f64> = residuals.iter().map(|(x, _)| *x).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let rise = (slope * (places.last()? - places.first()?)).abs();
    let bends = places.iter().filter_map(|&x| {
        let here: Vec<f64> = residuals
            .iter()
            .filter(|(place, _)| *place == x)
            .map(|(_, off)| *off)
            .collect();
        let off = sure_mean(&here, places.len())?;
        Some(Bend {
            x,
            share: off / rise,
        })
    });
    bends
        .filter(|bend| bend.share.abs() > BEND_MAX)
        .max_by(|a, b| a.share.abs().total_cmp(&b.share.abs()))
}

/// The mean of `values`, if chance does not explain that it is not 0, asked at so many places.
fn sure_mean(values: &[f64], places: usize) -> Option<f64> {
    if values.len() < ROUNDS_MIN {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    let far = quantile(1.0 - 0.025 / places as f64, count - 1.0)?;
    (mean.abs() > far * error).then_some(mean)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::simulated::Noise;
    use super::*;

    const PLACES: [f64; 5] = [1.0, 100.0, 300.0, 1_000.0, 3_000.0];

    fn rounds_of(count: usize, mut y: impl FnMut(usize, f64) -> f64) -> Vec<Vec<(f64, f64)>> {
        let mut round = |round| PLACES.map(|x| (x, y(round, x))).to_vec();
        (0..count).map(&mut round).collect()
    }

    proptest! {
        #[test]
        fn points_of_a_line_give_it_back(
            slope in -1e5..1e5_f64,
            intercepts in prop::collection::vec(-1e6..1e6_f64, 3..9),
        ) {
            let rounds = rounds_of(intercepts.len(), |round, x| intercepts[round] + slope * x);
            let found = line(&rounds).expect("five places");
            let near = 1e-6 * (1.0 + slope.abs());
            prop_assert!((found.slope - slope).abs() < near);
            let interval = found.interval.expect("three rounds");
            prop_assert!(interval.high - interval.low < near);
            prop_assert_eq!(found.rounds, intercepts.len());
        }

        #[test]
        fn what_is_added_to_every_point_changes_nothing_and_units_scale(
            values in prop::collection::vec(prop::collection::vec(0.0..1e6_f64, 5), 3..8),
            added in -1e6..1e6_f64,
            unit in 0.5..2_000.0_f64,
        ) {
            let of = |scale: f64, added: f64| {
                let round = |ys: &Vec<f64>| PLACES.iter().zip(ys).map(|(x, y)| (*x, y * scale + added)).collect();
                line(&values.iter().map(round).collect::<Vec<_>>()).expect("five places")
            };
            let (plain, moved) = (of(1.0, 0.0), of(unit, added));
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-6 * (1.0 + a.abs().max(b.abs()));
            prop_assert!(near(plain.slope * unit, moved.slope));
            let (a, b) = (plain.interval.expect("three"), moved.interval.expect("three"));
            prop_assert!(near(a.low * unit, b.low) && near(a.high * unit, b.high));
            prop_assert!(a.low <= plain.slope && plain.slope <= a.high);
        }

        #[test]
        fn parts_add_up_to_their_sum(
            parts in prop::collection::vec(prop::collection::vec((0.0..1e6_f64, 0.0..1e6_f64), 5), 1..6),
        ) {
            let of = |part: fn(&(f64, f64)) -> f64| {
                let round = |ys: &Vec<(f64, f64)>| PLACES.iter().zip(ys).map(|(x, y)| (*x, part(y))).collect();
                line(&parts.iter().map(round).collect::<Vec<_>>()).expect("five places").slope
            };
            let sum = of(|(a, b)| a + b);
            prop_assert!((of(|(a, _)| *a) + of(|(_, b)| *b) - sum).abs() < 1e-6 * (1.0 + sum.abs()));
        }
    }

    #[test]
    fn intervals_hold_the_true_slope_about_95_times_of_100() {
        // Noise of each point, noise that grows with the place, noise that a round's points share.
        for rounds in [3, 5, 8] {
            let mut noise = Noise::new(rounds as u64);
            let held = (0..1_000).filter(|_| {
                let tilt: Vec<f64> = (0..rounds).map(|_| 0.2 * noise.normal()).collect();
                let points = rounds_of(rounds, |round, x| {
                    50.0 + (7.0 + tilt[round]) * x + noise.normal() * (300.0 + 0.3 * x)
                });
                let interval = line(&points)
                    .and_then(|it| it.interval)
                    .expect("rounds enough");
                interval.low <= 7.0 && 7.0 <= interval.high
            });
            let share = held.count() as f64 / 1_000.0;
            assert!((0.93..=0.97).contains(&share), "{rounds} rounds: {share}");
        }
    }

    #[test]
    fn a_bend_is_seen_and_noise_is_none() {
        let mut noise = Noise::new(5);
        let mut bends = |of: fn(f64) -> f64| {
            let found = (0..200)
                .filter_map(|_| line(&rounds_of(5, |_, x| of(x) + 200.0 * noise.normal()))?.bend);
            found.collect::<Vec<_>>()
        };
        let straight = bends(|x| 10.0 * x);
        assert!(straight.len() <= 10, "{}", straight.len());
        // A table that doubles: flat up to 300, then steep.
        let bent = bends(|x| 10.0 * (x - 300.0).max(0.0) + 3.0 * x);
        assert_eq!(bent.len(), 200);
        let flat = bends(|_| 5_000.0);
        assert!(flat.len() <= 10, "{}", flat.len());
    }

    #[test]
    fn two_places_are_a_line_and_one_is_none() {
        let found = line(&[vec![(100.0, 1_000.0), (500.0, 5_000.0)]]).expect("two places");
        assert_eq!(
            (found.slope, found.interval, found.bend),
            (10.0, None, None)
        );
        assert_eq!(slope(&[(100.0, 1_000.0), (500.0, 5_000.0)]), Some(10.0));
        assert_eq!(line(&[vec![(1.0, 10.0), (1.0, 12.0)], vec![]]), None);
        assert_eq!(line(&[]), None);
        assert_eq!(slope(&[(1.0, 10.0)]), None);
    }

    #[test]
    fn rounds_that_lack_places_weigh_less() {
        let whole: Vec<(f64, f64)> = PLACES.iter().map(|x| (*x, 10.0 * x)).collect();
        let short = vec![(1.0, 0.0), (100.0, 1_980.0)];
        let found = line(&[whole.clone(), whole.clone(), whole, short]).expect("places");
        assert!((found.slope - 10.0).abs() < 0.1, "{found:?}");
        assert_eq!(found.rounds, 4);
    }
}
