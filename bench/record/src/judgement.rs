//! What became of the textbook's claims in a run: made from the records by `report` alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to be said of a claim, or of one of its tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Judged {
    /// The interval lies on the claim's side of the line, or the evidence shows what is claimed.
    Holds,
    /// It lies on the other side, or the evidence shows something else.
    Refuted,
    /// The interval crosses the line, or there is none yet.
    Undecided,
    /// Nothing was measured that could tell.
    NotJudged,
}

impl Judged {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Judged::Holds => "holds",
            Judged::Refuted => "refuted",
            Judged::Undecided => "undecided",
            Judged::NotJudged => "not judged",
        }
    }
}

/// One test of a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tested {
    /// What is compared, in words.
    pub says: String,
    /// What was published of it, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// `fork-per-connection, idle-100, memory_bytes_per_connection`.
    pub left: String,
    /// The other side of the ratio, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<String>,
    /// `at-least`, `less-than`, `more-than` or `equals`.
    pub relation: String,
    /// Fixed before the run.
    pub line: f64,
    /// Of `value`.
    pub unit: String,
    /// The ratio left / right, or the figure of the left alone; `None` with a reason.
    pub value: Option<f64>,
    /// Lower end of its 95 % interval; `None` of evidence, and when rounds are too few.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Both sides by themselves, medians over rounds.
    pub sides: Vec<f64>,
    /// Rounds it rests on.
    pub rounds: u32,
    /// Whether it is what the kernel showed, judged without an interval.
    pub evidence: bool,
    /// Whether it only stands beside: the claim is not judged by it.
    pub beside: bool,
    /// What came of it.
    pub judged: Judged,
    /// Undecided: about so many more rounds would decide, if the rest goes as it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_rounds: Option<u32>,
    /// Why it has no value, why it is not judged, or what weakens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A claim, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// C1 to C17, or the name of a paper.
    pub claim: String,
    /// What is claimed, or which result is looked at.
    pub sentence: String,
    /// What came of it: one test that refutes is enough, and all must hold.
    pub judged: Judged,
    /// By what.
    pub tests: Vec<Tested>,
}
