//! A model that the kernel denies is skipped, with the cause, and the others go on.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{BRIEFLY, Place, program, rr};
use record::Outcome;

/// Runs fiveways where io_uring is not allowed, as in most containers.
fn without_io_uring(place: &Place, arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../servers/tests/contract/denied.py");
    Command::new("python3")
        .arg(script)
        .args(["io_uring_setup", program()])
        .args(arguments)
        .current_dir(place.path("."))
        .env("FIVEWAYS_LOCK", place.lock())
        .env(BRIEFLY.0, BRIEFLY.1)
        .stdin(Stdio::null())
        .output()
        .expect("python3 runs")
}

#[test]
fn io_uring_is_skipped_where_it_is_not_allowed_and_others_run() {
    let place = Place::new();
    let output = without_io_uring(&place, &["list"]);
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    // What does not fit in a line goes on in the next.
    let words: Vec<&str> = listed.split_whitespace().collect();
    let words = words.join(" ");
    let denied = "io-uring event-driven skipped: io-uring: io_uring is not to be had here";
    assert!(words.contains(denied), "{listed}");
    assert!(
        words.contains("event-loop event-driven any number"),
        "{listed}"
    );

    let suite = place.suite(&rr("rr", 4, "20ms", "40ms", 1));
    let suite = suite.to_str().expect("UTF-8");
    let words = [
        "run",
        suite,
        "--only",
        "^(io-uring|event-loop)$",
        "--out",
        "out",
    ];
    let output = without_io_uring(&place, &words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let results = record::read_results(&place.path("out")).expect("it recorded");
    let mut passes = results
        .passes
        .iter()
        .map(|pass| (pass.contender.as_str(), pass.outcome));
    assert!(passes.any(|pass| pass == ("event-loop", Outcome::Ok)));
    let mut entrants = results.run.entrants.iter();
    let denied = entrants
        .find(|one| one.name == "io-uring")
        .expect("it is named");
    let reason = denied.skipped.as_deref().expect("why");
    assert!(reason.contains("kernel.io_uring_disabled"), "{reason}");
}
