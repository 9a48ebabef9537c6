//! What is counted, in memory that all processes of a server share, spawned ones too: connections accepted
//! and closed, workers that died, and for each worker how many it has open.
//!
//! Counts are made when a connection opens and closes, never at a request.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};

use nix::sys::signal::{Signal, kill};
use nix::unistd::getppid;

use crate::sys;

/// One for all, or one worker's: a cache line of its own.
const LINE: usize = 8;

static SHARED: OnceLock<Shared> = OnceLock::new();
/// That of the program that spawned this one.
static MASTERS: OnceLock<Shared> = OnceLock::new();
/// This process's line: 0 is no worker's.
static OWN: AtomicUsize = AtomicUsize::new(0);

struct Shared {
    memory: OwnedFd,
    words: &'static [AtomicU64],
}

#[derive(Clone, Copy)]
enum Word {
    Accepted,
    Closed,
    LastFailureMs,
    Died,
    Leaving,
}

#[derive(Clone, Copy)]
enum OfWorker {
    Open,
    Leaves,
}

/// A connection that is open: counted as accepted when made, as closed when dropped.
pub struct Open(());

impl Open {
    /// Counts one accepted connection.
    pub fn count() -> Self {
        word(Word::Accepted).fetch_add(1, Relaxed);
        if let Some(open) = own(OfWorker::Open) {
            open.fetch_add(1, Relaxed);
        }
        Open(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(open) = own(OfWorker::Open) {
            open.fetch_sub(1, Relaxed);
        }
        count_closed();
    }
}

/// Makes the counters, a line for each of `workers`.
///
/// # Errors
/// Those of `memfd_create` and `mmap`.
pub fn begin(workers: usize) -> io::Result<()> {
    let (memory, words) = sys::shared_words(LINE * (workers + 1))?;
    SHARED.get_or_init(|| Shared { memory, words });
    Ok(())
}

/// Counts from now on in the memory of the program that spawned this one.
///
/// # Errors
/// Those of `mmap`.
pub fn join(memory: OwnedFd, workers: usize) -> io::Result<()> {
    let words = sys::map_words(&memory, LINE * (workers + 1))?;
    MASTERS.get_or_init(|| Shared { memory, words });
    Ok(())
}

/// The memory, for a program that shall [`join`].
pub fn memory() -> Option<BorrowedFd<'static>> {
    SHARED.get().map(|shared| shared.memory.as_fd())
}

/// Counts one closed connection, for those whose `Open` lived in a process that is gone.
pub fn count_closed() {
    word(Word::Closed).fetch_add(1, Relaxed);
}

/// Accepted, open, and workers that died, so far.
pub fn state() -> (u64, u64, u64) {
    let accepted = word(Word::Accepted).load(Relaxed);
    let open = accepted.saturating_sub(word(Word::Closed).load(Relaxed));
    (accepted, open, word(Word::Died).load(Relaxed))
}

/// Puts the instant of a failure down and returns that of the one before, 0 if there was none.
pub fn last_failure_ms(now: u64) -> u64 {
    word(Word::LastFailureMs).swap(now, Relaxed)
}

/// Says that this process is the worker of a place.
pub fn work_at(place: usize) {
    OWN.store(place + 1, Relaxed);
}

/// Says to the parent that this worker takes no more connections; those that it has it will finish.
pub fn leave() {
    let (Some(open), Some(leaves)) = (own(OfWorker::Open), own(OfWorker::Leaves)) else {
        return;
    };
    OWN.store(0, Relaxed);
    open.store(0, Relaxed);
    leaves.store(1, SeqCst);
    word(Word::Leaving).fetch_add(1, SeqCst);
    // A parent that is gone has told us by a signal of its own.
    let _ = kill(getppid(), Signal::SIGCHLD);
}

/// How many connections the worker of a place has open.
pub fn open_at(place: usize) -> u64 {
    of(place + 1, OfWorker::Open).load(Relaxed)
}

/// Whether some worker has called [`leave`] since this was last asked.
pub fn somebody_leaves() -> bool {
    word(Word::Leaving).swap(0, SeqCst) > 0
}

/// Whether the worker of a place has called [`leave`]; true once.
pub fn leaves(place: usize) -> bool {
    of(place + 1, OfWorker::Leaves).swap(0, SeqCst) > 0
}

/// Closes the count of a worker that has ended, and what it had open.
pub fn bury(place: usize, died: bool) {
    let open = of(place + 1, OfWorker::Open).swap(0, Relaxed);
    word(Word::Closed).fetch_add(open, Relaxed);
    word(Word::Died).fetch_add(u64::from(died), Relaxed);
}

fn own(which: OfWorker) -> Option<&'static AtomicU64> {
    match OWN.load(Relaxed) {
        0 => None,
        line => Some(of(line, which)),
    }
}

fn word(word: Word) -> &'static AtomicU64 {
    at(word as usize)
}

fn of(line: usize, which: OfWorker) -> &'static AtomicU64 {
    at(LINE * line + which as usize)
}

fn at(index: usize) -> &'static AtomicU64 {
    static NOBODYS: AtomicU64 = AtomicU64::new(0);
    let shared = MASTERS.get().or(SHARED.get());
    shared
        .and_then(|shared| shared.words.get(index))
        .unwrap_or(&NOBODYS)
}
