//! Tracepoints of system calls: which are looked for, and under which ids this kernel knows them.
//!
//! Ids stand in the tracing file system. Where nobody has mounted it, a child does so in a mount namespace of
//! its own, reads them, and ends: nothing changes for servers or host. Once an agent.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;

use crate::frame;
use crate::sys::{self, Fork};

/// All system calls, whatever their names.
pub const ALL: &str = "sys_enter";

/// What servers of all kinds ask of the kernel for a request, a connection, a task: found by strace(1) on ours and on
/// node's, Python's, Go's and socat's. A name more makes every fork dearer; what is not here is told as the rest.
pub const NAMES: [&str; 45] = [
    "accept",
    "accept4",
    "clock_nanosleep",
    "clone",
    "clone3",
    "close",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "exit",
    "exit_group",
    "fcntl",
    "futex",
    "getpid",
    "getsockname",
    "gettid",
    "io_uring_enter",
    "ioctl",
    "madvise",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "nanosleep",
    "openat",
    "poll",
    "prctl",
    "pselect6",
    "read",
    "recvfrom",
    "recvmsg",
    "rseq",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_yield",
    "select",
    "sendmsg",
    "sendto",
    "set_robust_list",
    "setsockopt",
    "shutdown",
    "sigaltstack",
    "wait4",
    "write",
    "writev",
];

/// Where the tracing file system is, if it is mounted.
const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// How long a mount and fifty small files may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ids by event, without those that this kernel does not know; or why there is none.
pub type Ids = Result<BTreeMap<String, u64>, String>;

/// Every event that is looked for.
pub fn events() -> impl Iterator<Item = String> {
    let by_name = NAMES.iter().map(|name| format!("{ALL}_{name}"));
    std::iter::once(ALL.to_owned()).chain(by_name)
}

/// Looks for the ids.
pub fn find() -> Ids {
    let mut denied = None;
    for place in PLACES {
        match fs::read_dir(Path::new(place).join("events")) {
            Ok(_) => return read(Path::new(place)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => denied = Some(format!("{place} cannot be read: {error}")),
        }
    }
    mounted_apart().map_err(|reason| denied.unwrap_or(reason))
}

fn read(place: &Path) -> Ids {
    let mut ids = BTreeMap::new();
    for event in events() {
        let system = if event == ALL {
            "raw_syscalls"
        } else {
            "syscalls"
        };
        let path = place.join("events").join(system).join(&event).join("id");
        let id = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && event != ALL => continue,
            told => told.map_err(|error| format!("{}: {error}", path.display()))?,
        };
        let id = id
            .trim()
            .parse()
            .map_err(|_| format!("{} holds {id:?}", path.display()))?;
        ids.insert(event, id);
    }
    match ids.len() {
        0 | 1 => {
            Err("this kernel knows no system calls by name (CONFIG_FTRACE_SYSCALLS)".to_owned())
        }
        _ => Ok(ids),
    }
}

/// As a child sees them that has mounted the file system for itself alone.
fn mounted_apart() -> Ids {
    let failed =
        |error: io::Error| format!("tracefs is not mounted, and no child can look: {error}");
    let (mut ours, mut theirs) = UnixStream::pair().map_err(failed)?;
    let child = match sys::fork().map_err(|errno| failed(errno.into()))? {
        Fork::Child => {
            drop(ours);
            let told = frame::send(&mut theirs, &mount_and_read());
            sys::exit_now(i32::from(told.is_err()))
        }
        Fork::Parent(child) => child,
    };
    drop(theirs);
    let deadline = Some(Instant::now() + PATIENCE);
    let told = match frame::wait_readable(&[ours.as_fd()], deadline).as_deref() {
        Ok([true]) => frame::receive(&mut ours).ok().flatten(),
        _ => None,
    };
    // ESRCH: it has ended by itself, as it should.
    let _ = kill(child, Signal::SIGKILL);
    // ECHILD: somebody has waited for it already.
    let _ = waitpid(child, None);
    told.unwrap_or_else(|| Err(failed(io::ErrorKind::TimedOut.into())))
}

/// Not read-only: that would hold for every other mount of it, too.
fn mount_and_read() -> Ids {
    let failed = |what: &str| {
        let what = format!("tracefs is not mounted, and cannot be: {what}");
        move |errno: Errno| format!("{what}: {errno}")
    };
    let none: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS).map_err(failed("unshare"))?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(none, "/", none, private, none).map_err(failed("/"))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let kind = Some("tracefs");
    mount(kind, PLACES[0], kind, flags, none).map_err(failed(PLACES[0]))?;
    read(Path::new(PLACES[0]))
}
