//! The models: one file each in `models/`, one line each in the table below.
//!
//! A new model is its file and its line; nothing else in the program knows a model by name.

mod event_loop;
mod event_offload;
mod fork_per_connection;
mod io_uring;
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
    Model { name: "event-loop-edge", family: "event-driven", holds: "any", sentence: "the same, told of changes only (epoll, edge-triggered)", serve: event_loop::serve_edge },
    Model { name: "event-loop-per-core", family: "event-driven", holds: "any", sentence: "a loop a worker, each with a listener of its own (SO_REUSEPORT)", serve: event_loop::serve_per_core },
    Model { name: "event-offload", family: "event-driven", holds: "any", sentence: "one loop with callbacks, and helper threads for work that blocks (libuv)", serve: event_offload::serve },
    Model { name: "tokio", family: "event-driven", holds: "any", sentence: "a task for each connection on a runtime of worker threads", serve: tokio::serve },
    Model { name: "tokio-current-thread", family: "event-driven", holds: "any", sentence: "a task for each connection, all on one thread", serve: tokio::serve_current_thread },
    Model { name: "io-uring", family: "event-driven", holds: "any", sentence: "one thread orders in bulk what the kernel then does (io_uring)", serve: io_uring::serve },
];

/// A model, and whether it may have what it needs.
type Need = (&'static str, fn() -> io::Result<()>);

/// What some models need of the kernel, and may be denied.
const NEEDS: &[Need] = &[("io-uring", io_uring::allowed)];

impl Model {
    /// Whether it can serve here.
    ///
    /// # Errors
    /// `Unsupported`, with what is not allowed and by whom.
    pub fn check(&self) -> io::Result<()> {
        let mut needs = NEEDS.iter().filter(|(name, _)| *name == self.name);
        needs.try_for_each(|(_, allowed)| allowed())
    }
}
