//! Servers that break the contract, each in one way: every check must be able to fail.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

/// What a server sends for what it received; `past` is what anybody sent before.
type Reply = fn(bytes: &[u8], past: &mut Vec<u8>) -> Vec<u8>;

/// A server in this process, whose threads end with their clients.
fn server(reply: Reply) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let past = Arc::new(Mutex::new(Vec::new()));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let past = Arc::clone(&past);
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    let said = reply(&buffer[..count], &mut past.lock().expect("no panic"));
                    if stream.write_all(&said).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

fn verdict(name: &str, reply: Reply) -> Result<(), Violation> {
    let check = CHECKS.iter().find(|check| check.name == name);
    let target = Target {
        address: server(reply),
        holds: Holds::Any,
        workers: 1,
        memory_bytes: None,
    };
    (check.expect("a check of this name").run)(&target)
}

fn lie(name: &str, reply: Reply) -> Option<WrongBytes> {
    match verdict(name, reply) {
        Err(Violation::Wrong { kind, .. }) => Some(kind),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn an_honest_server_keeps_every_promise() {
    for check in CHECKS {
        let verdict = verdict(check.name, |bytes, _| bytes.to_vec());
        assert!(verdict.is_ok(), "{}: {verdict:?}", check.name);
    }
}

#[test]
fn a_flipped_byte_is_caught() {
    let flip: Reply = |bytes, _| {
        let mut bytes = bytes.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        bytes
    };
    for name in ["empty", "segmentation", "half-close", "slow-reader", "many"] {
        assert_eq!(lie(name, flip), Some(WrongBytes::Flipped), "{name}");
    }
}

#[test]
fn a_dropped_tail_is_caught() {
    let drop_tail: Reply = |bytes, _| bytes[..bytes.len() - 1].to_vec();
    for name in ["segmentation", "half-close", "slow-reader", "many"] {
        assert_eq!(
            lie(name, drop_tail),
            Some(WrongBytes::DroppedTail),
            "{name}"
        );
    }
}

#[test]
fn bytes_echoed_twice_are_caught() {
    let twice: Reply = |bytes, _| [bytes, bytes].concat();
    for name in ["segmentation", "half-close", "slow-reader", "many"] {
        assert_eq!(lie(name, twice), Some(WrongBytes::EchoedTwice), "{name}");
    }
}

#[test]
fn another_clients_bytes_are_caught() {
    let swap: Reply = |bytes, past| {
        let others = std::mem::replace(past, bytes.to_vec());
        others
            .iter()
            .chain(bytes)
            .take(bytes.len())
            .copied()
            .collect()
    };
    assert_eq!(lie("many", swap), Some(WrongBytes::OtherClients));
}

#[test]
fn bytes_that_nobody_sent_are_caught() {
    let noise: Reply = |bytes, _| bytes.iter().map(|byte| !byte).collect();
    assert_eq!(lie("many", noise), Some(WrongBytes::Garbled));
}

#[test]
fn a_server_that_goes_away_is_caught() {
    let gone: Reply =
        |_, _| panic!("this connection's thread ends here, and the connection with it");
    let gone = verdict("reset", gone);
    assert!(matches!(gone, Err(Violation::Closed(..))), "{gone:?}");
}

#[test]
fn a_server_that_keeps_all_for_later_is_caught() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
        }
    });
    let silent = Target {
        address,
        holds: Holds::One,
        workers: 1,
        memory_bytes: None,
    };
    let verdict = never_reader(&silent);
    assert!(
        matches!(verdict, Err(Violation::Grew { .. })),
        "{verdict:?}"
    );
}

#[test]
fn a_server_that_ends_with_a_client_is_caught() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            loop {
                match stream.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) if stream.write_all(&buffer[..count]).is_ok() => {}
                    // A client is gone in the midst of it, and the server with it.
                    _ => return,
                }
            }
        }
    });
    let fragile = Target {
        address,
        holds: Holds::One,
        workers: 1,
        memory_bytes: None,
    };
    let verdict = reset(&fragile);
    // Who comes while it ends is reset, and who comes later is refused.
    assert!(
        matches!(verdict, Err(Violation::Refused(..) | Violation::Closed(..))),
        "{verdict:?}"
    );
}

/// Ends whoever says something else once somebody has said so much at once.
fn drops_others_for(much: fn(usize) -> bool, bytes: &[u8], past: &mut Vec<u8>) -> Vec<u8> {
    if much(bytes.len()) {
        past.push(0);
    } else {
        assert!(past.is_empty(), "this connection's thread ends here");
    }
    bytes.to_vec()
}

#[test]
fn a_server_that_drops_others_for_a_slow_client_is_caught() {
    let dropped = verdict("drip", |bytes, past| {
        drops_others_for(|count| count == 1, bytes, past)
    });
    assert!(matches!(dropped, Err(Violation::Closed(..))), "{dropped:?}");
}

#[test]
fn a_server_that_drops_others_for_a_loud_client_is_caught() {
    let dropped = verdict("flood", |bytes, past| {
        drops_others_for(|count| count > 64, bytes, past)
    });
    assert!(matches!(dropped, Err(Violation::Closed(..))), "{dropped:?}");
}
