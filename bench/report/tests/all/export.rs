//! What other tools read: figures of rounds, and percentile files.

use std::collections::BTreeMap;

use record::Observation;
use report::{Of, csv, distributions, json_lines, observations, summarise};

use crate::fixture;

fn of(results: &record::Results) -> Vec<Observation> {
    observations(results, &summarise(results))
}

#[test]
fn every_figure_of_the_summary_is_there_round_by_round() {
    let results = fixture::counted::with_counters(fixture::results(), 3);
    let summary = summarise(&results);
    let all = of(&results);
    let mut by_cell: BTreeMap<(&str, &str, &str), Vec<&Observation>> = BTreeMap::new();
    for it in &all {
        assert!(it.value.is_some() || it.reason.is_some(), "{it:?}");
        assert_eq!(it.round.is_some(), it.value.is_some(), "{it:?}");
        by_cell
            .entry((&it.contender, &it.scenario, &it.metric))
            .or_default()
            .push(it);
    }
    assert_eq!(by_cell.len(), summary.estimates.len());
    for it in &summary.estimates {
        let lines = &by_cell[&(
            it.contender.as_str(),
            it.scenario.as_str(),
            it.metric.as_str(),
        )];
        let mut values: Vec<f64> = lines.iter().filter_map(|line| line.value).collect();
        if let ("throughput_per_s", Some(value)) = (it.metric.as_str(), it.value) {
            values.sort_by(f64::total_cmp);
            assert_eq!(values.len(), it.rounds as usize, "{it:?}");
            let middle = |index: usize| values[index / 2];
            let median = f64::midpoint(middle(values.len() - 1), middle(values.len()));
            assert!(
                (median / value - 1.0).abs() < 1e-12,
                "the median of its rounds: {it:?}"
            );
        }
        // A percentile that no round has samples enough for has a value over all of them.
        let is_percentile = it.metric.contains("_ns_p");
        assert!(
            is_percentile || values.is_empty() == it.value.is_none(),
            "{it:?}: {values:?}"
        );
    }
}

#[test]
fn csv_and_json_lines_say_the_same() {
    let all = of(&fixture::results());
    let text = csv(&all).expect("written");
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let head: Vec<String> = reader
        .headers()
        .expect("a head")
        .iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(
        head,
        [
            "contender",
            "family",
            "scenario",
            "round",
            "metric",
            "unit",
            "value",
            "source",
            "verdict",
            "reason"
        ]
    );
    let rows: Vec<Observation> = reader
        .deserialize()
        .map(|row| row.expect("a row"))
        .collect();
    for (row, it) in rows.iter().zip(&all) {
        assert_eq!(row, it);
    }
    assert_eq!(rows.len(), all.len());
    let lines = String::from_utf8(json_lines(&all).expect("written")).expect("text");
    let lines: Vec<Observation> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    for (line, it) in lines.iter().zip(&all) {
        // A reader may be off by the last bit of a number.
        let off = |(a, b): (f64, f64)| (a - b).abs() <= 1e-12 * b.abs();
        assert!(line.value.zip(it.value).is_none_or(off), "{line:?}");
        let value = it.value;
        assert_eq!(
            Observation {
                value,
                ..line.clone()
            },
            *it
        );
    }
    assert_eq!(lines.len(), all.len());
}

#[test]
fn a_percentile_file_has_the_four_columns_that_the_plotter_reads() {
    let results = fixture::steady();
    let summary = summarise(&results);
    for (of, metric) in [
        (Of::Response, "response_ns_p99"),
        (Of::Service, "service_ns_p99"),
    ] {
        let files = distributions(&results, of).expect("readable");
        let with_figure = summary
            .estimates
            .iter()
            .filter(|it| it.metric == metric && it.value.is_some());
        for it in with_figure {
            let path = format!("{}/{}.hgrm", it.scenario, it.contender);
            let (_, text) = files.iter().find(|(other, _)| *other == path).expect(&path);
            let mut lines = text
                .lines()
                .filter(|line| !line.starts_with('#') && !line.is_empty());
            let head: Vec<&str> = lines.next().expect("a head").split_whitespace().collect();
            assert_eq!(
                head,
                ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
            );
            let rows: Vec<Vec<f64>> = lines
                .map(|line| {
                    line.split_whitespace()
                        .map(|word| word.parse().expect(line))
                        .collect()
                })
                .collect();
            assert!(
                rows.len() > 10 && rows.iter().all(|row: &Vec<f64>| row.len() == 4),
                "{text}"
            );
            assert!(
                rows.windows(2)
                    .all(|pair| pair[0][..3].iter().zip(&pair[1][..3]).all(|(a, b)| a <= b)),
                "{text}"
            );
            // The first step at or beyond p99 is not before the summary's p99, nor far behind it.
            let p99 = rows.iter().find(|row| row[1] >= 0.99).expect("a tail")[0];
            let said = it.value.expect("filtered") / 1e6;
            assert!(
                p99 >= said * 0.999 && p99 < said * 1.5,
                "{path}: {p99} ms, not {said} ms"
            );
        }
        assert!(!files.is_empty());
    }
}

#[test]
fn files_keep_apart_what_names_do_not() {
    let mut results = fixture::steady_of(3);
    let names: Vec<String> = results
        .run
        .entrants
        .iter()
        .map(|it| it.name.clone())
        .collect();
    let odd = |name: &str| {
        names
            .iter()
            .position(|it| it == name)
            .map(|index| format!("../{}", ["a", "/", "."][index % 3]))
    };
    for it in &mut results.run.entrants {
        it.name = odd(&it.name).expect("known");
    }
    for it in &mut results.passes {
        if let Some(name) = odd(&it.contender) {
            it.contender = name;
        }
    }
    let files = distributions(&results, Of::Response).expect("readable");
    let mut paths: Vec<&String> = files.iter().map(|(path, _)| path).collect();
    assert!(
        paths
            .iter()
            .all(|path| !path.contains("..") && path.matches('/').count() == 1),
        "{paths:?}"
    );
    let all = paths.len();
    paths.dedup();
    assert_eq!(paths.len(), all);
    assert!(
        paths.iter().any(|path| path.ends_with("-2.hgrm")),
        "{paths:?}"
    );
}
