//! Metrics of claims and papers alone: no table has them, for they need another cell, or say little by themselves.

use hdrhistogram::Histogram;
use record::{Pass, Scenario};

use crate::cells::Cell;
use crate::figures;
use crate::latency::{self, Span};
use crate::ledger::Ledger;
use crate::{estimates, queueing};

/// All of them.
#[cfg(test)]
pub(crate) const OWN: [&str; 10] = [
    "errors_share",
    "ledger_share_switches",
    "cpu_us_over_iterative",
    "response_ns_mean",
    "response_ns_deviation",
    "response_ns_max",
    "queue_mg1_p90",
    "queue_mg1_p99",
    "queue_mmc_p90",
    "queue_mmc_p99",
];

type Rounds = Result<Vec<(u32, f64)>, String>;

/// A figure of a pass, or why there is none.
type OfPass<'a> = &'a dyn Fn(&Pass, &Scenario) -> Result<f64, &'static str>;

/// A metric of each round, if it is one of these.
pub(super) fn by_round(
    cells: &[Cell<'_>],
    ledger: &Ledger<'_, '_>,
    cell: &Cell<'_>,
    metric: &str,
) -> Option<Rounds> {
    Some(match metric {
        "errors_share" => of_passes(cell, &failed_share),
        "ledger_share_switches" => ledger.share_of_switches(cell),
        "cpu_us_over_iterative" => over_iterative(cells, cell),
        "response_ns_mean" => of_responses(cell, Histogram::mean),
        "response_ns_deviation" => of_responses(cell, Histogram::stdev),
        "response_ns_max" => of_responses(cell, |all| all.max() as f64),
        "queue_mg1_p90" => of_theory(cells, cell, true, 0.9, "response_ns_p90"),
        "queue_mg1_p99" => of_theory(cells, cell, true, 0.99, "response_ns_p99"),
        "queue_mmc_p90" => of_theory(cells, cell, false, 0.9, "response_ns_p90"),
        "queue_mmc_p99" => of_theory(cells, cell, false, 0.99, "response_ns_p99"),
        _ => return None,
    })
}

pub(super) fn of_passes(cell: &Cell<'_>, figure: OfPass<'_>) -> Rounds {
    let passes = cell.figures().iter();
    figures::of_rounds(passes.map(|pass| (pass.round, figure(pass, cell.scenario))))
}

/// Of the requests that were sent.
fn failed_share(pass: &Pass, _: &Scenario) -> Result<f64, &'static str> {
    match pass.requests.sent {
        0 => Err("no request was sent"),
        sent => Ok(figures::errors(pass) as f64 / sent as f64),
    }
}

/// Of response times.
fn of_responses(cell: &Cell<'_>, figure: impl Fn(&Histogram<u64>) -> f64) -> Rounds {
    of_passes(cell, &|pass, scenario| {
        latency::of_pass(pass, scenario, Span::Response, &figure)
            .ok_or("no latencies were recorded")
    })
}

/// CPU time per request beyond that of the iterative server in the same round: what process control takes.
fn over_iterative(cells: &[Cell<'_>], cell: &Cell<'_>) -> Rounds {
    const CPU: &str = "cpu_us_per_request";
    let mut all = cells.iter();
    let base = all.find(|it| it.contender == "iterative" && it.scenario.name == cell.scenario.name);
    let base = base.ok_or("iterative took no part")?;
    let base = estimates::by_round(cells, base, CPU)?;
    let own = estimates::by_round(cells, cell, CPU)?;
    let beyond = own.into_iter().filter_map(|(round, figure)| {
        let (_, base) = base.iter().find(|(other, _)| *other == round)?;
        Some((round, figure - base))
    });
    Ok(beyond.collect())
}

/// A percentile of response times over what queueing theory expects of it.
fn of_theory(
    cells: &[Cell<'_>],
    cell: &Cell<'_>,
    general: bool,
    share: f64,
    metric: &str,
) -> Rounds {
    let expected = queueing::measured::expected(cells, cell)?;
    let found = match general {
        true => expected
            .general(&[share])
            .ok_or("more than one serve: M/G/1 has one server")?,
        false => expected.markov(&[share]),
    };
    let expected = found
        .first()
        .copied()
        .flatten()
        .ok_or("theory has no such percentile")?;
    let rounds = estimates::by_round(cells, cell, metric)?;
    Ok(rounds
        .into_iter()
        .map(|(round, figure)| (round, figure / expected))
        .collect())
}
