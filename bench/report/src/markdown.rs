//! README.md of a results folder: what a forge shows of it, complete without the page of HTML.

use std::fmt::Write;

use record::{Lab, Scenario};

use crate::answers::{answers, of_scenario};
use crate::charts::Drawn;
use crate::claims::{self, Language};
use crate::conditions::{breaks, conditions, machine, reading};
use crate::data::Data;
use crate::tables::Table;
use crate::{
    capacity, counters, format, labs, ledger, lessons, limits, noise_floor, papers, tables, ways,
    yardsticks,
};

/// The chart that stands beside capacities.
pub(crate) const HOCKEY_STICK: &str = "latency-by-rate";

/// The whole file.
pub(crate) fn readme(data: &Data<'_>, charts: &[Drawn], language: Language) -> String {
    let run = &data.results.run;
    let mut text = format!(
        "# {}: {}\n\n",
        line(&run.suite_name),
        line(&run.suite.question)
    );
    if let Some(provisional) = data.provisional() {
        push(
            &mut text,
            &format!("**{provisional}**: figures rest on the rounds made so far.\n"),
        );
    }
    noise(&mut text, data);
    for answer in answers(data) {
        push(&mut text, &format!("- {}", line(&answer)));
    }
    push(
        &mut text,
        &format!(
            "\nMeasured on {}. {}.",
            line(&machine(&run.host)),
            rounds(data)
        ),
    );
    if charts.iter().any(|chart| chart.name == "five-ways") {
        push(
            &mut text,
            "\n![five ways at a glance](charts/five-ways.svg)",
        );
    }
    text.push_str(&lessons::page::markdown(data, language));
    text.push_str(&claims::plain::markdown(data, charts, language));
    text.push_str(&papers::plain::markdown(data, charts));
    ledger_section(&mut text, data);
    capacities(&mut text, data, charts);
    for scenario in data.sections() {
        section(&mut text, data, scenario);
        for chart in charts
            .iter()
            .filter(|it| it.scenario.as_ref() == Some(&scenario.name))
        {
            picture(&mut text, chart);
        }
    }
    for lab in data.labs() {
        lab_section(&mut text, data, lab);
    }
    pictures(&mut text, data, charts);
    parts(&mut text, data);
    missing(&mut text, data);
    repeat(&mut text, data);
    cannot_show(&mut text, data);
    text
}

/// What the run cannot tell apart, before what it tells.
fn noise(text: &mut String, data: &Data<'_>) {
    for sentence in noise_floor::sentences(data) {
        push(text, &format!("{}\n", line(&sentence)));
    }
    let Some((head, rows)) = noise_floor::table(data) else {
        return;
    };
    push(text, &format!("| two copies | {} |", line_of(&head)));
    push(text, &format!("|---|{}", "---:|".repeat(head.len())));
    for row in rows {
        push(text, &format!("| {} |", line_of(&row)));
    }
    push(text, "");
}

/// The highest rates that are sustained, and beside them how response times grow.
fn capacities(text: &mut String, data: &Data<'_>, charts: &[Drawn]) {
    let Some(search) = data.search() else {
        return;
    };
    push(text, "\n## Capacity\n");
    push(
        text,
        &format!(
            "*{}; {}*\n",
            line(&capacity::caption(search)),
            line(&machine(&data.results.run.host))
        ),
    );
    let head = capacity::head(data);
    push(text, &format!("| | {} |", line_of(&head)));
    push(text, &format!("|---|{}", "---:|".repeat(head.len())));
    for (contender, ranked, cells) in capacity::rows(data) {
        let name = match ranked {
            true => line(&contender),
            false => format!("*{}*", line(&contender)),
        };
        push(text, &format!("| {name} | {} |", line_of(&cells)));
    }
    for note in capacity::notes(data) {
        push(text, &format!("\n{} {}", format::MISSING, line(&note)));
    }
    if let Some(chart) = charts.iter().find(|it| it.name == HOCKEY_STICK) {
        picture(text, chart);
    }
}

fn pictures(text: &mut String, data: &Data<'_>, charts: &[Drawn]) {
    let of_suite = charts.iter().filter(|chart| chart.scenario.is_none());
    let elsewhere = |chart: &&Drawn| data.search().is_some() && chart.name == HOCKEY_STICK;
    let of_suite = of_suite.filter(|chart| !elsewhere(chart));
    let of_suite: Vec<&Drawn> = of_suite.collect();
    if !of_suite.is_empty() {
        push(text, "\n## Charts");
    }
    for chart in of_suite {
        picture(text, chart);
    }
}

fn picture(text: &mut String, chart: &Drawn) {
    let (name, title) = (&chart.name, line(&chart.title));
    // The first stands on top already; what it means has room only under the others.
    if name != "five-ways" {
        push(text, &format!("\n![{title}](charts/{name}.svg)"));
    }
    push(text, &format!("\n**{title}**: {}", line(chart.meaning)));
}

/// What the machine's parts take.
fn parts(text: &mut String, data: &Data<'_>) {
    let run = &data.results.run;
    let rows = yardsticks::rows(&run.yardsticks);
    if rows.is_empty() {
        return;
    }
    push(text, "\n## Yardsticks\n");
    let place = yardsticks::place(&run.yardsticks, &run.host);
    push(text, &format!("Measured {}.\n", line(&place)));
    push(text, &format!("| | {} |", yardsticks::HEAD.join(" | ")));
    push(
        text,
        &format!("|---|{}", "---:|".repeat(yardsticks::HEAD.len())),
    );
    for row in rows {
        push(text, &format!("| {} |", line_of(&row)));
    }
}

