//! Answers: of intervals and p, of pairs among many, of equal contenders.

use super::*;
use crate::stats::simulated::Noise;
use crate::{cells, fixture};

fn pair(name: &str, logarithms: &[f64]) -> Comparison {
    let ratio = stats::ratio(logarithms, 0.0, 1).expect("rounds");
    Comparison {
        a: name.to_owned(),
        b: "base".to_owned(),
        scenario: "rr-50".to_owned(),
        metric: THROUGHPUT.to_owned(),
        ratio: ratio.value,
        low: ratio.interval.map(|it| it.low),
        high: ratio.interval.map(|it| it.high),
        rounds: logarithms.len() as u32,
        p: ratio.p,
        answer: Answer::Undecided,
    }
}

#[test]
fn answers_follow_from_interval_and_p() {
    let of = |low, high, p| {
        answer(&Comparison {
            low: Some(low),
            high: Some(high),
            p: Some(p),
            ..pair("a", &[0.0])
        })
    };
    assert_eq!(of(0.98, 1.02, 0.5), Answer::Equal);
    assert_eq!(of(1.01, 1.02, 0.01), Answer::Equal);
    assert_eq!(of(1.01, 1.20, 0.01), Answer::Ahead);
    assert_eq!(of(1.01, 1.20, 0.06), Answer::Undecided);
    assert_eq!(of(0.50, 0.99, 0.05), Answer::Behind);
    assert_eq!(of(0.50, 0.99, 0.051), Answer::Undecided);
    assert_eq!(of(0.90, 1.20, 0.01), Answer::Undecided);
    assert_eq!(
        answer(&pair("a", &[0.5, 0.5])),
        Answer::Undecided,
        "two rounds"
    );
}

#[test]
fn a_difference_among_many_pairs_has_to_be_clearer_than_one_alone() {
    let clear = [0.10, 0.06, 0.12, 0.05, 0.09];
    let alone = judged(vec![pair("a", &clear)]);
    assert_eq!(alone[0].answer, Answer::Ahead);
    let p = alone[0].p.expect("five rounds");
    let noise = [0.10, -0.09, 0.12, -0.11, 0.01];
    let mut many = vec![pair("a", &clear), pair("too few", &[0.1, 0.1])];
    many.extend((0..44).map(|_| pair("noise", &noise)));
    let many = judged(many);
    assert!((many[0].p.expect("five rounds") - (45.0 * p).min(1.0)).abs() < 1e-12);
    assert_eq!((many[0].answer, many[1].p), (Answer::Undecided, None));
}

#[test]
fn pairing_by_round_removes_what_the_machine_did_to_both() {
    let mut results = fixture::results();
    let throughput = |results: &Results| {
        let pairs = compared_pairs(&cells::cells(results), &results.run);
        find(&pairs, "prefork", "event-loop", "rr-50", THROUGHPUT).expect("both valid")
    };
    let steady = throughput(&results);
    for pass in &mut results.passes {
        // A machine that slows down by 2 % from round to round, for everybody alike.
        for slice in &mut pass.slices {
            slice.length_ns += slice.length_ns / 50 * u64::from(pass.round);
        }
    }
    let drifting = throughput(&results);
    assert!((steady.ratio - drifting.ratio).abs() < 1e-9);
    assert!((steady.low.expect("five rounds") - drifting.low.expect("five rounds")).abs() < 1e-9);
}

#[test]
fn a_turned_pair_says_the_same() {
    let results = fixture::results();
    let pairs = pairs(&results);
    let one = find(&pairs, "event-loop", "prefork", "rr-50", THROUGHPUT).expect("valid");
    let other = find(&pairs, "prefork", "event-loop", "rr-50", THROUGHPUT).expect("valid");
    assert_eq!((one.answer, other.answer), (Answer::Ahead, Answer::Behind));
    assert!((one.ratio * other.ratio - 1.0).abs() < 1e-12 && one.p == other.p);
    assert!(other.low < Some(other.ratio) && Some(other.ratio) < other.high);
}

#[test]
fn equal_contenders_are_told_apart_in_less_than_one_run_of_twenty() {
    // Ten servers of which none is faster, on a machine on which ± 3 % is hard to reach.
    for rounds in [5, 15] {
        let mut noise = Noise::new(rounds as u64);
        let wrong = (0..400).filter(|_| {
            let mut rate = || {
                (0..rounds)
                    .map(|_| 0.1 * noise.heavy())
                    .collect::<Vec<f64>>()
            };
            let rates: Vec<Vec<f64>> = (0..10).map(|_| rate()).collect();
            let mut family = Vec::new();
            for (index, a) in rates.iter().enumerate() {
                for b in &rates[index + 1..] {
                    let ratios: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
                    family.push(pair("a", &ratios));
                }
            }
            let apart = [Answer::Ahead, Answer::Behind];
            judged(family).iter().any(|it| apart.contains(&it.answer))
        });
        let share = wrong.count() as f64 / 400.0;
        assert!(share <= 0.05, "{rounds} rounds: {share}");
    }
}

#[test]
fn rounds_that_disagree_still_pair_by_what_both_had_in_turns_and_by_nothing_else() {
    let results = fixture::results();
    let mut cells = cells::cells(&results);
    let cell = cells
        .iter_mut()
        .find(|it| it.contender == "prefork" && it.scenario.name == "rr-50");
    let cell = cell.expect("a cell");
    cell.verdict.word = doubts::UNSTABLE.to_owned();
    assert!(is_comparable(cell, THROUGHPUT));
    assert!(is_comparable(cell, "cpu_us_per_request"));
    assert!(!is_comparable(cell, "service_ns_p99"));
    cell.verdict.word = "host-noisy".to_owned();
    assert!(SHARED.iter().all(|metric| !is_comparable(cell, metric)));
}
