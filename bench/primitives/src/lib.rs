//! The labs: what it costs to start something, to talk to it, and to switch to it. The primitives that
//! explain the servers.
//!
//! Goals: each primitive as a C programmer would call it, verified, and measured in a fresh process that
//! holds exactly the state asked for. Non-goals: no statistics, no printing, no servers.
//!
//! | lab | where |
//! |---|---|
//! | what an agent calls | [`look`] |
//! | what starting costs | [`spawn`] |
//! | what a message costs | [`ipc`] |
//! | what a switch costs | [`switch`] |
//! | what a system call costs | [`call`] |
//! | how tasks share a CPU | [`share`] |
//! | what the kernel shows | [`evidence`] |

pub mod call;
pub mod evidence;
pub mod ipc;
mod lab;
pub mod share;
pub mod spawn;
pub mod switch;
mod sys;

pub use lab::{Nothing, look, mechanisms};
