//! Each limit by the records that it is told from.

use record::Results;

use super::*;
use crate::fixture::{self, fact, with_yardsticks};

fn told(results: &Results) -> Vec<(String, String)> {
    let summary = crate::summarise(results);
    let data = Data::new(results, &summary);
    let limits = limits(&data).into_iter();
    limits.map(|it| (it.what.to_owned(), it.text)).collect()
}

/// The text of a limit.
#[track_caller]
fn text(results: &Results, what: &str) -> String {
    let told = told(results);
    let found = told.iter().find(|(other, _)| other == what);
    found
        .unwrap_or_else(|| panic!("no {what} in {told:?}"))
        .1
        .clone()
}

fn is_told(results: &Results, what: &str) -> bool {
    told(results).iter().any(|(other, _)| other == what)
}

/// Every pass a second after the one before, its host's readings changed by `change`.
fn timed(mut results: Results, change: fn(usize, &mut record::HostInstants)) -> Results {
    for (index, pass) in results.passes.iter_mut().enumerate() {
        let begun = index as u64 * 1_000_000_000;
        pass.host.before.at_ns = Some(begun);
        pass.host.after.at_ns = Some(begun + 1_000_000_000);
        change(index, &mut pass.host);
    }
    results
}

#[test]
fn each_line_has_its_figure() {
    let results = with_yardsticks(fixture::results());
    let took = |name: &str| {
        let median = crate::yardsticks::median(&results.run.yardsticks, name);
        crate::format::time(median.expect(name))
    };
    let (spinning, wake_up) = (took("tcp-spinning"), took("wake-up"));
    let (touch, copy, fork) = (took("first-touch"), took("copy-on-write"), took("fork"));
    for (what, figures) in [
        (
            "more than one server core",
            &["one server core", "2 cores"][..],
        ),
        ("a network", &[spinning.as_str()]),
        ("bare metal", &["(KVM)", &wake_up, &spinning]),
        ("cheap pages", &[touch.as_str(), &copy, &fork]),
        (
            "a server's own work",
            &["an echo of 64 B", "event-loop", "90 %"],
        ),
        (
            "hyper-threads",
            &["2 logical CPUs on 2 cores", "from inside"],
        ),
        ("caches of one's own", &["L3 32 MiB (CPUs 0-1)", "8.00 GiB"]),
        ("memory of another node", &["node0"]),
        (
            "a fixed clock frequency",
            &["there is no cpufreq/scaling_governor here"],
        ),
        (
            "other CPUs' system calls",
            &["2 mitigations", "spectre_v1, spectre_v2"],
        ),
        ("very many connections", &["20,000"]),
    ] {
        let text = text(&results, what);
        for figure in figures {
            assert!(text.contains(figure), "{what} lacks {figure}: {text}");
        }
    }
    assert!(
        !is_told(&results, "nanoseconds"),
        "tsc is what it should be"
    );
}

#[test]
fn old_records_say_what_they_can() {
    let results = fixture::results();
    assert!(text(&results, "bare metal").contains("was not measured"));
    assert!(text(&results, "a network").contains("loopback"));
    for unknown in [
        "cheap pages",
        "memory of another node",
        "a fixed clock frequency",
        "another day",
    ] {
        assert!(!is_told(&results, unknown), "{unknown}");
    }
}

#[test]
fn bare_metal_has_other_limits_than_a_virtual_machine() {
    let mut results = with_yardsticks(fixture::results());
    results.run.host.virtualisation = "none".to_owned();
    assert!(!is_told(&results, "bare metal") && !is_told(&results, "cheap pages"));
    results.run.host.cpus = 4;
    assert!(text(&results, "hyper-threads").contains("a server core is 2 hyper-threads"));
}

#[test]
fn a_clock_that_is_dear_is_told() {
    let mut results = with_yardsticks(fixture::results());
    results.run.host.facts = vec![fact("clock.source", Ok("hpet"))];
    assert!(text(&results, "nanoseconds").contains("hpet"));
}

#[test]
fn work_in_a_scenario_leaves_its_line_out() {
    let mut results = fixture::results();
    results.run.suite.scenarios[0].work = "cpu:50ns".to_owned();
    assert!(!is_told(&results, "a server's own work"));
}

#[test]
fn steal_is_told_with_the_worst_pass() {
    let results = timed(fixture::results(), |index, host| {
        host.before.steal_ns = Some(5);
        host.after.steal_ns = Some(5 + if index == 7 { 50_000_000 } else { 0 });
    });
    let text = text(&results, "an undisturbed machine");
    assert!(text.contains("5.00 % in the worst"), "{text}");
    assert!(text.contains(&results.passes[7].scenario), "{text}");
    let quiet = timed(fixture::results(), |_, host| {
        host.before.steal_ns = Some(5);
        host.after.steal_ns = Some(5);
    });
    assert!(!is_told(&quiet, "an undisturbed machine"));
}

#[test]
fn a_clock_that_is_set_is_told_and_one_that_is_adjusted_is_not() {
    let adjusted = timed(fixture::results(), |_, host| {
        host.before.wall_offset_ns = Some(0);
        host.after.wall_offset_ns = Some(-490_000);
    });
    assert!(!is_told(&adjusted, "dates that can be trusted"));
    let set = timed(fixture::results(), |index, host| {
        host.before.wall_offset_ns = Some(0);
        host.after.wall_offset_ns = Some(if index == 3 { -2_000_000_000 } else { 0 });
    });
    let text = text(&set, "dates that can be trusted");
    assert!(
        text.contains("1 pass ") && text.contains("2.00 s"),
        "{text}"
    );
}

#[test]
fn a_machine_that_slept_is_told() {
    let results = timed(fixture::results(), |index, host| {
        host.before.suspended_ns = Some(0);
        host.after.suspended_ns = Some(if index < 2 { 1_500_000_000 } else { 900 });
    });
    let text = text(&results, "a machine that stayed awake");
    assert!(
        text.contains("3.00 s") && text.contains("2 passes"),
        "{text}"
    );
    let day = self::text(&results, "another day");
    assert!(day.contains("4.50 minutes"), "{day}");
}
