//! Signals mean the same for every model.

use std::fs;
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1, kill};
use nix::unistd::Pid;

use crate::running::{Running, every_model, until};

#[test]
fn term_and_int_end_the_server_and_its_workers() {
    for signal in [SIGTERM, SIGINT] {
        every_model(|model| {
            let mut server = Running::start(model, &[]);
            let mut client = server.client();
            assert!(client.asks_and_is_answered());
            server.signal(signal);
            assert!(server.ended().success());
        });
    }
}

#[test]
fn quit_refuses_new_connections_and_finishes_open_ones() {
    every_model(|model| {
        let mut server = Running::start(model, &[]);
        let mut client = server.client();
        assert!(client.asks_and_is_answered());
        server.signal(SIGQUIT);
        until("new ones are refused", || {
            TcpStream::connect(server.address).is_err()
        });
        assert!(client.asks_and_is_answered());
        assert!(client.asks_and_is_answered());
        drop(client);
        assert!(server.ended().success());
    });
}

#[test]
fn quit_ends_a_server_that_nobody_uses() {
    every_model(|model| {
        let mut server = Running::start(model, &[]);
        server.signal(SIGQUIT);
        assert!(server.ended().success());
    });
}

#[test]
fn quit_waits_ten_seconds_and_no_longer() {
    every_model(|model| {
        let mut server = Running::start(model, &[]);
        let mut client = server.client();
        assert!(client.asks_and_is_answered());
        let start = Instant::now();
        server.signal(SIGQUIT);
        assert!(server.ended().success());
        assert!(
            start.elapsed() > Duration::from_secs(8),
            "{:?}",
            start.elapsed()
        );
    });
}

#[test]
fn usr1_prints_one_line_of_state() {
    every_model(|model| {
        let server = Running::start(model, &[]);
        let mut client = server.client();
        assert!(client.asks_and_is_answered());
        let line = |open| {
            format!(
                "{} pid {} accepted 1 open {open}\n",
                model.name,
                server.pid()
            )
        };
        server.signal(SIGUSR1);
        until("the line is there", || server.stderr() == line(1));
        assert!(client.asks_and_is_answered(), "it serves on");
        drop(client);
        until("the connection is counted as closed", || {
            server.signal(SIGUSR1);
            server.stderr().ends_with(&line(0))
        });
    });
}

#[test]
fn workers_do_not_outlive_a_server_that_is_killed() {
    let forks = |model: &str| {
        ["fork", "prefork", "cluster"]
            .iter()
            .any(|it| model.starts_with(it))
    };
    every_model(|model| {
        let mut server = Running::start(model, &[]);
        let mut client = server.client();
        assert!(client.asks_and_is_answered());
        assert_eq!(!server.children().is_empty(), forks(&model.name));
        server.signal(SIGKILL);
        assert!(!server.ended().success());
    });
}

#[test]
fn sigpipe_is_ignored_and_sigchld_is_not() {
    every_model(|model| {
        let server = Running::start(model, &[]);
        let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("/proc");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .expect("SigIgn");
        let ignored = u64::from_str_radix(line.trim(), 16).expect("a mask");
        let has = |signal: nix::sys::signal::Signal| ignored & 1 << (signal as u64 - 1) != 0;
        assert!(has(nix::sys::signal::SIGPIPE) && !has(nix::sys::signal::SIGCHLD));
    });
}

#[test]
fn a_storm_of_terms_while_it_forks_ends_everybody() {
    every_model(|model| {
        let mut server = Running::start(model, &[]);
        let (address, (told, begun)) = (server.address, mpsc::channel());
        thread::scope(|scope| {
            // Connections that come and go, so that who forks for each is forking now; few, for each keeps a port a while.
            scope.spawn(move || {
                for number in 0..200 {
                    if TcpStream::connect(address).is_err() {
                        break;
                    }
                    if number == 20 {
                        let _ = told.send(());
                    }
                }
            });
            let _ = begun.recv();
            for _ in 0..50 {
                // The server is reaped below: its group is there until then.
                kill(Pid::from_raw(-server.pid()), SIGTERM).expect("the group exists");
            }
            assert!(server.ended().success());
        });
    });
}
