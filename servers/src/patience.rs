//! What a server does when the kernel is out of something: say so once, wait 10 ms, try again.
//!
//! Descriptors, memory, processes and threads come back when connections close, so giving up would be
//! wrong, and trying without a pause would take the CPU from those who could give them back.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread::{self, Scope};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::listen::Connection;
use crate::tally;

/// How long a server waits before it asks the kernel again.
pub const PAUSE: Duration = Duration::from_millis(10);

/// An episode is over when nothing failed for so long; a failure after that is said again.
const EPISODE_MS: u64 = 1000;

/// Repeats `attempt` until the kernel grants it.
pub fn patiently<T>(what: &str, mut attempt: impl FnMut() -> io::Result<T>) -> T {
    loop {
        match attempt() {
            Ok(granted) => return granted,
            Err(error) => {
                say_once(what, &error);
                thread::sleep(PAUSE);
            }
        }
    }
}

/// Serves `connection` on a new thread, and holds it until that thread can be had: a closure that owned it
/// would take it along when the first attempt fails.
pub fn start_thread<'scope>(
    threads: &'scope Scope<'scope, '_>,
    stack: usize,
    connection: Connection,
    serve: impl Fn(&Connection) + Copy + Send + 'scope,
) {
    let connection = Arc::new(connection);
    patiently("start a thread", || {
        let connection = Arc::clone(&connection);
        let builder = thread::Builder::new().stack_size(stack);
        builder.spawn_scoped(threads, move || serve(&connection))
    });
}

/// Waits until `count` threads can be had at once, for a library that does not ask twice.
pub fn until_threads_can_start(count: usize) {
    let gate = Mutex::new(());
    patiently("start the worker threads", || {
        thread::scope(|threads| {
            let closed = gate.lock();
            for _ in 0..count {
                thread::Builder::new().spawn_scoped(threads, || drop(gate.lock()))?;
            }
            drop(closed);
            Ok(())
        })
    });
}

/// Says that `what` failed, unless this process, or one that it forked, said so in the same episode.
pub fn say_once(what: &str, error: &dyn fmt::Display) {
    let now = monotonic_ms();
    let last = tally::last_failure_ms(now);
    if last == 0 || now.saturating_sub(last) > EPISODE_MS {
        // With stderr closed there is nobody to tell, and no reason to stop serving.
        let _ = writeln!(
            io::stderr(),
            "echo-server: cannot {what}: {error}; trying again every {} ms \
             (limits: `ulimit -n`, `ulimit -u`, and pids.max of the cgroup)",
            PAUSE.as_millis()
        );
    }
}

fn monotonic_ms() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    // 0 means "never": a machine that booted this millisecond may lie by one.
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX).max(1)
}
