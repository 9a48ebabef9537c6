//! Thread pool: one thread accepts, N threads made in advance serve.
//!
//! ```text
//!                                  ┌─► worker: serve until it closes ─┐ (again)
//! accept ──► [ bounded queue ] ────┼─► worker: serve …
//!    ▲             │               └─► worker: serve …
//!    └── waits while it is full
//! ```
//!
//! It pays N stacks whether or not anybody comes, and a lock and a wake-up to hand a connection over: births
//! are saved by reuse. It ends at N clients: a worker owns a connection until it closes. The next N wait in
//! the queue, where they cost a descriptor each, all others in the kernel's backlog.
//!
//! System calls: a request is `recvfrom`, `sendto`. A connection is `accept4`, `recvfrom` of its end, `close`,
//! and a `futex` on either side when the worker slept.

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::Server;
use crate::echo::echo;
use crate::listen::Connection;
use crate::patience::patiently;

/// Serves with `workers` threads until QUIT has emptied the queue.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?;
    let queue = &Queue::bounded(server.workers);
    let work = || {
        while let Some(connection) = queue.pop() {
            echo(&connection, &server.service);
        }
    };
    thread::scope(|pool| {
        for _ in 0..server.workers {
            patiently("start a worker thread", || {
                let worker = thread::Builder::new().stack_size(server.stack);
                worker.spawn_scoped(pool, work)
            });
        }
        while let Some(connection) = listener.accept() {
            queue.push(connection);
        }
        queue.close();
    });
    Ok(())
}

/// Connections that wait for a worker, in the order of their coming.
struct Queue {
    waiting: Mutex<Waiting>,
    bound: usize,
    not_empty: Condvar,
    not_full: Condvar,
}

struct Waiting {
    connections: VecDeque<Connection>,
    closed: bool,
    /// Who sleeps: nobody else is woken, which would be a system call for nothing.
    workers: usize,
    acceptor: bool,
}

impl Queue {
    fn bounded(bound: usize) -> Self {
        let connections = VecDeque::with_capacity(bound);
        Queue {
            waiting: Mutex::new(Waiting {
                connections,
                closed: false,
                workers: 0,
                acceptor: false,
            }),
            bound,
            not_empty: Condvar::new(),
            not_full: Condvar::new(),
        }
    }

    fn push(&self, connection: Connection) {
        let mut waiting = self.lock();
        while waiting.connections.len() >= self.bound {
            waiting.acceptor = true;
            waiting = sleep(&self.not_full, waiting);
        }
        waiting.acceptor = false;
        waiting.connections.push_back(connection);
        let wake = waiting.workers > 0;
        drop(waiting);
        if wake {
            self.not_empty.notify_one();
        }
    }

    /// The next connection, or `None` once the queue is closed and empty.
    fn pop(&self) -> Option<Connection> {
        let mut waiting = self.lock();
        loop {
            if let Some(connection) = waiting.connections.pop_front() {
                let wake = waiting.acceptor;
                drop(waiting);
                if wake {
                    self.not_full.notify_one();
                }
                return Some(connection);
            }
            if waiting.closed {
                return None;
            }
            waiting.workers += 1;
            waiting = sleep(&self.not_empty, waiting);
            waiting.workers -= 1;
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.not_empty.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sleep<'a>(until: &Condvar, waiting: MutexGuard<'a, Waiting>) -> MutexGuard<'a, Waiting> {
    until.wait(waiting).unwrap_or_else(PoisonError::into_inner)
}
