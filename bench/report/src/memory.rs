//! What one more idle connection weighs: the slope of memory over the connections that were served, round
//! by round, across scenarios that differ in connections alone. A slope drops what a server weighs empty.

use record::{Gauge, Pass, Scenario, Workload};

use crate::cells::Cell;
use crate::stats;

/// The scenario of `scenario`'s line at which its slope stands: the one with the most connections.
pub(crate) fn stands_at<'a>(cells: &[Cell<'a>], scenario: &'a Scenario) -> &'a Scenario {
    let line = scenario.line();
    let scenarios = cells.iter().map(|cell| cell.scenario);
    let same = scenarios.filter(|other| other.line() == line);
    same.max_by_key(|other| other.connections)
        .unwrap_or(scenario)
}

/// Bytes per connection, per round.
///
/// # Errors
/// With the reason why there is no slope here.
pub(crate) fn slopes(cells: &[Cell<'_>], cell: &Cell<'_>) -> Result<Vec<(u32, f64)>, String> {
    slopes_of(cells, cell, |gauge| gauge.memory_bytes() as f64)
}

/// The parts of a slope: bytes per connection, medians over rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Parts {
    /// Heap, stacks and copied pages: the anonymous part of PSS.
    pub anonymous: f64,
    /// The rest of PSS: the server's share of the pages of files, of shared memory.
    pub shared: f64,
    /// Page tables of all processes.
    pub page_tables: f64,
    /// Kernel stacks of all tasks.
    pub kernel_stacks: f64,
}

/// The parts of what one more connection of `cell` weighs, if there is such a figure.
pub(crate) fn parts(cells: &[Cell<'_>], cell: &Cell<'_>) -> Option<Parts> {
    let part = |of: fn(&Gauge) -> f64| {
        let slopes = slopes_of(cells, cell, of).ok()?;
        stats::median(&slopes.iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>())
    };
    Some(Parts {
        anonymous: part(|gauge| gauge.pss_anonymous_bytes as f64)?,
        shared: part(|gauge| gauge.pss_bytes as f64 - gauge.pss_anonymous_bytes as f64)?,
        page_tables: part(|gauge| gauge.page_table_bytes as f64)?,
        kernel_stacks: part(|gauge| gauge.kernel_stack_bytes as f64)?,
    })
}

fn slopes_of(
    cells: &[Cell<'_>],
    cell: &Cell<'_>,
    part: fn(&Gauge) -> f64,
) -> Result<Vec<(u32, f64)>, String> {
    let end = stands_at(cells, cell.scenario);
    if end.name != cell.scenario.name {
        return Err(format!(
            "stands at {}: it is a slope over connections",
            end.name
        ));
    }
    let line: Vec<&Cell<'_>> = cells
        .iter()
        .filter(|other| other.contender == cell.contender)
        .filter(|other| other.scenario.line() == end.line())
        .collect();
    if line.len() < 2 || cell.scenario.workload != Workload::Idle {
        return Err("a slope needs two scenarios that differ in connections alone".to_owned());
    }
    let rounds = cell.figures().iter().map(|pass| pass.round);
    let slopes: Vec<(u32, f64)> = rounds
        .filter_map(|round| Some((round, slope(&points(&line, round, part))?)))
        .collect();
    if !slopes.is_empty() {
        return Ok(slopes);
    }
    Err(match cell.served() {
        Some((served, asked)) if served < asked => {
            format!(
                "{}: nobody more to weigh",
                crate::format::served(served, asked)
            )
        }
        _ => "no round gauged two scenarios of the line".to_owned(),
    })
}

/// (connections served, bytes) of one round, for every scenario of a line that was gauged in it.
///
/// Where a server has as many workers however many connections come, what this very process weighed when
/// it was ready is taken off: the luck of its layout (a page table more or less, pages of libraries shared
/// with whoever else is alive) would drown a few dozen bytes a connection.
fn points(line: &[&Cell<'_>], round: u32, part: fn(&Gauge) -> f64) -> Vec<(f64, f64)> {
    let passes: Vec<&Pass> = line
        .iter()
        .filter_map(|cell| {
            cell.figures()
                .iter()
                .copied()
                .find(|pass| pass.round == round)
        })
        .collect();
    let same_workers = passes
        .windows(2)
        .all(|two| two[0].workers == two[1].workers);
    let point = |pass: &&Pass| {
        let connected = part(pass.gauges.connected.as_ref()?);
        let empty = match &pass.gauges.ready {
            Some(ready) if same_workers => part(ready),
            _ => 0.0,
        };
        Some((f64::from(pass.connections.served), connected - empty))
    };
    passes.iter().filter_map(point).collect()
}

/// Least squares; `None` when all points stand at one number of connections.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let shared: f64 = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    (spread > 0.0).then(|| shared / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_of_two_points_is_their_difference() {
        let slope = slope(&[(100.0, 1_000.0), (500.0, 5_000.0)]);
        assert_eq!(slope, Some(10.0));
    }

    #[test]
    fn one_number_of_connections_has_no_slope() {
        assert_eq!(slope(&[]), None);
        assert_eq!(slope(&[(1.0, 10.0), (1.0, 12.0)]), None);
    }
}
