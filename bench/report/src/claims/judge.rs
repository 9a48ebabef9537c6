//! From figures to a word: where the interval lies to the line, and how many more rounds would tell where it crosses.

use record::{Judged, Tested};

use super::found::{Found, Records};
use super::texts::{Relation, Side, Test};
use crate::comparisons;
use crate::figures;
use crate::format;
use crate::stats::{self, Interval, ROUNDS_MIN};

/// More rounds than this are no advice.
const MOST: f64 = 1_000.0;

/// What a test has come to: the value, its interval, its rounds, and how it lies to the line.
struct Stand {
    value: Option<f64>,
    interval: Option<Interval>,
    rounds: usize,
    judged: Judged,
    more: Option<u32>,
    note: Option<String>,
}

/// One test.
pub(crate) fn tested(records: &Records<'_, '_>, test: &Test) -> Tested {
    let left = records.find(&test.left, test.evidence);
    let right = test
        .right
        .as_ref()
        .map(|side| records.find(side, test.evidence));
    let mut sides = Vec::new();
    let stand = match (left, right) {
        (Ok(left), None) => {
            sides.extend(median(&left));
            weakened(alone(records, test, &left), [left.weak])
        }
        (Ok(left), Some(Ok(right))) => {
            sides.extend(median(&left).into_iter().chain(median(&right)));
            let stand = against(records, test, &left, &right);
            weakened(stand, [left.weak, right.weak])
        }
        (Err((judged, reason)), _) | (_, Some(Err((judged, reason)))) => Stand {
            value: None,
            interval: None,
            rounds: 0,
            judged,
            more: (judged == Judged::Undecided && reason.ends_with("yet"))
                .then_some(ROUNDS_MIN as u32),
            note: Some(reason),
        },
    };
    Tested {
        says: test.says.clone(),
        published: test.published.clone(),
        left: name(&test.left),
        right: test.right.as_ref().map(name),
        relation: test.relation.as_str().to_owned(),
        line: test.line,
        unit: unit(test),
        value: stand.value,
        low: stand.interval.map(|it| it.low),
        high: stand.interval.map(|it| it.high),
        sides,
        rounds: u32::try_from(stand.rounds).unwrap_or(u32::MAX),
        evidence: test.evidence,
        beside: test.beside,
        judged: stand.judged,
        more_rounds: stand.more,
        reason: stand.note,
    }
}

fn name(side: &Side) -> String {
    format!("{}, {}, {}", side.0, side.1, side.2)
}

fn unit(test: &Test) -> String {
    let own = record::metric(&test.left.2).map_or("1", |metric| metric.unit);
    if test.right.is_some() { "1" } else { own }.to_owned()
}

fn median(found: &Found) -> Option<f64> {
    let values: Vec<f64> = found.by_round.iter().map(|(_, value)| *value).collect();
    stats::median(&values)
}

fn weakened<const N: usize>(mut stand: Stand, weak: [Option<String>; N]) -> Stand {
    let mut said: Vec<String> = weak.into_iter().flatten().collect();
    said.dedup();
    said.extend(stand.note.take());
    stand.note = (!said.is_empty()).then(|| said.join("; "));
    stand
}

/// A figure by itself.
fn alone(records: &Records<'_, '_>, test: &Test, left: &Found) -> Stand {
    let values: Vec<f64> = left.by_round.iter().map(|(_, value)| *value).collect();
    if test.evidence {
        return shown(test, &values);
    }
    let seed = stats::seed(records.seed(), &[&test.left.0, &test.left.1, &test.left.2]);
    let interval = stats::median_interval(&values, seed);
    let interval = interval.map(|it| figures::within_reach(&test.left.2, it));
    let value = stats::median(&values);
    let stand = Stand {
        value,
        interval,
        rounds: values.len(),
        judged: lies(interval, test.relation, test.line),
        more: None,
        note: None,
    };
    with_advice(
        stand,
        value
            .zip(interval)
            .map(|(value, it)| distance(value, it, test.line)),
    )
}

/// What the kernel showed in each round.
fn shown(test: &Test, values: &[f64]) -> Stand {
    let held = values
        .iter()
        .filter(|it| test.relation.holds(**it, test.line))
        .count();
    let (judged, note) = match held {
        _ if values.is_empty() => (Judged::NotJudged, Some("no round shows it".to_owned())),
        all if all == values.len() => (Judged::Holds, None),
        0 => (Judged::Refuted, None),
        some => {
            let all = format::plural(values.len(), "round");
            (
                Judged::Undecided,
                Some(format!("only {some} of {all} show it")),
            )
        }
    };
    Stand {
        value: stats::median(values),
        interval: None,
        rounds: values.len(),
        judged,
        more: None,
        note,
    }
}

/// A ratio; where a side is within its noise of nothing there is none, and left − line × right is judged instead.
fn against(records: &Records<'_, '_>, test: &Test, left: &Found, right: &Found) -> Stand {
    let both: Vec<(f64, f64)> = left
        .by_round
        .iter()
        .filter_map(|(round, a)| {
            let (_, b) = right.by_round.iter().find(|(other, _)| other == round)?;
            Some((*a, *b))
        })
        .collect();
    let other = test.right.as_ref().map_or("", |side| side.0.as_str());
    let seed = stats::seed(
        records.seed(),
        &[&test.left.0, other, &test.left.1, &test.left.2],
    );
    let logarithms = test
        .right
        .as_ref()
        .and_then(|side| records.logarithms(&test.left, side, &both));
    let resolution = comparisons::resolution(&test.left.2);
    match logarithms.and_then(|it| stats::ratio(&it, resolution, seed)) {
        Some(ratio) => {
            let distance = ratio.interval.map(|it| {
                let logarithm = Interval {
                    low: it.low.ln(),
                    high: it.high.ln(),
                };
                distance(ratio.value.ln(), logarithm, test.line.ln())
            });
            let stand = Stand {
                value: Some(ratio.value),
                interval: ratio.interval,
                rounds: ratio.rounds,
                judged: lies(ratio.interval, test.relation, test.line),
                more: None,
                note: None,
            };
            with_advice(stand, distance)
        }
        None => by_difference(test, &both, seed),
    }
}

