//! Servers that do not do what an echo server does: silent, half silent, gone, with other bytes.

use std::io::{Read, Write};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Instant;

use super::chaos::{echo, serve};
use super::program::*;
use crate::support::shared;

#[test]
fn a_server_that_never_answers_ends_in_time() {
    let _shared = shared();
    let server = serve(|mut stream, _, _| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).map(drop)
    });
    let begun = Instant::now();
    let said = run(&server, "-c 5 -d 500ms --timeout 300ms");
    assert_eq!(said.code, Some(3), "{}{}", said.stdout, said.stderr);
    assert!(begun.elapsed() < PATIENCE / 3);
}

#[test]
fn a_server_that_falls_silent_shows_as_timeouts() {
    let _shared = shared();
    let server = echo(64, |number| {
        if number > 5 {
            thread::park();
        }
    });
    for words in ["-d 500ms", "-d 500ms -R 100"] {
        let begun = Instant::now();
        let said = run(&server, &format!("-c 5 {words} --timeout 300ms --json"));
        // The second load finds nobody who answers at all.
        assert_eq!(said.code, Some(3), "{}{}", said.stdout, said.stderr);
        if words == "-d 500ms" {
            let object = said.json();
            assert_sums(&object);
            assert!(errors(&object, "timeout") > 0, "{object}");
            assert_eq!(
                (count(&object, "/ok"), &object["verdict"]),
                (0, &"errors".into())
            );
            assert!(object["problem"].is_string(), "{object}");
        }
        assert!(begun.elapsed() < PATIENCE / 3);
    }
}

#[test]
fn connections_that_never_get_an_answer_are_unserved() {
    let _shared = shared();
    let server = serve(|mut stream, number, _| {
        let mut bytes = [0; 64];
        loop {
            stream.read_exact(&mut bytes)?;
            if number < 3 {
                stream.write_all(&bytes)?;
            }
        }
    });
    let said = run(&server, "-c 5 -n 2000 --timeout 500ms --json");
    let object = said.json();
    assert_sums(&object);
    assert_eq!(count(&object, "/connections/served"), 3, "{object}");
    assert_eq!(object["verdict"], "unserved", "{object}");
    assert_eq!(said.code, Some(3));
}

/// A thread all of whose connections go without an answer has no one to send its share.
#[test]
fn requests_of_a_thread_without_connections_do_not_hang_the_load() {
    let _shared = shared();
    let server = serve(|mut stream, number, _| {
        let mut bytes = [0; 64];
        loop {
            stream.read_exact(&mut bytes)?;
            if number % 2 == 0 {
                stream.write_all(&bytes)?;
            }
        }
    });
    for words in ["-n 1000", "-n 1000 -R 5000"] {
        let said = run(
            &server,
            &format!("{words} -c 2 -t 2 --timeout 500ms --json"),
        );
        let object = said.json();
        assert_sums(&object);
        assert_eq!(said.code, Some(3), "{object}");
    }
}

#[test]
fn an_idle_connection_that_is_lost_is_told_and_sends_nothing() {
    let _shared = shared();
    // One echo, then it closes.
    let server = serve(|mut stream, _, books| {
        let mut bytes = [0; 64];
        stream.read_exact(&mut bytes)?;
        books.requests.fetch_add(1, SeqCst);
        stream.write_all(&bytes)
    });
    let said = run(&server, "--mode idle -c 3 -d 400ms --json");
    let object = said.json();
    assert_eq!(
        (count(&object, "/sent"), server.requests()),
        (0, 3),
        "{object}"
    );
    assert_eq!(
        (said.code, &object["verdict"]),
        (Some(3), &"errors".into()),
        "{object}"
    );
    assert!(object["problem"].is_string(), "{object}");
}

/// A server that answers, but not what was sent, is told as such although it fails the very first echo.
#[test]
fn who_never_echoes_sends_wrong_bytes() {
    let _shared = shared();
    let server = serve(|mut stream, _, _| {
        let mut bytes = [0; 64];
        stream.read_exact(&mut bytes)?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    });
    let said = run(&server, "-c 3 -n 100");
    assert!(
        said.stderr.contains("of the reply is 0x48"),
        "{}",
        said.stderr
    );
    assert_eq!(said.code, Some(4), "{}", said.stderr);
}
