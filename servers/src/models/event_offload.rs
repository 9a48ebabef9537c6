//! Event loop with helpers: what blocks is done by other threads, and calls back (libuv's architecture).
//!
//! ```text
//!             ┌──────────────────────────────────────────────┐
//!             ▼                                              │     helper: sleep, read ─┐
//! epoll_wait: what happened? ──► on_arrival ─────────────────┤     helper: …            ├─ done, or failed
//!             ├────────────────► on_change: recv ─► blocks? ─┼──►  helper: …            │
//!             │                    │ no: send ─────────────► │     helper: …            │
//!             └─► on_finished ─► done:   send, go on         │                          │
//!                     ▲          failed: close this one ───► ┘                          │
//!                     └───────────────── eventfd ◄──────────────────────────────────────┘
//! ```
//!
//! It pays for blocking work two wake-ups, two locks and a copy of the request; for all else what the plain
//! loop pays. What it buys: a request that sleeps or reads a file delays nobody but its own client, who is
//! not read meanwhile. It ends at as many blocking requests at once as there are helpers (libuv's four, or
//! `--workers` if that is more): the next waits in their queue; and arithmetic is done inline, as libuv does.
//!
//! System calls: a request is `recvfrom`, `sendto`, a share of the `epoll_wait` for all that are ready (edge-triggered).
//! With work that blocks, beside the work: a fifth of a recv in vain, two futex calls, and few writes to the
//! eventfd (0.03 with 50 clients): one for all that are finished before the loop looks.

use std::io;
use std::os::fd::AsFd;

use nix::sys::epoll::{EpollEvent, EpollFlags};

use super::Server;
use crate::clients::{Clients, DOOR, EDGES, LAST, TURNS};
use crate::echo::BUFFER;
use crate::nonblocking::Connection;
use crate::offload::Helpers;
use crate::work::Due;

/// As many as libuv has.
const LEAST_HELPERS: usize = 4;
/// What an event of the helpers carries in place of a client's number.
const HELPERS: u64 = DOOR - 1;

/// What becomes of a client when its work is done, and when it has failed.
struct Callbacks {
    client: Connection,
    done: Callback<()>,
    failed: Callback<io::Error>,
}

type Callback<T> = Box<dyn FnOnce(&mut Loop<'_>, Connection, T) + Send>;

struct Loop<'a> {
    clients: Clients<'a>,
    helpers: Helpers<Callbacks>,
    buffer: [u8; BUFFER],
}

/// Serves all connections on this thread, with helpers for what blocks.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let listener = &server.listen()?.into_nonblocking()?;
    let helpers = Helpers::start(server.workers.max(LEAST_HELPERS))?;
    let accept = || Connection::accept(listener, &server.service);
    let clients = Clients::none(listener.as_fd(), EpollFlags::EPOLLIN, accept, EDGES)?;
    clients.watch_besides(&helpers, EpollFlags::EPOLLIN | EpollFlags::EPOLLET, HELPERS)?;
    let buffer = [0; BUFFER];
    let mut it = Loop {
        clients,
        helpers,
        buffer,
    };
    let mut events = [EpollEvent::empty(); 512];
    while it.clients.expected() {
        let ready = it.clients.wait(&mut events)?;
        for event in &events[..ready] {
            match event.data() {
                DOOR => it.clients.let_in()?,
                HELPERS => it.on_finished(),
                at => it.on_change(at as usize, event.events().intersects(LAST)),
            }
        }
    }
    Ok(())
}

impl Loop<'_> {
    /// A client can be read or written, or is gone: `to_the_end` when more may be there than a buffer that
    /// is not full says. One that is lent waits for its callback.
    fn on_change(&mut self, at: usize, to_the_end: bool) {
        for _ in 0..TURNS {
            let Some(client) = self.clients.get(at) else {
                return;
            };
            let received = match client.receive(&mut self.buffer) {
                Ok(Some(received)) => received,
                Ok(None) => return,
                Err(_) => return self.clients.end(at),
            };
            let inline = match client.due(received) {
                Some(due) if due.blocks() => return self.offload(at, due, received),
                due => due.map_or(Ok(()), Due::finish),
            };
            if inline
                .and_then(|()| client.send(&self.buffer[..received]))
                .is_err()
            {
                return self.clients.end(at);
            }
            if received < BUFFER && !to_the_end {
                return;
            }
        }
        // Others wait: asked for anew, an edge is reported again while something is left.
        self.clients.watch(at, EDGES);
    }

    /// Has a request's work done elsewhere: whoever does it takes the client along, and brings it back.
    fn offload(&mut self, at: usize, due: Due<'static>, received: usize) {
        let Some(client) = self.clients.lend(at) else {
            return;
        };
        let request = self.buffer[..received].to_vec();
        let done = Box::new(move |it: &mut Loop<'_>, mut client: Connection, ()| {
            if client.send(&request).is_err() {
                return it.clients.end_lent(client);
            }
            let at = client.descriptor();
            it.clients.take_back(client);
            // What changed while it was away was reported to nobody.
            it.on_change(at, true);
        });
        let failed = Box::new(|it: &mut Loop<'_>, client: Connection, _: io::Error| {
            it.clients.end_lent(client);
        });
        self.helpers.give(
            due,
            Callbacks {
                client,
                done,
                failed,
            },
        );
    }

    /// Helpers are back: calls what was left to be called.
    fn on_finished(&mut self) {
        for (then, result) in self.helpers.finished() {
            match result {
                Ok(()) => (then.done)(self, then.client, ()),
                Err(error) => (then.failed)(self, then.client, error),
            }
        }
    }
}
