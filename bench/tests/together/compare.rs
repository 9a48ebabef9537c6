//! `compare` and saved names through the built program: exit codes, files, what is said first.

use std::path::Path;

use crate::support::{Place, rr};
use serde_json::Value;

/// An old run, and the same in which node-net answers half as many requests.
fn runs(place: &Place) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("report/tests/golden/facts");
    for name in ["before", "after"] {
        std::fs::create_dir_all(place.path(name)).expect("writable");
        for file in ["run.json", "records.jsonl"] {
            std::fs::copy(golden.join(file), place.path(name).join(file)).expect("a copy");
        }
    }
    let path = place.path("after/records.jsonl");
    let text = std::fs::read_to_string(&path).expect("just copied");
    let slower = text.lines().map(|line| {
        let mut pass: Value = serde_json::from_str(line).expect("a pass");
        // Without distributions, which would say something else (Little's law).
        pass["histograms"] = serde_json::json!({});
        if pass["contender"] == "node-net" {
            for slice in pass["slices"].as_array_mut().into_iter().flatten() {
                slice[2] = (slice[2].as_u64().expect("replies") / 2).into();
            }
        }
        format!("{pass}\n")
    });
    std::fs::write(&path, slower.collect::<String>()).expect("writable");
}

#[test]
fn a_regression_is_named_written_and_ends_with_6() {
    let place = Place::new();
    runs(&place);
    let gate = "throughput_per_s<-5%";
    let output = place.run(&[
        "compare",
        "before",
        "after",
        "--fail-if",
        gate,
        "--output",
        "pr.md",
    ]);
    let said = String::from_utf8_lossy(&output.stdout).replace("\n  ", " ");
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(
        said.contains("REGRESSION beyond throughput_per_s<-5%: B: node-net"),
        "{said}"
    );
    assert!(
        !said.contains("beyond throughput_per_s<-5%: B: prefork"),
        "{said}"
    );
    let markdown = std::fs::read_to_string(place.path("pr.md")).expect("written before the end");
    assert!(
        markdown.contains("| node-net |") && markdown.contains("REGRESSION"),
        "{markdown}"
    );
    let same = place.run(&["compare", "before", "before", "--fail-if", gate, "--json"]);
    assert_eq!(same.status.code(), Some(0));
    let object: Value = serde_json::from_slice(&same.stdout).expect("one object");
    assert_eq!(object["schema"], "fiveways-compare/1");
    assert!(
        object["changes"]
            .as_array()
            .is_some_and(|it| it.len() > 5 && it.iter().all(|it| it["answer"] != "behind"))
    );
}

#[test]
fn hosts_are_drawn() {
    let place = Place::new();
    runs(&place);
    let output = place.run(&[
        "compare",
        "before",
        "after",
        "--by",
        "host",
        "-o",
        "hosts.png",
    ]);
    assert!(output.status.success(), "{output:?}");
    assert!(
        std::fs::read(place.path("hosts.png"))
            .expect("drawn")
            .starts_with(b"\x89PNG")
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("node-net"));
}

#[test]
fn a_run_keeps_its_name() {
    let place = Place::new();
    let suite = place.suite(&rr("rr-4", 4, "20ms", "40ms", 1));
    let suite = suite.to_str().expect("UTF-8");
    let run = |out: &str| {
        let words = [
            "run",
            suite,
            "--only",
            "^(event-loop|prefork)$",
            "--save",
            "base",
            "--out",
            out,
        ];
        let output = place.run(&words);
        assert!(output.status.success(), "{output:?}");
    };
    run("results/one");
    assert_eq!(
        std::fs::read_link(place.path("results/saved/base")).expect("a link"),
        Path::new("../one")
    );
    run("elsewhere");
    let output = place.run(&["compare", "--against", "base"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.starts_with("A: base\nB: results/one\n"),
        "{said}"
    );
    let output = place.run(&["compare", "--against", "bse"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("saved are base") && said.contains("try: `base`"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let place = Place::new();
    for words in [
        &["compare"][..],
        &["compare", "nowhere", "neither"],
        &["compare", "a", "b", "--fail-if", "response_ns_p98>+1%"],
        &["run", "--save", "No Name"],
    ] {
        assert_eq!(place.run(words).status.code(), Some(2), "{words:?}");
    }
}
