//! What harness and agent say to each other. One agent a host: the one beside the servers launches, looks
//! and stops; the one beside the network loads. They are the same program, so that either may live elsewhere.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use record::{
    Cause, Encoded, Findings, Gauge, Host, HostInstant, Lab, Outcome, Requests, Slice, Usage,
    Yardstick,
};
use serde::{Deserialize, Serialize};

use crate::host_memory;
use crate::load::{LoadPlan, Together};
use crate::programs::{Program, Said};

/// Which of a harness's servers is meant.
pub type Id = u32;

/// From the harness to an agent.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// The first message.
    Hello {
        /// Must be the agent's own.
        version: String,
        /// Over a network: without a sign of life for so long, the harness is taken for lost.
        #[serde(default)]
        lease_ms: Option<u64>,
    },
    /// Where the agent, its keepers and its generator run from now on (logical CPUs).
    Pin(Vec<usize>),
    /// Start a server: answered by `Ready` or `Failed`.
    Launch(Launch),
    /// What the tree weighs: answered by `Gauged`.
    Gauge(Id),
    /// What the host as a whole holds: answered by `HostMemory`.
    HostMemory,
    /// What the tree has used, and what was counted of it: answered by `Used`.
    Usage(Id),
    /// Who of the tree holds which connection: answered by `Held`.
    Holders(Id),
    /// End the tree: answered by `Stopped`.
    Stop(Id),
    /// Keep these CPUs from halting, or no more (none): answered by `Done`.
    KeepAwake(Vec<usize>),
    /// How long its accept queue is: answered by `Queued`.
    Queue(Id),
    /// Send a signal to one process of the tree: answered by `Done`.
    Strike {
        /// Of the server.
        id: Id,
        /// Of the process.
        pid: i32,
        /// Which signal.
        blow: Blow,
    },
    /// How the host is, and what the agent has used itself: answered by `HostNow`.
    HostNow,
    /// What a page, a switch, a wake-up … take between a CPU of either side: answered by `Yardsticks`.
    Yardsticks {
        /// Logical CPUs of servers.
        server: Vec<usize>,
        /// Logical CPUs of everything of ours.
        generator: Vec<usize>,
    },
    /// Connect to these targets, and send each connection's first echo: answered by `Loaded`.
    Connect(Vec<LoadPlan>),
    /// Load each target for so long, unrecorded: answered by `Loaded`.
    WarmUp {
        /// Of each stretch.
        length_ns: u64,
        /// From which the schedule of an open loop follows.
        seed: u64,
        /// With others, where there are others.
        together: Together,
    },
    /// Load each target for so long, recorded: answered by `Loaded`.
    Window {
        /// Of the window.
        length_ns: u64,
        /// From which the schedule of an open loop follows.
        seed: u64,
        /// With others, where there are others.
        together: Together,
    },
    /// Load targets one after another, in slices, in this order of indices: answered by `Loaded`.
    Slices {
        /// Indices of targets; one a slice.
        order: Vec<u16>,
        /// Of each slice.
        length_ns: u64,
        /// With others, where there are others.
        together: Together,
    },
    /// About its host, and the way to it.
    OfHost(OfHost),
    /// Close every connection: answered by `Closed`, with everything that was measured.
    Close,
    /// Measure a part by itself, in a fresh process: answered by `Found`.
    Lab(Box<LabAsked>),
}

/// What an agent is asked about its host, and the way from it to another.
#[derive(Debug, Serialize, Deserialize)]
pub enum OfHost {
    /// What its clock says: answered by `Clock`.
    Clock,
    /// Open a door that nobody serves, for round trips to it, and close the one before: answered by `Door`.
    OpenDoor,
    /// Close it: answered by `Done`.
    CloseDoor,
    /// How long a handshake with that door takes, so many times: answered by `RoundTrips`.
    RoundTrips {
        /// The door.
        to: SocketAddr,
        /// From there, where that is said.
        from: Option<Ipv4Addr>,
        /// How often.
        times: u32,
    },
    /// Whether this host has a program, by its name or path: answered by `Program`.
    Program(String),
    /// Run a command to its end, without a shell: answered by `Said`.
    Run(Vec<String>),
    /// Delay and lose what this host sends, or no more (none): answered by `Done`.
    Shape(Option<record::Network>),
}

