//! Two runs of the same, a slower contender, a slower machine; who cannot be judged.

use super::*;
use crate::compare::{Gate, compare};
use crate::fixture;
use crate::stats::simulated::Noise;

/// The invented run, every contender faster or slower by luck of this run (so many per cent), all of them by `machine`.
fn run(seed: u64, luck: f64, machine: f64, contenders: usize) -> Results {
    let mut results = fixture::results_of(contenders);
    let mut noise = Noise::new(seed);
    let scenarios: Vec<String> = results
        .run
        .suite
        .scenarios
        .iter()
        .map(|it| it.name.clone())
        .collect();
    let entrants: Vec<String> = results
        .run
        .entrants
        .iter()
        .map(|it| it.name.clone())
        .collect();
    for scenario in &scenarios {
        for contender in &entrants {
            let of_cell = (machine.ln() + luck * noise.normal()).exp();
            let passes = results.passes.iter_mut();
            for pass in passes.filter(|it| it.scenario == *scenario && it.contender == *contender) {
                let factor = of_cell * (0.02 * noise.normal()).exp();
                slowed(pass, factor);
            }
        }
    }
    results
}

/// Replies take so many times as long; without distributions, which would say something else (Little's law).
fn slowed(pass: &mut record::Pass, factor: f64) {
    pass.histograms = record::Histograms::default();
    for slice in &mut pass.slices {
        slice.length_ns = (slice.length_ns as f64 * factor) as u64;
    }
}

fn compared(a: &Results, b: &Results, gates: &[Gate]) -> crate::compare::Compared {
    let sides = [("a", a), ("b", b)].map(|(name, results)| Side {
        name: name.to_owned(),
        results,
    });
    compare(&sides, gates)
}

fn throughputs(it: &crate::compare::Compared) -> Vec<&Change> {
    it.changes()
        .iter()
        .filter(|it| it.metric == "throughput_per_s")
        .collect()
}

fn is_decided(it: &Change) -> bool {
    matches!(it.answer, Answer::Ahead | Answer::Behind)
}

#[test]
fn two_runs_of_one_build_differ_in_nothing_nine_times_of_ten() {
    // Luck between runs as large as the noise within, and twice that; a machine that was 20 % slower; four and nine.
    for (contenders, luck) in [(4, 0.02), (9, 0.02), (9, 0.04)] {
        let wrong = (0..10_u64).filter(|seed| {
            let a = run(2 * seed + 1, luck, 1.0, contenders);
            let b = run(2 * seed + 2, luck, 1.2, contenders);
            let compared = compared(&a, &b, &[]);
            assert!(throughputs(&compared).len() >= 2 * (contenders - 2));
            throughputs(&compared).into_iter().any(is_decided)
        });
        let wrong = wrong.count();
        assert!(
            wrong <= 1,
            "{contenders} contenders, luck {luck}: {wrong} of 10"
        );
    }
}

#[test]
fn a_slower_contender_is_told_from_a_slower_machine() {
    let gates: Vec<Gate> = vec!["throughput_per_s<-5%".parse().expect("a gate")];
    let a = run(1, 0.005, 1.0, 9);
    let mut b = run(2, 0.005, 1.3, 9);
    let slow = b
        .passes
        .iter_mut()
        .filter(|it| it.contender == "thread-pool");
    slow.for_each(|pass| slowed(pass, 1.18));
    let compared = compared(&a, &b, &gates);
    let decided: Vec<&Change> = throughputs(&compared)
        .into_iter()
        .filter(|it| is_decided(it))
        .collect();
    assert!(!decided.is_empty());
    for it in &decided {
        assert_eq!(
            (it.contender.as_str(), it.answer),
            ("thread-pool", Answer::Behind),
            "{it:?}"
        );
        assert!((0.80..0.90).contains(&it.ratio) && it.raw < 0.75, "{it:?}");
    }
    assert!(!compared.regressions().is_empty());
    assert!(
        compared
            .regressions()
            .iter()
            .all(|(_, it)| it.contender == "thread-pool")
    );
    let text = compared.terminal(80);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(
        text.contains("REGRESSION beyond throughput_per_s<-5%: B: thread-pool"),
        "{text}"
    );
    assert!(
        text.replace("\n  ", " ")
            .contains("taken for the machine's"),
        "{text}"
    );
    let lax: Vec<Gate> = vec!["throughput_per_s<-25%".parse().expect("a gate")];
    assert!(
        super::super::compare(
            &[
                Side {
                    name: "a".into(),
                    results: &a
                },
                Side {
                    name: "b".into(),
                    results: &b
                }
            ],
            &lax
        )
        .regressions()
        .is_empty()
    );
}

