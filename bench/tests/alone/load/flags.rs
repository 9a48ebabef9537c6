//! What may be asked, and what is said to who asks for something else.

use super::chaos::{deserted_port, echo};
use super::program::*;
use crate::support::shared;

#[test]
fn remote_servers_are_loaded_only_when_that_is_said() {
    // TEST-NET-1: nobody's address. Were a packet sent, there would be a timeout and not a sentence.
    let said = run_to("192.0.2.1:80", "-d 1s");
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    for words in [
        "not on this machine",
        "fiveways load 192.0.2.1:80 --allow-remote",
    ] {
        assert!(said.stderr.contains(words), "{}", said.stderr);
    }
    assert!(said.stdout.is_empty(), "{}", said.stdout);
}

#[test]
fn a_name_is_resolved() {
    let _shared = shared();
    let server = echo(64, |_| {});
    let said = run_to(&format!("localhost:{}", server.port), "-n 100 --json");
    assert_eq!((said.code, count(&said.json(), "/ok")), (Some(0), 100));
}

#[test]
fn mistakes_are_told_with_what_to_type() {
    for (words, told) in [
        ("-R 100 --pace closed", "try: --rate 100 --pace constant"),
        ("--pace poisson", "try: --pace poisson --rate 1000"),
        ("-R 100 --mode idle", "try: --mode rr --rate 100"),
        ("-R 100 --mode stream", "try: --mode rr --rate 100"),
        ("--depth 4", "try: --mode stream --depth 4"),
        ("--per-connection 4", "try: --mode crr --per-connection 4"),
        ("--think 5ms -R 100", "try: --think without --rate"),
        ("--think 5ms --mode stream", "try: --think without --rate"),
        ("-n 100 --mode idle", "try: --mode idle -d 10s"),
        ("-c 0", "try: -c 1"),
        ("-t 0", "try: -t 1"),
        ("-t 5 -c 4", "try: -t 4, or -c 5"),
        ("-n 0", "try: -n 1000"),
        ("-d 0s", "try: -d 10s"),
        ("--payload 0", "try: --payload 64"),
        ("--payload 1048577", "1 byte to 1 MiB"),
        ("--payload 2MiB", "1 byte to 1 MiB"),
        ("--mode stream --depth 0", "try: --depth 16"),
        ("--mode crr --per-connection 0", "try: --per-connection 1"),
        ("--timeout 0s", "try: --timeout 2s"),
        ("--timeout 2m", "try: --timeout 2s"),
        ("--interval 1ms", "try: --interval 1s"),
        ("-R 0.01 -d 1s", "none is due in 1s"),
        ("--hgrm /no/such/folder/file", "there is no folder"),
        ("--hgrm /tmp", "it is a folder"),
        ("-d 10parsecs", "write 10s, 500ms or 1m"),
        ("-d 99999999999999999999s", "write 10s"),
        ("-d 100years", "at most 30 days"),
        ("-d 18446744073709551615", "at most 30 days"),
        ("-R 1e300", "at most 10M"),
        ("-R -5", "above 0"),
        ("-R NaN", "at most 10M"),
        ("-n 18446744073709551615k", "write a whole number"),
        ("-c 5000000000", "at most 4294967295"),
        ("--payload 18446744073709551615MiB", "write bytes"),
        ("--mode ping", "[possible values: rr, crr, stream, idle]"),
    ] {
        let said = run_to("127.0.0.1:1", words);
        assert_eq!(
            said.code,
            Some(2),
            "{words}: {}{}",
            said.stdout,
            said.stderr
        );
        assert!(said.stderr.contains(told), "{words}: {}", said.stderr);
    }
    for target in [
        "127.0.0.1",
        "http://127.0.0.1/",
        ":80",
        "127.0.0.1:0",
        "127.0.0.1:99999",
        "no such host:80",
    ] {
        let said = run_to(target, "-d 1s");
        assert_eq!(said.code, Some(2), "{target}: {}", said.stderr);
        assert!(
            said.stderr.contains("fiveways load 127.0.0.1:8080"),
            "{}",
            said.stderr
        );
    }
    let said = run_to("127.0.0.1:1", "-c 0 --json");
    assert_eq!((said.code, &said.json()["hint"]), (Some(2), &"-c 1".into()));
}

#[test]
fn a_plan_beyond_the_limit_of_descriptors_is_refused_with_the_number_missing() {
    let server = echo(64, |_| {});
    let said = run(&server, "-c 4000000000 -d 1s");
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("more descriptors"), "{}", said.stderr);
    assert_eq!(server.accepted(), 0);
}

#[test]
fn nobody_listening_is_told() {
    let port = deserted_port();
    let said = run_to(&format!("127.0.0.1:{port}"), "-d 5s");
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    let hint = format!("is a server listening there? e.g. `echo-server event-loop --port {port}`");
    assert!(said.stderr.contains(&hint), "{}", said.stderr);
    let said = run_to(&format!("127.0.0.1:{port}"), "-d 5s --json");
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.json()["error"].is_string());
}
