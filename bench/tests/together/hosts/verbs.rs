//! Verbs beside `run` that measure over several hosts: who goes on with a run, and who has a question of his own.

use std::path::PathBuf;

use super::{hosts_here, plain, text};
use crate::support::{Place, rr};

/// A load from two hosts, with the words that say so; contenders are `one` and `two`.
fn two_hosts() -> (Place, PathBuf, String) {
    let place = Place::new();
    let hosts = hosts_here(&place, &plain(), &[plain(), plain()]);
    let contenders = place.echo_servers(&[("one", "event-loop"), ("two", "event-loop")]);
    (place, hosts, text(&contenders))
}

#[test]
fn a_run_is_gone_on_with_by_the_file_of_its_hosts() {
    let (place, hosts, contenders) = two_hosts();
    let (output, whole) = place.measure(
        &rr("rr", 4, "20ms", "40ms", 2),
        &[
            "--hosts",
            &text(&hosts),
            "--contenders",
            &contenders,
            "--only",
            "^(one|two)$",
        ],
    );
    assert!(output.status.success());
    let records = place.path("out/records.jsonl");
    let all = std::fs::read_to_string(&records).expect("records");
    let first = all.find('\n').expect("a line") + 1;
    std::fs::write(&records, &all[..first]).expect("writable");
    // A plan keeps no paths: of an absolute one the last part, which is not here any more.
    let moved = place.path("moved.toml");
    std::fs::rename(&hosts, &moved).expect("ours");
    let resume = |more: &[&str]| {
        let words = ["resume", "out", "--contenders", &contenders];
        let output = place.run(&[&words[..], more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let (status, said) = resume(&[]);
    assert!(
        status == Some(2) && said.contains("hosts.toml") && said.contains("--hosts FILE"),
        "{said}"
    );
    let other = text(&hosts_here(&place, &plain(), &[plain()]));
    let (status, said) = resume(&["--hosts", &other]);
    assert!(
        status == Some(2) && said.contains("came from 2 hosts"),
        "{said}"
    );
    place.assert_nothing_left(&[]);
    let (status, said) = resume(&["--hosts", &text(&moved)]);
    assert_eq!(status, Some(0), "{said}");
    let resumed = record::read_results(&place.path("out")).expect("records");
    assert_eq!(resumed.passes.len(), whole.passes.len());
    assert!(resumed.passes.iter().all(|pass| pass.load.len() == 2));
    place.assert_nothing_left(&[]);
}

#[test]
fn a_duel_is_loaded_from_two_hosts() {
    let (place, hosts, contenders) = two_hosts();
    let suite = text(&place.suite(&rr("rr", 4, "20ms", "40ms", 1)));
    let hosts = text(&hosts);
    let about = ["--hosts", &hosts, "--contenders", &contenders];
    let under = ["--suite", &suite, "--scenario", "rr", "--budget", "1s"];
    let duel = ["duel", "one", "two", "--out", "out"];
    let output = place.run(&[&duel[..], &about, &under].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let results = record::read_results(&place.path("out")).expect("records");
    assert!(!results.passes.is_empty());
    assert!(results.passes.iter().all(|pass| pass.load.len() == 2));
    place.assert_nothing_left(&[]);
}
