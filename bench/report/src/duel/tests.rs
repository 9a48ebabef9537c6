//! A duel's words and its size; `cargo test -p report duel -- --nocapture` shows it.

use super::*;
use crate::fixture;

/// rr-50 alone, after `change` was done to its pairs.
fn shown(names: &[&str], change: impl Fn(&mut Comparison)) -> String {
    let mut results = fixture::results();
    results.run.suite.scenarios.retain(|it| it.name == "rr-50");
    results
        .run
        .entrants
        .retain(|it| names.contains(&it.name.as_str()));
    results
        .passes
        .retain(|it| names.contains(&it.contender.as_str()));
    let mut pairs = crate::pairs(&results);
    pairs
        .iter_mut()
        .filter(|it| it.metric == THROUGHPUT)
        .for_each(change);
    let text = duel(&results, &pairs, 80);
    println!("{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    text
}

/// The text as one line.
fn said_of(ratio: f64, low: f64, high: f64, p: f64, answer: Answer) -> String {
    let text = shown(&["event-loop", "prefork"], |pair| {
        (pair.ratio, pair.low, pair.high) = (ratio, Some(low), Some(high));
        (pair.p, pair.answer) = (Some(p), answer);
    });
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_duel_says_who_is_ahead_and_how_sure_that_is() {
    let ahead = said_of(0.9606, 0.957, 0.964, 1e-6, Answer::Behind);
    for words in [
        "5 rounds, one server core",
        "event-loop is ahead of prefork by 4.1 % (3.7 to 4.5 %), on one server core",
        "CPU per request service p50 service p99",
        "├──●─┤",
    ] {
        assert!(
            ahead.contains(words) || words == "50 connections",
            "{words}: {ahead}"
        );
    }
    let equal = said_of(1.003, 0.999, 1.007, 0.2, Answer::Equal);
    assert!(
        equal.contains(
            "prefork and event-loop are equal for practical purposes: 0.3 % (−0.1 to 0.7 %) apart"
        ),
        "{equal}"
    );
    let real = said_of(1.010, 1.007, 1.013, 1e-4, Answer::Equal);
    assert!(
        real.contains("prefork serves 1.0 % (0.7 to 1.3 %) more than event-loop"),
        "{real}"
    );
    assert!(real.contains("real, yet within the 3 %"), "{real}");
}

#[test]
fn an_undecided_duel_says_what_to_type() {
    let wide = said_of(1.02, 0.99, 1.05, 0.3, Answer::Undecided);
    assert!(wide.contains(
        "undecided between prefork and event-loop: 2.0 % (−1.0 to 5.0 %) apart; to tell"
    ));
    assert!(
        wide.contains("--budget") && wide.contains("--precision"),
        "{wide}"
    );
    let chance = said_of(1.05, 1.01, 1.09, 0.12, Answer::Undecided);
    assert!(chance.contains("in 12 % of runs"), "{chance}");
    let few = shown(&["event-loop", "prefork"], |pair| {
        (pair.low, pair.high, pair.p, pair.rounds) = (None, None, None, 2);
        pair.answer = Answer::Undecided;
    });
    assert!(
        few.contains("too few rounds to tell event-loop from prefork (2 rounds); give it"),
        "{few}"
    );
}

#[test]
fn many_contenders_and_long_names_keep_the_size() {
    let names = [
        "event-loop",
        "event-tokio",
        "thread-per-connection",
        "python-asyncio-streams",
        "iterative",
    ];
    let text = shown(&names, |_| ());
    assert!(
        text.contains("left out: iterative, unserved: 1 of 50 served"),
        "{text}"
    );
    assert!(text.contains("event-loop / event-tokio"), "{text}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let double = "event-loop is ahead: it serves 2.01 times (2.00 to 2.02) as much as python-asyncio-streams";
    assert!(words.contains(double), "{text}");
}

#[test]
fn a_pair_that_cannot_be_compared_stands_there_with_its_reason() {
    let names = ["event-loop", "prefork", "iterative"];
    let mut results = fixture::results();
    results.run.suite.scenarios.retain(|it| it.name == "rr-50");
    let entrants = &mut results.run.entrants;
    entrants.retain(|it| names.contains(&it.name.as_str()));
    let passes = &mut results.passes;
    passes.retain(|it| names.contains(&it.contender.as_str()));
    let told = duel_pairs(&results, &crate::pairs(&results));
    // Three pairs by four metrics, whatever became of them.
    assert_eq!(told.len(), 3 * PAIRED.len());
    for it in &told {
        let with_iterative = it.a == "iterative" || it.b == "iterative";
        assert_eq!(it.ratio.is_none(), with_iterative, "{it:?}");
        assert_eq!(it.answer.is_none(), with_iterative, "{it:?}");
        let reason = it.reason.as_deref().unwrap_or_default();
        assert_eq!(
            reason.starts_with("iterative, unserved: 1 of 50 served"),
            with_iterative,
            "{it:?}"
        );
    }
    let json = serde_json::to_value(&told).expect("plain data");
    let without = json.as_array().expect("pairs").iter();
    let mut without = without.filter(|it| it["b"] == "iterative");
    assert!(without.all(|it| it["ratio"].is_null() && it["reason"].is_string()));

    results.run.entrants.retain(|it| it.name != "prefork");
    results.passes.retain(|it| it.contender != "prefork");
    let text = duel(&results, &crate::pairs(&results), 80);
    assert!(text.contains("Nobody can be compared."), "{text}");
    assert!(text.contains("left out: iterative, unserved"), "{text}");
}

#[test]
fn a_metric_without_a_ratio_says_why() {
    let mut results = fixture::results();
    results.run.suite.scenarios.retain(|it| it.name == "rr-50");
    let is_one = |name: &str| ["event-loop", "prefork"].contains(&name);
    results.run.entrants.retain(|it| is_one(&it.name));
    results.passes.retain(|it| is_one(&it.contender));
    let of_prefork = results.passes.iter_mut();
    for pass in of_prefork.filter(|it| it.contender == "prefork") {
        pass.usage.after = None;
    }
    let text = duel(&results, &crate::pairs(&results), 80);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("left out of CPU per request: prefork: usage was not read"),
        "{text}"
    );
    assert!(!words.contains("Nobody can be compared"), "{text}");
}
