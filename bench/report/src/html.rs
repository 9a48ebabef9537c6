//! report.html: one file that opens offline, without a script, on paper and on a telephone.
//!
//! maud escapes every text; the three things that are put in as they are, are ours: the stylesheet, the
//! charts, and the summary, whose `<` are written so that no text in it can end its element.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use record::{Lab, Scenario};

use crate::answers::{answers, of_scenario};
use crate::charts::Drawn;
use crate::conditions::{conditions, machine, reading};
use crate::data::Data;
use crate::markdown::HOCKEY_STICK;
use crate::tables::{self, Figure, Row, Table};
use crate::{capacity, counters, format, labs, limits, markdown, noise_floor, yardsticks};

const STYLE: &str = include_str!("html/style.css");

/// Nothing is fetched and no script runs; styles are those of this file.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
pub(crate) fn page(data: &Data<'_>, charts: &[Drawn]) -> String {
    let run = &data.results.run;
    let title = format!("fiveways: {}", run.suite_name);
    let of_suite = charts.iter().filter(|chart| chart.scenario.is_none());
    let elsewhere = |chart: &&Drawn| data.search().is_some() && chart.name == HOCKEY_STICK;
    let (first, others): (Vec<&Drawn>, Vec<&Drawn>) = of_suite
        .filter(|chart| !elsewhere(chart))
        .partition(|chart| chart.name == "five-ways");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(data))
                main {
                    (noise(data))
                    ol.answers { @for answer in answers(data) { li { (answer) } } }
                    @for chart in first { (figure(chart)) }
                    (capacities(data, charts))
                    @for scenario in data.sections() { (section(data, scenario, charts)) }
                    @for lab in data.labs() { (lab_section(data, lab)) }
                    @if !others.is_empty() {
                        h2 id="charts" { "Charts" }
                        @for chart in others { (figure(chart)) }
                    }
                    (missing(data))
                    (host(data))
                    (parts(data))
                    (again(data))
                    (cannot_show(data))
                }
                footer { p.soft { "fiveways " (run.version) ". Figures are medians over rounds; intervals are 95 %. Missing figures are " (format::MISSING) ", never 0." } }
                script type="application/json" id="summary" { (PreEscaped(embedded(data))) }
            }
        }
    };
    page.into_string()
}

fn head(data: &Data<'_>) -> Markup {
    let run = &data.results.run;
    html! {
        header {
            p.over { "fiveways · " (run.suite_name) }
            h1 { (run.suite.question) }
            @if let Some(provisional) = data.provisional() {
                p.provisional { (provisional) ": figures rest on the rounds made so far." }
            }
            p.conditions {
                (machine(&run.host)) ". " (format::plural(data.rounds() as usize, "round")) ", fresh servers each; begun " (run.started) "."
            }
            nav aria-label="Scenarios" {
                ul { @for scenario in data.sections() { li { a href={ "#" (scenario.name) } { (scenario.title) } } } @for lab in data.labs() { li { a href={ "#" (lab.name) } { (lab.title) } } } }
            }
        }
    }
}

