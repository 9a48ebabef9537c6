//! What a run says, in figures: `summary.json`, made from the records by `report` alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::judgement::Judgement;
use crate::ledger::Account;
use crate::lesson::Answers;

/// The schema of `summary.json`.
pub const SUMMARY_SCHEMA: &str = "fiveways-summary/1";

/// A median over rounds with its 95 % interval, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Who.
    pub contender: String,
    /// Of which family.
    pub family: String,
    /// Under what.
    pub scenario: String,
    /// What: a name of [`crate::metric::METRICS`] or, of system calls, one made of [`crate::metric::SYSTEM_CALLS`].
    pub metric: String,
    /// In what.
    pub unit: String,
    /// The median over rounds; `None` with a reason.
    pub value: Option<f64>,
    /// Lower end of the 95 % interval; `None` when rounds are too few to tell.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Rounds it rests on.
    pub rounds: u32,
    /// Who said it: generator, wait4, proc, cgroup, perf.
    pub source: String,
    /// `valid`, or the outcome that is not ok, or the first doubt: only valid cells are ranked.
    pub verdict: String,
    /// Why the value is missing or the cell is not valid, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a comparison says. A difference can be real and yet within ± 3 %: that is [`Answer::Equal`], and the
/// comparison's interval tells that it is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// a is more than b: the interval lies above 1, and p is at most 0.05.
    Ahead,
    /// a is less than b: the interval lies below 1, and p is at most 0.05.
    Behind,
    /// The interval lies within ± 3 %.
    Equal,
    /// None of these, or there are too few rounds to tell.
    Undecided,
}

/// A ratio a / b, paired by slice and round, with its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Numerator.
    pub a: String,
    /// Denominator: the suite's reference, unless all pairs were asked for.
    pub b: String,
    /// Under what.
    pub scenario: String,
    /// Of what.
    pub metric: String,
    /// Geometric mean of the rounds' ratios.
    pub ratio: f64,
    /// Lower end of the interval; `None` when rounds are too few to tell.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Rounds in which both have the figure.
    #[serde(default)]
    pub rounds: u32,
    /// How often chance alone makes such a difference somewhere among all pairs of this scenario and metric
    /// (Student's t over rounds, Holm's correction); `None` when rounds are too few to tell.
    #[serde(default)]
    pub p: Option<f64>,
    /// What it says.
    pub answer: Answer,
}

/// By how much two copies of the reference differed: the control's ratio to it, with its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoiseFloor {
    /// Under what.
    pub scenario: String,
    /// Of what.
    pub metric: String,
    /// control / reference; 1 when nothing but the measurement told them apart.
    pub ratio: f64,
    /// Lower end of the interval; `None` when rounds are too few to tell.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// The highest rate that a contender sustains within a promise, over the connections that it can serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Capacity {
    /// Who.
    pub contender: String,
    /// Of which family.
    pub family: String,
    /// What was promised: `p99=10ms`, and 99 % of what was asked.
    pub slo: String,
    /// Clients that were asked for.
    pub connections: u32,
    /// Those of them that it served, and that carried the load.
    pub served: u32,
    /// Requests a second: the median over whole searches; `None` with a reason.
    pub value: Option<f64>,
    /// Lower end of its 95 % interval, at least one step of the ladder; `None` when searches are too few to tell.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// What each whole search found.
    pub by_round: Vec<f64>,
    /// The promised percentile of response times at that rate, nanoseconds, over all looks at it.
    pub response_ns: Option<f64>,
    /// What broke at the next rate.
    pub beyond: Option<String>,
    /// `valid`, or why it is weak or missing: `client-bound` when the generator broke before the server did.
    pub verdict: String,
    /// Why, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Everything a run says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// [`SUMMARY_SCHEMA`].
    #[schemars(description = "Which schema this is.", extend("const" = SUMMARY_SCHEMA))]
    pub schema: String,
    /// The suite's name.
    pub suite: String,
    /// The version of fiveways that measured.
    pub version: String,
    /// When the run began.
    pub started: String,
    /// The machine.
    pub host: Host,
    /// Cells by metric.
    pub estimates: Vec<Estimate>,
    /// Everybody against the reference.
    pub comparisons: Vec<Comparison>,
    /// Every pair of contenders: what answers are made from, dear to reckon, and in no file.
    #[serde(skip)]
    pub pairs: Vec<Comparison>,
    /// What this run cannot tell apart, by sliced scenario and metric; empty for a run without control.
    #[serde(default)]
    pub noise_floor: Vec<NoiseFloor>,
    /// The highest rates that were sustained, where they were searched for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacities: Vec<Capacity>,
    /// The textbook's claims, where the suite judges them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judgements: Vec<Judgement>,
    /// What became of published results, where the suite judges them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub papers: Vec<Judgement>,
    /// What became of the predictions, where the run was a lesson.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<Answers>,
    /// What a request costs item by item, where it was counted and priced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ledger: Vec<Account>,
}
