//! The figures of charts that the page's script does not draw anew: which estimates they are made of, so that a table
//! beside the picture and the chart's CSV hold these and no others.

use std::collections::BTreeMap;

use record::{LabKind, Scenario, Workload};
use serde_json::{Value, json};

use crate::answers::{blocking, growth, state};
use crate::charts::{Drawn, file_name, five_ways};
use crate::data::Data;
use crate::{work, yardsticks};

const DISTRIBUTION: [&str; 4] = [
    "jain_connections",
    "jain_requests",
    "share_of_busiest_worker",
    "service_ns_p99_of_slowest_worker",
];
const STRUCK: [&str; 5] = [
    "requests_lost",
    "connections_hit",
    "outage_ms",
    "response_ns_max_after",
    "served_after_share",
];
const STATE: [&str; 3] = ["pss_bytes", "page_table_bytes", "kernel_stack_bytes"];
const COPIES: [&str; 4] = [
    "both_pss_bytes",
    "both_pss_bytes_written",
    "child_page_table_bytes",
    "both_rss_bytes",
];

/// By the name of their picture: scenarios and metrics of the summary or, of yardsticks, which are in none, the lines.
pub(super) fn stills(data: &Data<'_>, charts: &[Drawn]) -> Value {
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    let mut add = |name: &str, scenarios: Vec<&str>, metrics: &[&str]| {
        let made = json!({ "scenarios": scenarios, "metrics": metrics });
        all.extend((!scenarios.is_empty()).then(|| (name.to_owned(), made)));
    };
    let typical = data.typical(Workload::Rr).into_iter();
    let glance = typical.chain(data.heaviest()).map(|it| it.name.as_str());
    add("five-ways", glance.collect(), &five_ways::metrics());
    for (name, line, metrics) in lines(data) {
        add(
            name,
            line.iter().map(|it| it.name.as_str()).collect(),
            metrics,
        );
    }
    for scenario in data.sections() {
        let name = file_name(&scenario.name);
        let here = || vec![scenario.name.as_str()];
        add(&format!("distribution-{name}"), here(), &DISTRIBUTION);
        add(&format!("struck-{name}"), here(), &STRUCK);
    }
    let labs = |kind: LabKind| {
        let labs = data.labs().iter().filter(|lab| lab.lab == kind);
        labs.map(|lab| lab.name.as_str()).collect::<Vec<&str>>()
    };
    add(
        "latency-by-mechanism",
        labs(LabKind::Ipc),
        &["round_trip_ns_p50"],
    );
    add("throughput-by-size", labs(LabKind::Ipc), &["bytes_per_s"]);
    add("spawn-by-state", labs(LabKind::Spawn), &["spawn_ns_p50"]);
    add("copy-on-write", labs(LabKind::Spawn), &COPIES);
    all.insert("yardsticks".to_owned(), parts(data));
    all.retain(|name, _| charts.iter().any(|chart| chart.name == *name));
    json!(all)
}

/// What a chart of lines is made of: its name, scenarios, metrics.
type Line<'a> = (&'static str, Vec<&'a Scenario>, &'static [&'static str]);

fn lines<'a>(data: &Data<'a>) -> [Line<'a>; 7] {
    let of = |line: Option<Vec<&'a Scenario>>| line.unwrap_or_default();
    [
        ("ratio-by-work", of(work::line(data)), &["throughput_per_s"]),
        (
            "throughput-by-workers",
            of(work::workers_line(data)),
            &["throughput_per_s"],
        ),
        (
            "waiting-p90",
            of(blocking::line(data)),
            &["response_ns_p90"],
        ),
        (
            "waiting-p99",
            of(blocking::line(data)),
            &["response_ns_p99"],
        ),
        (
            "cpu-by-clients",
            of(growth::by_clients(data)),
            &["cpu_us_per_request"],
        ),
        (
            "throughput-by-cores",
            of(growth::by_cores(data)),
            &["throughput_per_s"],
        ),
        ("memory-by-touch", of(state::line(data)), &STATE),
    ]
}

fn parts(data: &Data<'_>) -> Value {
    let told = yardsticks::told(&data.results.run.yardsticks).into_iter();
    let rows = told.map(|it| {
        let figures = it.figures.as_ref().ok();
        let ends = figures.and_then(|it| it.interval);
        json!([
            it.title,
            "",
            "",
            "",
            "time for one",
            "ns",
            figures.map(|it| it.median),
            ends.map(|it| it.0),
            ends.map(|it| it.1),
            "",
            "",
            it.figures.as_ref().err()
        ])
    });
    json!({ "rows": rows.collect::<Vec<_>>() })
}
