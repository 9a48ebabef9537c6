//! One pass: one contender under one scenario, one fresh server taken through it once. One line of
//! `records.jsonl`, in the words that the rest of the workspace, and other people's programs, use.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::Struck;
use crate::histogram::Encoded;
use crate::host_memory::{CgroupMemory, HostMemoryInstants};
use crate::hosts::LoadPart;
use crate::lab::Findings;
use crate::run::Planned;
pub use crate::usage::{Counted, Source, Usage, UsageInstants};

/// The schema of a line of `records.jsonl`.
pub const RECORD_SCHEMA: &str = "fiveways-record/1";

/// What happened to a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every reply asked for came, byte for byte, but for those that the scenario's work withholds (`missing@`).
    Ok,
    /// Bytes came back that were not sent: no timing of this cell is reported.
    Wrong,
    /// The server ended by itself.
    Crashed,
    /// The server lives and does not answer, or never listened.
    Hung,
    /// Connections were refused or closed by the server.
    Refused,
    /// The pass was cut short before its load was complete.
    Partial,
    /// Not started, for a stated reason.
    Skipped,
    /// Its scenario had a process of it struck, and that was done: what came of it is what is measured, whether the
    /// server lived or not.
    Struck,
}

impl Outcome {
    /// As it is written in records and verdicts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Wrong => "wrong",
            Outcome::Crashed => "crashed",
            Outcome::Hung => "hung",
            Outcome::Refused => "refused",
            Outcome::Partial => "partial",
            Outcome::Skipped => "skipped",
            Outcome::Struck => "struck",
        }
    }

    /// Whether the pass went as its scenario says, so that figures may be made of it.
    pub const fn is_good(self) -> bool {
        matches!(self, Outcome::Ok | Outcome::Struck)
    }
}

/// Where in a pass something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Building or finding the program.
    Prepare,
    /// From fork to listening.
    Launch,
    /// Connecting, and each connection's first verified echo.
    Connect,
    /// Load before the first measured instant.
    Warmup,
    /// Measured load.
    Load,
    /// Reading gauges and usage.
    Gauge,
    /// Ending the server.
    Stop,
}

/// Why a pass is not `ok`, or why one that is served only some of its clients; with everything the system said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// Where it happened.
    pub phase: Phase,
    /// What happened, as a sentence.
    pub text: String,
    /// The system's error number, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno: Option<i32>,
    /// The signal that ended the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// The status with which the server ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// The end of what the server wrote to its standard error.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stderr: String,
}

impl Cause {
    /// A cause of which only phase and sentence are known.
    pub fn new(phase: Phase, text: impl Into<String>) -> Self {
        Cause {
            phase,
            text: text.into(),
            errno: None,
            signal: None,
            exit: None,
            stderr: String::new(),
        }
    }
}

/// What kind of look a pass is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PassKind {
    /// Bare: latency, throughput, usage, memory.
    #[default]
    Timing,
    /// Instrumented: system calls, migrations, windowed switches.
    Counter,
    /// A part measured by itself.
    Lab,
}

impl PassKind {
    /// Whether it is bare: what a plan says of no pass is said of such a one.
    pub fn is_timing(&self) -> bool {
        *self == PassKind::Timing
    }
}

/// Connections of a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Connections {
    /// How many the scenario wanted.
    pub asked: u32,
    /// How many got an answer to their first echo in time; for crr, slots that ever did.
    pub served: u32,
}

impl Connections {
    /// Whether nobody was asked for.
    fn is_none(&self) -> bool {
        self.asked == 0
    }
}

/// Requests of a pass, from the first probe on: `sent = ok + Σ errors`, to the unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requests {
    /// Requests begun.
    pub sent: u64,
    /// Replies complete and verified.
    pub ok: u64,
    /// The others, by kind (`unserved`, `wrong`, `reset`, `closed`, `refused`, `timeout`).
    pub errors: BTreeMap<String, u64>,
}

/// One stretch of load on one contender.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "(u64, u64, u64, u64)", into = "(u64, u64, u64, u64)")]
pub struct Slice {
    /// Since the start of the block's load.
    pub start_ns: u64,
    /// The time over which `replies` are counted: from a tenth of the slice to its nominal end.
    pub length_ns: u64,
    /// Replies in that time.
    pub replies: u64,
    /// CPU time of the generator over the whole slice, awaiting the last replies included.
    pub generator_cpu_ns: u64,
}

