//! Iterative: one client after another.
//!
//! ```text
//! client ──► accept ─► serve until it closes ─┐
//!              ▲                              │
//!              └──────────────────────────────┘        everybody else waits in the backlog
//! ```
//!
//! It pays nothing: no process, no thread, no table. It ends at the second client, who waits for as long
//! as the first one cares to stay. The baseline that all other models are an answer to.
//!
//! System calls: a request is `recvfrom`, `sendto`. A connection is `accept4`, `recvfrom` of its end, `close`.

use std::io;

use super::Server;
use crate::echo::echo;

/// Serves whoever comes, to the end, before looking for the next.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?;
    while let Some(connection) = listener.accept() {
        echo(&connection, &server.service);
    }
    Ok(())
}
