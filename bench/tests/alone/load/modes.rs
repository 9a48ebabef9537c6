//! What a connection does: streams, silence, a connection for every so many requests, messages of any size;
//! and that it does the same after it was lost.

use std::io::{Read, Write};
use std::sync::atomic::Ordering::SeqCst;

use super::chaos::{echo, serve};
use super::program::*;
use crate::support::shared;

#[test]
fn a_stream_keeps_depth_requests_on_their_way() {
    let _shared = shared();
    let server = echo(64, |_| {});
    let said = run(&server, "--mode stream --depth 8 -c 3 -n 6000 --json");
    let object = said.json();
    assert_eq!(said.code, Some(0), "{object}");
    assert_eq!(
        (count(&object, "/sent"), count(&object, "/ok")),
        (6000, 6000)
    );
    assert_eq!(server.requests(), 6000 + 3);

    // A server that answers in pairs is answered only by who does not wait for the first reply.
    let pairs = serve(|mut stream, _, books| {
        let (mut bytes, mut first) = ([0; 64], true);
        loop {
            let wanted = if first { 1 } else { 2 };
            first = false;
            let mut both = Vec::new();
            for _ in 0..wanted {
                stream.read_exact(&mut bytes)?;
                books.requests.fetch_add(1, SeqCst);
                both.extend(bytes);
            }
            stream.write_all(&both)?;
        }
    });
    let said = run(&pairs, "--mode stream --depth 2 -c 1 -n 2000 --json");
    assert_eq!(count(&said.json(), "/ok"), 2000, "{}", said.stdout);
}

#[test]
fn a_stream_has_its_depth_again_after_a_lost_connection() {
    let _shared = shared();
    // Answers the first request, then pairs; each connection ends after a while.
    let server = serve(|mut stream, number, books| {
        let first = usize::from(number == 0);
        let mut both = [0; 128];
        for turn in 0..50 + first {
            let bytes = match (first, turn) {
                (1, 0) => &mut both[..64],
                _ => &mut both[..],
            };
            stream.read_exact(bytes)?;
            books.requests.fetch_add(bytes.len() as u64 / 64, SeqCst);
            stream.write_all(bytes)?;
        }
        Ok(())
    });
    let words = "--mode stream --depth 2 -c 1 -n 1000 -d 5s --timeout 500ms --json";
    let object = run(&server, words).json();
    assert_sums(&object);
    assert_eq!(errors(&object, "timeout"), 0, "{object}");
}

#[test]
fn idle_connections_say_nothing_after_their_first_echo() {
    let _shared = shared();
    let server = echo(64, |_| {});
    let said = run(&server, "--mode idle -c 20 -t 2 -d 400ms --json");
    let object = said.json();
    assert_eq!(
        (said.code, &object["verdict"]),
        (Some(0), &"valid".into()),
        "{object}"
    );
    assert_eq!(
        (
            count(&object, "/sent"),
            count(&object, "/connections/served")
        ),
        (0, 20)
    );
    assert_eq!((server.accepted(), server.requests()), (20, 20));
    assert!(object["response_ns"]["p50"].is_null(), "{object}");
    let said = run(&server, "--mode idle -c 2 -d 200ms");
    assert!(said.stdout.contains("2 of 2 served"), "{}", said.stdout);
}

#[test]
fn crr_connects_anew_after_so_many_requests() {
    let _shared = shared();
    for (words, of_one, connections) in [("", 1, 1000), ("--per-connection 5", 5, 200)] {
        let server = echo(64, |_| {});
        let said = run(&server, &format!("--mode crr {words} -c 4 -n 1000 --json"));
        let object = said.json();
        assert_eq!(said.code, Some(0), "{object}");
        assert_eq!(
            (count(&object, "/sent"), count(&object, "/ok")),
            (1000, 1000)
        );
        assert_eq!(server.books.most_of_one.load(SeqCst), of_one);
        // Each slot may have a first echo's connection of its own, and one that did not come to its last.
        let accepted = server.accepted();
        assert!(
            (connections..=connections + 8).contains(&accepted),
            "{accepted}"
        );
        assert!(object["connect_ns"]["p50"].is_u64(), "{object}");
    }
}

#[test]
fn payloads_of_one_byte_and_of_one_mebibyte_come_back() {
    let _shared = shared();
    for (words, message) in [
        ("--payload 1", 1),
        ("--payload 4KiB", 4096),
        ("--payload 1MiB", 1 << 20),
    ] {
        let server = echo(message, |_| {});
        let said = run(&server, &format!("{words} -c 3 -n 90 --json"));
        let object = said.json();
        assert_eq!(
            (said.code, count(&object, "/ok")),
            (Some(0), 90),
            "{object}"
        );
    }
}

/// A client that thinks while its connection is closed is still one client.
#[test]
fn a_connection_lost_while_its_client_thinks_stays_one_client() {
    let _shared = shared();
    // Answers twice, then closes.
    let server = serve(|mut stream, _, books| {
        let mut bytes = [0; 64];
        for _ in 0..2 {
            stream.read_exact(&mut bytes)?;
            books.requests.fetch_add(1, SeqCst);
            stream.write_all(&bytes)?;
        }
        Ok(())
    });
    let object = run(&server, "-c 1 -d 1s --think 50ms --json").json();
    assert_sums(&object);
    // A request and a pause of 50 ms, so at most 20 pauses.
    assert!(count(&object, "/sent") <= 21, "{object}");
}
