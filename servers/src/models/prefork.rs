//! Prefork: processes made in advance, each accepting by itself (Apache's first model; UNP 30.6 to 30.8).
//!
//! ```text
//!            fork × N               ┌─ a policy: who accepts? ─┐
//! parent ─┬────────────► worker:    accept                     serve until it closes ─┐ (again, or after
//!         ├────────────► worker:    [ accept, under a lock ]   serve …                │  --recycle K: leave)
//!         ├────────────► worker:    epoll_wait ─► accept all   serve them all at once │
//!         └────────────► worker:        ▲  └───────────────────────────────────────── ┘
//!    └─► waits for workers: one that leaves is replaced at once, one that dies after a pause
//! ```
//!
//! It pays N processes whether or not anybody comes, and nothing for a connection: births are saved by
//! reuse. It buys isolation: a worker that dies takes its own clients with it. The blocking ones end at N
//! clients: a worker owns a connection until it closes, so number N + 1 waits, however idle the N are.
//!
//! Who accepts: `Shared`: the kernel wakes one of those that wait in `accept`, in turn. `FileLock`, `Mutex`:
//! what kernels without that needed; a stopped holder stops everybody, a dead one frees the lock. `Epoll`:
//! all idle loops are woken for each connection, the quickest gets it. `EpollExclusive`: one is, and the
//! last that began to wait is asked first. `ReusePort`: a socket each, dealt by a hash of the addresses,
//! whoever may be busy; so its workers are loops, too (one that blocked would leave its share waiting beside
//! idle neighbours). The sockets are the parent's: whoever replaces a worker finds its queue.
//!
//! System calls: a request is `recvfrom`, `sendto` (loops: and a share of an `epoll_wait`). A connection is
//! `accept4`, `recvfrom` of its end, `close`; file lock: and `fcntl` × 2; mutex: and a `futex` or two while
//! somebody waits for it; loops: and `epoll_wait` × 2, `epoll_ctl`, an `accept4` that finds nobody (shared:
//! two of these for each loop that was woken for nothing).

use std::io;
use std::iter;
use std::net::TcpListener;

use nix::sys::epoll::EpollFlags;

use super::{Server, event_loop};
use crate::echo::echo;
use crate::lock::Lock;
use crate::nonblocking::Connection;
use crate::{crew, sys};

/// Who accepts the next connection.
#[derive(Clone, Copy)]
pub enum Policy {
    Shared,
    FileLock,
    Mutex,
    Epoll,
    EpollExclusive,
    ReusePort,
}

/// Serves with `workers` processes until QUIT has ended them all.
pub fn serve(server: &'static Server, policy: Policy) -> io::Result<()> {
    match policy {
        Policy::Shared => serve_one_each(server, Lock::None),
        Policy::FileLock => serve_one_each(server, Lock::of_file()?),
        Policy::Mutex => serve_one_each(server, Lock::of_memory()?),
        Policy::Epoll | Policy::EpollExclusive | Policy::ReusePort => {
            serve_many_each(server, policy)
        }
    }
}

fn serve_one_each(server: &'static Server, lock: Lock) -> io::Result<()> {
    let listener = server.listen()?;
    crew::keep(server.workers, |_| {
        let accepted = iter::from_fn(|| lock.with(|| listener.accept()));
        for connection in accepted.take(server.recycle) {
            echo(&connection, &server.service);
        }
    })
}

fn serve_many_each(server: &'static Server, policy: Policy) -> io::Result<()> {
    let listeners = match policy {
        Policy::ReusePort => server.listen_apart(server.workers)?,
        _ => vec![server.listen()?],
    };
    let listeners = listeners
        .into_iter()
        .map(|listener| listener.into_nonblocking());
    let listeners = listeners.collect::<io::Result<Vec<TcpListener>>>()?;
    let watch = match policy {
        Policy::EpollExclusive => EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE,
        _ => EpollFlags::EPOLLIN,
    };
    crew::keep(server.workers, |place| {
        let listener = &listeners[place % listeners.len()];
        let accept = || Connection::accept(listener, &server.service);
        // Whatever stops a loop, its end shows the parent that somebody has to take its place.
        if event_loop::run(
            listener,
            watch,
            crew::until_recycled(server.recycle, accept),
        )
        .is_err()
        {
            sys::exit_now(1);
        }
    })
}
