//! Counter passes in pages: figures by name, what is missing and why, and that no figure of a bare pass knows of them.

use record::*;

use crate::fixture;
use crate::fixture::counted::{NAMELESS, SLOWER, counted, with_changed, with_counters};
use crate::pages::*;

const RR: &str = "rr-50";
const CRR: &str = "crr-16";

fn value(summary: &Summary, contender: &str, scenario: &str, metric: &str) -> f64 {
    let it = estimate(summary, contender, scenario, metric);
    it.value.unwrap_or_else(|| panic!("{it:?}"))
}

fn near(value: f64, expected: f64) -> bool {
    (value - expected).abs() <= 0.01 * expected
}

#[test]
fn figures_are_what_was_counted_between_the_instants_of_the_workload() {
    let summary = report::summarise(&with_counters(fixture::results(), 3));
    let rr = |metric: &str| value(&summary, "event-loop", RR, metric);
    assert!(near(rr("system_calls_per_request_recvfrom"), 1.0));
    assert!(near(rr("system_calls_per_request_epoll_wait"), 0.31));
    assert!(near(rr("system_calls_per_request_others"), NAMELESS));
    assert!(near(
        rr("system_calls_per_request"),
        1.0 + 1.0 + 0.31 + NAMELESS
    ));
    assert!(near(rr("migrations_per_request"), 0.002));
    // What a server does before anybody connects is in no request of either workload.
    let forks = |metric: &str| value(&summary, "fork-per-connection", CRR, metric);
    assert!(near(forks("system_calls_per_request_clone"), 1.0));
    assert!(near(forks("system_calls_per_request_recvfrom"), 2.0));
    let it = estimate(&summary, "event-loop", RR, "system_calls_per_request");
    assert_eq!((it.source.as_str(), it.rounds), ("perf", 3));
    assert!(it.low.is_some_and(|low| low < 2.6) && it.high.is_some_and(|high| high > 2.5));
    assert_eq!((it.reason.as_deref(), it.unit.as_str()), (None, "1"));
    let usage = value(&summary, "prefork", RR, "switches_voluntary_per_request")
        + value(&summary, "prefork", RR, "switches_involuntary_per_request");
    assert!(near(
        value(&summary, "prefork", RR, "switches_per_request"),
        usage
    ));
}

#[test]
fn crr_counts_from_ready_and_rr_from_before() {
    let of = |instant: fn(&mut UsageInstants) -> &mut Option<Usage>| {
        let results = with_changed(fixture::results(), 3, |pass| {
            let usage = instant(&mut pass.usage).as_mut();
            let counted = usage.and_then(|usage| usage.counted.as_mut());
            let events = &mut counted.expect("counted").events;
            *events.get_mut("sys_enter_sendto").expect("looked for") += 3_000;
        });
        let summary = report::summarise(&results);
        let sent = |scenario| {
            value(
                &summary,
                "event-loop",
                scenario,
                "system_calls_per_request_sendto",
            )
        };
        (sent(RR), sent(CRR))
    };
    let (rr, crr) = of(|usage| &mut usage.before);
    assert!(rr < 0.97 && near(crr, 1.0), "{rr} {crr}");
    let (rr, crr) = of(|usage| &mut usage.ready);
    assert!(near(rr, 1.0) && crr < 0.8, "{rr} {crr}");
    let (rr, crr) = of(|usage| &mut usage.after);
    assert!(rr > 1.03 && crr > 1.2, "{rr} {crr}");
}

#[test]
fn a_name_that_nobody_uses_is_no_metric_and_one_that_others_use_is_zero() {
    let summary = report::summarise(&with_counters(fixture::results(), 3));
    let metrics = |scenario: &str| -> Vec<&str> {
        let here = summary.estimates.iter();
        let here = here.filter(|it| it.scenario == scenario && it.contender == "event-loop");
        here.map(|it| it.metric.as_str()).collect()
    };
    assert!(!metrics(RR).contains(&"system_calls_per_request_clone3"));
    assert!(metrics(CRR).contains(&"system_calls_per_request_clone3"));
    assert!(!metrics(CRR).contains(&"system_calls_per_request_io_uring_enter"));
    let it = estimate(
        &summary,
        "event-loop",
        CRR,
        "system_calls_per_request_clone3",
    );
    assert_eq!(
        (it.value, it.low, it.high),
        (Some(0.0), Some(0.0), Some(0.0))
    );
    assert!(
        metrics("idle-100")
            .iter()
            .all(|it| !it.contains("system_calls"))
    );
}

