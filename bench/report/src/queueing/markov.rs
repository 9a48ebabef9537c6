//! M/M/c: arrivals at random, exponential service times, c servers behind one queue; M/M/1 is its case of one.

use super::passes;

/// One such system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Markov {
    /// Of arrivals, per unit of time.
    rate: f64,
    /// Of a service.
    mean: f64,
    servers: u32,
    /// That an arrival has to wait.
    waits: f64,
}

impl Markov {
    /// `None` where arrivals are more than the servers can carry, or nothing is.
    pub fn new(rate: f64, mean: f64, servers: u32) -> Option<Self> {
        let waits = erlang_c(rate * mean, servers)?;
        Some(Markov {
            rate,
            mean,
            servers,
            waits,
        })
    }

    /// The share of responses that are over after so long a time.
    pub fn responded(&self, time: f64) -> f64 {
        let own = (-time / self.mean).exp();
        // How much faster the queue drains than a service ends, in services.
        let spare = f64::from(self.servers) - self.rate * self.mean - 1.0;
        let steps = time / self.mean;
        let waited = match spare.abs() < 1e-9 {
            true => steps,
            false => (1.0 - (-spare * steps).exp()) / spare,
        };
        1.0 - own * (1.0 + self.waits * waited)
    }

    /// The response time that such a share stays below.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        passes(|time| self.responded(time), share, self.mean)
    }

    /// The mean wait before the service begins.
    #[cfg(test)]
    pub fn mean_wait(&self) -> f64 {
        self.waits * self.mean / (f64::from(self.servers) - self.rate * self.mean)
    }
}

/// Erlang's C: how likely an arrival finds all `servers` busy, of `offered` erlangs; `None` where these are no less.
fn erlang_c(offered: f64, servers: u32) -> Option<f64> {
    let count = f64::from(servers);
    if servers == 0 || !offered.is_finite() || offered <= 0.0 || offered >= count {
        return None;
    }
    // Erlang's B by its recursion, in which nothing overflows.
    let blocked = (1..=servers).fold(1.0, |blocked, n| {
        let carried = offered * blocked;
        carried / (f64::from(n) + carried)
    });
    Some(blocked / (1.0 - offered / count * (1.0 - blocked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 2e-4 * b.abs().max(1e-9), "{a} is not {b}");
    }

    #[test]
    fn erlangs_c_is_that_of_the_tables() {
        close(erlang_c(0.5, 1).expect("a share"), 0.5);
        close(erlang_c(1.0, 2).expect("a share"), 1.0 / 3.0);
        close(erlang_c(4.0, 5).expect("a share"), 0.554_113);
        close(erlang_c(8.0, 10).expect("a share"), 0.409_180);
        for (offered, servers) in [
            (1.0, 1),
            (2.0, 1),
            (0.0, 3),
            (-1.0, 3),
            (1.0, 0),
            (f64::NAN, 2),
        ] {
            assert_eq!(erlang_c(offered, servers), None, "{offered} {servers}");
        }
    }

    #[test]
    fn one_server_responds_exponentially() {
        // λ = 0.8, μ = 1: the response is exponential with mean 1 / (μ - λ) = 5.
        let one = Markov::new(0.8, 1.0, 1).expect("it keeps up");
        close(one.mean_wait(), 4.0);
        close(one.quantile(0.9).expect("a time"), 5.0 * 10_f64.ln());
        close(one.quantile(0.99).expect("a time"), 5.0 * 100_f64.ln());
    }

    #[test]
    fn two_servers_wait_a_third_of_a_service_at_half_the_load() {
        // λ = 1, μ = 1, c = 2: W_q = C / (cμ - λ) = 1/3; here spare = 0.
        let two = Markov::new(1.0, 1.0, 2).expect("it keeps up");
        close(two.mean_wait(), 1.0 / 3.0);
        // 1 - e^-t (1 + t/3)
        close(
            two.responded(2.0),
            1.0 - (-2.0_f64).exp() * (1.0 + 2.0 / 3.0),
        );
        // The mean of the response is the integral of what is not over: W_q + 1/μ.
        let step = 1e-3;
        let mean: f64 = (0..60_000)
            .map(|n| (1.0 - two.responded((f64::from(n) + 0.5) * step)) * step)
            .sum();
        close(mean, 4.0 / 3.0);
    }
}
