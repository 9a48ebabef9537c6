//! ptrace(2) where `nix` cannot go: signals without a name (real-time ones) among the stops, PTRACE_LISTEN, and
//! what a stop at a system call says.

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;

/// How a stopped task goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoOn {
    /// To its next system call, or the end of this one.
    ToCall,
    /// Freely.
    Freely,
    /// Not at all, until a signal continues it: it is stopped as its own kind of job.
    Stopped,
}

/// Where in a system call a task has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtCall {
    /// Before it.
    Entry {
        /// Which.
        number: u64,
        /// As they stand in the registers.
        args: [u64; 6],
    },
    /// After it.
    Exit {
        /// What it returns; an error's number, negative.
        result: i64,
        /// Whether that is an error.
        failed: bool,
    },
    /// Elsewhere.
    Neither,
}

/// The next task that has stopped or ended, with its status word, without waiting; `None` when all run.
///
/// # Errors
/// ECHILD when there is nobody.
pub fn next_stop() -> Result<Option<(Pid, i32)>, Errno> {
    let mut status = 0;
    // SAFETY: the pointer is to a live, writable local. __WALL: threads and processes alike.
    match unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG | libc::__WALL) } {
        -1 => Err(Errno::last()),
        0 => Ok(None),
        pid => Ok(Some((Pid::from_raw(pid), status))),
    }
}

/// Lets a stopped task go on, and gives it a signal unless that is 0.
///
/// # Errors
/// ESRCH when it has been killed meanwhile.
pub fn go_on(pid: Pid, how: GoOn, signal: i32) -> Result<(), Errno> {
    let request = match how {
        GoOn::ToCall => libc::PTRACE_SYSCALL,
        GoOn::Freely => libc::PTRACE_CONT,
        GoOn::Stopped => libc::PTRACE_LISTEN,
    };
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: these requests take a number in place of `data` and touch no memory of ours.
    let done = unsafe { libc::ptrace(request, pid.as_raw(), none, libc::c_long::from(signal)) };
    Errno::result(done).map(drop)
}

/// What a stopped task's stop says of its system call (Linux 5.3).
///
/// # Errors
/// ESRCH when it has been killed meanwhile; EIO on an older kernel.
pub fn at_call(pid: Pid) -> Result<AtCall, Errno> {
    let info = nix::sys::ptrace::syscall_info(pid)?;
    Ok(match info.op {
        libc::PTRACE_SYSCALL_INFO_ENTRY => {
            // SAFETY: `op` says that the kernel has filled this member of the union.
            let entry = unsafe { info.u.entry };
            AtCall::Entry {
                number: entry.nr,
                args: entry.args,
            }
        }
        libc::PTRACE_SYSCALL_INFO_EXIT => {
            // SAFETY: as above.
            let exit = unsafe { info.u.exit };
            AtCall::Exit {
                result: exit.sval,
                failed: exit.is_error != 0,
            }
        }
        _ => AtCall::Neither,
    })
}

/// Who sent the signal at which this task has stopped; 0 when nobody did, or it cannot be known.
pub fn sender(pid: Pid) -> i32 {
    let Ok(info) = nix::sys::ptrace::getsiginfo(pid) else {
        return 0;
    };
    let by_process = info.si_signo == libc::SIGCHLD || info.si_code <= 0;
    if by_process {
        // SAFETY: for a child's end, and for what kill(2) and its kin send, the kernel has filled this field.
        unsafe { info.si_pid() }
    } else {
        0
    }
}
