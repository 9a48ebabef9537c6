//! Pictures by geometry: no text leaves the frame, none stands on another, none is too small to read.

mod geometry;

use geometry::{check, check_in, texts};

use super::*;
use crate::fixture;

#[test]
fn labels_neither_overlap_nor_leave_the_frame() {
    let names = |results: &record::Results| -> Vec<String> {
        let summary = crate::summarise(results);
        let drawn = draw_all(&Data::new(results, &summary));
        drawn.into_iter().map(|chart| chart.name).collect()
    };
    let quick = fixture::results();
    check(&quick);
    assert_eq!(
        names(&quick),
        [
            "five-ways",
            "throughput-by-connections",
            "memory-per-connection",
            "switches-per-request",
            "cpu-per-request-rr-50",
            "cpu-per-request-crr-16",
            "faults-per-request-crr-16",
            "latency-rr-50"
        ]
    );
    let counted = fixture::counted::with_counters(fixture::results(), 3);
    check(&counted);
    let of_calls = names(&counted).into_iter();
    let of_calls: Vec<String> = of_calls.filter(|name| name.contains("calls")).collect();
    assert_eq!(
        of_calls,
        ["rr-5", "rr-50", "rr-500", "crr-16"].map(|it| format!("system-calls-per-request-{it}"))
    );
    let measured = fixture::with_yardsticks(fixture::results());
    check(&measured);
    assert!(names(&measured).contains(&"yardsticks".to_owned()));
    let steady = fixture::steady();
    check(&steady);
    assert_eq!(
        names(&steady),
        [
            "cpu-per-request-stream-16",
            "latency-steady-2000",
            "latency-churn-1000",
            "time-series-steady-2000",
            "time-series-churn-1000",
            "time-series-stream-16"
        ]
    );
    let rates = fixture::rates();
    check(&rates);
    assert!(names(&rates).contains(&"latency-by-rate".to_owned()));
    let struck = fixture::struck();
    check(&struck);
    assert_eq!(
        names(&struck),
        ["struck-worker-killed", "struck-worker-stopped"]
    );
    let results = fixture::results();
    let summary = crate::summarise(&results);
    let five_ways = draw_all(&Data::new(&results, &summary)).remove(0);
    assert!(
        texts(&five_ways.svg)
            .iter()
            .any(|it| it.text == "1 of 50 served")
    );
    for contenders in 2..9 {
        check(&fixture::results_of(contenders));
        check(&fixture::steady_of(contenders));
        check(&fixture::rates_of(contenders));
        check(&fixture::struck_of(contenders));
    }
}

/// Folders that runs have left, old ones and those that the project shows.
fn folders() -> Vec<record::Results> {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let parents = [
        here.join("tests/golden"),
        here.join("../../results/reference"),
    ];
    let inside = parents
        .iter()
        .flat_map(|parent| std::fs::read_dir(parent).expect("in the sources"));
    let folders = inside
        .map(|it| it.expect("readable").path())
        .filter(|it| it.join("run.json").exists());
    folders
        .map(|it| record::read_results(&it).expect("readable"))
        .collect()
}

#[test]
fn in_folders_of_real_runs_labels_neither_overlap_nor_leave_the_frame() {
    let folders = folders();
    assert!(folders.len() >= 3);
    for results in &folders {
        assert!(check(results) > 0);
        let first = results.run.entrants.iter().find(|it| it.skipped.is_none());
        let alone = first.map(|it| it.name.clone()).into_iter().collect();
        check_in(
            results,
            look::Look {
                only: alone,
                theme: look::Theme::Print,
                title: Some(
                    "A title that somebody has thought of for a slide, and that goes on and on "
                        .repeat(3),
                ),
            },
        );
    }
}

