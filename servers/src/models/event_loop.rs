//! Event loops: a thread waits for all connections at once and reacts to what has changed.
//!
//! ```text
//!             ┌──────────────────────────────────────────────────────────┐
//!             ▼                                                          │
//! epoll_wait: who is ready? ──► door: accept all ── table[fd] = new ─────┤
//!             │                                                          │
//!             ├──► readable: recv → send ── all sent ────────────────────┤
//!             │                        └─── not all: keep the rest, wait until writable
//!             └──► writable: send the rest ── then wait until readable ──┘
//! ```
//!
//! It pays a few dozen bytes for a connection and no context switch for a request: a busy loop never sleeps.
//! Back-pressure: a client that does not read stops being read, so that at most one buffer is kept for it.
//! It ends at one core, and at the first request that blocks: work is done inline, and while it is, nobody
//! else is served. That is the lesson; `event_offload.rs` is an answer to it. The members:
//! - `event-loop`, level-triggered: a client is reported while there is something to read. A turn may leave some.
//! - `event-loop-edge`: once, when something comes. What is left is never mentioned again, so a turn goes on
//!   until nothing is; in return the kernel need not look again at a client that was served.
//! - `event-loop-per-core`: `--workers` level-triggered loops on threads that share nothing; the kernel deals
//!   connections out among their listeners by hash, so one loop may be busy while another is idle.
//!
//! System calls, in all: a request is `recvfrom`, `sendto`, a share of the `epoll_wait` for all ready (50 clients: 0.04).

use std::io;
use std::os::fd::AsFd;
use std::thread;

use nix::sys::epoll::{EpollEvent, EpollFlags};

use super::Server;
use crate::clients::{Clients, DOOR, EDGES, LAST, TURNS};
use crate::echo::BUFFER;
use crate::nonblocking::{Connection, Wants};
use crate::patience::patiently;

/// When the kernel reports a client: while it is ready, or when it becomes so.
#[derive(Clone, Copy)]
enum Trigger {
    Level,
    Edge,
}

/// Serves all connections on this thread.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?.into_nonblocking()?;
    let accept = || Connection::accept(&listener, &server.service);
    run(&listener, EpollFlags::EPOLLIN, accept)
}

/// Serves all connections on this thread, told of changes only.
pub fn serve_edge(server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?.into_nonblocking()?;
    let accept = || Connection::accept(&listener, &server.service);
    run_by(Trigger::Edge, &listener, EpollFlags::EPOLLIN, accept)
}

/// Serves with a loop a worker; this thread runs one of them.
pub fn serve_per_core(server: &'static Server) -> io::Result<()> {
    let listeners = server.listen_apart(server.workers)?;
    for listener in &listeners {
        listener.set_nonblocking(true)?;
    }
    thread::scope(|threads| {
        let mut loops = listeners.iter().map(|listener| {
            let accept = || Connection::accept(listener, &server.service);
            move || run(&**listener, EpollFlags::EPOLLIN, accept)
        });
        let ours = loops.next();
        for each in loops {
            patiently("start a loop", || {
                thread::Builder::new().spawn_scoped(threads, each)
            });
        }
        ours.map_or(Ok(()), |ours| ours())
    })
}

/// Serves on this thread whoever comes by the source `new`, until `accept` says that no more will come and
/// all have gone. `watch` says how to wait for them.
pub fn run(
    new: impl AsFd,
    watch: EpollFlags,
    accept: impl FnMut() -> io::Result<Connection>,
) -> io::Result<()> {
    run_by(Trigger::Level, new, watch, accept)
}

fn run_by(
    trigger: Trigger,
    new: impl AsFd,
    watch: EpollFlags,
    accept: impl FnMut() -> io::Result<Connection>,
) -> io::Result<()> {
    let interest = match trigger {
        Trigger::Level => EpollFlags::EPOLLIN,
        Trigger::Edge => EDGES,
    };
    let mut clients = Clients::none(new.as_fd(), watch, accept, interest)?;
    let mut buffer = [0; BUFFER];
    let mut events = [EpollEvent::empty(); 512];
    while clients.expected() {
        let ready = clients.wait(&mut events)?;
        for event in &events[..ready] {
            match (event.data(), trigger) {
                (DOOR, _) => clients.let_in()?,
                (at, Trigger::Level) => one_turn(&mut clients, at as usize, &mut buffer),
                (at, Trigger::Edge) => all_turns(
                    &mut clients,
                    at as usize,
                    event.events().intersects(LAST),
                    &mut buffer,
                ),
            }
        }
    }
    Ok(())
}

/// Level-triggered: what this turn leaves is reported again.
fn one_turn(clients: &mut Clients<'_>, at: usize, buffer: &mut [u8]) {
    let Some(client) = clients.get(at) else {
        return;
    };
    let wanted = client.wants();
    if client.turn(buffer).is_err() {
        return clients.end(at);
    }
    // One thing at a time: a client that is behind is not read.
    match client.wants() {
        wants if wants == wanted => {}
        Wants::Read => clients.watch(at, EpollFlags::EPOLLIN),
        Wants::Write => clients.watch(at, EpollFlags::EPOLLOUT),
    }
}

/// Edge-triggered: what these turns leave is not reported again, unless that is asked for.
fn all_turns(clients: &mut Clients<'_>, at: usize, last: bool, buffer: &mut [u8]) {
    let Some(client) = clients.get(at) else {
        return;
    };
    for _ in 0..TURNS {
        match client.turn(buffer) {
            Err(_) => return clients.end(at),
            Ok(more) if more || (last && client.wants() == Wants::Read) => {}
            Ok(_) => return,
        }
    }
    clients.watch(at, EDGES);
}
