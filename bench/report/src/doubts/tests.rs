//! Each doubt on invented records, on both sides of its threshold.

use record::histogram::Encoded;
use record::{HostInstant, Outcome, Pass, Results, Usage};

use super::{DOUBTS, VALID, is_doubt};
use crate::cells::{self, Cell};
use crate::data::Data;
use crate::{fixture, tables};

/// The five passes of a contender under a scenario, as they were invented: without a doubt.
fn cell_of(results: &Results, contender: &str, scenario: &str) -> Results {
    let mut results = results.clone();
    let of_cell = |pass: &Pass| pass.contender == contender && pass.scenario == scenario;
    results.passes.retain(of_cell);
    assert_eq!(results.passes.len(), 5);
    assert_eq!(raised(&results), Vec::<&str>::new());
    results
}

fn rr() -> Results {
    cell_of(&fixture::results_of(6), "event-loop", "rr-50")
}

fn crr() -> Results {
    cell_of(&fixture::results_of(6), "event-loop", "crr-16")
}

fn stream() -> Results {
    cell_of(&fixture::steady_of(6), "event-loop", "stream-16")
}

fn only<T>(results: &Results, read: impl Fn(&Cell<'_>) -> T) -> T {
    let cells = cells::cells(results);
    let mut measured = cells.iter().filter(|cell| !cell.passes.is_empty());
    let read = read(measured.next().expect("a cell with passes"));
    assert!(measured.next().is_none(), "one cell alone");
    read
}

/// Every doubt that answers, not the first alone.
fn raised(results: &Results) -> Vec<&'static str> {
    only(results, |cell| {
        let answers = DOUBTS.iter().filter(|doubt| (doubt.look)(cell).is_some());
        answers.map(|doubt| doubt.word).collect()
    })
}

fn reason(results: &Results) -> String {
    only(results, |cell| {
        let verdict = cell.verdict_of_percentiles();
        verdict.reason.clone().expect("a doubt")
    })
}

/// What is raised once every pass has been changed.
fn with(mut results: Results, change: impl Fn(&mut Pass)) -> (Vec<&'static str>, Results) {
    results.passes.iter_mut().for_each(change);
    (raised(&results), results)
}

const PASS_NS: u64 = 4_000_000_000;

/// A host over a pass in which others used a share of a CPU, and the hypervisor another.
fn host(pass: &mut Pass, others: f64, steal: f64) {
    let at = |at_ns: u64, busy_ns: u64, steal_ns: u64| HostInstant {
        at_ns: Some(7_000_000_000 + at_ns),
        busy_ns: Some(50_000_000_000 + busy_ns),
        ours_ns: Some(9_000_000_000 + at_ns * 3 / 2),
        steal_ns: Some(steal_ns),
        listen_overflows: Some(40),
        listen_drops: Some(40),
        load_1m: None,
        ..HostInstant::default()
    };
    let share = |share: f64| (share * PASS_NS as f64) as u64;
    pass.host.before = at(0, 0, 0);
    pass.host.after = at(PASS_NS, PASS_NS * 3 / 2 + share(others), share(steal));
}

#[test]
fn others_on_the_host() {
    let (words, _) = with(rr(), |pass| host(pass, 0.09, 0.04));
    assert_eq!(words, [""; 0]);
    let (words, results) = with(rr(), |pass| host(pass, 0.12, 0.0));
    assert_eq!(words, ["host-noisy"]);
    assert!(reason(&results).contains("12.0 % of a CPU"));
    let (words, results) = with(rr(), |pass| host(pass, 0.0, 0.06));
    assert_eq!(words, ["host-noisy"]);
    assert!(reason(&results).contains("6.00 % of a CPU"));
    // One loud round of five is what medians are for; a host that does not tell is not doubted.
    let (words, _) = with(rr(), |pass| {
        host(pass, if pass.round == 3 { 0.9 } else { 0.0 }, 0.0);
    });
    assert_eq!(words, [""; 0]);
    let (words, _) = with(rr(), |pass| {
        host(pass, 0.9, 0.0);
        pass.host.before.ours_ns = None;
    });
    assert_eq!(words, [""; 0]);
    let idle = cell_of(&fixture::results_of(6), "event-loop", "idle-500");
    let (words, _) = with(idle, |pass| host(pass, 0.9, 0.9));
    assert_eq!(words, [""; 0], "memory is weighed, not timed");
}

