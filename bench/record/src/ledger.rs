//! What a request costs, item by item: made from the records by `report` alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One item of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// `recvfrom`, `switch`, `process`, `minor fault`.
    pub item: String,
    /// How often a request has it.
    pub count: Option<f64>,
    /// What one takes, nanoseconds.
    pub price_ns: Option<f64>,
    /// Where the price was found: mechanism and lab, or a yardstick.
    pub source: String,
    /// count × price, microseconds.
    pub cpu_us: Option<f64>,
    /// Why something is missing, or whose price holds this, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The account of one contender under one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Who.
    pub contender: String,
    /// Of which family.
    pub family: String,
    /// Under what.
    pub scenario: String,
    /// CPU of a request as measured in bare passes, microseconds.
    pub cpu_us: Option<f64>,
    /// What is counted and priced, the dearest first.
    pub entries: Vec<Entry>,
    /// Σ count × price, microseconds.
    pub accounted_us: f64,
    /// Of `cpu_us`.
    pub accounted_share: Option<f64>,
    /// What is left: caches, run queue, the server's own instructions; below 0 where prices are too high for here.
    pub rest_us: Option<f64>,
    /// What tasks waited for a CPU per request, microseconds; no part of the CPU time.
    pub run_queue_us: Option<f64>,
    /// What the reader must know: why the account does not close, what is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
