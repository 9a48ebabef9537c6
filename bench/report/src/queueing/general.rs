//! M/G/1: arrivals at random, service times of any distribution, one server.

/// Steps of the grid in a mean service time.
const STEPS: f64 = 50.0;
/// Steps at most: a tail that is longer is not looked for.
const MOST: usize = 8_000;

/// Service times as they were measured.
#[derive(Clone, Debug)]
pub(crate) struct General {
    /// Ascending, each with the share of services that take as long or less.
    times: Vec<(f64, f64)>,
    mean: f64,
}

impl General {
    /// Of times, each with how often it was seen; `None` without any.
    pub fn new(seen: impl IntoIterator<Item = (f64, u64)>) -> Option<Self> {
        let mut seen: Vec<(f64, u64)> = seen
            .into_iter()
            .filter(|(time, count)| time.is_finite() && *time >= 0.0 && *count > 0)
            .collect();
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all = seen.iter().map(|(_, count)| *count).sum::<u64>() as f64;
        let mean = seen
            .iter()
            .map(|(time, count)| time * *count as f64)
            .sum::<f64>()
            / all;
        let mut so_far = 0;
        let times = seen.iter().map(|(time, count)| {
            so_far += count;
            (*time, so_far as f64 / all)
        });
        let times: Vec<(f64, f64)> = times.collect();
        (mean > 0.0).then_some(General { times, mean })
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The share of services that take as long or less.
    fn served(&self, time: f64) -> f64 {
        let at = self.times.partition_point(|(own, _)| *own <= time);
        at.checked_sub(1).map_or(0.0, |at| self.times[at].1)
    }

    /// The mean wait at a rate, by Pollaczek and Khinchine.
    #[cfg(test)]
    pub fn mean_wait(&self, rate: f64) -> f64 {
        let mut before = 0.0;
        let second: f64 = self
            .times
            .iter()
            .map(|(time, share)| {
                let own = share - before;
                before = *share;
                own * time * time
            })
            .sum();
        rate * second / (2.0 * (1.0 - rate * self.mean))
    }

    /// Response times at a rate that these shares (ascending) stay below; `None` beyond what the server can carry, or for a
    /// tail that is too long to be reckoned.
    pub fn quantiles(&self, rate: f64, shares: &[f64]) -> Vec<Option<f64>> {
        let load = rate * self.mean;
        if !(load > 0.0 && load < 1.0) {
            return vec![None; shares.len()];
        }
        let mut grid = Grid::new(self, load);
        shares.iter().map(|share| grid.reaches(*share)).collect()
    }
}

/// Waits and responses, in steps of time.
struct Grid<'a> {
    service: &'a General,
    step: f64,
    load: f64,
    /// What is left of the service that an arrival finds, by step.
    residual: Vec<f64>,
    /// The wait: a geometric number of residuals, added up.
    wait: Vec<f64>,
    /// The share of responses that are over at the end of the last step.
    over: f64,
}

impl<'a> Grid<'a> {
    fn new(service: &'a General, load: f64) -> Self {
        let mut grid = Grid {
            service,
            step: service.mean / STEPS,
            load,
            residual: Vec::new(),
            wait: Vec::new(),
            over: 0.0,
        };
        grid.add();
        grid
    }

    /// One step further.
    fn add(&mut self) {
        let at = self.wait.len();
        let middle = at as f64 * self.step;
        // A residual's density is what is not over of a service, by its mean; a step about its middle holds this much of it.
        let from = (middle - self.step / 2.0).max(0.0);
        let to = middle + self.step / 2.0;
        let quarters = [0.125, 0.375, 0.625, 0.875].map(|part| from + part * (to - from));
        let left: f64 = quarters
            .iter()
            .map(|time| 1.0 - self.service.served(*time))
            .sum::<f64>()
            / 4.0;
        self.residual.push(left * (to - from) / self.service.mean);
        let first = 1.0 - self.load * self.residual[0];
        let share = match at {
            0 => (1.0 - self.load) / first,
            _ => {
                let pairs = self.residual[1..].iter().zip(self.wait.iter().rev());
                self.load * pairs.map(|(residual, wait)| residual * wait).sum::<f64>() / first
            }
        };
        self.wait.push(share);
        let end = middle + self.step / 2.0;
        self.over = self
            .wait
            .iter()
            .enumerate()
            .map(|(at, share)| share * self.service.served(end - at as f64 * self.step))
            .sum();
    }

