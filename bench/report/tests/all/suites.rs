//! What suites that vary one thing answer: their sentences and charts, made from an invented run in which a scenario
//! stands twice.

use record::*;

use crate::fixture;
use crate::pages::*;

/// `of` once more under another name: `change` is what differs, `each` what became of its passes.
fn again(
    results: &mut Results,
    of: &str,
    name: &str,
    change: impl Fn(&mut Scenario),
    each: impl Fn(&mut Pass),
) {
    let suite = &mut results.run.suite;
    let first = suite.scenarios.iter().find(|it| it.name == of);
    let mut twin = first.expect("in the fixture").clone();
    name.clone_into(&mut twin.name);
    change(&mut twin);
    suite.scenarios.push(twin);
    let passes = results.passes.iter().filter(|pass| pass.scenario == of);
    let mut passes: Vec<Pass> = passes.cloned().collect();
    for pass in &mut passes {
        name.clone_into(&mut pass.scenario);
        each(pass);
    }
    results.passes.extend(passes);
    let plan = results.run.passes.iter().filter(|it| it.scenario == of);
    let mut plan: Vec<Planned> = plan.cloned().collect();
    plan.iter_mut()
        .for_each(|it| name.clone_into(&mut it.scenario));
    results.run.passes.extend(plan);
}

fn in_place(results: &mut Results, name: &str, change: impl Fn(&mut Scenario)) {
    let mut scenarios = results.run.suite.scenarios.iter_mut();
    change(
        scenarios
            .find(|it| it.name == name)
            .expect("in the fixture"),
    );
}

fn readme(results: &Results) -> (String, Vec<String>) {
    let files = survives(results);
    let charts = files.iter().map(|(name, _)| name.clone()).collect();
    (text(&files, "README.md"), charts)
}

/// A distribution of which a share is slow.
fn mostly(quick_ns: u64, slow_ns: u64, slow: f64) -> Option<record::histogram::Encoded> {
    let mut all = record::histogram::latencies();
    all.saturating_record_n(quick_ns, ((1.0 - slow) * 10_000.0) as u64);
    all.saturating_record_n(slow_ns, (slow * 10_000.0) as u64);
    Some(record::histogram::Encoded::new(&all))
}

/// So many times as many replies, each in so much less time: Little's law holds as before.
fn faster(pass: &mut Pass, times: f64) {
    for slice in &mut pass.slices {
        slice.replies = (slice.replies as f64 * times) as u64;
    }
    let Some(service) = &pass.histograms.service else {
        return;
    };
    let mut all = record::histogram::latencies();
    for step in service.decode().expect("stored").iter_recorded() {
        let ns = step.value_iterated_to() as f64 / times;
        all.saturating_record_n(ns as u64, step.count_at_value());
    }
    pass.histograms.service = Some(record::histogram::Encoded::new(&all));
}

#[test]
fn who_keeps_others_waiting_while_a_request_blocks_is_named() {
    let mut results = fixture::steady_of(6);
    for pass in results
        .passes
        .iter_mut()
        .filter(|it| it.scenario == "steady-2000")
    {
        pass.histograms.response = mostly(100_000, 150_000, 0.05);
    }
    let blocks = |scenario: &mut Scenario| scenario.work = "sleep:10ms@1%".to_owned();
    again(&mut results, "steady-2000", "blocked", blocks, |pass| {
        let share = if pass.contender == "event-loop" {
            0.2
        } else {
            0.02
        };
        pass.histograms.response = mostly(100_000, 5_000_000, share);
    });
    let (page, charts) = readme(&results);
    let said = "Work sleep:10ms@1% keeps others waiting at event-loop (p90 5.00 ms instead of 100 µs); p90 is \
                100 µs or less in";
    assert!(page.contains(said), "{page}");
    assert!(charts.iter().any(|name| name == "charts/waiting-p90.png"));
    // Who was measured with work alone may have kept others waiting: nothing is said of him.
    let without = |it: &Pass| it.contender == "event-loop" && it.scenario == "steady-2000";
    results.passes.retain(|it| !without(it));
    let (page, _) = readme(&results);
    let said = page
        .lines()
        .find(|it| it.contains("keeps nobody else waiting in"));
    let said = said.unwrap_or_else(|| panic!("{page}"));
    assert!(said.contains("not known without it: event-loop;"), "{said}");
}

