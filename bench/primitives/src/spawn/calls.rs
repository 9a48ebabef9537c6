//! Which system calls start a child: seen by tracing one start (ptrace), in a process of its own that is
//! never measured. Every task is followed; only calls that make a task or execute a program are told.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use record::{Lab, LabKind, Where};

use super::Mechanism;
use super::parent::Parent;
use crate::sys::spawn::{entered_call, fork_to};

/// Nothing that is traced takes so long.
const DEADLINE: Duration = Duration::from_secs(5);

/// The calls of one start, in their order: `vfork, execve`, say.
///
/// # Errors
/// Why it could not be traced.
pub fn of(mechanism: &Mechanism) -> Result<String, String> {
    let said = |errno: Errno| format!("ptrace: {}", errno.desc());
    let traced = fork_to(|| {
        let begun = ptrace::traceme().and_then(|()| raise(Signal::SIGSTOP));
        let prepared = begun.is_ok().then(|| Parent::new(&nothing_held()));
        if let Some(Ok(parent)) = prepared
            && let Ok(mut start) = (mechanism.prepare)(&parent)
        {
            // The first start of a pool may make its threads.
            let _ = start();
            mark();
            let _ = start();
            mark();
        }
    });
    let traced = traced.map_err(said)?;
    let followed = follow(traced);
    // ESRCH: it has ended.
    let _ = kill(traced, Signal::SIGKILL);
    while matches!(
        waitpid(None, Some(WaitPidFlag::__WALL)),
        Ok(_) | Err(Errno::EINTR)
    ) {}
    followed.map_err(said)
}

/// A call that nobody makes by accident between two starts.
fn mark() {
    let _ = nix::unistd::getsid(Some(Pid::from_raw(0)));
}

fn nothing_held() -> Lab {
    Lab {
        name: "traced".to_owned(),
        title: String::new(),
        question: String::new(),
        lab: LabKind::Spawn,
        mechanisms: Vec::new(),
        placement: Where::SameCore,
        state_mib: None,
        pages: None,
        threads: None,
        descriptors: None,
        rate: None,
        bytes: None,
        tasks: None,
        working_set_kib: None,
        warmup: Duration::ZERO,
        window: Duration::ZERO,
        rounds: 1,
    }
}

/// Goes from stop to stop until nobody is left, and notes what is called between the two marks.
fn follow(traced: Pid) -> Result<String, Errno> {
    waitpid(traced, Some(WaitPidFlag::__WALL))?;
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::setoptions(traced, options)?;
    ptrace::syscall(traced, None)?;
    let deadline = Instant::now() + DEADLINE;
    let (mut marks, mut calls) = (0, Vec::new());
    let mut known = BTreeSet::from([traced]);
    while Instant::now() < deadline {
        let status = match waitpid(None, Some(WaitPidFlag::__WALL)) {
            Ok(status) => status,
            Err(Errno::ECHILD) if calls.is_empty() => {
                return Ok("none that makes a task".to_owned());
            }
            Err(Errno::ECHILD) => return Ok(calls.join(", ")),
            Err(errno) => return Err(errno),
        };
        let (task, signal) = match status {
            WaitStatus::PtraceSyscall(task) => {
                let call = entered_call(task);
                marks += u32::from(call.is_some_and(|(call, _)| call == libc::SYS_getsid));
                let call = call.filter(|_| marks == 1);
                calls.extend(call.and_then(|(call, argument)| told(task, call, argument)));
                (task, None)
            }
            WaitStatus::PtraceEvent(task, ..) => (task, None),
            // The first stop of a new task is the tracer's own doing.
            WaitStatus::Stopped(task, Signal::SIGSTOP) if known.insert(task) => (task, None),
            WaitStatus::Stopped(task, signal) => (task, Some(signal)),
            _ => continue,
        };
        // ESRCH: killed meanwhile.
        let _ = ptrace::syscall(task, signal);
    }
    Err(Errno::ETIMEDOUT)
}

/// A call as it is told: of those that make a task, the flags that matter, too.
fn told(task: Pid, call: libc::c_long, argument: u64) -> Option<String> {
    let name = name(call)?;
    let flags = match call {
        libc::SYS_clone => argument,
        // Its first argument points to the flags.
        libc::SYS_clone3 => ptrace::read(task, argument as ptrace::AddressType).ok()? as u64,
        _ => return Some(name.to_owned()),
    };
    let set = FLAGS.iter().filter(|(flag, _)| flags & *flag as u64 != 0);
    let set: Vec<&str> = set.map(|(_, name)| *name).collect();
    Some(match set.is_empty() {
        true => name.to_owned(),
        false => format!("{name}({})", set.join(" | ")),
    })
}

/// What tells a thread from a copy, and a copy from memory lent.
const FLAGS: [(libc::c_int, &str); 5] = [
    (libc::CLONE_VM, "CLONE_VM"),
    (libc::CLONE_VFORK, "CLONE_VFORK"),
    (libc::CLONE_FILES, "CLONE_FILES"),
    (libc::CLONE_THREAD, "CLONE_THREAD"),
    (libc::CLONE_PIDFD, "CLONE_PIDFD"),
];

/// The calls that make a task or execute a program.
fn name(call: libc::c_long) -> Option<&'static str> {
    Some(match call {
        libc::SYS_clone => "clone",
        libc::SYS_clone3 => "clone3",
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fork => "fork",
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork => "vfork",
        libc::SYS_execve => "execve",
        libc::SYS_execveat => "execveat",
        _ => return None,
    })
}
