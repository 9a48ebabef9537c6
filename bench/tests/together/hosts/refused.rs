//! What cannot begin: the cause in words, what to type next, and nothing left.

use std::io::{Read, Write};
use std::process::{Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{hosts_here, plain, rate, text};
use crate::support::{Place, command_line, ends, rr, wait_for};

fn started(place: &Place, server: &[String], load: Vec<String>) -> Output {
    let hosts = hosts_here(place, server, &[load]);
    let suite = place.suite(&rr("rr", 2, "20ms", "40ms", 1));
    let output = place.run(&[
        "run",
        &text(&suite),
        "--hosts",
        &text(&hosts),
        "--out",
        "out",
    ]);
    place.assert_nothing_left(&[]);
    assert!(!place.path("out").exists(), "nothing was begun");
    output
}

fn shell(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

#[test]
fn a_launcher_that_starts_no_agent_is_told_with_what_it_said() {
    let place = Place::new();
    for (launcher, told) in [
        (
            vec!["/no/such/launcher".to_owned()],
            "load-1 is gone: /no/such/launcher cannot be run",
        ),
        (
            shell("echo Permission denied >&2; exit 255"),
            "(exit status: 255); it said: Permission denied",
        ),
        (
            shell("exit 127"),
            "fiveways by its whole path in the launcher",
        ),
        (
            shell("echo Welcome to this host; sleep 60"),
            "no message but `Welcome to this host`",
        ),
        // As the agent of another version answers.
        (
            shell(
                r#"printf '\0\0\0\071{"Refused":{"phase":"prepare","text":"install the same"}}'; cat"#,
            ),
            "load-1: install the same",
        ),
    ] {
        let output = started(&place, &plain(), launcher);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(told) && said.contains("try: "),
            "{told}: {said}"
        );
        assert!(
            said.lines().all(|line| !line.contains("panicked")),
            "{said}"
        );
    }
}

#[test]
fn an_agent_of_another_version_is_told_from_ours() {
    let place = Place::new();
    let mut agent = place.command(&["agent"]);
    let mut agent = agent
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("an agent");
    let hello = br#"{"Hello":{"version":"0.0.1","lease_ms":3000}}"#;
    let mut to = agent.stdin.take().expect("piped");
    to.write_all(&(hello.len() as u32).to_be_bytes())
        .expect("it reads");
    to.write_all(hello).expect("it reads");
    drop(to);
    let said = agent.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.contains("the harness is version 0.0.1, this agent"),
        "{said}"
    );
}

#[test]
fn an_agent_that_is_fed_rubbish_ends_with_an_error() {
    let place = Place::new();
    let lease = br#"{"Hello":{"version":"VERSION","lease_ms":400}}"#;
    let lease = String::from_utf8_lossy(lease).replace("VERSION", env!("CARGO_PKG_VERSION"));
    let framed = |body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], body].concat();
    let hello = framed(lease.as_bytes());
    for (fed, code) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), 1),
        (vec![0xff; 64], 1),
        (framed(b"{\"Hello\":7}"), 1),
        (framed(&b"[".repeat(100_000)), 1),
        // The holder takes rubbish for the end of its harness, and the agent the end of its lifeline.
        ([hello.clone(), vec![0xff; 64]].concat(), 0),
        ([hello, framed(b"nonsense")].concat(), 0),
    ] {
        let mut agent = place.command(&["agent"]);
        agent
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut agent = agent.spawn().expect("an agent");
        let mut to = agent.stdin.take().expect("piped");
        // EPIPE: it has ended already.
        let _ = to.write_all(&fed[..fed.len().min(40)]);
        let _ = to.write_all(&fed[fed.len().min(40)..]);
        assert_eq!(
            ends(&mut agent).code(),
            Some(code),
            "{:?}",
            &fed[..20.min(fed.len())]
        );
        let said = agent.wait_with_output().expect("it has ended").stderr;
        assert!(!String::from_utf8_lossy(&said).contains("panicked"));
        place.assert_nothing_left(&[]);
    }
}

#[test]
fn a_mistake_in_the_file_is_told_with_its_place() {
    let place = Place::new();
    let hosts = place.write(
        "hosts.toml",
        "[server]\nhost = \"a\"\n[[load]]\nhots = \"b\"\n",
    );
    let output = place.run(&["run", "quick", "--hosts", &text(&hosts)]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("hosts.toml:4:1") && said.contains("did you mean `host`?"),
        "{said}"
    );
}

#[test]
fn what_the_servers_host_lacks_is_skipped_by_name() {
    let place = Place::new();
    let hosts = hosts_here(&place, &plain(), &[plain()]);
    let suite = place.suite(&rr("rr", 2, "20ms", "40ms", 1));
    let lacking = "lacking=./not-there {port}";
    let words = [
        "run",
        &text(&suite),
        "--hosts",
        &text(&hosts),
        "--out",
        "out",
        "--with",
        lacking,
    ];
    let output = place.run(&[&words[..], &["--only", "^(event-loop|lacking)$"]].concat());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        said.contains("skipped: lacking, ./not-there is not installed on the server's host"),
        "{said}"
    );
}

#[test]
fn a_network_that_cannot_be_delayed_skips_the_cells_with_the_cause() {
    let place = Place::new();
    let delayed =
        rate("delayed", 2, 100, "100ms", 1) + "network = { delay = \"1ms\", loss = \"1%\" }\n";
    let suite = place.suite(&delayed);
    let hosts = hosts_here(&place, &plain(), &[plain()]);
    let cases = [
        (vec![], "a network is delayed between hosts: --hosts FILE"),
        (
            vec!["--hosts".to_owned(), text(&hosts)],
            "no network namespace of its own",
        ),
    ];
    for (number, (more, told)) in cases.into_iter().enumerate() {
        let out = format!("out-{number}");
        let suite = text(&suite);
        let mut words = vec!["run", &suite, "--only", "^event-loop$", "--out", &out];
        words.extend(more.iter().map(String::as_str));
        let output = place.run(&words);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let results = record::read_results(&place.path(&out)).expect("records");
        let pass = &results.passes[0];
        assert_eq!(pass.outcome, record::Outcome::Skipped);
        let cause = &pass.cause.as_ref().expect("a cause").text;
        assert!(cause.contains(told), "{cause}");
    }
}

/// A launcher that says nothing holds the start up for as long as it takes to interrupt it.
#[test]
fn an_interrupt_while_an_agent_starts_is_no_error_of_the_tool() {
    let place = Place::new();
    let hosts = hosts_here(&place, &shell("exec sleep 60"), &[plain()]);
    let suite = place.suite(&rr("rr", 2, "20ms", "40ms", 1));
    let words = [
        "run",
        &text(&suite),
        "--hosts",
        &text(&hosts),
        "--out",
        "out",
    ];
    let mut run = place.command(&words);
    let mut run = run.stderr(Stdio::piped()).spawn().expect("the harness");
    let launched = || {
        let mut marked = place.marked().into_iter();
        marked.find(|pid| command_line(*pid).starts_with("sleep"))
    };
    wait_for(launched, "its launcher");
    kill(Pid::from_raw(run.id() as i32), Signal::SIGINT).expect("a child of ours");
    assert_eq!(ends(&mut run).code(), Some(130));
    let mut said = String::new();
    let mut stderr = run.stderr.take().expect("piped");
    stderr.read_to_string(&mut said).expect("text");
    assert!(said.contains("interrupted; nothing was measured"), "{said}");
    assert!(!place.path("out").exists(), "nothing was begun");
    place.assert_nothing_left(&[]);
}