#[test]
fn rounds_that_the_hypervisor_took_do_not_count_where_most_are_spared() {
    // Rounds 1 to `stolen` are taken.
    let taken = |results: Results, stolen: u32, share: f64| {
        let (words, results) = with(results, |pass| {
            let taken = if pass.round <= stolen { share } else { 0.0 };
            host(pass, 0.0, taken);
        });
        let summary = crate::summarise(&results);
        let data = Data::new(&results, &summary);
        let under = &results.passes[0].scenario;
        let scenario = data.sections().find(|it| it.name == *under);
        let notes = tables::table(&data, scenario.expect("it has a section")).notes;
        let note = notes.into_iter().find(|note| note.starts_with("left out"));
        (words, only(&results, |cell| cell.passes.len()), note)
    };
    let (words, rounds, note) = taken(rr(), 2, 0.06);
    assert_eq!((words, rounds), (vec![], 3));
    let note = note.expect("it is said");
    assert!(
        note.ends_with(
            "more than 5 % of a CPU for other machines meanwhile (steal): rounds 1, 2 of event-loop"
        ),
        "{note}"
    );
    assert_eq!(taken(rr(), 2, 0.04), (vec![], 5, None));
    assert_eq!(taken(rr(), 3, 0.06), (vec!["host-noisy"], 5, None));
    let mut three = rr();
    three.passes.truncate(3);
    assert_eq!(
        taken(three, 1, 0.06),
        (vec![], 3, None),
        "two have no interval"
    );
    let idle = cell_of(&fixture::results_of(6), "event-loop", "idle-500");
    assert_eq!(taken(idle, 2, 0.9), (vec![], 5, None));
}

#[test]
fn another_fiveways_on_the_host() {
    let idle = || cell_of(&fixture::results_of(6), "event-loop", "idle-500");
    for results in [rr(), idle()] {
        let (words, results) = with(results, |pass| {
            host(pass, 0.0, 0.0);
            pass.host.beside = pass.round == 2;
        });
        assert_eq!(words, ["host-noisy"], "one round is enough: it is known");
        assert!(reason(&results).contains("in 1 of 5 rounds (--now)"));
    }
}

#[test]
fn connections_turned_away_where_no_queue_can_be_full() {
    let turn_away = |pass: &mut Pass, number: u64| {
        host(pass, 0.0, 0.0);
        if pass.round == 2 {
            pass.host.after.listen_drops = Some(40 + number);
        }
    };
    assert_eq!(with(crr(), |pass| turn_away(pass, 0)).0, [""; 0]);
    let (words, results) = with(crr(), |pass| turn_away(pass, 3));
    assert_eq!(words, ["host-noisy"]);
    assert!(reason(&results).contains("3 connections"));
    let (words, _) = with(rr(), |pass| turn_away(pass, 3));
    assert_eq!(words, [""; 0], "they stand before the load begins");
    let open = cell_of(&fixture::steady_of(6), "event-loop", "churn-1000");
    let (words, _) = with(open, |pass| turn_away(pass, 3));
    assert_eq!(words, [""; 0], "with a rate a queue may fill: the model's");
    let mut many = crr();
    for scenario in &mut many.run.suite.scenarios {
        scenario.connections = 101;
    }
    let (words, _) = with(many, |pass| turn_away(pass, 3));
    assert!(!words.contains(&"host-noisy"), "{words:?}");
}

#[test]
fn turns_of_a_connection_in_a_slice() {
    // 18 ms of each slice of 20 ms count: 10 turns of 50 connections are 450 replies there.
    let look = |replies: u64| {
        let (_, results) = with(rr(), |pass| {
            for slice in &mut pass.slices {
                slice.replies = replies;
            }
        });
        only(&results, super::slices::too_few_turns)
    };
    assert_eq!(look(450), None);
    let reason = look(225).expect("five turns");
    assert!(reason.starts_with("5.00 turns of each"), "{reason}");
    assert!(reason.contains("slice = \"40ms\""), "{reason}");
    let (words, _) = with(rr(), |pass| {
        pass.slices.iter_mut().for_each(|it| it.replies = 225)
    });
    assert!(words.contains(&"slice-too-short"));
    assert_eq!(only(&stream(), super::slices::too_few_turns), None);
}

/// Throughput counted so many times over, latencies as they were.
fn counted(pass: &mut Pass, factor: f64) {
    let scale = |replies: &mut u64| *replies = (*replies as f64 * factor) as u64;
    pass.slices.iter_mut().for_each(|it| scale(&mut it.replies));
    pass.bins.iter_mut().for_each(|it| scale(&mut it.replies));
}

