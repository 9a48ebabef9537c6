//! What the terminal shows at the end of a run, and during it: at most 24 lines of 80 columns, the answer
//! first. Plain text; whoever wants more opens the report.

use std::path::Path;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use record::{Entrant, Pace, Results, Scenario, Summary, Workload};

use crate::answers::answers;
use crate::claims::{Language, plain, words};
use crate::conditions::{asked, conditions, cores_of};
use crate::data::{Data, may_be_shown};
use crate::doubts::{FEW_SAMPLES, OVERLOAD};
use crate::{
    capacity, columns, format, labs, ledger, limits, noise_floor, papers, struck, tables, ways,
};

pub(crate) mod bars;
pub(crate) mod text;

use text::{COLUMNS, clip, cut, path_lines, wrap};

const LINES: usize = 24;
/// Mechanisms and figures of a lab's table.
const LAB_ROWS: usize = 14;
const LAB_COLUMNS: usize = 5;
/// Of a mechanism's name.
const LAB_NAME: usize = 25;
/// Contenders of a table, at least and at most: as many as leave room for the answer.
const ROWS: (usize, usize) = (7, 9);
/// What stands about the rows of a table: an empty line, its caption, its head, and how many are left out.
const ABOUT: usize = 4;

/// The answer in sentences, one table of the families' firsts and the best of the others, what was skipped or failed,
/// and where the report is.
pub fn terminal(results: &Results, summary: &Summary, report_path: Option<&Path>) -> String {
    terminal_in(results, summary, report_path, Language::English)
}

/// The same, with the claims in this language.
pub fn terminal_in(
    results: &Results,
    summary: &Summary,
    report_path: Option<&Path>,
    language: Language,
) -> String {
    let data = Data::new(results, summary);
    if !summary.judgements.is_empty() {
        return judged(&data, report_path, language);
    }
    if !summary.papers.is_empty() {
        return published(&data, report_path);
    }
    let path = report_path
        .map(|path| path_lines(&path.display().to_string()))
        .unwrap_or_default();
    // What comes before the path is the first thing that a figure is quoted without.
    let limits = limits::line(&data, COLUMNS).filter(|_| report_path.is_some());
    let path: Vec<String> = limits.into_iter().chain(path).collect();
    let sentences: Vec<String> = noise_floor::sentences(&data)
        .iter()
        .chain(&answers(&data))
        .flat_map(|sentence| wrap(sentence))
        .collect();
    let notes = notes(&data);
    let mut lines = wrap(&head(&data));
    // The answer goes before the contenders that are not the first of their family.
    let others = lines.len() + sentences.len() + path.len() + notes.len().min(3);
    let room = LINES.saturating_sub(others + ABOUT);
    let table = table(&data, room.clamp(ROWS.0, ROWS.1));
    let room = LINES.saturating_sub(lines.len() + table.len() + path.len() + notes.len().min(3));
    lines.extend(cut(sentences, room, "…"));
    lines.extend(table);
    let room = LINES.saturating_sub(lines.len() + path.len());
    lines.extend(whole_or_cut(&notes, room));
    lines.extend(path);
    lines.join("\n") + "\n"
}

/// Notes at their whole length where there is room for that, else a line each.
fn whole_or_cut(notes: &[String], room: usize) -> Vec<String> {
    let whole: Vec<String> = notes.iter().flat_map(|note| wrap(note)).collect();
    if whole.len() <= room {
        return whole;
    }
    let clipped = notes.iter().map(|note| clip(note, COLUMNS)).collect();
    cut(clipped, room, "… and more: see the report")
}

/// The claims, a line each, how far the ledger closes, and where the report is.
fn judged(data: &Data<'_>, report_path: Option<&Path>, language: Language) -> String {
    let tally = words::tally(&data.summary.judgements, language);
    let mut lines = wrap(&head(data));
    lines.extend([tally, String::new()]);
    lines.extend(plain::lines(data, language, COLUMNS));
    if let Some(path) = report_path {
        let sentence = ledger::page::sentence(data)
            .into_iter()
            .flat_map(|it| wrap(&it));
        lines.extend(sentence.take(2));
        lines.push("Why: fiveways explain C8, or the report.".to_owned());
        lines.extend(path_lines(&path.display().to_string()));
    }
    lines.join("\n") + "\n"
}

/// Published results, a line each, and where the report is.
fn published(data: &Data<'_>, report_path: Option<&Path>) -> String {
    let tally = words::tally(&data.summary.papers, Language::English);
    let mut lines = wrap(&head(data));
    lines.extend([tally, String::new()]);
    lines.extend(papers::plain::lines(data, COLUMNS));
    if let Some(path) = report_path {
        lines.push(String::new());
        lines.push("Conditions, and why: fiveways explain cloudflare, or the report.".to_owned());
        lines.extend(path_lines(&path.display().to_string()));
    }
    lines.join("\n") + "\n"
}

