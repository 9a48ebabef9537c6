//! How requests are spread over the processes that serve them: a contender a bar, a worker a piece of it.

use plotters::style::RGBColor;
use record::Scenario;

use super::bars::{self, Bars, Row};
use super::palette;
use crate::cells::Cell;
use crate::conditions::conditions;
use crate::data::Data;
use crate::{distribution, format};

/// More workers than this are drawn as one piece.
const PIECES: usize = 16;
const BUSIEST: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
/// Neighbours are told apart.
const OTHERS: [RGBColor; 2] = [RGBColor(0x56, 0xb4, 0xe9), RGBColor(0x00, 0x72, 0xb2)];

/// The picture; `None` where nobody asked who served whom.
pub(crate) fn draw(data: &Data<'_>, scenario: &Scenario, title: &str) -> Option<String> {
    let of = |entrant: &'_ record::Entrant| {
        data.cell(&entrant.name, &scenario.name)
            .and_then(|cell| row(data, cell))
    };
    let rows: Vec<Row<'_>> = data.servers().filter_map(of).collect();
    if !scenario.by_worker || rows.is_empty() {
        return None;
    }
    let made = format::plural(data.rounds_made(scenario), "round");
    let rounds = format!("{made}, means");
    let pieces = (1..PIECES).map(|index| match index {
        1 => ("each of the others", OTHERS[0]),
        _ => ("", OTHERS[(index + 1) % 2]),
    });
    Some(bars::draw(&Bars {
        title,
        subtitles: vec![
            format!("{}: {}; {}", scenario.name, conditions(scenario), rounds),
            palette::machine(data),
        ],
        axis: "share of all requests; beside it Jain's index: 1 is even",
        tick: |share| format!("{:.0} %", 100.0 * share),
        parts: std::iter::once(("the busiest worker", BUSIEST))
            .chain(pieces)
            .collect(),
        rows,
    }))
}

/// Nothing for who has one process.
fn row<'a>(data: &Data<'a>, cell: &Cell<'a>) -> Option<Row<'a>> {
    let parts = shares(cell);
    let jain = data.shown(cell.contender, &cell.scenario.name, "jain_requests")?;
    Some(Row {
        name: cell.contender,
        colour: palette::colour(cell.family),
        member: palette::member(data, cell.contender, cell.family),
        label: format!("{} over {}", format::digits(jain.value?), parts.len()),
        parts,
        intervals: Vec::new(),
    })
}

/// The share of the busiest, of the next, and so on: means over rounds, which add up to all, as medians need not.
fn shares(cell: &Cell<'_>) -> Vec<f64> {
    let rounds: Vec<Vec<f64>> = cell
        .figures()
        .iter()
        .map(|pass| distribution::shares(pass))
        .collect();
    let most = rounds.iter().map(Vec::len).max().unwrap_or(0);
    let of_rank = |rank: usize| {
        let shares = rounds.iter().filter_map(|shares| shares.get(rank));
        shares.sum::<f64>() / rounds.len() as f64
    };
    (0..most).map(of_rank).collect()
}
