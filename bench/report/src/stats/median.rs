//! The middle of values: what one disturbed round, or one disturbed slice, cannot move.

/// The middle of `values`, the mean of the two middle ones for an even number.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The median of values of which each stands `weights` times; `sorted` ascends.
pub(super) fn weighted_median(sorted: &[f64], weights: &[u32]) -> f64 {
    let total: u32 = weights.iter().sum();
    let at = |rank: u32| {
        let mut seen = 0;
        for (value, weight) in sorted.iter().zip(weights) {
            seen += weight;
            if seen > rank {
                return *value;
            }
        }
        sorted.last().copied().unwrap_or(f64::NAN)
    };
    f64::midpoint(at((total - 1) / 2), at(total / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn a_weighted_median_is_the_median_of_the_values_repeated() {
        let sorted = [1.0, 2.0, 5.0, 8.0];
        assert_eq!(weighted_median(&sorted, &[0, 3, 0, 1]), 2.0);
        assert_eq!(weighted_median(&sorted, &[1, 1, 1, 1]), 3.5);
        assert_eq!(weighted_median(&sorted, &[2, 0, 0, 2]), 4.5);
    }
}