/// What no figure here may be taken for.
fn cannot_show(text: &mut String, data: &Data<'_>) {
    push(text, "\n## What this machine cannot show\n");
    for limit in limits::limits(data) {
        let what = format::capital(limit.what);
        push(
            text,
            &format!("- **{}**: {}", line(&what), line(&limit.text)),
        );
    }
}

fn rounds(data: &Data<'_>) -> String {
    let rounds = format::plural(data.rounds() as usize, "round");
    format!(
        "{rounds}, fresh servers each; figures are medians over rounds, ± is half a 95 % interval; percentiles are read from all rounds merged"
    )
}

fn section(text: &mut String, data: &Data<'_>, scenario: &Scenario) {
    push(
        text,
        &format!("\n## {}: {}\n", line(&scenario.name), line(&scenario.title)),
    );
    push(
        text,
        &format!(
            "{} {}\n",
            line(&scenario.question),
            line(&of_scenario(data, scenario))
        ),
    );
    let rounds = format::plural(data.rounds_made(scenario), "round");
    push(
        text,
        &format!(
            "*{}, {rounds}; {}{}{}*\n",
            line(&conditions(scenario)),
            line(&machine(&data.results.run.host)),
            line(&ways::appended(data, scenario)),
            reading(scenario)
        ),
    );
    let table = tables::table(data, scenario);
    table_of(text, &table);
    if let Some(table) = counters::tables::table(data, scenario) {
        let caption = counters::tables::caption(data, scenario);
        push(text, &format!("\n*{}*\n", line(&caption)));
        table_of(text, &table);
    }
}

/// What a request costs; item by item it stands in summary.json and on the page.
fn ledger_section(text: &mut String, data: &Data<'_>) {
    let scenarios = ledger::page::scenarios(data);
    if scenarios.is_empty() {
        return;
    }
    push(text, "\n## The ledger: what a request costs\n");
    push(text, &line(ledger::page::MEANING));
    for scenario in scenarios {
        push(text, &format!("\n### {}\n", line(&scenario)));
        table_of(text, &ledger::page::table(data, &scenario));
    }
}

fn lab_section(text: &mut String, data: &Data<'_>, lab: &Lab) {
    let (name, title) = (line(&lab.name), line(&lab.title));
    push(text, &format!("\n## {name}: {title}\n"));
    let answer = labs::answers::of_lab(data, lab);
    push(
        text,
        &format!("{} {}\n", line(&lab.question), line(&answer)),
    );
    table_of(text, &labs::tables::table(data, lab));
}

fn table_of(text: &mut String, table: &Table) {
    if !table.head.is_empty() {
        rows_of(text, table);
    }
    for note in &table.notes {
        push(text, &format!("\n{} {}", format::MISSING, line(note)));
    }
}

fn rows_of(text: &mut String, table: &Table) {
    push(text, &format!("| | {} |", line_of(&table.head)));
    push(text, &format!("|---|{}", "---:|".repeat(table.head.len())));
    for row in &table.rows {
        let cells = row.cells.iter().map(|cell| match &cell.interval {
            Some(interval) => format!("{} ({})", line(&cell.text), line(interval)),
            None => line(&cell.text),
        });
        let name = if row.ranked {
            line(&row.contender)
        } else {
            format!("*{}*", line(&row.contender))
        };
        push(
            text,
            &format!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | ")),
        );
    }
}

fn line_of(heads: &[String]) -> String {
    let heads = heads.iter().map(|head| line(head));
    heads.collect::<Vec<_>>().join(" | ")
}

fn missing(text: &mut String, data: &Data<'_>) {
    let (skipped, failed) = (data.skipped(), data.failed());
    let left_out = &data.results.run.left_out;
    if !skipped.is_empty() || !left_out.is_empty() {
        push(text, "\n## Skipped\n");
    }
    for out in left_out {
        push(
            text,
            &format!("- {}: {}", line(&out.scenario), line(&out.reason)),
        );
    }
    for (contender, reason) in skipped {
        push(text, &format!("- {}: {}", line(contender), line(&reason)));
    }
    if !failed.is_empty() {
        push(text, "\n## Failed\n");
    }
    for (contender, scenario, outcome, reason) in failed {
        push(
            text,
            &format!(
                "- {} under {}: {outcome}, {}",
                line(contender),
                line(scenario),
                line(&reason)
            ),
        );
    }
    if !data.results.damage.is_empty() {
        push(text, "\n## Records that could not be read\n");
    }
    for damage in &data.results.damage {
        push(text, &format!("- {}", line(&format::without_paths(damage))));
    }
}

fn repeat(text: &mut String, data: &Data<'_>) {
    let run = &data.results.run;
    push(text, "\n## Again\n");
    push(text, &format!("    {}\n", command(data)));
    push(
        text,
        &format!(
            "Seed {}, fiveways {}, begun {}.",
            run.seed,
            line(&run.version),
            line(&run.started)
        ),
    );
    if let Some(breaks) = breaks(run) {
        push(text, &line(&breaks));
    }
    push(
        text,
        "Figures: `summary.json`, `summary.csv`; distributions and every pass: `records.jsonl`, `run.json`.",
    );
}

/// The command line that repeats the run.
pub(crate) fn command(data: &Data<'_>) -> String {
    let words = data.results.run.command.iter().map(|word| {
        let word = format::without_paths(&word.replace(['\n', '\r'], " "));
        let plain = !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_alphanumeric() || "-_./={}:,+".contains(c));
        if plain {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn push(text: &mut String, line: &str) {
    let _ = writeln!(text, "{line}"); // writing to a String does not fail
}

/// One line, nothing in it that Markdown would take for its own.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '|' | '*' | '_' | '`' | '<' | '[' | ']' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
