//! What is divided by what: slice by slice where slices were dealt together, else round by round.
//!
//! In each cycle of a block everybody has one slice, so the k-th slice of one and the k-th of the other are
//! neighbours in time. Two of different blocks are compared over the reference, which stands in every block:
//! a / b = (a / reference) / (b / reference). All of that is lost when one has slices that the other lacks.
//!
//! A server's CPU time is known for a whole round and not for a slice, so that no median of pairs keeps a burst out of
//! it. But the same burst hits the generator, whose CPU time is known by slices: by how much the ratio of its totals
//! lies off the median of its pairs is the control by which CPU per request is mended (`stats::controlled`).

use record::{Pass, Slice};

use super::{CPU, THROUGHPUT};
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
    let both: Vec<(u32, f64, f64)> = (a.figures.iter())
        .filter_map(|(round, value)| {
            let (_, base) = b.figures.iter().find(|(other, _)| other == round)?;
            Some((*round, *value, *base))
        })
        .collect();
    let logarithm = |(round, value, base): &(u32, f64, f64)| {
        let paired = (metric == THROUGHPUT).then(|| by_slices(a, b, *round));
        let paired = paired.flatten();
        paired.or_else(|| (*value > 0.0 && *base > 0.0).then(|| (value / base).ln()))
    };
    let logarithms: Vec<f64> = both.iter().map(logarithm).collect::<Option<_>>()?;
    let disturbed = both
        .iter()
        .map(|(round, ..)| disturbance(a.cell, b.cell, *round));
    let disturbed: Option<Vec<f64>> = (metric == CPU).then(|| disturbed.collect()).flatten();
    Some(match disturbed {
        Some(disturbed) => stats::controlled(&logarithms, &disturbed),
        None => logarithms,
    })
}

/// The logarithm of a / b in a round by neighbouring slices, directly or over the reference.
fn by_slices(a: &Member<'_, '_>, b: &Member<'_, '_>, round: u32) -> Option<f64> {
    let together = |a, b| {
        let (a, b) = together(a, b, round)?;
        let rate = |it: &Slice| it.replies as f64 / it.length_ns as f64;
        stats::of_slices(&pairs(a, b, rate)?)
    };
    together(a.cell, b.cell).or_else(|| {
        let reference = a.reference?;
        Some(together(a.cell, reference)? - together(b.cell, reference)?)
    })
}

/// By how much the generator's CPU time a reply, a / b, lies off over all slices from what it is slice by slice.
fn disturbance(a: &Cell<'_>, b: &Cell<'_>, round: u32) -> Option<f64> {
    let (a, b) = together(a, b, round)?;
    let cost = |it: &Slice| it.generator_cpu_ns as f64 / it.replies as f64;
    let total = |pass: &Pass| {
        let sum = |of: fn(&Slice) -> u64| pass.slices.iter().map(of).sum::<u64>() as f64;
        sum(|it| it.generator_cpu_ns) / sum(|it| it.replies)
    };
    let off = (total(a) / total(b)).ln() - stats::of_slices(&pairs(a, b, cost)?)?;
    Some(off).filter(|it| it.is_finite())
}

/// The passes of two in the block of this round in which both were alive, if there is one.
fn together<'a>(a: &Cell<'a>, b: &Cell<'a>, round: u32) -> Option<(&'a Pass, &'a Pass)> {
    let (ours, theirs) = (a.passes_of(round), b.passes_of(round));
    let mut pairs_of_passes = ours
        .iter()
        .flat_map(|a| theirs.iter().map(move |b| (*a, *b)));
    pairs_of_passes.find(|(a, b)| a.block == b.block)
}

/// The logarithms of the ratios of what slices have, slice by slice.
fn pairs(a: &Pass, b: &Pass, of: impl Fn(&Slice) -> f64) -> Option<Vec<f64>> {
    let alike = a.slices.len() == b.slices.len();
    let slices = a.slices.iter().zip(&b.slices);
    let ratios = slices.map(|(a, b)| (of(a) / of(b)).ln());
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

    /// A burst that takes CPU time from generator and server in a few slices of one of the two.
    #[test]
    fn what_a_burst_costs_the_server_is_seen_in_the_generator_and_taken_out() {
        let mut results = fixture::results();
        results.passes.retain(|pass| pass.scenario == "rr-50");
        for pass in &mut results.passes {
            // Six slices are few: without noise, so that the burst alone is what their middle leaves out.
            let replies = pass.slices[0].replies;
            pass.slices.iter_mut().for_each(|it| it.replies = replies);
        }
        let round = results.passes.clone();
        let mut later = round.clone();
        later.iter_mut().for_each(|pass| pass.round += 5);
        results.passes.extend(later);
        let of = |results: &Results| {
            let cells = cells::cells(results);
            let member = |name: &str| {
                let mut of = cells.iter().filter(|it| it.scenario.name == "rr-50");
                let cell = of.find(|it| it.contender == name).expect(name);
                Member::of(&cells, cell, CPU, "event-loop").expect("figures")
            };
            let found = logarithms(&member("event-loop"), &member("prefork"), CPU);
            let found = found.expect("above zero");
            let mean = found.iter().sum::<f64>() / found.len() as f64;
            let squares: f64 = found.iter().map(|it| (it - mean).powi(2)).sum();
            (found.len(), mean, squares.sqrt())
        };
        let (rounds, calm, spread) = of(&results);
        assert_eq!(rounds, 10);
        for (number, pass) in (1..).zip(&mut results.passes) {
            let whole: u64 = pass.slices.iter().map(|it| it.generator_cpu_ns).sum();
            let burst = whole / 100 * (number * 7 % 11);
            pass.slices[0].generator_cpu_ns += burst;
            let usage = &mut pass.usage;
            let (Some(before), Some(after)) = (&usage.before, &mut usage.after) else {
                panic!("no usage")
            };
            let spent = after.cpu_ns - before.cpu_ns;
            after.cpu_ns += spent / 100 * (number * 7 % 11);
        }
        let (_, mended, wider) = of(&results);
        assert!((mended - calm).abs() < 0.001, "{calm} {mended}");
        assert!(wider < spread + 0.001, "{spread} {wider}");
    }

    #[test]
    fn nothing_by_nothing_is_no_pair() {
        let results = fixture::results();
        let mut passes = results.passes.iter().filter(|pass| !pass.slices.is_empty());
        let mut a = passes.next().expect("a sliced pass").clone();
        let rate = |it: &Slice| it.replies as f64 / it.length_ns as f64;
        let whole = pairs(&a, &a, rate).expect("together").len();
        a.slices[0].replies = 0;
        let left = pairs(&a, &a, rate).expect("together");
        assert_eq!(left.len(), whole - 1);
        assert!(left.iter().all(|it| *it == 0.0), "{left:?}");
    }
}