/// What the run cannot tell apart, before what it tells.
fn noise(data: &Data<'_>) -> Markup {
    html! {
        @for sentence in noise_floor::sentences(data) { p.noise { (sentence) } }
        @if let Some((head, rows)) = noise_floor::table(data) {
            div.box tabindex="0" {
                table aria-label="noise floor" {
                    thead { tr { th scope="col" { "two copies" } @for head in &head { th scope="col" { (head) } } } }
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

/// The highest rates that are sustained, and beside them how response times grow.
fn capacities(data: &Data<'_>, charts: &[Drawn]) -> Markup {
    let Some(search) = data.search() else {
        return html! {};
    };
    let notes = capacity::notes(data);
    html! {
        section {
            h2 id="capacity" { "Capacity" }
            p.conditions { (capacity::caption(search)) "; " (machine(&data.results.run.host)) }
            div.box tabindex="0" {
                table aria-label="capacity" {
                    thead { tr { th scope="col" { "contender" } @for head in capacity::head(data) { th scope="col" { (head) } } } }
                    tbody {
                        @for (contender, ranked, cells) in capacity::rows(data) {
                            tr.weak[!ranked] { th scope="row" { (contender) } @for cell in &cells { td { (cell) } } }
                        }
                    }
                }
            }
            @if !notes.is_empty() { ul.notes { @for note in &notes { li { (note) } } } }
            @for chart in charts.iter().filter(|it| it.name == HOCKEY_STICK) { (figure(chart)) }
        }
    }
}

fn figure(chart: &Drawn) -> Markup {
    html! {
        figure id={ "chart-" (chart.name) } {
            div.card tabindex="0" { (PreEscaped(&chart.svg)) }
            figcaption { (chart.meaning) }
        }
    }
}

fn section(data: &Data<'_>, scenario: &Scenario, charts: &[Drawn]) -> Markup {
    let rounds = format::plural(data.rounds_made(scenario), "round");
    let table = tables::table(data, scenario);
    html! {
        section {
            h2 id=(scenario.name) { (scenario.title) }
            p.soft { (scenario.question) }
            p.answer { (of_scenario(data, scenario)) }
            p.conditions { (scenario.name) ": " (conditions(scenario)) "; " (rounds) "; " (machine(&data.results.run.host)) (reading(scenario)) }
            div.box tabindex="0" { (grid(&table, &scenario.title)) }
            @if !table.notes.is_empty() {
                ul.notes { @for note in &table.notes { li { (note) } } }
            }
            (counted(data, scenario))
            @for chart in charts.iter().filter(|it| it.scenario.as_ref() == Some(&scenario.name)) { (figure(chart)) }
        }
    }
}

/// What the scenario's counter passes counted.
fn counted(data: &Data<'_>, scenario: &Scenario) -> Markup {
    let Some(table) = counters::tables::table(data, scenario) else {
        return html! {};
    };
    html! {
        p.conditions { (counters::tables::caption(data, scenario)) }
        @if !table.head.is_empty() {
            div.box tabindex="0" { (grid(&table, &format!("{}: system calls", scenario.title))) }
        }
        @if !table.notes.is_empty() {
            ul.notes { @for note in &table.notes { li { (note) } } }
        }
    }
}

fn lab_section(data: &Data<'_>, lab: &Lab) -> Markup {
    let table = labs::tables::table(data, lab);
    html! {
        section {
            h2 id=(lab.name) { (lab.title) }
            p.soft { (lab.question) }
            p.answer { (labs::answers::of_lab(data, lab)) }
            p.conditions { (lab.name) ": " (labs::tables::conditions(lab)) "; " (format::plural(lab.rounds as usize, "round")) "; " (machine(&data.results.run.host)) }
            div.box tabindex="0" { (grid(&table, &lab.title)) }
            @if !table.notes.is_empty() {
                ul.notes { @for note in &table.notes { li { (note) } } }
            }
        }
    }
}

fn grid(table: &Table, title: &str) -> Markup {
    html! {
        table aria-label=(title) {
            thead { tr { th scope="col" { "contender" } @for head in &table.head { th scope="col" { (head) } } } }
            tbody {
                @for row in &table.rows { (line(row)) }
            }
        }
    }
}

fn line(row: &Row) -> Markup {
    html! {
        tr.weak[!row.ranked] {
            th scope="row" {
                span class={ "key " (row.family) } {} (row.contender)
                @if row.reason.is_some() { small title=[row.reason.as_ref()] { (row.verdict) } }
            }
            @for (cell, columns) in merged(&row.cells) { (figure_cell(cell, columns)) }
        }
    }
}

/// `1 of 50 served` once over all the columns whose place it takes; every other figure by itself.
fn merged(cells: &[Figure]) -> Vec<(&Figure, usize)> {
    let mut merged: Vec<(&Figure, usize)> = Vec::new();
    for cell in cells {
        match merged.last_mut() {
            Some((last, columns)) if last.text == cell.text && cell.text.ends_with(" served") => {
                *columns += 1
            }
            _ => merged.push((cell, 1)),
        }
    }
    merged
}

fn figure_cell(cell: &Figure, columns: usize) -> Markup {
    html! {
        td title=[cell.reason.as_ref()] colspan=[(columns > 1).then_some(columns)] {
            (cell.text)
            @if let Some(interval) = &cell.interval { small { (interval) } }
        }
    }
}

fn missing(data: &Data<'_>) -> Markup {
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

fn host(data: &Data<'_>) -> Markup {
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
        div.box { table.plain { tbody { @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } } } } }
        (facts(host))
        @if !data.results.run.entrants.is_empty() {
            h3 { "The contenders" }
            div.box { table.plain { tbody {
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
fn parts(data: &Data<'_>) -> Markup {
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
fn cannot_show(data: &Data<'_>) -> Markup {
    html! {
        h2 id="limits" { "What this machine cannot show" }
        ul {
            @for limit in limits::limits(data) {
                li { strong { (format::capital(limit.what)) } ": " (limit.text) }
            }
        }
    }
}

fn again(data: &Data<'_>) -> Markup {
    let run = &data.results.run;
    html! {
        h2 id="again" { "Again" }
        p { "Seed " (run.seed) ". The same command on the same machine repeats the run; every pass stands in records.jsonl, the plan in run.json." }
        pre tabindex="0" { code { (markdown::command(data)) } }
    }
}

/// The summary as JSON that no text in it can break out of.
fn embedded(data: &Data<'_>) -> String {
    let json = serde_json::to_string(data.summary).unwrap_or_else(|_| "null".to_owned());
    json.replace('<', "\\u003c")
}