/// From an agent to its harness.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// To `Hello`.
    Host(Box<Introduced>),
    /// To `Pin`, and whatever else yields nothing.
    Done,
    /// The server listens.
    Ready {
        /// Its root process.
        pid: i32,
        /// Where.
        port: u16,
        /// From fork to listening.
        startup_ns: u64,
    },
    /// It does not, and is gone.
    Failed {
        /// Why.
        cause: Cause,
        /// Whether it ended by itself (crashed) or never listened (hung).
        ended: bool,
    },
    /// To `Gauge`.
    Gauged(Gauge),
    /// To `HostMemory`.
    HostMemory(Box<host_memory::Look>),
    /// To `Usage`; `replies` is filled in by the harness.
    Used(Usage),
    /// To `Queue`.
    Queued(Queued),
    /// To `Holders`.
    Held(Vec<Holder>),
    /// To `Stop`.
    Stopped(Stopped),
    /// To `HostNow`.
    HostNow(HostInstant),
    /// To `Yardsticks`.
    Yardsticks(Vec<Yardstick>),
    /// The state of every target, in order.
    Loaded(Vec<Tally>),
    /// To `Close`.
    Closed(Vec<Measured>),
    /// To `Clock`: CLOCK_MONOTONIC, nanoseconds.
    Clock(u64),
    /// To `OpenDoor`: its port.
    Door(u16),
    /// To `RoundTrips`, nanoseconds.
    RoundTrips(Vec<u64>),
    /// To `Program`: where it is, if it is.
    Program(Option<Program>),
    /// To `Run`.
    Said(Said),
    /// To `Lab`.
    Found(Box<Found>),
    /// The request could not be carried out.
    Refused(Cause),
}

/// An agent's first words.
#[derive(Debug, Serialize, Deserialize)]
pub struct Introduced {
    /// Its host.
    pub host: Host,
    /// Which running kernel that is (boot_id): two namespaces or containers of one machine say the same. Not recorded.
    pub machine: String,
}

/// A signal for one process of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Blow {
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Stop,
    /// SIGCONT.
    Continue,
}

/// A process of a tree, and the connections of which it has a descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: i32,
    /// Whether it is the one that was launched.
    pub root: bool,
    /// Inodes of the listening sockets that it has a descriptor of.
    pub listens: Vec<u64>,
    /// The other ends.
    pub peers: Vec<SocketAddr>,
    /// Its threads, and the CPU time that each has used, nanoseconds.
    pub threads: Vec<(i32, u64)>,
}

/// How one connection was served.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OfConnection {
    /// Its end at the generator.
    pub local: SocketAddr,
    /// received − sent of the replies that count, with two significant digits.
    pub service: Encoded,
}

/// What waits at a server's door. Absent where the kernel does not tell.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Queued {
    /// Connections in its accept queue now.
    pub accept_queue: Option<u32>,
    /// ListenOverflows of the host, since boot.
    pub listen_overflows: Option<u64>,
    /// ListenDrops of the host, since boot.
    pub listen_drops: Option<u64>,
}

/// A part to be measured by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LabAsked {
    /// Under which conditions.
    pub lab: Lab,
    /// Which part.
    pub mechanism: String,
    /// The logical CPUs that it may use, on physical cores of their own: one, or two.
    pub cpus: Vec<usize>,
    /// Exactly so many times instead of a window (criterion counts for itself).
    pub times: Option<u64>,
    /// How long it may take in all.
    pub deadline_ms: u64,
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Found {
    /// `ok`, or what happened instead.
    pub outcome: Outcome,
    /// Why, when it is not ok.
    pub cause: Option<Cause>,
    /// What was measured, when it is.
    pub findings: Option<Findings>,
}

