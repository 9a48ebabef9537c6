//! Helper threads: they do the work that must not be done on an event loop, because it waits.
//!
//! ```text
//! loop ── queue ──► helper: the work ── finished ──► eventfd: the loop is woken, and told what came of it
//! ```
//!
//! It pays N stacks, and for each piece of work a lock and a wake-up in both directions. The loop never waits
//! for a helper; work waits for one when all are busy.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::patience::patiently;
use crate::work::Due;

/// What came of a piece of work, and what was given along with it.
pub type Finished<T> = (T, io::Result<()>);

/// Threads that wait for work; what is given along comes back with the result.
pub struct Helpers<T: 'static> {
    shared: &'static Shared<T>,
}

struct Shared<T> {
    queue: Mutex<VecDeque<(Due<'static>, T)>>,
    not_empty: Condvar,
    finished: Mutex<Vec<Finished<T>>>,
    bell: EventFd,
}

impl<T: Send> Helpers<T> {
    /// So many threads, for as long as the process lives.
    ///
    /// # Errors
    /// Those of `eventfd`.
    pub fn start(count: usize) -> io::Result<Self> {
        let shared: &'static Shared<T> = Box::leak(Box::new(Shared {
            queue: Mutex::new(VecDeque::new()),
            not_empty: Condvar::new(),
            finished: Mutex::new(Vec::new()),
            bell: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
        }));
        for _ in 0..count {
            patiently("start a helper thread", || {
                thread::Builder::new().spawn(|| shared.help())
            });
        }
        Ok(Helpers { shared })
    }

    /// Has `work` done by whoever is free first.
    pub fn give(&self, work: Due<'static>, along: T) {
        lock(&self.shared.queue).push_back((work, along));
        self.shared.not_empty.notify_one();
    }

    /// All that was finished since this was last asked.
    pub fn finished(&self) -> Vec<Finished<T>> {
        std::mem::take(&mut *lock(&self.shared.finished))
    }
}

impl<T> AsFd for Helpers<T> {
    /// Becomes readable (an edge each time) when something is finished.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.bell.as_fd()
    }
}

impl<T> Shared<T> {
    fn help(&self) {
        loop {
            let (work, along) = self.next();
            let result = work.finish();
            let mut finished = lock(&self.finished);
            finished.push((along, result));
            let first = finished.len() == 1;
            drop(finished);
            // Whoever put in the first has rung already for those after it.
            if first {
                // EAGAIN: rung 2^64 times without being read, and readable all the same.
                let _ = self.bell.write(1);
            }
        }
    }

    fn next(&self) -> (Due<'static>, T) {
        let mut queue = lock(&self.queue);
        loop {
            match queue.pop_front() {
                Some(next) => return next,
                None => {
                    queue = self
                        .not_empty
                        .wait(queue)
                        .unwrap_or_else(PoisonError::into_inner)
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
