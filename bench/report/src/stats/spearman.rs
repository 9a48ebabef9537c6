//! Spearman's rank correlation with the order of rounds: whether a cell's figures drift.
//!
//! Ranks, because a drift need not be a straight line and one disturbed round must not make one. It ends at a
//! correlation and how often chance makes it; whether that is a doubt is the doubts' business.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::ROUNDS_MIN;

/// Up to so many rounds every order is tried (40,320 of 8); beyond, Student's t is close (of nine, 0.050 for 0.059).
const EXACT_TO: usize = 8;

/// The rank correlation of `values_by_round` with the order of rounds, and how often chance alone makes one at
/// least as strong, to either side. `None` for fewer than three rounds, or when all are equal.
pub(crate) fn order_drift(values_by_round: &[f64]) -> Option<(f64, f64)> {
    let rounds = values_by_round.len();
    if rounds < ROUNDS_MIN || values_by_round.iter().any(|it| it.is_nan()) {
        return None;
    }
    let ranks = ranks(values_by_round);
    let order: Vec<f64> = (1..=rounds).map(|it| it as f64).collect();
    let rho = correlation(&order, &ranks)?;
    let p = if rounds <= EXACT_TO {
        exact(&order, ranks, rho)
    } else {
        by_student(rho, rounds)
    };
    Some((rho, p))
}

/// From 1; equal values share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let less = values.iter().filter(|other| *other < value).count();
        let equal = values.iter().filter(|other| *other == value).count();
        less as f64 + (equal + 1) as f64 / 2.0
    };
    values.iter().map(rank).collect()
}

/// Of ranks, whose mean is known; `None` when one side does not vary.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = (a.len() + 1) as f64 / 2.0;
    let sum = |a: &[f64], b: &[f64]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    let spread = (sum(a, a) * sum(b, b)).sqrt();
    (spread > 0.0).then(|| sum(a, b) / spread)
}

/// The share of all orders of `ranks` that are at least as far from 0 as `rho`.
fn exact(order: &[f64], mut ranks: Vec<f64>, rho: f64) -> f64 {
    let (mut all, mut far) = (0_u32, 0_u32);
    let rounds = ranks.len();
    each_order(&mut ranks, rounds, &mut |ranks| {
        all += 1;
        let found = correlation(order, ranks).unwrap_or(0.0);
        far += u32::from(found.abs() >= rho.abs() - 1e-9);
    });
    f64::from(far) / f64::from(all)
}

/// Every order of the first `length` values (Heap's algorithm).
fn each_order(values: &mut [f64], length: usize, see: &mut impl FnMut(&[f64])) {
    if length <= 1 {
        return see(values);
    }
    for at in 0..length {
        each_order(values, length - 1, see);
        let other = if length.is_multiple_of(2) { at } else { 0 };
        values.swap(other, length - 1);
    }
}

fn by_student(rho: f64, rounds: usize) -> f64 {
    let free = (rounds - 2) as f64;
    let t = rho.abs() * (free / (1.0 - rho * rho).max(0.0)).sqrt();
    StudentsT::new(0.0, 1.0, free).map_or(1.0, |law| 2.0 * law.cdf(-t))
}

#[cfg(test)]
mod tests {
    use super::super::simulated::Noise;
    use super::*;

    fn close(values: &[f64], rho: f64, p: f64) {
        let found = order_drift(values).expect("a correlation");
        assert!((found.0 - rho).abs() < 1e-6, "{found:?}");
        assert!((found.1 - p).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn known_values() {
        // Of the 120 orders of five, two are perfect; of three, two of six.
        close(&[1.0, 2.0, 3.0, 4.0, 5.0], 1.0, 2.0 / 120.0);
        close(&[9.0, 7.0, 3.0], -1.0, 2.0 / 6.0);
        // Σd² = 2: ρ = 1 − 6 · 2 / 120 = 0.9, which four swaps of neighbours reach, either way, and two perfect.
        close(&[2.0, 1.0, 3.0, 4.0, 5.0], 0.9, 10.0 / 120.0);
        // Two equal share rank 1.5: Σ(a−3)(b−3) = 9.5, over √(10 · 9.5).
        close(
            &[1.0, 1.0, 3.0, 4.0, 5.0],
            (9.5_f64 / 10.0).sqrt(),
            4.0 / 120.0,
        );
        // Ten: Σd² = 4, ρ = 1 − 24 / 990, t = 12.7.
        let swapped = [2.0, 1.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 9.0];
        let (rho, p) = order_drift(&swapped).expect("ten");
        assert!(
            (rho - 0.975_757_6).abs() < 1e-6 && (1e-6..2e-6).contains(&p),
            "{rho} {p}"
        );
    }

    #[test]
    fn nothing_is_said_of_two_rounds_or_of_equal_ones() {
        assert_eq!(order_drift(&[1.0, 2.0]), None);
        assert_eq!(order_drift(&[1.0; 6]), None);
    }

    #[test]
    fn chance_alone_is_called_a_drift_about_five_times_of_a_hundred() {
        for rounds in [6, 8, 9, 12, 25] {
            let mut noise = Noise::new(rounds as u64);
            let drifts = (0..4_000).filter(|_| {
                let values: Vec<f64> = (0..rounds).map(|_| noise.normal()).collect();
                order_drift(&values).is_some_and(|(_, p)| p <= 0.05)
            });
            let share = drifts.count() as f64 / 4_000.0;
            assert!((0.025..=0.065).contains(&share), "{rounds} rounds: {share}");
        }
    }
}
