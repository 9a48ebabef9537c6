//! A trace: what a server asked of the kernel while a few clients were served, call by call. Facts only, under
//! names that do not change from one trace to the next: processes are p1, p2 …, their other threads p1.2, p1.3 …,
//! connections c1, c2 …, descriptors by what they lead to. Who woke whom is read from it in `report`.
//!
//! All instants are nanoseconds since the server was let go; a call that had not returned has no end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::pass::{Cause, Outcome};

/// The schema of a trace.
pub const TRACE_SCHEMA: &str = "fiveways-trace/1";

/// One server, traced while it served a few clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trace {
    /// [`TRACE_SCHEMA`].
    pub schema: String,
    /// Of fiveways.
    pub version: String,
    /// Who was traced.
    pub contender: String,
    /// Its family.
    pub family: String,
    /// Its version.
    pub contender_version: String,
    /// Its command, without this machine's paths.
    pub command: Vec<String>,
    /// Where; without facts.
    pub host: Host,
    /// What its clients did.
    pub asked: TraceAsked,
    /// What came of it: ok, or the server died, hung, refused, lied.
    pub outcome: Outcome,
    /// Why, if it is not ok.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Up to the instant at which it listened and had come to rest.
    pub startup: Startup,
    /// Whatever was traced: in the order of their births.
    pub tasks: Vec<Task>,
    /// What descriptors led to, in the order of their coming.
    pub objects: Vec<Object>,
    /// In the order of their beginnings.
    pub calls: Vec<Call>,
    /// In the order of their coming.
    pub signals: Vec<Signalled>,
    /// What the clients did and saw.
    pub clients: Vec<Moment>,
    /// When the clients that came all at once began to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once_ns: Option<u64>,
    /// Whether more was called than is kept.
    #[serde(default)]
    pub truncated: bool,
    /// The same clients, served without a tracer.
    pub untraced: Untraced,
    /// What was traced, to be read beside the drawing: of our own models alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// A model's source, as it was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// In the repository.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// What the clients were to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceAsked {
    /// Clients that come one after another; then as many come at once.
    pub connections: u32,
    /// Requests of each.
    pub requests: u32,
    /// Bytes of each.
    pub message: u32,
    /// What `{workers}` stood for.
    pub workers: u32,
    /// Physical cores of the server.
    pub server_cpus: u32,
}

/// A server's beginning.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Startup {
    /// How long it took, traced.
    pub took_ns: u64,
    /// How often which call was made.
    pub calls: BTreeMap<String, u64>,
    /// Calls that made what it serves with (sockets, epolls, pipes, rings, workers), in order.
    pub opening: Vec<String>,
}

/// A process, or another thread of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// `p1`, `p1.2`.
    pub name: String,
    /// The process it belongs to: its own name if it is one.
    pub process: String,
    /// Who made it; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// When it was made.
    pub born_ns: u64,
    /// How it calls itself (/proc/…/comm), as seen last.
    pub comm: String,
    /// Its end, if that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<TaskEnd>,
}

impl Task {
    /// Whether it shares its memory with its process.
    pub fn is_thread(&self) -> bool {
        self.name != self.process
    }
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEnd {
    /// When.
    pub at_ns: u64,
    /// The status it exited with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
}

/// What a descriptor leads to, or what tasks meet at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// `c1`, `listener`, `pipe 1`, `pair 1a`, `eventfd 1`, `epoll 1`, `futex 1`, a file's name.
    pub name: String,
    /// What it is.
    pub kind: ObjectKind,
    /// Of a socket pair: the other end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
}

/// Kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectKind {
    /// A client's connection.
    Connection,
    /// A listening socket.
    Listener,
    /// Any other socket.
    Socket,
    /// One end of a socket pair.
    Pair,
    /// A pipe, both of its ends.
    Pipe,
    /// An eventfd(2).
    Eventfd,
    /// An epoll(7).
    Epoll,
    /// An io_uring(7).
    Ring,
    /// A word of memory that is waited for by futex(2).
    Futex,
    /// A file of any other kind.
    File,
}

/// A system call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Who called.
    pub task: String,
    /// Its name, as the kernel has it.
    pub name: String,
    /// Its arguments, as far as they help, without addresses.
    pub args: Vec<String>,
    /// What it is about: an object's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// When it was made.
    pub from_ns: u64,
    /// When it returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_ns: Option<u64>,
    /// What it returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<i64>,
    /// The error's name, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno: Option<String>,
    /// The object or the task that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// How often the caller slept inside (voluntary switches); none where the kernel does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slept: Option<u64>,
    /// What it told the kernel to do (io_uring), or gave away (descriptors).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gave: Vec<Told>,
    /// What it was told: events, answers, descriptors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub got: Vec<Told>,
}

/// One thing that a call told or was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// About which object, if about one that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// What: `readable`, `recv = 64`.
    pub what: String,
}

/// A signal that reached a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signalled {
    /// Whom.
    pub task: String,
    /// When.
    pub at_ns: u64,
    /// Which.
    pub signal: String,
    /// From which task, if from one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// What a client did or saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// `c1`, `c2` …
    pub client: String,
    /// When.
    pub at_ns: u64,
    /// What.
    pub what: MomentKind,
    /// Which request, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u32>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Kinds of moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MomentKind {
    /// It calls connect(2).
    Connect,
    /// The kernel has answered for the server.
    Connected,
    /// It sends a request.
    Send,
    /// It has the whole reply.
    Received,
    /// It closes.
    Close,
    /// It gives up.
    Failed,
}

/// The same clients before the same server without a tracer, or why not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untraced {
    /// What they did and saw; instants since they began.
    pub clients: Vec<Moment>,
    /// Why there is nothing, if there is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
