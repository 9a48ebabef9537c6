//! What a user types, and what comes back.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::running::{BINARY, Client, Running, models, until};

fn run(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .output()
        .expect("the binary runs")
}

#[test]
fn the_list_has_a_line_of_four_columns_for_each_model() {
    let list = run(&["--list"]);
    assert!(list.status.success() && list.stderr.is_empty());
    let text = String::from_utf8(list.stdout).expect("UTF-8");
    for line in text.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        assert_eq!(fields.len(), 4, "{line}");
        assert!(
            fields.iter().all(|field| !field.trim().is_empty()),
            "{line}"
        );
        assert!(["one", "workers", "any"].contains(&fields[2]), "{line}");
    }
    let expected = "iterative fork-per-connection prefork prefork-file-lock prefork-mutex prefork-epoll \
                    prefork-epoll-exclusive prefork-reuseport cluster-listener cluster-round-robin \
                    cluster-least-connections cluster-first-free thread-per-connection thread-pool \
                    thread-pool-accept thread-pool-accept-mutex thread-pool-dispatch rayon-pool event-loop event-loop-edge \
                    event-loop-per-core event-offload tokio tokio-current-thread io-uring";
    let names: Vec<_> = models().into_iter().map(|model| model.name).collect();
    assert_eq!(names.join(" "), expected);
}

#[test]
fn help_and_version_are_answers_not_errors() {
    for (option, word) in [
        ("--help", "Usage: echo-server MODEL"),
        ("--version", "echo-server "),
    ] {
        let answer = run(&[option]);
        assert!(answer.status.success() && answer.stderr.is_empty());
        assert!(String::from_utf8_lossy(&answer.stdout).contains(word));
    }
}

#[test]
fn a_usage_error_is_2_and_names_the_models() {
    for wrong in [&["prefrok", "--port", "0"][..], &[], &["--port", "0"]] {
        let answer = run(wrong);
        assert_eq!(answer.status.code(), Some(2), "{wrong:?}");
        let problem = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(
            models().iter().all(|model| problem.contains(&model.name)),
            "{problem}"
        );
    }
    let near = run(&["prefrok", "--port", "0"]);
    assert!(String::from_utf8_lossy(&near.stderr).contains("did you mean `prefork`?"));
    assert_eq!(run(&["iterative"]).status.code(), Some(2));
    assert_eq!(
        run(&["iterative", "--port", "0", "--work", "cpu"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn a_port_in_use_says_so_and_what_to_type() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    for model in models() {
        let answer = run(&[&model.name, "--port", &port]);
        assert_eq!(answer.status.code(), Some(1));
        let problem = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(
            problem.contains("os error 98") && problem.contains("ss -ltnp"),
            "{problem}"
        );
    }
}

#[test]
fn port_0_takes_a_free_port_and_says_which() {
    let (a, b) = (
        Running::start_named("iterative", &[]),
        Running::start_named("iterative", &[]),
    );
    assert!(a.address.port() != 0 && a.address != b.address);
    let six = Running::start_named("event-loop", &["--listen", "::1"]);
    assert!(six.address.is_ipv6() && six.client().asks_and_is_answered());
}

#[test]
fn a_closed_stdout_is_no_reason_not_to_serve() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let mut command = Command::new("sh");
    // The line that `Running` waits for is the shell's own: the server's goes nowhere.
    let script = format!("echo listening on {address}; exec \"$@\" >&-");
    command.args([
        "-c",
        &script,
        "sh",
        BINARY,
        "event-loop",
        "--port",
        &address.port().to_string(),
    ]);
    let server = Running::launch(command);
    until("it listens", || {
        std::net::TcpStream::connect(address).is_ok()
    });
    assert!(Client::connect(address).asks_and_is_answered());
    drop(server);
}
