//! What slices assume: that each is long enough to be a load of its own, and that who is not loaded rests.

use record::{Measure, Pass};

use crate::cells::Cell;
use crate::{format, stats};

/// Turns of every connection in a slice. At its start everybody asks at once and at its end nobody asks any
/// more: with fewer turns, those edges stand in the figures. From ten on, X·R was within 2 % of N, and no
/// nearer above twenty (METHODOLOGY).
const TURNS_MIN: f64 = 10.0;

/// The share of a core that a contender may use while others are loaded.
const RESTLESS: f64 = 0.005;

/// A slice is too short for its connections.
pub(super) fn too_few_turns(cell: &Cell<'_>) -> Option<String> {
    let slice_ns = cell.scenario.slice.as_nanos() as f64;
    let rounds = cell.passes.iter().filter_map(|pass| turns(pass, slice_ns));
    let turns = stats::median(&rounds.collect::<Vec<_>>())?;
    (turns < TURNS_MIN).then(|| {
        // To two digits, upwards: what is typed is to be enough.
        let needed_ms = slice_ns / 1e6 * TURNS_MIN / turns.max(0.1);
        let grain = 10_f64.powf(needed_ms.log10().floor() - 1.0).max(1.0);
        format!(
            "{} turns of each connection in a slice of {}, fewer than {TURNS_MIN}: its edges stand in the \
             figures; slice = \"{:.0}ms\", and a window of several",
            format::digits(turns),
            format::time_tick(slice_ns),
            (needed_ms / grain).ceil() * grain
        )
    })
}

/// Turns of each served connection in the median slice, of its whole length.
fn turns(pass: &Pass, slice_ns: f64) -> Option<f64> {
    let of_slice = |replies: u64, length_ns: u64| replies as f64 * slice_ns / length_ns as f64;
    let slices = pass.slices.iter();
    let replies = slices.map(|it| of_slice(it.replies, it.length_ns));
    let turns = stats::median(&replies.collect::<Vec<_>>())? / f64::from(pass.connections.served);
    turns.is_finite().then_some(turns)
}

/// It does not rest while others are loaded: it takes from them.
pub(super) fn restless(cell: &Cell<'_>) -> Option<String> {
    if cell.scenario.measure != Measure::Sliced {
        return None;
    }
    let shares = cell.passes.iter().filter_map(|pass| burnt(pass));
    let share = stats::median(&shares.collect::<Vec<_>>())?;
    (share > RESTLESS).then(|| {
        format!(
            "it uses {} % of a core while nobody asks anything of it, and does so in the slices of the others \
             of its block; measure it alone (--only, or measure = \"solo\")",
            format::digits(100.0 * share)
        )
    })
}

/// The share of a core that it used between two instants at which nobody was loaded.
fn burnt(pass: &Pass) -> Option<f64> {
    let (from, to) = pass.usage.quiet.as_ref().zip(pass.usage.before.as_ref())?;
    let length_ns = to.at_ns.checked_sub(from.at_ns).filter(|ns| *ns > 0)?;
    Some(to.cpu_ns.saturating_sub(from.cpu_ns) as f64 / length_ns as f64)
}
