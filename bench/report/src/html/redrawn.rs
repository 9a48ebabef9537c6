//! What the page's script draws anew: for each chart that it can, over which scenarios, of which metrics.
//!
//! A row says where figures stand in the summary, which the page holds anyway; only distributions and windows,
//! which no summary has, bring their points along. A chart that is not here stays the picture that it is
//! (`stills`), less what belongs to contenders that are hidden.

use std::collections::BTreeMap;

use plotters::style::RGBColor;
use rayon::prelude::*;
use record::{SYSTEM_CALLS, Scenario};
use serde_json::{Value, json};

use crate::charts::{
    Drawn, latency_by_rate, memory, palette, percentiles, switches, system_calls, throughput,
    time_series,
};
use crate::counters::tables::commonest;
use crate::data::Data;
use crate::doubts::{TOO_FEW_ROUNDS, VALID};
use crate::latency::{Merged, Span};
use crate::series::{self, Step};

/// Parts of CPU time.
const CPU: [(&str, &str, &str); 2] = [
    ("cpu_us_per_request_user", "user", "#56b4e9"),
    ("cpu_us_per_request_system", "system", "#0072b2"),
];

/// (x, y) by contender and measure.
type Points = BTreeMap<String, BTreeMap<&'static str, Vec<(f64, f64)>>>;

/// What can be read of a step, in which unit.
type Reading = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Step) -> Option<f64>,
);

#[rustfmt::skip]
const STEPS: [Reading; 5] = [
    ("response_p99", "response p99", "ns", |it| it.response_ns_p99),
    ("response_p50", "response p50", "ns", |it| it.response_ns_p50),
    ("replies", "replies/s", "1/s", |it| it.replies_per_s),
    ("queue", "connections in the accept queue", "1", |it| it.accept_queue),
    ("generator", "CPU of the generator, cores", "1", |it| it.generator_cores),
];

/// Contenders with their colours, and the charts by the name of their picture.
pub(crate) fn redrawn(data: &Data<'_>, drawn: &[Drawn]) -> Value {
    let contenders = data.firsts_then_others().into_iter().map(|it| {
        json!({
            "name": it.name, "family": it.family, "colour": hex(palette::colour(&it.family)),
            "member": palette::member(data, &it.name, &it.family),
        })
    });
    let mut charts: BTreeMap<String, Value> = BTreeMap::new();
    let mut add = |name: String, chart: Option<Value>| {
        charts.extend(chart.map(|chart| (name, chart)));
    };
    add("throughput-by-connections".to_owned(), by_connections(data));
    add("latency-by-rate".to_owned(), by_rate(data));
    add("switches-per-request".to_owned(), switching(data));
    add("memory-per-connection".to_owned(), weighing(data));
    for scenario in data.sections() {
        let name = crate::charts::file_name(&scenario.name);
        add(format!("cpu-per-request-{name}"), Some(cpu(scenario)));
        add(format!("faults-per-request-{name}"), Some(faults(scenario)));
        add(
            format!("system-calls-per-request-{name}"),
            calls(data, scenario),
        );
        add(format!("latency-{name}"), spectrum(data, scenario));
        add(format!("time-series-{name}"), window(data, scenario));
    }
    json!({ "contenders": contenders.collect::<Vec<_>>(), "charts": charts, "stills": super::stills::stills(data, drawn) })
}

fn hex(colour: RGBColor) -> String {
    format!("#{:02x}{:02x}{:02x}", colour.0, colour.1, colour.2)
}

/// A figure that can be chosen: its name, what it is called, its unit.
fn measure(name: &str) -> Value {
    let (title, unit) = record::metric(name).map_or((name, ""), |it| (it.title, it.unit));
    json!({ "name": name, "title": title, "unit": unit })
}

fn lines(x: &Value, scenarios: &[(String, f64)], measures: &[&str]) -> Value {
    let measures: Vec<Value> = measures.iter().map(|it| measure(it)).collect();
    json!({ "kind": "lines", "x": x, "scenarios": scenarios, "measures": measures })
}

fn bars(scenario: &Scenario, measures: &[Value]) -> Value {
    json!({ "kind": "bars", "scenarios": [(&scenario.name, 0)], "measures": measures })
}

/// Throughput, and whatever else changes, as connections grow.
fn by_connections(data: &Data<'_>) -> Option<Value> {
    let line = throughput::longest_line(data)?.into_iter();
    let line = line.map(|it| (it.name.clone(), f64::from(it.connections)));
    let x = json!({ "title": "connections (logarithmic)", "log": true });
    let measures = [
        "throughput_per_s",
        "response_ns_p99",
        "response_ns_p50",
        "response_ns_p999",
        "cpu_us_per_request",
        "switches_voluntary_per_request",
    ];
    Some(lines(&x, &line.collect::<Vec<_>>(), &measures))
}

/// The hockey stick.
fn by_rate(data: &Data<'_>) -> Option<Value> {
    let line = latency_by_rate::longest_line(data)?.into_iter();
    let line = line.map(|it| (it.name.clone(), latency_by_rate::rate_of(it)));
    let x = json!({ "title": "requests/s that were asked", "log": false });
    let measures = [
        "response_ns_p99",
        "response_ns_p50",
        "service_ns_p99",
        "throughput_per_s",
    ];
    let mut chart = lines(&x, &line.collect::<Vec<_>>(), &measures);
    chart["log"] = json!(true);
    Some(chart)
}