/// Of what, and how often.
pub(crate) fn head(data: &Data<'_>) -> String {
    let suite = &data.results.run.suite_name;
    let made = data
        .provisional()
        .unwrap_or_else(|| format::plural(data.rounds() as usize, "round"));
    let damage = match data.results.damage.len() {
        0 => String::new(),
        lines => format!("; {} unreadable", format::plural(lines, "record")),
    };
    format!("{suite}: {made}, intervals of 95 %{damage}")
}

/// The table's lines: its conditions, its head, a line a contender.
fn table(data: &Data<'_>, rows: usize) -> Vec<String> {
    match (data.typical(Workload::Rr), data.typical_open()) {
        (Some(scenario), _) => closed(data, scenario, rows),
        (None, Some(scenario)) => open(data, scenario, rows),
        (None, None) => match data.struck().next() {
            Some(scenario) => around_a_strike(data, scenario, rows),
            None => labs(data),
        },
    }
}

/// The capacities, in as many columns: a line each, then what broke beyond; the last line says where the report is.
pub fn capacity_table(
    results: &Results,
    summary: &Summary,
    report_path: &Path,
    columns: usize,
) -> String {
    let data = Data::new(results, summary);
    let Some(search) = data.search() else {
        return String::new();
    };
    let mut lines: Vec<String> = Vec::new();
    if let Some(sentence) = capacity::sentence(&data) {
        lines.extend(text::wrap_to(&sentence, columns));
        lines.push(String::new());
    }
    lines.extend(text::wrap_to(&capacity::caption(search), columns));
    let head = capacity::head(&data);
    let figures = head.len() - 1;
    let words: Vec<&str> = std::iter::once("")
        .chain(head[..figures].iter().map(String::as_str))
        .collect();
    let mut table = grid(&words);
    let rows = capacity::rows(&data);
    for (contender, _, cells) in &rows {
        let mut row = vec![clip(contender, 24)];
        row.extend(cells[..figures].iter().cloned());
        table.add_row(row);
    }
    lines.extend(drawn_in(&mut table, "", columns).into_iter().skip(2));
    lines.extend([String::new(), format!("{}:", head[figures])]);
    for (contender, _, cells) in &rows {
        let why = cells.last().map_or("", String::as_str);
        lines.extend(text::wrap_to(&format!("{contender}: {why}"), columns));
    }
    for (contender, reason) in data.skipped() {
        let skipped = format!("skipped: {contender}, {reason}");
        lines.extend(text::wrap_to(&skipped, columns));
    }
    lines.extend(path_lines(&report_path.display().to_string()));
    lines.join("\n") + "\n"
}

/// Of the lab that stands for the suite: what each mechanism takes.
fn labs(data: &Data<'_>) -> Vec<String> {
    let Some(lab) = labs::answers::first(data) else {
        return Vec::new();
    };
    let shown = labs::tables::table(data, lab);
    let caption = format!("{}: {}", lab.name, labs::tables::conditions(lab));
    let fits = |lines: &Vec<String>| lines.iter().skip(2).all(|line| !line.ends_with('…'));
    let drawn = |columns| lab_table(&shown, columns, &caption);
    let mut tables = (1..=LAB_COLUMNS).rev().map(drawn);
    tables.find(fits).unwrap_or_default()
}

/// So many columns of a lab's table.
fn lab_table(shown: &tables::Table, columns: usize, caption: &str) -> Vec<String> {
    let heads: Vec<&str> = shown
        .head
        .iter()
        .map(String::as_str)
        .take(columns)
        .collect();
    let mut table = grid(&[&[""], heads.as_slice()].concat());
    for row in shown.rows.iter().filter(|row| row.ranked).take(LAB_ROWS) {
        let cells = row.cells.iter().take(columns);
        let mut words = vec![clip(&row.contender, LAB_NAME)];
        words.extend(cells.map(|cell| cell.text.clone()));
        table.add_row(words);
    }
    drawn(&mut table, caption)
}

