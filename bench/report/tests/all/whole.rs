//! The crate from outside: whole results, broken results, odd results; pages, figures, bytes.

use record::*;

use crate::fixture;
use crate::pages::*;

#[test]
fn the_same_records_give_the_same_bytes() {
    let results = fixture::results();
    assert_eq!(written(&results), written(&results));
}

#[test]
fn every_metric_of_every_cell_has_a_value_or_a_reason() {
    let results = fixture::results();
    let summary = report::summarise(&results);
    for scenario in &results.run.suite.scenarios {
        for entrant in results
            .run
            .entrants
            .iter()
            .filter(|it| it.skipped.is_none())
        {
            for metric in METRICS.iter().filter(|metric| metric.applies(scenario)) {
                let it = estimate(&summary, &entrant.name, &scenario.name, metric.name);
                assert!(it.value.is_some() || it.reason.is_some(), "{it:?}");
                assert!(!it.source.is_empty(), "{it:?}");
            }
        }
    }
    assert!(
        summary.estimates.iter().all(|it| it.contender != "go-net"),
        "skipped entrants have no cells"
    );
}

#[test]
fn figures_are_what_the_records_say() {
    let summary = report::summarise(&fixture::results());
    let value = |contender, scenario, metric| {
        estimate(&summary, contender, scenario, metric)
            .value
            .expect(metric)
    };
    let throughput = value("event-loop", "rr-50", "throughput_per_s");
    assert!((150e3..250e3).contains(&throughput));
    assert!((value("prefork", "rr-50", "switches_voluntary_per_request") - 1.0).abs() < 1e-3);
    let slope = value("thread-pool", "idle-500", "memory_bytes_per_connection");
    assert!((slope - (16_500.0 * 1.05 + 4_200.0 + 16_384.0)).abs() < 100.0);
    let elsewhere = estimate(
        &summary,
        "thread-pool",
        "idle-100",
        "memory_bytes_per_connection",
    );
    assert!(
        elsewhere.value.is_none()
            && elsewhere
                .reason
                .as_ref()
                .is_some_and(|it| it.contains("idle-500"))
    );
    assert!(value("event-loop", "crr-16", "cpu_us_per_request") > 30.0);
    let split = estimate(&summary, "event-loop", "crr-16", "cpu_us_per_request_user");
    assert!(
        split
            .reason
            .as_ref()
            .is_some_and(|it| it.contains("cgroup v2"))
    );
}

#[test]
fn verdicts() {
    let summary = report::summarise(&fixture::results());
    let verdict = |contender, scenario| {
        estimate(&summary, contender, scenario, METRICS[0].name)
            .verdict
            .clone()
    };
    assert_eq!(verdict("iterative", "rr-50"), "unserved");
    assert_eq!(verdict("iterative", "crr-16"), "valid");
    assert_eq!(verdict("event-tokio", "rr-5"), "client-bound");
    assert_eq!(verdict("python-asyncio-streams", "rr-500"), "crashed");
    assert_eq!(verdict("event-loop", "rr-50"), "valid");
    let unserved = estimate(
        &summary,
        "iterative",
        "idle-500",
        "memory_bytes_per_connection",
    );
    assert!(
        unserved
            .reason
            .as_ref()
            .is_some_and(|it| it.starts_with("1 of 500 served"))
    );
    assert!(
        summary
            .comparisons
            .iter()
            .all(|it| it.a != "iterative" || it.scenario == "crr-16")
    );
}

#[test]
fn wrong_bytes_leave_no_figure() {
    let mut results = fixture::results();
    let pass = results
        .passes
        .iter_mut()
        .find(|pass| pass.contender == "prefork" && pass.scenario == "rr-50");
    let pass = pass.expect("in the fixture");
    pass.outcome = Outcome::Wrong;
    pass.cause = Some(Cause::new(Phase::Load, "byte 17 of reply 3 differs"));
    let summary = report::summarise(&results);
    let of_cell = |it: &&Estimate| it.contender == "prefork" && it.scenario == "rr-50";
    for it in summary.estimates.iter().filter(of_cell) {
        assert!(it.value.is_none() && it.verdict == "wrong", "{it:?}");
        assert!(
            it.reason.as_ref().is_some_and(|it| it.contains("byte 17")),
            "{it:?}"
        );
    }
}