fn switching(data: &Data<'_>) -> Option<Value> {
    let names = [
        "switches_voluntary_per_request",
        "switches_involuntary_per_request",
    ];
    Some(bars(switches::fullest(data)?, &names.map(measure)))
}

fn cpu(scenario: &Scenario) -> Value {
    let mut whole = measure("cpu_us_per_request");
    let parts =
        CPU.map(|(name, title, colour)| json!({ "name": name, "title": title, "colour": colour }));
    // Medians of parts do not add up to the median of the whole: the bar is the whole.
    whole["parts"] = json!(parts);
    whole["share"] = json!(true);
    bars(scenario, &[whole, measure(CPU[0].0), measure(CPU[1].0)])
}

fn faults(scenario: &Scenario) -> Value {
    bars(
        scenario,
        &["faults_minor_per_request", "faults_major_per_request"].map(measure),
    )
}

/// All system calls in their parts, then each by itself.
fn calls(data: &Data<'_>, scenario: &Scenario) -> Option<Value> {
    let names = commonest(data, scenario);
    if names.is_empty() {
        return None;
    }
    let metric = |name: &str| format!("{SYSTEM_CALLS}_{name}");
    let parts = names.iter().zip(system_calls::COLOURS).map(
        |(name, colour)| json!({ "name": metric(name), "title": name, "colour": hex(colour) }),
    );
    let mut whole = measure(SYSTEM_CALLS);
    whole["parts"] = json!(parts.collect::<Vec<_>>());
    whole["rest"] = json!("the others");
    let mut measures = vec![whole];
    measures.extend(
        names
            .iter()
            .map(|name| json!({ "name": metric(name), "title": name, "unit": "1" })),
    );
    Some(bars(scenario, &measures))
}

fn weighing(data: &Data<'_>) -> Option<Value> {
    let mut whole = measure("memory_bytes_per_connection");
    let parts = memory::PARTS.map(
        |(title, colour, name)| json!({ "name": name, "title": title, "colour": hex(colour) }),
    );
    whole["parts"] = json!(parts);
    let beside = [
        "pss_bytes",
        "page_table_bytes",
        "kernel_stack_bytes",
        "tasks",
    ]
    .map(measure);
    let measures: Vec<Value> = [whole].into_iter().chain(beside).collect();
    Some(bars(data.heaviest()?, &measures))
}

/// Response and service times by how rare they are.
fn spectrum(data: &Data<'_>, scenario: &Scenario) -> Option<Value> {
    let cells: Vec<_> = data
        .cells
        .iter()
        .filter(|cell| {
            cell.scenario.name == scenario.name
                && data
                    .shown(cell.contender, &scenario.name, "response_ns_p50")
                    .is_some()
        })
        .collect();
    let points: Points = cells
        .par_iter()
        .map(|cell| {
            let read = |span| {
                Merged::of(cell, span)
                    .map(|it| percentiles::readings(&it))
                    .unwrap_or_default()
            };
            let rounded = |points: Vec<(f64, f64)>| {
                points
                    .into_iter()
                    .map(|(x, y)| ((x * 100.0).round() / 100.0, y.round()))
                    .collect()
            };
            let spans = [
                ("response", rounded(read(Span::Response))),
                ("service", rounded(read(Span::Service))),
            ];
            (cell.contender.to_owned(), BTreeMap::from(spans))
        })
        .collect();
    Some(json!({
        "kind": "lines", "log": true, "points": points, "weak": [], "scenarios": [(&scenario.name, 0)],
        "x": { "title": "percentile: tenfold rarer each step", "log": true, "percentile": true },
        "measures": [
            { "name": "response", "title": "response time (dashed: service)", "unit": "ns", "beside": "service" },
            { "name": "service", "title": "service time", "unit": "ns" },
        ],
    }))
}

/// A window over time.
fn window(data: &Data<'_>, scenario: &Scenario) -> Option<Value> {
    let cells = time_series::cells(data, scenario);
    let step_ns = series::step_ns(&cells);
    let is_weak = |word: &str| word != VALID && word != TOO_FEW_ROUNDS;
    let weak: Vec<&str> = cells
        .iter()
        .filter(|it| is_weak(&it.verdict_of_percentiles().word))
        .map(|it| it.contender)
        .collect();
    let points: Points = cells
        .par_iter()
        .map(|cell| {
            let steps = series::steps(cell, step_ns);
            let read = STEPS.map(|(name, _, _, read)| {
                let points = steps
                    .iter()
                    .filter_map(|step| Some((step.at_s, read(step)?)));
                (
                    name,
                    points.map(|(x, y)| ((x * 1e4).round() / 1e4, y)).collect(),
                )
            });
            (cell.contender.to_owned(), BTreeMap::from(read))
        })
        .collect();
    let measures =
        STEPS.map(|(name, title, unit, _)| json!({ "name": name, "title": title, "unit": unit }));
    Some(json!({
        "kind": "lines", "points": points, "weak": weak, "scenarios": [(&scenario.name, 0)],
        "x": { "title": "seconds since the window began", "log": false }, "measures": measures,
    }))
}