impl Found {
    /// It yielded this.
    pub fn ok(findings: Findings) -> Self {
        Found {
            outcome: Outcome::Ok,
            cause: None,
            findings: Some(findings),
        }
    }

    /// It yielded nothing, and why.
    pub fn nothing(outcome: Outcome, cause: Cause) -> Self {
        Found {
            outcome,
            cause: Some(cause),
            findings: None,
        }
    }
}

/// Carries out a lab in the process that calls it: a fresh one, of one thread, that ends right after.
pub type Labs = fn(&LabAsked) -> Found;

/// A server to be started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Launch {
    /// How it is called from now on.
    pub id: Id,
    /// Program and arguments; `{port}` in them is replaced by a port that the agent finds free.
    pub argv: Vec<String>,
    /// The whole environment, PATH for the search included.
    pub env: BTreeMap<String, String>,
    /// Logical CPUs it may run on.
    pub cpus: Vec<usize>,
    /// How many listening sockets make it ready (one a worker with SO_REUSEPORT).
    pub listeners: u32,
    /// How long it may take to listen.
    pub deadline_ms: u64,
    /// Whether it will be weighed: then it gets a cgroup of the memory controller, where there is one.
    #[serde(default)]
    pub weighed: bool,
    /// Whether the kernel is to count what it does, from before its first instruction: then `Usage` says that, too.
    #[serde(default)]
    pub counted: bool,
}

/// What is left of a server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Stopped {
    /// wait4 of every process of the tree, summed; absent when the keeper was lost.
    pub usage: Option<Usage>,
    /// How the root process ended, if it did so before it was told to.
    pub ended: Option<Ended>,
    /// The end of its standard error.
    pub stderr: String,
    /// What went wrong in ending it.
    pub problem: Option<String>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// With this status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Ended::Exit(status) => write!(f, "exited with status {status}"),
            Ended::Signal(number) => {
                let name = nix::sys::signal::Signal::try_from(number);
                write!(
                    f,
                    "was ended by {}",
                    name.map_or("a signal", |name| name.as_str())
                )
            }
        }
    }
}

/// How a target stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Connections that were answered in time and still stand.
    pub served: u32,
    /// Likewise of those beside them that say nothing.
    #[serde(default)]
    pub idle: u32,
    /// Threads of which at least one connection takes part.
    #[serde(default)]
    pub able: u32,
    /// Since the first probe.
    pub requests: Requests,
    /// Connections that had been answered and were lost, each counted once, by how it was first lost.
    #[serde(default)]
    pub hit: BTreeMap<String, u64>,
    /// The first thing that went wrong, as a sentence.
    pub problem: Option<String>,
}

impl Tally {
    /// Counts failed requests by kind.
    pub fn count_error(&mut self, kind: &str, number: u64) {
        *self.requests.errors.entry(kind.to_owned()).or_default() += number;
    }
}

/// What a target's load measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Connections that were this generator's to open.
    #[serde(default)]
    pub asked: u32,
    /// How it stood at the end.
    pub tally: Tally,
    /// In time order.
    pub slices: Vec<Slice>,
    /// received − sent.
    pub service: Option<Encoded>,
    /// received − due, where it differs.
    pub response: Option<Encoded>,
    /// connected − connect started (crr).
    pub connect: Option<Encoded>,
    /// How late the generator itself was (open loop).
    pub lag: Option<Encoded>,
    /// Tenths of seconds of a window.
    pub bins: Vec<record::Bin>,
    /// Each connection by itself, where it was asked for.
    pub by_connection: Vec<OfConnection>,
    /// How late its load began at the worst, after the instant that was agreed on.
    #[serde(default)]
    pub late_ns: u64,
    /// The generator about itself.
    pub generator: record::pass::Generator,
}
