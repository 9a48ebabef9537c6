//! What is written down: the vocabulary of fiveways, the files that users write, and the store of records.
//!
//! Goals: one word for one thing; a record complete in itself, that another person's program can read in
//! ten years. Non-goals: it measures nothing, estimates nothing, draws nothing, and depends on nothing here.
//!
//! | word | where |
//! |---|---|
//! | contender, holds, control | [`contender`] |
//! | suite, scenario, workload, pace | [`suite`] |
//! | run (the plan), entrant | [`run`] |
//! | pass, outcome, cause, usage, gauge, slice | [`pass`] |
//! | lab, findings | [`lab`] |
//! | distribution | [`histogram`] |
//! | metric | [`metric`] |
//! | estimate, comparison, answer, verdict, noise floor | [`summary`] |
//! | results | [`store`] |

pub mod contender;
pub mod histogram;
pub mod host;
pub mod lab;
pub mod metric;
pub mod pass;
pub mod run;
pub mod store;
pub mod suite;
pub mod summary;
mod toml_file;

pub use contender::{CONTROL, Contender, Holds, is_name, read_contenders};
pub use histogram::Encoded;
pub use host::{Cpu, Host};
pub use lab::{Findings, Lab, LabKind, Pages, Where};
pub use metric::{Better, LAB_METRICS, METRICS, Metric, metric};
pub use pass::*;
pub use run::{Entrant, Planned, RUN_SCHEMA, Run};
pub use store::{Results, StoreError, Writer, read_results, write_whole};
pub use suite::{Measure, Pace, Scenario, Suite, Workers, Workload, read_suite};
pub use summary::{Answer, Comparison, Estimate, NoiseFloor, SUMMARY_SCHEMA, Summary};
pub use toml_file::{FileError, nearest};
