//! What a round says of a metric, by itself: a line of `fiveways export`. Tidy: a variable a column, an observation a line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One figure of one round, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// Who.
    pub contender: String,
    /// Of which family.
    pub family: String,
    /// Under what.
    pub scenario: String,
    /// In which round; `None` where no round has the figure.
    pub round: Option<u32>,
    /// What.
    pub metric: String,
    /// In what.
    pub unit: String,
    /// The figure; `None` with a reason.
    pub value: Option<f64>,
    /// Who said it: generator, wait4, proc, cgroup, perf.
    pub source: String,
    /// Of the cell: `valid`, or the outcome that is not ok, or the first doubt.
    pub verdict: String,
    /// Why the value is missing or the cell is not valid.
    pub reason: Option<String>,
}
