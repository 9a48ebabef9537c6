//! report.html: one file that opens offline, on paper and on a telephone, and says everything without a script.
//!
//! Where scripts run, ours (`html/script/`) sorts, hides, filters and draws charts anew from the summary that the
//! page holds; its hash stands in the policy, so that no other script can. maud escapes every text; what is put in
//! as it is, is ours: the stylesheet, the script, the charts, and the data, whose `<` are written so that no text in
//! them can end their element.

mod grid;
mod machine;
mod redrawn;
mod stills;
mod traces;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use record::{Lab, Scenario};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::answers::{answers, of_scenario};
use crate::charts::Drawn;
use crate::conditions::{conditions, machine, reading};
use crate::data::Data;
use crate::doubts::{self, FEW_SAMPLES};
use crate::markdown::HOCKEY_STICK;
use crate::{
    capacity, claims, counters, format, labs, ledger, lessons, noise_floor, papers, tables, ways,
};
use grid::grid;

/// Of every page.
pub(crate) const STYLE: &str = include_str!("html/style.css");

/// Before the page is laid out: pictures that are to be drawn anew are not even measured.
const EARLY: &str = concat!(
    "document.documentElement.classList.add(\"live\", \"opening\");",
    // A browser that is too old for the other script keeps the pictures.
    "addEventListener(\"error\", () => document.documentElement.classList.remove(\"live\", \"opening\"));"
);

/// One function around them all: nothing of it is seen from outside.
const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("html/script/state.js"),
    include_str!("html/script/tables.js"),
    include_str!("html/script/draw.js"),
    include_str!("html/script/figures.js"),
    "})();\n"
);

/// Nothing is fetched, and no script runs but ours; pictures are those that it makes.
fn policy() -> String {
    let [early, hash] = [EARLY, SCRIPT].map(|script| STANDARD.encode(Sha256::digest(script)));
    format!(
        "default-src 'none'; script-src 'sha256-{early}' 'sha256-{hash}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
         form-action 'none'"
    )
}

/// The page.
pub(crate) fn page(data: &Data<'_>, charts: &[Drawn]) -> String {
    let redrawn = redrawn::redrawn(data, charts);
    let run = &data.results.run;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "fiveways: " (run.suite_name) }
                style { (PreEscaped(STYLE)) }
                script { (PreEscaped(EARLY)) }
            }
            body {
                a.skip href="#answers" { "Skip to the answers" }
                (head(data))
                main {
                    (noise(data))
                    (weak(data))
                    h2 id="answers" tabindex="-1" { "Answers" }
                    ol.answers { @for answer in answers(data) { li { (answer) } } }
                    (lessons::page::section(data))
                    (claims::page::section(data, charts, |chart| figure(chart, false, &redrawn)))
                    (papers::page::section(data, charts, |chart| figure(chart, false, &redrawn)))
                    (ledger(data))
                    (capacities(data, charts, &redrawn))
                    @for scenario in data.sections() { (section(data, scenario)) }
                    (pictures(data, charts, &redrawn))
                    @for lab in data.labs() { (lab_section(data, lab)) }
                    (traces::section(data))
                    (machine::missing(data))
                    (machine::host(data))
                    (machine::parts(data))
                    (machine::cannot_show(data))
                    (machine::again(data))
                }
                footer { p.soft { "fiveways " (run.version) ". Figures are medians over rounds; intervals are 95 %. Missing figures are " (format::MISSING) ", never 0." } }
                script type="application/json" id="summary" { (PreEscaped(embedded(data.summary))) }
                script type="application/json" id="redrawn" { (PreEscaped(embedded(&redrawn))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// Five ways at a glance, then every other chart: those of the suite, then those of each scenario.
fn pictures(data: &Data<'_>, charts: &[Drawn], redrawn: &Value) -> Markup {
    let elsewhere = |chart: &&Drawn| data.search().is_some() && chart.name == HOCKEY_STICK;
    let mut claimed = claims::page::charts(data);
    claimed.extend(papers::page::charts(data));
    let claimed = |chart: &&Drawn| claimed.contains(chart.name.as_str());
    let shown = charts
        .iter()
        .filter(|chart| !elsewhere(chart) && !claimed(chart));
    let (first, others): (Vec<&Drawn>, Vec<&Drawn>) =
        shown.partition(|chart| chart.name == "five-ways");
    let (of_suite, of_one): (Vec<&Drawn>, Vec<&Drawn>) =
        others.iter().partition(|chart| chart.scenario.is_none());
    html! {
        @for chart in first { section { (figure(chart, true, redrawn)) } }
        @if !others.is_empty() {
            section {
                h2 id="charts" { "Charts" }
                @for chart in of_suite.iter().chain(&of_one) { (figure(chart, false, redrawn)) }
            }
        }
    }
}

/// Cells whose figures are weak, by what weakens them.
fn weak(data: &Data<'_>) -> Markup {
    let found = doubts::listed(&data.cells);
    // A search by itself has a table that says what is weak.
    if data.search().is_some() && data.sections().next().is_none() {
        return html! {};
    }
    html! {
        h2 id="doubts" { "Doubts of this run" }
        @if found.is_empty() {
            p { "None: every cell is valid." }
        } @else {
            p {
                "Figures of these cells are not ranked (" (FEW_SAMPLES) ": percentiles alone); why, and what to do, stands "
                "below the table of the scenario."
            }
            ul { @for (word, who) in &found { li { strong { (word) } ": " (who.join(", ")) } } }
        }
    }
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
    let (sentences, table) = (noise_floor::sentences(data), noise_floor::table(data));
    if sentences.is_empty() && table.is_none() {
        return html! {};
    }
    html! {
        h2 id="noise" { "What this run cannot tell apart" }
        @for sentence in &sentences { p.noise { (sentence) } }
        @if let Some((head, rows)) = &table {
            div.box tabindex="0" {
                table aria-label="noise floor" {
                    thead { tr { th scope="col" { "two copies" } @for head in head { th scope="col" { (head) } } } }
                    tbody {
                        @for row in rows {
                            tr { th scope="row" { (row[0]) } @for figure in &row[1..] { td { (figure) } } }
                        }
                    }
                }
            }
        }
    }
}

/// The highest rates that are sustained, and beside them how response times grow.
fn capacities(data: &Data<'_>, charts: &[Drawn], redrawn: &Value) -> Markup {
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
                            tr.weak[!ranked] data-contender=(contender) { th scope="row" { (contender) } @for cell in &cells { td { (cell) } } }
                        }
                    }
                }
            }
            @if !notes.is_empty() { ul.notes { @for note in &notes { li { (note) } } } }
            @for chart in charts.iter().filter(|it| it.name == HOCKEY_STICK) { (figure(chart, false, redrawn)) }
        }
    }
}

