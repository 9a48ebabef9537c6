//! What a prediction is worth, from the records. Figures and ratios are those of the claims (`claims::judge`): what was
//! measured has an interval, and two that it does not tell apart are no question.
//!
//! An order is worth the share of its pairs that are foretold rightly, of those that the run tells apart by more than the
//! 3 % within which all pages call two equal. A number is worth 1 within a quarter of the interval, nothing from the
//! fivefold on, and between these by its logarithm: who says 2 of 4 is as right as who says 8.

use record::{ANSWERS_SCHEMA, Answers, Judged, Prediction, Results, Scored, Taken, Tested};

use record::lesson::Shown;

use super::texts::{Ask, Figures, Kind, Lesson, lesson};
use crate::cells::Cell;
use crate::claims::found::Records;
use crate::claims::judge;
use crate::claims::texts::{Relation, Side, Test};
use crate::comparisons::EQUAL;

/// Off by this factor or less is right.
const RIGHT: f64 = 1.25;
/// Off by this factor or more is wrong.
const WRONG: f64 = 5.0;

/// What became of a run's predictions, if it was a lesson.
pub(crate) fn answers(results: &Results, cells: &[Cell<'_>]) -> Option<Answers> {
    let taken = results.run.lesson.as_ref()?;
    let lesson = lesson(taken.lesson)?;
    let records = Records::new(results, cells);
    let asks = lesson.asks.iter();
    Some(Answers {
        schema: ANSWERS_SCHEMA.to_owned(),
        lesson: taken.lesson,
        student: taken.student.clone(),
        started: results.run.started.clone(),
        asked: asks.map(|ask| scored(&records, ask, taken)).collect(),
    })
}

/// What is wrong with predictions of a lesson: one that nothing was asked for, one that is missing, one of another kind.
///
/// # Errors
/// As a sentence.
pub fn check(lesson: &Lesson, taken: &Taken) -> Result<(), String> {
    let names: Vec<&str> = lesson.asks.iter().map(|it| it.name.as_str()).collect();
    if let Some(stranger) = taken
        .predictions
        .keys()
        .find(|it| !names.contains(&it.as_str()))
    {
        let known = names.join(", ");
        return Err(format!(
            "lesson {} does not ask for `{stranger}`: it asks for {known}",
            lesson.number
        ));
    }
    for ask in &lesson.asks {
        let name = &ask.name;
        let predicted = taken.predictions.get(name);
        let predicted = predicted.ok_or(format!(
            "lesson {}: `{name}` is not predicted",
            lesson.number
        ))?;
        let wrong = |what: String| Err(format!("lesson {}, `{name}`: {what}", lesson.number));
        match (ask.kind(), predicted) {
            (Kind::Order(who), Prediction::Order(order)) => {
                let mut sorted = order.clone();
                sorted.sort();
                if sorted != who {
                    return wrong(format!("an order names each once of {}", who.join(", ")));
                }
            }
            (Kind::Number | Kind::Factor, Prediction::Number(number)) => {
                if !number.is_finite() || *number < 0.0 {
                    return wrong(format!("{number} is no number from 0 on"));
                }
            }
            (Kind::Order(who), _) => {
                return wrong(format!("it takes an order of {}", who.join(", ")));
            }
            (_, Prediction::Order(_)) => return wrong("it takes a number".to_owned()),
        }
    }
    Ok(())
}

fn scored(records: &Records<'_, '_>, ask: &Ask, taken: &Taken) -> Scored {
    let predicted = taken.predictions.get(&ask.name).cloned();
    let mut scored = Scored {
        ask: ask.name.clone(),
        metric: ask.metric().to_owned(),
        predicted,
        measured: Vec::new(),
        pairs_right: None,
        pairs: None,
        score: None,
        reason: None,
    };
    match ask.figures() {
        Some(Figures::Order(who, under, metric)) => {
            let sides: Vec<Side> = who
                .iter()
                .map(|who| Side(who.clone(), under.to_owned(), metric.to_owned()))
                .collect();
            order(records, ask, &sides, &mut scored);
        }
        Some(Figures::Number(left, right)) => number(records, ask, left, right, &mut scored),
        None => scored.reason = Some("it asks for nothing".to_owned()),
    }
    scored
}

fn tested(records: &Records<'_, '_>, ask: &Ask, left: &Side, right: Option<&Side>) -> Tested {
    let test = Test {
        says: ask.name.clone(),
        chinese: String::new(),
        left: left.clone(),
        right: right.cloned(),
        relation: Relation::MoreThan,
        line: 1.0,
        evidence: ask.evidence,
        beside: false,
        published: None,
    };
    judge::tested(records, &test)
}

fn shown(name: String, tested: &Tested) -> Shown {
    Shown {
        name,
        value: tested.value,
        low: tested.low,
        high: tested.high,
        reason: tested.reason.clone(),
    }
}

fn number(
    records: &Records<'_, '_>,
    ask: &Ask,
    left: &Side,
    right: Option<&Side>,
    scored: &mut Scored,
) {
    let tested = tested(records, ask, left, right);
    let name = match right {
        // What differs between the two is what the reader has to see.
        Some(right) if right.0 == left.0 => format!("{} / {}", left.1, right.1),
        Some(right) => format!("{} / {}", left.0, right.0),
        None => left.0.clone(),
    };
    scored.measured = vec![shown(name, &tested)];
    match (&scored.predicted, tested.value) {
        (Some(Prediction::Number(predicted)), Some(value)) => {
            scored.score = Some(worth(*predicted, value, tested.low.zip(tested.high)));
        }
        (_, None) => scored.reason = tested.reason,
        _ => scored.reason = Some("nothing was predicted".to_owned()),
    }
}

/// What a number is worth.
fn worth(predicted: f64, value: f64, interval: Option<(f64, f64)>) -> f64 {
    let nearest = interval.map_or(value, |(low, high)| {
        predicted.clamp(low.min(high), high.max(low))
    });
    if predicted == nearest {
        return 1.0;
    }
    // Of nothing there is no multiple.
    if predicted <= 0.0 || nearest <= 0.0 {
        return 0.0;
    }
    let off = (predicted / nearest).max(nearest / predicted);
    (1.0 - (off / RIGHT).ln() / (WRONG / RIGHT).ln()).clamp(0.0, 1.0)
}

fn order(records: &Records<'_, '_>, ask: &Ask, sides: &[Side], scored: &mut Scored) {
    let mut all: Vec<Shown> = sides
        .iter()
        .map(|side| shown(side.0.clone(), &tested(records, ask, side, None)))
        .collect();
    // Whoever has no figure comes last.
    all.sort_by(|a, b| {
        let figure = |it: &Shown| it.value.unwrap_or(f64::NEG_INFINITY);
        figure(b).total_cmp(&figure(a))
    });
    scored.measured = all;
    let Some(Prediction::Order(predicted)) = &scored.predicted else {
        scored.reason = Some("nothing was predicted".to_owned());
        return;
    };
    let place = |side: &Side| predicted.iter().position(|it| *it == side.0);
    let (mut right, mut pairs) = (0, 0);
    for (index, a) in sides.iter().enumerate() {
        for b in &sides[index + 1..] {
            let Some(more) = more(&tested(records, ask, a, Some(b))) else {
                continue;
            };
            pairs += 1;
            right += u32::from(place(a).zip(place(b)).is_some_and(|(a, b)| (a < b) == more));
        }
    }
    (scored.pairs_right, scored.pairs) = (Some(right), Some(pairs));
    match pairs {
        0 => scored.reason = Some(indistinct(&scored.measured)),
        pairs => scored.score = Some(f64::from(right) / f64::from(pairs)),
    }
}

/// Whether left is more than right, where this run tells them apart.
fn more(pair: &Tested) -> Option<bool> {
    let apart = (pair.value? - 1.0).abs() >= EQUAL;
    match pair.judged {
        Judged::Holds if apart => Some(true),
        Judged::Refuted if apart => Some(false),
        _ => None,
    }
}

/// Why no pair counts.
fn indistinct(measured: &[Shown]) -> String {
    let figures = measured.iter().filter(|it| it.value.is_some()).count();
    let intervals = measured.iter().filter(|it| it.low.is_some()).count();
    match (figures, intervals) {
        (0 | 1, _) => {
            let reason = measured.iter().find_map(|it| it.reason.clone());
            reason.unwrap_or_else(|| "nothing was measured".to_owned())
        }
        (_, 0) => "too few rounds to tell any two of them apart".to_owned(),
        _ => "this run does not tell any two of them apart".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::fixture;

    /// The invented quick run as lesson 7 without its second scenario, so predicted.
    fn taken(order: [&str; 4]) -> Results {
        let mut results = fixture::results();
        for scenario in &mut results.run.suite.scenarios {
            if scenario.name == "rr-50" {
                scenario.name = "rr-100".to_owned();
            }
        }
        results
            .passes
            .iter_mut()
            .filter(|it| it.scenario == "rr-50")
            .for_each(|it| it.scenario = "rr-100".to_owned());
        results
            .run
            .passes
            .iter_mut()
            .filter(|it| it.scenario == "rr-50")
            .for_each(|it| it.scenario = "rr-100".to_owned());
        let order = Prediction::Order(order.map(str::to_owned).to_vec());
        let waiting = ["event-loop", "thread-per-connection", "event-offload"];
        results.run.lesson = Some(Taken {
            lesson: 7,
            student: Some("Li Wei".to_owned()),
            predictions: BTreeMap::from([
                ("answers".to_owned(), order),
                (
                    "waiting".to_owned(),
                    Prediction::Order(waiting.map(str::to_owned).to_vec()),
                ),
                ("factor".to_owned(), Prediction::Number(10.0)),
            ]),
        });
        results
    }

    fn of(results: &Results) -> Answers {
        crate::summarise(results).lesson.expect("a lesson")
    }

    #[test]
    fn an_order_is_worth_the_pairs_that_it_foretells() {
        let best = [
            "event-loop",
            "thread-pool",
            "thread-per-connection",
            "fork-per-connection",
        ];
        let answers = of(&taken(best));
        let order = &answers.asked[0];
        let measured: Vec<&str> = order.measured.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(
            (measured[0], measured[3]),
            ("event-loop", "fork-per-connection")
        );
        // The pool and threads were invented within a hundredth of each other: that pair is no question.
        assert_eq!(
            (order.pairs_right, order.pairs),
            (Some(5), Some(5)),
            "{order:#?}"
        );
        assert_eq!(order.score, Some(1.0));
        let mut worst = best;
        worst.reverse();
        let order = &of(&taken(worst)).asked[0];
        assert_eq!((order.pairs_right, order.score), (Some(0), Some(0.0)));
        let half = [
            "thread-per-connection",
            "event-loop",
            "thread-pool",
            "fork-per-connection",
        ];
        let order = &of(&taken(half)).asked[0];
        assert_eq!((order.pairs_right, order.score), (Some(4), Some(0.8)));
    }

    #[test]
    fn what_was_not_measured_has_no_score_but_a_reason() {
        let answers = of(&taken([
            "event-loop",
            "thread-pool",
            "thread-per-connection",
            "fork-per-connection",
        ]));
        for unmeasured in &answers.asked[1..] {
            assert_eq!(unmeasured.score, None);
            let reason = unmeasured.reason.as_ref().expect("a reason");
            assert!(reason.contains("no part of this run"), "{reason}");
        }
        assert_eq!(
            answers.score(),
            Some(1.0),
            "what has no score is in no mean"
        );
        let mut few = taken([
            "event-loop",
            "thread-pool",
            "thread-per-connection",
            "fork-per-connection",
        ]);
        few.passes.retain(|pass| pass.round == 1);
        let order = &of(&few).asked[0];
        assert_eq!((order.score, order.pairs), (None, Some(0)));
        assert!(
            order
                .reason
                .as_ref()
                .is_some_and(|it| it.contains("too few rounds")),
            "{order:?}"
        );
    }

    #[test]
    fn a_number_is_worth_less_the_further_it_is_off() {
        let interval = Some((9.0, 11.0));
        assert_eq!(worth(10.4, 10.0, interval), 1.0);
        assert_eq!(worth(8.0, 10.0, interval), 1.0);
        assert!((worth(11.0 * 2.5, 10.0, interval) - 0.5).abs() < 1e-9);
        assert!((worth(9.0 / 2.5, 10.0, interval) - 0.5).abs() < 1e-9);
        assert_eq!(
            (worth(55.0, 10.0, interval), worth(1e9, 10.0, None)),
            (0.0, 0.0)
        );
        assert_eq!(
            (
                worth(0.0, 0.0, None),
                worth(1.0, 0.0, None),
                worth(0.0, 9.0, None)
            ),
            (1.0, 0.0, 0.0)
        );
    }

    #[test]
    fn predictions_that_cannot_be_meant_are_told_by_name() {
        let good = taken([
            "event-loop",
            "thread-pool",
            "thread-per-connection",
            "fork-per-connection",
        ]);
        let good = good.run.lesson.expect("taken");
        let seven = lesson(7).expect("a lesson");
        assert_eq!(check(seven, &good), Ok(()));
        let spoilt = |name: &str, prediction: Option<Prediction>| {
            let mut taken = good.clone();
            match prediction {
                Some(prediction) => drop(taken.predictions.insert(name.to_owned(), prediction)),
                None => drop(taken.predictions.remove(name)),
            }
            check(seven, &taken).expect_err("cannot be meant")
        };
        let twice = Prediction::Order(vec!["event-loop".to_owned(); 4]);
        assert!(spoilt("answers", Some(twice)).contains("names each once"));
        assert!(spoilt("answers", Some(Prediction::Number(3.0))).contains("an order of"));
        assert!(spoilt("factor", Some(Prediction::Number(f64::NAN))).contains("from 0 on"));
        assert!(spoilt("factor", Some(Prediction::Order(Vec::new()))).contains("a number"));
        assert!(spoilt("factor", None).contains("`factor` is not predicted"));
        assert!(
            spoilt("facter", Some(Prediction::Number(1.0)))
                .contains("it asks for answers, waiting, factor")
        );
    }
}
