//! What signals mean, alike for every model; the main process answers them, its workers follow.
//!
//! - TERM, INT: `_exit(0)` at once. Forked workers carry PR_SET_PDEATHSIG and get their TERM with it.
//! - QUIT: no new connections, open ones are finished. The handler shuts the listener down: on Linux every
//!   blocked and every later `accept` on that socket, in each thread and process that shares it, returns
//!   EINVAL, and epoll reports a hang-up, so there is no flag to test and no race to lose. Connections
//!   that were never accepted are reset. After 10 s SIGALRM ends what is left, as TERM would.
//! - USR1: one line of state on standard error; workers that died stand in it once there are any.
//!
//! SIGPIPE is ignored by Rust's start-up code. Everything a handler calls is async-signal-safe.

use std::fmt::Write;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed};

use nix::errno::Errno;
use nix::libc::c_int;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::socket::{Shutdown, shutdown};
use nix::unistd::{Pid, alarm, getpid, getppid};

use crate::listen::Listener;
pub use crate::tally::Open;
use crate::{sys, tally};

/// How long open connections may take after QUIT, in seconds.
const QUIT_BOUND: u32 = 10;

static MODEL: OnceLock<&'static str> = OnceLock::new();
static MAIN: AtomicI32 = AtomicI32::new(0);
static LISTENERS: OnceLock<Vec<RawFd>> = OnceLock::new();
static QUITTING: AtomicBool = AtomicBool::new(false);

/// Whether QUIT has come.
pub fn quitting() -> bool {
    QUITTING.load(Relaxed)
}

/// Installs all handlers; the calling process becomes the main one.
///
/// # Errors
/// Those of `sigaction`.
pub fn install(model: &'static str) -> io::Result<()> {
    MODEL.get_or_init(|| model);
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

/// Makes a spawned program a worker: its parent answers for both.
pub fn follow_parent() {
    MAIN.store(getppid().as_raw(), Relaxed);
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
    let (accepted, open, died) = tally::state();
    let model = MODEL.get().copied().unwrap_or("echo-server");
    let mut line = Line::default();
    // Formatting integers into a fixed buffer allocates nothing and takes no lock.
    let pid = MAIN.load(Relaxed);
    let _ = write!(line, "{model} pid {pid} accepted {accepted} open {open}");
    if died > 0 {
        let _ = write!(line, " died {died}");
    }
    let _ = line.write_str("\n");
    let _ = nix::unistd::write(io::stderr(), &line.bytes[..line.length]);
    Errno::set_raw(errno);
}

fn is_main() -> bool {
    getpid() == Pid::from_raw(MAIN.load(Relaxed))
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
