//! Time against what is known: a server that sleeps, one that stalls, a client that thinks, a wait.

use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::chaos::echo;
use super::program::*;
use crate::support::{alone, shared};

#[test]
fn a_known_delay_is_what_is_measured() {
    let _alone = alone();
    for pace in ["", "-R 200 --pace constant"] {
        let within = || {
            let (base, _) = measured(pace, Duration::ZERO);
            let (delayed, slept) = measured(pace, Duration::from_millis(10));
            base.into_iter().zip(delayed).all(|(base, delayed)| {
                println!("{pace}: {delayed} after {slept}, with a base of {base}");
                // Half a thousandth: the histogram's grain.
                (slept * 0.9995..=slept * 1.02 + base).contains(&delayed)
            })
        };
        // On a busy machine a halted core is sometimes slow to wake by more than 2 %.
        assert!((0..3).any(|_| within()), "never within 2 % and the base");
    }
}

/// Medians of response and service time under a server that sleeps, and of how long it slept by its own clock: a
/// sleep is never too short, and how much too long is the machine's doing.
fn measured(pace: &str, delay: Duration) -> ([f64; 2], f64) {
    let sleeps: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let told = Arc::clone(&sleeps);
    let server = echo(64, move |_| {
        if !delay.is_zero() {
            let begun = Instant::now();
            thread::sleep(delay);
            told.lock().expect("no panic").push(begun.elapsed());
        }
    });
    let said = run(&server, &format!("-c 4 -n 200 --json {pace}"));
    let object = said.json();
    assert_eq!(said.code, Some(0), "{object}");
    let mut sleeps = sleeps.lock().expect("no panic");
    sleeps.sort();
    let slept = sleeps.get(sleeps.len() / 2).map_or(0, Duration::as_nanos);
    let medians =
        ["response_ns", "service_ns"].map(|name| number(&object, &format!("/{name}/p50")));
    (medians, slept as f64)
}

/// A stall of S seconds at R requests a second: R·S requests are due while it lasts, and the one due u seconds
/// into it waits S − u. So of N requests the share (S − x)·R/N waits longer than x, and p99 is
/// S − N/(100·R). Only one request a connection was on its way: service time hardly knows of the stall.
#[test]
fn a_stall_shows_in_response_time_and_not_in_service_time() {
    const RATE: f64 = 1000.0;
    const LENGTH_S: f64 = 4.0;
    const STALL: Duration = Duration::from_millis(500);
    let _alone = alone();
    let over: Arc<OnceLock<Instant>> = Arc::default();
    let server = echo(64, move |number| {
        if number == 1000 {
            let _ = over.set(Instant::now() + STALL);
        }
        if let Some(over) = over.get() {
            // The server stands still: that is what it is for.
            thread::sleep(over.saturating_duration_since(Instant::now()));
        }
    });
    let words = format!("-c 20 -R {RATE} --pace constant -d {LENGTH_S}s --json");
    let said = run(&server, &words);
    let object = said.json();
    assert_eq!(said.code, Some(0), "{object}");
    assert_eq!(count(&object, "/ok") as f64, RATE * LENGTH_S, "{object}");
    let expected_ns = STALL.as_nanos() as f64 - LENGTH_S / 100.0 * 1e9;
    let response = number(&object, "/response_ns/p99");
    assert!(
        (response / expected_ns - 1.0).abs() < 0.15,
        "{response} instead of {expected_ns}: {object}"
    );
    let service = number(&object, "/service_ns/p99");
    assert!(service < expected_ns / 5.0, "{object}");
    let stall_ns = STALL.as_nanos() as f64;
    assert!(
        number(&object, "/service_ns/max") > stall_ns * 0.95,
        "{object}"
    );
}

#[test]
fn a_client_thinks_between_requests() {
    let _shared = shared();
    let server = echo(64, |_| {});
    let object = run(&server, "-c 2 -n 40 --think 20ms --json").json();
    // 20 requests of each client, with a pause before each but the first, at least.
    assert!(number(&object, "/elapsed_s") > 19.0 * 0.020, "{object}");
    assert!(
        number(&object, "/response_ns/p50") < 20e6,
        "thinking is no waiting: {object}"
    );
}

/// While last replies are awaited, and while it warms up, the generator sleeps.
#[test]
fn waiting_costs_no_cpu() {
    let _shared = shared();
    let server = echo(64, |number| {
        if number > 3 {
            thread::park();
        }
    });
    let object = run(&server, "-c 3 -d 200ms --timeout 2s --json").json();
    let cpu_us = number(&object, "/generator_cpu_us_per_request") * count(&object, "/sent") as f64;
    assert!(
        cpu_us < 300_000.0,
        "{cpu_us} µs of CPU while nothing happened: {object}"
    );
}