impl From<(u64, u64, u64, u64)> for Slice {
    fn from((start_ns, length_ns, replies, generator_cpu_ns): (u64, u64, u64, u64)) -> Self {
        Slice {
            start_ns,
            length_ns,
            replies,
            generator_cpu_ns,
        }
    }
}

impl From<Slice> for (u64, u64, u64, u64) {
    fn from(slice: Slice) -> Self {
        (
            slice.start_ns,
            slice.length_ns,
            slice.replies,
            slice.generator_cpu_ns,
        )
    }
}

/// A tenth of a second of a solo pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bin {
    /// Since the start of the window.
    pub start_ns: u64,
    /// Of the bin.
    pub length_ns: u64,
    /// Replies that came in it.
    pub replies: u64,
    /// Requests that failed in it.
    pub errors: u64,
    /// CPU time of the generator.
    pub generator_cpu_ns: u64,
    /// Response times of its replies, with two significant digits.
    pub response: Encoded,
    /// Connections that waited in the server's accept queue at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_queue: Option<u32>,
    /// Connections that the host turned away in it because an accept queue was full (ListenOverflows).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_overflows: Option<u64>,
    /// Connections that the host turned away in it for any reason (ListenDrops).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_drops: Option<u64>,
}

/// Distributions of a pass, in nanoseconds, of the replies that its slices or its window count. Requests
/// that failed are in service and response with the time that they had waited: a lower bound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Histograms {
    /// received − sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Encoded>,
    /// received − due; absent when it is the same as service (closed-loop rr).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Encoded>,
    /// connected − connect started (crr).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<Encoded>,
    /// sent − due of requests that found a free connection: how late the generator itself was (open loop).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<Encoded>,
}

/// What a server's tree weighs, at one instant. Bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gauge {
    /// Processes of the tree.
    pub processes: u32,
    /// Threads of all of them.
    pub tasks: u32,
    /// Sum of resident set sizes: counts shared pages again and again; kept to show why not to use it.
    pub rss_bytes: u64,
    /// Sum of proportional set sizes.
    pub pss_bytes: u64,
    /// The anonymous part of it: heap, stacks, copied pages.
    pub pss_anonymous_bytes: u64,
    /// Page tables of all processes (`VmPTE`).
    pub page_table_bytes: u64,
    /// Tasks × the size of a kernel stack found on this host.
    pub kernel_stack_bytes: u64,
    /// What the memory controller says beside it, where the server has a cgroup of it to itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<CgroupMemory>,
}

impl Gauge {
    /// PSS, page tables and kernel stacks together.
    pub fn memory_bytes(&self) -> u64 {
        self.pss_bytes + self.page_table_bytes + self.kernel_stack_bytes
    }
}

/// The two instants at which memory is gauged (solo passes only).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GaugeInstants {
    /// Listening, nobody connected.
    pub ready: Option<Gauge>,
    /// Everybody connected and answered once.
    pub connected: Option<Gauge>,
    /// What the host as a whole held, for what is booked to no process.
    #[serde(default, skip_serializing_if = "HostMemoryInstants::is_empty")]
    pub host: HostMemoryInstants,
}

/// A process of the server's tree, and how the connections that it held were served. Seen from outside: by the
/// socket tables, by /proc of its threads, and by the generator at the other ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Worker {
    /// Its process.
    pub pid: i32,
    /// Whether it is the process that was launched: often one that only starts the others.
    pub root: bool,
    /// Inodes of the listening sockets that it has a descriptor of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listens: Vec<u64>,
    /// Connections that it held after the load.
    pub connections: u32,
    /// Their replies, of those that the pass counts.
    pub replies: u64,
    /// CPU time of each of its threads under the load, nanoseconds, the busiest first.
    pub threads_cpu_ns: Vec<u64>,
    /// Service time of those replies, with two significant digits.
    pub service: Encoded,
}

