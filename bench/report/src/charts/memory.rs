//! What one more idle connection weighs, in its parts.

use plotters::style::RGBColor;

use super::bars::{self, Bars, Row};
use super::palette;
use crate::conditions::conditions;
use crate::data::Data;
use crate::format;
use crate::memory::{self, Parts};

const METRIC: &str = "memory_bytes_per_connection";
/// The axis counts KiB, so that its steps are round ones.
const KIB: f64 = 1024.0;

/// A part: its name, its colour, its share of the slope.
type Part = (&'static str, RGBColor, fn(&Parts) -> f64);

/// Parts in the order of the bar. Not the families' colours: these are not contenders.
const PARTS: [Part; 4] = [
    ("own pages", RGBColor(0x00, 0x72, 0xb2), |parts| {
        parts.anonymous
    }),
    (
        "shared pages, its part",
        RGBColor(0x8c, 0xc8, 0xea),
        |parts| parts.shared,
    ),
    ("page tables", RGBColor(0xe6, 0x9f, 0x00), |parts| {
        parts.page_tables
    }),
    ("kernel stacks", RGBColor(0x6e, 0x6e, 0x6e), |parts| {
        parts.kernel_stacks
    }),
];

/// The picture; `None` when nobody has a slope.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let scenario = data.heaviest()?;
    let ranking = data.ranking(&scenario.name, METRIC);
    if ranking.is_empty() {
        return None;
    }
    let mut rows: Vec<Row<'_>> = ranking.iter().filter_map(|it| row(data, it)).collect();
    for entrant in data.measured() {
        if let Some(served) = data.served(&entrant.name, &scenario.name) {
            rows.push(Row {
                label: served,
                ..empty(data, &entrant.name, &entrant.family)
            });
        }
    }
    let left_out = rows.len().saturating_sub(bars::ROWS);
    rows.truncate(bars::ROWS);
    let shown = PARTS.iter().enumerate().filter(|(part, _)| {
        let whole: f64 = rows
            .iter()
            .flat_map(|row| &row.parts)
            .fold(0.0, |most, length| most.max(*length));
        rows.iter().any(|row| {
            row.parts
                .get(*part)
                .is_some_and(|length| *length > whole / 500.0)
        })
    });
    let shown: Vec<usize> = shown.map(|(part, _)| part).collect();
    for row in rows.iter_mut().filter(|row| !row.parts.is_empty()) {
        row.parts = shown.iter().map(|part| row.parts[*part]).collect();
    }
    let mut load = format!(
        "slope up to {}; {}",
        conditions(scenario),
        palette::rounds(data, scenario)
    );
    if left_out > 0 {
        load.push_str(&format!("; {left_out} more left out, see the tables"));
    }
    Some(bars::draw(&Bars {
        title,
        subtitles: vec![load, palette::machine(data)],
        axis: "memory per connection, less is better",
        tick: |kib| format!("{} KiB", format::tick(kib)),
        parts: shown
            .iter()
            .map(|part| (PARTS[*part].0, PARTS[*part].1))
            .collect(),
        rows,
    }))
}

fn empty<'a>(data: &Data<'a>, name: &'a str, family: &str) -> Row<'a> {
    Row {
        name,
        colour: palette::colour(family),
        member: palette::member(data, name, family),
        parts: Vec::new(),
        intervals: Vec::new(),
        label: String::new(),
    }
}

fn row<'a>(data: &Data<'a>, it: &'a record::Estimate) -> Option<Row<'a>> {
    let value = it.value?;
    let cell = data.cell(&it.contender, &it.scenario)?;
    let parts = memory::parts(&data.cells, cell).unwrap_or_default();
    let lengths = PARTS.map(|(_, _, part)| part(&parts).max(0.0));
    // Medians of parts need not add up to the median of their sum: the bar ends at the figure.
    let sum: f64 = lengths.iter().sum();
    let scale = if sum > 0.0 { value.max(0.0) / sum } else { 0.0 };
    Some(Row {
        parts: lengths.iter().map(|length| length * scale / KIB).collect(),
        intervals: it
            .low
            .zip(it.high)
            .map(|(low, high)| (low / KIB, high / KIB))
            .into_iter()
            .collect(),
        label: format::bytes(value),
        ..empty(data, &it.contender, &it.family)
    })
}
