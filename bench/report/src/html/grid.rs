//! Tables of contenders: ranked, weak cells grey with their reason, each cell with the value to sort by.

use maud::{Markup, html};

use crate::tables::{Figure, Row, Table};

/// The table; `name` is its key among those of the page.
pub(super) fn grid(table: &Table, name: &str, title: &str) -> Markup {
    html! {
        table aria-label=(title) data-table=(name) {
            thead { tr { th scope="col" { "contender" } @for head in &table.head { th scope="col" { (head) } } } }
            tbody {
                @for row in &table.rows { (line(row)) }
            }
        }
    }
}

fn line(row: &Row) -> Markup {
    html! {
        tr.weak[!row.ranked] data-contender=(row.contender) {
            th scope="row" {
                span class={ "key " (row.family) } {} (row.contender)
                @if row.reason.is_some() { small title=[row.reason.as_ref()] { (row.verdict) } }
            }
            @for (cell, columns) in merged(&row.cells) { (figure_cell(cell, columns)) }
        }
    }
}

/// `1 of 50 served` once over all the columns whose place it takes; every other figure by itself.
fn merged(cells: &[Figure]) -> Vec<(&Figure, usize)> {
    let mut merged: Vec<(&Figure, usize)> = Vec::new();
    for cell in cells {
        match merged.last_mut() {
            Some((last, columns)) if last.text == cell.text && cell.text.ends_with(" served") => {
                *columns += 1
            }
            _ => merged.push((cell, 1)),
        }
    }
    merged
}

fn figure_cell(cell: &Figure, columns: usize) -> Markup {
    html! {
        td title=[cell.reason.as_ref()] data-value=[cell.value] colspan=[(columns > 1).then_some(columns)] {
            (cell.text)
            @if let Some(interval) = &cell.interval { small { (interval) } }
        }
    }
}