#[test]
fn what_differs_stands_first_and_paths_do_not() {
    let (a, mut b) = (fixture::results_of(5), fixture::results_of(5));
    let same = compared(&a, &b, &[]);
    assert!(
        same.terminal(80)
            .contains("Nothing differs beside the figures.")
    );
    b.run.host.kernel = "Linux 9.9".to_owned();
    b.run.seed = 43;
    b.run.entrants[0].version = "| newer `1`".to_owned();
    b.run.entrants[0].command[0] = "/home/somebody/echo-server".to_owned();
    b.run.suite.scenarios[0].connections += 1;
    let differing = compared(&a, &b, &[]);
    for text in [
        differing.terminal(80),
        differing.markdown(),
        differing.object().to_string(),
    ] {
        for said in ["Linux 9.9", "43", "iterative: version", "scenario rr"] {
            assert!(text.contains(said), "{said}: {text}");
        }
        assert!(!text.contains("somebody"), "{text}");
    }
    let scenario = &b.run.suite.scenarios[0].name;
    assert!(
        differing
            .changes()
            .iter()
            .all(|it| it.scenario != *scenario),
        "another load is not compared"
    );
    let markdown = differing.markdown();
    let first = |word: &str| {
        markdown
            .find(word)
            .unwrap_or_else(|| panic!("{word}: {markdown}"))
    };
    assert!(first("Linux 9.9") < first("ahead") && markdown.contains("\\| newer \\`1\\`"));
}

#[test]
fn who_is_doubted_or_alone_is_not_judged() {
    let a = fixture::results();
    let doubted = compared(&a, &a, &[]);
    assert!(
        doubted
            .changes()
            .iter()
            .all(|it| it.contender != "event-tokio" || it.scenario != "rr-5")
    );
    assert!(
        doubted
            .terminal(80)
            .contains("event-tokio under rr-5: client-bound in a"),
        "{}",
        doubted.terminal(80)
    );
    let gates: Vec<Gate> = vec!["throughput_per_s<-5%".parse().expect("a gate")];
    let mut pair = fixture::results_of(3);
    pair.passes.retain(|it| it.contender == "prefork");
    pair.run.entrants.retain(|it| it.name == "prefork");
    let mut slow = pair.clone();
    slow.passes.iter_mut().for_each(|it| slowed(it, 2.0));
    let alone = compared(&pair, &slow, &gates);
    assert!(!alone.changes().is_empty() && alone.changes().iter().all(|it| it.interval.is_none()));
    assert!(alone.regressions().is_empty());
    assert!(
        alone
            .terminal(80)
            .replace("\n  ", " ")
            .contains("judges nothing"),
        "{}",
        alone.terminal(80)
    );
    let mut nothing = a.clone();
    nothing.passes.clear();
    assert!(
        compared(&a, &nothing, &[])
            .terminal(60)
            .contains("Nothing can be compared")
    );
}

#[test]
fn hosts_stand_side_by_side() {
    let runs: Vec<Results> = (1..=12).map(|seed| run(seed, 0.08, 1.0, 7)).collect();
    let sides: Vec<Side<'_>> = runs
        .iter()
        .map(|results| Side {
            name: String::new(),
            results,
        })
        .collect();
    let (table, svg, png) = crate::by_host(&sides, "throughput_per_s", None, 80).expect("ratios");
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    assert!(
        table.contains("prefork") && png.starts_with(b"\x89PNG"),
        "{table}"
    );
    let rings = svg.matches("<circle").count();
    assert_eq!(rings % 12, 0, "a dot a host");
    assert!(rings >= 36);
    assert!(crate::by_host(&sides, "throughput_per_s", Some("nowhere"), 80).is_err());
}
