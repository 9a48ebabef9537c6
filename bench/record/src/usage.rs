//! Usage: what a server's whole tree has used up to an instant, who said so, and what the kernel counted beside it.
//!
//! A cost per request is the difference of two instants; which two, `report` says.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who said a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The load generator.
    Generator,
    /// wait4(2) of every process of the tree.
    Wait4,
    /// /proc of every living task.
    Proc,
    /// `cpu.stat` of a cgroup v2 of the server's own.
    Cgroup,
    /// perf events.
    Perf,
}

impl Source {
    /// As it is written in records and summaries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Generator => "generator",
            Source::Wait4 => "wait4",
            Source::Proc => "proc",
            Source::Cgroup => "cgroup",
            Source::Perf => "perf",
        }
    }
}

/// The counters of the server's whole process tree, at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Since the server was forked.
    pub at_ns: u64,
    /// Verified replies that the generator had counted by then.
    pub replies: u64,
    /// Living tasks (threads of all processes); 0 at exit.
    pub tasks: u32,
    /// A hash of the living tasks' ids: equal at two instants = no task began or ended between them.
    pub tasks_hash: u64,
    /// CPU time, user and system together.
    pub cpu_ns: u64,
    /// Who said `cpu_ns`.
    pub cpu_source: Source,
    /// The user part: only a cgroup splits right (wait4 and /proc split by timer tick).
    pub cpu_user_ns: Option<u64>,
    /// The system part, likewise.
    pub cpu_system_ns: Option<u64>,
    /// Context switches because it waited.
    pub switches_voluntary: u64,
    /// Context switches because it was preempted.
    pub switches_involuntary: u64,
    /// Page faults served without a device.
    pub faults_minor: u64,
    /// Page faults that read a device.
    pub faults_major: u64,
    /// Who said switches and faults.
    pub source: Source,
    /// Time for which living tasks could have run and did not get a CPU, nanoseconds (`schedstat`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_queue_ns: Option<u64>,
    /// Counter passes: what the kernel counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
}

/// What the kernel counted of the tree since the server's start, dead tasks included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counted {
    /// By perf's names: `task-clock` (nanoseconds), `context-switches`, `cpu-migrations`, `minor-faults`,
    /// `major-faults`; system calls: `sys_enter` (all of them), and `sys_enter_NAME` for each name that is looked for.
    pub events: BTreeMap<String, u64>,
    /// What could not be counted, by the same names, or by `perf` or `tracepoints` for all of a kind, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unavailable: BTreeMap<String, String>,
}

/// The instants at which usage is read: four, and one more in sliced passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UsageInstants {
    /// Listening, nobody connected.
    pub ready: Option<Usage>,
    /// Sliced passes: all connected and warm, at the start of a stretch in which nobody of the block is
    /// loaded. It ends with `before`: what is used between the two is what a contender uses in others' slices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Usage>,
    /// All connected and warm.
    pub before: Option<Usage>,
    /// The last slice is over.
    pub after: Option<Usage>,
    /// The tree is gone.
    pub exit: Option<Usage>,
}
