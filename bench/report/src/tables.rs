//! The table of a scenario: one for Markdown and HTML alike.

use record::{Answer, Scenario};

use crate::cells::Cell;
use crate::columns::{self, Column};
use crate::data::{Data, is_unserved, may_be_shown};
use crate::doubts::{VALID, Verdict, by_reason, stolen};
use crate::format;
use crate::struck;

/// A table, ranked: valid cells by their first column, the others after them.
pub(crate) struct Table {
    /// Heads of the columns after the contender's.
    pub head: Vec<String>,
    /// A contender a row.
    pub rows: Vec<Row>,
    /// Why cells are not valid and why figures are missing.
    pub notes: Vec<String>,
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
    /// What `text` says, to sort by.
    pub value: Option<f64>,
}

/// What stands in the reference's own row.
const REFERENCE: &str = "reference";

/// The table of `scenario`.
pub(crate) fn table(data: &Data<'_>, scenario: &Scenario) -> Table {
    let mut table = match struck::strikes(scenario) {
        true => struck::table(data, scenario),
        false => of_columns(data, scenario),
    };
    let here = data.cells.iter();
    let here = here.filter(|cell| cell.scenario.name == scenario.name);
    table.notes.extend(stolen::note(here));
    table
}

fn of_columns(data: &Data<'_>, scenario: &Scenario) -> Table {
    let columns = columns::columns(scenario);
    let mut head: Vec<String> = columns.iter().map(|it| it.head.to_owned()).collect();
    let ratio = columns::compared(scenario).1;
    let ratio = format!("{ratio} {}", data.results.run.suite.reference);
    head.insert(columns::before_ratio(scenario), ratio);
    let key = columns::ranked_by(data, scenario);
    let ranking: Vec<&str> = data
        .ranking(&scenario.name, key)
        .iter()
        .map(|it| it.contender.as_str())
        .collect();
    let here = data.cells.iter();
    let here = here.filter(|cell| cell.scenario.name == scenario.name);
    let mut rows: Vec<Row> = here
        .map(|cell| {
            let ranked = ranking.contains(&cell.contender);
            row(data, cell, &columns, cell.verdict_of(key), ranked)
        })
        .collect();
    let place = |row: &Row| {
        let place = ranking.iter().position(|name| *name == row.contender);
        place.unwrap_or(usize::MAX)
    };
    rows.sort_by_key(place);
    Table::ranked(head, rows)
}

impl Table {
    /// Rows that are in order already.
    pub fn ranked(head: Vec<String>, rows: Vec<Row>) -> Self {
        let notes = notes(&head, &rows);
        let mut table = Table { head, rows, notes };
        table.drop_empty_columns();
        table
    }

    /// A column in which nobody who is ranked has a figure leaves its reason in the notes, and goes.
    fn drop_empty_columns(&mut self) {
        let has_figure = |index: usize| {
            let mut cells = self.rows.iter().filter(|row| row.ranked);
            cells.any(|row| !matches!(row.cells[index].text.as_str(), format::MISSING | REFERENCE))
        };
        let nobody = !self.rows.iter().any(|row| row.ranked);
        let kept: Vec<bool> = (0..self.head.len())
            .map(|index| nobody || has_figure(index))
            .collect();
        let keep = |index: &mut usize| {
            *index += 1;
            kept[*index - 1]
        };
        let mut index = 0;
        self.head.retain(|_| keep(&mut index));
        for row in &mut self.rows {
            let mut index = 0;
            row.cells.retain(|_| keep(&mut index));
        }
    }
}

/// `verdict` is that of the figure by which rows are ranked.
fn row(
    data: &Data<'_>,
    cell: &Cell<'_>,
    columns: &[&Column],
    verdict: &Verdict,
    ranked: bool,
) -> Row {
    let (name, scenario) = (cell.contender, cell.scenario);
    let figures = columns
        .iter()
        .map(|column| figure(data, cell, column.metric, &verdict.word));
    let mut cells: Vec<Figure> = figures.collect();
    let ratio = ratio(data, name, scenario, columns::compared(scenario).0);
    cells.insert(columns::before_ratio(scenario), ratio);
    Row {
        contender: name.to_owned(),
        family: cell.family.to_owned(),
        ranked,
        verdict: verdict.word.clone(),
        reason: verdict.reason.clone(),
        cells,
    }
}