#[test]
fn tasks_that_come_and_go_cost_no_one_a_false_figure() {
    let mut results = fixture::results();
    for pass in results
        .passes
        .iter_mut()
        .filter(|pass| pass.scenario == "rr-50")
    {
        if let Some(after) = &mut pass.usage.after {
            after.tasks_hash = 1;
        }
    }
    let summary = report::summarise(&results);
    let it = estimate(
        &summary,
        "event-loop",
        "rr-50",
        "switches_voluntary_per_request",
    );
    assert_eq!(
        (it.value, it.reason.as_deref()),
        (None, Some("tasks began or ended in the window"))
    );
    assert!(
        estimate(&summary, "event-loop", "rr-50", "cpu_us_per_request")
            .value
            .is_some(),
        "a cgroup kept it"
    );
}

#[test]
fn the_terminal_fits_and_says_the_essential() {
    let text = terminal_fits(&fixture::results());
    assert!(
        text.contains("event-loop answers the most with 50 clients on one server core"),
        "{text}"
    );
    assert!(text.contains("1 of 50 served"), "{text}");
    assert!(
        text.contains("skipped: go-net, go is not on PATH"),
        "{text}"
    );
    assert!(
        text.contains("crashed: python-asyncio-streams under rr-500"),
        "{text}"
    );
}

#[test]
fn of_a_crowd_the_terminal_shows_the_best_and_says_how_many_it_leaves_out() {
    for results in fixture::crowds() {
        let text = terminal_fits(&results);
        let lines: Vec<&str> = text.lines().collect();
        let is_head = |line: &&str| line.contains("CPU µs");
        let head = lines.iter().position(is_head).expect("a table");
        let rest = lines.iter().position(|line| line.starts_with("… and "));
        let rest = rest.expect("not everybody has room");
        let left_out = lines[rest].split(' ').nth(2).and_then(|it| it.parse().ok());
        let left_out: usize = left_out.expect("how many");
        assert_eq!(rest - head - 1 + left_out, 34, "{text}");
        let shown = &lines[head + 1..rest];
        assert!(shown.len() >= 7, "{text}");
        assert!(
            shown.iter().any(|line| line.starts_with("io-uring ")),
            "{text}"
        );
        let sentences = &lines[1..head];
        assert!(
            !sentences.contains(&"…"),
            "the answer goes before rows: {text}"
        );
    }
}

#[test]
fn tables_hold_a_crowd() {
    let [quick, ..] = fixture::crowds();
    let readme = text(&written(&quick), "README.md");
    for section in readme.split("\n## ").skip(1).take(6) {
        let rows = section.lines().filter(|line| line.starts_with("| "));
        let rows = rows.filter(|line| !line.starts_with("| |"));
        assert_eq!(rows.count(), 34, "{section}");
    }
}

#[test]
fn an_unfinished_run_is_provisional() {
    let mut results = fixture::results();
    results.passes.retain(|pass| pass.round == 1);
    let text = terminal_fits(&results);
    assert!(
        text.starts_with("quick: provisional, round 1 of 5 (54 of 270 passes)"),
        "{text}"
    );
    assert!(text.to_lowercase().contains("undecided"), "{text}");
    let it = &report::summarise(&results).estimates[0];
    assert!(it.low.is_none() && it.value.is_some());
    assert!(written(&results).len() > 4);
}

#[test]
fn the_page_is_one_file_and_everything_in_it_is_escaped() {
    let mut results = fixture::results();
    results.run.suite.question = "<script>alert(1)</script> & </script>?".to_owned();
    results.run.entrants[0].version = "</script><img src=x>".to_owned();
    results.run.entrants[9].skipped = Some("</script> | `x`".to_owned());
    let files = written(&results);
    let page = text(&files, "report.html");
    assert_eq!(
        page.matches("<script").count(),
        4,
        "two of data and two of ours"
    );
    assert_eq!(page.matches("</script>").count(), 4);
    assert!(!page.contains("<img") && !page.contains("url(") && !page.contains("@import"));
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains(" onclick") && !page.contains(" onload"));
    let (_, embedded) = page.split_once("id=\"summary\">").expect("the summary");
    let (embedded, _) = embedded.split_once("</script>").expect("its end");
    let summary: Summary = serde_json::from_str(embedded).expect("json");
    assert_eq!(
        summary.estimates.len(),
        report::summarise(&results).estimates.len()
    );
}

