//! Thread pool whose workers accept: no queue and nobody who fills it (UNP 30.11 and, without the lock, 30.6).
//!
//! ```text
//!            spawn × N      ┌─ a policy ─┐
//! main ─┬───────────► worker:  accept                 ─► serve until it closes ─┐ (again)
//!       ├───────────► worker:  [ accept, under a mutex ] ─► serve …             │
//!       └───────────► worker:      ▲                                            │
//!    └─► waits for the end         └────────────────────────────────────────────┘
//! ```
//!
//! Beside `thread-pool`, the hand-over is gone: no lock, no wake-up of a second thread, no queue; who is
//! served next is the kernel's decision, in the order of `accept`s that wait. Under the mutex one waits in
//! the kernel and the others for the mutex: what systems needed where `accept` woke everybody.
//!
//! It pays N stacks whether or not anybody comes, and ends at N clients; all others wait in the backlog.
//!
//! System calls: a request is `recvfrom`, `sendto`. A connection is `accept4`, `recvfrom` of its end,
//! `close`; under the mutex a `futex` or two while somebody waits for it.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::Server;
use crate::echo::echo;
use crate::patience::patiently;

/// Who accepts the next connection.
#[derive(Clone, Copy)]
pub enum Policy {
    Shared,
    Mutex,
}

/// Serves with `workers` threads until QUIT has ended them all.
pub fn serve(server: &'static Server, policy: Policy) -> io::Result<()> {
    let listener = server.listen()?;
    let turn = Mutex::new(());
    let accept = || match policy {
        Policy::Shared => listener.accept(),
        Policy::Mutex => {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            listener.accept()
        }
    };
    let work = || {
        while let Some(connection) = accept() {
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
    });
    Ok(())
}
