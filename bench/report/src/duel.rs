//! What a duel says in a terminal: who is ahead, by how much and how sure; what it costs; the ratios as a picture.
//!
//! Plain words, no colour, within the columns given. It ends at pairs that were compared: everybody left out, and every
//! metric without a ratio, is named with the reason.

use comfy_table::CellAlignment;
use record::{Answer, Comparison, Results, Scenario};

use crate::cells::{self, Cell};
use crate::comparisons::{PAIRED, THROUGHPUT, is_real, turned};
use crate::terminal::text::{clip, wrap_to};
use crate::terminal::{drawn_in, grid};
use crate::{format, noise_floor};

mod chart;
mod expected;

pub use expected::{DuelPair, duel_pairs};

/// The text of a duel in at most `width` columns (60 at least): for each scenario its conditions, a line a pair of
/// `pairs` (as [`crate::pairs`] makes them), a small table of what they cost, and their ratios of throughput drawn on
/// one axis. Ends with a line feed.
pub fn duel(results: &Results, pairs: &[Comparison], width: usize) -> String {
    let width = width.max(60);
    let cells = cells::cells(results);
    let scenarios = results.run.suite.scenarios.iter();
    let sections = scenarios.map(|scenario| section(&cells, scenario, pairs, width).join("\n"));
    sections.collect::<Vec<_>>().join("\n\n") + "\n"
}

