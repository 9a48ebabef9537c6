//! Statistics. The round is the unit of replication: fresh processes each round, so that start-up luck and memory
//! layout are in the interval and not in the claim.
//!
//! Goals: honest with five rounds, deterministic. It pays with robust figures that need more rounds than a mean
//! would on a quiet machine, and it ends at numbers: what they say in words is `comparisons`' business.
//!
//! | question | where |
//! |---|---|
//! | the middle of a cell's rounds | `median` |
//! | how far it may be off | `bootstrap` |
//! | one contender against another | `ratio`, `student` |
//! | what disturbed a round, taken out of it | `controlled` |
//! | one run against another | `welch` |
//! | what one more weighs, over several rounds | `line` |
//! | many comparisons at once | `holm` |
//! | whether figures follow the order of rounds | `spearman` |

mod bootstrap;
mod controlled;
mod holm;
mod line;
mod median;
mod ratio;
mod spearman;
mod student;
mod welch;

pub(crate) use bootstrap::{interval, median_interval};
pub(crate) use controlled::controlled;
pub(crate) use holm::holm;
pub(crate) use line::{Line, line, slope};
pub(crate) use median::median;
pub(crate) use ratio::{of_slices, ratio};
pub(crate) use spearman::order_drift;
pub(crate) use welch::Welch;

/// Fewer rounds than this have a figure and no interval.
pub(crate) const ROUNDS_MIN: usize = 3;

/// A 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A seed that follows from the run's and from what is estimated (FNV-1a), so that no figure depends on
/// the order in which figures are made.
pub(crate) fn seed(run: u64, words: &[&str]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0]));
    bytes.fold(run ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
pub(crate) mod simulated;