/// To how much of its connections a cell's throughput × response time comes.
fn little(results: &Results) -> f64 {
    only(results, |cell| {
        crate::stats::median(&cell.little).expect("a closed loop")
    })
}

#[test]
fn connections_are_throughput_times_response_time() {
    for (results, word) in [
        (rr as fn() -> Results, "slice-too-short"),
        (stream, "unstable"),
    ] {
        let whole = little(&results());
        let short_by = |share: f64| with(results(), |pass| counted(pass, (1.0 - share) / whole));
        assert_eq!(short_by(0.045).0, [""; 0]);
        assert_eq!(short_by(-0.045).0, [""; 0]);
        assert_eq!(short_by(-0.06).0, [word]);
        let (words, results) = short_by(0.06);
        assert_eq!(words, [word]);
        assert!(reason(&results).contains("Little's law"));
    }
    // Clients that think are on their way less of the time, and a schedule has no number of clients to keep.
    let mut results = stream();
    let whole = little(&results);
    for scenario in &mut results.run.suite.scenarios {
        scenario.think = std::time::Duration::from_secs(1);
    }
    assert!(little(&results) > 100.0 * whole);
    let open = cell_of(&fixture::steady_of(6), "event-loop", "steady-2000");
    assert!(only(&open, |cell| cell.little.is_empty()));
}

#[test]
fn who_does_not_rest_in_others_slices() {
    let burn = |pass: &mut Pass, share: f64| {
        let before = pass.usage.before.clone().expect("invented");
        let stretch_ns = 50_000_000;
        let before = Usage {
            at_ns: before.at_ns + stretch_ns,
            cpu_ns: before.cpu_ns + (share * stretch_ns as f64) as u64,
            ..before
        };
        pass.usage.quiet = pass.usage.before.replace(before);
    };
    assert_eq!(with(rr(), |pass| burn(pass, 0.004)).0, [""; 0]);
    let (words, results) = with(rr(), |pass| burn(pass, 0.03));
    assert_eq!(words, ["restless"]);
    assert!(reason(&results).contains("3.00 % of a core"));
    assert_eq!(with(rr(), |pass| burn(pass, 0.006)).0, ["restless"]);
    let (words, _) = with(rr(), |pass| {
        burn(pass, 0.3);
        pass.usage.quiet = None;
    });
    assert_eq!(words, [""; 0], "what was not read is not doubted");
}

#[test]
fn a_generator_that_is_moved_about() {
    let moves = |pass: &mut Pass, per_s: u64| {
        pass.generator.migrations = Some(pass.generator.loaded_ns * per_s / 1_000_000_000);
    };
    assert_eq!(with(rr(), |pass| moves(pass, 190)).0, [""; 0]);
    assert_eq!(with(rr(), |pass| moves(pass, 300)).0, ["unstable"]);
}

#[test]
fn rounds_that_disagree() {
    let apart = |by: f64| {
        with(rr(), |pass| {
            let replies = [1.0, 1.0 - by, 1.0 + by, 1.0 - by, 1.0 + by];
            for slice in &mut pass.slices {
                slice.replies = (3_500.0 * replies[pass.round as usize - 1]) as u64;
            }
        })
    };
    let look = |by| only(&apart(by).1, super::rounds::spread);
    assert_eq!(look(0.14), None);
    assert!(look(0.16).is_some_and(|reason| reason.contains("16.0 %")));
    assert!(apart(0.3).0.contains(&"unstable"));
    let open = cell_of(&fixture::steady_of(6), "event-loop", "steady-2000");
    let (words, _) = with(open, |pass| {
        counted(pass, 1.0 + 0.4 * f64::from(pass.round))
    });
    assert_eq!(words, [""; 0], "a rate is asked for, not found");
}

#[test]
fn rounds_that_go_one_way() {
    let rounds = |factor: fn(u32) -> f64| {
        let mut results = rr();
        let one = results.passes[0].clone();
        results.passes = (1..=10)
            .map(|round| {
                let mut pass = Pass {
                    round,
                    ..one.clone()
                };
                counted(&mut pass, factor(round));
                pass
            })
            .collect();
        only(&results, super::rounds::drift)
    };
    assert_eq!(
        rounds(|round| 1.0 - 0.004 * f64::from(round)),
        None,
        "clear, and small"
    );
    assert_eq!(
        rounds(|round| [0.9, 1.1][round as usize % 2]),
        None,
        "large, and chance"
    );
    let reason = rounds(|round| 1.0 - 0.01 * f64::from(round)).expect("a drift");
    assert!(reason.contains("fell by 6"), "{reason}");
    assert!(
        rounds(|round| 1.0 + 0.01 * f64::from(round)).is_some_and(|it| it.contains("rose by 5"))
    );
}