    /// The first time at which so many responses are over.
    fn reaches(&mut self, share: f64) -> Option<f64> {
        while self.over < share {
            if self.wait.len() >= MOST || share >= 1.0 {
                return None;
            }
            self.add();
        }
        Some((self.wait.len() as f64 - 0.5) * self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queueing::Markov;

    /// Within so many steps of the grid.
    fn close(found: Option<f64>, expected: f64, mean: f64) {
        let found = found.expect("a time");
        assert!(
            (found - expected).abs() <= 2.5 * mean / STEPS + 0.01 * expected,
            "{found} is not {expected}"
        );
    }

    fn constant() -> General {
        General::new([(1.0, 1)]).expect("a service")
    }

    /// Exponential, in thousandths.
    fn exponential() -> General {
        let quantile = |n: u32| -(1.0 - (f64::from(n) + 0.5) / 10_000.0).ln();
        General::new((0..10_000).map(|n| (quantile(n), 1))).expect("a service")
    }

    #[test]
    fn the_mean_wait_is_pollaczek_and_khinchines() {
        // M/D/1 waits half as long as M/M/1: ρ / (2 (1 - ρ)) services.
        assert!((constant().mean_wait(0.8) - 2.0).abs() < 1e-9);
        assert!((exponential().mean_wait(0.8) - 4.0).abs() < 0.05);
        // One in two takes 1, one in two 3: E S² = 5, at λ = 0.25 that is 0.25 · 5 / (2 · 0.5).
        let two = General::new([(3.0, 5), (1.0, 5)]).expect("a service");
        assert!((two.mean() - 2.0).abs() < 1e-12);
        assert!((two.mean_wait(0.25) - 1.25).abs() < 1e-9);
    }

    #[test]
    fn exponential_services_respond_as_one_markov_server_does() {
        let service = exponential();
        for rate in [0.3, 0.8] {
            let markov = Markov::new(rate, 1.0, 1).expect("it keeps up");
            let found = service.quantiles(rate, &[0.5, 0.9, 0.99]);
            for (found, share) in found.into_iter().zip([0.5, 0.9, 0.99]) {
                close(found, markov.quantile(share).expect("a time"), 1.0);
            }
        }
    }

    #[test]
    fn constant_services_wait_as_erlang_said() {
        // M/D/1 (Erlang 1909): P(W ≤ t) = (1 - ρ) Σ (-ρ (t - k))^k / k! e^(ρ (t - k)), k up to t; here ρ = 0.5.
        let waited = |t: f64| {
            let term = |k: i32| {
                let past = 0.5 * (t - f64::from(k));
                let factorial: f64 = (1..=k).map(f64::from).product();
                (-past).powi(k) / factorial * past.exp()
            };
            0.5 * (0..=t.floor() as i32).map(term).sum::<f64>()
        };
        assert!((waited(1.0) - 0.824_36).abs() < 1e-4);
        for time in [0.5, 1.0, 1.7, 2.5] {
            let found = constant().quantiles(0.5, &[waited(time)]);
            close(found[0], time + 1.0, 1.0);
        }
        // Half of the arrivals find nobody.
        close(constant().quantiles(0.5, &[0.49])[0], 1.0, 1.0);
    }

    #[test]
    fn what_cannot_be_carried_has_no_response_time() {
        assert_eq!(constant().quantiles(1.0, &[0.5]), [None]);
        assert_eq!(constant().quantiles(0.0, &[0.5]), [None]);
        assert_eq!(constant().quantiles(0.5, &[1.0]), [None]);
        assert!(General::new([]).is_none() && General::new([(0.0, 3)]).is_none());
    }
}
