//! The plan of a run, `run.json`: every pass that shall be made, and under which conditions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contender::Holds;
use crate::host::Host;
use crate::hosts::{BrokenOff, LoadedFrom};
use crate::lab::LabKind;
use crate::lesson::Taken;
use crate::pass::PassKind;
use crate::suite::Suite;
use crate::yardstick::Yardstick;

/// The schema of `run.json`.
pub const RUN_SCHEMA: &str = "fiveways-run/1";

/// A contender of a run, ready to be started or known not to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entrant {
    /// `[a-z0-9-]+`.
    pub name: String,
    /// Its family of concurrency models.
    pub family: String,
    /// How many clients it serves at the same moment.
    pub holds: Holds,
    /// What its version command said, or a hash of its program.
    pub version: String,
    /// Its command, with placeholders for ports and paths.
    pub command: Vec<String>,
    /// Why it is not measured, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

impl Entrant {
    /// Whether it is a mechanism of a lab, and no server.
    pub fn is_part(&self) -> bool {
        LabKind::of_family(&self.family).is_some()
    }
}

/// One pass that shall be made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// Who.
    pub contender: String,
    /// Under what.
    pub scenario: String,
    /// From 1, of its kind.
    pub round: u32,
    /// Contenders alive together, from 1.
    pub block: u32,
    /// Position in the block, from 0.
    pub order: u32,
    /// What kind of look.
    #[serde(default, skip_serializing_if = "PassKind::is_timing")]
    pub pass: PassKind,
}

/// A scenario of the suite that this machine has no room for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// Its name.
    pub scenario: String,
    /// What it would need.
    pub reason: String,
}

/// A run that was broken off was gone on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resumption {
    /// When, UTC, RFC 3339.
    pub at: String,
    /// How many passes had been recorded.
    pub recorded: u64,
}

/// A whole invocation, before it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// [`RUN_SCHEMA`].
    #[schemars(description = "Which schema this is.", extend("const" = RUN_SCHEMA))]
    pub schema: String,
    /// The version of fiveways that measured.
    pub version: String,
    /// When it began, UTC, RFC 3339.
    pub started: String,
    /// The command line that repeats it, with `{root}` for paths of the workspace.
    pub command: Vec<String>,
    /// From which every order, source and payload follows.
    pub seed: u64,
    /// The suite's name.
    pub suite_name: String,
    /// The suite.
    pub suite: Suite,
    /// The suite's text, as it was read.
    pub suite_text: String,
    /// Everybody, the skipped ones included.
    pub entrants: Vec<Entrant>,
    /// The machine.
    pub host: Host,
    /// What the parts of this machine take, measured before the first pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yardsticks: Vec<Yardstick>,
    /// Every pass, in order. What is missing from the records was not measured.
    pub passes: Vec<Planned>,
    /// Scenarios of the suite's text that this machine has no room for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// The lesson that it is, and what was predicted before it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<Taken>,
    /// When it was gone on with, after it had been broken off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resumed: Vec<Resumption>,
    /// Where the load came from, where that was not the server's host itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_hosts: Vec<LoadedFrom>,
    /// What ended it before its plan was done: a host that was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_off: Option<BrokenOff>,
}