#[test]
fn in_print_everybody_has_a_marker_of_his_own() {
    let [crowd, ..] = fixture::crowds();
    let summary = crate::summarise(&crowd);
    let print = look::Look {
        theme: look::Theme::Print,
        ..look::Look::default()
    };
    let data = Data::new(&crowd, &summary).looking(print);
    let shape = |name: &str, family: &str| {
        let member = palette::member(&data, name, family);
        canvas::picture(40, |canvas| {
            palette::marker(canvas, (20, 20), member, canvas::INK)
        })
    };
    let shapes: Vec<String> = data
        .measured()
        .take(32)
        .map(|it| shape(&it.name, &it.family))
        .collect();
    for (index, a) in shapes.iter().enumerate() {
        assert!(
            !shapes[index + 1..].contains(a),
            "the shape of {index} comes again"
        );
    }
}

#[test]
fn whoever_is_shown_alone_keeps_his_marker() {
    let [crowd, ..] = fixture::crowds();
    let summary = crate::summarise(&crowd);
    for theme in [look::Theme::Light, look::Theme::Print] {
        let of = |only: Vec<String>| {
            let look = look::Look {
                only,
                theme,
                title: None,
            };
            Data::new(&crowd, &summary).looking(look)
        };
        let all = of(Vec::new());
        for entrant in all.everybody() {
            let alone = of(vec![entrant.name.clone()]);
            let member = |data: &Data<'_>| palette::member(data, &entrant.name, &entrant.family);
            assert_eq!(member(&alone), member(&all), "{}", entrant.name);
            assert_eq!(alone.measured().count(), 1);
        }
    }
}

#[test]
fn a_crowd_has_room_and_whoever_has_no_line_of_his_own_is_told() {
    let mut runs = fixture::crowds();
    runs[0] = fixture::counted::with_counters(runs[0].clone(), 2);
    for results in &mut runs {
        check(results);
        let all = results.run.entrants.iter();
        let all: Vec<&str> = all
            .filter(|it| it.skipped.is_none())
            .map(|it| it.name.as_str())
            .collect();
        assert_eq!(all.len(), 34);
        let summary = crate::summarise(results);
        for chart in draw_all(&Data::new(results, &summary)) {
            is_complete(&chart, &all);
        }
        make_long(results);
        check(results);
    }
}

#[test]
fn a_crowd_is_told_by_the_best_of_each_family_the_reference_and_the_last_that_goes_all_the_way() {
    let [quick, ..] = fixture::crowds();
    let summary = crate::summarise(&quick);
    let mut drawn = draw_all(&Data::new(&quick, &summary)).into_iter();
    let chart = drawn.find(|chart| chart.name == "throughput-by-connections");
    let chart = chart.expect("three numbers of connections");
    let said: Vec<String> = texts(&chart.svg).into_iter().map(|it| it.text).collect();
    let measured = quick.run.entrants.iter();
    let named = measured.filter(|it| said.contains(&it.name));
    let named: Vec<&str> = named.map(|it| it.name.as_str()).collect();
    // Who has no figure at 500 connections is not the last of those that have.
    assert_eq!(
        named,
        [
            "fork-per-connection",
            "prefork-reuseport",
            "thread-per-connection",
            "thread-pool-accept",
            "event-loop",
            "io-uring",
            "python-forking",
            "go-net-by-its-own-name"
        ]
    );
}

