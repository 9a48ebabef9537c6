//! Who meets a need, through the built program: the answer in words and as an object, the suite that is kept.

use crate::support::{Place, alone, shared};
use serde_json::Value;

const NEED: [&str; 9] = [
    "choose",
    "--connections",
    "4",
    "--rate",
    "400",
    "--window",
    "600ms",
    "--out",
    "out",
];

/// A server that lets every request wait for 60 ms, beside one that does not.
const SLOW: &str = "slow={echo-server} thread-per-connection --port {port} --work sleep:60ms";

fn said(place: &Place, more: &[&str]) -> Value {
    let output = place.run(&[&NEED[..], &["--json"], more].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    serde_json::from_slice(&output.stdout).expect("one object")
}

fn of<'a>(said: &'a Value, contender: &str) -> &'a Value {
    let mut all = said["contenders"].as_array().expect("contenders").iter();
    all.find(|it| it["contender"] == contender)
        .unwrap_or_else(|| panic!("no {contender} in {said}"))
}

#[test]
fn who_meets_a_need_is_taken_and_who_does_not_is_excluded_by_a_figure() {
    let _alone = alone();
    let place = Place::new();
    let only = ["--only", "^(event-loop|slow|iterative)$", "--with", SLOW];
    let need = ["--slo", "p50=30ms", "--quick"];
    let said = said(&place, &[&only[..], &need].concat());
    assert_eq!(said["take"], serde_json::json!(["event-loop"]), "{said}");
    let taken = of(&said, "event-loop");
    assert_eq!(taken["stand"], "meets");
    assert_eq!(taken["headroom"]["searched"], false);
    assert!(
        taken["memory_bytes"].as_f64().is_some_and(|it| it > 1e5),
        "{taken}"
    );
    assert!(
        said["answer"]
            .as_str()
            .is_some_and(|it| it.starts_with("Take event-loop: it keeps p50=30ms")),
        "{said}"
    );
    let slow = of(&said, "slow");
    assert_eq!(slow["stand"], "excluded");
    let iterative = of(&said, "iterative");
    assert_eq!(iterative["stand"], "excluded");
    let reason = iterative["reason"].as_str().unwrap_or_default();
    assert!(
        reason.starts_with("3 of 4 connections not served"),
        "{reason}"
    );
    // The need is kept as a suite, and `run` takes it.
    let again = [
        "run",
        "out/suite.toml",
        "--rounds",
        "1",
        "--only",
        "^event-loop$",
        "--out",
        "again",
    ];
    assert_eq!(place.run(&again).status.code(), Some(0));
    place.assert_nothing_left(&[]);
}

#[test]
fn headroom_is_searched_for_among_those_who_meet_the_need() {
    let _alone = alone();
    let place = Place::new();
    let only = ["--only", "^(event-loop|slow)$", "--with", SLOW];
    let need = [
        "--slo",
        "p50=30ms",
        "--work",
        "cpu:300us",
        "--budget",
        "60s",
    ];
    let said = said(&place, &[&only[..], &need].concat());
    let taken = &of(&said, "event-loop")["headroom"];
    assert_eq!(taken["searched"], true, "{said}");
    assert!(
        taken["ratio"].as_f64().is_some_and(|it| it > 1.0),
        "{taken}"
    );
    let results = record::read_results(&place.path("out")).expect("results");
    let probes = results.run.passes.iter().filter(|it| it.scenario != "need");
    assert!(probes.clone().count() > 3);
    assert!(probes.into_iter().all(|it| it.contender == "event-loop"));
}

/// 5 ms of CPU for each of 400 requests a second are two cores' work: they queue, however patient the promise is.
#[test]
fn a_rate_that_is_not_achieved_excludes_whatever_the_promise() {
    let _alone = alone();
    let place = Place::new();
    let only = ["--only", "^event-loop$", "--quick"];
    let need = ["--slo", "p50=10s", "--work", "cpu:5ms"];
    let said = said(&place, &[&only[..], &need].concat());
    let excluded = of(&said, "event-loop");
    assert_eq!(excluded["stand"], "excluded", "{said}");
    let reason = excluded["reason"].as_str().unwrap_or_default();
    assert!(reason.starts_with("rate not achieved"), "{reason}");
    assert!(!reason.contains("over"), "{reason}");
}

#[test]
fn a_promise_that_nobody_keeps_is_answered_with_none() {
    let _alone = alone();
    let place = Place::new();
    let words = [
        "--only",
        "^(event-loop|thread-per-connection)$",
        "--slo",
        "p50=1us",
    ];
    let output = place.run(&[&NEED[..], &words].concat());
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains("None meets it"), "{shown}");
    assert!(
        shown.contains("does not meet it:") && shown.contains("% over"),
        "{shown}"
    );
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
}

#[test]
fn a_need_that_cannot_be_meant_is_told_with_what_to_type() {
    let _shared = shared();
    let place = Place::new();
    for (words, said) in [
        (&["--slo", "p99"][..], "p99=10ms"),
        (&["--churn", "5"], "as in 5%"),
        (&["--work", "sleep:5ms"], "what waits is --blocking"),
        (&["--work", "gpu:5ms"], "--work cpu:80us"),
        (&["--blocking", "cpu:1ms"], "sleep:5ms@2%"),
        (&["--state", "much"], "--state 300MiB"),
        (&["--rate", "fast"], "1000 or 20k"),
        (&["--rate", "11M"], "at most 10M"),
        (&["--connections", "0"], "--connections 50"),
        (&["--idle", "1000000"], "are more than this host allows, by"),
        (&["--idle", "5", "--churn", "5%"], "go not together"),
        (&["--only", "nobody-like-this"], "no contender that matches"),
    ] {
        let mut all = vec!["choose"];
        if !words.contains(&"--rate") {
            all.extend(["--rate", "100"]);
        }
        all.extend(words);
        let output = place.run(&all);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
        assert!(stderr.contains(said), "{words:?}: {stderr}");
        let output = place.run(&[&all[..], &["--json"]].concat());
        let object: Value = serde_json::from_slice(&output.stdout).expect("one object");
        for key in ["error", "phase", "cause", "hint"] {
            assert!(object.get(key).is_some(), "{words:?}: {object}");
        }
    }
    assert!(!place.path("results").exists());
}
