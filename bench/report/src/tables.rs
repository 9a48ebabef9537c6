//! The table of a scenario: one for Markdown and HTML alike. Columns are a row each of [`COLUMNS`].

use record::{Answer, Scenario, Workload};

use crate::data::{Data, is_unserved, may_be_shown};
use crate::format;

/// A table, ranked: valid cells by their first column, the others after them.
pub(crate) struct Table {
    /// Heads of the columns after the contender's.
    pub head: Vec<&'static str>,
    /// A contender a row.
    pub rows: Vec<Row>,
}

/// One contender.
pub(crate) struct Row {
    /// Who.
    pub contender: String,
    /// Of which family.
    pub family: String,
    /// `valid` or why not.
    pub verdict: String,
    /// Why it is not valid and what to do.
    pub reason: Option<String>,
    /// Whether the figures may be ranked.
    pub ranked: bool,
    /// A cell a column.
    pub cells: Vec<Figure>,
}

/// One figure of a table.
#[derive(Default)]
pub(crate) struct Figure {
    /// The figure, `1 of 50 served`, or a dash.
    pub text: String,
    /// `± 2.1 %`.
    pub interval: Option<String>,
    /// Why the figure is missing.
    pub reason: Option<String>,
}

/// A column: its head, its metric, and the workloads whose tables have it.
type Column = (&'static str, &'static str, &'static [Workload]);

const RR: &[Workload] = &[Workload::Rr];
const CRR: &[Workload] = &[Workload::Crr];
const LOADED: &[Workload] = &[Workload::Rr, Workload::Crr];
const IDLE: &[Workload] = &[Workload::Idle];

#[rustfmt::skip]
const COLUMNS: &[Column] = &[
    ("requests/s", "throughput_per_s", LOADED),
    ("p50", "response_ns_p50", LOADED),
    ("p99", "response_ns_p99", LOADED),
    ("p99.9", "response_ns_p999", RR),
    ("connect p50", "connect_ns_p50", CRR),
    ("CPU/request", "cpu_us_per_request", LOADED),
    ("voluntary switches/request", "switches_voluntary_per_request", LOADED),
    ("involuntary", "switches_involuntary_per_request", LOADED),
    ("per connection", "memory_bytes_per_connection", IDLE),
    ("PSS", "pss_bytes", IDLE),
    ("page tables", "page_table_bytes", IDLE),
    ("kernel stacks", "kernel_stack_bytes", IDLE),
    ("tasks", "tasks", IDLE),
    ("start-up", "startup_ms", IDLE),
];

/// The table of `scenario`.
pub(crate) fn table(data: &Data<'_>, scenario: &Scenario) -> Table {
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| column.2.contains(&scenario.workload)).collect();
    let reference = data.results.run.suite.reference.as_str();
    let mut head: Vec<&'static str> = columns.iter().map(|column| column.0).collect();
    head.insert(1, "ratio to reference");
    let key = ranked_by(data, scenario);
    let ranking: Vec<&str> = data.ranking(&scenario.name, key).iter().map(|it| it.contender.as_str()).collect();
    let here = data.cells.iter().filter(|cell| cell.scenario.name == scenario.name);
    let mut rows: Vec<Row> = here
        .map(|cell| {
            let figures = columns.iter().map(|column| figure(data, cell.contender, scenario, column.1));
            let mut cells: Vec<Figure> = figures.collect();
            cells.insert(1, ratio(data, cell.contender, reference, scenario, columns[0].1));
            let verdict = crate::doubts::verdict(cell);
            Row {
                contender: cell.contender.to_owned(),
                family: cell.family.to_owned(),
                ranked: ranking.contains(&cell.contender),
                verdict: verdict.word,
                reason: verdict.reason,
                cells,
            }
        })
        .collect();
    let place = |row: &Row| ranking.iter().position(|name| *name == row.contender).unwrap_or(usize::MAX);
    rows.sort_by_key(place);
    Table { head, rows }
}

/// The metric by which a scenario's table is ranked.
pub(crate) fn ranked_by(data: &Data<'_>, scenario: &Scenario) -> &'static str {
    let slope = "memory_bytes_per_connection";
    match scenario.workload {
        Workload::Rr | Workload::Crr => "throughput_per_s",
        Workload::Idle if data.ranking(&scenario.name, slope).is_empty() => "pss_bytes",
        Workload::Idle => slope,
    }
}

fn figure(data: &Data<'_>, contender: &str, scenario: &Scenario, metric: &str) -> Figure {
    let Some(it) = data.estimate(contender, &scenario.name, metric) else {
        return Figure { text: format::MISSING.to_owned(), ..Figure::default() };
    };
    // Where not everybody was served, latency and throughput are of those who were: who was served stands instead.
    let served = data.served(contender, &scenario.name).filter(|_| is_unserved(it));
    match (it.value, served) {
        (_, Some(served)) if metric.contains("_ns_") || metric == "throughput_per_s" || metric.contains("_per_connection") => {
            Figure { text: served, interval: None, reason: it.reason.clone() }
        }
        (Some(value), _) => Figure {
            text: format::figure(metric, value),
            interval: format::plus_minus(value, it.low, it.high),
            reason: (!may_be_shown(it)).then(|| it.reason.clone()).flatten(),
        },
        (None, _) => Figure { text: format::MISSING.to_owned(), interval: None, reason: it.reason.clone() },
    }
}

fn ratio(data: &Data<'_>, contender: &str, reference: &str, scenario: &Scenario, metric: &str) -> Figure {
    if contender == reference {
        return Figure { text: "reference".to_owned(), ..Figure::default() };
    }
    let found = data.summary.comparisons.iter().find(|it| {
        it.a == contender && it.scenario == scenario.name && it.metric == metric
    });
    match found {
        Some(it) => Figure {
            text: format!("{} ×{}", format::digits(it.ratio), mark(it.answer)),
            interval: it.low.zip(it.high).map(|(low, high)| format!("{} to {}", format::digits(low), format::digits(high))),
            reason: None,
        },
        None => Figure {
            text: format::MISSING.to_owned(),
            interval: None,
            reason: Some("only valid cells are compared".to_owned()),
        },
    }
}

fn mark(answer: Answer) -> &'static str {
    match answer {
        Answer::Ahead | Answer::Behind => "",
        Answer::Equal => ", equal",
        Answer::Undecided => ", undecided",
    }
}

/// The reasons why figures of a table are missing, each once, with the columns they concern.
pub(crate) fn notes(table: &Table) -> Vec<String> {
    let mut notes: Vec<(String, Vec<String>)> = Vec::new();
    for row in table.rows.iter().filter(|row| row.ranked) {
        for (head, cell) in table.head.iter().zip(&row.cells) {
            let Some(reason) = cell.reason.as_ref().filter(|_| cell.text == format::MISSING) else { continue };
            let note = format!("{head}: {reason}");
            match notes.iter_mut().find(|(other, _)| *other == note) {
                Some((_, who)) => who.push(row.contender.clone()),
                None => notes.push((note, vec![row.contender.clone()])),
            }
        }
    }
    let everybody = table.rows.iter().filter(|row| row.ranked).count();
    let named = notes.into_iter().map(|(note, who)| match who.len() {
        n if n == everybody => note,
        _ => format!("{note} ({})", who.join(", ")),
    });
    named.collect()
}
