//! What a connection does, and when its next request is due.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a connection does (the words of netperf and neper).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// Request, reply, and again, on one connection.
    Rr,
    /// Connect, request, reply, close.
    Crr,
    /// Requests one after another without waiting for replies, `depth` of them on their way.
    Stream,
    /// Stay open, say nothing.
    Idle,
}

/// When the next request is due.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// As soon as the last reply is in.
    Closed,
    /// Requests a second, evenly spaced, whatever the server does (open loop).
    Constant(f64),
    /// Requests a second, at exponential distances, whatever the server does (open loop).
    Poisson(f64),
    /// poisson, at this share of the slowest capacity of those who served everybody: the suite's search finds
    /// it, and the plan then holds the rate in its place.
    OfSlowest(f64),
    /// poisson, each contender at this share of its own capacity: its rates stand in the plan.
    OfOwn(f64),
}

impl Pace {
    /// Requests a second that are due, where one rate says so for everybody.
    pub fn rate_per_s(self) -> Option<f64> {
        match self {
            Pace::Closed | Pace::OfSlowest(_) | Pace::OfOwn(_) => None,
            Pace::Constant(rate) | Pace::Poisson(rate) => Some(rate),
        }
    }

    /// The share of a capacity, where one is asked for.
    pub fn share(self) -> Option<f64> {
        match self {
            Pace::OfSlowest(share) | Pace::OfOwn(share) => Some(share),
            Pace::Closed | Pace::Constant(_) | Pace::Poisson(_) => None,
        }
    }
}