#[test]
fn a_generator_that_is_the_limit() {
    let busy = |generator: f64, server: f64| {
        with(rr(), |pass| {
            let loaded = pass.generator.loaded_ns as f64;
            pass.generator.cpu_ns = (generator * loaded) as u64;
            if let Some((before, after)) = pass.usage.before.as_ref().zip(pass.usage.after.as_mut())
            {
                after.cpu_ns = before.cpu_ns + (server * loaded) as u64;
            }
        })
        .0
    };
    assert_eq!(busy(0.99, 0.90), ["client-bound"]);
    assert_eq!(busy(0.97, 0.90), [""; 0]);
    assert_eq!(busy(0.99, 0.96), [""; 0]);
}

#[test]
fn a_generator_that_is_late_by_itself_or_by_the_hypervisor() {
    let open = cell_of(&fixture::steady_of(6), "event-loop", "steady-2000");
    let late = |steal: f64| {
        let (words, results) = with(open.clone(), |pass| {
            let mut lag = record::histogram::latencies();
            lag.saturating_record_n(1_000, 900);
            lag.saturating_record_n(3_000_000, 100);
            pass.histograms.lag = Some(Encoded::new(&lag));
            // The requests of all rounds are counted together, and so is what was taken.
            host(pass, 0.0, if pass.round == 2 { steal } else { 0.0 });
        });
        (words[0], reason(&results))
    };
    let (word, said) = late(0.02);
    assert_eq!(word, "client-bound");
    assert!(said.contains("give it more cores"), "{said}");
    let (word, said) = late(0.05);
    assert_eq!(word, "host-noisy");
    assert!(said.contains("took 1.00 % of a CPU"), "{said}");
}

#[test]
fn too_few_rounds_and_too_few_replies() {
    let mut results = rr();
    results.passes.truncate(3);
    assert_eq!(raised(&results), [""; 0]);
    results.passes.truncate(2);
    assert_eq!(raised(&results), ["too-few-rounds"]);
    let replies = |sum: u64| {
        let (_, results) = with(rr(), |pass| {
            pass.slices.truncate(1);
            pass.slices[0].replies = sum;
        });
        raised(&results).contains(&"few-samples")
    };
    assert!(replies(999) && !replies(1_000));
}

#[test]
fn few_replies_weaken_percentiles_alone() {
    let few = |pass: &mut Pass| {
        pass.slices.truncate(1);
        pass.slices[0].replies = 999;
    };
    let words = |results: &Results| {
        let metrics = [
            "service_ns_p50",
            "service_ns_p99_of_slowest_worker",
            "throughput_per_s",
            "cpu_us_per_request",
            "errors",
        ];
        only(results, |cell| {
            metrics.map(|metric| cell.verdict_of(metric).word.clone())
        })
    };
    let (_, results) = with(rr(), few);
    let [p50, of_worker, others @ ..] = words(&results);
    assert_eq!([p50, of_worker], ["few-samples"; 2]);
    assert!(others.iter().all(|it| it != "few-samples"), "{others:?}");
    // What weakens everything weakens percentiles, too, and goes before.
    let (_, mut results) = with(rr(), |pass| {
        few(pass);
        pass.connections.served -= 1;
    });
    assert_eq!(words(&results), ["unserved"; 5]);
    // What comes after it is still the other figures' own.
    (_, results) = with(rr(), few);
    results.passes.truncate(2);
    let [p50, _, throughput, ..] = words(&results);
    assert_eq!([p50, throughput], ["few-samples", "too-few-rounds"]);
    assert!(words(&rr()).iter().all(|it| it == VALID));
}

#[test]
fn doubts_are_told_from_outcomes() {
    assert!(DOUBTS.iter().all(|doubt| is_doubt(doubt.word)));
    assert!(is_doubt("restless") && !is_doubt(super::VALID));
    for outcome in [
        Outcome::Ok,
        Outcome::Wrong,
        Outcome::Crashed,
        Outcome::Hung,
        Outcome::Refused,
        Outcome::Partial,
        Outcome::Skipped,
        Outcome::Struck,
    ] {
        assert!(!is_doubt(outcome.as_str()));
    }
}
