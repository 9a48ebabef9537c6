//! All of this package's unsafe, a lab a file. Thin, safe names for system calls; policy stands with the
//! callers.

#![allow(unsafe_code)]

pub mod ipc;
pub mod spawn;
