//! Whether rounds go up or down with their number: Spearman's rank correlation, and how likely one as large
//! is by chance. It stands in until the statistics of the crate have it.

/// Spearman's ρ of values against their order, and the two-sided probability of one as large by chance
/// (ρ·√(n−1) against the normal distribution, which errs on the careful side with few rounds). Nothing with
/// fewer than three values, or when all are equal.
pub(super) fn order_drift(values_by_round: &[f64]) -> Option<(f64, f64)> {
    let count = values_by_round.len() as f64;
    if count < 3.0 {
        return None;
    }
    let ranks: Vec<f64> = values_by_round
        .iter()
        .map(|value| {
            let less = values_by_round.iter().filter(|it| *it < value).count() as f64;
            let equal = values_by_round.iter().filter(|it| *it == value).count() as f64;
            less + (equal + 1.0) / 2.0
        })
        .collect();
    let mean = (count + 1.0) / 2.0;
    let (mut both, mut of_ranks, mut of_rounds) = (0.0, 0.0, 0.0);
    for (round, rank) in (1..).map(f64::from).zip(ranks) {
        both += (round - mean) * (rank - mean);
        of_ranks += (rank - mean).powi(2);
        of_rounds += (round - mean).powi(2);
    }
    let rho = both / (of_ranks * of_rounds).sqrt();
    rho.is_finite()
        .then(|| (rho, two_sided(rho * (count - 1.0).sqrt())))
}

/// The probability that a standard normal variable is further from 0 than this (Abramowitz and Stegun,
/// 7.1.26: off by less than 1.5e-7).
fn two_sided(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [
        0.254_829_592,
        -0.284_496_736,
        1.421_413_741,
        -1.453_152_027,
        1.061_405_429,
    ];
    let sum = series
        .iter()
        .rev()
        .fold(0.0, |sum, factor| (sum + factor) * t);
    sum * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_round_by_round_is_no_chance_and_what_jumps_about_is() {
        let (rho, p) = order_drift(&[9.0, 8.0, 7.5, 7.0, 6.0, 5.0, 4.0, 3.0]).expect("values");
        assert!((rho + 1.0).abs() < 1e-12 && p < 0.01, "{rho} {p}");
        let (rho, p) = order_drift(&[4.0, 9.0, 3.0, 8.0, 5.0, 7.0, 6.0, 3.5]).expect("values");
        assert!(rho.abs() < 0.3 && p > 0.4, "{rho} {p}");
        assert_eq!(order_drift(&[1.0; 6]), None);
        assert_eq!(order_drift(&[1.0, 2.0]), None);
        assert!((two_sided(1.96) - 0.05).abs() < 1e-4);
    }
}
