//! Thread per connection: the kernel's scheduler is the server.
//!
//! ```text
//!                    ┌─► thread: serve client 1 until it closes
//! accept ──► spawn ──┼─► thread: serve client 2 …
//!    ▲         │     └─► thread: serve client 3 …
//!    └─────────┘                                       all in one address space
//! ```
//!
//! It pays a thread's birth and death for each connection, a kernel stack and a few pages of user stack
//! while it is open, and a context switch for nearly every request. It ends where threads do: at the limit
//! of tasks, or of memory maps (two or more a stack); then the next connection is held until one is free.
//!
//! System calls: a request is `recvfrom`, `sendto`. A connection is `accept4`, `recvfrom` of its end,
//! `close`, and what a thread is born and dies with: `mmap` or a stack of the cache, `clone3`, `madvise`, `exit`.
//!
//! Beside `iterative`, the difference is the `start_thread`. After QUIT the scope waits for its threads.

use std::io;
use std::thread;

use super::Server;
use crate::echo::echo;
use crate::patience::start_thread;

/// Serves each connection on a thread of its own.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?;
    thread::scope(|threads| {
        while let Some(connection) = listener.accept() {
            start_thread(threads, server.stack, connection, |client| {
                echo(client, &server.service);
            });
        }
    });
    Ok(())
}
