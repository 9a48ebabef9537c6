//! A control variate: what disturbed a round, seen by somebody who stood beside it, taken out of the round's figure
//! (Lavenberg & Welch, Management Science 27(3), 1981).
//!
//! It pays with one degree of freedom, and with the trust that the control is 0 on average whoever is compared. It
//! ends where rounds are fewer than six: a slope through five costs more than it saves.

/// Fewer rounds are left as they are.
const CONTROLLED_FROM: usize = 6;

/// `values`, one a round, less what follows from `controls` by the least-squares line through both. Their mean is the
/// line's value at 0; their spread about it is widened, so that the mean's error is that of the line there: a round is
/// paid for the slope, and more where the controls' own mean lies far from 0.
pub(crate) fn controlled(values: &[f64], controls: &[f64]) -> Vec<f64> {
    let rounds = values.len() as f64;
    let mean = |of: &[f64]| of.iter().sum::<f64>() / rounds;
    let (middle, centre) = (mean(values), mean(controls));
    let xx: f64 = controls.iter().map(|x| (x - centre).powi(2)).sum();
    let both = values.iter().zip(controls);
    let xy: f64 = both.clone().map(|(y, x)| (x - centre) * (y - middle)).sum();
    let slope = xy / xx;
    if values.len() < CONTROLLED_FROM || !slope.is_finite() {
        return values.to_vec();
    }
    let at_zero = middle - slope * centre;
    let freedom = (rounds - 1.0) / (rounds - 2.0);
    let widened = (freedom * (1.0 + rounds * centre.powi(2) / xx)).sqrt();
    both.map(|(y, x)| at_zero + widened * (y - slope * x - at_zero))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::simulated::Noise;
    use super::super::student::Student;
    use super::*;

    /// How often the interval holds 0, the truth, and how wide it is as a rule against that of the values as they are;
    /// `share` is what the control sees of a round's disturbance.
    fn of_runs(rounds: usize, share: f64) -> (f64, f64) {
        let (mut noise, mut held, mut widths) = (Noise::new(rounds as u64), 0, Vec::new());
        for _ in 0..2_000 {
            let controls: Vec<f64> = (0..rounds).map(|_| noise.heavy()).collect();
            let rest = (1.0 - share * share).sqrt();
            let values: Vec<f64> = controls
                .iter()
                .map(|x| share * x + rest * noise.heavy())
                .collect();
            let width = |of: &[f64]| {
                let interval = Student::of(of).expect("rounds enough").interval();
                (
                    interval.low <= 0.0 && 0.0 <= interval.high,
                    interval.high - interval.low,
                )
            };
            let (holds, wide) = width(&controlled(&values, &controls));
            held += usize::from(holds);
            widths.push(wide / width(&values).1);
        }
        widths.sort_by(f64::total_cmp);
        (held as f64 / 2_000.0, widths[1_000])
    }

    #[test]
    fn intervals_hold_the_truth_as_often_and_are_narrower_where_the_control_sees_something() {
        for rounds in [6, 9, 13, 30] {
            for share in [0.0, 0.5, 0.9] {
                let (held, width) = of_runs(rounds, share);
                assert!((0.93..=0.975).contains(&held), "{rounds}, {share}: {held}");
                assert!(
                    width < 1.0 + 0.8 / rounds as f64,
                    "{rounds}, {share}: {width}"
                );
                assert!(share < 0.9 || width < 0.6, "{rounds}, {share}: {width}");
            }
        }
    }

    #[test]
    fn the_mean_is_the_line_at_0() {
        let controls = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let values = controls.map(|x| 0.5 + 2.0 * x);
        for found in controlled(&values, &controls) {
            assert!((found - 0.5).abs() < 1e-12);
        }
    }

    #[test]
    fn few_rounds_and_a_control_that_never_moves_change_nothing() {
        let five = [1.0, 5.0, 2.0, 4.0, 3.0];
        assert_eq!(controlled(&five, &[1.0, 2.0, 3.0, 4.0, 5.0]), five);
        let six = [1.0, 5.0, 2.0, 4.0, 3.0, 6.0];
        assert_eq!(controlled(&six, &[0.5; 6]), six);
    }
}
