//! io_uring: one thread writes down what it wants done; the kernel does it, and writes down what came of it.
//!
//! ```text
//!             orders (a ring in memory)                          answers (another one)
//!  ┌──────── accept all ── receive all from 7 ── send to 7 ──► io_uring_enter ──► 8 came · 7 sent 64 bytes ──┐
//!  │                                                                 ▲                · 7 was sent all       │
//!  └── new orders for each answer ◄─────────────────────────────────┼────────────────────────────────────────┘
//!                                      buffers that the kernel fills ┘ as bytes come: none waits at an idle client
//! ```
//!
//! A readiness loop asks who is ready and then makes the calls itself; here the calls are ordered. Accept and
//! receive are ordered once and answered many times (multishot); received bytes come in buffers of the
//! kernel's choosing, which are sent back from where they lie, and given back once they are sent.
//!
//! It pays two rings and the buffers that were ever full at once. Back-pressure is code: with four
//! buffers owed to a client, its receive is cancelled until they are sent (`orders.rs`). It ends where the loop ends: at one
//! core, and at the first request that blocks; and where it is not allowed (a sandbox's seccomp filter,
//! `kernel.io_uring_disabled`) or the kernel is older than 6.1. Then the server says so and ends with 69.
//!
//! System calls: a request is a share of the `io_uring_enter` for all that are answered together (50 clients: 0.08 at
//! most; 0.13 while clients are slowed by counting), and nothing else.

use std::io;
use std::os::fd::AsRawFd;

use nix::libc;

use super::Server;
use crate::listen::{Refusal, refusal};
use crate::orders::Clients;
use crate::sys::uring::{Answer, Lent, Ring};

/// Whether it can be had here.
///
/// # Errors
/// `Unsupported`, with the reason.
pub fn allowed() -> io::Result<()> {
    ring().map(drop)
}

fn ring() -> io::Result<Ring> {
    Ring::new().map_err(|error| {
        let hint = "see `sysctl kernel.io_uring_disabled` and the seccomp filter of the container, if it is in one; \
                    Linux 6.1 or newer is needed";
        io::Error::new(io::ErrorKind::Unsupported, format!("io_uring is not to be had here: {error}; {hint}"))
    })
}

/// Serves all connections on this thread.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let mut it = Clients::none(ring()?, &server.service);
    let listener = server.listen()?;
    it.ring.accept(listener.as_raw_fd());
    let mut shut = false;
    while it.open > 0 || !shut {
        it.ring.wait()?;
        while let Some(answer) = it.ring.answer() {
            match answer {
                Answer::Accepted(Ok(stream), more) => {
                    it.add(stream);
                    if !more {
                        it.ring.accept(listener.as_raw_fd());
                    }
                }
                Answer::Accepted(Err(error), _) => match refusal(&error) {
                    Refusal::Retry => it.ring.accept(listener.as_raw_fd()),
                    Refusal::Ended => shut = true,
                    Refusal::Exhausted => it.ring.pause(),
                },
                Answer::Rested => it.ring.accept(listener.as_raw_fd()),
                Answer::Received(at, received, more) => on_received(&mut it, at, received, more),
                Answer::Sent(at, sent) => on_sent(&mut it, at, sent),
                Answer::Cancelled => {}
            }
        }
    }
    Ok(())
}

/// Bytes have come, or the end of them, or none because the receive has ended.
fn on_received(it: &mut Clients, at: usize, received: io::Result<Option<Lent>>, more: bool) {
    let Some((client, ring)) = it.get(at) else {
        return;
    };
    client.receiving = more;
    match received {
        Ok(Some(lent)) => {
            let requests = client.requests.as_mut();
            let done = requests.map_or(Ok(()), |it| it.received(lent.length()));
            client.owed.push_back(lent);
            if done.is_err() {
                return it.break_off(at);
            }
        }
        Ok(None) => client.ended = true,
        Err(error) => match error.raw_os_error() {
            // We have cancelled it.
            Some(libc::ECANCELED) => {}
            Some(libc::ENOBUFS) if ring.make_buffers() => {}
            Some(libc::ENOBUFS) => return it.starved.push(at),
            _ => client.ended = true,
        },
    }
    it.go_on(at);
}

/// All of a buffer was sent, or the client is gone.
fn on_sent(it: &mut Clients, at: usize, sent: io::Result<()>) {
    if let Some((client, _)) = it.get(at) {
        client.sending = false;
    }
    match sent {
        Ok(()) => it.go_on(at),
        Err(_) => it.break_off(at),
    }
    // There is a buffer again.
    if let Some(at) = it.starved.pop() {
        it.go_on(at);
    }
}
