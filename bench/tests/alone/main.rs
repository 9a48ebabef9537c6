//! Tests of the built program that look at figures or clocks: beside others a server keeps less and a reply comes later,
//! so whoever takes [`support::alone`] runs while nobody else of this program does.
//!
//! One program and not one a file, so that all are linked once; `cargo test --test alone NAME::` runs those of one file.

#[path = "../support/mod.rs"]
mod support;

mod bystanders;
mod capacity;
mod choose;
mod counters;
mod doubts;
mod duel;
mod load;
mod memory;
mod oracles;
mod papers;
mod strike;
mod terminal;
mod withheld;
