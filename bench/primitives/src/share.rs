//! The share lab: tasks that all have work, on one CPU. Each spins and reads the clock; where the clock jumps, it did
//! not run. So each knows its own stays on the CPU, and from those follow its share of every tenth of a second, how
//! long a stay is, and how long 5 ms of work take.
//!
//! It ends at what the clock can tell: an interruption shorter than [`GAP_NS`] is no end of a stay, and what a
//! hypervisor took in the middle of one looks like another task's turn.

use std::sync::Barrier;

use measure::LabAsked;
use record::histogram::latencies;
use record::{Encoded, Findings};

use crate::Nothing;
use crate::sys::spawn::now_ns;

/// Every mechanism, in the order of tables: name and title.
pub const MECHANISMS: &[(&str, &str)] = &[("busy-threads", "threads that all have work")];

/// The clock has jumped: somebody else ran.
const GAP_NS: u64 = 100_000;
/// A piece of work: so much time on the CPU.
const WORK_NS: u64 = 5_000_000;
/// Over which shares are compared.
const BIN_NS: u64 = 100_000_000;

/// Measures one.
///
/// # Errors
/// When threads cannot be started.
pub fn measure(asked: &LabAsked) -> Result<Findings, Nothing> {
    let lab = &asked.lab;
    crate::lab::stay_on(&asked.cpus, lab.placement)?;
    if asked.mechanism != MECHANISMS[0].0 {
        return Err(crate::lab::unknown(&asked.mechanism));
    }
    let tasks = lab.tasks.unwrap_or(2) as usize;
    let length = crate::spawn::nanos(lab.window).max(BIN_NS);
    let (begin, warmup) = (Barrier::new(tasks), crate::spawn::nanos(lab.warmup));
    let lives = std::thread::scope(|scope| {
        let life = || {
            begin.wait();
            Life::until(now_ns() + warmup + length)
        };
        let threads: Vec<_> = (0..tasks).map(|_| scope.spawn(life)).collect();
        let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.collect::<Result<Vec<Life>, _>>()
    });
    let lives = lives.map_err(|_| Nothing {
        outcome: record::Outcome::Crashed,
        text: "a thread panicked".to_owned(),
        errno: None,
    })?;
    Ok(findings(&lives, warmup, length))
}

/// When a task ran.
struct Life {
    begun: u64,
    /// From, to.
    stays: Vec<(u64, u64)>,
    /// What each piece of work took.
    works: Vec<u64>,
}

impl Life {
    /// Spins.
    fn until(end: u64) -> Self {
        let begun = now_ns();
        let mut life = Life {
            begun,
            stays: Vec::with_capacity(4096),
            works: Vec::with_capacity(1024),
        };
        let (mut from, mut last) = (begun, begun);
        let (mut work_from, mut worked) = (begun, 0);
        while last < end {
            let now = now_ns();
            if now - last > GAP_NS {
                life.stays.push((from, last));
                from = now;
            } else {
                worked += now - last;
            }
            if worked >= WORK_NS {
                life.works.push(now - work_from);
                (work_from, worked) = (now, 0);
            }
            last = now;
        }
        life.stays.push((from, last));
        life
    }

    /// Of an interval.
    fn ran(&self, from: u64, to: u64) -> f64 {
        let parts = self.stays.iter();
        let parts = parts.map(|stay| stay.1.min(to).saturating_sub(stay.0.max(from)));
        parts.sum::<u64>() as f64
    }
}

/// (Σ x)² / (n Σ x²): 1 when all have the same, 1/n when one has all.
fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|it| it * it).sum();
    sum * sum / (shares.len() as f64 * squares)
}

fn findings(lives: &[Life], warmup: u64, length: u64) -> Findings {
    let from = lives.iter().map(|it| it.begun).max().unwrap_or(0) + warmup;
    let index = |from: u64, to: u64| {
        let shares: Vec<f64> = lives.iter().map(|life| life.ran(from, to)).collect();
        jain(&shares)
    };
    let bins = length / BIN_NS;
    let mut by_bin: Vec<f64> = (0..bins)
        .map(|bin| index(from + bin * BIN_NS, from + (bin + 1) * BIN_NS))
        .collect();
    by_bin.sort_by(f64::total_cmp);
    let (mut stays, mut works) = (latencies(), latencies());
    for life in lives {
        // The first and the last were cut off.
        let whole = life.stays.iter().skip(1).rev().skip(1);
        whole
            .filter(|stay| stay.0 >= from)
            .for_each(|stay| stays.saturating_record((stay.1 - stay.0).max(1)));
        life.works
            .iter()
            .for_each(|taken| works.saturating_record((*taken).max(1)));
    }
    let figures = [
        ("jain_cpu", index(from, from + length)),
        ("jain_cpu_per_100ms", by_bin[by_bin.len() / 2]),
    ];
    let distributions = [("stay_ns", &stays), ("work_ns", &works)];
    Findings {
        times: works.len(),
        verified: works.len(),
        figures: figures.map(|(name, value)| (name.to_owned(), value)).into(),
        histograms: distributions
            .map(|(name, histogram)| (name.to_owned(), Encoded::new(histogram)))
            .into(),
        ..Findings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(stays: &[(u64, u64)]) -> Life {
        Life {
            begun: 0,
            stays: stays.to_vec(),
            works: Vec::new(),
        }
    }

    #[test]
    fn shares_follow_from_stays() {
        let ms = 1_000_000;
        // One runs all of the first tenth, the other all of the second: uneven in each, even in all.
        let turns = [life(&[(0, 100 * ms)]), life(&[(100 * ms, 200 * ms)])];
        let found = findings(&turns, 0, 200 * ms).figures;
        assert!((found["jain_cpu"] - 1.0).abs() < 1e-9);
        assert!((found["jain_cpu_per_100ms"] - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_stay_that_was_cut_off_is_no_stay() {
        let three = life(&[(0, 5_000), (300_000, 303_000), (600_000, 601_000)]);
        let found = findings(&[three], 0, BIN_NS);
        let stays = found.histograms["stay_ns"].decode().expect("stored");
        assert_eq!(stays.len(), 1);
        assert!((2_990..3_010).contains(&stays.max()), "{}", stays.max());
    }
}
