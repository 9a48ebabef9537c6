//! All of this package's unsafe: fork, wait4, exec's environment, three prctl(2)s, one clock, pages to touch, and ptrace.
//!
//! Everything here is a thin, safe name for one system call; policy stands with the callers.

#![allow(unsafe_code)]

pub mod trace;

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::epoll::{Epoll, EpollEvent, EpollTimeout};
use nix::unistd::Pid;

/// Which side of a fork this is.
#[derive(Debug)]
pub enum Fork {
    /// The new process.
    Child,
    /// The old one, with the new one's id.
    Parent(Pid),
}

/// fork(2), for processes that have never had a second thread: the agent and the keeper.
///
/// # Errors
/// EAGAIN or ENOMEM, and EBUSY when this process has more than one thread: locks held by the others
/// would stay locked in the child for ever.
pub fn fork() -> Result<Fork, Errno> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads != 1 {
        return Err(Errno::EBUSY);
    }
    // SAFETY: the process has one thread (checked above), so no lock can be held by a thread that does
    // not exist in the child; allocating and calling any function stays allowed there.
    match unsafe { libc::fork() } {
        -1 => Err(Errno::last()),
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(Pid::from_raw(pid))),
    }
}

/// Ends this process at once: no destructor, no exit handler, no flush of what the parent will flush.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: _exit(2) takes any status and does not return.
    unsafe { libc::_exit(status) }
}

/// What wait4(2) says about a process that ended, and about all that it had waited for.
#[derive(Clone, Copy, Debug)]
pub struct Reaped {
    /// Who ended.
    pub pid: Pid,
    /// The status word of wait(2).
    pub status: i32,
    /// User and system CPU time.
    pub cpu_ns: u64,
    /// Context switches because it waited.
    pub switches_voluntary: u64,
    /// Context switches because it was preempted.
    pub switches_involuntary: u64,
    /// Page faults served without a device.
    pub faults_minor: u64,
    /// Page faults that read a device.
    pub faults_major: u64,
}

/// Reaps one ended child, without waiting: `Ok(None)` when all children live.
///
/// # Errors
/// ECHILD when there is no child at all.
pub fn reap() -> Result<Option<Reaped>, Errno> {
    let mut status = 0;
    // SAFETY: rusage is plain integers, for which all zeroes is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live, writable locals of the right type.
    match unsafe { libc::wait4(-1, &mut status, libc::WNOHANG, &mut usage) } {
        -1 => Err(Errno::last()),
        0 => Ok(None),
        pid => Ok(Some(Reaped {
            pid: Pid::from_raw(pid),
            status,
            cpu_ns: timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime),
            switches_voluntary: usage.ru_nvcsw.unsigned_abs(),
            switches_involuntary: usage.ru_nivcsw.unsigned_abs(),
            faults_minor: usage.ru_minflt.unsigned_abs(),
            faults_major: usage.ru_majflt.unsigned_abs(),
        })),
    }
}

fn timeval_ns(time: libc::timeval) -> u64 {
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_usec.unsigned_abs() * 1_000
}

/// Makes this process the parent of descendants whose own parent has died (prctl(2),
/// PR_SET_CHILD_SUBREAPER), so that nobody of the tree escapes its books.
///
/// # Errors
/// Those of prctl(2): none on any kernel since 3.4.
pub fn become_subreaper() -> Result<(), Errno> {
    // SAFETY: this prctl takes integers only.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }).map(drop)
}

/// Replaces this process by `argv`, looked for on this process's PATH, with `env` for environment.
///
/// # Errors
/// Always, when it returns: ENOENT, EACCES, ENOEXEC …
pub fn execute(argv: &[CString], env: &[CString]) -> Errno {
    match nix::unistd::execvpe(&argv[0], argv, env) {
        Err(errno) => errno,
    }
}

/// Makes standard streams of these: in a child between fork and exec.
///
/// # Errors
/// Those of dup2(2).
pub fn set_standard_streams(streams: [BorrowedFd<'_>; 3]) -> io::Result<()> {
    for (number, stream) in (0..).zip(streams) {
        // SAFETY: dup2 takes integers; what was open under 0, 1 and 2 belongs to nobody in this fresh child,
        // which has used none of it and will use what stands there now.
        Errno::result(unsafe { libc::dup2(stream.as_raw_fd(), number) })?;
    }
    Ok(())
}

/// Has every descriptor beyond the standard three closed when this process executes another program. Kernels before
/// 5.11 leave those open that were opened so.
pub fn close_the_rest_at_exec() {
    let (first, last, flags) = (3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
    // SAFETY: with this flag close_range(2) closes nothing now and takes integers only.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
}

/// Lets this process run only when nobody else wants its core (SCHED_IDLE).
///
/// # Errors
/// Those of sched_setscheduler(2).
pub fn run_only_when_idle() -> Result<(), Errno> {
    let none = libc::sched_param { sched_priority: 0 };
    // SAFETY: 0 means this process; the parameter is a live local.
    Errno::result(unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &none) }).map(drop)
}

