//! What figures rest on: who is missing and why, the machine, its yardsticks, how to do it again.

use maud::{Markup, html};

use crate::conditions::machine;
use crate::data::Data;
use crate::{conditions, format, limits, markdown, yardsticks};

/// Who was skipped, what failed, what could not be read.
pub(super) fn missing(data: &Data<'_>) -> Markup {
    let (skipped, failed, damage) = (data.skipped(), data.failed(), &data.results.damage);
    html! {
        @if !skipped.is_empty() || !data.results.run.left_out.is_empty() {
            h2 id="skipped" { "Skipped" }
            ul { @for out in &data.results.run.left_out { li { strong { (out.scenario) } ": " (out.reason) } } @for (contender, reason) in &skipped { li { strong { (contender) } ": " (reason) } } }
        }
        @if !failed.is_empty() {
            h2 id="failed" { "Failed" }
            ul {
                @for (contender, scenario, outcome, reason) in &failed {
                    li { strong { (contender) } " under " (scenario) ": " (outcome) ", " (reason) }
                }
            }
        }
        @if !damage.is_empty() {
            h2 { "Records that could not be read" }
            ul { @for line in damage { li { (format::without_paths(line)) } } }
        }
    }
}

/// The machine and who was measured on it.
pub(super) fn host(data: &Data<'_>) -> Markup {
    let host = &data.results.run.host;
    let unknown = || "unknown".to_owned();
    let rows = [
        ("CPU", host.cpu.clone()),
        (
            "cores",
            format!("{} physical, {} logical", host.cores, host.cpus),
        ),
        ("virtualisation", host.virtualisation.clone()),
        ("kernel", host.kernel.clone()),
        (
            "memory",
            match host.memory_bytes {
                0 => unknown(),
                bytes => format::bytes(bytes as f64),
            },
        ),
        (
            "descriptors a process",
            format::count(host.descriptors as f64),
        ),
        (
            "longest accept queue",
            host.somaxconn.map_or_else(unknown, |it| it.to_string()),
        ),
        (
            "local ports",
            host.port_range
                .map_or_else(unknown, |(low, high)| format!("{low} to {high}")),
        ),
        (
            "transparent huge pages",
            host.huge_pages.clone().unwrap_or_else(unknown),
        ),
        (
            "kernel stack of a task",
            format::bytes(host.kernel_stack_bytes as f64),
        ),
        ("cgroup", format::without_paths(&host.cgroup)),
    ];
    html! {
        h2 id="host" { "The machine" }
        div.box tabindex="0" { table.plain { tbody { @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } } } } }
        (facts(host))
        @for from in &data.results.run.load_hosts {
            h3 { "Load host " (from.name) }
            p.conditions {
                (machine(&from.host)) "; its generator on CPUs " (from.cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
                @if from.is_servers { "; the very machine of the server" } "."
            }
            (facts(&from.host))
        }
        @if !data.results.run.entrants.is_empty() {
            h3 { "The contenders" }
            div.box tabindex="0" { table.plain { tbody {
                @for entrant in data.results.run.entrants.iter().filter(|it| it.name != record::CONTROL) {
                    tr {
                        th scope="row" { span class={ "key " (entrant.family) } {} (entrant.name) }
                        td { (entrant.family) }
                        td { (format::without_paths(&entrant.version)) }
                    }
                }
            } } }
        }
    }
}

/// Everything else that is known of the machine, or why it is not.
fn facts(host: &record::Host) -> Markup {
    html! {
        @if !host.facts.is_empty() {
            details {
                summary { (host.facts.len()) " more facts: settings, limits, caches, mitigations" }
                div.box tabindex="0" { table.plain { tbody {
                    @for fact in &host.facts {
                        tr {
                            th scope="row" { (fact.name) }
                            td {
                                @match (&fact.value, &fact.reason) {
                                    (Some(value), _) => (value),
                                    (None, Some(reason)) => small { (format::MISSING) " " (reason) },
                                    (None, None) => (format::MISSING),
                                }
                            }
                        }
                    }
                } } }
            }
        }
    }
}

/// What the machine's parts take.
pub(super) fn parts(data: &Data<'_>) -> Markup {
    let run = &data.results.run;
    let rows = yardsticks::rows(&run.yardsticks);
    html! {
        @if !rows.is_empty() {
            h2 id="yardsticks" { "Yardsticks" }
            p.conditions { "Measured " (yardsticks::place(&run.yardsticks, &run.host)) "." }
            div.box tabindex="0" {
                table aria-label="yardsticks" {
                    thead { tr { th scope="col" { "what" } @for head in yardsticks::HEAD { th scope="col" { (head) } } } }
                    tbody {
                        @for row in &rows {
                            tr { th scope="row" { (row[0]) } @for figure in &row[1..] { td { (figure) } } }
                        }
                    }
                }
            }
        }
    }
}

/// What no figure here may be taken for.
pub(super) fn cannot_show(data: &Data<'_>) -> Markup {
    html! {
        h2 id="limits" { "What this machine cannot show" }
        ul {
            @for limit in limits::limits(data) {
                li { strong { (format::capital(limit.what)) } ": " (limit.text) }
            }
        }
    }
}

/// How to do it again.
pub(super) fn again(data: &Data<'_>) -> Markup {
    let run = &data.results.run;
    html! {
        h2 id="again" { "Again" }
        p { "Seed " (run.seed) ". The same command on the same machine repeats the run; every pass stands in records.jsonl, the plan in run.json." }
        @if let Some(breaks) = conditions::breaks(run) { p { (breaks) } }
        pre tabindex="0" { code { (markdown::command(data)) } }
    }
}
