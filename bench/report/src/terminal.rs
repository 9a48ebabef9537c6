//! What the terminal shows at the end of a run, and during it: at most 24 lines of 80 columns, the answer
//! first. Plain text; whoever wants more opens the report.

use std::path::Path;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use record::{Results, Summary, Workload};

use crate::answers::answers;
use crate::data::{Data, may_be_shown};
use crate::format;

const LINES: usize = 24;
const COLUMNS: usize = 80;

/// The answer in sentences, one table of the five families and the baseline, what was skipped or failed,
/// and where the report is.
pub fn terminal(results: &Results, summary: &Summary, report_path: Option<&Path>) -> String {
    let data = Data::new(results, summary);
    let path = report_path
        .map(|path| path_lines(&path.display().to_string()))
        .unwrap_or_default();
    let table = table(&data);
    let notes = notes(&data);
    let mut lines = vec![clip(&head(&data), COLUMNS)];
    let room = LINES.saturating_sub(lines.len() + table.len() + path.len() + notes.len().min(3));
    let sentences: Vec<String> = answers(&data)
        .iter()
        .flat_map(|sentence| wrap(sentence))
        .collect();
    lines.extend(cut(sentences, room, "…"));
    lines.extend(table);
    let room = LINES.saturating_sub(lines.len() + path.len());
    lines.extend(cut(notes, room, "… and more: see the report"));
    lines.extend(path);
    lines.join("\n") + "\n"
}

fn head(data: &Data<'_>) -> String {
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

/// The table's lines: its conditions, its head, a line a family.
fn table(data: &Data<'_>) -> Vec<String> {
    let Some(scenario) = data.typical(Workload::Rr) else {
        return Vec::new();
    };
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    let memory = data.heaviest();
    table.set_header([
        "",
        "req/s",
        "±",
        "p50",
        "p99",
        "mem/conn.",
        "switches",
        "CPU µs",
    ]);
    for entrant in data.firsts() {
        let name = entrant.name.as_str();
        let mut row = vec![clip(name, 21)];
        row.extend(loaded(data, name, &scenario.name));
        let weight = memory.and_then(|memory| {
            let it = data.shown(name, &memory.name, "memory_bytes_per_connection")?;
            Some(format::bytes(it.value?))
        });
        row.insert(5, weight.unwrap_or_else(missing));
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let clients = scenario.connections;
    let cores = format::cores(scenario.server_cpus);
    let caption = format!(
        "{}: {clients} clients, closed loop, at saturation, {cores}",
        scenario.name
    );
    let mut lines = vec![String::new(), clip(&caption, COLUMNS)];
    lines.extend(
        table
            .to_string()
            .lines()
            .map(|line| clip(line.trim_end(), COLUMNS)),
    );
    lines
}

fn missing() -> String {
    format::MISSING.to_owned()
}

/// requests/s, ±, p50, p99, switches, CPU of a loaded cell; who was served where not everybody was.
fn loaded(data: &Data<'_>, name: &str, scenario: &str) -> Vec<String> {
    let valid = |metric: &str| data.shown(name, scenario, metric);
    let shown = |metric: &str| {
        let value = valid(metric).and_then(|it| it.value);
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

/// What weakens the table, what failed, what was skipped: a line each.
fn notes(data: &Data<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(scenario) = data.typical(Workload::Rr) {
        for entrant in data.firsts() {
            let it = data.estimate(&entrant.name, &scenario.name, "throughput_per_s");
            let weak = it.filter(|it| it.verdict == "client-bound" && !may_be_shown(it));
            if let Some(it) = weak {
                let reason = it.reason.clone().unwrap_or_default();
                notes.push(format!(
                    "{} under {}, {}: {reason}",
                    it.contender, it.scenario, it.verdict
                ));
            }
        }
    }
    for (contender, scenario, outcome, reason) in data.failed() {
        notes.push(format!("{outcome}: {contender} under {scenario}, {reason}"));
    }
    for (contender, reason) in data.skipped() {
        notes.push(format!("skipped: {contender}, {reason}"));
    }
    notes.iter().map(|note| clip(note, COLUMNS)).collect()
}

/// `lines` in at most `room` of them, `more` in the last when some are left out.
fn cut(mut lines: Vec<String>, room: usize, more: &str) -> Vec<String> {
    if lines.len() > room {
        lines.truncate(room.saturating_sub(1));
        if room > 0 {
            lines.push(more.to_owned());
        }
    }
    lines
}

fn path_lines(path: &str) -> Vec<String> {
    let line = format!("report: {path}");
    if width(&line) <= COLUMNS {
        return vec![line];
    }
    let tail: Vec<char> = path.chars().rev().take(COLUMNS - 1).collect();
    let whole = tail.len() == path.chars().count();
    let tail: String = tail.into_iter().rev().collect();
    vec![
        "report:".to_owned(),
        if whole { tail } else { format!("…{tail}") },
    ]
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// `text` in at most `columns`, an ellipsis at the end when it is cut.
fn clip(text: &str, columns: usize) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if width(&line) <= columns {
        return line;
    }
    line.chars().take(columns - 1).chain(['…']).collect()
}

/// `text` broken at spaces, continued lines indented by two.
fn wrap(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    // At plain spaces only: a no-break space holds a sign to its number.
    for word in text.split(' ') {
        let fits = width(&line) + 1 + width(word) <= COLUMNS;
        if line.trim().is_empty() || fits {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        lines.push(clip(&line, COLUMNS));
        line = format!("  {word}");
    }
    lines.push(clip(&line, COLUMNS));
    lines
}
