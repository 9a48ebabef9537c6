//! A process of a server is struck while it serves: who is hit, what is lost, who goes on, and that nothing is left.

use crate::support::{Place, alone, estimate, passes, shared, value};
use record::{Outcome, Pass, Results, Role, Struck};

/// Four clients that keep their connections, four workers, and a fault.
fn scenario(name: &str, fault: &str) -> String {
    format!(
        "[[scenario]]\nname = \"{name}\"\ntitle = \"{name}\"\nquestion = \"q?\"\nworkload = \"rr\"\n\
         pace = {{ constant = 1000 }}\nconnections = 4\nworkers = 4\nserver_cpus = 1\nfault = {{ {fault} }}\n\
         timeout = \"200ms\"\nmeasure = \"solo\"\nwarmup = \"50ms\"\nwindow = \"1500ms\"\nrounds = 1\n"
    )
}

const WORKER_KILLED: &str = r#"strike = "worker", signal = "KILL", at = "400ms""#;
const WORKER_STOPPED: &str = r#"strike = "worker", signal = "STOP", at = "400ms", mend = "500ms""#;
const PARENT_KILLED: &str = r#"strike = "parent", signal = "KILL", at = "400ms""#;

/// Under their own names with `marked-` before them: whatever comes of them bears the place's mark.
fn measure(place: &Place, fault: &str, models: &[&str]) -> Results {
    let words = models.iter().map(|model| {
        let name = format!("marked-{model}");
        (name, format!("{model} --workers {{workers}}"))
    });
    let words: Vec<(String, String)> = words.collect();
    let words: Vec<(&str, &str)> = words
        .iter()
        .map(|(name, words)| (&name[..], &words[..]))
        .collect();
    let file = place.echo_servers(&words);
    let file = file.to_str().expect("UTF-8");
    let only = ["--contenders", file, "--only", "^marked-"];
    let suite = scenario("fault", fault);
    let (output, results) = place.measure(&suite, &only);
    // What was asked for is no failure.
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    results
}

fn struck<'a>(results: &'a Results, model: &str) -> (&'a Pass, &'a Struck) {
    let pass = passes(results, &marked(model), "fault")[0];
    assert_eq!(pass.outcome, Outcome::Struck, "{model}: {:?}", pass.cause);
    let struck = pass.struck.as_ref().expect("who was struck");
    assert!(struck.at_ns >= 400_000_000, "{model} was struck early");
    (pass, struck)
}

fn marked(model: &str) -> String {
    format!("marked-{model}")
}

fn lost(pass: &Pass) -> u64 {
    pass.requests.errors.values().sum()
}

#[test]
fn a_killed_worker_costs_its_own_clients_and_is_replaced() {
    let _alone = alone();
    let place = Place::new();
    let results = measure(&place, WORKER_KILLED, &["prefork", "cluster-round-robin"]);
    for model in ["prefork", "cluster-round-robin"] {
        let (pass, struck) = struck(&results, model);
        assert_eq!(struck.role, Role::Worker, "{model}");
        assert_eq!(
            (struck.before.len(), struck.after.len()),
            (5, 5),
            "{model}: {struck:?}"
        );
        let gone = struck.after.iter().all(|member| member.pid != struck.pid);
        let knew = |pid: i32| struck.before.iter().any(|member| member.pid == pid);
        let new = struck
            .after
            .iter()
            .filter(|member| !knew(member.pid))
            .count();
        assert!(gone && new == 1, "{model}: {struck:?}");
        assert_eq!(struck.root_ended, None, "{model}");
        let victim = struck.before.iter().find(|member| member.pid == struck.pid);
        let held = u64::from(victim.expect("it was seen before").connections);
        assert!(held >= 1, "{model}: the one that holds most is struck");
        assert_eq!(
            struck.hit.values().sum::<u64>(),
            held,
            "{model}: {struck:?}"
        );
        // At most one request was on its way on each of them.
        assert!(lost(pass) <= held, "{model}: {:?}", pass.requests);
        let held: u32 = struck.after.iter().map(|member| member.connections).sum();
        assert_eq!(held, 4, "{model}: everybody has come back: {struck:?}");
    }
    let summary = place.summary();
    let outage = value(&summary, "marked-prefork", "fault", "outage_ms");
    let share = value(&summary, "marked-prefork", "fault", "served_after_share");
    assert!(outage.is_finite() && share > 0.9, "{outage} ms, {share}");
    place.assert_nothing_left(&[]);
}

