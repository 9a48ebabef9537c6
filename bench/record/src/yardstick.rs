//! Yardsticks: what the parts that every model is made of take on this machine, measured before each run.
//!
//! They are here to be laid beside what rests on them (a fork, a wake-up, a page), and end there: they are no
//! contenders, and nothing is divided by them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::histogram::Encoded;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Yardstick {
    /// `first-touch`, `wake-up` …
    pub name: String,
    /// Operations a sample: the samples are of so many together.
    pub batch: u32,
    /// Logical CPUs it ran on.
    pub cpus: Vec<usize>,
    /// Of the process that forks, where one does: bytes that were resident in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// Nanoseconds a sample.
    pub samples: Option<Encoded>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
