//! The models: one file each in `models/`, one line each in the table below.
//!
//! A new model is its file and its line; nothing else in the program knows a model by name.

mod cluster;
mod cluster_listener;
mod event_loop;
mod event_offload;
mod fork_per_connection;
mod io_uring;
mod iterative;
mod prefork;
mod rayon_pool;
mod thread_per_connection;
mod thread_pool;
mod thread_pool_accept;
mod thread_pool_dispatch;
mod tokio;

use std::io;
use std::net::SocketAddr;

use self::cluster::Policy as Cluster;
use self::prefork::Policy as Prefork;
use self::thread_pool_accept::Policy as PoolAccept;
use crate::work::Service;

/// What a model is given.
pub struct Server {
    /// Where to listen.
    pub address: SocketAddr,
    /// How many workers to have, where the model has any.
    pub workers: usize,
    /// After how many connections a worker process leaves.
    pub recycle: usize,
    /// Bytes of a serving thread's stack.
    pub stack: usize,
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
    Model { name: "prefork", family: "prefork", holds: "workers", sentence: "processes made in advance accept from one listener, one connection each", serve: |server| prefork::serve(server, Prefork::Shared) },
    Model { name: "prefork-file-lock", family: "prefork", holds: "workers", sentence: "prefork, each accepting while it holds a lock on a file (fcntl)", serve: |server| prefork::serve(server, Prefork::FileLock) },
    Model { name: "prefork-mutex", family: "prefork", holds: "workers", sentence: "prefork, each accepting while it holds a mutex in shared memory", serve: |server| prefork::serve(server, Prefork::Mutex) },
    Model { name: "prefork-epoll", family: "prefork", holds: "any", sentence: "processes made in advance, each an event loop on the one listener, all woken", serve: |server| prefork::serve(server, Prefork::Epoll) },
    Model { name: "prefork-epoll-exclusive", family: "prefork", holds: "any", sentence: "prefork-epoll, one loop woken for a connection (EPOLLEXCLUSIVE)", serve: |server| prefork::serve(server, Prefork::EpollExclusive) },
    Model { name: "prefork-reuseport", family: "prefork", holds: "any", sentence: "prefork-epoll, each loop with a listener of its own on the one port (SO_REUSEPORT)", serve: |server| prefork::serve(server, Prefork::ReusePort) },
    Model { name: "cluster-listener", family: "prefork", holds: "any", sentence: "programs that are passed the listener; they and their master accept, each an event loop", serve: cluster_listener::serve },
    Model { name: "cluster-round-robin", family: "prefork", holds: "any", sentence: "a master accepts and passes connections to event loops in turn (Node's default)", serve: |server| cluster::serve(server, Cluster::RoundRobin) },
    Model { name: "cluster-least-connections", family: "prefork", holds: "any", sentence: "a master accepts and passes each connection to the loop that has the fewest", serve: |server| cluster::serve(server, Cluster::LeastConnections) },
    Model { name: "cluster-first-free", family: "prefork", holds: "workers", sentence: "a master accepts and passes each connection to the first worker that serves nobody", serve: |server| cluster::serve(server, Cluster::FirstFree) },
    Model { name: "thread-per-connection", family: "thread-per-connection", holds: "any", sentence: "a new thread for each connection", serve: thread_per_connection::serve },
    Model { name: "thread-pool", family: "thread-pool", holds: "workers", sentence: "one thread accepts, a pool of threads serves one connection each", serve: thread_pool::serve },
    Model { name: "thread-pool-accept", family: "thread-pool", holds: "workers", sentence: "threads made in advance accept from one listener, one connection each", serve: |server| thread_pool_accept::serve(server, PoolAccept::Shared) },
    Model { name: "thread-pool-accept-mutex", family: "thread-pool", holds: "workers", sentence: "thread-pool-accept, each accepting while it holds a mutex", serve: |server| thread_pool_accept::serve(server, PoolAccept::Mutex) },
    Model { name: "thread-pool-dispatch", family: "thread-pool", holds: "any", sentence: "one thread waits for all connections, a pool of threads serves one ready request each", serve: thread_pool_dispatch::serve },
    Model { name: "rayon-pool", family: "thread-pool", holds: "workers", sentence: "a lesson, no advice: connections that block on a pool made for work that does not (rayon)", serve: rayon_pool::serve },
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
