//! Tests of the built program that run beside each other: what is said, what is kept, and that nothing is left. They mostly
//! wait, so more of them at once than there are CPUs end sooner (`scripts/check` says how many).
//!
//! What looks at figures or clocks belongs to `alone`. One program and not one a file, so that all are linked once;
//! `cargo test --test together NAME::` runs those of one file.

#[path = "../support/mod.rs"]
mod support;

mod compare;
mod denied;
mod doctor;
mod faults;
mod harness;
mod hosts;
mod input;
mod labs;
mod lesson;
mod limits;
mod matrix;
mod nothing_left;
mod resume;
mod told;
mod trace;
mod two;