#[test]
fn who_is_all_there_is_does_not_come_back() {
    let _alone = alone();
    let place = Place::new();
    let results = measure(
        &place,
        WORKER_KILLED,
        &["iterative", "event-loop", "thread-pool"],
    );
    let summary = place.summary();
    for model in ["iterative", "event-loop", "thread-pool"] {
        let (pass, struck) = struck(&results, model);
        assert_eq!(
            (struck.role, struck.before.len()),
            (Role::Only, 1),
            "{model}"
        );
        assert!(struck.after.is_empty(), "{model}: {struck:?}");
        let ended = struck.root_ended.as_deref();
        assert_eq!(ended, Some("was ended by SIGKILL"), "{model}");
        let served = u64::from(pass.connections.served);
        assert_eq!(
            struck.hit.values().sum::<u64>(),
            served,
            "{model}: {struck:?}"
        );
        // What was due after it, and found nobody: a thousand a second for 1.1 s, less what came before.
        let (lost, replies) = (
            lost(pass),
            pass.bins.iter().map(|bin| bin.replies).sum::<u64>(),
        );
        assert!(
            lost >= 500 && replies + lost >= 1400,
            "{model}: {lost} lost, {replies} answered"
        );
        assert!(
            pass.requests.errors.contains_key("refused"),
            "{model}: {:?}",
            pass.requests
        );
        let outage = estimate(&summary, &marked(model), "fault", "outage_ms");
        let reason = outage.reason.as_deref();
        assert_eq!(
            (outage.value, reason),
            (None, Some("service was not back at the window's end"))
        );
        let share = value(&summary, &marked(model), "fault", "served_after_share");
        assert!(share < 0.3, "{model}: {share}");
        let requests = &pass.requests;
        assert_eq!(
            requests.sent,
            requests.ok + requests.errors.values().sum::<u64>(),
            "{model}"
        );
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn workers_end_with_their_parent() {
    let _alone = alone();
    let place = Place::new();
    let results = measure(&place, PARENT_KILLED, &["prefork", "fork-per-connection"]);
    for model in ["prefork", "fork-per-connection"] {
        let (_, struck) = struck(&results, model);
        assert_eq!(
            (struck.role, struck.before.len()),
            (Role::Parent, 5),
            "{model}"
        );
        // PR_SET_PDEATHSIG: each is sent TERM when its parent is gone.
        assert!(struck.after.is_empty(), "{model}: {struck:?}");
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn a_stopped_worker_keeps_its_own_clients_waiting_until_it_is_continued() {
    let _alone = alone();
    let place = Place::new();
    let results = measure(&place, WORKER_STOPPED, &["prefork", "event-loop"]);
    let (pass, prefork) = struck(&results, "prefork");
    // Nobody is told: no worker is replaced, and no connection but its own is lost, by its client's patience.
    let pids = |members: &[record::Member]| -> Vec<i32> {
        let mut pids: Vec<i32> = members.iter().map(|member| member.pid).collect();
        pids.sort_unstable();
        pids
    };
    assert_eq!(pids(&prefork.before), pids(&prefork.after));
    assert_eq!(prefork.hit, [("timeout".to_owned(), 1)].into());
    let waited_in_vain = pass.requests.errors.get("timeout").copied().unwrap_or(0);
    assert!((1..=4).contains(&waited_in_vain), "{:?}", pass.requests);
    let mended = prefork.mended_ns.expect("it was continued");
    assert!(mended >= prefork.at_ns + 490_000_000, "{prefork:?}");
    let (pass, event_loop) = struck(&results, "event-loop");
    assert_eq!(event_loop.hit.values().sum::<u64>(), 4, "{event_loop:?}");
    assert_eq!(event_loop.root_ended, None);
    assert!(lost(pass) >= 4, "{:?}", pass.requests);
    let summary = place.summary();
    let outage = value(&summary, "marked-event-loop", "fault", "outage_ms");
    // It is told by tenths of a second, and may be told up to one too short.
    let mended = event_loop.mended_ns.expect("it was continued");
    let stopped_ms = (mended - event_loop.at_ns) as f64 / 1e6;
    assert!(outage >= stopped_ms - 200.0, "{outage} of {stopped_ms}");
    place.assert_nothing_left(&[]);
}

#[test]
fn pages_say_who_goes_on_and_who_does_not() {
    let _alone = alone();
    let place = Place::new();
    let (output, _) = place.measure(
        &scenario("fault", WORKER_KILLED),
        &["--only", "^(prefork|event-loop)$"],
    );
    let readme = std::fs::read_to_string(place.path("out/README.md")).expect("a README");
    let html = std::fs::read_to_string(place.path("out/report.html")).expect("a report");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for (page, text) in [("README.md", &readme), ("report.html", &html)] {
        for words in [
            "never back, the process that was struck is all there is: event-loop",
            "a worker killed (SIGKILL) after 400 ms",
            "the only process, 4 connections",
            "who serves at the end",
        ] {
            assert!(text.contains(words), "{page} does not say {words}");
        }
    }
    assert!(
        said.contains("never back") && said.contains("none seen"),
        "{said}"
    );
    assert!(
        said.lines().all(|line| line.chars().count() <= 80),
        "{said}"
    );
    assert!(place.path("out/charts/struck-fault.png").exists());
}

#[test]
fn a_fault_that_cannot_be_meant_is_told() {
    let _shared = shared();
    let place = Place::new();
    let good = scenario("fault", WORKER_STOPPED);
    for (from, to, words) in [
        (", mend = \"500ms\"", "", "mend = \"500ms\""),
        ("\"STOP\"", "\"KILL\"", "mend belongs to signal = \"STOP\""),
        ("\"STOP\"", "\"STP\"", "did you mean `STOP`?"),
        ("\"worker\"", "\"wroker\"", "did you mean `worker`?"),
        ("mend =", "mned =", "did you mean `mend`?"),
        ("at = \"400ms\"", "at = \"1400ms\"", "at least 300ms"),
        (
            "{ constant = 1000 }",
            "\"closed\"",
            "pace = { constant = 2000 }",
        ),
        (
            "workload = \"rr\"",
            "workload = \"crr\"",
            "kept connections",
        ),
        (
            "timeout = \"200ms\"",
            "timeout = \"0ms\"",
            "timeout is more than 0",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let suite = place.suite(&good.replacen(from, to, 1));
        let output = place.run(&["run", suite.to_str().expect("UTF-8")]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{to}: {stderr}");
        assert!(
            stderr.contains(words),
            "{to} does not say {words:?}: {stderr}"
        );
    }
}
