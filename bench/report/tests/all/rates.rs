//! Scenarios with a rate, and solo ones, from outside: figures, doubts, pages.

use record::*;

use crate::fixture;
use crate::fixture::steady;
use crate::pages::*;

const RATE: &str = "steady-2000";

fn value(summary: &Summary, contender: &str, scenario: &str, metric: &str) -> f64 {
    estimate(summary, contender, scenario, metric)
        .value
        .unwrap_or_else(|| panic!("{contender} {scenario} {metric}"))
}

fn verdict(results: &Results, contender: &str, scenario: &str) -> (String, String) {
    let summary = report::summarise(results);
    let it = estimate(&summary, contender, scenario, "throughput_per_s");
    (it.verdict.clone(), it.reason.clone().unwrap_or_default())
}

/// The passes of a contender with a rate.
fn passes<'a>(results: &'a mut Results, contender: &'a str) -> impl Iterator<Item = &'a mut Pass> {
    let passes = results.passes.iter_mut();
    passes.filter(move |pass| pass.contender == contender && pass.scenario == RATE)
}

#[test]
fn the_same_records_give_the_same_bytes() {
    let results = fixture::steady();
    assert_eq!(written(&results), written(&results));
}

#[test]
fn solo_figures_are_what_the_records_say() {
    let summary = report::summarise(&fixture::steady());
    let of = |scenario, metric| value(&summary, "event-loop", scenario, metric);
    assert!((1_950.0..2_050.0).contains(&of(RATE, "throughput_per_s")));
    assert!((4.0..7.0).contains(&of(RATE, "cpu_us_per_request")));
    assert!(of("churn-1000", "cpu_us_per_request") > 30.0);
    let stream = estimate(&summary, "event-loop", "stream-16", "throughput_per_s");
    assert!(
        stream.verdict == "valid",
        "streams are measured as every load: {stream:?}"
    );
}

#[test]
fn response_and_service_are_two_histograms() {
    let mut results = fixture::steady();
    let p99 = |results: &Results, contender, span: &str| {
        let summary = report::summarise(results);
        estimate(&summary, contender, RATE, &format!("{span}_ns_p99")).clone()
    };
    let stalled = |span| p99(&results, steady::STALLS.0, span).value.expect(span);
    assert!(stalled("response") > 50.0 * stalled("service"));
    for pass in passes(&mut results, "event-loop") {
        pass.histograms.response = None;
    }
    let response = p99(&results, "event-loop", "response");
    assert!(
        response.value.is_none() && response.reason.is_some(),
        "with a rate service times never stand for response times: {response:?}"
    );
}

#[test]
fn with_a_rate_nobody_is_ranked_by_throughput() {
    let results = fixture::steady();
    let files = written(&results);
    let readme = text(&files, "README.md");
    let (_, section) = readme.split_once("## steady-2000").expect("its section");
    let (section, _) = section.split_once("\n## ").expect("the next");
    let row = |name: &str| section.find(&format!("| {name} |")).expect(name);
    assert!(row("event-loop") < row("thread-pool") && row("thread-pool") < row("node-net"));
    for said in [
        "achieved of asked",
        "service p99",
        "at exponential distances (poisson), whatever the server does",
        "Did not keep up: python-asyncio-streams",
        "99.9 %",
        "charts/time-series-steady-2000.svg",
        "charts/latency-steady-2000.svg",
    ] {
        assert!(section.contains(said), "{said}: {section}");
    }
    assert!(!section.contains("loop, at saturation"));
    let summary = report::summarise(&results);
    let mut compared = summary.comparisons.iter();
    assert!(compared.all(|it| it.scenario == "stream-16" || it.metric != "throughput_per_s"));
}

