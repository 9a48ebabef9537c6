//! `doctor` through the built program: on this machine, and on ones that hide what it would like to see.

use std::process::{Command, Output, Stdio};

use crate::support::{Place, idle, rr};
use serde_json::Value;

const YARDSTICKS: [&str; 8] = [
    "first-touch",
    "copy-on-write",
    "switch",
    "wake-up",
    "tcp-spinning",
    "tcp-blocking",
    "fork",
    "thread",
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The object that `doctor --json` prints.
fn object(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
}

/// fiveways with these arguments where `hide` was done to the mounts: in mount and user namespaces of its own.
fn hidden(place: &Place, hide: &str, arguments: &[&str]) -> Output {
    let ours = place.command(arguments);
    let program = ours.get_program().to_owned();
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg(format!("{hide} && exec \"$@\""))
        .arg("sh")
        .arg(program)
        .args(arguments)
        .current_dir(place.path(""))
        .stdin(Stdio::null());
    for (name, value) in ours.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.output().expect("unshare(1) runs")
}

#[test]
fn this_machine_is_looked_over_and_each_finding_says_why() {
    let place = Place::new();
    let object = object(&place.run(&["doctor", "--json"]));
    let findings = object["findings"].as_array().expect("findings");
    assert!(findings.len() > 10);
    for finding in findings {
        for part in ["about", "state", "stands", "why"] {
            assert!(
                finding[part].as_str().is_some_and(|it| !it.is_empty()),
                "{finding}"
            );
        }
        let is_change = finding["state"] == "worth changing";
        assert_eq!(finding["command"].is_string(), is_change, "{finding}");
    }
    let facts = object["host"]["facts"].as_array().expect("facts");
    assert!(facts.len() > 60);
    for fact in facts {
        assert_ne!(
            fact["value"].is_string(),
            fact["reason"].is_string(),
            "{fact}"
        );
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn a_terminal_of_80_columns_holds_it_and_no_color_is_obeyed() {
    let place = Place::new();
    for arguments in [&["doctor"][..], &["doctor", "--all"]] {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let page = text(&output.stdout);
        assert!(!page.contains('\u{1b}'), "a pipe is no terminal");
        let wide =
            |line: &&str| line.chars().count() > 80 && !line.trim_start().starts_with("do: ");
        assert_eq!(page.lines().find(wide), None);
        assert!(page.contains("What its parts take"), "{page}");
        assert_eq!(page.contains("net.ipv4.tcp_rmem"), arguments.len() == 2);
    }
}

#[test]
fn a_run_begins_with_yardsticks_and_ends_with_what_cannot_be_shown() {
    let place = Place::new();
    let only = ["--only", "^(event-loop|iterative)$"];
    let (output, results) = place.measure(&rr("rr", 1, "20ms", "100ms", 1), &only);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let run = &results.run;
    let names: Vec<&str> = run.yardsticks.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, YARDSTICKS);
    let across = run.host.cores > 1;
    for it in &run.yardsticks {
        let needs_two = it.name.starts_with("tcp") || it.name == "wake-up";
        assert_eq!(it.samples.is_some(), across || !needs_two, "{it:?}");
        assert_ne!(it.samples.is_some(), it.reason.is_some(), "{it:?}");
        let samples = it
            .samples
            .as_ref()
            .map(|it| it.decode().expect("a histogram"));
        assert!(
            samples.is_none_or(|it| !it.is_empty() && it.min() > 0),
            "{}",
            it.name
        );
    }
    for pass in &results.passes {
        for instant in [&pass.host.before, &pass.host.after] {
            assert!(instant.wall_offset_ns.is_some() && instant.suspended_ns.is_some());
        }
    }
    let read = |name: &str| std::fs::read_to_string(place.path("out").join(name)).expect(name);
    for page in ["README.md", "report.html"] {
        let page = read(page);
        assert!(page.contains("What this machine cannot show"));
        assert!(page.contains("More than one server core") && page.contains("Yardsticks"));
    }
    assert!(place.path("out/charts/yardsticks.png").exists());
    assert!(text(&output.stdout).contains("cannot be shown here: more than one server core"));
    place.assert_nothing_left(&[]);
}

#[test]
fn without_sys_each_missing_figure_says_why_and_the_suite_runs() {
    let place = Place::new();
    let hide = "mount -t tmpfs none /sys";
    let object = object(&hidden(&place, hide, &["doctor", "--json"]));
    let facts = object["host"]["facts"].as_array().expect("facts");
    let fact = |name: &str| {
        let found = facts.iter().find(|fact| fact["name"] == name);
        found.unwrap_or_else(|| panic!("no fact {name}"))
    };
    for (name, file) in [
        ("clock.source", "/sys/devices/system/clocksource"),
        ("cpu.caches", "/sys/devices/system/cpu"),
        (
            "huge_pages.enabled",
            "/sys/kernel/mm/transparent_hugepage/enabled",
        ),
        ("sched.switch_events", "/sys/kernel/tracing"),
    ] {
        let reason = fact(name)["reason"].as_str().unwrap_or_default();
        assert!(
            fact(name)["value"].is_null() && reason.contains(file),
            "{}",
            fact(name)
        );
    }
    assert!(
        fact("net.core.somaxconn")["value"].is_string(),
        "/proc is there"
    );
    let cgroup = object["host"]["cgroup"].as_str().expect("a reason");
    assert_ne!(cgroup, "one a server");

    let suite = place.suite(&(rr("rr", 2, "20ms", "100ms", 3) + &idle("idle", 2, "")));
    let suite = suite.to_str().expect("UTF-8");
    let run = ["run", suite, "--out", "out", "--only", "^event-loop$"];
    let output = hidden(&place, hide, &run);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let summary = place.summary();
    let cpu = crate::support::value(&summary, "event-loop", "rr", "cpu_us_per_request");
    assert!(cpu > 0.0, "by /proc or wait4");
    let split = crate::support::estimate(&summary, "event-loop", "rr", "cpu_us_per_request_user");
    assert!(split.value.is_none());
    assert!(
        split
            .reason
            .as_ref()
            .is_some_and(|why| why.contains("cgroup v2")),
        "{split:?}"
    );
    place.assert_nothing_left(&[]);
}

#[test]
fn files_that_may_not_be_read_are_named_with_the_error() {
    let place = Place::new();
    // A folder in the place of a file: reading it fails for everybody, root included.
    let hide = "mkdir -p dir/deep && mount --bind dir /proc/sys/net/core";
    let object = object(&hidden(&place, hide, &["doctor", "--json"]));
    let findings = object["findings"].as_array().expect("findings");
    let queue = findings
        .iter()
        .find(|it| it["about"] == "accept queue")
        .expect("a finding");
    assert_eq!(queue["state"], "cannot be changed here");
    let stands = queue["stands"].as_str().unwrap_or_default();
    assert!(
        stands.contains("there is no /proc/sys/net/core/somaxconn"),
        "{stands}"
    );
}
