//! Two at once on one host: the second waits and says for whom, or measures beside and says so in its records; and what
//! a killed one has left is ended.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Stdio};

use crate::support::{Place, ends, estimate, idle, parent, rr, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use record::Results;

/// A run that goes on until it is ended, into `first`; some of it is recorded.
fn first(place: &Place) -> Child {
    let suite = place.suite(&rr("rr", 4, "20ms", "200ms", 500));
    let suite = suite.display().to_string();
    let words = ["run", &suite, "--only", "^event-loop$", "--out", "first"];
    let mut command = place.command(&words);
    let harness = command.stdout(Stdio::null()).stderr(Stdio::null());
    let harness = harness.spawn().expect("fiveways runs");
    let records = place.path("first/records.jsonl");
    let recorded = || std::fs::metadata(&records).ok().filter(|it| it.len() > 0);
    wait_for(recorded, "a record");
    harness
}

/// A short run, into `second`, with these flags.
fn second(place: &Place, flags: &[&str]) -> (Child, BufReader<ChildStderr>) {
    let scenario = format!(
        "question = \"?\"\nreference = \"event-loop\"\n{}",
        idle("idle", 4, "")
    );
    let suite = place.write("second.toml", &scenario).display().to_string();
    let words = ["run", &suite, "--only", "^event-loop$", "--out", "second"];
    let mut command = place.command(&[&words, flags].concat());
    let harness = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut harness = harness.spawn().expect("fiveways runs");
    let stderr = harness.stderr.take().expect("a pipe");
    (harness, BufReader::new(stderr))
}

/// Reads up to the line that holds this, and returns what was read.
fn said_up_to(stderr: &mut BufReader<ChildStderr>, words: &str) -> String {
    let mut said = String::new();
    while !said.contains(words) {
        let read = stderr.read_line(&mut said).expect("text");
        assert!(read > 0, "it ended without {words:?}: {said}");
    }
    said
}

fn end(harness: &mut Child) {
    kill(Pid::from_raw(harness.id() as i32), Signal::SIGINT).expect("a child of ours");
    assert_eq!(ends(harness).code(), Some(130));
}

fn read(place: &Place, out: &str) -> Results {
    record::read_results(&place.path(out)).expect("records")
}

#[test]
fn the_second_waits_and_says_for_whom_and_how_long() {
    let place = Place::new();
    let mut first = first(&place);
    let (mut second, mut stderr) = second(&place, &[]);
    let said = said_up_to(&mut stderr, "left by its plan");
    let who = format!(
        "waiting for fiveways run suite.toml, process {}, since ",
        first.id()
    );
    assert!(said.contains(&who), "{said}");
    let said = said_up_to(&mut stderr, "Ctrl-C");
    assert!(said.contains("--now"), "{said}");
    assert!(!place.path("second").exists(), "nothing is begun");
    end(&mut first);
    let said = said_up_to(&mut stderr, "waited ");
    assert!(!said.contains("was killed"), "it was not: {said}");
    assert_eq!(ends(&mut second).code(), Some(0));
    let alone = |results: Results| results.passes.iter().all(|pass| !pass.host.beside);
    assert!(alone(read(&place, "first")) && alone(read(&place, "second")));
    place.assert_nothing_left(&[]);
}

#[test]
fn whoever_waits_may_give_up() {
    let place = Place::new();
    let mut first = first(&place);
    let (mut second, mut stderr) = second(&place, &[]);
    said_up_to(&mut stderr, "Ctrl-C");
    end(&mut second);
    let said = said_up_to(&mut stderr, "nothing was measured");
    assert!(said.contains("interrupted while waiting"), "{said}");
    assert!(!place.path("second").exists());
    end(&mut first);
    place.assert_nothing_left(&[]);
}

#[test]
fn who_measures_beside_another_marks_the_cells_of_both() {
    let place = Place::new();
    let mut first = first(&place);
    let before = read(&place, "first").passes.len();
    let (mut second, mut stderr) = second(&place, &["--now"]);
    let said = said_up_to(&mut stderr, "host-noisy");
    assert!(said.contains(&format!("process {}", first.id())), "{said}");
    assert_eq!(ends(&mut second).code(), Some(0));
    let results = read(&place, "second");
    assert!(results.passes.iter().all(|pass| pass.host.beside));
    let text = std::fs::read_to_string(place.path("second/summary.json")).expect("a summary");
    let summary = serde_json::from_str(&text).expect("a summary");
    // Two may measure, and not write to one folder.
    let output = place.run(&["resume", "first", "--now"]);
    let refused = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{refused}");
    assert!(
        refused.contains("another fiveways writes to first"),
        "{refused}"
    );
    let weighed = estimate(&summary, "event-loop", "idle", "pss_bytes");
    assert_eq!(weighed.verdict, "host-noisy");
    let reason = weighed.reason.as_deref().unwrap_or_default();
    assert!(reason.contains("another fiveways"), "{reason}");
    end(&mut first);
    let first = read(&place, "first");
    let disturbed = |pass: &record::Pass| pass.host.beside;
    assert!(!first.passes[..before].iter().any(disturbed));
    assert!(first.passes[before..].iter().any(disturbed));
    place.assert_nothing_left(&[]);
}

#[test]
fn what_a_killed_one_has_left_is_ended_first() {
    let place = Place::new();
    let mut first = first(&place);
    let below = |above: &[i32]| -> Vec<i32> {
        let is_below = |pid: &i32| parent(*pid).is_some_and(|it| above.contains(&it));
        place.marked().into_iter().filter(is_below).collect()
    };
    let agents = below(&[first.id() as i32]);
    assert_eq!(agents.len(), 2);
    // A keeper that is stopped cannot end its server, and its agent waits for it. (An agent that is stopped is hung up
    // on by the kernel as soon as its harness is gone.)
    let stopped = || {
        let keeper = below(&agents).into_iter().next()?;
        kill(Pid::from_raw(keeper), Signal::SIGSTOP).ok()
    };
    wait_for(stopped, "a keeper");
    first.kill().expect("a child of ours");
    first.wait().expect("a child of ours");
    let (mut second, mut stderr) = second(&place, &[]);
    let said = said_up_to(&mut stderr, "was killed while it measured");
    let who = format!("process {} (run suite.toml)", first.id());
    assert!(said.contains(&who), "{said}");
    assert!(said.contains("of it were left, and have ended"), "{said}");
    assert_eq!(ends(&mut second).code(), Some(0));
    place.assert_nothing_left(&agents);
    // The next one finds a lock that says nothing.
    let lock = std::fs::read_to_string(place.lock()).expect("a lock");
    assert_eq!(lock, "");
}

#[test]
fn a_lock_that_is_anybodys_or_nobodys_harms_nobody() {
    let place = Place::new();
    let own = std::process::id();
    for lock in [
        "not what a lock says",
        "{\"pid\": 1, \"start\": 1, \"boot\": \"of another day\", \"agents\": [[1, 1]]}",
        &format!("{{\"pid\": {own}, \"start\": 1, \"agents\": [[{own}, 1]]}}"),
    ] {
        std::fs::write(place.lock(), lock).expect("writable");
        let (mut second, _stderr) = second(&place, &[]);
        assert_eq!(ends(&mut second).code(), Some(0), "{lock}");
        std::fs::remove_dir_all(place.path("second")).expect("results");
    }
}
