//! Rayon's pool: what happens when work that blocks meets a pool that was made for work that does not.
//!
//! ```text
//!                            ┌─► worker, its own deque ─┐ whoever has nothing left to do steals from the
//! accept ──► [ injector ] ───┼─► worker, its own deque ─┤ others; nobody has, and there is nothing to
//!    ▲            │          └─► worker, its own deque ─┘ steal: each is asleep in `read`
//!    └────────────┘  unbounded: whoever is accepted waits here, connected and unanswered
//! ```
//!
//! A lesson, no advice. The pool's size is meant for CPUs: a task that waits keeps a worker, so N workers
//! serve N clients as in `thread-pool`, but the queue knows no bound: all others are accepted, cost a
//! descriptor each, and never learn that they wait. A task that waited for another one of the queue would
//! wait for ever. Before it sleeps, an idle worker looks around for work: CPU that a condition variable
//! does not use.
//!
//! System calls: a request is `recvfrom`, `sendto`. A connection is `accept4`, `recvfrom` of its end, `close`,
//! and `futex` and `sched_yield` by workers that look for work.

use std::io;

use rayon::ThreadPoolBuilder;

use super::Server;
use crate::echo::echo;
use crate::patience;

/// Serves with `workers` threads of rayon's until QUIT has emptied its queue.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?;
    patience::until_threads_can_start(server.workers);
    let pool = ThreadPoolBuilder::new()
        .num_threads(server.workers)
        .stack_size(server.stack)
        .build()
        .map_err(io::Error::other)?;
    pool.in_place_scope(|tasks| {
        while let Some(connection) = listener.accept() {
            tasks.spawn(move |_| echo(&connection, &server.service));
        }
    });
    Ok(())
}
