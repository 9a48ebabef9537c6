//! What the chapter says about signals, shown: who sends INT when a user types Ctrl-C, and that nobody handles
//! KILL. Evidence, not a measurement.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{getpid, getppid, pipe2, setsid};

use super::end::{by, through};
use super::parties::{Forked, hear};
use crate::sys::ipc as sys;

const PATIENCE: Duration = Duration::from_secs(5);
const CTRL_C: &[u8] = b"\x03";

/// What this kernel has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupts {
    /// Number of the signal that Ctrl-C in a pseudo-terminal has brought.
    pub ctrl_c_number: i32,
    /// Whether its sender was the kernel (SI_KERNEL), where the driver of terminals is, and no process.
    pub ctrl_c_from_kernel: bool,
    /// KILL's number.
    pub kill_number: i32,
    /// What the kernel says to a handler for KILL.
    pub kill_handler: Result<(), Errno>,
}

/// Types Ctrl-C into a pseudo-terminal of a child's, and asks for a handler for KILL. Called in a process of
/// one thread.
///
/// # Errors
/// Which call failed.
pub fn evidence() -> Result<Interrupts, (&'static str, Errno)> {
    let terminal = openpty(None, None).map_err(by("openpty"))?;
    let (told, tell) = pipe2(OFlag::O_CLOEXEC).map_err(by("pipe2"))?;
    let parent = getpid();
    let child = sys::fork_to(|| {
        let shown = || {
            set_pdeathsig(Signal::SIGKILL)?;
            if getppid() != parent {
                return Err(Errno::ESRCH);
            }
            setsid()?;
            sys::take_terminal(&terminal.slave)?;
            sys::block(libc::SIGINT)?;
            nix::unistd::write(&tell, b"\n")?;
            let came = through(|| sys::wait_signal(libc::SIGINT))?;
            let shown = format!("{} {}", came.number, came.code);
            nix::unistd::write(&tell, shown.as_bytes())
        };
        // Its parent sees the pipe's end, and too little in it.
        let _ = shown();
    });
    let _child = Forked(vec![child.map_err(by("fork"))?]);
    drop(tell);
    let deadline = Instant::now() + PATIENCE;
    poll(
        &mut [PollFd::new(told.as_fd(), PollFlags::POLLIN)],
        PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::MAX),
    )
    .map_err(by("poll"))?;
    let mut master = File::from(terminal.master);
    let typed = master.write_all(CTRL_C);
    typed.map_err(|error| ("write", super::streams::errno(&error)))?;
    let heard = hear(told, deadline).ok_or(("sigwaitinfo", Errno::ETIMEDOUT))?;
    let heard = String::from_utf8_lossy(&heard).into_owned();
    let words = heard.trim().split_once(' ');
    let words =
        words.and_then(|(number, code)| Some((number.parse().ok()?, code.parse::<i32>().ok()?)));
    let (ctrl_c_number, code) = words.ok_or(("a session with a terminal", Errno::EPROTO))?;
    Ok(Interrupts {
        ctrl_c_number,
        ctrl_c_from_kernel: code == libc::SI_KERNEL,
        kill_number: Signal::SIGKILL as i32,
        kill_handler: sys::handle(Signal::SIGKILL),
    })
}
