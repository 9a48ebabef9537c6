//! What happens to one contender is its record; the others go on.

use crate::support::{Place, estimate, passes, rr};
use record::Outcome;

/// A file of contenders that are Python programs of ours with a fault or a lie.
fn python(place: &Place, program: &str, kinds: &[&str]) -> String {
    let source = format!("{}/tests/servers/{program}.py", env!("CARGO_MANIFEST_DIR"));
    let entry = |kind: &&str| {
        format!(
            "[[contender]]\nname = \"{kind}\"\ncommand = [\"python3\", \"{source}\", \"{{port}}\", \"{kind}\"]\n"
        )
    };
    let path = place.write("python.toml", &kinds.iter().map(entry).collect::<String>());
    path.display().to_string()
}

#[test]
fn every_fault_is_recorded_and_the_others_go_on() {
    let place = Place::new();
    let file = python(
        &place,
        "faulty",
        &["exit", "deaf", "crash", "hang", "stubborn"],
    );
    let absent = "absent=/nonexistent/server {port}";
    let only = [
        "--contenders",
        &file,
        "--with",
        absent,
        "--only",
        "^(exit|deaf|crash|hang|stubborn|absent|event-loop)$",
    ];
    let (output, results) = place.measure(&rr("rr", 10, "20ms", "100ms", 2), &only);
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for (name, outcome) in [
        ("exit", Outcome::Crashed),
        ("absent", Outcome::Crashed),
        ("deaf", Outcome::Hung),
        ("crash", Outcome::Crashed),
        ("hang", Outcome::Hung),
        ("stubborn", Outcome::Ok),
        ("event-loop", Outcome::Ok),
    ] {
        for pass in passes(&results, name, "rr") {
            assert_eq!(pass.outcome, outcome, "{name}: {:?}", pass.cause);
        }
    }
    let cause = |name| {
        passes(&results, name, "rr")[0]
            .cause
            .clone()
            .expect("a cause")
    };
    assert_eq!(cause("exit").exit, Some(7));
    assert!(
        cause("exit")
            .stderr
            .contains("about to show the fault exit")
    );
    assert_eq!(cause("crash").signal, Some(11));
    assert_eq!(cause("absent").errno, Some(2));
    assert!(
        cause("deaf").text.contains("did not listen"),
        "{}",
        cause("deaf").text
    );
    assert!(
        cause("hang").text.contains("nothing in time"),
        "{}",
        cause("hang").text
    );
    let summary = place.summary();
    let crashed = estimate(&summary, "crash", "rr", "throughput_per_s");
    assert_eq!((crashed.value, crashed.verdict.as_str()), (None, "crashed"));
    assert!(
        estimate(&summary, "event-loop", "rr", "throughput_per_s")
            .value
            .is_some()
    );
    for pass in &results.passes {
        let requests = &pass.requests;
        assert_eq!(
            requests.sent,
            requests.ok + requests.errors.values().sum::<u64>(),
            "{}",
            pass.contender
        );
    }
    place.assert_nothing_left(&[]);
}

