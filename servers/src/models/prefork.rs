//! Prefork: processes made in advance, each accepting from the one listener (Apache's first model).
//!
//! ```text
//!            fork × N                      ┌──────────────────────────────┐
//! parent ─┬────────────► worker: accept ─► serve until it closes ─┘ (again)
//!         ├────────────► worker: accept ─► serve …
//!         └────────────► worker: accept ─► serve …
//!    └─► waits for workers; one that dies is replaced
//! ```
//!
//! The kernel wakes one of the workers that wait in `accept`. It pays N processes whether or not anybody
//! comes, and nothing for a connection: births are saved by reuse. It ends at N clients: a worker owns a
//! connection until it closes, so number N + 1 waits in the backlog, however idle the N are.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::Server;
use crate::echo::echo;
use crate::listen::Listener;
use crate::patience::patiently;
use crate::signals;
use crate::sys::{self, Fork};

/// A worker that dies at once must not make the parent spin.
const BETWEEN_REPLACEMENTS: Duration = Duration::from_millis(100);

/// Serves with `workers` processes until QUIT has ended them all.
pub fn serve(server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?;
    for _ in 0..server.workers {
        start_worker(&listener, server);
    }
    let mut replaced = Instant::now();
    while sys::wait_for_child() {
        if !signals::quitting() {
            thread::sleep(BETWEEN_REPLACEMENTS.saturating_sub(replaced.elapsed()));
            replaced = Instant::now();
            start_worker(&listener, server);
        }
    }
    Ok(())
}

fn start_worker(listener: &Listener, server: &Server) {
    if let Fork::Child = patiently("fork a worker", sys::fork) {
        while let Some(connection) = listener.accept() {
            echo(&connection, &server.service);
        }
        sys::exit_now(0);
    }
}