fn figure(data: &Data<'_>, cell: &Cell<'_>, metric: &str, of_row: &str) -> Figure {
    let (contender, scenario) = (cell.contender, cell.scenario);
    let Some(it) = data.estimate(contender, &scenario.name, metric) else {
        return Figure {
            text: format::MISSING.to_owned(),
            ..Figure::default()
        };
    };
    // Where not everybody was served, latency and throughput are of those who were: who was served stands instead.
    let served = data
        .served(contender, &scenario.name)
        .filter(|_| is_unserved(it));
    match (it.value, served) {
        (_, Some(served))
            if metric.contains("_ns_")
                || metric == "throughput_per_s"
                || metric.contains("_per_connection") =>
        {
            Figure {
                text: served,
                reason: it.reason.clone(),
                ..Figure::default()
            }
        }
        (Some(value), _) => Figure {
            text: {
                let text = written(scenario, contender, metric, value);
                // What does not weaken the row stands with the figure.
                match may_be_shown(it) || it.verdict == of_row {
                    true => text,
                    false => format!("{text} ({})", it.verdict),
                }
            },
            interval: format::spread(metric, value, it.low, it.high),
            reason: it
                .reason
                .clone()
                .filter(|_| !may_be_shown(it) || it.verdict == VALID),
            value: Some(value),
        },
        (None, _) => Figure {
            text: format::MISSING.to_owned(),
            reason: it.reason.clone(),
            ..Figure::default()
        },
    }
}

/// A figure; with a rate, of throughput the share of what was asked.
fn written(scenario: &Scenario, contender: &str, metric: &str, value: f64) -> String {
    match scenario.rate_per_s(contender) {
        Some(asked) if metric == columns::ACHIEVED && scenario.pace.share().is_some() => {
            let share = format::digits(100.0 * value / asked);
            format!("{share} % of {}", format::rate(asked))
        }
        Some(asked) if metric == columns::ACHIEVED => {
            format!("{} %", format::digits(100.0 * value / asked))
        }
        _ => format::figure(metric, value),
    }
}

fn ratio(data: &Data<'_>, contender: &str, scenario: &Scenario, metric: &str) -> Figure {
    if contender == data.results.run.suite.reference {
        return Figure {
            text: REFERENCE.to_owned(),
            value: Some(1.0),
            ..Figure::default()
        };
    }
    let comparisons = &data.summary.comparisons;
    let found = comparisons
        .iter()
        .find(|it| it.a == contender && it.scenario == scenario.name && it.metric == metric);
    match found {
        Some(it) => Figure {
            text: format!("{} ×{}", format::digits(it.ratio), mark(it.answer)),
            interval: it
                .low
                .zip(it.high)
                .map(|(low, high)| format!("{} to {}", format::digits(low), format::digits(high))),
            reason: None,
            value: Some(it.ratio),
        },
        None => Figure {
            text: format::MISSING.to_owned(),
            // Without a figure there is no ratio either, and why stands with the figure.
            reason: data
                .shown(contender, &scenario.name, metric)
                .map(|_| "only valid cells are compared, round by round".to_owned()),
            ..Figure::default()
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

/// Why cells are not valid, each reason once with those whom it concerns, then why figures of valid ones are missing.
fn notes(head: &[String], rows: &[Row]) -> Vec<String> {
    let why = |row: &Row| Some(format!("{}: {}", row.verdict, row.reason.as_ref()?));
    let doubted: Vec<(&str, Option<String>)> = rows
        .iter()
        .map(|row| (row.contender.as_str(), why(row)))
        .collect();
    let mut notes = by_reason(&doubted);
    notes.extend(missing(head, rows));
    notes
}

/// The reasons why figures are missing, or how they are to be read, each once, with the columns and contenders that
/// they concern.
fn missing(head: &[String], rows: &[Row]) -> Vec<String> {
    let mut notes: Vec<(&str, Vec<&str>, Vec<&str>)> = Vec::new();
    let ranked: Vec<&Row> = rows.iter().filter(|row| row.ranked).collect();
    for (index, head) in head.iter().enumerate() {
        let reasons = ranked
            .iter()
            .filter_map(|row| Some((row.cells[index].reason.as_deref()?, row.contender.as_str())));
        let mut of_column: Vec<(&str, Vec<&str>)> = Vec::new();
        for (reason, who) in reasons {
            match of_column.iter_mut().find(|(other, _)| *other == reason) {
                Some((_, all)) => all.push(who),
                None => of_column.push((reason, vec![who])),
            }
        }
        for (reason, who) in of_column {
            match notes.iter_mut().find(|it| it.0 == reason && it.2 == who) {
                Some((_, heads, _)) => heads.push(head),
                None => notes.push((reason, vec![head], who)),
            }
        }
    }
    let named = notes.into_iter().map(|(reason, heads, who)| {
        let note = format!("{}: {reason}", heads.join("; "));
        match who.len() {
            n if n == ranked.len() => note,
            _ => format!("{note} ({})", who.join(", ")),
        }
    });
    named.collect()
}
