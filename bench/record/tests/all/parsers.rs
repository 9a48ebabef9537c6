//! Parsers against whatever may stand in a file: never a panic, always a place and what was kept.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use record::{
    Encoded, Outcome, Pass, PassKind, Planned, read_contenders, read_results, read_suite,
};

const SUITE: &str = include_str!("../../../suites/quick.toml");
const CONTENDERS: &str = include_str!("../../../contenders.toml");

/// A text with some of its bytes replaced, dropped or doubled: mistakes that a hand makes.
fn damaged(text: &'static str) -> impl Strategy<Value = String> {
    let slips = prop::collection::vec((0..text.len(), any::<char>(), 0..3_u8), 1..6);
    slips.prop_map(move |slips| {
        let mut characters: Vec<char> = text.chars().collect();
        for (at, character, kind) in slips {
            let at = at % characters.len();
            match kind {
                0 => characters[at] = character,
                1 => drop(characters.remove(at)),
                _ => characters.insert(at, character),
            }
        }
        characters.into_iter().collect()
    })
}

#[test]
fn the_suites_that_are_compiled_in_have_no_mistake() {
    let suite = read_suite(SUITE, Path::new("quick.toml")).expect("no mistake");
    assert_eq!(suite.name, "quick");
    assert!(suite.scenarios.iter().all(|scenario| scenario.rounds >= 3));
    let contenders =
        read_contenders(CONTENDERS, Path::new("x/contenders.toml")).expect("no mistake");
    assert_eq!(contenders[0].dir, Path::new("x"));
}

#[test]
fn a_plan_that_says_no_kind_of_pass_is_of_timing_and_stays_as_it_was() {
    let old = r#"{"contender":"a","scenario":"rr","round":1,"block":1,"order":0}"#;
    let mut planned: Planned = serde_json::from_str(old).expect("a plan of old");
    assert_eq!(planned.pass, PassKind::Timing);
    assert_eq!(serde_json::to_string(&planned).expect("plain data"), old);
    planned.pass = PassKind::Counter;
    let text = serde_json::to_string(&planned).expect("plain data");
    assert!(text.ends_with(r#","pass":"counter"}"#), "{text}");
    assert_eq!(
        serde_json::from_str::<Planned>(&text).expect("a plan"),
        planned
    );
}

#[test]
fn who_is_idle_is_not_counted() {
    let idle = SUITE.replacen("rounds = 3", "rounds = 3\ncounters = 1", 3);
    let error = read_suite(&idle, Path::new("quick.toml")).expect_err("a mistake");
    assert!(error.to_string().contains("who is idle"), "{error}");
}

proptest! {
    #[test]
    fn a_damaged_file_is_read_or_refused_with_a_place(
        suite in damaged(SUITE), contenders in damaged(CONTENDERS)
    ) {
        if let Err(error) = read_suite(&suite, Path::new("s.toml")) {
            prop_assert!(error.line >= 1 && error.line <= suite.lines().count() + 1, "{error}");
            prop_assert!(error.to_string().starts_with("s.toml:"), "{error}");
        }
        if let Err(error) = read_contenders(&contenders, Path::new("c.toml")) {
            prop_assert!(error.line >= 1, "{error}");
        }
    }

    #[test]
    fn any_text_is_no_panic(text in "\\PC{0,200}") {
        let _ = read_suite(&text, Path::new("s.toml"));
        let _ = read_contenders(&text, Path::new("c.toml"));
        let _ = serde_json::from_str::<Encoded>(&format!("{text:?}")).map(|encoded| encoded.decode());
    }

    #[test]
    fn a_distribution_comes_back_as_it_was(values in prop::collection::vec(1_u64..60_000_000_000, 0..500)) {
        let mut histogram = record::histogram::latencies();
        for value in values {
            histogram.saturating_record(value);
        }
        let again = Encoded::new(&histogram).decode().expect("just encoded");
        prop_assert_eq!(again, histogram);
    }
}

/// A results folder of two passes, as the store writes them.
fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let suite = read_suite(SUITE, Path::new("quick.toml")).expect("no mistake");
    let run = serde_json::json!({
        "schema": record::RUN_SCHEMA, "version": "0", "started": "2026-01-01T00:00:00Z", "command": [],
        "seed": 1, "suite_name": "quick", "suite": suite, "suite_text": SUITE, "entrants": [],
        "host": record::Host::default(), "passes": [],
    });
    fs::write(folder.path().join("run.json"), run.to_string()).expect("writable");
    let line = r#"{"schema":"fiveways-record/1","contender":"a","family":"f","scenario":"rr-5","round":1,"block":1,
        "order":0,"seed":1,"pass":"timing","outcome":"ok","cause":null,"workers":1,"server_cpus":[1],
        "connections":{"asked":5,"served":5},"requests":{"sent":1,"ok":1,"errors":{}},
        "usage":{"ready":null,"before":null,"after":null,"exit":null},"gauges":{"ready":null,"connected":null},
        "generator":{"cpus":[0],"threads":1,"cpu_ns":1,"replies":1,"loaded_ns":1,"clamped":0,"sources":"",
        "resident_bytes":1},"host":{"before":{},"after":{}},"a_field_of_the_future":true}"#;
    let line = line.replace(['\n', ' '], "");
    let later = line.replace("\"round\":1", "\"round\":2");
    (folder, format!("{line}\n{later}\n"))
}

#[test]
fn a_file_torn_at_any_byte_keeps_every_whole_line() {
    let (folder, text) = folder();
    let line = text.len() / 2;
    for end in 0..text.len() {
        fs::write(folder.path().join("records.jsonl"), &text[..end]).expect("writable");
        let results = read_results(folder.path()).expect("the plan is whole");
        // The last byte of a line is its newline: without it the line is whole all the same.
        let whole = end / line + usize::from(end % line == line - 1);
        assert_eq!(results.passes.len(), whole, "torn at byte {end}");
        assert_eq!(
            results.damage.len(),
            usize::from(end % line != 0 && end % line != line - 1)
        );
        for damage in &results.damage {
            assert!(damage.starts_with("records.jsonl line "), "{damage}");
        }
    }
}

#[test]
fn another_schema_is_named_and_the_rest_is_kept() {
    let (folder, text) = folder();
    let newer = text
        .lines()
        .next()
        .expect("two lines")
        .replace("fiveways-record/1", "fiveways-record/9");
    fs::write(
        folder.path().join("records.jsonl"),
        format!("{newer}\n{text}"),
    )
    .expect("writable");
    let results = read_results(folder.path()).expect("the plan is whole");
    assert_eq!(results.passes.len(), 2);
    assert!(
        results.damage[0].contains("line 1") && results.damage[0].contains("fiveways-record/9")
    );
}

#[test]
fn a_pass_comes_back_as_it_was_written() {
    let (_folder, text) = folder();
    let pass: Pass = serde_json::from_str(text.lines().next().expect("two lines")).expect("a pass");
    let again: Pass =
        serde_json::from_str(&serde_json::to_string(&pass).expect("plain data")).expect("a pass");
    assert_eq!(pass, again);
    assert_eq!(pass.outcome, Outcome::Ok);
}

#[test]
fn a_histogram_of_more_samples_than_anybody_took_is_refused() {
    let of = |samples: u64| {
        let mut histogram = record::histogram::latencies();
        histogram.record_n(1_000, samples).expect("in bounds");
        Encoded::new(&histogram).decode()
    };
    assert!(of(1 << 48).is_ok());
    let refused = of((1 << 48) + 1).expect_err("one too many");
    assert!(refused.to_string().contains("281474976710657"), "{refused}");
}
