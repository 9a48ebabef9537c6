//! What is divided by what: slice by slice where slices were dealt together, else round by round.
//!
//! In each cycle of a block everybody has one slice, so the k-th slice of one and the k-th of the other are
//! neighbours in time. Two of different blocks are compared over the reference, which stands in every block:
//! a / b = (a / reference) / (b / reference). All of that is lost when one has slices that the other lacks.

use record::{Pass, Slice};

use super::THROUGHPUT;
use crate::cells::Cell;
use crate::{estimates, stats};

/// A contender with its figures of a metric.
pub(super) struct Member<'a, 'c> {
    pub cell: &'c Cell<'a>,
    /// By round.
    figures: Vec<(u32, f64)>,
    /// Who is in every block.
    reference: Option<&'c Cell<'a>>,
}

impl<'a, 'c> Member<'a, 'c> {
    /// `None` when it has none.
    pub fn of(
        cells: &'c [Cell<'a>],
        cell: &'c Cell<'a>,
        metric: &str,
        reference: &str,
    ) -> Option<Self> {
        let figures = estimates::by_round(cells, cell, metric).ok()?;
        let mut here = cells
            .iter()
            .filter(|it| it.scenario.name == cell.scenario.name);
        let reference = here.find(|it| it.contender == reference);
        Some(Member {
            cell,
            figures,
            reference,
        })
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
        let paired = (metric == THROUGHPUT).then(|| by_slices(a, b, round));
        let paired = paired.flatten();
        paired.or_else(|| (value > 0.0 && base > 0.0).then(|| (value / base).ln()))
    };
    both.map(logarithm).collect()
}

/// The logarithm of a / b in a round by neighbouring slices, directly or over the reference.
fn by_slices(a: &Member<'_, '_>, b: &Member<'_, '_>, round: u32) -> Option<f64> {
    together(a.cell, b.cell, round).or_else(|| {
        let reference = a.reference?;
        Some(together(a.cell, reference, round)? - together(b.cell, reference, round)?)
    })
}

/// Of two in the block of this round in which both were alive, if there is one.
fn together(a: &Cell<'_>, b: &Cell<'_>, round: u32) -> Option<f64> {
    let (ours, theirs) = (a.passes_of(round), b.passes_of(round));
    let mut pairs_of_passes = ours.iter().flat_map(|a| theirs.iter().map(move |b| (a, b)));
    let (a, b) = pairs_of_passes.find(|(a, b)| a.block == b.block)?;
    stats::of_slices(&pairs(a, b)?)
}

/// The logarithms of the ratios of throughput, slice by slice.
fn pairs(a: &Pass, b: &Pass) -> Option<Vec<f64>> {
    let alike = a.slices.len() == b.slices.len();
    let rate = |it: &Slice| it.replies as f64 / it.length_ns as f64;
    let slices = a.slices.iter().zip(&b.slices);
    let ratios = slices.map(|(a, b)| (rate(a) / rate(b)).ln());
    // Nothing by nothing is no ratio.
    alike.then(|| ratios.filter(|it| !it.is_nan()).collect())
}

#[cfg(test)]
mod tests {
    use record::Results;

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
            Member::of(&cells, cell.expect(name), THROUGHPUT, "event-loop").expect("figures")
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

    /// thread-per-connection against prefork, which was measured in a second block while the machine was half as
    /// fast, with the reference or alone.
    fn in_two_blocks(with_reference: bool) -> (Vec<f64>, Vec<f64>) {
        let mut results = fixture::results();
        results.passes.retain(|pass| pass.scenario == "rr-50");
        results.run.suite.scenarios.retain(|it| it.name == "rr-50");
        let of = |results: &Results| {
            let cells = cells::cells(results);
            let member = |name: &str| {
                let cell = cells.iter().find(|it| it.contender == name);
                Member::of(&cells, cell.expect(name), THROUGHPUT, "event-loop").expect("figures")
            };
            logarithms(
                &member("thread-per-connection"),
                &member("prefork"),
                THROUGHPUT,
            )
        };
        let together = of(&results).expect("above zero");
        let mut second = results.passes.clone();
        second.retain(|pass| with_reference && pass.contender == "event-loop");
        let (prefork, mut first) =
            (results.passes.into_iter()).partition::<Vec<_>, _>(|pass| pass.contender == "prefork");
        second.extend(prefork);
        for pass in &mut second {
            pass.block = 2;
            pass.slices.iter_mut().for_each(|slice| slice.replies /= 2);
        }
        first.extend(second);
        results.passes = first;
        (together, of(&results).expect("above zero"))
    }

    #[test]
    fn the_reference_bridges_blocks() {
        let apart = |(one, other): (Vec<f64>, Vec<f64>)| {
            assert_eq!((one.len(), other.len()), (5, 5), "rounds");
            let apart = one.iter().zip(&other).map(|(a, b)| (a - b).abs());
            apart.fold(0.0_f64, f64::max)
        };
        let bridged = apart(in_two_blocks(true));
        assert!(bridged < 0.05, "{bridged}");
        let alone = apart(in_two_blocks(false));
        assert!(alone > 0.5, "{alone}");
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
