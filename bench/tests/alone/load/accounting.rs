//! Every request is accounted for: `sent = ok + Σ errors`, each kind as often as it was done, shares of threads
//! that sum to what was asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use serde_json::Value;

use super::chaos::{self, chaos as harmful, echo};
use super::program::*;
use crate::support::shared;

const CHAOS_CONNECTIONS: u64 = 12;

/// A load under chaos, and what both sides counted.
fn under_chaos(seed: u64, words: &str) -> (Value, Arc<chaos::Harm>) {
    let _shared = shared();
    let (proxy, harm) = harmful(64, seed, CHAOS_CONNECTIONS);
    let words = format!("-c {CHAOS_CONNECTIONS} --timeout 400ms --seed {seed} --json {words}");
    let said = run(&proxy, &words);
    let object = said.json();
    assert_sums(&object);
    assert!(
        harm.wrong.load(SeqCst) > 0,
        "the proxy did nothing: {words}: {object} {harm:?}"
    );
    assert_eq!(object["verdict"], "wrong", "{object}");
    assert_eq!(said.code, Some(4), "{}{}", said.stdout, said.stderr);
    (object, harm)
}

/// Each kind is what the proxy did, to the unit.
#[track_caller]
fn assert_kinds(object: &Value, harm: &chaos::Harm, all_were_sent: bool) {
    for (kind, done) in [
        ("reset", &harm.reset),
        ("closed", &harm.closed),
        ("wrong", &harm.wrong),
    ] {
        assert_eq!(
            errors(object, kind),
            done.load(SeqCst),
            "{kind}: {object} {harm:?}"
        );
    }
    // Who got a good answer too late counts as timed out.
    let (good, silent) = (harm.good.load(SeqCst), harm.silent.load(SeqCst));
    let (ok, timeout) = (count(object, "/ok"), errors(object, "timeout"));
    assert!(ok <= good && timeout >= silent, "{object} {harm:?}");
    if all_were_sent {
        assert_eq!(ok + timeout, good + silent, "{object} {harm:?}");
    }
}

#[test]
fn a_closed_loop_counts_every_harm_to_the_unit() {
    for seed in [1, 2] {
        for mode in [
            "--mode rr",
            "--mode crr",
            "--mode crr --per-connection 7 -t 2",
        ] {
            let (object, harm) = under_chaos(seed, &format!("-n 2000 {mode}"));
            assert_eq!(count(&object, "/sent"), 2000, "{mode}: {object}");
            assert_kinds(&object, &harm, true);
        }
    }
}

#[test]
fn an_open_loop_counts_every_harm_to_the_unit() {
    for (seed, pace) in [(3, "constant"), (4, "poisson")] {
        for mode in ["rr", "crr"] {
            let words = format!("-R 1000 -d 1500ms --pace {pace} --mode {mode} -t 3");
            let (object, harm) = under_chaos(seed, &words);
            if pace == "constant" {
                assert_eq!(count(&object, "/sent"), 1500, "{object}");
            }
            assert_kinds(&object, &harm, false);
        }
    }
}

#[test]
fn a_stream_under_chaos_sums_to_the_unit() {
    for seed in [5, 6] {
        let (object, harm) = under_chaos(seed, "--mode stream --depth 5 -n 3000");
        assert_eq!(count(&object, "/sent"), 3000, "{object}");
        assert!(count(&object, "/ok") <= harm.good.load(SeqCst));
    }
}

#[test]
fn requests_rates_and_connections_sum_exactly_over_threads() {
    let _shared = shared();
    for (words, sent) in [
        ("-n 1000 -c 7", 1000),
        ("-n 1000 -c 7 -t 3", 1000),
        ("-n 2 -c 7 -t 3", 2),
        ("-R 997 -d 1s --pace constant -c 7 -t 3", 997),
        ("-R 997 -n 501 --pace poisson -c 7 -t 3", 501),
    ] {
        let server = echo(64, |_| {});
        let said = run(&server, &format!("{words} --json"));
        let object = said.json();
        assert_eq!(said.code, Some(0), "{words}: {object} {}", said.stderr);
        assert_sums(&object);
        assert_eq!(count(&object, "/sent"), sent, "{words}: {object}");
        assert_eq!(count(&object, "/ok"), sent, "{words}: {object}");
        assert_eq!(count(&object, "/connections/asked"), 7);
        assert_eq!(count(&object, "/connections/served"), 7);
        assert_eq!(server.accepted(), 7, "{words}");
        // And each connection's first echo.
        assert_eq!(server.requests(), sent + 7, "{words}");
    }
}

#[test]
fn the_same_seed_sends_the_same_schedule() {
    let _shared = shared();
    let server = echo(64, |_| {});
    let sent = |seed: u64, threads: u32| {
        let words = format!("-R 500 -d 500ms -c 6 -t {threads} --seed {seed} --json");
        count(&run(&server, &words).json(), "/sent")
    };
    assert_eq!(sent(11, 1), sent(11, 3));
}

#[test]
fn a_warm_up_is_no_part_of_what_is_counted() {
    let _shared = shared();
    let seen = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&seen);
    let server = echo(64, move |number| {
        told.fetch_max(number, SeqCst);
    });
    let object = run(&server, "-c 2 -n 100 --warmup 200ms --json").json();
    assert_eq!(
        (count(&object, "/sent"), count(&object, "/ok")),
        (100, 100),
        "{object}"
    );
    assert!(seen.load(SeqCst) > 102, "there was no warm-up");
}