fn section(
    cells: &[Cell<'_>],
    scenario: &Scenario,
    pairs: &[Comparison],
    width: usize,
) -> Vec<String> {
    let of = |metric: &str| -> Vec<Comparison> {
        let here = pairs.iter();
        let here = here.filter(|it| it.scenario == scenario.name && it.metric == metric);
        here.map(|it| faster_first(it, pairs)).collect()
    };
    let throughput = of(THROUGHPUT);
    let mut lines = wrap_to(&head(cells, scenario), width);
    let said = throughput.iter().map(|pair| said(pair, scenario));
    lines.extend(said.flat_map(|said| wrap_to(&said, width)));
    let costs: Vec<Vec<Comparison>> = PAIRED[1..].iter().map(|metric| of(metric)).collect();
    if throughput.is_empty() && costs.iter().all(Vec::is_empty) {
        lines.push("Nobody can be compared.".to_owned());
    }
    let left_out = left_out(cells, scenario, pairs);
    lines.extend(left_out.iter().flat_map(|it| wrap_to(it, width)));
    lines.extend(table(&costs, width));
    lines.extend(chart::chart(&throughput, width));
    lines
}

/// A pair, turned where its second serves more: then whatever is said of it is said of the one that serves more.
fn faster_first(pair: &Comparison, pairs: &[Comparison]) -> Comparison {
    let mut same = pairs.iter();
    let throughput = same.find(|it| {
        (&it.a, &it.b, &it.scenario) == (&pair.a, &pair.b, &pair.scenario)
            && it.metric == THROUGHPUT
    });
    match throughput {
        Some(it) if it.ratio < 1.0 => turned(pair),
        _ => pair.clone(),
    }
}

/// Title, rounds, server cores.
fn head(cells: &[Cell<'_>], scenario: &Scenario) -> String {
    let here = cells.iter().filter(|it| it.scenario.name == scenario.name);
    let rounds = here.map(|it| it.passes.len()).max().unwrap_or(0);
    format!(
        "{} ({}): {}, {}",
        scenario.title,
        scenario.name,
        format::plural(rounds, "round"),
        format::cores(scenario.server_cpus)
    )
}

/// One pair, in plain words.
fn said(pair: &Comparison, scenario: &Scenario) -> String {
    let (a, b) = (&pair.a, &pair.b);
    let by = format::apart(pair.ratio, pair.low, pair.high);
    let on = format!("on {}", format::cores(scenario.server_cpus));
    match pair.answer {
        Answer::Equal if is_real(pair) => format!(
            "{a} serves {by} more than {b}, {on}: real, yet within the 3 % that two implementations of one model \
             may differ by"
        ),
        Answer::Equal => {
            format!("{a} and {b} are equal for practical purposes: {by} apart, {on}")
        }
        Answer::Ahead | Answer::Behind if pair.ratio >= 2.0 => {
            format!("{a} is ahead: it serves {by} as much as {b}, {on}")
        }
        Answer::Ahead | Answer::Behind => format!("{a} is ahead of {b} by {by}, {on}"),
        Answer::Undecided => undecided(pair, &by),
    }
}

/// Why it is undecided, and what to type.
fn undecided(pair: &Comparison, by: &str) -> String {
    let (a, b) = (&pair.a, &pair.b);
    let Some((low, high)) = pair.low.zip(pair.high) else {
        let rounds = format::plural(pair.rounds as usize, "round");
        return format!(
            "too few rounds to tell {a} from {b} ({rounds}); give it a longer --budget"
        );
    };
    let tell = "to tell, give a longer --budget or a smaller --precision";
    match pair.p.filter(|_| low > 1.0 || high < 1.0) {
        Some(p) => format!(
            "undecided between {a} and {b}: {by} apart, yet chance alone makes one of so many pairs look so in \
             {:.0} % of runs; {tell}",
            100.0 * p
        ),
        None => format!("undecided between {a} and {b}: {by} apart; {tell}"),
    }
}

/// Who is in no pair, or in none by some metric, and why: each reason once.
fn left_out(cells: &[Cell<'_>], scenario: &Scenario, pairs: &[Comparison]) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for pair in expected::expected(cells, scenario) {
        if pair.found(pairs).is_some() {
            continue;
        }
        for reason in pair.missing(cells) {
            match reasons.iter_mut().find(|(other, _)| *other == reason) {
                Some((_, metrics)) if metrics.contains(&pair.metric) => {}
                Some((_, metrics)) => metrics.push(pair.metric),
                None => reasons.push((reason, vec![pair.metric])),
            }
        }
    }
    let said = reasons.into_iter().map(|(reason, metrics)| {
        if metrics.len() == PAIRED.len() {
            return format!("left out: {reason}");
        }
        let metrics: Vec<&str> = metrics.into_iter().map(noise_floor::words).collect();
        format!("left out of {}: {reason}", metrics.join(", "))
    });
    said.collect()
}

/// The other metrics: a pair a row, a / b each, below 1 when a needs less.
fn table(costs: &[Vec<Comparison>], width: usize) -> Vec<String> {
    let mut rows: Vec<(&str, &str)> = Vec::new();
    for pair in costs.iter().flatten() {
        if !rows.contains(&(&pair.a, &pair.b)) {
            rows.push((&pair.a, &pair.b));
        }
    }
    if rows.is_empty() {
        return Vec::new();
    }
    let heads = PAIRED[1..].iter().map(|metric| noise_floor::words(metric));
    let mut table = grid(&std::iter::once("").chain(heads).collect::<Vec<_>>());
    for (a, b) in rows {
        let figures = costs.iter().map(|pairs| {
            let mut pairs = pairs.iter();
            let pair = pairs.find(|it| it.a == a && it.b == b);
            pair.map_or(format::MISSING.to_owned(), ratio)
        });
        // Three columns of 16, and what is left.
        let name = name(a, b, width - 50);
        table.add_row(std::iter::once(name).chain(figures));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    drawn_in(
        &mut table,
        "What a request costs, first / second (below 1: the first needs less)",
        width,
    )
}

/// `0.958 (± 0.4 %)`.
fn ratio(pair: &Comparison) -> String {
    let half = format::plus_minus(pair.ratio, pair.low, pair.high);
    let half = half.map(|half| format!(" ({half})")).unwrap_or_default();
    format!("{:.3}{half}", pair.ratio)
}

/// `event-loop / event-tokio` in so many columns; both names are cut alike.
fn name(a: &str, b: &str, columns: usize) -> String {
    let whole = format!("{a} / {b}");
    if whole.chars().count() <= columns {
        return whole;
    }
    let half = columns.saturating_sub(3) / 2;
    format!("{} / {}", clip(a, half), clip(b, half))
}

#[cfg(test)]
mod tests;