/// Waits for events, at most so long: to the nanosecond where the kernel can (epoll_pwait2(2), 5.11), else
/// rounded up to a millisecond. Returns how many there are; 0 after an interruption, too.
pub fn epoll_wait(epoll: &Epoll, events: &mut [EpollEvent], patience_ns: u64) -> usize {
    let patience = libc::timespec {
        tv_sec: (patience_ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (patience_ns % 1_000_000_000) as libc::c_long,
    };
    // SAFETY: EpollEvent is a transparent wrapper of epoll_event, the slice is writable for as many of
    // them as are announced, the timespec lives for the call, and no signal mask is given.
    let count = unsafe {
        libc::epoll_pwait2(
            epoll.0.as_raw_fd(),
            events.as_mut_ptr().cast(),
            events.len() as libc::c_int,
            &patience,
            std::ptr::null(),
        )
    };
    if count == -1 && Errno::last() == Errno::ENOSYS {
        let millis = u16::try_from(patience_ns.div_ceil(1_000_000)).unwrap_or(u16::MAX);
        return epoll.wait(events, EpollTimeout::from(millis)).unwrap_or(0);
    }
    usize::try_from(count).unwrap_or(0)
}

/// Sets every signal to its default and unblocks all: what a program expects to be started with (Rust's
/// runtime ignores SIGPIPE, the keeper blocks SIGCHLD; both would be inherited).
///
/// # Errors
/// Those of sigprocmask(2).
pub fn reset_signals() -> Result<(), Errno> {
    for signal in nix::sys::signal::Signal::iterator() {
        // SAFETY: SIG_DFL is a valid disposition of every signal; KILL and STOP answer EINVAL, which is
        // no harm: they cannot be anything else.
        unsafe { libc::signal(signal as libc::c_int, libc::SIG_DFL) };
    }
    nix::sys::signal::sigprocmask(
        nix::sys::signal::SigmaskHow::SIG_SETMASK,
        Some(&nix::sys::signal::SigSet::empty()),
        None,
    )
}

/// Forks a child that ends at once, and waits for it.
///
/// # Errors
/// EAGAIN or ENOMEM.
pub fn fork_and_wait() -> Result<(), Errno> {
    // SAFETY: the child calls nothing but _exit(2), which is safe there whatever locks other threads hold.
    match unsafe { libc::fork() } {
        -1 => Err(Errno::last()),
        0 => exit_now(0),
        pid => nix::sys::wait::waitpid(Pid::from_raw(pid), None).map(drop),
    }
}

/// Private pages of memory that nobody has touched yet, of the smallest size.
#[derive(Debug)]
pub struct Pages {
    start: std::ptr::NonNull<u8>,
    count: usize,
}

impl Pages {
    /// The smallest page of every machine that this runs on; where pages are larger, a touch is of a part.
    pub const SIZE: usize = 4096;

    /// So many pages; none is backed by memory before it is touched.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn map(count: usize) -> Result<Self, Errno> {
        let length = count * Self::SIZE;
        let (protection, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        );
        // SAFETY: a new mapping wherever the kernel likes; no existing memory is concerned.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        // SAFETY: advice on the mapping just made; EINVAL where the kernel has no huge pages to leave out.
        unsafe { libc::madvise(start, length, libc::MADV_NOHUGEPAGE) };
        match std::ptr::NonNull::new(start.cast()) {
            Some(start) => Ok(Pages { start, count }),
            None => Err(Errno::ENOMEM),
        }
    }

    /// Writes a byte into each of these pages; numbers beyond the last are passed over.
    pub fn touch(&mut self, pages: std::ops::Range<usize>) {
        for page in pages.start..pages.end.min(self.count) {
            // SAFETY: page < count, so the byte lies inside the mapping, which lives as long as this does
            // and belongs to nobody else. Volatile: the write is what is wanted.
            unsafe { self.start.as_ptr().add(page * Self::SIZE).write_volatile(1) };
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: exactly what map() mapped, and nobody holds a reference into it.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.count * Self::SIZE) };
    }
}
