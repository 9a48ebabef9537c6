//! Thread pool with a dispatcher: one thread waits for all, workers take what is ready, a request at a time
//! (half-sync/half-async; Java's NIO servers).
//!
//! ```text
//!                                                        ┌─► worker: recv → send ─┐
//! epoll_wait: who is ready? ──► [ ready connections ] ───┼─► worker: recv → send ─┤
//!    ▲       │                                           └─► worker: recv → send ─┤
//!    │       └─ listener: accept all ─► resting ◄──────────────────────────────── ┘
//!    └───────────────────────────────────── armed again (one-shot: one event, one worker)
//! ```
//!
//! A worker owns a connection for one request, not for its life: N threads serve any number of clients, and
//! a request that blocks stops one worker of N. It pays for each request what a pool pays for each
//! connection: a lock, a wake-up, a switch to the worker, and the arming. It ends when all N are blocked.
//!
//! System calls: a request is `recvfrom`, `sendto`, `epoll_ctl`, a share of an `epoll_wait`, and a `futex`
//! on either side when a worker sleeps. A connection is `accept4` × 2 (one finds nobody), `epoll_ctl` × 2,
//! `recvfrom` of its end, `close`.

use std::io;
use std::net::TcpListener;
use std::thread;

use super::Server;
use crate::echo::BUFFER;
use crate::hall::Hall;
use crate::patience::patiently;

/// Serves with `workers` threads, and this one to dispatch.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let listener: TcpListener = server.listen()?.into_nonblocking()?;
    let hall = &Hall::of(&listener, &server.service)?;
    let work = || {
        let mut buffer = [0; BUFFER];
        while let Some(mut connection) = hall.next_ready() {
            match connection.turn(&mut buffer) {
                Ok(_) => hall.seat(connection),
                Err(_) => hall.see_off(connection),
            }
        }
    };
    thread::scope(|pool| {
        for _ in 0..server.workers {
            patiently("start a worker thread", || {
                let worker = thread::Builder::new().stack_size(server.stack);
                worker.spawn_scoped(pool, work)
            });
        }
        let dispatched = hall.dispatch();
        hall.close();
        dispatched
    })
}
