//! The table of a lab, ranked by what a mechanism takes in the middle; who cannot be measured comes last,
//! with the reason.

use record::{Lab, LabKind};

use super::parts;
use crate::data::{Data, may_be_shown};
use crate::format;
use crate::tables::{Figure, Row, Table};

/// Heads and metrics of a lab's table; the first ranks.
pub(crate) fn columns(kind: LabKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        LabKind::Spawn => &[
            ("first instruction p50", "spawn_ns_p50"),
            ("p99", "spawn_ns_p99"),
            ("reaped p50", "reap_ns_p50"),
            ("reaped p99", "reap_ns_p99"),
            ("starts/s", "starts_per_s"),
            ("CPU", "cpu_ns_per_time"),
            ("switches", "switches_voluntary_per_time"),
            ("first write to a page", "first_write_ns"),
            ("child's page tables", "child_page_table_bytes"),
            ("RSS of both", "both_rss_bytes"),
            ("PSS of both", "both_pss_bytes"),
            ("… a quarter written", "both_pss_bytes_written"),
            ("entries into spawn", "node_spawn_entries_per_call"),
        ],
        LabKind::Ipc => &[
            ("round trip p50", "round_trip_ns_p50"),
            ("p99", "round_trip_ns_p99"),
            ("messages/s, one way", "messages_per_s"),
            ("bytes/s", "bytes_per_s"),
            ("CPU per round trip", "cpu_ns_per_time"),
            ("switches, voluntary", "switches_voluntary_per_time"),
            ("involuntary", "switches_involuntary_per_time"),
        ],
        LabKind::Switch => &[
            ("switch p50", "switch_ns_p50"),
            ("p90", "switch_ns_p90"),
            ("overhead, subtracted", "overhead_ns"),
        ],
        LabKind::Call => &[
            ("call p50", "call_ns_p50"),
            ("p90", "call_ns_p90"),
            ("clock, subtracted", "clock_ns"),
        ],
        LabKind::Share => &[
            ("stay on the CPU p50", "stay_ns_p50"),
            ("p90", "stay_ns_p90"),
            ("5 ms of work p50", "work_ns_p50"),
            ("p99", "work_ns_p99"),
            ("Jain's index, 100 ms", "jain_cpu_per_100ms"),
            ("in all", "jain_cpu"),
        ],
        LabKind::Evidence => &[
            ("signal of Ctrl-C", "ctrl_c_signal"),
            ("sent by the kernel", "ctrl_c_from_kernel"),
            ("number of KILL", "kill_signal"),
            ("errno of a handler", "kill_handler_errno"),
            ("domain, parent", "channel_domain_parent"),
            ("domain, child", "channel_domain_child"),
        ],
    }
}

/// The table of `lab`.
pub(crate) fn table(data: &Data<'_>, lab: &Lab) -> Table {
    let columns = columns(lab.lab);
    let key = columns[0].1;
    let figures = |mechanism: &str| -> Vec<Figure> {
        let figure = |(_, metric): &(&str, &str)| figure(data, mechanism, lab, metric);
        columns.iter().map(figure).collect()
    };
    let all = parts(data.results);
    let here = all.iter().filter(|part| part.lab.name == lab.name);
    let mut rows: Vec<(f64, Row)> = here
        .map(|part| {
            let (verdict, reason) = part.verdict();
            let estimate = data.estimate(part.mechanism, &lab.name, key);
            let shown = estimate
                .filter(|it| may_be_shown(it))
                .and_then(|it| it.value);
            let row = Row {
                contender: part.mechanism.to_owned(),
                family: lab.lab.as_str().to_owned(),
                verdict: verdict.to_owned(),
                reason,
                ranked: shown.is_some(),
                cells: figures(part.mechanism),
            };
            (shown.unwrap_or(f64::INFINITY), row)
        })
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    let heads = columns.iter().map(|(head, _)| (*head).to_owned());
    let mut table = Table::ranked(heads.collect(), rows);
    table.notes.extend(seen(data, lab));
    table
}

/// What was seen beside figures: which system calls start a child, say.
fn seen(data: &Data<'_>, lab: &Lab) -> Vec<String> {
    let all = parts(data.results);
    let here = all.iter().filter(|part| part.lab.name == lab.name);
    here.filter_map(|part| {
        let seen = &part.passes.first()?.lab.as_ref()?.seen;
        let said: Vec<String> = seen
            .iter()
            .map(|(what, said)| format!("{}: {said}", what.replace('_', " ")))
            .collect();
        (!said.is_empty()).then(|| format!("{}, {}", part.mechanism, said.join("; ")))
    })
    .collect()
}

fn figure(data: &Data<'_>, mechanism: &str, lab: &Lab, metric: &str) -> Figure {
    let missing = |reason| Figure {
        text: format::MISSING.to_owned(),
        reason,
        ..Figure::default()
    };
    let Some(it) = data.estimate(mechanism, &lab.name, metric) else {
        return missing(None);
    };
    match it.value {
        Some(value) => Figure {
            text: format::figure(metric, value),
            interval: format::spread(metric, value, it.low, it.high),
            reason: (!may_be_shown(it)).then(|| it.reason.clone()).flatten(),
            value: Some(value),
        },
        None => missing(it.reason.clone()),
    }
}

/// Under which conditions: what the reader has to know beside the title.
pub(crate) fn conditions(lab: &Lab) -> String {
    let mut said = vec![match lab.placement {
        record::Where::SameCore => "on one core".to_owned(),
        record::Where::TwoCores => "across two cores".to_owned(),
        record::Where::Free => "wherever the scheduler likes".to_owned(),
    }];
    if lab.lab == LabKind::Spawn {
        let pages = match lab.pages.unwrap_or_default() {
            record::Pages::Small => "pages of 4 KiB",
            record::Pages::Huge => "huge pages",
        };
        said.push(format!(
            "{} MiB of state in {pages}",
            lab.state_mib.unwrap_or(0)
        ));
        said.push(format::plural(lab.threads.unwrap_or(1) as usize, "thread"));
        if let Some(descriptors) = lab.descriptors {
            said.push(format!(
                "{} descriptors",
                format::count(f64::from(descriptors))
            ));
        }
        said.push(match lab.rate {
            Some(rate) => format!("{} starts/s asked for", format::count(rate)),
            None => "one after another".to_owned(),
        });
    }
    if let Some(bytes) = lab.bytes {
        said.push(format!("{} a message", format::bytes(bytes as f64)));
    }
    if let Some(tasks) = lab.tasks {
        said.push(match lab.lab {
            LabKind::Share => format!("{tasks} tasks that all have work"),
            _ => format!(
                "{tasks} tasks, each with {} KiB",
                lab.working_set_kib.unwrap_or(0)
            ),
        });
    }
    said.join(", ")
}