/// Outcome, what the cause says, and how the requests that were on their way are booked.
#[test]
fn whatever_happens_under_load_is_told_apart() {
    #[rustfmt::skip]
    let faults: [(&str, Outcome, &str, &str); 12] = [
        ("abort",          Outcome::Crashed, "SIGABRT",                 ""),
        ("leave",          Outcome::Crashed, "exited with status 7",     ""),
        ("shout",          Outcome::Crashed, "exited with status 7",     ""),
        ("stall",          Outcome::Hung,    "nothing in time",          "timeout"),
        ("drip",           Outcome::Hung,    "nothing in time",          "timeout"),
        ("reset-request",  Outcome::Refused, "reset",                    "reset"),
        ("reset-in-reply", Outcome::Refused, "reset",                    "reset"),
        ("close-request",  Outcome::Refused, "closed",                   "closed"),
        ("close-in-reply", Outcome::Refused, "closed",                   "closed"),
        ("turn-away",      Outcome::Hung,    "reset",                    "reset"),
        ("zombies",        Outcome::Ok,      "",                         ""),
        ("breeds",         Outcome::Ok,      "",                         ""),
    ];
    let place = Place::new();
    let kinds = faults.map(|(kind, ..)| kind);
    let file = python(&place, "faulty", &kinds);
    let only = format!("^({}|event-loop)$", kinds.join("|"));
    let words = ["--contenders", &file, "--only", &only];
    let (output, results) = place.measure(&rr("rr", 10, "20ms", "100ms", 1), &words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for (kind, outcome, words, booked) in faults {
        let pass = passes(&results, kind, "rr")[0];
        assert_eq!(pass.outcome, outcome, "{kind}: {:?}", pass.cause);
        let text = pass.cause.as_ref().map_or("", |cause| &cause.text);
        assert!(text.contains(words), "{kind}: {text}");
        let errors = &pass.requests.errors;
        assert!(
            booked.is_empty() || errors.contains_key(booked),
            "{kind}: {errors:?}"
        );
        let lost: u64 = errors.values().sum();
        assert_eq!(pass.requests.sent, pass.requests.ok + lost, "{kind}");
    }
    let shouted = passes(&results, "shout", "rr")[0];
    let cause = shouted.cause.as_ref().expect("it ended");
    assert_eq!(cause.stderr.len(), 64 << 10, "the end of it is kept");
    assert!(cause.stderr.ends_with("is what it said last"));
    place.assert_nothing_left(&[]);
}

#[test]
fn who_is_out_of_descriptors_serves_some_and_who_cannot_be_executed_says_why() {
    let place = Place::new();
    let plain = place.write("plain", "no program\n");
    let with = format!("plain={} {{port}}", plain.display());
    let file = python(&place, "faulty", &["descriptors"]);
    let only = "^(descriptors|plain|event-loop)$";
    let words = ["--contenders", &file, "--with", &with, "--only", only];
    let (_, results) = place.measure(&rr("rr", 10, "20ms", "100ms", 1), &words);
    let short = passes(&results, "descriptors", "rr")[0];
    assert_eq!(short.connections.served, 4, "{short:?}");
    assert_eq!(short.requests.errors.get("unserved"), Some(&6));
    let summary = place.summary();
    let verdict = &estimate(&summary, "descriptors", "rr", "throughput_per_s").verdict;
    assert_eq!(verdict, "unserved");
    let cause = passes(&results, "plain", "rr")[0]
        .cause
        .clone()
        .expect("a cause");
    assert_eq!(cause.errno, Some(13), "EACCES: {cause:?}");
    place.assert_nothing_left(&[]);
}

#[test]
fn a_liar_is_caught_under_load_and_gets_no_figure() {
    const LIES: [&str; 4] = ["flip", "drop-tail", "twice", "other-client"];
    let place = Place::new();
    let file = python(&place, "liar", &LIES);
    let only = [
        "--contenders",
        &file,
        "--only",
        "^(flip|drop-tail|twice|other-client|event-loop)$",
    ];
    let (output, results) = place.measure(&rr("rr", 4, "20ms", "100ms", 1), &only);
    assert_eq!(
        output.status.code(),
        Some(4),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let summary = place.summary();
    for lie in LIES {
        let pass = passes(&results, lie, "rr")[0];
        // A tail that never comes is silence to a client that waits for its reply.
        let expected = if lie == "drop-tail" {
            Outcome::Hung
        } else {
            Outcome::Wrong
        };
        assert_eq!(pass.outcome, expected, "{lie}: {:?}", pass.cause);
        for metric in ["throughput_per_s", "response_ns_p50", "cpu_us_per_request"] {
            assert_eq!(
                estimate(&summary, lie, "rr", metric).value,
                None,
                "{lie} {metric}"
            );
        }
    }
    assert!(
        estimate(&summary, "event-loop", "rr", "throughput_per_s")
            .value
            .is_some()
    );
}

#[test]
fn verify_names_each_lie() {
    let place = Place::new();
    let file = python(
        &place,
        "liar",
        &["flip", "drop-tail", "twice", "other-client"],
    );
    for (lie, words) in [
        ("flip", "a byte was changed"),
        ("drop-tail", "bytes were dropped"),
        ("twice", "bytes were echoed twice"),
        ("other-client", "another client's bytes"),
    ] {
        let output = place.run(&["verify", &format!("^{lie}$"), "--contenders", &file]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(4), "{lie}: {said}");
        assert!(said.contains(words), "{lie}: {said}");
    }
}

#[test]
fn verify_passes_for_every_contender() {
    let place = Place::new();
    let output = place.run(&["verify"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for name in crate::support::MODELS
        .iter()
        .chain(&["node-net", "python-asyncio-streams"])
    {
        assert!(
            said.contains(&format!("{name}: keeps all")),
            "{name}: {said}"
        );
    }
    place.assert_nothing_left(&[]);
}
