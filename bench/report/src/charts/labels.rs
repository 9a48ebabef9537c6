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
    let count = (most / step).ceil() as usize;
    (0..=count.max(1))
        .map(|index| index as f64 * step)
        .collect()
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
    fn axes_end_above_their_data() {
        assert_eq!(ticks(198.0), [0.0, 50.0, 100.0, 150.0, 200.0]);
        assert_eq!(ticks(0.0), [0.0, 1.0]);
        assert!(ticks(1.01).last().is_some_and(|end| *end >= 1.01));
    }
}
