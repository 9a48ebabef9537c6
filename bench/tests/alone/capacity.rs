//! Capacities, and loads that are shares of them, through the built program.

use crate::support::{Place, alone, passes, rr, shared};
use serde_json::Value;

/// What `capacity` says of two servers, one of which costs each request so much more; it ends with status 0.
fn of_two(place: &Place, more: &[&str]) -> Value {
    let slow = "slow={echo-server} event-loop --port {port} --workers 1 --work cpu:300us";
    let words = [
        "capacity",
        "event-loop",
        "slow",
        "--with",
        slow,
        "--window",
        "200ms",
        "--json",
    ];
    let output = place.run(&[&words[..], more].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    serde_json::from_slice(&output.stdout).expect("one object")
}

fn value(said: &Value, contender: &str) -> f64 {
    let all = said["capacities"].as_array().expect("capacities");
    let found = all.iter().find(|it| it["contender"] == contender);
    let found = found.unwrap_or_else(|| panic!("no {contender} in {said}"));
    found["value"].as_f64().unwrap_or_else(|| panic!("{found}"))
}

#[test]
fn a_slowed_server_sustains_less_by_its_factor_and_what_broke_is_said() {
    let _alone = alone();
    let place = Place::new();
    // A promise that a neighbour's noise does not break at once.
    let said = of_two(
        &place,
        &["--rounds", "1", "--slo", "p50=20ms", "--out", "out"],
    );
    let (plain, slow) = (value(&said, "event-loop"), value(&said, "slow"));
    // 300 µs a request, as calibrated at the start on a machine that may be busy, is some 3,333 a second at most.
    assert!((600.0..5_000.0).contains(&slow), "{slow}");
    assert!(plain > 3.0 * slow, "{plain} and {slow}");
    let results = record::read_results(&place.path("out")).expect("results");
    let planned = results.run.passes.len();
    assert_eq!(
        results.passes.len(),
        planned,
        "every look is planned and recorded"
    );
    for contender in ["event-loop", "slow"] {
        let first = passes(&results, contender, "closed");
        assert_eq!(first.len(), 1);
        let all = said["capacities"].as_array().expect("capacities");
        let it = all
            .iter()
            .find(|it| it["contender"] == contender)
            .expect(contender);
        // Next to what is sustained stands a rate that is not, and both were looked at twice at least.
        let rung = record::Search::rung(it["value"].as_f64().expect("a number"));
        for rung in [rung, rung + 1] {
            let looks = passes(&results, contender, &record::Search::name(rung));
            assert!(
                (2..=3).contains(&looks.len()),
                "{contender}: {}",
                looks.len()
            );
        }
        assert!(
            it["beyond"]
                .as_str()
                .is_some_and(|why| why.starts_with("at ")),
            "{it}"
        );
        // Beside a busy neighbour it may be the generator that broke, and then that is said.
        let verdict = it["verdict"].as_str().unwrap_or_default();
        assert!(
            ["too-few-rounds", "client-bound"].contains(&verdict),
            "{it}"
        );
    }
    // What it wrote is a results folder like any other, with the hockey stick.
    assert_eq!(place.run(&["report", "out"]).status.code(), Some(0));
    assert!(place.path("out/charts/latency-by-rate.png").is_file());
    let readme = std::fs::read_to_string(place.path("out/README.md")).expect("a page");
    assert!(
        readme.contains("## Capacity") && !readme.contains("## rate-"),
        "{readme}"
    );
    place.assert_nothing_left(&[]);
}

#[test]
fn three_searches_have_an_interval_and_a_terminal_reads_80_columns() {
    let _alone = alone();
    let place = Place::new();
    let slow = "slow={echo-server} event-loop --port {port} --workers 1 --work cpu:300us";
    let words = [
        "capacity", "slow", "--with", slow, "--window", "150ms", "--slo", "p50=20ms",
    ];
    let output = place.run(&[&words[..], &["--connections", "5", "--out", "out"]].concat());
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
    for word in [
        "5 clients",
        "3 whole searches",
        "capacity",
        "slow",
        "what broke beyond it",
    ] {
        assert!(shown.contains(word), "no {word} in {shown}");
    }
    let summary = place.summary();
    let found = &summary.capacities[0];
    let (low, high) = (
        found.low.expect("an interval"),
        found.high.expect("an interval"),
    );
    let value = found.value.expect("a capacity");
    assert!(low <= value && value < high, "{found:?}");
    assert_eq!(found.by_round.len(), 3);
}

#[test]
fn shares_of_capacities_become_rates_of_those_who_serve_all() {
    let _alone = alone();
    let place = Place::new();
    let share = |name: &str, pace: &str| {
        rr(name, 5, "0s", "300ms", 1).replace(
            "measure = \"sliced\"",
            &format!("measure = \"solo\"\npace = {pace}"),
        )
    };
    let head = "[capacity]\nconnections = 5\nrounds = 1\nwindow = \"150ms\"\nslo = \"p50=20ms\"\n";
    let both = share("half", "{ of-slowest = 0.5 }") + &share("own", "{ of-own = 0.5 }");
    let slow = "slow={echo-server} event-loop --port {port} --workers 1 --work cpu:300us";
    let only = ["--only", "^(event-loop|slow|iterative)$", "--with", slow];
    let (output, results) = place.measure(&format!("{head}{both}"), &only);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let capacities = place.summary().capacities;
    let of = |name: &str| {
        capacities
            .iter()
            .find(|it| it.contender == name)
            .expect("searched for")
    };
    assert_eq!(
        (of("iterative").served, of("iterative").connections),
        (1, 5)
    );
    assert_eq!(of("iterative").verdict, "unserved");
    let scenario = |name: &str| {
        let all = results.run.suite.scenarios.iter();
        all.into_iter()
            .find(|it| it.name == name)
            .expect("of the suite")
    };
    let slowest = of("slow").value.expect("a capacity");
    let half = scenario("half").pace.rate_per_s().expect("resolved");
    assert_eq!(half, (0.5 * slowest).round());
    for name in ["event-loop", "slow"] {
        let own = (0.5 * of(name).value.expect("a capacity")).round();
        assert_eq!(scenario("own").rate_per_s(name), Some(own));
        for scenario in ["half", "own"] {
            assert_eq!(passes(&results, name, scenario).len(), 1);
        }
    }
    assert!(
        !results
            .passes
            .iter()
            .any(|it| it.contender == "iterative" && it.scenario == "half")
    );
}

#[test]
fn what_cannot_be_searched_for_is_told() {
    let _shared = shared();
    let place = Place::new();
    let share = rr("half", 5, "0s", "300ms", 1).replace(
        "measure = \"sliced\"",
        "measure = \"solo\"\npace = { of-slowest = 0.5 }",
    );
    let suite = place.suite(&share);
    let suite = suite.to_str().expect("UTF-8");
    for (words, said) in [
        (&["capacity", "event-lop"][..], "try: `event-loop`"),
        (&["capacity", "--slo", "p99"], "p99=10ms"),
        (&["capacity", "--slo", "p100=1ms"], "p99.9"),
        (&["capacity", "--window", "0s"], "nothing to search for"),
        (&["run", suite], "no [capacity] search"),
    ] {
        let output = place.run(words);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
        assert!(stderr.contains(said), "{words:?}: {stderr}");
    }
}
