//! A search for capacities: the promise that a rate must keep, and the probes by which it is tried.
//!
//! Rates stand on a ladder of 3 % steps that is the same for everybody, so that the probes of different
//! contenders are scenarios that they share. It ends at scenarios: which rung is tried next is found elsewhere.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::{Measure, Placing, Scenario, TIMEOUT};
use crate::workers::Workers;
use crate::workload::{Pace, Workload};

/// The ratio of two neighbouring rates.
pub const STEP: f64 = 1.03;
/// Looks at one rate in a round, at most: two that agree decide.
pub const VOTES: u32 = 3;
/// The longest look.
const WINDOW_MAX: Duration = Duration::from_secs(10);
/// Samples that lie beyond the promised percentile in every look.
const BEYOND: f64 = 15.0;

/// A promise: this share of the requests is answered within that time of when it was due.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Slo {
    /// 0.99 is p99.
    pub quantile: f64,
    /// Of response times.
    pub limit: Duration,
}

impl FromStr for Slo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (percentile, limit) = text
            .split_once('=')
            .ok_or("it wants a percentile and a time, as in p99=10ms")?;
        let number = percentile.trim().strip_prefix('p');
        let quantile = number
            .and_then(|number| number.parse::<f64>().ok())
            .filter(|percent| (1.0..=99.9).contains(percent))
            .ok_or("its percentile is p50, p90, p99 or p99.9, as in p99=10ms")?;
        let limit = humantime::parse_duration(limit.trim())
            .map_err(|error| format!("its time is none ({error}); p99=10ms"))?;
        if limit.is_zero() {
            return Err("nobody answers in no time; p99=10ms".to_owned());
        }
        Ok(Slo {
            quantile: quantile / 100.0,
            limit,
        })
    }
}

impl TryFrom<String> for Slo {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Slo> for String {
    fn from(slo: Slo) -> String {
        slo.to_string()
    }
}

impl Slo {
    /// `p99`, `p99.9`.
    pub fn percentile(&self) -> String {
        let percent = (self.quantile * 1e5).round() / 1e3;
        format!("p{percent}")
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = humantime::format_duration(self.limit).to_string();
        write!(f, "{}={}", self.percentile(), limit.replace(' ', ""))
    }
}

/// What is searched for, and under what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// What a rate must keep to be sustained; beside it, 99 % of what was asked is answered.
    #[serde(default = "slo")]
    pub slo: Slo,
    /// Clients at once.
    #[serde(default = "connections")]
    pub connections: u32,
    /// Whole searches; from three on the capacity has an interval.
    #[serde(default = "rounds")]
    pub rounds: u32,
    /// One look at a rate; longer where the rate is too low for the percentile.
    #[serde(default = "window", with = "humantime_serde")]
    #[schemars(with = "String")]
    pub window: Duration,
    /// Work of each request, in the words of `echo-server --work`.
    #[serde(default = "work")]
    pub work: String,
    /// rr, or crr where connections come and go.
    #[serde(default = "workload", skip_serializing_if = "is_rr")]
    pub workload: Workload,
    /// crr: requests of a connection.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub per_connection: u32,
    /// Bytes that the server holds (`256MiB`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The share of it that a connection writes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touch: Option<String>,
    /// Silent connections beside the clients.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle: u32,
    /// Whose capacity, by name; everybody's, where nobody is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contenders: Vec<String>,
}

fn workload() -> Workload {
    Workload::Rr
}

fn is_rr(workload: &Workload) -> bool {
    *workload == Workload::Rr
}

