//! What is divided by what: slice by slice where slices were dealt together, else round by round.
//!
//! In each cycle of a block everybody has one slice, so the k-th slice of one and the k-th of the other are
//! neighbours in time. That is lost when they were not alive together, or when one has slices that the other lacks.

use record::{Pass, Slice};

use super::THROUGHPUT;
use crate::cells::Cell;
use crate::{estimates, stats};

/// A contender with its figures of a metric.
pub(super) struct Member<'a, 'c> {
    pub cell: &'c Cell<'a>,
    /// By round.
    figures: Vec<(u32, f64)>,
}

impl<'a, 'c> Member<'a, 'c> {
    /// `None` when it has none.
    pub fn of(cells: &[Cell<'a>], cell: &'c Cell<'a>, metric: &str) -> Option<Self> {
        let figures = estimates::by_round(cells, cell, metric).ok()?;
        Some(Member { cell, figures })
    }

    fn pass(&self, round: u32) -> Option<&'c Pass> {
        let mut passes = self.cell.figures().iter();
        passes.find(|pass| pass.round == round).copied()
    }
}

/// The logarithms of the ratios of the rounds that both have. `None` where a round's figure is not above zero (a
/// slope within its noise): there is nothing that a ratio could say.
pub(super) fn logarithms(a: &Member<'_, '_>, b: &Member<'_, '_>, metric: &str) -> Option<Vec<f64>> {
    let both = a.figures.iter().filter_map(|(round, value)| {
        let (_, base) = b.figures.iter().find(|(other, _)| other == round)?;
        Some((*round, *value, *base))
    });
    let logarithm = |(round, value, base): (u32, f64, f64)| {
        let passes = a.pass(round).zip(b.pass(round));
        let sliced = passes.filter(|_| metric == THROUGHPUT);
        let paired = sliced.and_then(|(a, b)| stats::of_slices(&pairs(a, b)?));
        paired.or_else(|| (value > 0.0 && base > 0.0).then(|| (value / base).ln()))
    };
    both.map(logarithm).collect()
}

/// The logarithms of the ratios of throughput, slice by slice.
fn pairs(a: &Pass, b: &Pass) -> Option<Vec<f64>> {
    let together = a.block == b.block && a.slices.len() == b.slices.len();
    let rate = |it: &Slice| it.replies as f64 / it.length_ns as f64;
    let slices = a.slices.iter().zip(&b.slices);
    let ratios = slices.map(|(a, b)| (rate(a) / rate(b)).ln());
    // Nothing by nothing is no ratio.
    together.then(|| ratios.filter(|it| !it.is_nan()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cells, fixture};

    /// event-loop against prefork, of rr-50, after `change` was done to the passes of prefork.
    fn found(change: impl Fn(&mut Pass)) -> Vec<f64> {
        let mut results = fixture::results();
        let of_prefork = |pass: &&mut Pass| pass.contender == "prefork" && pass.scenario == "rr-50";
        results
            .passes
            .iter_mut()
            .filter(of_prefork)
            .for_each(change);
        let cells = cells::cells(&results);
        let member = |name: &str| {
            let mut cells_of = cells.iter();
            let cell = cells_of.find(|it| it.contender == name && it.scenario.name == "rr-50");
            Member::of(&cells, cell.expect(name), THROUGHPUT).expect("figures")
        };
        logarithms(&member("event-loop"), &member("prefork"), THROUGHPUT).expect("above zero")
    }

    /// A stall of one slice: what a round's total shows, and the median of its pairs does not.
    fn stalled(pass: &mut Pass) {
        pass.slices[0].replies /= 10;
    }

    #[test]
    fn slices_are_paired_with_their_neighbours() {
        let far = |found: &[f64], other: &[f64]| {
            let apart = found.iter().zip(other).map(|(a, b)| (a - b).abs());
            apart.fold(0.0_f64, f64::max)
        };
        let plain = found(|_| ());
        assert!(far(&plain, &found(stalled)) < 0.02, "paired by slice");
        for unpaired in [
            |pass: &mut Pass| pass.block = 2,
            |pass: &mut Pass| pass.slices.truncate(pass.slices.len() - 1),
        ] {
            let totals = found(|pass| {
                unpaired(pass);
                stalled(pass);
            });
            assert!(far(&plain, &totals) > 0.03, "by the rounds' figures");
        }
    }

    #[test]
    fn nothing_by_nothing_is_no_pair() {
        let results = fixture::results();
        let mut passes = results.passes.iter().filter(|pass| !pass.slices.is_empty());
        let mut a = passes.next().expect("a sliced pass").clone();
        let whole = pairs(&a, &a).expect("together").len();
        a.slices[0].replies = 0;
        let left = pairs(&a, &a).expect("together");
        assert_eq!(left.len(), whole - 1);
        assert!(left.iter().all(|it| *it == 0.0), "{left:?}");
    }
}
