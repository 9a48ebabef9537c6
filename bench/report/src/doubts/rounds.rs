//! What rounds say of each other: too few of them, or of replies in one; too far apart; going one way.

use record::Workload;

use crate::cells::Cell;
use crate::conditions::is_open;
use crate::struck::strikes;
use crate::{figures, format, stats};

/// Fewer replies than this in a round have no p99: ten of a thousand lie beyond it.
const REPLIES_MIN: u64 = 1_000;

/// A round had too few replies for the percentiles.
pub(super) fn few_samples(cell: &Cell<'_>) -> Option<String> {
    // Percentiles are not what is asked of a server that is struck.
    if cell.scenario.workload == Workload::Idle || strikes(cell.scenario) {
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

/// Half of the rounds may differ from their median by this share of it. On a quiet virtual machine whose own
/// speed drifts, the cells of `quick` showed up to 0.08, and with few rounds chance nearly doubles that.
const SPREAD_MAX: f64 = 0.15;
/// A drift is believed when chance would show one as clear in fewer than this share of runs …
const DRIFT_CHANCE: f64 = 0.01;
/// … and minded when the last third of the rounds differs from the first by this share.
const DRIFT_MAX: f64 = 0.05;

/// The rounds disagree.
pub(super) fn spread(cell: &Cell<'_>) -> Option<String> {
    let values = throughputs(cell)?;
    let median = stats::median(&values)?;
    let distances = values.iter().map(|value| (value - median).abs());
    let spread = stats::median(&distances.collect::<Vec<_>>())? / median;
    (values.len() >= stats::ROUNDS_MIN && spread > SPREAD_MAX).then(|| {
        format!(
            "half of the rounds differ by more than {} % from the median of {}: something that is not the same \
             from round to round decides; more rounds (--rounds 15), a longer window, a quieter machine",
            format::digits(100.0 * spread),
            format::rate(median)
        )
    })
}

/// The rounds go one way.
pub(super) fn drift(cell: &Cell<'_>) -> Option<String> {
    let values = throughputs(cell)?;
    let third = values.len().div_ceil(3);
    let first = stats::median(&values[..third])?;
    let last = stats::median(&values[values.len() - third..])?;
    let change = last / first - 1.0;
    // Asked first, because it is cheap.
    if change.is_nan() || change.abs() <= DRIFT_MAX {
        return None;
    }
    let (rho, chance) = stats::order_drift(&values)?;
    (chance < DRIFT_CHANCE && change.signum() == rho.signum()).then(|| {
        format!(
            "from the first rounds to the last throughput {} by {} % (Spearman {rho:.2}, by chance {}): the \
             machine warms up or slows down; let it settle, and run it again",
            if change > 0.0 { "rose" } else { "fell" },
            format::digits(100.0 * change.abs()),
            format::digits(chance),
        )
    })
}

/// Replies a second of each round, in the order of rounds; nothing where a rate or nobody asks for them.
fn throughputs(cell: &Cell<'_>) -> Option<Vec<f64>> {
    if is_open(cell.scenario) || cell.scenario.workload == Workload::Idle {
        return None;
    }
    let counted = cell.passes.iter().map(|pass| figures::counted(pass));
    let rates = counted.map(|(replies, ns)| replies as f64 * 1e9 / ns as f64);
    Some(rates.filter(|rate| rate.is_finite()).collect())
}
