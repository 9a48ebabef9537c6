//! Little's law as a check on what was counted: of clients that each wait for a reply and ask again, N = X·R
//! (throughput × mean response time), whatever the server does. Records keep the three apart: N was asked, X
//! is of counted replies, R of their distribution. Where they disagree, somebody's waiting was not counted.
//!
//! In slices it is of those who wait longer than is left of one: their reply comes after its end and counts
//! nowhere, so that the mean is of the lucky ones. In a window it means that the load was not steady.

use record::{Measure, Pass, Workload};

use crate::cells::Cell;
use crate::conditions::{asks_at_once, is_open};
use crate::latency::{self, Span};
use crate::{figures, format, stats};

/// X·R may differ from N by this share. Long slices differ by less than 0.02, ten turns a slice by as much.
const TOLERANCE: f64 = 0.05;

/// X·R / N of a pass, where the load is a closed loop: 1 if everybody's waiting was counted.
pub(crate) fn ratio(pass: &Pass, cell: &Cell<'_>) -> Option<f64> {
    let scenario = cell.scenario;
    if is_open(scenario) || scenario.workload == Workload::Idle {
        return None;
    }
    let (replies, length_ns) = figures::counted(pass);
    let mean_ns = latency::mean(pass, scenario, Span::Response)?;
    let clients = f64::from(pass.connections.served) * f64::from(scenario.depth);
    let cycle_ns = mean_ns + scenario.think.as_nanos() as f64;
    let ratio = replies as f64 / length_ns as f64 * cycle_ns / clients;
    ratio.is_finite().then_some(ratio)
}

/// Some connections had no turn in a slice.
pub(super) fn in_slices(cell: &Cell<'_>) -> Option<String> {
    let broken = broken(cell, Measure::Sliced)?;
    let longer = format::time_tick(2.0 * cell.scenario.slice.as_nanos() as f64).replace(' ', "");
    Some(format!(
        "{broken}: the others waited beyond the ends of slices, where nothing counts; slice = \"{longer}\", and a \
         window of several"
    ))
}

/// The load of a window was not steady.
pub(super) fn in_windows(cell: &Cell<'_>) -> Option<String> {
    let broken = broken(cell, Measure::Solo)?;
    Some(format!(
        "{broken}: the load was not steady; measure longer (window), after a longer warmup"
    ))
}

fn broken(cell: &Cell<'_>, measure: Measure) -> Option<String> {
    if cell.scenario.measure != measure {
        return None;
    }
    let ratio = stats::median(&cell.little)?;
    let served = cell
        .passes
        .iter()
        .map(|pass| pass.connections.served)
        .min()?;
    let all = f64::from(served) * f64::from(cell.scenario.depth);
    let what = match asks_at_once(cell.scenario) {
        true => "throughput × response time",
        false => "throughput × (response time + thought)",
    };
    ((ratio - 1.0).abs() > TOLERANCE).then(|| {
        format!(
            "{what} accounts for {} of {} requests on their way (Little's law)",
            format::digits(ratio * all),
            format::count(all)
        )
    })
}