/// At saturation: what the families answer and what it costs.
fn closed(data: &Data<'_>, scenario: &Scenario, most: usize) -> Vec<String> {
    let memory = data.heaviest();
    let steady = steady(data, scenario);
    let mut table = grid(&[
        "",
        "req/s",
        "±",
        "p50",
        "p99",
        "mem/conn.",
        "switches",
        "CPU µs",
    ]);
    let shown = rows(data, scenario, most);
    for entrant in &shown {
        let name = entrant.name.as_str();
        let mut row = vec![clip(name, 21)];
        row.extend(loaded(data, name, &scenario.name, steady));
        let weight = memory.and_then(|memory| {
            let it = data.shown(name, &memory.name, "memory_bytes_per_connection")?;
            Some(format::bytes(it.value?))
        });
        row.insert(5, weight.unwrap_or_else(missing));
        table.add_row(row);
    }
    let clients = format::count(f64::from(scenario.connections));
    let cores = cores_of(scenario);
    let caption = match steady {
        Some(steady) => {
            let rate = format::tick(steady.pace.rate_per_s().unwrap_or_default());
            let short = format!(
                "{}: {clients} clients at saturation, {cores}; p50, p99 at {rate}/s",
                scenario.name
            );
            let whole = format!("{short} ({})", steady.name);
            // The rate says which scenario it is, too.
            Some(whole)
                .filter(|whole| whole.chars().count() <= COLUMNS)
                .unwrap_or(short)
        }
        None => format!(
            "{}: {clients} clients, closed loop, at saturation, {cores}",
            scenario.name
        ),
    };
    with_rest(data, shown.len(), drawn(&mut table, &caption))
}

/// Contenders of a table: the first of each family, then the best of the others.
fn rows<'a>(data: &Data<'a>, scenario: &Scenario, most: usize) -> Vec<&'a Entrant> {
    let mut rows = data.firsts();
    let ranking = data.ranking(&scenario.name, columns::ranked_by(data, scenario));
    let ranked = ranking
        .iter()
        .filter_map(|it| data.servers().find(|entrant| entrant.name == it.contender));
    for entrant in ranked.chain(data.servers()) {
        if rows.len() < most && rows.iter().all(|row| row.name != entrant.name) {
            rows.push(entrant);
        }
    }
    rows
}

/// A table's lines, and how many contenders had no room in it.
fn with_rest(data: &Data<'_>, shown: usize, mut lines: Vec<String>) -> Vec<String> {
    let rest = data.servers().count().saturating_sub(shown);
    if rest > 0 {
        lines.push(format!(
            "… and {}: see the report",
            format::plural_of(rest, "other", "others")
        ));
    }
    lines
}

/// The scenario with a rate that asks the same otherwise: latency is read there, where it is not connections
/// divided by throughput.
fn steady<'a>(data: &Data<'a>, saturated: &Scenario) -> Option<&'a Scenario> {
    let alike = |scenario: &&Scenario| {
        let closed = Scenario {
            pace: Pace::Closed,
            ..(*scenario).clone()
        };
        scenario.pace.rate_per_s().is_some() && closed.rate_line() == saturated.rate_line()
    };
    data.sections().find(alike)
}

/// At a rate: who keeps it, and how long users wait.
fn open(data: &Data<'_>, scenario: &Scenario, most: usize) -> Vec<String> {
    let mut table = grid(&[
        "",
        "achieved",
        "p50",
        "p99",
        "p99, service",
        "CPU µs/request",
    ]);
    let shown = rows(data, scenario, most);
    for entrant in &shown {
        let name = entrant.name.as_str();
        let mut row = vec![clip(name, 21)];
        row.extend(paced(data, name, scenario));
        table.add_row(row);
    }
    let caption = format!(
        "{}: {}, {} clients, {}",
        scenario.name,
        asked(scenario).unwrap_or_default(),
        format::count(f64::from(scenario.connections)),
        format::cores(scenario.server_cpus)
    );
    with_rest(data, shown.len(), drawn(&mut table, &caption))
}

/// Of servers that were struck: what it cost, and who serves afterwards.
fn around_a_strike(data: &Data<'_>, scenario: &Scenario, most: usize) -> Vec<String> {
    let head = ["", "hit", "lost", "outage", "longest wait", "served after"];
    let mut table = grid(&head);
    let shown = rows(data, scenario, most);
    for entrant in &shown {
        if let Some(cell) = data.cell(&entrant.name, &scenario.name) {
            let mut row = vec![clip(&entrant.name, 21)];
            row.extend(struck::terminal_row(data, cell));
            table.add_row(row);
        }
    }
    let caption = format!("{}: {}", scenario.name, conditions(scenario));
    with_rest(data, shown.len(), drawn(&mut table, &caption))
}

pub(crate) fn grid(head: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(head);
    table
}

fn drawn(table: &mut Table, caption: &str) -> Vec<String> {
    drawn_in(table, caption, COLUMNS)
}