#[test]
fn files_of_the_figures_read_back() {
    let results = fixture::results();
    let files = written(&results);
    let summary: Summary = serde_json::from_str(&text(&files, "summary.json")).expect("json");
    assert_eq!(summary.schema, SUMMARY_SCHEMA);
    let csv = text(&files, "summary.csv");
    let rows = csv::Reader::from_reader(csv.as_bytes())
        .into_records()
        .count();
    assert_eq!(rows, summary.estimates.len());
    let readme = text(&files, "README.md");
    for said in [
        "fiveways run quick --seed 42",
        "Seed 42",
        "charts/five-ways.svg",
        "go is not on PATH",
        "1 of 50 served",
    ] {
        assert!(readme.contains(said), "{said}");
    }
}

#[test]
fn no_records_at_all() {
    let mut results = fixture::results();
    results.passes.clear();
    let files = survives(&results);
    assert!(
        files.iter().all(|(name, _)| !name.contains("charts/")),
        "nothing to draw"
    );
    results.run.entrants.clear();
    results.run.passes.clear();
    survives(&results);
    results.run.suite.scenarios.clear();
    survives(&results);
}

#[test]
fn one_record() {
    let mut results = fixture::results();
    for index in 0..9 {
        let mut one = results.clone();
        one.passes = vec![results.passes[index].clone()];
        survives(&one);
    }
    results.passes.truncate(1);
    survives(&results);
}

#[test]
fn nothing_but_failures() {
    let mut results = fixture::results();
    let outcomes = [
        Outcome::Crashed,
        Outcome::Hung,
        Outcome::Refused,
        Outcome::Partial,
        Outcome::Skipped,
        Outcome::Struck,
        Outcome::Wrong,
    ];
    for (pass, outcome) in results.passes.iter_mut().zip(outcomes.into_iter().cycle()) {
        pass.outcome = outcome;
        pass.cause = Some(Cause::new(
            Phase::Launch,
            "cannot run /home/somebody/secret/echo-server\nat all",
        ));
    }
    let files = survives(&results);
    for name in ["report.html", "README.md", "summary.json", "summary.csv"] {
        assert!(!text(&files, name).contains("somebody"), "{name}");
    }
}

#[test]
fn odd_records() {
    let mut results = fixture::results();
    results.damage = vec!["records.jsonl line 3: expected value".to_owned(); 40];
    for (index, pass) in results.passes.iter_mut().enumerate() {
        match index % 7 {
            0 => pass.histograms = Histograms::default(),
            1 => pass.slices.clear(),
            2 => pass.usage = UsageInstants::default(),
            3 => pass.gauges = GaugeInstants::default(),
            4 => pass.contender = "nobody | <b>knows</b> *me*".to_owned(),
            5 => pass.scenario = "elsewhere".to_owned(),
            _ => {
                pass.histograms.service = serde_json::from_str("\"not base64\"").expect("a string")
            }
        }
    }
    results.run.suite.reference = "nobody".to_owned();
    survives(&results);
}

#[test]
fn odd_names() {
    let long = "n".repeat(200);
    for odd in [
        "<script>alert(1)</script>",
        "</script><img src=x onerror=x>",
        &long,
        "🦀🧵 \u{202e}|`*",
        "\u{0}\u{7}\u{1b}[2J",
        "",
    ] {
        let mut results = fixture::results();
        let rename = |name: &mut String| {
            if matches!(name.as_str(), "prefork" | "rr-50") {
                odd.clone_into(name);
            }
        };
        results
            .run
            .entrants
            .iter_mut()
            .for_each(|it| rename(&mut it.name));
        results.run.suite.scenarios.iter_mut().for_each(|it| {
            rename(&mut it.name);
            odd.clone_into(&mut it.title);
        });
        for pass in &mut results.passes {
            rename(&mut pass.contender);
            rename(&mut pass.scenario);
        }
        for planned in &mut results.run.passes {
            rename(&mut planned.contender);
            rename(&mut planned.scenario);
        }
        let files = survives(&results);
        let page = text(&files, "report.html");
        assert!(
            !page.contains("<script>alert") && !page.contains("<img"),
            "{odd}"
        );
        assert!(files.iter().all(|(name, _)| name.len() < 255), "{odd}");
    }
}