/// A chart under its heading, with what it means and what it does not.
fn figure(chart: &Drawn, leads: bool, redrawn: &Value) -> Markup {
    let anew = redrawn["charts"].get(&chart.name).is_some();
    let (meaning, warning) = halves(chart.meaning);
    html! {
        figure.redrawn[anew] id={ "chart-" (chart.name) } data-chart=(chart.name) data-scenario=[chart.scenario.as_ref()] {
            @if leads { h2 { (chart.title) } } @else { h3 { (chart.title) } }
            div.card tabindex="0" role="group" aria-label=(chart.title) { (PreEscaped(&chart.svg)) }
            figcaption {
                p { strong { "What this means. " } (meaning) }
                @if let Some(warning) = warning { p { strong { "What not to conclude. " } (warning) } }
            }
        }
    }
}

/// What a chart means, and what not to conclude: the sentences from the first "Do not" on.
fn halves(meaning: &str) -> (&str, Option<&str>) {
    match meaning.find("Do not ") {
        Some(at) => (meaning[..at].trim_end(), Some(&meaning[at..])),
        None => (meaning, None),
    }
}

fn section(data: &Data<'_>, scenario: &Scenario) -> Markup {
    let rounds = format::plural(data.rounds_made(scenario), "round");
    let table = tables::table(data, scenario);
    html! {
        section data-scenario=(scenario.name) {
            h2 id=(scenario.name) { (scenario.title) }
            p.soft { (scenario.question) }
            p.answer { (of_scenario(data, scenario)) }
            p.conditions { (scenario.name) ": " (conditions(scenario)) "; " (rounds) "; " (machine(&data.results.run.host)) (ways::appended(data, scenario)) (reading(scenario)) }
            div.box tabindex="0" { (grid(&table, &scenario.name, &scenario.title)) }
            @if !table.notes.is_empty() {
                ul.notes { @for note in &table.notes { li { (note) } } }
            }
            (counted(data, scenario))
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
            div.box tabindex="0" { (grid(&table, &format!("{}-counted", scenario.name), &format!("{}: system calls", scenario.title))) }
        }
        @if !table.notes.is_empty() {
            ul.notes { @for note in &table.notes { li { (note) } } }
        }
    }
}

/// What a request costs, item by item.
fn ledger(data: &Data<'_>) -> Markup {
    let scenarios = ledger::page::scenarios(data);
    html! {
        @if !scenarios.is_empty() {
            section {
                h2 id="ledger" { "The ledger: what a request costs" }
                p.soft { (ledger::page::MEANING) }
                @for scenario in &scenarios {
                    h3 { (scenario) }
                    (accounts(data, scenario))
                }
            }
        }
    }
}

fn accounts(data: &Data<'_>, scenario: &str) -> Markup {
    let table = ledger::page::table(data, scenario);
    html! {
        div.box tabindex="0" { (grid(&table, &format!("{scenario}-ledger"), &format!("ledger of {scenario}"))) }
        @if !table.notes.is_empty() { ul.notes { @for note in &table.notes { li { (note) } } } }
        @for account in ledger::page::of(data, scenario) {
            details {
                summary { (account.contender) ", item by item" }
                div.box tabindex="0" {
                    table aria-label={ "ledger of " (account.contender) " under " (scenario) } {
                        thead { tr { @for head in ["item", "per request", "price", "together", "price of"] { th scope="col" { (head) } } } }
                        tbody {
                            @for item in ledger::page::items(account) {
                                tr { th scope="row" { (item[0]) } @for cell in &item[1..] { td { (cell) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn lab_section(data: &Data<'_>, lab: &Lab) -> Markup {
    let table = labs::tables::table(data, lab);
    html! {
        section data-scenario=(lab.name) {
            h2 id=(lab.name) { (lab.title) }
            p.soft { (lab.question) }
            p.answer { (labs::answers::of_lab(data, lab)) }
            p.conditions { (lab.name) ": " (labs::tables::conditions(lab)) "; " (format::plural(lab.rounds as usize, "round")) "; " (machine(&data.results.run.host)) }
            div.box tabindex="0" { (grid(&table, &lab.name, &lab.title)) }
            @if !table.notes.is_empty() {
                ul.notes { @for note in &table.notes { li { (note) } } }
            }
        }
    }
}

/// JSON that no text in it can break out of.
fn embedded(data: &impl Serialize) -> String {
    let json = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    json.replace('<', "\\u003c")
}