#[test]
fn what_children_of_a_parent_with_state_weigh_is_told() {
    let mut results = fixture::results_of(6);
    let state = |touch: &'static str| {
        move |scenario: &mut Scenario| {
            scenario.state = Some("256MiB".to_owned());
            scenario.touch = Some(touch.to_owned());
        }
    };
    in_place(&mut results, "idle-100", state("0%"));
    again(&mut results, "idle-100", "touched", state("100%"), |pass| {
        if let Some(gauge) = pass.gauges.connected.as_mut() {
            gauge.pss_bytes = 3 << 30;
        }
    });
    for pass in &mut results.passes {
        if let Some(gauge) = pass.gauges.connected.as_mut() {
            gauge.rss_bytes = 5 << 30;
        }
    }
    let (readme, charts) = readme(&results);
    let said = "100 clients of fork-per-connection beside 256 MiB of state: RSS 5.00 GiB, PSS";
    assert!(readme.contains(said), "{readme}");
    assert!(readme.contains("PSS 3.00 GiB and page tables"), "{readme}");
    assert!(
        charts
            .iter()
            .any(|name| name == "charts/memory-by-touch.png")
    );
}

#[test]
fn what_silent_clients_cost_the_others_is_told() {
    let mut results = fixture::results_of(6);
    let beside = |scenario: &mut Scenario| scenario.idle = 9_900;
    again(&mut results, "rr-50", "beside", beside, |pass| {
        if pass.contender == "prefork" {
            faster(pass, 0.5);
        }
    });
    let (readme, _) = readme(&results);
    let said = "Beside 9,900 clients that say nothing, 50 that ask get this share of the answers that they get alone: 100";
    assert!(readme.contains(said), "{readme}");
    assert!(readme.contains("50.0\u{a0}% of prefork."), "{readme}");
}

#[test]
fn what_more_cores_and_more_clients_do_is_told() {
    let mut results = fixture::results_of(6);
    let cores = |scenario: &mut Scenario| scenario.server_cpus = 2;
    again(&mut results, "rr-50", "two-cores", cores, |pass| {
        faster(pass, 2.0)
    });
    let more = |scenario: &mut Scenario| scenario.connections = 100;
    again(&mut results, "rr-50", "rr-100", more, |pass| {
        pass.connections.asked = 100;
        pass.connections.served = 100;
        faster(pass, 0.5);
        pass.slices.iter_mut().for_each(|slice| slice.replies *= 2);
    });
    let (readme, charts) = readme(&results);
    assert!(
        readme.contains("With 2 server cores instead of 1, they answer: "),
        "{readme}"
    );
    assert!(readme.contains("2.00\u{a0}×"), "{readme}");
    assert!(
        readme.contains("From 5 to 500 clients a request costs "),
        "{readme}"
    );
    for chart in ["throughput-by-cores", "cpu-by-clients"] {
        let name = format!("charts/{chart}.png");
        assert!(charts.contains(&name), "{charts:?}");
    }
}

#[test]
fn who_shares_out_evenly_is_told_of_everybody() {
    let mut results = fixture::results_of(6);
    in_place(&mut results, "rr-50", |scenario| scenario.by_worker = true);
    for pass in results
        .passes
        .iter_mut()
        .filter(|it| it.scenario == "rr-50")
    {
        let connections: &[u32] = match pass.contender.as_str() {
            "prefork" => &[25, 25],
            "fork-per-connection" => &[40, 10],
            _ => &[],
        };
        let worker = |&connections: &u32| Worker {
            pid: 1,
            root: false,
            listens: Vec::new(),
            connections,
            replies: 1_000 * u64::from(connections),
            threads_cpu_ns: vec![0],
            service: record::histogram::Encoded::new(&record::histogram::coarse_latencies()),
        };
        pass.by_worker = connections.iter().map(worker).collect();
    }
    let (readme, _) = readme(&results);
    let said = "50 clients are shared out evenly (Jain's index of connections at least 0.95) by prefork; less so by \
                fork-per-connection 0.735.";
    assert!(readme.contains(said), "{readme}");
}
