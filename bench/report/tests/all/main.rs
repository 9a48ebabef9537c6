//! The crate from outside: everything below is one program, so that it is linked once.

#[path = "../fixture/mod.rs"]
mod fixture;
#[path = "../pages/mod.rs"]
mod pages;

mod control;
mod counters;
mod export;
mod golden;
mod pictures;
mod rates;
mod suites;
mod whole;