#[test]
fn where_less_is_better_the_best_of_a_family_is_the_cheapest() {
    let [mut quick, ..] = fixture::crowds();
    // Three numbers of clients are no growth; a fourth is.
    let scenarios = &mut quick.run.suite.scenarios;
    let like = scenarios.iter().find(|it| it.name == "rr-500");
    let mut more = like.expect("in the suite").clone();
    more.name = "rr-1000".to_owned();
    more.connections = 1000;
    scenarios.push(more);
    let passes = quick.passes.iter().filter(|it| it.scenario == "rr-500");
    let mut passes: Vec<record::Pass> = passes.cloned().collect();
    for pass in &mut passes {
        pass.scenario = "rr-1000".to_owned();
        let connections = &mut pass.connections;
        if connections.served == connections.asked {
            connections.served = 1000;
        }
        connections.asked = 1000;
        // Twice as many clients that wait twice as long: Little's law holds.
        pass.slices.iter_mut().for_each(|it| it.replies *= 2);
    }
    quick.passes.extend(passes);
    let summary = crate::summarise(&quick);
    let data = Data::new(&quick, &summary);
    let mut drawn = draw_all(&data).into_iter();
    let chart = drawn.find(|chart| chart.name == "cpu-by-clients");
    let chart = chart.expect("four numbers of clients");
    let said: Vec<String> = texts(&chart.svg).into_iter().map(|it| it.text).collect();
    let ranking = data.ranking("rr-1000", "cpu_us_per_request");
    assert!(ranking.len() > 8, "a crowd");
    let mut families: Vec<&str> = Vec::new();
    for it in ranking {
        if !families.contains(&it.family.as_str()) {
            families.push(&it.family);
            assert!(said.contains(&it.contender), "{}: {said:?}", it.contender);
        }
    }
    assert!(families.len() > 3, "{families:?}");
}

/// Everybody has a row; or a line, or is told of below the title.
fn is_complete(chart: &Drawn, all: &[&str]) {
    let said: Vec<String> = texts(&chart.svg).into_iter().map(|it| it.text).collect();
    let words = said.join(" ");
    // A legend says in brackets why somebody's figures are weak.
    let stands = |name: &&&str| {
        let mut said = said.iter().map(|text| text.split(" (").next());
        said.any(|text| text == Some(**name))
    };
    let standing = all.iter().filter(stands).count();
    let bars = ["switches", "cpu", "system-calls", "faults", "memory"];
    if bars.iter().any(|name| chart.name.starts_with(name)) {
        assert_eq!(standing, 34, "{}: {words}", chart.name);
    } else if chart.name != "five-ways" {
        let (_, rest) = words.split_once("grey: ").expect(&chart.name);
        let grey = rest.split(' ').next().and_then(|word| word.parse().ok());
        let grey: usize = grey.expect(&chart.name);
        let absent = words.split_once("not drawn: ").map_or("", |(_, rest)| rest);
        let absent = absent.split([',', '(', ')']).map(str::trim);
        let absent: Vec<&str> = absent.collect();
        let is_absent = |name: &&&str| absent.contains(*name) && !stands(name);
        let absent = all.iter().filter(is_absent).count();
        assert_eq!(standing + grey + absent, 34, "{}: {words}", chart.name);
        assert!(standing >= 7, "{}: {words}", chart.name);
        assert!(stands(&&"event-loop"), "{}: the reference", chart.name);
    }
}

