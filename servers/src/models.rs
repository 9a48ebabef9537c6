//! The models: one file each in `models/`, one line each in the table below.
//!
//! A new model is its file and its line; nothing else in the program knows a model by name.

mod event_loop;
mod fork_per_connection;
mod iterative;
mod prefork;
mod thread_per_connection;
mod thread_pool;
mod tokio;

use std::io;
use std::net::SocketAddr;

use crate::work::Service;

/// What a model is given.
pub struct Server {
    /// Where to listen.
    pub address: SocketAddr,
    /// How many workers to have, where the model has any.
    pub workers: usize,
    /// What to do for a connection beside the echo.
    pub service: Service,
}

/// A way of mapping connections onto what the kernel schedules.
#[derive(Debug)]
pub struct Model {
    /// `[a-z0-9-]+`.
    pub name: &'static str,
    /// The family that it belongs to.
    pub family: &'static str,
    /// How many clients it serves at the same moment: `one`, `workers` or `any`.
    pub holds: &'static str,
    /// What it does, in one sentence.
    pub sentence: &'static str,
    /// Serves until QUIT has ended the last connection.
    pub serve: fn(&'static Server) -> io::Result<()>,
}

#[rustfmt::skip]
pub const MODELS: &[Model] = &[
    Model { name: "iterative", family: "iterative", holds: "one", sentence: "one client after another", serve: iterative::serve },
    Model { name: "fork-per-connection", family: "fork-per-connection", holds: "any", sentence: "a new process for each connection", serve: fork_per_connection::serve },
    Model { name: "prefork", family: "prefork", holds: "workers", sentence: "processes made in advance accept from one listener, one connection each", serve: prefork::serve },
    Model { name: "thread-per-connection", family: "thread-per-connection", holds: "any", sentence: "a new thread for each connection", serve: thread_per_connection::serve },
    Model { name: "thread-pool", family: "thread-pool", holds: "workers", sentence: "one thread accepts, a pool of threads serves one connection each", serve: thread_pool::serve },
    Model { name: "event-loop", family: "event-driven", holds: "any", sentence: "one thread waits for all connections at once (epoll, level-triggered)", serve: event_loop::serve },
    Model { name: "tokio", family: "event-driven", holds: "any", sentence: "a task for each connection on a runtime of worker threads", serve: tokio::serve },
];
