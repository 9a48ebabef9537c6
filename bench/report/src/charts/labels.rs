//! Labels at the ends of lines: as near to where they belong as the space between them allows.

/// Positions at least `gap` apart within `low..=high`, in the order of `wanted` and near it. When there is
/// not room enough for all, they share what there is.
pub(crate) fn spread(wanted: &[i32], gap: i32, low: i32, high: i32) -> Vec<i32> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|&index| (wanted[index], index));
    let between = i32::try_from(wanted.len())
        .unwrap_or(1)
        .saturating_sub(1)
        .max(1);
    let gap = gap.min((high - low) / between);
    let mut placed = vec![low; wanted.len()];
    let mut floor = low;
    for &index in &order {
        placed[index] = wanted[index].clamp(floor, high.max(floor));
        floor = placed[index] + gap;
    }
    let mut ceiling = high;
    for &index in order.iter().rev() {
        placed[index] = placed[index].min(ceiling);
        ceiling = placed[index] - gap;
    }
    placed
}

/// Round steps of an axis from 0 that reach `most`: about five.
pub(crate) fn ticks(most: f64) -> Vec<f64> {
    if !most.is_finite() || most <= 0.0 {
        return vec![0.0, 1.0];
    }
    let rough = most / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    // A sum of shares may be a bit in its last digit above 1.
    let count = (most / step - 1e-9).ceil() as usize;
    (0..=count.max(1))
        .map(|index| index as f64 * step)
        .collect()
}

/// Whether a step of a logarithmic axis is a power of ten, which has a label before any other.
pub(crate) fn is_power_of_ten(tick: f64) -> bool {
    (tick.log10() - tick.log10().round()).abs() < 1e-9
}

/// Round steps of a logarithmic axis, 1, 2 and 5 in each decade, from at most `low` to at least `high`.
pub(crate) fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let proper = low.is_finite() && high.is_finite() && low > 0.0 && high >= low;
    let (low, high) = if proper { (low, high) } else { (1.0, 10.0) };
    let decades = low.log10().floor() as i32..=high.log10().floor() as i32 + 1;
    let all: Vec<f64> = decades
        .flat_map(|decade| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(decade)))
        .collect();
    // A hair of tolerance: powers of ten are not exact.
    let first = all.iter().rposition(|tick| *tick <= low * (1.0 + 1e-9));
    let last = all.iter().position(|tick| *tick >= high * (1.0 - 1e-9));
    let (first, last) = (first.unwrap_or(0), last.unwrap_or(all.len() - 1));
    // One tick is no axis.
    let last = last.max(first + 1).min(all.len() - 1);
    all[first..=last].to_vec()
}

/// Those of `ticks` that stand at least `gap` from the last that was kept; `at` says where.
pub(crate) fn apart(ticks: &[f64], gap: i32, at: impl Fn(f64) -> i32) -> Vec<f64> {
    let mut kept: Vec<f64> = Vec::new();
    for &tick in ticks {
        if kept
            .last()
            .is_none_or(|last| (at(tick) - at(*last)).abs() >= gap)
        {
            kept.push(tick);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn labels_keep_their_order_their_distance_and_the_frame(
            wanted in prop::collection::vec(0..1_000_i32, 1..9),
        ) {
            let placed = spread(&wanted, 40, 0, 1_000);
            prop_assert!(placed.iter().all(|y| (0..=1_000).contains(y)));
            for (i, a) in placed.iter().enumerate() {
                for (j, b) in placed.iter().enumerate().skip(i + 1) {
                    prop_assert!((a - b).abs() >= 40);
                    prop_assert!(wanted[i] == wanted[j] || (wanted[i] < wanted[j]) == (a < b));
                }
            }
        }
    }

    #[test]
    fn labels_with_room_stay_where_they_belong() {
        assert_eq!(spread(&[500, 100, 300], 40, 0, 1_000), [500, 100, 300]);
    }

    #[test]
    fn logarithmic_axes_hold_their_data_between_round_numbers() {
        assert_eq!(log_ticks(60.0, 450.0), [50.0, 100.0, 200.0, 500.0]);
        assert_eq!(log_ticks(100.0, 100.0), [100.0, 200.0]);
        for (low, high) in [(1.0, 6e10), (0.3, 0.4), (999.0, 1001.0)] {
            let ticks = log_ticks(low, high);
            assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(
                ticks[0] <= low && ticks[ticks.len() - 1] >= high,
                "{ticks:?}"
            );
        }
        for (low, high) in [(f64::INFINITY, 0.0), (0.0, 5.0), (f64::NAN, 1.0)] {
            assert_eq!(log_ticks(low, high), log_ticks(1.0, 10.0));
        }
    }

    #[test]
    fn ticks_that_would_touch_are_left_out() {
        let kept = apart(&[0.0, 10.0, 20.0, 30.0], 20, |tick| tick as i32);
        assert_eq!(kept, [0.0, 20.0]);
    }

    #[test]
    fn axes_end_above_their_data() {
        assert_eq!(ticks(198.0), [0.0, 50.0, 100.0, 150.0, 200.0]);
        assert_eq!(ticks(0.0), [0.0, 1.0]);
        assert_eq!(ticks(1.0 + f64::EPSILON).last(), Some(&1.0));
        assert!(ticks(1.01).last().is_some_and(|end| *end >= 1.01));
    }
}
