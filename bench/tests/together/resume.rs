//! `resume`: whatever broke a run off, it ends with the cells of one that was not, and loses none.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};

use crate::support::{Place, ends, passes, rr, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use record::{Planned, Results};

/// Two scenarios, so that the plan goes to and fro; blocks of two contenders and the control.
fn scenarios() -> String {
    rr("rr-4", 4, "20ms", "40ms", 4) + &rr("rr-8", 8, "20ms", "40ms", 4)
}

/// The words of a run of them.
fn words<'a>(suite: &'a str, out: &'a str) -> Vec<&'a str> {
    let only = "^(event-loop|thread-pool)$";
    vec!["run", suite, "--only", only, "--seed", "7", "--out", out]
}

/// Begins a run and breaks it off when so many passes are recorded; nothing of it is left.
fn broken_off(place: &Place, words: &[&str], out: &str, recorded: usize, signal: Signal) {
    let mut harness = begin(place, words, out, recorded);
    let agents = place.marked();
    // ESRCH: a child of ours that was not waited for is there.
    let _ = kill(Pid::from_raw(harness.id() as i32), signal);
    let code = ends(&mut harness).code();
    let expected = (signal == Signal::SIGINT).then_some(130);
    assert_eq!(code, expected, "{signal}");
    place.assert_nothing_left(&agents);
}

/// Begins a run, and returns when so many passes are recorded.
fn begin(place: &Place, words: &[&str], out: &str, recorded: usize) -> Child {
    let mut command = place.command(words);
    let harness = command.stdout(Stdio::null()).stderr(Stdio::null());
    let harness = harness.spawn().expect("fiveways runs");
    wait_for(
        || (lines(place, out) >= recorded).then_some(()),
        "a recorded pass",
    );
    harness
}

fn lines(place: &Place, out: &str) -> usize {
    let text = std::fs::read(place.path(out).join("records.jsonl")).unwrap_or_default();
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// Resumes, and returns the exit status and what was said on standard error.
fn resume(place: &Place, words: &[&str]) -> (Option<i32>, String) {
    let output = place.run(&[&["resume"], words].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

fn read(place: &Place, out: &str) -> Results {
    record::read_results(&place.path(out)).expect("records")
}

fn recorded(results: &Results) -> BTreeSet<String> {
    let each = results.passes.iter();
    each.map(|pass| format!("{:?}", pass.planned())).collect()
}

fn planned(plan: &[Planned]) -> BTreeSet<String> {
    plan.iter().map(|it| format!("{it:?}")).collect()
}

/// Every cell that the summary has a figure of. A p99 or p999 wants more requests than short rounds may have: whether
/// there is one is chance, as is how many rounds the hypervisor spares.
fn cells(place: &Place, out: &str) -> BTreeSet<(String, String, String)> {
    let text = std::fs::read_to_string(place.path(out).join("summary.json")).expect("a summary");
    let summary: record::Summary = serde_json::from_str(&text).expect("a summary");
    let each = summary.estimates.into_iter();
    each.filter(|it| !it.metric.contains("_p99"))
        .map(|it| (it.contender, it.scenario, it.metric))
        .collect()
}

#[test]
fn a_run_that_was_broken_off_ends_with_the_cells_of_one_that_was_not() {
    let place = Place::new();
    let suite = place.suite(&scenarios()).display().to_string();
    assert!(place.run(&words(&suite, "whole")).status.success());
    let whole = read(&place, "whole");
    assert_eq!(recorded(&whole), planned(&whole.run.passes));
    for (out, signal) in [("told", Signal::SIGINT), ("killed", Signal::SIGKILL)] {
        broken_off(&place, &words(&suite, out), out, 3, signal);
        let before = std::fs::read(place.path(out).join("records.jsonl")).expect("records");
        let partly = read(&place, out);
        assert!(partly.passes.len() < whole.passes.len(), "it was too late");
        let (status, said) = resume(&place, &[out]);
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains(&format!("going on with {out}")), "{said}");
        let after = std::fs::read(place.path(out).join("records.jsonl")).expect("records");
        assert!(after.starts_with(&before), "what was recorded stays");
        let results = read(&place, out);
        assert_eq!(results.run.passes, whole.run.passes, "one seed, one plan");
        assert_eq!(results.passes.len(), whole.passes.len());
        assert_eq!(recorded(&results), recorded(&whole));
        assert_eq!(cells(&place, out), cells(&place, "whole"));
        assert_eq!(results.run.resumed.len(), 1);
        let page = std::fs::read_to_string(place.path(out).join("README.md")).expect("a report");
        assert!(page.contains("Broken off and gone on with"), "{page}");
        let (status, said) = resume(&place, &[out]);
        assert_eq!(status, Some(0), "{said}");
        let count = whole.passes.len();
        assert!(
            said.contains(&format!("{out} is finished: all {count} passes")),
            "{said}"
        );
        place.assert_nothing_left(&[]);
    }
}

#[test]
fn a_torn_line_is_named_and_its_block_is_made_again() {
    let place = Place::new();
    let suite = place.suite(&scenarios()).display().to_string();
    broken_off(&place, &words(&suite, "out"), "out", 6, Signal::SIGKILL);
    let path = place.path("out/records.jsonl");
    let text = std::fs::read(&path).expect("records");
    // As a power cut leaves it: the last line without its end.
    std::fs::write(&path, &text[..text.len() - 40]).expect("writable");
    let whole_lines = text.iter().filter(|byte| **byte == b'\n').count() - 1;
    let (status, said) = resume(&place, &["out"]);
    assert_eq!(status, Some(0), "{said}");
    let torn = format!("records.jsonl line {}", whole_lines + 1);
    assert!(said.contains(&torn), "{said}");
    let results = read(&place, "out");
    assert_eq!(results.damage.len(), 1, "{:?}", results.damage);
    assert_eq!(results.passes.len(), results.run.passes.len());
    assert_eq!(recorded(&results), planned(&results.run.passes));
    // The contenders of the torn one's block were alive together again: their slices are of one load.
    let torn_block = |pass: &&record::Pass| {
        let key = |pass: &record::Pass| (pass.scenario.clone(), pass.round, pass.block);
        let last: Vec<_> = record_lines(&text);
        key(pass) == key(&last[whole_lines])
    };
    let block: Vec<_> = results.passes.iter().filter(torn_block).collect();
    assert_eq!(block.len(), 3, "two contenders and the control");
    let before: BTreeSet<_> = block.iter().map(|pass| pass.host.before.at_ns).collect();
    assert_eq!(before.len(), 1, "one round");
}

#[test]
fn what_is_missed_and_what_is_newer_have_remedies_of_their_own() {
    let place = Place::new();
    let suite = place.suite(&rr("rr", 4, "20ms", "20ms", 3));
    let suite = suite.display().to_string();
    let words = ["run", &suite, "--only", "^event-loop$", "--out", "out"];
    assert!(place.run(&words).status.success());
    let (plan, records) = (place.path("out/run.json"), place.path("out/records.jsonl"));
    let text = std::fs::read_to_string(&records).expect("records");
    let newer = |text: &str| text.replacen("fiveways-record/1", "fiveways-record/2", 1);
    for (records_are, told, remedy) in [
        (
            text[..text.len() - 40].to_owned(),
            "records.jsonl line 3: EOF while parsing",
            "try: fiveways resume out",
        ),
        (
            newer(&text),
            "line 1: its schema is fiveways-record/2, this version reads fiveways-record/1",
            "try: the fiveways that wrote them",
        ),
    ] {
        std::fs::write(&records, records_are).expect("writable");
        let output = place.run(&["report", "out"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains(told) && said.contains(remedy), "{said}");
        // What does not fit in a line goes on in the next.
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        let shown: Vec<&str> = shown.split_whitespace().collect();
        assert!(shown.join(" ").contains("1 record unreadable"), "{shown:?}");
    }
    let run = std::fs::read_to_string(&plan).expect("a plan");
    std::fs::write(&plan, run.replacen("fiveways-run/1", "fiveways-run/2", 1)).expect("writable");
    let output = place.run(&["report", "out"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("its schema is fiveways-run/2, this version reads fiveways-run/1")
            && said.contains("try: the fiveways that wrote it"),
        "{said}"
    );
}

fn record_lines(text: &[u8]) -> Vec<record::Pass> {
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).expect("a record"))
        .collect()
}

#[test]
fn under_other_conditions_there_is_no_going_on() {
    let place = Place::new();
    let suite = place.suite(&scenarios()).display().to_string();
    let mine = place.echo_servers(&[("mine", "event-loop")]);
    let mine = mine.display().to_string();
    let asked = [
        &["run", &suite, "--contenders", &mine][..],
        &["--only", "^(mine|event-loop)$", "--out", "out"],
    ]
    .concat();
    broken_off(&place, &asked, "out", 3, Signal::SIGKILL);
    let path = place.path("out/run.json");
    let run = std::fs::read_to_string(&path).expect("a plan");
    let records = std::fs::read(place.path("out/records.jsonl")).expect("records");
    let results = read(&place, "out");
    let version = &results.run.entrants[0].version;
    let changed = |from: &str, to: &str| {
        assert!(run.contains(from), "{from}");
        run.replace(from, to)
    };
    let cpu = &results.run.host.cpu;
    for (plan, words) in [
        (
            changed("\"version\": \"0.1.0\"", "\"version\": \"0.0.9\""),
            &["fiveways 0.0.9 began it, this is 0.1.0"][..],
        ),
        (
            changed(version, "0.1.0, sha256 0123456789ab"),
            &["is another version: it was 0.1.0, sha256 0123456789ab"],
        ),
        (
            changed(&format!("\"cpu\": \"{cpu}\""), "\"cpu\": \"another\""),
            &["another machine", "its CPU was another"],
        ),
        (
            changed("question = \\\"?\\\"", "question = \\\"why?\\\""),
            &["suite.toml is another one since it began"],
        ),
    ] {
        std::fs::write(&path, plan).expect("writable");
        let (status, said) = resume(&place, &["out", "--contenders", &mine]);
        assert_eq!(status, Some(2), "{said}");
        assert!(said.contains("out cannot be gone on with here"), "{said}");
        assert!(
            words.iter().all(|it| said.contains(it)),
            "{words:?}: {said}"
        );
        assert!(said.contains("try: "), "{said}");
    }
    std::fs::write(&path, &run).expect("writable");
    std::fs::rename(&mine, place.path("moved.toml")).expect("a file");
    let none = place.write("none.toml", "");
    let (status, said) = resume(
        &place,
        &["out", "--contenders", none.to_str().expect("UTF-8")],
    );
    assert_eq!(status, Some(2), "{said}");
    assert!(
        said.contains("the contender mine is not among those there are now")
            && said.contains("fiveways resume out --contenders FILE"),
        "{said}"
    );
    let now = std::fs::read(place.path("out/records.jsonl")).expect("records");
    assert_eq!(now, records, "a refusal writes nothing");
    // Where it stands now is said, and that is enough.
    let (status, said) = resume(&place, &["out", "--contenders", "moved.toml"]);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(passes(&read(&place, "out"), "mine", "rr-8").len(), 4);
    place.assert_nothing_left(&[]);
}

#[test]
fn an_interrupted_run_says_what_to_type_and_that_goes_on() {
    let place = Place::new();
    let suite = place.suite(&scenarios()).display().to_string();
    let mine = place.echo_servers(&[("mine", "event-loop")]);
    let mine = mine.display().to_string();
    let asked = [
        "run",
        &suite,
        "--contenders",
        &mine,
        "--only",
        "^mine$",
        "--out",
        "out",
    ];
    let mut command = place.command(&asked);
    let harness = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let harness = harness.spawn().expect("fiveways runs");
    wait_for(|| (lines(&place, "out") > 0).then_some(()), "a record");
    kill(Pid::from_raw(harness.id() as i32), Signal::SIGINT).expect("a child of ours");
    let output = harness.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("passes are kept in out"), "{said}");
    let hint = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("try: fiveways "));
    let hint = hint.unwrap_or_else(|| panic!("no hint: {said}"));
    let typed: Vec<&str> = hint.split(' ').collect();
    let output = place.run(&typed);
    assert_eq!(output.status.code(), Some(0), "{hint}: {output:?}");
    let results = read(&place, "out");
    assert_eq!(results.passes.len(), results.run.passes.len());
}

#[test]
fn verbs_that_find_their_own_way_go_on_with_it() {
    let place = Place::new();
    let duel = [
        "duel",
        "event-loop",
        "thread-pool",
        "--precision",
        "60%",
        "--budget",
        "8s",
    ];
    let search = [
        "capacity",
        "event-loop",
        "--window",
        "100ms",
        "--rounds",
        "1",
    ];
    for (out, words) in [("duel", &duel[..]), ("search", &search)] {
        let asked = [words, &["--out", out]].concat();
        broken_off(&place, &asked, out, 2, Signal::SIGKILL);
        let before = read(&place, out).passes.len();
        let output = place.run(&["resume", out, "--json"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{out}: {said}");
        let results = read(&place, out);
        assert!(results.passes.len() > before, "{out}");
        assert_eq!(recorded(&results), planned(&results.run.passes), "{out}");
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("an object");
        let key = if out == "duel" { "pairs" } else { "capacities" };
        assert!(told[key].is_array(), "{out}: {told}");
    }
    place.assert_nothing_left(&[]);
}
