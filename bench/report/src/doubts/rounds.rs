//! Too little of it: replies in a round, rounds.

use record::Workload;

use crate::cells::Cell;
use crate::{figures, format, stats};

/// Fewer replies than this in a round have no p99: ten of a thousand lie beyond it.
const REPLIES_MIN: u64 = 1_000;

/// A round had too few replies for the percentiles.
pub(super) fn few_samples(cell: &Cell<'_>) -> Option<String> {
    if cell.scenario.workload == Workload::Idle {
        return None;
    }
    let counted = cell.passes.iter();
    let counted = counted.map(|pass| (figures::counted(pass).0, pass.round));
    let (replies, round) = counted.min()?;
    (replies < REPLIES_MIN).then(|| {
        format!(
            "{} in round {round}, fewer than {REPLIES_MIN}: measure longer (window) or ask for more (pace, \
             connections)",
            format::replies(replies)
        )
    })
}

/// No interval can be given.
pub(super) fn too_few_rounds(cell: &Cell<'_>) -> Option<String> {
    match cell.passes.len() {
        0 => Some("not measured yet: finish the run".to_owned()),
        rounds if rounds < stats::ROUNDS_MIN => Some(format!(
            "{rounds} of at least {} rounds: no interval can be given; --rounds 5",
            stats::ROUNDS_MIN
        )),
        _ => None,
    }
}
