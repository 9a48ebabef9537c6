//! `--work`, `--state` and `--touch`: what is asked for is done, exactly so often. Lower bounds only.

use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::running::{Running, every_model, rollup_kib, until};

#[test]
fn sleep_delays_each_request() {
    every_model(|model| {
        let server = Running::start(model, &["--work", "sleep:20ms"]);
        let mut client = server.client();
        for _ in 0..3 {
            let start = Instant::now();
            assert!(client.asks_and_is_answered());
            assert!(
                start.elapsed() >= Duration::from_millis(20),
                "{:?}",
                start.elapsed()
            );
        }
    });
}

#[test]
fn a_share_of_half_is_every_second_request() {
    every_model(|model| {
        let server = Running::start(model, &["--work", "sleep:20ms@50%"]);
        let mut client = server.client();
        for number in 1..=6 {
            let start = Instant::now();
            assert!(client.asks_and_is_answered());
            assert!(number % 2 == 1 || start.elapsed() >= Duration::from_millis(20));
        }
    });
}

#[test]
fn a_share_is_counted_over_all_connections() {
    for model in [
        "iterative",
        "fork-per-connection",
        "prefork",
        "thread-per-connection",
        "thread-pool-dispatch",
        "event-loop",
        "event-offload",
        "tokio",
    ] {
        let server = Running::start_named(model, &["--work", "sleep:50ms@25%"]);
        for number in 1..=8 {
            let mut client = server.client();
            let start = Instant::now();
            assert!(client.asks_and_is_answered());
            let slow = start.elapsed() >= Duration::from_millis(50);
            assert!(slow || number % 4 != 0, "{model}: request {number}");
        }
    }
}

#[test]
fn reads_are_made_exactly_as_often_as_messages_end() {
    const READ: u64 = 64 << 10;
    for model in [
        "iterative",
        "thread-per-connection",
        "thread-pool",
        "event-loop",
        "tokio",
    ] {
        let options = ["--work", "read:64KiB@50%", "--message", "128"];
        let server = Running::start_named(model, &options);
        let mut client = server.client();
        let before = characters_read(server.pid());
        // 20 messages of 128 bytes, each in two halves, each half answered at once.
        for _ in 0..40 {
            assert!(client.asks_and_is_answered());
        }
        let read = characters_read(server.pid()) - before;
        assert_eq!(read / READ, 10, "{model}: {read} bytes");
    }
}

/// What `read` and `pread` brought; `recv` is not counted here.
fn characters_read(pid: i32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).expect("our own process");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("rchar: "))
        .expect("rchar");
    line.parse().expect("a number")
}

#[test]
fn cpu_work_uses_cpu() {
    every_model(|model| {
        let server = Running::start(model, &["--work", "cpu:10ms"]);
        let mut client = server.client();
        let before = server.cpu();
        for _ in 0..20 {
            assert!(client.asks_and_is_answered());
        }
        let used = server.cpu() - before;
        // Half, because the clock of a virtual machine may run at two speeds.
        assert!(used >= Duration::from_millis(100), "{used:?}");
    });
}

#[test]
fn work_is_done_for_each_of_several_messages_at_once() {
    every_model(|model| {
        let server = Running::start(model, &["--work", "sleep:10ms", "--message", "16"]);
        let mut client = server.client();
        let start = Instant::now();
        assert!(client.asks_and_is_answered());
        assert!(
            start.elapsed() >= Duration::from_millis(40),
            "{:?}",
            start.elapsed()
        );
        client.0.write_all(b"less than one").expect("it fits");
    });
}

#[test]
fn a_forked_child_copies_the_share_that_it_touches() {
    let options = ["--state", "64MiB", "--touch", "25%"];
    let server = Running::start_named("fork-per-connection", &options);
    let state = rollup_kib(server.pid(), "Private_Dirty:").expect("readable");
    assert!(state >= 64 << 10, "touched before listening: {state} KiB");
    let mut client = server.client();
    assert!(client.asks_and_is_answered());
    until("the child is there", || server.children().len() == 1);
    let copied = rollup_kib(server.children()[0], "Private_Dirty:").expect("readable");
    assert!(
        (16 << 10..20 << 10).contains(&copied),
        "{copied} KiB of 64 MiB copied"
    );
}
