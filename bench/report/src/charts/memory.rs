//! What one more idle connection weighs, in its parts: the server's own, then what the kernel holds for both ends.

use plotters::style::RGBColor;

use super::bars::{self, Bars, Row};
use super::palette;
use crate::conditions::conditions;
use crate::data::Data;
use crate::format;

const METRIC: &str = "memory_bytes_per_connection";
/// The axis counts KiB, so that its steps are round ones.
const KIB: f64 = 1024.0;

/// A part: its name, its colour, its metric.
pub(crate) type Part = (&'static str, RGBColor, &'static str);

/// Parts in the order of the bar. Not the families' colours: these are not contenders.
#[rustfmt::skip]
pub(crate) const PARTS: [Part; 6] = [
    ("own pages", RGBColor(0x00, 0x72, 0xb2), "anonymous_bytes_per_connection"),
    ("shared pages, its part", RGBColor(0x8c, 0xc8, 0xea), "shared_bytes_per_connection"),
    ("page tables", RGBColor(0xe6, 0x9f, 0x00), "page_table_bytes_per_connection"),
    ("kernel stacks", RGBColor(0x6e, 0x6e, 0x6e), "kernel_stack_bytes_per_connection"),
    ("sockets", RGBColor(0xc9, 0xb3, 0xd6), "socket_bytes_per_connection"),
    ("slab", RGBColor(0xe3, 0xd9, 0xea), "slab_bytes_per_connection"),
];
/// So many of them are the server's own, and make up the figure; the others come beside it.
const OWN: usize = 4;

/// The picture; `None` when nobody has a slope.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let scenario = data.heaviest()?;
    let ranking = data.ranking(&scenario.name, METRIC);
    if ranking.is_empty() {
        return None;
    }
    let shown = ranking.iter().filter(|it| data.look.shows(&it.contender));
    let mut rows: Vec<Row<'_>> = shown.filter_map(|it| row(data, it)).collect();
    if rows.is_empty() {
        return None;
    }
    bars::add_others(&mut rows, data, scenario, METRIC);
    let shown = bars::keep_used(&mut rows, PARTS.len());
    let mut load = format!(
        "slope up to {}; {}",
        conditions(scenario),
        palette::rounds(data, scenario)
    );
    if shown.iter().any(|part| *part >= OWN) {
        load.push_str("; sockets and slab are of both ends: the clients live on the same host");
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

fn row<'a>(data: &Data<'a>, it: &'a record::Estimate) -> Option<Row<'a>> {
    let value = it.value?;
    let lengths = PARTS.map(|(_, _, metric)| {
        let part = data.estimate(&it.contender, &it.scenario, metric);
        part.and_then(|part| part.value).unwrap_or(0.0).max(0.0)
    });
    let beside: f64 = lengths[OWN..].iter().sum();
    let label = match beside {
        0.0 => format::bytes(value),
        _ => format!("{} + {}", format::bytes(value), format::bytes(beside)),
    };
    Some(Row {
        parts: lengths.iter().map(|length| length / KIB).collect(),
        intervals: it
            .low
            .zip(it.high)
            .map(|(low, high)| (low / KIB, high / KIB))
            .into_iter()
            .collect(),
        ..bars::empty(data, &it.contender, &it.family, label)
    })
}