fn one() -> u32 {
    1
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn slo() -> Slo {
    Slo {
        quantile: 0.99,
        limit: Duration::from_millis(10),
    }
}

fn connections() -> u32 {
    50
}

fn rounds() -> u32 {
    3
}

fn window() -> Duration {
    Duration::from_secs(1)
}

fn work() -> String {
    "none".to_owned()
}

impl Default for Search {
    fn default() -> Self {
        Search {
            slo: slo(),
            connections: connections(),
            rounds: rounds(),
            window: window(),
            work: work(),
            workload: Workload::Rr,
            per_connection: 1,
            state: None,
            touch: None,
            idle: 0,
            contenders: Vec::new(),
        }
    }
}

impl Search {
    /// The name of the scenario with which a search begins.
    pub const FIRST: &'static str = "closed";

    /// Requests a second on a rung.
    pub fn rate(rung: i32) -> f64 {
        STEP.powi(rung).round()
    }

    /// The rung that is nearest to a rate.
    pub fn rung(rate: f64) -> i32 {
        (rate.max(1.0).ln() / STEP.ln()).round() as i32
    }

    /// The name of a rung's scenario.
    pub fn name(rung: i32) -> String {
        format!("rate-{}", Search::rate(rung))
    }

    /// The lowest rung on which a look has samples enough for the percentile.
    pub fn lowest(&self) -> i32 {
        Search::rung(self.samples() / WINDOW_MAX.as_secs_f64()) + 1
    }

    fn samples(&self) -> f64 {
        BEYOND / (1.0 - self.slo.quantile)
    }

    /// A closed loop, by which the search knows where to begin.
    pub fn first(&self) -> Scenario {
        let title = format!("{} clients asking and waiting", self.connections);
        let question = "Where does the search for the highest rate begin?";
        self.scenario(Search::FIRST.to_owned(), title, question, Pace::Closed)
    }

    /// A look at a rung.
    pub fn probe(&self, rung: i32) -> Scenario {
        let rate = Search::rate(rung);
        let title = format!("{rate} requests a second from {} clients", self.connections);
        let question = "Is this rate sustained?";
        let mut scenario = self.scenario(Search::name(rung), title, question, Pace::Poisson(rate));
        let needed = Duration::from_secs_f64(self.samples() / rate.max(1.0));
        scenario.window = self.window.max(needed).min(WINDOW_MAX.max(self.window));
        scenario
    }

    fn scenario(&self, name: String, title: String, question: &str, pace: Pace) -> Scenario {
        Scenario {
            name,
            title,
            question: question.to_owned(),
            workload: self.workload,
            pace,
            connections: self.connections,
            message: 64,
            depth: 1,
            per_connection: self.per_connection,
            think: Duration::ZERO,
            keep_awake: false,
            by_worker: false,
            contenders: Vec::new(),
            work: self.work.clone(),
            state: self.state.clone(),
            touch: self.touch.clone(),
            workers: Workers::Connections,
            server_cpus: 1,
            measure: Measure::Solo,
            slice: Duration::ZERO,
            warmup: Duration::from_millis(100),
            window: self.window,
            timeout: TIMEOUT,
            fault: None,
            rounds: self.rounds * VOTES,
            counters: 0,
            idle: self.idle,
            placement: Placing::Apart,
            network: None,
            probe: true,
            rates: std::collections::BTreeMap::new(),
        }
    }

    /// What is wrong with it, if anything is.
    ///
    /// # Errors
    /// With what it is.
    pub fn check(&self) -> Result<(), String> {
        if self.connections == 0 || self.rounds == 0 || self.window.is_zero() {
            return Err("[capacity]: connections, rounds and window are more than 0".to_owned());
        }
        Ok(())
    }
}

/// Which search a pass of a probe belongs to, from 1, and which look at its rate it is, from 1.
pub fn of_round(round: u32) -> (u32, u32) {
    let before = round.saturating_sub(1);
    (before / VOTES + 1, before % VOTES + 1)
}

/// The round of a pass, from both.
pub fn round_of(search: u32, vote: u32) -> u32 {
    (search.saturating_sub(1)) * VOTES + vote
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_reads_as_it_is_written() {
        for text in ["p99=10ms", "p99.9=1s", "p50=250us"] {
            let slo: Slo = text.parse().expect(text);
            assert_eq!(slo.to_string().parse::<Slo>(), Ok(slo), "{slo}");
        }
        assert_eq!(
            "p99=10ms".parse::<Slo>().map(|it| it.to_string()),
            Ok("p99=10ms".to_owned())
        );
        for wrong in [
            "", "p99", "99=1ms", "p100=1ms", "p99=0s", "p99=fast", "pp=1ms",
        ] {
            assert!(wrong.parse::<Slo>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn rungs_are_three_per_cent_apart_and_found_again() {
        for rung in 170..450 {
            assert_eq!(Search::rung(Search::rate(rung)), rung);
            let step = Search::rate(rung + 1) / Search::rate(rung);
            assert!((step - STEP).abs() < 0.06, "{rung}: {step}");
        }
    }

    #[test]
    fn a_low_rate_is_looked_at_for_longer() {
        let search = Search::default();
        let window = |rate| search.probe(Search::rung(rate)).window;
        assert_eq!(window(50_000.0), search.window);
        assert!(window(500.0) >= Duration::from_secs_f64(1_000.0 / 515.0));
        let lowest = search.probe(search.lowest());
        let samples = lowest.window.as_secs_f64() * Search::rate(search.lowest());
        assert!(samples * 0.01 >= 10.0, "{samples}");
    }

    #[test]
    fn a_round_of_a_probe_is_a_search_and_a_look() {
        for search in 1..5 {
            for vote in 1..=VOTES {
                assert_eq!(of_round(round_of(search, vote)), (search, vote));
            }
        }
    }
}