fn by_difference(test: &Test, both: &[(f64, f64)], seed: u64) -> Stand {
    let beyond: Vec<f64> = both.iter().map(|(a, b)| a - test.line * b).collect();
    let interval = stats::median_interval(&beyond, seed);
    let of =
        |side: fn(&(f64, f64)) -> f64| stats::median(&both.iter().map(side).collect::<Vec<f64>>());
    let ratio = of(|it| it.0).zip(of(|it| it.1)).filter(|(_, b)| *b > 0.0);
    let stand = Stand {
        value: ratio.map(|(a, b)| a / b),
        interval: None,
        rounds: both.len(),
        judged: lies(interval, test.relation, 0.0),
        more: None,
        note: Some(match both.is_empty() {
            true => "no round has both figures".to_owned(),
            false => "a side is within its noise of nothing, so that a ratio has no interval; judged by the difference".to_owned(),
        }),
    };
    let value = stats::median(&beyond);
    with_advice(
        stand,
        value
            .zip(interval)
            .map(|(value, it)| distance(value, it, 0.0)),
    )
}

/// On which side of the line.
fn lies(interval: Option<Interval>, relation: Relation, line: f64) -> Judged {
    let Some(Interval { low, high }) = interval else {
        return Judged::Undecided;
    };
    let ends = [low, high].map(|end| relation.holds(end, line));
    match ends {
        [true, true] => Judged::Holds,
        [false, false] if relation != Relation::Equals => Judged::Refuted,
        _ => Judged::Undecided,
    }
}

/// How far the line is, in halves of the interval on its side.
fn distance(value: f64, interval: Interval, line: f64) -> f64 {
    let half = if line > value {
        interval.high - value
    } else {
        value - interval.low
    };
    (value - line).abs() / half.max(f64::MIN_POSITIVE)
}

/// An interval shrinks with the root of its rounds.
fn with_advice(mut stand: Stand, halves: Option<f64>) -> Stand {
    if stand.judged != Judged::Undecided {
        return stand;
    }
    let rounds = stand.rounds as f64;
    match halves {
        None => {
            let missing = ROUNDS_MIN.saturating_sub(stand.rounds);
            stand.more = u32::try_from(missing).ok().filter(|it| *it > 0);
        }
        Some(halves) => {
            // Not a round more for what the last digit of a quotient says.
            let more = (rounds / (halves * halves) - rounds - 1e-6).ceil().max(1.0);
            if more <= MOST {
                stand.more = Some(more as u32);
            } else {
                let said = "it lies on the line: no number of rounds that anybody would wait for decides it";
                stand.note = Some(match stand.note.take() {
                    Some(note) => format!("{note}; {said}"),
                    None => said.to_owned(),
                });
            }
        }
    }
    stand
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(low: f64, high: f64) -> Option<Interval> {
        Some(Interval { low, high })
    }

    #[test]
    fn an_interval_holds_refutes_or_crosses() {
        let at_least = |it| lies(it, Relation::AtLeast, 2.0);
        assert_eq!(at_least(interval(2.0, 3.0)), Judged::Holds);
        assert_eq!(at_least(interval(1.2, 1.9)), Judged::Refuted);
        assert_eq!(at_least(interval(1.9, 2.1)), Judged::Undecided);
        assert_eq!(at_least(None), Judged::Undecided);
        assert_eq!(
            lies(interval(1.9, 2.1), Relation::LessThan, 2.0),
            Judged::Undecided
        );
        assert_eq!(
            lies(interval(1.2, 1.9), Relation::LessThan, 2.0),
            Judged::Holds
        );
        assert_eq!(
            lies(interval(2.0, 2.5), Relation::LessThan, 2.0),
            Judged::Refuted
        );
        assert_eq!(
            lies(interval(1.01, 1.2), Relation::MoreThan, 1.0),
            Judged::Holds
        );
        assert_eq!(
            lies(interval(0.9, 1.0), Relation::MoreThan, 1.0),
            Judged::Refuted
        );
    }

    fn stand(judged: Judged, rounds: usize) -> Stand {
        Stand {
            value: Some(1.8),
            interval: interval(1.4, 2.2),
            rounds,
            judged,
            more: None,
            note: None,
        }
    }

    #[test]
    fn the_undecided_are_told_how_many_more_rounds() {
        // Half of the half-width away: four times the rounds.
        let half = distance(
            1.8,
            Interval {
                low: 1.4,
                high: 2.2,
            },
            2.0,
        );
        assert!((half - 0.5).abs() < 1e-9);
        let more = |halves, rounds| with_advice(stand(Judged::Undecided, rounds), halves);
        assert_eq!(more(Some(half), 5).more, Some(15));
        assert_eq!(more(None, 1).more, Some(2));
        let hopeless = more(Some(1e-6), 5);
        assert!(
            hopeless.more.is_none() && hopeless.note.is_some_and(|it| it.contains("on the line"))
        );
        assert_eq!(with_advice(stand(Judged::Holds, 5), Some(0.5)).more, None);
    }
}
