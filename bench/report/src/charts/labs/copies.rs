//! Copy-on-write: what parent and child weigh together, in shares of the parent's state.

use plotters::style::RGBColor;
use record::{Lab, Pages};

use super::{colour, subtitles};
use crate::charts::bars::{self, Bars, Row};
use crate::data::Data;
use crate::format;
use crate::labs::answers::is_of_the_line;

const MECHANISM: &str = "fork";
const PARTS: [(&str, RGBColor); 3] = [
    ("pages, shared", super::COLOURS[5]),
    ("pages copied by a quarter's writes", super::COLOURS[1]),
    ("page tables, copied at once", super::COLOURS[0]),
];

/// The picture; `None` when fork has no such figures.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    if !data.look.shows(MECHANISM) {
        return None;
    }
    let mut rows = Vec::new();
    let labels: Vec<(String, &Lab)> = data
        .labs()
        .iter()
        .filter(|lab| lab.state_mib.unwrap_or(0) >= 16)
        .filter(|lab| {
            [Pages::Small, Pages::Huge]
                .iter()
                .any(|it| is_of_the_line(lab, *it))
        })
        .map(|lab| {
            let pages = match lab.pages.unwrap_or_default() {
                Pages::Small => "4 KiB pages",
                Pages::Huge => "huge pages",
            };
            (format!("{} MiB, {pages}", lab.state_mib.unwrap_or(0)), lab)
        })
        .collect();
    for (index, (name, lab)) in labels.iter().enumerate() {
        rows.extend(row(data, name, lab, index));
    }
    (!rows.is_empty()).then(|| {
        bars::draw(&Bars {
            title,
            subtitles: subtitles(
                data,
                "one fork: PSS of both, then once the child wrote to a quarter; beside the bar RSS of both",
            ),
            axis: "share of the parent's state, per cent",
            tick: |share| format!("{} %", format::tick(share)),
            parts: PARTS.to_vec(),
            rows,
        })
    })
}

fn row<'a>(data: &Data<'_>, name: &'a str, lab: &Lab, index: usize) -> Option<Row<'a>> {
    let figure = |metric: &str| data.shown(MECHANISM, &lab.name, metric)?.value;
    let state = f64::from(lab.state_mib?) * 1024.0 * 1024.0;
    let share = |bytes: f64| 100.0 * bytes / state;
    let (before, after) = (figure("both_pss_bytes")?, figure("both_pss_bytes_written")?);
    let tables = figure("child_page_table_bytes")?;
    let rss = figure("both_rss_bytes").map_or(format::MISSING.to_owned(), format::bytes);
    let label = format!("RSS {rss}");
    Some(Row {
        name,
        colour: colour(0),
        member: index,
        parts: vec![
            share(before),
            share((after - before).max(0.0)),
            share(tables),
        ],
        intervals: Vec::new(),
        label,
    })
}
