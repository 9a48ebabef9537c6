//! Many machines that measured the same: each contender's ratio to the reference, a dot a host. For a class, or a
//! question to which one machine is no answer.
//!
//! Hosts are the sample here: what is shown is where they lie, not an interval of any of them.

use record::{Answer, Comparison};

use super::Side;
use crate::stats::median;
use crate::terminal::text::{clip, wrap_to};
use crate::{charts, comparisons, format};

/// A contender on all hosts.
pub(crate) struct Row {
    /// Who.
    pub contender: String,
    /// Ratios to the reference, ascending.
    pub ratios: Vec<f64>,
    /// How many hosts say that it is more, less, equal, undecided.
    pub answers: [usize; 4],
}

/// The picture's and the table's content.
pub(crate) struct ByHost {
    /// `requests/s under rr-50, as a multiple of event-loop`.
    pub title: String,
    /// Hosts and conditions.
    pub subtitle: String,
    /// Below the scale.
    pub axis: &'static str,
    /// Behind its figures.
    pub unit: &'static str,
    /// By their median, the largest first.
    pub rows: Vec<Row>,
}

/// A table of at most so many columns, an SVG, and a PNG of it, of `metric` under `scenario` (the first that has it).
///
/// # Errors
/// When no side has such a ratio, or the picture cannot be made.
pub fn by_host(
    sides: &[Side<'_>],
    metric: &str,
    scenario: Option<&str>,
    columns: usize,
) -> Result<(String, String, Vec<u8>), String> {
    let of_side = |side: &Side<'_>| {
        let cells = crate::cells::cells(side.results);
        let pairs = comparisons::compared_pairs(&cells, &side.results.run);
        let found = comparisons::comparisons(&cells, &side.results.run, &pairs).into_iter();
        let found =
            found.filter(|it| it.a != it.b && it.a != record::CONTROL && it.metric == metric);
        found.collect::<Vec<_>>()
    };
    let hosts: Vec<Vec<Comparison>> = sides.iter().map(of_side).collect();
    let scenario = scenario
        .map(str::to_owned)
        .or_else(|| Some(hosts.iter().flatten().next()?.scenario.clone()));
    let scenario = scenario.ok_or(format!("no folder has ratios of {metric}"))?;
    let found = gathered(sides, &hosts, metric, &scenario);
    if found.rows.is_empty() {
        return Err(format!("no folder has ratios of {metric} under {scenario}"));
    }
    let svg = charts::hosts(&found);
    let png = charts::png(&svg)?;
    Ok((table(&found, columns.max(60)), svg, png))
}

fn gathered(sides: &[Side<'_>], hosts: &[Vec<Comparison>], metric: &str, scenario: &str) -> ByHost {
    let mut rows: Vec<Row> = Vec::new();
    for it in hosts.iter().flatten().filter(|it| it.scenario == scenario) {
        let at = rows
            .iter()
            .position(|row| row.contender == it.a)
            .unwrap_or_else(|| {
                rows.push(Row {
                    contender: it.a.clone(),
                    ratios: Vec::new(),
                    answers: [0; 4],
                });
                rows.len() - 1
            });
        rows[at].ratios.push(it.ratio);
        rows[at].answers[it.answer as usize] += 1;
    }
    rows.iter_mut()
        .for_each(|it| it.ratios.sort_by(f64::total_cmp));
    let middle = |row: &Row| median(&row.ratios).unwrap_or(f64::NAN);
    rows.sort_by(|a, b| middle(b).total_cmp(&middle(a)));
    let has = hosts
        .iter()
        .filter(|host| host.iter().any(|it| it.scenario == scenario))
        .count();
    let mut machines: Vec<&str> = sides
        .iter()
        .map(|side| side.results.run.host.cpu.as_str())
        .collect();
    machines.sort_unstable();
    machines.dedup();
    let title = record::metric(metric).map_or(metric, |it| it.title);
    let reference = sides
        .first()
        .map_or("", |side| side.results.run.suite.reference.as_str());
    ByHost {
        title: format!(
            "{} under {scenario}, as a multiple of {reference}",
            format::capital(title)
        ),
        subtitle: format!(
            "A dot is a host's ratio ({} of {} have it); {}: {}",
            has,
            format::plural(sides.len(), "folder"),
            format::plural(machines.len(), "kind") + " of CPU",
            machines.join(", ")
        ),
        axis: "a multiple of the reference on the same host",
        unit: "×",
        rows,
    }
}

fn table(found: &ByHost, columns: usize) -> String {
    let mut lines = wrap_to(&found.title, columns);
    lines.extend(wrap_to(&found.subtitle, columns));
    lines.push(format!(
        "{:<26}{:>6}{:>9}{:>17}   + / − / = / ?",
        "", "hosts", "median", "range"
    ));
    for row in &found.rows {
        let [ahead, behind, equal, undecided] = row.answers;
        let (low, high) = (row.ratios[0], row.ratios[row.ratios.len() - 1]);
        lines.push(format!(
            "{:<26}{:>6}{:>9}{:>17}   {ahead} / {behind} / {equal} / {undecided}",
            clip(&row.contender, 25),
            row.ratios.len(),
            format::digits(median(&row.ratios).unwrap_or(f64::NAN)),
            format!("{} to {}", format::digits(low), format::digits(high))
        ));
    }
    lines.extend(wrap_to("+ so many hosts say that it has more than the reference, − less, = equal within ± 3 %, ? undecided.", columns));
    lines.join("\n") + "\n"
}

const _: () = assert!(
    Answer::Ahead as usize == 0 && Answer::Undecided as usize == 3,
    "the order of `answers`"
);
