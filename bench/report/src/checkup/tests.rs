//! Each finding by what stands; the page by its width.

use record::{Fact, Results};

use super::*;
use crate::fixture::{self, fact, with_yardsticks};

/// A machine as it should be.
fn good() -> Host {
    let facts = [
        ("process.user", "root"),
        ("cpu.governor", "performance"),
        ("cpu.boost", "off"),
        ("cpu.nodes", "node0: CPUs 0-3; node1: CPUs 4-7"),
        ("clock.source", "tsc"),
        ("load.steal_percent", "0.00"),
        ("load.average", "0.05 0.01 0.00 1/200 4242"),
        ("net.core.somaxconn", "4096"),
        ("net.ipv4.tcp_max_syn_backlog", "4096"),
        ("net.ipv4.tcp_abort_on_overflow", "0"),
        ("net.ipv4.tcp_tw_reuse", "2"),
        ("net.ipv4.tcp_max_tw_buckets", "262144"),
        ("kernel.pid_max", "4194304"),
        ("kernel.threads-max", "200000"),
        ("limit.processes", "100, at most 100"),
        ("cgroup.task_limit", "none"),
        ("cgroup.cpu_limit", "none"),
        ("vm.max_map_count", "65530"),
        ("memory.available_kib", "16777216"),
        ("memory.swap_kib", "0"),
        ("memory.swap_free_kib", "0"),
        ("kernel.perf_event_paranoid", "2"),
        ("sched.switch_events", "readable"),
        ("kernel.randomize_va_space", "2"),
        ("cpu.mitigations", "spectre_v1: Mitigation: barriers"),
        ("kernel.numa_balancing", "0"),
        ("memory.same_page_merging", "0"),
        ("kernel.io_uring_disabled", "0"),
    ];
    let mut host = fixture::results().run.host;
    host.virtualisation = "none".to_owned();
    (host.cpus, host.cores) = (8, 8);
    host.cgroup = "one a server".to_owned();
    host.facts = facts.map(|(name, value)| fact(name, Ok(value))).to_vec();
    host
}

/// The good machine with one thing otherwise.
fn but(name: &str, value: &str) -> Host {
    let mut host = good();
    host.facts.retain(|fact| fact.name != name);
    host.facts.push(fact(name, Ok(value)));
    host
}

#[track_caller]
fn finding(host: &Host, about: &str) -> Finding {
    let all = findings(host, &[]);
    let found = all.into_iter().find(|(other, _)| *other == about);
    found.unwrap_or_else(|| panic!("nothing about {about}")).1
}

#[test]
fn nothing_is_to_be_changed_about_a_good_machine() {
    for (about, finding) in findings(&good(), &[]) {
        assert_eq!(finding.state, State::Well, "{about}: {finding:?}");
        assert_eq!(finding.command, None);
    }
}

#[test]
fn what_is_worth_changing_comes_with_its_command() {
    for (about, name, value, command) in [
        ("governor", "cpu.governor", "powersave", "scaling_governor"),
        ("boost", "cpu.boost", "on", "cpufreq/boost"),
        ("load", "load.average", "3.10 1.0 0.5 2/100 9", "top"),
        (
            "accept queue",
            "net.core.somaxconn",
            "128",
            "sysctl -w net.core.somaxconn=4096",
        ),
        (
            "SYN queue",
            "net.ipv4.tcp_max_syn_backlog",
            "128",
            "tcp_max_syn_backlog=1024",
        ),
        (
            "overflow",
            "net.ipv4.tcp_abort_on_overflow",
            "1",
            "tcp_abort_on_overflow=0",
        ),
        (
            "TIME_WAIT reuse",
            "net.ipv4.tcp_tw_reuse",
            "0",
            "tcp_tw_reuse=2",
        ),
        (
            "TIME_WAIT room",
            "net.ipv4.tcp_max_tw_buckets",
            "5000",
            "tcp_max_tw_buckets=65536",
        ),
        (
            "congestion control",
            "net.ipv4.tcp_congestion_control",
            "bbr",
            "=cubic",
        ),
        (
            "connection tracking",
            "net.netfilter.nf_conntrack_count",
            "12",
            "NOTRACK",
        ),
        ("tasks", "kernel.pid_max", "4096", "kernel.pid_max=131072"),
        (
            "mappings",
            "vm.max_map_count",
            "1000",
            "vm.max_map_count=32768",
        ),
        ("swap", "memory.swap_kib", "1024", "swapoff"),
        (
            "address layout",
            "kernel.randomize_va_space",
            "0",
            "randomize_va_space=2",
        ),
        (
            "NUMA balancing",
            "kernel.numa_balancing",
            "1",
            "numa_balancing=0",
        ),
        ("page merging", "memory.same_page_merging", "1", "ksm/run"),
        (
            "io_uring",
            "kernel.io_uring_disabled",
            "2",
            "io_uring_disabled=0",
        ),
    ] {
        let finding = finding(&but(name, value), about);
        assert_eq!(finding.state, State::Change, "{about}: {finding:?}");
        let typed = finding.command.expect("a command");
        assert!(typed.contains(command), "{about}: {typed}");
    }
    let mut host = good();
    host.huge_pages = Some("always".to_owned());
    assert_eq!(finding(&host, "huge pages").state, State::Change);
    host.port_range = Some((40_000, 41_000));
    assert!(finding(&host, "local ports").stands.contains("1,001"));
    host.descriptors = 1024;
    assert_eq!(finding(&host, "descriptors").state, State::Change);
}