#[test]
fn the_terminal_shows_who_keeps_the_rate() {
    let text = terminal_fits(&fixture::steady());
    for said in [
        "requests a second, 50 clients, one server core",
        "achieved",
        "overload",
        "python-asyncio-streams under steady-2000, overload: 89.",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    for contenders in 1..9 {
        terminal_fits(&fixture::steady_of(contenders));
    }
}

#[test]
fn overload_is_doubted() {
    let mut results = fixture::steady();
    let (word, reason) = verdict(&results, steady::SLOW, RATE);
    assert!(
        word == "overload" && reason.contains("ask for a lower rate"),
        "{word}: {reason}"
    );
    assert_eq!(verdict(&results, steady::FULL, "churn-1000").0, "overload");
    assert_eq!(verdict(&results, steady::FULL, RATE).0, "valid");
    for bin in passes(&mut results, steady::SLOW).flat_map(|pass| &mut pass.bins) {
        bin.replies = 199;
    }
    assert_eq!(verdict(&results, steady::SLOW, RATE).0, "valid");
}

#[test]
fn a_slow_server_that_keeps_up_is_not_overloaded() {
    let mut results = fixture::steady();
    for pass in passes(&mut results, steady::SLOW) {
        // A tenth of the window's requests are on their way at its end: each takes a tenth of it.
        let slow = steady::lag(200e6, &mut fixture::Dice(2));
        pass.histograms.service = Some(slow.clone());
        pass.histograms.response = Some(slow);
    }
    assert_eq!(verdict(&results, steady::SLOW, RATE).0, "valid");
}

#[test]
fn one_client_is_no_saturation() {
    let mut results = fixture::results();
    for scenario in &mut results.run.suite.scenarios {
        scenario.connections = scenario.connections.min(1);
    }
    let terminal = terminal_fits(&results);
    assert!(!terminal.contains("at saturation"), "{terminal}");
    for (name, bytes) in written(&results) {
        if name.ends_with("switches-per-request.svg") {
            let svg = String::from_utf8(bytes).expect("text");
            assert!(!svg.contains("core, at saturation"), "{svg}");
        }
    }
}

#[test]
fn a_late_generator_is_doubted() {
    let mut results = fixture::steady();
    assert_eq!(verdict(&results, "event-loop", RATE).0, "valid");
    for pass in passes(&mut results, "event-loop") {
        pass.histograms.lag = Some(steady::lag(2e6, &mut fixture::Dice(1)));
    }
    let (word, reason) = verdict(&results, "event-loop", RATE);
    assert!(
        word == "client-bound" && reason.contains("late") && reason.contains("more cores"),
        "{word}: {reason}"
    );
    assert_eq!(verdict(&results, "prefork", RATE).0, "valid");
}

#[test]
fn a_generator_that_spins_until_the_next_request_is_due_is_not_doubted() {
    let mut results = fixture::steady();
    for pass in passes(&mut results, "event-loop") {
        pass.generator.cpu_ns = pass.generator.loaded_ns;
    }
    assert_eq!(verdict(&results, "event-loop", RATE).0, "valid");
}

#[test]
fn percentiles_of_few_samples_are_doubted_and_nothing_else() {
    let mut results = fixture::steady();
    assert_eq!(verdict(&results, "event-loop", "stream-16").0, "valid");
    let mut passes = results.passes.iter_mut();
    let one = passes.find(|it| it.contender == "event-loop" && it.scenario == "stream-16");
    let one = one.expect("in the fixture");
    one.bins.truncate(1);
    one.bins[0].replies = 999;
    assert_ne!(
        verdict(&results, "event-loop", "stream-16").0,
        "few-samples"
    );
    let summary = report::summarise(&results);
    let it = estimate(&summary, "event-loop", "stream-16", "service_ns_p50");
    let reason = it.reason.as_deref().unwrap_or_default();
    assert!(
        it.verdict == "few-samples" && reason.starts_with("999 replies in round 1"),
        "{it:?}"
    );
}

#[test]
fn thought_is_said_and_is_no_saturation() {
    let mut results = fixture::steady();
    let stream = &mut results.run.suite.scenarios[2];
    stream.think = std::time::Duration::from_millis(5);
    stream.keep_awake = true;
    let files = written(&results);
    let readme = text(&files, "README.md");
    for said in [
        "closed loop, 5.00 ms of thought before each request",
        "idle cores kept awake",
        "throughput × (response time + thought)",
    ] {
        assert!(readme.contains(said), "{said}");
    }
}

#[test]
fn odd_windows_survive() {
    let odd: [fn(&mut Pass); 7] = [
        |pass| pass.bins.clear(),
        |pass| pass.histograms = Histograms::default(),
        |pass| pass.usage = UsageInstants::default(),
        |pass| pass.bins.iter_mut().for_each(|bin| bin.length_ns = 0),
        |pass| pass.bins.iter_mut().for_each(|bin| bin.replies = 0),
        |pass| pass.bins.truncate(1),
        |pass| {
            let text = serde_json::from_str("\"not base64\"").expect("a string");
            pass.bins[0].response = text;
            pass.histograms
                .lag
                .clone_from(&Some(pass.bins[0].response.clone()));
        },
    ];
    for (index, change) in odd.into_iter().enumerate() {
        let mut mixed = fixture::steady_of(3);
        let mut all = mixed.clone();
        mixed
            .passes
            .iter_mut()
            .skip(index)
            .step_by(odd.len())
            .for_each(change);
        survives(&mixed);
        all.passes.iter_mut().for_each(change);
        survives(&all);
    }
    let mut none = fixture::steady();
    none.passes.clear();
    let files = survives(&none);
    assert!(files.iter().all(|(name, _)| !name.contains("charts/")));
}

#[test]
fn a_scenario_cannot_name_a_file_elsewhere() {
    let mut results = fixture::steady_of(3);
    results.run.suite.scenarios[0].name = "../../x y".to_owned();
    for pass in results.passes.iter_mut().filter(|it| it.scenario == RATE) {
        pass.scenario = "../../x y".to_owned();
    }
    let files = written(&results);
    let found = files
        .iter()
        .any(|(name, _)| name == "charts/time-series-------x-y.svg");
    assert!(found, "the name is made harmless");
}