#[test]
fn without_counters_there_is_nothing_of_them() {
    let results = fixture::results();
    let files = written(&results);
    for name in ["summary.json", "README.md", "report.html"] {
        let text = text(&files, name);
        for word in ["system_calls", "migrations", "system calls", "_counted"] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn bare_figures_do_not_know_of_counter_passes() {
    let bare = report::summarise(&fixture::results());
    let counted = report::summarise(&with_counters(fixture::results(), 5));
    let known = |it: &&Estimate| {
        let mut bare = bare.estimates.iter();
        let same = |other: &&Estimate| {
            (&other.contender, &other.scenario, &other.metric)
                == (&it.contender, &it.scenario, &it.metric)
        };
        bare.any(|other| same(&other))
    };
    let kept: Vec<Estimate> = counted.estimates.iter().filter(known).cloned().collect();
    assert_eq!(kept, bare.estimates);
    assert_eq!(counted.comparisons, bare.comparisons);
    let text = terminal_fits(&with_counters(fixture::results(), 5));
    assert!(text.starts_with("quick: 5 rounds"), "{text}");
}

#[test]
fn what_the_counting_cost_is_told() {
    let results = with_counters(fixture::results(), 5);
    let summary = report::summarise(&results);
    // Drift moves a round's throughput, and both have the same rounds.
    let ratio = value(&summary, "event-loop", RR, "throughput_ratio_counted");
    assert!(near(ratio, SLOWER), "{ratio}");
    let ratio = value(&summary, "event-loop", RR, "cpu_ratio_counted");
    assert!(near(ratio, 1.0 / SLOWER), "{ratio}");
    let files = written(&results);
    let readme = text(&files, "README.md");
    let (_, said) = readme.split_once("The counting itself: ").expect("told");
    let (said, _) = said
        .split_once(" of what bare passes have.")
        .expect("whole");
    assert!(said.starts_with("requests/s 9"), "{said}");
    assert!(said.ends_with("CPU per request 105 %"), "{said}");
}

#[test]
fn one_round_has_figures_and_says_why_they_have_no_interval() {
    let results = with_counters(fixture::results(), 1);
    let summary = report::summarise(&results);
    let it = estimate(&summary, "prefork", RR, "system_calls_per_request");
    assert!(it.value.is_some() && it.low.is_none() && it.high.is_none());
    let why = it.reason.as_deref().expect("why");
    assert!(why.contains("1 round") && why.contains("takes 3"), "{why}");
    let readme = text(&written(&results), "README.md");
    assert!(
        readme.contains("1 round of counter passes, too few for intervals"),
        "{readme}"
    );
}

/// Takes what a kernel without tracepoints lacks out of everything that was counted.
fn without(pass: &mut Pass, is_missing: fn(&str) -> bool, kind: &str, why: &str) {
    for counted in counted(pass) {
        counted.events.retain(|name, _| !is_missing(name));
        counted.unavailable.insert(kind.to_owned(), why.to_owned());
    }
}

#[test]
fn without_tracepoints_system_calls_say_why_and_switches_are_there() {
    const WHY: &str = "/sys/kernel/tracing is not mounted";
    let results = with_changed(fixture::results(), 3, |pass| {
        without(pass, |name| name.starts_with("sys_"), "tracepoints", WHY);
    });
    let summary = report::summarise(&results);
    let it = estimate(&summary, "prefork", RR, "system_calls_per_request");
    assert_eq!(it.value, None);
    assert_eq!(it.reason.as_deref(), Some("…/tracing is not mounted"));
    assert!(value(&summary, "prefork", RR, "switches_per_request") > 0.9);
    let files = written(&results);
    assert!(files.iter().all(|(name, _)| !name.contains("system-calls")));
    for name in ["README.md", "report.html"] {
        let text = text(&files, name);
        assert!(text.contains("tracing is not mounted"), "{name}");
        assert!(!text.contains("| recvfrom |") && !text.contains(">recvfrom<"));
    }
}

#[test]
fn where_nothing_can_be_counted_the_reason_stands_once_and_no_zero() {
    const WHY: &str = "perf_event_paranoid is 2, CAP_PERFMON missing";
    let results = with_changed(fixture::results(), 2, |pass| {
        without(pass, |_| true, "perf", WHY);
    });
    let summary = report::summarise(&results);
    let counted = summary.estimates.iter().filter(|it| it.source == "perf");
    let counted: Vec<&Estimate> = counted.filter(|it| it.verdict == "valid").collect();
    assert!(counted.len() > 50);
    for it in counted {
        assert_eq!(
            (it.value, it.reason.as_deref()),
            (None, Some(WHY)),
            "{it:?}"
        );
    }
    let readme = text(&written(&results), "README.md");
    assert!(readme.contains("CAP\\_PERFMON missing"), "{readme}");
}

#[test]
fn a_name_that_could_not_be_counted_leaves_the_others_unknown_and_all_known() {
    let results = with_changed(fixture::results(), 3, |pass| {
        if pass.contender == "prefork" {
            let is_sendto = |name: &str| name == "sys_enter_sendto";
            without(pass, is_sendto, "sys_enter_sendto", "EMFILE (24)");
        }
    });
    let summary = report::summarise(&results);
    let it = estimate(&summary, "prefork", RR, "system_calls_per_request_sendto");
    assert_eq!(
        (it.value, it.reason.as_deref()),
        (None, Some("EMFILE (24)"))
    );
    let it = estimate(&summary, "prefork", RR, "system_calls_per_request_others");
    let why = it.reason.as_deref().expect("why");
    assert!(
        it.value.is_none() && why.contains("sys_enter_sendto is among them"),
        "{it:?}"
    );
    let all = value(&summary, "prefork", RR, "system_calls_per_request");
    assert!(near(all, 2.0 + NAMELESS), "{all}");
    survives(&results);
}

#[test]
fn who_has_no_counter_pass_stands_in_the_table_and_says_so() {
    let mut results = with_counters(fixture::results(), 3);
    let is_gone = |pass: &Pass| pass.pass == PassKind::Counter && pass.contender == "node-net";
    results.passes.retain(|pass| !is_gone(pass));
    let summary = report::summarise(&results);
    let it = estimate(&summary, "node-net", RR, "system_calls_per_request");
    assert_eq!(
        (it.value, it.reason.as_deref()),
        (None, Some("no counter pass was made"))
    );
    let readme = text(&written(&results), "README.md");
    let table = readme
        .split("What the kernel counted")
        .nth(1)
        .expect("a table");
    assert!(table.contains("| node-net | – | – |"), "{table}");
    assert!(
        table.contains("no counter pass was made (node-net)"),
        "{table}"
    );
}

#[test]
fn a_counter_pass_that_fails_is_told_and_weakens_no_bare_figure() {
    let results = with_changed(fixture::results(), 1, |pass| {
        if pass.contender == "prefork" && pass.scenario == RR {
            pass.outcome = Outcome::Hung;
            pass.cause = Some(Cause::new(Phase::Load, "no reply for 1 s"));
        }
    });
    let summary = report::summarise(&results);
    let bare = estimate(&summary, "prefork", RR, "throughput_per_s");
    assert_eq!(bare.verdict, "valid");
    let it = estimate(&summary, "prefork", RR, "system_calls_per_request");
    let why = it.reason.as_deref().expect("why");
    assert!(
        why.contains("its counter pass failed: round 1: no reply for 1 s"),
        "{why}"
    );
    let readme = text(&written(&results), "README.md");
    assert!(
        readme.contains("- prefork under rr-50: hung, counter pass, round 1: no reply for 1 s"),
        "{readme}"
    );
}

#[test]
fn wrong_bytes_in_a_counter_pass_discredit_the_cell() {
    let results = with_changed(fixture::results(), 1, |pass| {
        if pass.contender == "prefork" && pass.scenario == RR {
            pass.outcome = Outcome::Wrong;
            pass.cause = Some(Cause::new(Phase::Load, "byte 3 differs"));
        }
    });
    let summary = report::summarise(&results);
    for metric in ["throughput_per_s", "system_calls_per_request"] {
        let it = estimate(&summary, "prefork", RR, metric);
        assert_eq!((it.value, it.verdict.as_str()), (None, "wrong"), "{it:?}");
    }
    survives(&results);
}

#[test]
fn odd_counts_break_nothing() {
    let odd: [fn(&mut Pass); 5] = [
        // Counters that ran backwards, nothing counted at one instant, no instant, no replies, names of any kind.
        |pass| {
            let after = pass.usage.after.as_mut().and_then(|it| it.counted.as_mut());
            after
                .expect("counted")
                .events
                .values_mut()
                .for_each(|it| *it = 0);
        },
        |pass| {
            let before = pass.usage.before.as_mut();
            before.expect("read").counted = None;
        },
        |pass| pass.usage = UsageInstants::default(),
        |pass| {
            let after = pass.usage.after.as_mut();
            after.expect("read").replies = 0;
        },
        |pass| {
            for counted in counted(pass) {
                let name = "sys_enter_<b>|*no*|</b> call".to_owned();
                counted.events.insert(name, u64::MAX);
            }
        },
    ];
    for change in odd {
        survives(&with_changed(fixture::results(), 1, change));
    }
}
