//! Scenarios: what is run, complete in itself, with the question it asks.
//!
//! | what | where |
//! |---|---|
//! | what may not be asked for | `check` |
//! | scenarios that are one line of a chart | `lines` |

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::network::Network;
use crate::workers::Workers;
use crate::workload::{Pace, Workload};

mod check;
mod lines;

/// Where the two sides of a pass run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Placing {
    /// The server on cores of its own, the generator on the others.
    #[default]
    Apart,
    /// Both on the same `server_cpus` cores: no figure of such a pass stands beside one of the other kind.
    Shared,
}

impl Placing {
    fn is_apart(&self) -> bool {
        *self == Placing::Apart
    }
}

/// How the contenders of a round share its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// All alive, loaded one at a time in short slices in a balanced order.
    Sliced,
    /// One after another, alone, in random order.
    Solo,
}

/// What is run: complete in itself, with the question it asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// `[a-z0-9-]+`: the key everywhere.
    pub name: String,
    /// What the reader sees.
    pub title: String,
    /// What is asked of it.
    pub question: String,
    /// What a connection does.
    pub workload: Workload,
    /// When the next request is due.
    #[serde(default = "closed")]
    pub pace: Pace,
    /// Clients at once.
    pub connections: u32,
    /// Bytes of a request, and of its reply.
    #[serde(default = "message")]
    pub message: usize,
    /// stream: requests of a connection that are on their way at once.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub depth: u32,
    /// crr: requests of a connection before it is closed.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub per_connection: u32,
    /// Closed loop: a client's pause between a reply and its next request.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Duration::is_zero"
    )]
    #[schemars(with = "String")]
    pub think: Duration,
    /// Keep idle cores from halting by spinners of the lowest priority: on a virtual machine a wake-up
    /// costs more than a request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_awake: bool,
    /// What a request costs the server beside the echo, in the words of `echo-server --work`.
    #[serde(default = "none")]
    pub work: String,
    /// Whether it is told which worker holds which connection, and how each of them was served.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_worker: bool,
    /// Bytes that the server holds before it starts (`256MiB`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The share of the state that a connection writes to (`10%`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touch: Option<String>,
    /// How many workers, said and never assumed.
    pub workers: Workers,
    /// Whole physical cores of the server; the generator gets the rest.
    pub server_cpus: u32,
    /// Slices or solo passes.
    pub measure: Measure,
    /// One stretch of load of a sliced round.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Duration::is_zero"
    )]
    #[schemars(with = "String")]
    pub slice: Duration,
    /// Load before the first measured instant, per contender and round.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Duration::is_zero"
    )]
    #[schemars(with = "String")]
    pub warmup: Duration,
    /// Loaded time of a contender in a round.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Duration::is_zero"
    )]
    #[schemars(with = "String")]
    pub window: Duration,
    /// Solo passes of load: how long a client waits for a reply before it gives up.
    #[serde(
        default = "timeout",
        with = "humantime_serde",
        skip_serializing_if = "is_usual"
    )]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// What is done to the server in the middle of its window. Clients whose connection is lost then come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Passes of every contender, each with fresh servers.
    pub rounds: u32,
    /// Rounds of counter passes after those, each contender alone; 0: none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub counters: u32,
    /// Connections beside those, each answered once and then silent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle: u32,
    /// Where the two sides run.
    #[serde(default, skip_serializing_if = "Placing::is_apart")]
    pub placement: Placing,
    /// What is done to the way between load hosts and server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// A look of a search for capacity, read with the others of that search.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// Who takes part, where not everybody of the suite does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contenders: Vec<String>,
    /// `of-own`: requests a second of each contender, once they are known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<String, f64>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn closed() -> Pace {
    Pace::Closed
}

fn message() -> usize {
    64
}

fn one() -> u32 {
    1
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

/// How long a client waits for a reply, unless a scenario says otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(2);

fn timeout() -> Duration {
    TIMEOUT
}

fn is_usual(timeout: &Duration) -> bool {
    *timeout == TIMEOUT
}

fn none() -> String {
    "none".to_owned()
}

/// The largest message, 1 MiB: the contract that every model is tested for.
pub const MESSAGE_MAX: usize = 1 << 20;

impl Scenario {
    /// Slices of a contender in one round.
    pub fn slices(&self) -> u32 {
        let slices = self.window.as_nanos() / self.slice.as_nanos().max(1);
        u32::try_from(slices).unwrap_or(u32::MAX)
    }

    /// Whether this contender is taken through it, as far as the suite says.
    pub fn asks(&self, contender: &str) -> bool {
        self.contenders.is_empty() || self.contenders.iter().any(|name| name == contender)
    }

    /// Whether some of its requests are not to be answered (`missing@`): who asks one loses the connection, and
    /// comes back, which only windows provide for.
    pub fn withholds(&self) -> bool {
        self.work.contains("missing@") && self.measure == Measure::Solo
    }

    /// Requests a second that are due of a contender.
    pub fn rate_per_s(&self, contender: &str) -> Option<f64> {
        self.pace
            .rate_per_s()
            .or_else(|| self.rates.get(contender).copied())
    }

    /// Whether a rate is still to be found before it can be measured.
    pub fn is_unresolved(&self) -> bool {
        self.pace.share().is_some() && self.rates.is_empty()
    }

    /// The scenario as one contender is taken through it.
    pub fn as_of(&self, contender: &str) -> Scenario {
        match self.rate_per_s(contender) {
            Some(rate) if self.pace.share().is_some() => Scenario {
                pace: Pace::Poisson(rate),
                ..self.clone()
            },
            _ => self.clone(),
        }
    }
}