/// What the generator says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Logical CPUs it was pinned to.
    pub cpus: Vec<usize>,
    /// Its threads.
    pub threads: u32,
    /// CPU time over this contender's slices.
    pub cpu_ns: u64,
    /// Replies of those slices, awaited ones included.
    pub replies: u64,
    /// Wall time of those slices, from the first send to the last reply.
    pub loaded_ns: u64,
    /// Latencies beyond the histogram's range, recorded as its largest value.
    pub clamped: u64,
    /// The address range that connections came from, and who closed them first.
    pub sources: String,
    /// Resident memory of its process.
    pub resident_bytes: u64,
    /// How often its threads were moved from one CPU to another while they loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<u64>,
}

/// What the host did beside us, at one instant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostInstant {
    /// Load average over a minute.
    pub load_1m: Option<f64>,
    /// Time the hypervisor took from each CPU, since boot, summed; nanoseconds.
    pub steal_ns: Option<u64>,
    /// Time all CPUs were busy, since boot, summed; nanoseconds. Counted by timer ticks.
    pub busy_ns: Option<u64>,
    /// On the host's monotonic clock, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ns: Option<u64>,
    /// Wall clock less monotonic clock, nanoseconds: it changes when the wall clock is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_offset_ns: Option<i64>,
    /// Clock since boot less monotonic clock, nanoseconds: it grows while the machine is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_ns: Option<i64>,
    /// CPU time of everything of ours up to now, nanoseconds: harness, agents, and every keeper and server
    /// that has ended. What `busy_ns` grew by beyond it was somebody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ours_ns: Option<u64>,
    /// Connections that the host turned away since boot because an accept queue was full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_overflows: Option<u64>,
    /// Connections that the host turned away since boot for any reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_drops: Option<u64>,
}

/// The host before and after a pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostInstants {
    /// Before the server was started.
    pub before: HostInstant,
    /// After it was gone.
    pub after: HostInstant,
    /// Whether another fiveways measured on this host meanwhile: the user had it so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
}

/// One contender under one scenario, once: a line of `records.jsonl`. Readers ignore unknown fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pass {
    /// [`RECORD_SCHEMA`].
    #[schemars(description = "Which schema this is.", extend("const" = RECORD_SCHEMA))]
    pub schema: String,
    /// Who.
    pub contender: String,
    /// Of which family.
    pub family: String,
    /// Under what.
    pub scenario: String,
    /// From 1.
    pub round: u32,
    /// Contenders that are alive together, from 1.
    pub block: u32,
    /// Position in the block, from 0.
    pub order: u32,
    /// Of this round.
    pub seed: u64,
    /// What kind of look.
    pub pass: PassKind,
    /// What happened.
    pub outcome: Outcome,
    /// Why, when it is not ok, or served only some of its clients.
    pub cause: Option<Cause>,
    /// Workers it was started with.
    pub workers: u32,
    /// Logical CPUs that the server was pinned to.
    pub server_cpus: Vec<usize>,
    /// Asked and served.
    pub connections: Connections,
    /// Connections beside those, each answered once and then silent.
    #[serde(default, skip_serializing_if = "Connections::is_none")]
    pub idle: Connections,
    /// Sent, ok, errors by kind.
    pub requests: Requests,
    /// Sliced passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
    /// Solo passes of load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bins: Vec<Bin>,
    /// Distributions.
    #[serde(default)]
    pub histograms: Histograms,
    /// From fork to listening, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_ns: Option<u64>,
    /// Four snapshots.
    pub usage: UsageInstants,
    /// Two gauges.
    pub gauges: GaugeInstants,
    /// Scenarios that say `by_worker`: who served whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_worker: Vec<Worker>,
    /// Scenarios with a fault: who was struck, and who was there before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub struck: Option<Struck>,
    /// The generator about itself.
    pub generator: Generator,
    /// The parts that several hosts had of the load, or one that is not the server's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<LoadPart>,
    /// The host beside us.
    pub host: HostInstants,
    /// Passes of a lab: what it found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lab: Option<Findings>,
}

impl Pass {
    /// As it was planned.
    pub fn planned(&self) -> Planned {
        Planned {
            contender: self.contender.clone(),
            scenario: self.scenario.clone(),
            round: self.round,
            block: self.block,
            order: self.order,
            pass: self.pass,
        }
    }
}
