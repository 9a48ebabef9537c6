//! Unsafe calls of the spawn lab: the ways to start a child, the clock, and a tracer's look.

use std::ffi::{CStr, c_char, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::null_mut;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;

pub use super::first::first_code;
pub use super::memory::{Memory, Notes, PAGE, Stamp};

/// CLOCK_MONOTONIC, nanoseconds. Also in a child of a process with threads: it takes no lock.
pub fn now_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock exists on every kernel, and the timespec is a live local.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

fn exit_now() -> ! {
    // SAFETY: _exit(2) takes any status and does not return.
    unsafe { libc::_exit(0) }
}

/// fork(2) of a child that stamps and ends.
///
/// # Errors
/// EAGAIN, ENOMEM.
pub fn fork(stamp: &Stamp) -> Result<Pid, Errno> {
    // SAFETY: the child reads the clock, stores one word and leaves by _exit: nothing in it takes a lock
    // that another thread of the parent may hold.
    match unsafe { libc::fork() } {
        -1 => Err(Errno::last()),
        0 => {
            stamp.put();
            exit_now()
        }
        pid => Ok(Pid::from_raw(pid)),
    }
}

/// fork(2) of a child that runs `child` and ends.
///
/// # Errors
/// EAGAIN, ENOMEM; EBUSY when this process has more than one thread.
pub fn fork_to(child: impl FnOnce()) -> Result<Pid, Errno> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads != 1 {
        return Err(Errno::EBUSY);
    }
    // SAFETY: one thread (checked above), so no lock can be held by a thread that is not in the child.
    match unsafe { libc::fork() } {
        -1 => Err(Errno::last()),
        0 => {
            // A panic must not unwind into a copy of the parent's frames.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            exit_now()
        }
        pid => Ok(Pid::from_raw(pid)),
    }
}

/// The stack of a child that shares its parent's memory: it calls three functions.
pub struct Stack(Box<[u128; 4096]>);

impl Stack {
    /// 64 KiB.
    pub fn new() -> Self {
        Stack(Box::new([0; 4096]))
    }
}

extern "C" fn stamp_and_exit(stamp: *mut c_void) -> libc::c_int {
    // SAFETY: the pointer is the `&Stamp` of a parent that waits, in `vfork` below, until this child ends.
    unsafe { &*stamp.cast::<Stamp>() }.put();
    exit_now()
}

/// What vfork(2) does (CLONE_VM and CLONE_VFORK), on a stack of the child's own: a function that returns
/// twice cannot be called from Rust.
///
/// # Errors
/// EAGAIN, ENOMEM.
pub fn vfork(stamp: &Stamp, stack: &mut Stack) -> Result<Pid, Errno> {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let top = stack.0.as_mut_ptr_range().end.cast::<c_void>();
    let argument = std::ptr::from_ref(stamp).cast_mut().cast::<c_void>();
    // SAFETY: the stack is 16-byte aligned, this call's alone, and the parent stands still until the child
    // has left it; the child touches nothing but the stamp, which outlives it.
    Errno::result(unsafe { libc::clone(stamp_and_exit, top, flags, argument) }).map(Pid::from_raw)
}

/// clone3(2) of a child that stamps and ends, with a descriptor that stands for it.
///
/// # Errors
/// ENOSYS before 5.3, EAGAIN, ENOMEM.
pub fn clone3(stamp: &Stamp) -> Result<OwnedFd, Errno> {
    let mut pidfd: RawFd = -1;
    // SAFETY: clone_args is plain integers, for which all zeroes is a value.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = libc::CLONE_PIDFD as u64;
    arguments.pidfd = &raw mut pidfd as u64;
    arguments.exit_signal = libc::SIGCHLD as u64;
    let size = size_of::<libc::clone_args>();
    // SAFETY: without CLONE_VM and without a stack this is fork(2); the arguments live through the call, and
    // the child reads the clock, stores one word and leaves by _exit.
    match unsafe { libc::syscall(libc::SYS_clone3, &raw mut arguments, size) } {
        -1 => Err(Errno::last()),
        0 => {
            stamp.put();
            exit_now()
        }
        // SAFETY: the kernel has just made this descriptor for us alone.
        _ => Ok(unsafe { OwnedFd::from_raw_fd(pidfd) }),
    }
}

/// fork(2), dup2(2) of `from` to `to`, execve(2).
///
/// # Errors
/// Those of fork(2); a child that cannot execute ends with status 0 and no output, which its reader notices.
pub fn fork_exec(
    program: &CStr,
    argv: &[*const c_char],
    from: BorrowedFd<'_>,
    to: RawFd,
) -> Result<Pid, Errno> {
    assert!(argv.last().is_some_and(|last| last.is_null()));
    let environment = [std::ptr::null::<c_char>()];
    // SAFETY: the child calls dup2, execve and _exit only, all async-signal-safe; both arrays end in a null
    // pointer and live in its copy of this frame.
    match unsafe { libc::fork() } {
        -1 => Err(Errno::last()),
        0 => {
            // SAFETY: as above.
            unsafe {
                libc::dup2(from.as_raw_fd(), to);
                libc::execve(program.as_ptr(), argv.as_ptr(), environment.as_ptr());
            }
            exit_now()
        }
        pid => Ok(Pid::from_raw(pid)),
    }
}

extern "C" fn stamp_in_thread(stamp: *mut c_void) -> *mut c_void {
    // SAFETY: the pointer is the `&Stamp` of a thread that joins this one before it goes on.
    unsafe { &*stamp.cast::<Stamp>() }.put();
    null_mut()
}

/// pthread_create(3) of a thread that stamps, and pthread_join(3).
///
/// # Errors
/// EAGAIN.
pub fn thread(stamp: &Stamp) -> Result<(), Errno> {
    // SAFETY: pthread_t is an integer here; create overwrites it.
    let mut thread: libc::pthread_t = unsafe { std::mem::zeroed() };
    let argument = std::ptr::from_ref(stamp).cast_mut().cast::<c_void>();
    // SAFETY: the thread is joined below, so the stamp outlives it; default attributes.
    match unsafe { libc::pthread_create(&mut thread, std::ptr::null(), stamp_in_thread, argument) }
    {
        0 => {}
        error => return Err(Errno::from_raw(error)),
    }
    // SAFETY: a thread that was just created and that nobody else joins or detaches.
    match unsafe { libc::pthread_join(thread, null_mut()) } {
        0 => Ok(()),
        error => Err(Errno::from_raw(error)),
    }
}

/// Which call a task that was stopped by a tracer is entering, and its first argument; `None` when it is
/// leaving one.
pub fn entered_call(task: Pid) -> Option<(libc::c_long, u64)> {
    let info = nix::sys::ptrace::syscall_info(task).ok()?;
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return None;
    }
    // SAFETY: `op` says that the kernel has filled in `entry`, which is plain integers.
    let entry = unsafe { info.u.entry };
    Some((libc::c_long::try_from(entry.nr).ok()?, entry.args[0]))
}