#[test]
fn a_line_of_rates_says_what_is_not_valid_and_needs_two_of_them() {
    let by_rate = |results: &record::Results| {
        let summary = crate::summarise(results);
        let drawn = draw_all(&Data::new(results, &summary));
        drawn.into_iter().find(|it| it.name == "latency-by-rate")
    };
    let mut results = fixture::rates();
    // The axis is in order whatever the suite's is.
    results.run.suite.scenarios.reverse();
    let chart = by_rate(&results).expect("five rates");
    let said: Vec<String> = texts(&chart.svg).into_iter().map(|it| it.text).collect();
    let all = said.join("\n");
    for words in [
        "2k, 10k, 40k, 80k, 140k requests a second",
        "not drawn: iterative (1 of 50 served)",
        "overload at 140k",
        "client-bound at 40k",
        "crashed at 80k; overload at 140k",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
    let overloaded_everywhere = said.iter().filter(|text| *text == "overload");
    assert_eq!(overloaded_everywhere.count(), 1, "{all}");
    results.passes.retain(|pass| pass.scenario == "rate-2000");
    assert!(by_rate(&results).is_none(), "one rate is no line");
}

#[test]
fn long_names_and_a_long_machine_fit() {
    for mut results in [
        fixture::results(),
        fixture::steady(),
        fixture::rates(),
        fixture::struck(),
    ] {
        make_long(&mut results);
        check(&results);
    }
}

fn make_long(results: &mut record::Results) {
    let long = |name: &str| {
        format!("{name}-with-a-name-that-nobody-would-give-to-a-server-unless-testing")
    };
    results.run.host.cpu =
        "A CPU <of> the & kind that \"marketing\" names at very great length indeed ".repeat(3);
    for entrant in &mut results.run.entrants {
        entrant.name = long(&entrant.name);
    }
    for pass in &mut results.passes {
        pass.contender = long(&pass.contender);
    }
}

#[test]
fn odd_windows_are_drawn_within_the_frame() {
    // Nobody answered, one bin, bins of no length, latencies of a minute, a window of ten minutes.
    let odd: [fn(usize, &mut record::Bin); 5] = [
        |_, bin| bin.replies = 0,
        |index, bin| bin.length_ns *= u64::from(index == 0),
        |_, bin| bin.length_ns = 0,
        |index, bin| bin.response = slow(index),
        |_, bin| bin.start_ns *= 300,
    ];
    for change in odd {
        for mut results in [fixture::steady_of(4), fixture::struck_of(4)] {
            for pass in &mut results.passes {
                for (index, bin) in pass.bins.iter_mut().enumerate() {
                    change(index, bin);
                }
            }
            check(&results);
        }
    }
}

/// Latencies of a nanosecond and of a minute.
fn slow(index: usize) -> record::histogram::Encoded {
    let mut histogram = record::histogram::coarse_latencies();
    for _ in 0..index * 100 {
        histogram.saturating_record(1 + 59_999_999_999 * (index as u64 % 2));
    }
    record::histogram::Encoded::new(&histogram)
}

#[test]
fn every_picture_is_a_whole_png_and_says_what_it_shows() {
    for results in [
        fixture::results(),
        fixture::steady(),
        fixture::rates(),
        fixture::struck(),
    ] {
        let summary = crate::summarise(&results);
        for chart in draw_all(&Data::new(&results, &summary)) {
            says_what_it_shows(&chart);
        }
    }
}

fn says_what_it_shows(chart: &Drawn) {
    let png = png(&chart.svg).expect(&chart.name);
    assert!(
        png.starts_with(b"\x89PNG") && png.len() > 10_000,
        "{}",
        chart.name
    );
    assert!(
        chart
            .svg
            .contains(&format!("<title>{}</title>", chart.title))
    );
    let texts: Vec<String> = texts(&chart.svg).into_iter().map(|it| it.text).collect();
    let texts = texts.join(" ");
    for said in [
        "Synthetic CPU",
        "invented",
        "Linux 6.0-synthetic",
        "one server core",
        "5 rounds",
        "fiveways 0.1.0",
    ] {
        assert!(texts.contains(said), "{} does not say {said}", chart.name);
    }
}

#[test]
fn a_strike_is_told_beside_its_panel() {
    let results = fixture::struck();
    let summary = crate::summarise(&results);
    let drawn = draw_all(&Data::new(&results, &summary));
    let said = |name: &str| -> Vec<String> {
        let chart = drawn.iter().find(|it| it.name == name).expect(name);
        texts(&chart.svg).into_iter().map(|it| it.text).collect()
    };
    let killed = said("struck-worker-killed");
    let count = |all: &[String], text: &str| all.iter().filter(|it| *it == text).count();
    assert_eq!(count(&killed, "1 lost, no outage"), 2, "{killed:?}");
    assert_eq!(count(&killed, "400 lost, never back"), 6, "{killed:?}");
    assert_eq!(count(&killed, "1 of 50 served; 400 lost, never back"), 1);
    let stopped = said("struck-worker-stopped");
    assert_eq!(count(&stopped, "400 lost, out 0.5 s"), 6, "{stopped:?}");
}
