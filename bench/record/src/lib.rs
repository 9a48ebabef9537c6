//! What is written down: the vocabulary of fiveways, the files that users write, and the store of records.
//!
//! Goals: one word for one thing; a record complete in itself, that another person's program can read in
//! ten years. Non-goals: it measures nothing, estimates nothing, draws nothing, and depends on nothing here.
//!
//! | word | where |
//! |---|---|
//! | contender, holds, control | [`contender`] |
//! | suite | [`suite`] |
//! | scenario, workload, pace | [`scenario`] |
//! | what is left of a suite in haste | [`quick`] |
//! | claim, judgement | [`judgement`] |
//! | account, entry | [`ledger`] |
//! | lesson: prediction, answers, score | [`lesson`] |
//! | capacity: promise, search, probe | [`search`] |
//! | run (the plan), entrant | [`run`] |
//! | host, fact, yardstick | [`host`], [`yardstick`] |
//! | hosts: of a server, of a load | [`hosts`] |
//! | network: delay, loss | [`network`] |
//! | fault, strike | [`fault`] |
//! | pass, outcome, cause, gauge, slice | [`pass`] |
//! | usage, source, counted | [`usage`] |
//! | host memory, cgroup memory | [`host_memory`] |
//! | lab, findings | [`lab`] |
//! | distribution | [`histogram`] |
//! | trace: task, object, call, moment | [`trace`] |
//! | metric | [`metric`] |
//! | observation | [`observation`] |
//! | estimate, comparison, answer, verdict, noise floor | [`summary`] |
//! | JSON Schema | [`schema`] |
//! | results | [`store`] |

pub mod contender;
pub mod fault;
pub mod histogram;
pub mod host;
pub mod host_memory;
pub mod hosts;
pub mod judgement;
pub mod lab;
pub mod ledger;
pub mod lesson;
pub mod metric;
pub mod network;
pub mod observation;
pub mod pass;
pub mod quick;
pub mod run;
pub mod scenario;
pub mod schema;
pub mod search;
pub mod store;
pub mod suite;
pub mod summary;
mod toml_file;
pub mod trace;
pub mod usage;
mod workers;
mod workload;
pub mod yardstick;

pub use contender::{CONTROL, Contender, Holds, is_name, read_contenders};
pub use fault::{Fault, FaultSignal, Member, Role, Struck, Victim};
pub use histogram::Encoded;
pub use host::{Cpu, Fact, Host};
pub use host_memory::{CgroupMemory, HostMemory, HostMemoryInstants};
pub use hosts::{BrokenOff, Hosts, LoadPart, LoadedFrom, read_hosts};
pub use judgement::{Judged, Judgement, Tested};
pub use lab::{Findings, Lab, LabKind, Pages, Where};
pub use ledger::{Account, Entry};
pub use lesson::{
    ANSWERS_SCHEMA, Answers, Prediction, Predictions, Scored, Taken, read_predictions,
};
pub use metric::{Better, LAB_METRICS, METRICS, Metric, SYSTEM_CALLS, metric};
pub use network::Network;
pub use observation::Observation;
pub use pass::*;
pub use quick::Quick;
pub use run::{Entrant, LeftOut, Planned, RUN_SCHEMA, Resumption, Run};
pub use scenario::{Measure, Placing, Scenario};
pub use schema::{schema, schemas};
pub use search::{Search, Slo};
pub use store::{
    Results, StoreError, TRACES, Writer, make_folder, make_subfolder, read_results, read_trace,
    write_whole,
};
pub use suite::{Suite, read_suite};
pub use summary::{Answer, Capacity, Comparison, Estimate, NoiseFloor, SUMMARY_SCHEMA, Summary};
pub use toml_file::{FileError, nearest};
pub use trace::{TRACE_SCHEMA, Trace, TraceAsked};
pub use workers::Workers;
pub use workload::{Pace, Workload};
pub use yardstick::Yardstick;
