//! Duels, precision, the control and --strict, through the built program.

use crate::support::{DEAR, Place, alone, rr};
use serde_json::Value;

/// What a duel of models under a short scenario prints; it ends with status 0.
fn duel(place: &Place, arguments: &[&str]) -> String {
    duel_under(place, &(rr("rr", 5, "20ms", "200ms", 2) + DEAR), arguments)
}

fn duel_under(place: &Place, scenario: &str, arguments: &[&str]) -> String {
    let suite = place.suite(scenario);
    let suite = suite.to_str().expect("UTF-8");
    let output = place.run(&[&["duel", "--suite", suite, "--scenario", "rr"], arguments].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.is_empty(), "{stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What `attempt` prints, once more where that is no answer: a duel may refuse one. `None` where a noisy host was the reason
/// each time, which is its right.
fn answered(attempt: impl Fn() -> String, answers: impl Fn(&str) -> bool) -> Option<String> {
    let mut last = String::new();
    for _ in 0..4 {
        last = attempt();
        if answers(&last) {
            return Some(last);
        }
    }
    assert!(last.contains("host-noisy"), "{last}");
    eprintln!("the machine is too loud for an answer: {last}");
    None
}

#[test]
fn a_slowed_copy_is_behind_and_the_right_way_round() {
    let _alone = alone();
    let place = Place::new();
    let server = |name, us| {
        format!("{name}={{echo-server}} event-loop --port {{port}} --workers 1 --work cpu:{us}us")
    };
    let words = [
        "slow",
        "plain",
        "--with",
        &server("slow", 100),
        "--with",
        &server("plain", 50),
        "--budget",
        "1s",
        "--json",
    ];
    let scenario = rr("rr", 5, "20ms", "200ms", 2);
    let object = |said: &str| serde_json::from_str::<Value>(said).expect("one object");
    let said = answered(
        || duel_under(&place, &scenario, &words),
        |it| object(it)["pairs"][0]["ratio"].is_number(),
    );
    let Some(said) = said.as_deref().map(object) else {
        return;
    };
    let pairs = said["pairs"].as_array().expect("pairs");
    let metrics: Vec<&str> = pairs
        .iter()
        .filter_map(|it| it["metric"].as_str())
        .collect();
    let all = [
        "throughput_per_s",
        "cpu_us_per_request",
        "service_ns_p50",
        "service_ns_p99",
    ];
    assert_eq!(metrics, all);
    for pair in pairs {
        assert_eq!((&pair["a"], &pair["b"]), (&"slow".into(), &"plain".into()));
    }
    // 50 µs more for each request, beside as many and some five that an echo costs.
    let throughput = &pairs[0];
    assert_eq!(throughput["answer"], "behind", "{throughput}");
    assert!(throughput["ratio"].as_f64().is_some_and(|it| it < 0.7));
    let cpu = &pairs[1];
    assert_eq!(cpu["answer"], "ahead", "{cpu}");
    place.assert_nothing_left(&[]);
}

#[test]
fn rounds_are_added_until_the_budget_is_spent_and_stand_in_the_plan() {
    let _alone = alone();
    let place = Place::new();
    let narrow = [
        "--precision",
        "0.0001%",
        "--slice",
        "10ms",
        "--budget",
        "8s",
        "--json",
        "--out",
        "out",
    ];
    let said = duel(
        &place,
        &[&["event-loop", "event-loop"], &narrow[..]].concat(),
    );
    let said: Value = serde_json::from_str(&said).expect("one object");
    let results = record::read_results(&place.path("out")).expect("results");
    let rounds = said["rounds"].as_u64().expect("a number");
    assert!(rounds > 5, "{rounds}");
    // A window of 200 ms: twenty slices of the length that was asked for, not the scenario's ten.
    assert!(results.passes.iter().all(|pass| pass.slices.len() == 20));
    assert_eq!(results.passes.len() as u64, 2 * rounds);
    assert_eq!(results.run.passes.len() as u64, 2 * rounds);
    assert_eq!(results.run.entrants[1].name, "event-loop-2");
    // What it wrote is a results folder like any other.
    assert_eq!(place.run(&["report", "out"]).status.code(), Some(0));
}

#[test]
fn a_wide_precision_adds_no_round_and_a_terminal_reads_one_line_a_pair() {
    let _alone = alone();
    let place = Place::new();
    // On a machine that is too loud for any answer it would go on for as long as a duel may.
    let words = [
        "event-loop",
        "tokio",
        "--precision",
        "99%",
        "--budget",
        "5s",
    ];
    let shown = answered(
        || duel(&place, &words),
        |it| it.contains("5 rounds, one server core"),
    );
    let Some(shown) = shown else {
        return;
    };
    assert!(shown.contains("5 rounds, one server core"), "{shown}");
    let names = ["event-loop", "tokio", "report: results/duel-"];
    assert!(names.iter().all(|it| shown.contains(it)), "{shown}");
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
}

#[test]
fn what_cannot_duel_is_told() {
    let _alone = alone();
    let place = Place::new();
    for (arguments, words) in [
        (&["event-loop"][..], "2 values"),
        (&["event-loop", "tokoi"], "there is no contender `tokoi`"),
        (
            &["event-loop", "tokio", "--scenario", "rr-51"],
            "there is no scenario `rr-51`",
        ),
        (
            &["event-loop", "tokio", "--precision", "1"],
            "it wants a percent sign",
        ),
        (
            &["event-loop", "gone", "--contenders", "gone.toml"],
            "gone cannot take part",
        ),
        (
            &["event-loop", "tokio", "--slice", "1ms"],
            "rr-50 takes 5ms to 180ms",
        ),
        (
            &["event-loop", "tokio", "--slice", "181ms"],
            "rr-50 takes 5ms to 180ms",
        ),
        (
            &[
                "event-loop",
                "tokio",
                "--scenario",
                "steady-50",
                "--slice",
                "10ms",
            ],
            "steady-50 is not measured in slices",
        ),
    ] {
        let gone = "[[contender]]\nname = \"gone\"\ncommand = [\"no-such-program\", \"{port}\"]\n\
                    requires = [\"no-such-program\"]\n";
        place.write("gone.toml", gone);
        let output = place.run(&[&["duel"], arguments].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_control_runs_where_contenders_are_compared_by_slices() {
    let _alone = alone();
    let place = Place::new();
    let idle = crate::support::idle("idle", 10, "");
    let scenarios = format!("{}{idle}", rr("rr", 10, "20ms", "100ms", 3));
    let (_, results) = place.measure(&scenarios, &["--only", "^(event-loop|tokio)$"]);
    let of = |scenario: &str| {
        let passes = results.passes.iter();
        passes
            .filter(|pass| pass.scenario == scenario && pass.contender == record::CONTROL)
            .count()
    };
    assert_eq!((of("rr"), of("idle")), (3, 0));
    let summary = place.summary();
    assert!(crate::support::value(&summary, record::CONTROL, "rr", "throughput_per_s") > 0.0);
    let taken = place.run(&["run", "--with", "control=./server {port}"]);
    assert_eq!(taken.status.code(), Some(2));
}

#[test]
fn a_precision_adds_rounds_to_a_run() {
    let _alone = alone();
    let place = Place::new();
    let scenario = rr("rr", 10, "20ms", "100ms", 3) + DEAR;
    let words = [
        "--only",
        "^(event-loop|tokio)$",
        "--precision",
        "0.0001%",
        "--budget",
        "5s",
    ];
    let (_, results) = place.measure(&scenario, &words);
    let rounds = results.run.suite.scenarios[0].rounds;
    assert!(rounds > 3, "{rounds}");
    assert_eq!(results.passes.len() as u32, 3 * rounds);
}

#[test]
fn nobody_to_compare_is_no_reason_to_go_on() {
    let _alone = alone();
    let place = Place::new();
    let scenario = rr("rr", 10, "20ms", "100ms", 3);
    let words = [
        "--only",
        "^event-loop$",
        "--precision",
        "0.0001%",
        "--budget",
        "9s",
    ];
    let (_, results) = place.measure(&scenario, &words);
    assert_eq!(results.passes.len(), 3);
}

#[test]
fn strict_refuses_what_is_doubted() {
    let _alone = alone();
    let place = Place::new();
    let scenario = rr("rr", 10, "20ms", "100ms", 2);
    let (output, _) = place.measure(&scenario, &["--only", "^event-loop$"]);
    assert_eq!(output.status.code(), Some(0));
    let other = Place::new();
    let (output, _) = other.measure(&scenario, &["--only", "^event-loop$", "--strict"]);
    assert_eq!(output.status.code(), Some(5));
    let summary = other.summary();
    let doubted = crate::support::estimate(&summary, "event-loop", "rr", "throughput_per_s");
    // Two rounds are too few; on a loud machine another doubt stands before that.
    assert_ne!(doubted.verdict, "valid");
}

#[test]
fn a_duel_that_is_doubted_names_its_pairs_and_says_why() {
    let _alone = alone();
    let place = Place::new();
    // Somebody has the turn, as far as the lock says.
    let lock = std::fs::File::create(place.lock()).expect("writable");
    lock.lock().expect("nobody has it");
    let suite = place.suite(&(rr("rr", 4, "20ms", "40ms", 1) + DEAR));
    let suite = suite.to_str().expect("UTF-8");
    let words = [
        "duel",
        "event-loop",
        "tokio",
        "--suite",
        suite,
        "--scenario",
        "rr",
        "--now",
    ];
    let said = |flags: &[&str]| {
        let output = place.run(&[&words[..], flags].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let object: Value =
        serde_json::from_str(&said(&["--budget", "1ms", "--json"])).expect("one object");
    let pairs = object["pairs"].as_array().expect("pairs");
    assert_eq!(pairs.len(), 4, "{object}");
    for pair in pairs {
        assert_eq!(
            (&pair["a"], &pair["b"]),
            (&"event-loop".into(), &"tokio".into())
        );
        assert!(
            pair["ratio"].is_null() && pair["answer"].is_null(),
            "{pair}"
        );
        let reason = pair["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("event-loop, "), "{pair}");
    }
    let throughput = pairs[0]["reason"].as_str().unwrap_or_default();
    assert!(
        throughput.contains("another fiveways measured on this host"),
        "{throughput}"
    );
    let shown = said(&["--budget", "1ms"]);
    let lines = [
        "Nobody can be compared.",
        "event-loop, host-noisy:",
        "tokio, host-noisy:",
    ];
    assert!(lines.iter().all(|it| shown.contains(it)), "{shown}");
}
