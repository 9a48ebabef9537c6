//! Bad input gets a sentence and what to type next; never a panic, never a half-begun run.

use std::io::Read;
use std::process::Stdio;

use crate::support::{Place, ends, idle, rr};

/// Runs, and returns status, standard output and standard error.
fn run(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = place.run(arguments);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn mistakes_on_the_command_line_are_told_with_what_was_meant() {
    let place = Place::new();
    for (arguments, words) in [
        (
            &["run", "quikc"][..],
            &["no suite or .toml file `quikc`", "try: `quick`"][..],
        ),
        (
            &["run", "missing.toml"],
            &["missing.toml cannot be read", "No such file"],
        ),
        (
            &["run", "--only", "event-lop"],
            &["no contender that matches `event-lop`", "`event-loop`"],
        ),
        (&["run", "--only", "("], &["`(` is no regular expression"]),
        (
            &["run", "--scenario", "rr-9"],
            &["no scenario of quick matches `rr-9`", "rr-50"],
        ),
        (
            &["run", "--with", "mine"],
            &[
                "--with mine cannot be read",
                "--with mine='./my-server {port}'",
            ],
        ),
        (
            &["run", "--with", "mine=./server"],
            &["where the port goes"],
        ),
        (
            &["run", "--with", "tokio=./server {port}"],
            &["two contenders are called `tokio`"],
        ),
        (&["run", "--rounds", "0"], &["--rounds"]),
        (
            &["explain", "client-bond"],
            &[
                "nothing here is called `client-bond`",
                "fiveways explain client-bound",
            ],
        ),
        (&["explain", "C1", "--lang", "fr"], &["no text in `fr`"]),
        (
            &["report", "nowhere"],
            &[
                "nowhere cannot be read",
                "a folder that `fiveways run` has written",
            ],
        ),
        (&["report"], &["no results here", "fiveways run"]),
        (&["reprt"], &["unrecognized subcommand", "'report'"]),
    ] {
        let (status, stdout, stderr) = run(&place, arguments);
        assert_eq!(status, Some(2), "{arguments:?}: {stdout}{stderr}");
        for word in words {
            assert!(
                stderr.contains(word),
                "{arguments:?} does not say {word:?}: {stderr}"
            );
        }
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
    assert!(!place.path("results").exists());
}

#[test]
fn a_mistake_in_a_suite_is_told_with_file_line_and_column() {
    let place = Place::new();
    let good = rr("rr", 5, "20ms", "40ms", 1);
    for (from, to, words) in [
        (
            "connections",
            "conections",
            &["suite.toml:8:1", "did you mean `connections`"][..],
        ),
        (
            "\"rr\"\nconn",
            "\"rrr\"\nconn",
            &["suite.toml:7:12", "did you mean `rr`"],
        ),
        (
            "connections = 5",
            "connections = 0",
            &["suite.toml:3:1", "at least 1"],
        ),
        ("connections = 5", "connections = \"5\"", &["suite.toml:8:"]),
        ("connections = 5", "connections = ", &["suite.toml:8:"]),
        (
            "workers = \"connections\"",
            "workers = \"many\"",
            &["suite.toml:9:", "or \"connections\""],
        ),
        ("20ms", "20 parsecs", &["suite.toml:"]),
        (
            "name = \"rr\"",
            "name = \"Rr 1\"",
            &["suite.toml:3:1", "a-z, 0-9"],
        ),
        (
            "server_cpus = 1",
            "server_cpus = 4096",
            &["scenario rr cannot be placed", "physical cores"],
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let path = place.suite(&good.replacen(from, to, 1));
        let (status, _, stderr) = run(
            &place,
            &[
                "run",
                path.to_str().expect("UTF-8"),
                "--only",
                "^event-loop$",
            ],
        );
        assert_eq!(status, Some(2), "{to}: {stderr}");
        for word in words {
            assert!(
                stderr.contains(word),
                "{to} does not say {word:?}: {stderr}"
            );
        }
    }
    let file = place.write(
        "c.toml",
        "[[contender]]\nname = \"x\"\ncomand = [\"x\", \"{port}\"]\n",
    );
    let (status, _, stderr) = run(
        &place,
        &["run", "--contenders", file.to_str().expect("UTF-8")],
    );
    assert_eq!(status, Some(2));
    assert!(
        stderr.contains("c.toml:3:1") && stderr.contains("did you mean `command`"),
        "{stderr}"
    );
}

#[test]
fn an_error_is_one_object_with_json() {
    let place = Place::new();
    let (status, stdout, _) = run(&place, &["run", "nothing", "--json"]);
    let object: serde_json::Value = serde_json::from_str(&stdout).expect("one object");
    assert_eq!(status, Some(2));
    for key in ["error", "phase", "cause", "hint"] {
        assert!(object.get(key).is_some(), "{stdout}");
    }
}

#[test]
fn a_run_with_json_prints_the_summary_and_where_the_results_are() {
    let place = Place::new();
    let (output, _) = place.measure(&idle("idle", 3, ""), &["--only", "^event-loop$", "--json"]);
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(
        (&object["schema"], &object["results"]),
        (&"fiveways-summary/1".into(), &"out".into())
    );
}

#[test]
fn results_are_never_edited_and_an_unwritable_folder_is_told() {
    let place = Place::new();
    let scenario = idle("idle", 3, "");
    place.measure(&scenario, &["--only", "^event-loop$"]);
    let suite = place.suite(&scenario);
    let suite = suite.to_str().expect("UTF-8");
    let before = std::fs::read(place.path("out/records.jsonl")).expect("records");
    let (status, _, stderr) = run(
        &place,
        &["run", suite, "--only", "^event-loop$", "--out", "out"],
    );
    assert_eq!(status, Some(1), "{stderr}");
    assert!(
        stderr.contains("never edited") && stderr.contains("--out"),
        "{stderr}"
    );
    assert_eq!(
        std::fs::read(place.path("out/records.jsonl")).expect("records"),
        before
    );
    let (status, _, stderr) = run(
        &place,
        &[
            "run",
            suite,
            "--only",
            "^event-loop$",
            "--out",
            "/proc/nowhere",
        ],
    );
    assert_eq!(status, Some(1), "{stderr}");
    assert!(
        stderr.contains("/proc/nowhere") && stderr.contains("try: --out"),
        "{stderr}"
    );
}

#[test]
fn a_damaged_record_is_named_and_the_others_are_kept() {
    let place = Place::new();
    let (_, results) = place.measure(&idle("idle", 3, ""), &["--only", "^event-loop$"]);
    let path = place.path("out/records.jsonl");
    let mut text = std::fs::read_to_string(&path).expect("records");
    text.insert_str(0, "{\"schema\": torn\n");
    std::fs::write(&path, text).expect("writable");
    let (status, _, stderr) = run(&place, &["report", "out"]);
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stderr.contains("records.jsonl line 1"), "{stderr}");
    assert_eq!(
        place.summary().estimates[0].rounds as usize,
        results.passes.len()
    );
}

#[test]
fn the_same_records_give_the_same_bytes() {
    let place = Place::new();
    place.measure(
        &rr("rr", 50, "20ms", "200ms", 3),
        &["--only", "^(event-loop|thread-pool)$"],
    );
    // Which charts there are depends on how busy the machine was.
    let charts = std::fs::read_dir(place.path("out/charts")).expect("charts");
    let charts = charts.map(|it| it.expect("readable").file_name());
    let charts = charts.map(|name| format!("charts/{}", name.display()));
    let pages = ["summary.json", "summary.csv", "README.md", "report.html"];
    let names: Vec<String> = pages.map(str::to_owned).into_iter().chain(charts).collect();
    assert!(names.iter().any(|name| name.ends_with(".png")), "{names:?}");
    let read = |name: &String| std::fs::read(place.path("out").join(name)).expect(name);
    let before: Vec<Vec<u8>> = names.iter().map(read).collect();
    assert!(place.run(&["report", "out"]).status.success());
    for (name, before) in names.iter().zip(before) {
        assert!(read(name) == before, "{name} changed");
    }
}

#[test]
fn a_reader_who_leaves_is_no_panic() {
    let place = Place::new();
    let suite = place.suite(&idle("idle", 3, ""));
    let arguments = [
        "run",
        suite.to_str().expect("UTF-8"),
        "--only",
        "^event-loop$",
        "--out",
        "out",
    ];
    let mut child = place
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("fiveways runs");
    drop(child.stdout.take());
    let status = ends(&mut child);
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut stderr)
        .expect("text");
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(place.path("out/report.html").exists());
}

#[test]
fn a_missing_program_is_skipped_by_name() {
    let place = Place::new();
    let file = place.write(
        "c.toml",
        "[[contender]]\nname = \"nobody\"\ncommand = [\"nobody\", \"{port}\"]\nrequires = [\"no-such-program\"]\n",
    );
    let file = file.to_str().expect("UTF-8");
    let (output, results) = place.measure(
        &idle("idle", 3, ""),
        &["--contenders", file, "--only", "^(nobody|event-loop)$"],
    );
    assert_eq!(output.status.code(), Some(0));
    let entrant = results
        .run
        .entrants
        .iter()
        .find(|one| one.name == "nobody")
        .expect("listed");
    assert_eq!(
        entrant.skipped.as_deref(),
        Some("no-such-program is not installed")
    );
    let report = std::fs::read_to_string(place.path("out/report.html")).expect("a report");
    assert!(report.contains("no-such-program is not installed"));
}
