//! The crate from outside, in one program.

mod parsers;
mod schemas;
