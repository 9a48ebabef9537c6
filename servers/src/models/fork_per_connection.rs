//! Fork per connection: a copy of the server for each client (Stevens' first concurrent server).
//!
//! ```text
//!                   ┌─► child: serve client 1 until it closes, _exit ─┐
//! accept ──► fork ──┼─► child: serve client 2 …                       ├─► SIGCHLD: reap
//!    ▲         │    └─► child: serve client 3 …                       ┘
//!    └─────────┘                              each in an address space of its own
//! ```
//!
//! It pays a process for each connection: page tables copied at once (2 KiB for each MiB that the parent
//! has touched), pages copied when either side writes, a teardown at the end. What it buys is isolation: a
//! child that dies takes one client with it. It ends at the limit of processes; then the parent holds the
//! connection it has accepted and asks again.
//!
//! System calls: a request is `recvfrom`, `sendto`. A connection is `accept4`, `clone`, `close` × 2 (either side's
//! copy), `recvfrom` of its end, what a child is born and dies with, and `wait4`.

use std::io;

use super::Server;
use crate::echo::echo;
use crate::patience::patiently;
use crate::sys::{self, Fork};

/// Serves each connection in a child of its own.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?;
    sys::reap_children()?;
    while let Some(connection) = listener.accept() {
        match patiently("fork", sys::fork) {
            Fork::Child => {
                drop(listener);
                echo(&connection, &server.service);
                sys::exit_now(0);
            }
            // Both have the connection now: unless this copy is closed, the client never sees its end.
            Fork::Parent(_) => connection.leave_to_child(),
        }
    }
    // The handler may be first to reap a child: what counts is that none is left.
    while sys::wait_for_child() {}
    Ok(())
}
