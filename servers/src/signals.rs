//! What signals mean, alike for every model; the main process answers them, its workers follow.
//!
//! - TERM, INT: `_exit(0)` at once. Forked workers carry PR_SET_PDEATHSIG and get their TERM with it.
//! - QUIT: no new connections, open ones are finished. The handler shuts the listener down: on Linux every
//!   blocked and every later `accept` on that socket, in each thread and process that shares it, returns
//!   EINVAL, and epoll reports a hang-up, so there is no flag to test and no race to lose. Connections
//!   that were never accepted are reset. After 10 s SIGALRM ends what is left, as TERM would.
//! - USR1: one line of state on standard error.
//!
//! SIGPIPE is ignored by Rust's start-up code. Everything a handler calls is async-signal-safe. Counts are
//! made when a connection opens and closes, never at a request; a worker that is killed takes its open
//! connection into the count.

use std::fmt::Write;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::Relaxed};

use nix::errno::Errno;
use nix::libc::c_int;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{Shutdown, shutdown};
use nix::unistd::{Pid, alarm, getpid};

use crate::listen::Listener;
use crate::sys;

/// How long open connections may take after QUIT, in seconds.
const QUIT_BOUND: u32 = 10;

static MODEL: OnceLock<&'static str> = OnceLock::new();
static MAIN: AtomicI32 = AtomicI32::new(0);
static LISTENERS: OnceLock<Vec<RawFd>> = OnceLock::new();
static QUITTING: AtomicBool = AtomicBool::new(false);
static SHARED: OnceLock<&'static sys::SharedWords> = OnceLock::new();

/// A connection that is open: counted as accepted when made, as closed when dropped.
pub struct Open(());

impl Open {
    /// Counts one accepted connection.
    pub fn count() -> Self {
        word(Word::Accepted).fetch_add(1, Relaxed);
        Open(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        count_closed();
    }
}

/// Counts one closed connection, for those whose `Open` lived in a process that is gone.
pub fn count_closed() {
    word(Word::Closed).fetch_add(1, Relaxed);
}

/// Puts the instant of a failure down and returns that of the one before, 0 if there was none.
pub fn last_failure_ms(now: u64) -> u64 {
    word(Word::LastFailureMs).swap(now, Relaxed)
}

/// Whether QUIT has come.
pub fn quitting() -> bool {
    QUITTING.load(Relaxed)
}

/// Installs all handlers; the calling process becomes the main one.
///
/// # Errors
/// Those of `mmap` and `sigaction`.
pub fn install(model: &'static str) -> io::Result<()> {
    MODEL.get_or_init(|| model);
    SHARED.get_or_init({
        let words = sys::shared_words()?;
        move || words
    });
    MAIN.store(getpid().as_raw(), Relaxed);
    let handlers: [(Signal, extern "C" fn(c_int)); 5] = [
        (Signal::SIGTERM, end),
        (Signal::SIGINT, end),
        (Signal::SIGALRM, end),
        (Signal::SIGQUIT, quit),
        (Signal::SIGUSR1, tell),
    ];
    let mut ours = SigSet::empty();
    for (signal, handler) in handlers {
        sys::on_signal(signal, handler)?;
        ours.add(signal);
    }
    // Whoever started us may have blocked them.
    Ok(ours.thread_unblock()?)
}

/// Names the sockets that QUIT shuts down; once.
pub fn shut_down_at_quit(listeners: &[Listener]) {
    LISTENERS.get_or_init(|| {
        listeners
            .iter()
            .map(|listener| listener.as_raw_fd())
            .collect()
    });
}

extern "C" fn end(_: c_int) {
    sys::exit_now(0);
}

extern "C" fn quit(_: c_int) {
    // A terminal sends QUIT to the workers, too: theirs is this same socket.
    if !is_main() || QUITTING.swap(true, Relaxed) {
        return;
    }
    let Some(listeners) = LISTENERS.get() else {
        sys::exit_now(0);
    };
    let errno = Errno::last_raw();
    for &listener in listeners {
        let _ = shutdown(listener, Shutdown::Read);
    }
    alarm::set(QUIT_BOUND);
    Errno::set_raw(errno);
}

extern "C" fn tell(_: c_int) {
    if !is_main() {
        return;
    }
    let errno = Errno::last_raw();
    let accepted = word(Word::Accepted).load(Relaxed);
    let open = accepted.saturating_sub(word(Word::Closed).load(Relaxed));
    let model = MODEL.get().copied().unwrap_or("echo-server");
    let mut line = Line::default();
    // Formatting integers into a fixed buffer allocates nothing and takes no lock.
    let _ = writeln!(
        line,
        "{model} pid {} accepted {accepted} open {open}",
        MAIN.load(Relaxed)
    );
    let _ = nix::unistd::write(io::stderr(), &line.bytes[..line.length]);
    Errno::set_raw(errno);
}

fn is_main() -> bool {
    getpid() == Pid::from_raw(MAIN.load(Relaxed))
}

enum Word {
    Accepted,
    Closed,
    LastFailureMs,
}

fn word(word: Word) -> &'static AtomicU64 {
    static NOBODYS: AtomicU64 = AtomicU64::new(0);
    SHARED.get().map_or(&NOBODYS, |words| &words[word as usize])
}

struct Line {
    bytes: [u8; 128],
    length: usize,
}

impl Default for Line {
    fn default() -> Self {
        Line {
            bytes: [0; 128],
            length: 0,
        }
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let room = self
            .bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
