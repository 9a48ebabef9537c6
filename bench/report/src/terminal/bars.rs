//! Bars of blocks in a terminal: a name, a bar, a figure, and what stands beside it. Colours are escapes.

use anstyle::{Ansi256Color, Style};

use super::text::{clip, padded, width};

/// One row.
pub(crate) struct Bar<'a> {
    /// Before it.
    pub name: &'a str,
    /// For its colour.
    pub family: &'a str,
    /// Nothing where words stand in its place.
    pub value: Option<f64>,
    /// Behind it.
    pub figure: String,
    /// At the end of the line.
    pub spread: String,
}

/// A line a row, all to one scale.
pub(crate) fn drawn(rows: &[Bar<'_>], columns: usize) -> Vec<String> {
    let widest = |of: fn(&Bar<'_>) -> usize| {
        rows.iter()
            .filter(|row| row.value.is_some())
            .map(of)
            .max()
            .unwrap_or(0)
    };
    let names = rows
        .iter()
        .map(|row| width(row.name))
        .max()
        .unwrap_or(0)
        .min(columns / 3);
    let figures = widest(|row| width(&row.figure));
    let spreads = widest(|row| width(&row.spread));
    let room = columns.saturating_sub(names + figures + spreads + 3).max(1);
    let most = rows.iter().filter_map(|row| row.value).fold(0.0, f64::max);
    let line = |row: &Bar<'_>| {
        let name = padded(&clip(row.name, names), names);
        let Some(value) = row.value else {
            let why = clip(&row.figure, columns.saturating_sub(names + 1));
            return paint(DIM, &format!("{name} {why}")).trim_end().to_owned();
        };
        let bar = blocks(value / most, room);
        let figure = " ".repeat(figures - width(&row.figure)) + &row.figure;
        let line = format!(
            "{name} {} {figure} {}",
            paint(colour(row.family), &padded(&bar, room)),
            row.spread
        );
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A share of so many columns, to an eighth of one.
fn blocks(share: f64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let eighths = (share * room as f64 * 8.0).round() as usize;
    // What is there is seen, however short.
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

const BOLD: Style = Style::new().bold();
/// Of what steps back.
pub(crate) const DIM: Style = Style::new().dimmed();

/// The text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// One that stands out.
pub(crate) fn bold(text: &str) -> String {
    paint(BOLD, text)
}

/// Lines that step back.
pub(crate) fn dim(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| paint(DIM, line)).collect()
}

/// The family's colour, as near as 256 of them come.
fn colour(family: &str) -> Style {
    let index = match family {
        "iterative" => 245,
        "fork-per-connection" => 166,
        "prefork" => 214,
        "thread-per-connection" => 32,
        "thread-pool" => 75,
        "event-driven" => 36,
        "foreign" => 175,
        _ => return Style::new(),
    };
    Ansi256Color(index).on_default()
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn blocks_are_an_eighth_of_a_column_fine() {
        let made = [0.0, 1e-9, 0.5, 0.55, 1.0, 7.0, f64::NAN].map(|share| blocks(share, 10));
        assert_eq!(
            made,
            ["", "▏", "█████", "█████▌", "██████████", "██████████", ""]
        );
    }
}