/// A table's lines in so many columns, an empty one and the caption first.
pub(crate) fn drawn_in(table: &mut Table, caption: &str, columns: usize) -> Vec<String> {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut lines = vec![String::new(), clip(caption, columns)];
    let table = table.to_string();
    lines.extend(table.lines().map(|line| clip(line.trim_end(), columns)));
    lines
}

fn missing() -> String {
    format::MISSING.to_owned()
}

/// Rate achieved, response p50 and p99, service p99, CPU of a cell with a rate; where it may not be ranked,
/// why.
fn paced(data: &Data<'_>, name: &str, scenario: &Scenario) -> Vec<String> {
    let figure = |metric: &str| {
        let value = data.shown(name, &scenario.name, metric)?.value?;
        Some(match metric {
            "cpu_us_per_request" => format::digits(value),
            metric => format::figure(metric, value),
        })
    };
    let mut row = [
        "throughput_per_s",
        "response_ns_p50",
        "response_ns_p99",
        "service_ns_p99",
        "cpu_us_per_request",
    ]
    .map(|metric| figure(metric).unwrap_or_else(missing));
    let weak = data.estimate(name, &scenario.name, "throughput_per_s");
    if let Some(it) = weak.filter(|it| !may_be_shown(it)) {
        row[0].clone_from(&it.verdict);
    }
    row.to_vec()
}

/// requests/s, ±, p50, p99, switches, CPU of a loaded cell; who was served where not everybody was.
fn loaded(data: &Data<'_>, name: &str, scenario: &str, steady: Option<&Scenario>) -> Vec<String> {
    let latency = steady.map_or(scenario, |steady| steady.name.as_str());
    let valid = |metric: &str| data.shown(name, scenario, metric);
    let shown = |metric: &str| {
        let under = if metric.contains("_ns_") {
            latency
        } else {
            scenario
        };
        let value = data.shown(name, under, metric).and_then(|it| it.value);
        value.map_or_else(missing, |value| match metric {
            "throughput_per_s" => format::plain_rate(value),
            "cpu_us_per_request" => format::digits(value),
            metric => format::figure(metric, value),
        })
    };
    let switches = [
        "switches_voluntary_per_request",
        "switches_involuntary_per_request",
    ]
    .map(|metric| valid(metric).and_then(|it| it.value));
    let switches = match switches {
        [Some(voluntary), Some(involuntary)] => format::digits(voluntary + involuntary),
        _ => missing(),
    };
    let plus_minus =
        valid("throughput_per_s").and_then(|it| format::plus_minus(it.value?, it.low, it.high));
    let plus_minus =
        plus_minus.map_or_else(missing, |text| text.trim_start_matches("± ").to_owned());
    let (mut p50, mut p99) = (shown("response_ns_p50"), shown("response_ns_p99"));
    if let Some(served) = data.served(name, scenario) {
        // "1 of 50" and "served" in two neighbouring columns read as one.
        let (count, word) = served.rsplit_once(' ').unwrap_or((served.as_str(), ""));
        (p50, p99) = (count.to_owned(), word.to_owned());
    }
    vec![
        shown("throughput_per_s"),
        plus_minus,
        p50,
        p99,
        switches,
        shown("cpu_us_per_request"),
    ]
}

/// Doubts of a table's figures that are a line each; who was not served stands in the table itself.
const WEAK: [&str; 3] = ["client-bound", OVERLOAD, FEW_SAMPLES];

/// What weakens the table, what failed, what was skipped or left out.
pub(crate) fn notes(data: &Data<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let scenario = data.typical(Workload::Rr).or_else(|| data.typical_open());
    notes.extend(scenario.and_then(|scenario| ways::sentence(data, scenario)));
    let shown = scenario.map(|scenario| rows(data, scenario, ROWS.1));
    for entrant in shown.into_iter().flatten() {
        // Of percentiles: they have the doubts of all figures, and one of their own.
        let it = scenario.and_then(|it| data.estimate(&entrant.name, &it.name, "response_ns_p50"));
        if let Some(it) = it.filter(|it| WEAK.contains(&it.verdict.as_str())) {
            let reason = it.reason.clone().unwrap_or_default();
            notes.push(format!(
                "{} under {}, {}: {reason}",
                it.contender, it.scenario, it.verdict
            ));
        }
    }
    for (contender, scenario, outcome, reason) in data.failed() {
        notes.push(format!("{outcome}: {contender} under {scenario}, {reason}"));
    }
    for (contender, reason) in data.skipped() {
        notes.push(format!("skipped: {contender}, {reason}"));
    }
    for out in &data.results.run.left_out {
        notes.push(format!("left out: {}, {}", out.scenario, out.reason));
    }
    notes
}
