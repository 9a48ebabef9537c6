//! Published results through the built program: the list, one run of labs, one of a server, and what is kept.

use crate::support::{Place, alone, shared};
use record::{Judged, Judgement, Summary};
use serde_json::Value;

fn run(place: &Place, words: &[&str]) -> Judgement {
    let output = place.run(&[&["papers", "--json", "--out", "out"], words].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let summary: Summary = serde_json::from_slice(&output.stdout).expect("a summary");
    assert_eq!(summary.papers.len(), 1, "only what was measured is judged");
    summary.papers[0].clone()
}

/// In one line: words that are looked for may stand at the end of one.
fn unbroken(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}

#[test]
fn a_paper_of_labs_is_judged_by_its_shape() {
    let _alone = alone();
    let place = Place::new();
    let paper = run(&place, &["fork-size", "--quick"]);
    assert_eq!(paper.claim, "fork-size");
    let growth = &paper.tests[0];
    assert_eq!(growth.published.as_deref(), Some("50 ×"));
    // A hundred mebibytes of page tables take longer than none anywhere.
    assert_eq!(growth.judged, Judged::Holds, "{growth:?}");
    assert!(
        paper.tests.iter().all(|test| test.value.is_some()),
        "{paper:#?}"
    );
    let page = std::fs::read_to_string(place.path("out/report.html")).expect("a page");
    assert!(page.contains("id=\"papers\"") && page.contains("<th scope=\"col\">published</th>"));
    let readme = std::fs::read_to_string(place.path("out/README.md")).expect("a README");
    assert!(
        readme.contains("| fork-size | fork at 100 MiB, against an empty parent | 50 × |"),
        "{readme}"
    );
    let told = place.run(&["report", "out"]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.lines().any(|line| line.starts_with("fork-size")),
        "{told}"
    );
    assert!(
        told.lines().all(|line| line.chars().count() <= 80),
        "{told}"
    );
    let explained = place.run(&["explain", "fork-size", "--results", "out"]);
    let explained = unbroken(&explained.stdout);
    assert!(
        explained.contains("published 50 ×") && explained.contains("(checked: "),
        "{explained}"
    );
    place.assert_nothing_left(&[]);
}

#[test]
fn a_stall_is_seen_from_when_requests_were_due() {
    let _alone = alone();
    let place = Place::new();
    let paper = run(&place, &["wrk2", "--rounds", "1"]);
    let results = record::read_results(&place.path("out")).expect("results");
    let histograms = &results.passes[0].histograms;
    let p99 = |stored: &Option<record::Encoded>| {
        let all = stored.as_ref().expect("a distribution").decode();
        all.expect("readable").value_at_quantile(0.99) as f64
    };
    let (due, sent) = (p99(&histograms.response), p99(&histograms.service));
    assert!(due > 20.0 * sent, "{due} {sent}");
    // The server sleeps for 1.4 s, whatever the machine.
    assert!((0.7e9..1.6e9).contains(&due), "{due}");
    assert_eq!(paper.judged, Judged::Undecided, "one round has no interval");
    place.assert_nothing_left(&[]);
}

#[test]
fn papers_are_listed_with_what_was_read_of_them() {
    let _shared = shared();
    let place = Place::new();
    let output = place.run(&["papers"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for words in [
        "stevens",
        "(not checked: ",
        "(checked in part: ",
        "(checked: ",
    ] {
        assert!(unbroken(&output.stdout).contains(words), "{words}: {text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 82),
        "{text}"
    );
    let output = place.run(&["papers", "--json"]);
    let object: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(object["papers"].as_array().map(Vec::len), Some(10));
    let refused = place.run(&["papers", "bendresky"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`bendersky`"));
}
