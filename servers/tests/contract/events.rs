//! What is particular to the event-driven models.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::process::Command;

use crate::limits::says_so_once_and_does_not_spin;
use crate::running::{BINARY, Client, Running, every_model, models};

/// Listening sockets on a port, of this network namespace.
fn listeners(port: u16) -> usize {
    const LISTEN: &str = "0A";
    let table = fs::read_to_string("/proc/net/tcp").expect("readable");
    let local = format!("0100007F:{port:04X}");
    let listens = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields[1] == local && fields[3] == LISTEN
    };
    table.lines().skip(1).filter(listens).count()
}

#[test]
fn each_core_has_a_listener_of_its_own() {
    for workers in ["1", "3"] {
        let server = Running::start_named("event-loop-per-core", &["--workers", workers]);
        assert_eq!(listeners(server.address.port()).to_string(), workers);
        // With 64 clients, a loop that serves nobody would leave somebody unanswered.
        let mut clients: Vec<_> = (0..64).map(|_| server.client()).collect();
        assert!(clients.iter_mut().all(Client::asks_and_is_answered));
    }
    let server = Running::start_named("event-loop", &["--workers", "3"]);
    assert_eq!(listeners(server.address.port()), 1);
}

impl Client {
    fn has_an_answer(&self) -> bool {
        self.0.set_nonblocking(true).expect("a socket");
        let peeked = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).expect("a socket");
        match peeked {
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            peeked => peeked.expect("it is open") > 0,
        }
    }

    fn is_closed(&mut self) -> bool {
        let end = self.0.read(&mut [0; 64]);
        match end {
            Ok(received) => received == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn who_sleeps_among_helpers_delays_nobody_and_on_the_loop_everybody() {
    // Every second request sleeps.
    let server = Running::start_named("event-offload", &["--work", "sleep:5s@50%"]);
    // As many as there are helpers, and one more.
    let mut sleepers: Vec<_> = (0..5).map(|_| server.client()).collect();
    for client in &mut sleepers {
        assert!(client.asks_and_is_answered());
        client.asks();
    }
    for _ in 0..10 {
        assert!(server.client().asks_and_is_answered());
        sleepers.push(server.client());
        sleepers.iter_mut().last().expect("pushed").asks();
    }
    assert!(!sleepers.iter().any(Client::has_an_answer));

    let server = Running::start_named("event-loop", &["--work", "sleep:200ms@50%"]);
    let mut sleeper = server.client();
    assert!(sleeper.asks_and_is_answered());
    let mut other = server.client();
    sleeper.asks();
    other.asks();
    assert!(other.is_answered() && sleeper.has_an_answer());
}

#[test]
fn requests_of_a_client_that_waits_for_a_helper_are_answered_in_order() {
    let server = Running::start_named("event-offload", &["--work", "sleep:10ms@50%"]);
    let mut client = server.client();
    for _ in 0..8 {
        client.asks();
    }
    assert!((0..8).all(|_| client.is_answered()));
    // What it said before it ended is answered, too.
    (0..4).for_each(|_| client.asks());
    client.0.shutdown(std::net::Shutdown::Write).expect("open");
    assert!((0..4).all(|_| client.is_answered()) && client.is_closed());
}

#[test]
fn a_read_that_fails_closes_that_connection_and_no_other() {
    every_model(|model| {
        let server = Running::start(model, &["--work", "read:4KiB,missing@50%"]);
        let (mut unlucky, mut other) = (server.client(), server.client());
        assert!(unlucky.asks_and_is_answered());
        unlucky.asks();
        assert!(unlucky.is_closed());
        assert!(other.asks_and_is_answered());
        drop(other);
        // Every second of all fails: of two that follow each other, whoever asks, one is answered.
        let answers = || server.client().asks_and_is_answered();
        assert!(answers() || answers());
    });
}

#[test]
fn io_uring_out_of_descriptors() {
    if models().iter().all(|model| model.name != "io-uring") {
        return;
    }
    // It minds the limit of the moment when it ordered, so this is there from the beginning.
    let mut command = Command::new("prlimit");
    command.args(["--nofile=16:16", BINARY, "io-uring", "--port", "0"]);
    let server = Running::launch(command);
    let mut waiting: Vec<_> = (0..16).map(|_| server.client()).collect();
    assert!(waiting[0].asks_and_is_answered());
    waiting[15].asks();
    says_so_once_and_does_not_spin(&server, "cannot accept a connection");
    waiting.drain(..8);
    assert!(waiting[7].is_answered(), "it recovers");
}

#[test]
fn io_uring_that_is_denied_says_so() {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/contract/denied.py");
    for arguments in [&["--check"][..], &["--port", "0"]] {
        let mut denied = Command::new("python3");
        denied
            .arg(&script)
            .args(["io_uring_setup", BINARY, "io-uring"]);
        let output = denied.args(arguments).output().expect("python3");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(69), "{said}");
        assert!(
            said.starts_with("echo-server: io-uring: ")
                && said.contains("os error 1)")
                && said.contains("kernel.io_uring_disabled"),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
    // Others do not need it.
    let mut denied = Command::new("python3");
    denied
        .arg(&script)
        .args(["io_uring_setup", BINARY, "event-loop", "--check"]);
    assert!(denied.status().expect("python3").success());
}