#[test]
fn who_is_not_root_is_told_what_that_costs() {
    let mut host = but("process.user", "not root");
    assert_eq!(finding(&host, "perf").state, State::Change);
    assert!(
        finding(&host, "tasks")
            .stands
            .contains("100 tasks (ulimit -u)")
    );
    host.facts.retain(|fact| fact.name != "sched.switch_events");
    host.facts.push(fact(
        "sched.switch_events",
        Err("/sys/kernel/tracing/x: Permission denied (EACCES)"),
    ));
    let tracepoints = finding(&host, "tracepoints");
    assert!(
        tracepoints
            .command
            .is_some_and(|it| it.starts_with("sudo fiveways"))
    );
}

#[test]
fn a_virtual_machine_cannot_change_what_it_is() {
    let measured: Results = with_yardsticks(fixture::results());
    let run = &measured.run;
    let found = findings(&run.host, &run.yardsticks);
    let state = |about: &str| {
        let found = found.iter().find(|(other, _)| *other == about);
        found.map(|(_, finding)| finding.state)
    };
    for about in ["virtualisation", "wake-up", "cores", "governor"] {
        assert_eq!(state(about), Some(State::Fixed), "{about}");
    }
    assert_eq!(state("pages"), Some(State::Well), "540 ns are not dear");
    let mut polls = run.host.clone();
    polls.facts.push(fact("cpu.idle_poll_ns", Ok("0")));
    let found = findings(&polls, &run.yardsticks);
    let wake_up = found
        .iter()
        .find(|(about, _)| *about == "wake-up")
        .expect("it");
    assert_eq!(wake_up.1.state, State::Change);
}

#[test]
fn what_is_not_known_says_why_and_asks_for_nothing() {
    let mut host = good();
    for fact in &mut host.facts {
        fact.value = None;
        fact.reason = Some(format!("there is no {} here", fact.name));
    }
    (host.port_range, host.huge_pages, host.somaxconn) = (None, None, None);
    for (about, finding) in findings(&host, &[]) {
        assert!(
            finding.state != State::Change || about == "tracepoints",
            "{about}: {finding:?}"
        );
    }
    assert!(
        finding(&host, "accept queue")
            .stands
            .contains("there is no net.core.somaxconn here")
    );
}

/// The text without escape sequences.
fn bare(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('m').map_or("", |(_, rest)| rest));
    first + &rest.collect::<String>()
}

#[test]
fn the_page_fits_a_terminal_with_and_without_colours() {
    let mut measured = with_yardsticks(fixture::results());
    let odd: Vec<Fact> = (0..9)
        .map(|n| fact(&format!("odd.{n}"), Ok(&"word ".repeat(40))))
        .collect();
    measured.run.host.facts.extend(odd);
    let page = |ink, facts| {
        checkup(
            &measured.run.host,
            &measured.run.yardsticks,
            Style { ink, facts },
        )
    };
    for facts in [false, true] {
        let (plain, coloured) = (page(Ink::None, facts), page(Ink::Colours, facts));
        assert!(!plain.contains('\u{1b}'));
        assert!(coloured.contains('\u{1b}'));
        assert_eq!(bare(&coloured), plain);
        let wide =
            |line: &&str| line.chars().count() > 80 && !line.trim_start().starts_with("do: ");
        assert_eq!(plain.lines().find(wide), None);
        assert_eq!(plain.contains("odd.8"), facts);
    }
    let plain = page(Ink::None, false);
    for words in [
        "Worth changing (",
        "Cannot be changed here (",
        "As it should be (",
        "why: ",
        "do: sudo",
        "a wake-up across cores",
    ] {
        assert!(plain.contains(words), "{words}: {plain}");
    }
}

#[test]
fn the_object_holds_all_of_it() {
    let measured = with_yardsticks(fixture::results());
    let object = checkup_object(&measured.run.host, &measured.run.yardsticks);
    let findings = object["findings"].as_array().expect("findings");
    assert!(
        findings
            .iter()
            .all(|it| it["why"].is_string() && it["state"].is_string())
    );
    assert_eq!(object["yardsticks"][7]["median"], serde_json::Value::Null);
    assert!(object["yardsticks"][7]["reason"].is_string());
    assert!(object["yardsticks"][0]["median"].is_number());
    assert_eq!(object["host"]["facts"][0]["name"], "cpu.caches");
}
