//! A measured cell beside what theory expects of it: its idle twin (one client, everything else alike) gives the service
//! times, its own rate the arrivals.

use record::{Pace, Workers};

use super::{General, Markov};
use crate::cells::Cell;
use crate::latency::{self, Span};

/// What theory expects of a cell with a rate.
pub(crate) struct Expected {
    service: General,
    /// Per nanosecond.
    rate: f64,
    markov: Markov,
    /// Who serve at the same time.
    pub servers: u32,
    /// The share of the time that they are busy.
    pub load: f64,
}

/// What is expected of `cell`, by the service times of its idle twin.
///
/// # Errors
/// Why nothing is.
pub(crate) fn expected(cells: &[Cell<'_>], cell: &Cell<'_>) -> Result<Expected, String> {
    let scenario = cell.scenario;
    let rate = scenario
        .rate_per_s(cell.contender)
        .ok_or("only with a rate is there a queue to foretell")?;
    let twin = cells.iter().find(|it| is_twin(it, cell));
    let twin =
        twin.ok_or("no scenario of one client shows what a request takes on an idle server")?;
    let seen = latency::whole(twin, Span::Response)?.ok_or("the idle server has no latencies")?;
    let seen = seen
        .iter_recorded()
        .map(|step| (step.value_iterated_to() as f64, step.count_at_value()));
    let service = General::new(seen).ok_or("the idle server has no latencies")?;
    let servers = match scenario.workers {
        Workers::Number(number) => number,
        _ => 1,
    };
    let rate = rate / 1e9;
    let too_much = || {
        format!(
            "{:.2} of what it can carry, by the idle server's times: no queue is foretold",
            rate * service.mean() / f64::from(servers)
        )
    };
    let markov = Markov::new(rate, service.mean(), servers).ok_or_else(too_much)?;
    Ok(Expected {
        load: rate * service.mean() / f64::from(servers),
        service,
        rate,
        markov,
        servers,
    })
}

/// One client that asks again at once, and in all else the same.
fn is_twin(twin: &Cell<'_>, cell: &Cell<'_>) -> bool {
    let (one, many) = (twin.scenario, cell.scenario);
    let alike = (
        &one.work,
        one.workload,
        one.workers,
        one.message,
        one.server_cpus,
    );
    twin.contender == cell.contender
        && one.connections == 1
        && one.pace == Pace::Closed
        && one.think.is_zero()
        && alike
            == (
                &many.work,
                many.workload,
                many.workers,
                many.message,
                many.server_cpus,
            )
}

impl Expected {
    /// Response times in nanoseconds that these shares (ascending) stay below, by M/M/c.
    pub fn markov(&self, shares: &[f64]) -> Vec<Option<f64>> {
        shares
            .iter()
            .map(|share| self.markov.quantile(*share))
            .collect()
    }

    /// The same by M/G/1; `None` where more than one serve.
    pub fn general(&self, shares: &[f64]) -> Option<Vec<Option<f64>>> {
        (self.servers == 1).then(|| self.service.quantiles(self.rate, shares))
    }
}

#[cfg(test)]
mod tests {
    use record::histogram::{Encoded, latencies};
    use record::{Results, Scenario};

    use super::*;
    use crate::{cells, fixture};

    /// The invented run with rates, in which one client of an idle server waits for 200 µs each time.
    fn with_twin() -> Results {
        let mut results = fixture::steady_of(6);
        let steady = results.run.suite.scenarios[0].clone();
        results.run.suite.scenarios.push(Scenario {
            name: "alone".to_owned(),
            pace: Pace::Closed,
            connections: 1,
            ..steady.clone()
        });
        let mut spread = latencies();
        spread.saturating_record_n(200_000, 10_000);
        let stored = Some(Encoded::new(&spread));
        let own = results
            .passes
            .iter()
            .filter(|it| it.scenario == steady.name);
        let twins: Vec<record::Pass> = own
            .map(|pass| {
                let mut twin = pass.clone();
                twin.scenario = "alone".to_owned();
                twin.histograms.response.clone_from(&stored);
                twin.histograms.service.clone_from(&stored);
                twin
            })
            .collect();
        results.passes.extend(twins);
        results
    }

    #[test]
    fn the_idle_twin_foretells_the_response_times() {
        let results = with_twin();
        let cells = cells::cells(&results);
        let cell = cells
            .iter()
            .find(|it| it.contender == "event-loop" && it.scenario.name == "steady-2000");
        let theory = expected(&cells, cell.expect("invented")).expect("a twin");
        // 2,000 a second of 200 µs: 0.4 of one server.
        assert!((theory.load - 0.4).abs() < 0.01, "{}", theory.load);
        let markov = theory.markov(&[0.5])[0].expect("a time");
        assert!(
            (markov / (0.2e6 / 0.6 * 2_f64.ln()) - 1.0).abs() < 0.01,
            "{markov}"
        );
        // Three of five find nobody, so that the median waits for nothing.
        let general = theory.general(&[0.5]).expect("one server")[0].expect("a time");
        assert!((general / 0.2e6 - 1.0).abs() < 0.05, "{general}");
    }

    #[test]
    fn without_a_twin_or_a_rate_nothing_is_foretold() {
        let results = fixture::steady_of(6);
        let cells = cells::cells(&results);
        let why = |scenario: &str| {
            let cell = cells
                .iter()
                .find(|it| it.contender == "event-loop" && it.scenario.name == scenario);
            expected(&cells, cell.expect("invented"))
                .err()
                .expect("nothing")
        };
        assert!(why("steady-2000").contains("one client"));
        assert!(why("stream-16").contains("only with a rate"));
    }
}
