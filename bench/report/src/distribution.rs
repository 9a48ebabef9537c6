//! How connections and requests are spread over the processes that serve them.
//!
//! Evenness is Jain's index, (Σx)² / (n Σx²) (Jain, Chiu and Hawe 1984): 1 when all n have as much, 1 / n when one
//! has everything. It ends at processes: which thread of a process serves whom nobody outside can see.

use record::Pass;
use record::pass::Worker;

use crate::figures::Figure;
use crate::latency::BEYOND;

/// The processes that serve. The one that was launched counts when it serves, too, or alone.
pub(crate) fn workers(pass: &Pass) -> Vec<&Worker> {
    let all = pass.by_worker.iter();
    let alone = pass.by_worker.len() == 1;
    all.filter(|worker| alone || !worker.root || worker.connections > 0)
        .collect()
}

fn several(pass: &Pass) -> Result<Vec<&Worker>, &'static str> {
    match workers(pass) {
        none if none.is_empty() => Err("who held which connection was not told"),
        one if one.len() == 1 => Err("one process serves everybody"),
        several => Ok(several),
    }
}

/// Jain's index of what each worker has.
pub(crate) fn evenness(pass: &Pass, of: fn(&Worker) -> f64) -> Figure {
    let shares: Vec<f64> = several(pass)?.into_iter().map(of).collect();
    jain(&shares).ok_or("nobody was served")
}

/// How many processes beside the one that was launched have a descriptor of a listening socket.
pub(crate) fn listening(pass: &Pass) -> Figure {
    if pass.by_worker.is_empty() {
        return Err("it was not looked at");
    }
    let workers = pass.by_worker.iter().filter(|it| !it.root);
    Ok(workers.filter(|it| !it.listens.is_empty()).count() as f64)
}

fn jain(shares: &[f64]) -> Option<f64> {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|it| it * it).sum();
    (squares > 0.0).then(|| sum * sum / (shares.len() as f64 * squares))
}

/// The share of all requests that each worker answered, the busiest first.
pub(crate) fn shares(pass: &Pass) -> Vec<f64> {
    let mut replies: Vec<u64> = workers(pass).iter().map(|it| it.replies).collect();
    replies.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
    let all: u64 = replies.iter().sum();
    replies
        .iter()
        .map(|count| *count as f64 / all.max(1) as f64)
        .collect()
}

/// The share of all requests that the busiest worker answered.
pub(crate) fn busiest(pass: &Pass) -> Figure {
    several(pass)?;
    let most = shares(pass).first().copied();
    most.filter(|share| *share > 0.0).ok_or("nobody was served")
}

/// The p99 of the worker whose clients waited least.
pub(crate) fn fastest(pass: &Pass) -> Figure {
    waits(pass)?.into_iter().reduce(f64::min).ok_or(TOO_FEW)
}

/// The p99 of the worker whose clients waited longest.
pub(crate) fn slowest(pass: &Pass) -> Figure {
    waits(pass)?.into_iter().reduce(f64::max).ok_or(TOO_FEW)
}

const TOO_FEW: &str = "no worker answered enough requests for a p99";

/// The p99 of each worker that answered enough for one.
fn waits(pass: &Pass) -> Result<Vec<f64>, &'static str> {
    let histograms = several(pass)?
        .into_iter()
        .filter_map(|it| it.service.decode().ok());
    let enough = histograms.filter(|it| it.len() as f64 * 0.01 >= BEYOND);
    Ok(enough.map(|it| it.value_at_quantile(0.99) as f64).collect())
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use proptest::prelude::*;
    use record::histogram::{Encoded, coarse_latencies};

    use super::*;
    use crate::fixture;

    fn worker(root: bool, connections: u32, replies: u64, ns: u64) -> Worker {
        let mut service: Histogram<u64> = coarse_latencies();
        service.record_n(ns, replies).expect("in range");
        Worker {
            pid: 1,
            root,
            listens: Vec::new(),
            connections,
            replies,
            threads_cpu_ns: vec![0],
            service: Encoded::new(&service),
        }
    }

    fn pass(by_worker: Vec<Worker>) -> Pass {
        let mut pass = fixture::results().passes.remove(0);
        pass.by_worker = by_worker;
        pass
    }

    #[test]
    fn a_master_that_serves_nobody_is_no_worker() {
        let idle = worker(true, 0, 0, 1);
        let two = pass(vec![
            idle,
            worker(false, 30, 3_000, 100),
            worker(false, 10, 1_000, 5_000),
        ]);
        assert_eq!(evenness(&two, |it| f64::from(it.connections)), Ok(0.8));
        assert_eq!(busiest(&two), Ok(0.75));
        assert_eq!(fastest(&two), Ok(100.0));
        let slow = slowest(&two).expect("enough replies");
        assert!((slow / 5_000.0 - 1.0).abs() < 0.01, "{slow}");
        let serving = worker(true, 10, 1_000, 100);
        let parent = pass(vec![serving, worker(false, 10, 1_000, 100)]);
        assert_eq!(evenness(&parent, |it| it.replies as f64), Ok(1.0));
    }

    #[test]
    fn what_is_not_known_is_said() {
        assert!(evenness(&pass(Vec::new()), |_| 1.0).is_err());
        let alone = pass(vec![worker(true, 5, 100, 100)]);
        assert_eq!(busiest(&alone), Err("one process serves everybody"));
        let few = pass(vec![worker(false, 1, 999, 100), worker(false, 1, 10, 100)]);
        assert_eq!(slowest(&few), Err(TOO_FEW));
    }

    proptest! {
        #[test]
        fn jain_lies_between_one_nth_and_one(shares in prop::collection::vec(0.0_f64..1e6, 1..40)) {
            match jain(&shares) {
                None => prop_assert!(shares.iter().all(|it| *it == 0.0)),
                Some(index) => {
                    let least = 1.0 / shares.len() as f64;
                    prop_assert!((least - 1e-9..=1.0 + 1e-9).contains(&index), "{index}");
                }
            }
        }
    }
}
