//! The labs through the built program: every mechanism yields what it should or says why not, what is seen is
//! what the kernel does, mistakes are told, and nothing is left of it, whoever is killed.

use std::process::Stdio;

use crate::support::{Place, command_line, ends, parent, passes, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use record::{Findings, Outcome, PassKind};

/// A lab of these mechanisms; `own` are the fields that only its kind has.
fn lab(name: &str, kind: &str, mechanisms: &str, own: &str, window: &str) -> String {
    format!(
        "[[lab]]\nname = \"{name}\"\ntitle = \"t\"\nquestion = \"q\"\nlab = \"{kind}\"\n\
         mechanisms = [\"{mechanisms}\"]\nwhere = \"same-core\"\nwindow = \"{window}\"\nrounds = 1\n{own}\n"
    )
}

fn findings(pass: &record::Pass) -> &Findings {
    let found = pass.lab.as_ref();
    found.unwrap_or_else(|| panic!("{}: {:?}", pass.contender, pass.cause))
}

#[test]
fn every_way_to_start_yields_both_instants_or_says_why_not() {
    let place = Place::new();
    let suite = lab(
        "base",
        "spawn",
        "all",
        "state_mib = 1\ndescriptors = 10",
        "20ms",
    );
    let (output, results) = place.measure(&suite, &[]);
    assert!(output.status.success(), "{output:?}");
    assert!(results.passes.len() >= 14, "{}", results.passes.len());
    for pass in &results.passes {
        assert_eq!((pass.pass, pass.family.as_str()), (PassKind::Lab, "spawn"));
        if pass.outcome == Outcome::Skipped {
            assert!(pass.cause.is_some(), "{}", pass.contender);
            continue;
        }
        let found = findings(pass);
        assert!(
            found.times >= 5 && found.verified == found.times,
            "{}",
            pass.contender
        );
        let middle = |name: &str| {
            let stored = &found.histograms[name];
            stored.decode().expect("our own").mean()
        };
        assert!(
            middle("spawn_ns") <= middle("reap_ns"),
            "{}",
            pass.contender
        );
        if pass.contender.starts_with("node-") {
            assert_eq!(found.figures["node_spawn_entries_per_call"], 1.0);
        }
    }
    let summary = place.summary();
    assert!(
        summary
            .estimates
            .iter()
            .all(|it| it.value.is_some() || it.reason.is_some())
    );
    place.assert_nothing_left(&[]);
}

#[test]
fn the_trace_names_the_calls_that_make_a_child() {
    let place = Place::new();
    let all = lab("base", "spawn", "all", "", "1ms");
    let only = "^(fork|clone3-pidfd|posix-spawn|fork-exec|std-command|sh-c|thread-std|vfork)$";
    let (_, results) = place.measure(&all, &["--only", only]);
    let calls = |mechanism: &str| {
        let pass = passes(&results, mechanism, "base")[0];
        let found = findings(pass);
        let said = found.seen.get("calls").or(found.missing.get("calls"));
        said.cloned().unwrap_or_default()
    };
    if calls("fork").starts_with("ptrace: ") {
        // Some containers do not allow it; then the record says so.
        return;
    }
    assert!(!calls("fork").contains("CLONE_VM"), "{}", calls("fork"));
    assert!(
        calls("vfork").contains("CLONE_VM | CLONE_VFORK"),
        "{}",
        calls("vfork")
    );
    assert!(
        calls("clone3-pidfd").contains("CLONE_PIDFD"),
        "{}",
        calls("clone3-pidfd")
    );
    for spawning in ["posix-spawn", "std-command", "sh-c"] {
        let calls = calls(spawning);
        assert!(
            calls.contains("CLONE_VFORK") && calls.contains("execve"),
            "{spawning}: {calls}"
        );
    }
    assert!(
        calls("sh-c").matches("execve").count() >= 2,
        "{}",
        calls("sh-c")
    );
    assert!(
        !calls("fork-exec").contains("CLONE_VM"),
        "{}",
        calls("fork-exec")
    );
    assert!(
        calls("thread-std").contains("CLONE_THREAD"),
        "{}",
        calls("thread-std")
    );
}

#[test]
fn a_fork_copies_page_tables_at_once_and_pages_when_they_are_written_to() {
    const MIB: f64 = 1_048_576.0;
    let place = Place::new();
    let suite = lab("some", "spawn", "fork", "state_mib = 64", "1ms")
        + &lab("none", "spawn", "fork", "state_mib = 0", "1ms");
    let (_, results) = place.measure(&suite, &[]);
    let some = &findings(passes(&results, "fork", "some")[0]).figures;
    // 64 MiB in pages of 4 KiB: 128 KiB of tables, beside those of the program.
    assert!(some["child_page_table_bytes"] >= 128.0 * 1024.0, "{some:?}");
    assert!(some["both_rss_bytes"] >= 2.0 * 64.0 * MIB, "{some:?}");
    assert!(some["both_pss_bytes"] < 1.5 * 64.0 * MIB, "{some:?}");
    let copied = some["both_pss_bytes_written"] - some["both_pss_bytes"];
    assert!((copied - 16.0 * MIB).abs() < 2.0 * MIB, "{copied}");
    assert!(some["first_write_ns"] > 0.0);
    let none = findings(passes(&results, "fork", "none")[0]);
    assert!(
        none.missing.contains_key("first_write_ns") && !none.figures.contains_key("first_write_ns")
    );
}

#[test]
fn a_parent_holds_what_the_lab_says_and_says_so_where_it_cannot() {
    let place = Place::new();
    let suite = lab(
        "much",
        "spawn",
        "fork",
        "threads = 4\ndescriptors = 500",
        "1ms",
    ) + &lab("toomuch", "spawn", "fork", "state_mib = 65536", "1ms");
    let (output, results) = place.measure(&suite, &["--scenario", "^much$"]);
    assert!(output.status.success(), "{output:?}");
    let found = findings(passes(&results, "fork", "much")[0]);
    // A parent with threads cannot be copied and led: that part is missing, with the reason.
    assert!(
        found.missing["first_write_ns"].contains("threads"),
        "{:?}",
        found.missing
    );
}

#[test]
fn calls_shares_and_evidence_are_findings_of_their_kind() {
    let place = Place::new();
    let suite = lab("calls", "call", "all", "", "5ms")
        + &lab("shares", "share", "all", "tasks = 4", "300ms")
        + &lab("evidence", "evidence", "all", "", "1ms");
    let (output, results) = place.measure(&suite, &[]);
    assert!(output.status.success(), "{output:?}");
    let calls = results.passes.iter().filter(|it| it.family == "call");
    let middle = |name: &str| {
        let mut calls = calls.clone();
        let pass = calls.find(|it| it.contender == name).expect(name);
        let stored = &findings(pass).histograms["call_ns"];
        stored.decode().expect("our own").value_at_quantile(0.5)
    };
    assert!(calls.clone().count() >= 11);
    // What delivers a message does more than what reads it, and that more than nothing.
    assert!(middle("call-sendto") > middle("call-recvfrom"));
    assert!(middle("call-recvfrom") > middle("call-entry"));
    assert!(2 * middle("call-epoll-wait-16") > 3 * middle("call-epoll-wait"));
    let found = |name: &str| results.passes.iter().find(|it| it.contender == name);
    let shares = &findings(found("busy-threads").expect("planned")).figures;
    assert!((0.25..=1.0).contains(&shares["jain_cpu"]), "{shares:?}");
    let signals = &findings(found("terminal-signals").expect("planned")).figures;
    assert_eq!(signals["ctrl_c_signal"], 2.0);
    assert_eq!(
        (signals["ctrl_c_from_kernel"], signals["kill_signal"]),
        (1.0, 9.0)
    );
    assert_eq!(signals["kill_handler_errno"], 22.0);
    let channel = found("node-channel-sockets");
    if let Some(pass) = channel.filter(|it| it.outcome == Outcome::Ok) {
        let figures = &findings(pass).figures;
        let both = (
            figures["channel_domain_parent"],
            figures["channel_domain_child"],
        );
        assert_eq!(both, (1.0, 1.0), "{:?}", findings(pass).seen);
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn a_token_comes_round_and_what_is_not_the_switch_is_told() {
    let place = Place::new();
    let own = "tasks = 5\nworking_set_kib = 4";
    let (output, results) = place.measure(&lab("ring", "switch", "all", own, "20ms"), &[]);
    assert!(output.status.success(), "{output:?}");
    for mechanism in ["process-ring", "thread-ring"] {
        let found = findings(passes(&results, mechanism, "ring")[0]);
        assert!(
            found.times > 0 && found.verified >= 5 * found.times,
            "{found:?}"
        );
        assert!(found.figures["overhead_ns"] > 0.0);
    }
    let tasks = findings(passes(&results, "task-ring", "ring")[0]);
    assert!(
        tasks.times > 0 && tasks.verified >= 5 * tasks.times,
        "{tasks:?}"
    );
    assert_eq!(tasks.figures["overhead_ns"], 0.0, "it has no pipes");
    place.assert_nothing_left(&[]);
}

#[test]
fn a_mistake_in_a_lab_is_told_with_what_was_meant() {
    let place = Place::new();
    let good = lab("base", "spawn", "fork", "state_mib = 1", "1ms");
    for (from, to, words) in [
        ("state_mib", "stat_mib", &["did you mean `state_mib`"][..]),
        ("\"spawn\"", "\"spwan\"", &["did you mean `spawn`"]),
        (
            "\"fork\"",
            "\"frok\"",
            &["mechanism of the spawn lab `frok`", "`fork`"],
        ),
        (
            "state_mib = 1",
            "tasks = 3",
            &["suite.toml:3:1", "belongs to lab = \"switch\""],
        ),
        (
            "rounds = 1",
            "rounds = 0",
            &["suite.toml:3:1", "at least 1"],
        ),
        ("same-core", "same-cor", &["did you mean `same-core`"]),
        ("\"base\"", "\"Base 1\"", &["a-z, 0-9"]),
    ] {
        assert!(good.contains(from), "{from}");
        let path = place.suite(&good.replacen(from, to, 1));
        let output = place.run(&["run", path.to_str().expect("UTF-8")]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{to}: {stderr}");
        for word in words {
            assert!(
                stderr.contains(word),
                "{to} does not say {word:?}: {stderr}"
            );
        }
    }
}

/// Whom a signal hits.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Harness,
    Agent,
    Subject,
    Everybody,
}

#[test]
fn whoever_is_killed_in_a_lab_nothing_is_left() {
    for victim in [
        Victim::Harness,
        Victim::Agent,
        Victim::Subject,
        Victim::Everybody,
    ] {
        let place = Place::new();
        let suite = lab("ring", "switch", "process-ring", "tasks = 16", "30s");
        let path = place.suite(&suite).display().to_string();
        let mut command = place.command(&["run", &path, "--out", "out"]);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut harness = command.spawn().expect("fiveways runs");
        // The subject is the child of an agent; the ring's processes are its children.
        let subject = wait_for(|| subject(&place), "the ring");
        let agent = parent(subject).expect("it lives");
        let hit: Vec<i32> = match victim {
            Victim::Harness => vec![harness.id() as i32],
            Victim::Agent => vec![agent],
            Victim::Subject => vec![subject],
            Victim::Everybody => vec![harness.id() as i32, agent, subject],
        };
        for pid in hit {
            // ESRCH: gone with the one before.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let status = ends(&mut harness);
        let expected = match victim {
            Victim::Harness | Victim::Everybody => None,
            Victim::Agent => Some(1),
            Victim::Subject => Some(3),
        };
        assert_eq!(status.code(), expected, "{victim:?}");
        place.assert_nothing_left(&[]);
    }
}

/// The process that has the whole ring for children.
fn subject(place: &Place) -> Option<i32> {
    let marked = place.marked();
    let children = |of: i32| {
        marked
            .iter()
            .filter(|pid| parent(**pid) == Some(of))
            .count()
    };
    let mut all = marked.iter().copied();
    // An agent has children, too, while it finds out what a kernel stack weighs.
    let is_agents = |pid: i32| parent(pid).is_some_and(|it| command_line(it).contains("agent"));
    all.find(|&pid| is_agents(pid) && children(pid) == 15)
}
