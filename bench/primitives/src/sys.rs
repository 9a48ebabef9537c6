//! All of this package's unsafe, a lab a file. Thin, safe names for system calls; policy stands with the
//! callers.

#![allow(unsafe_code)]

mod first;
pub mod ipc;
mod memory;
pub mod spawn;
