//! What the kernel offers and safe Rust does not: all of this package's unsafe code.
//!
//! Thin on purpose: each function is one call and the reason why that call is sound here.

#![allow(unsafe_code)]

pub mod uring;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::atomic::{AtomicU8, AtomicU64};

use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::socket::{SockFlag, accept4};
use nix::sys::wait::{WaitPidFlag, WaitStatus, wait, waitpid};
use nix::unistd::{ForkResult, Pid, getpid, getppid};

use crate::signals;

/// Counters in a page that forked processes share.
pub type SharedWords = [AtomicU64; 8];

/// Which side of a fork this is.
pub enum Fork {
    /// The process that called it.
    Parent,
    /// The new one; it must leave by [`exit_now`].
    Child,
}

/// Copies this process, which must have a single thread; the child dies with its parent.
///
/// # Errors
/// EAGAIN at a limit of processes, ENOMEM.
pub fn fork() -> io::Result<Fork> {
    let parent = getpid();
    // SAFETY: only models without threads fork, so no lock (malloc's, stdio's) can be held by a thread
    // that the child lacks, and the child may do whatever the parent might.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { .. } => Ok(Fork::Parent),
        ForkResult::Child => {
            let _ = set_pdeathsig(Signal::SIGTERM);
            // The parent may have died before the line above: then nobody will tell us.
            if getppid() != parent {
                exit_now(0);
            }
            Ok(Fork::Child)
        }
    }
}

/// Ends this process without running destructors or flushing what its parent had buffered.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: `_exit` takes any status, is async-signal-safe and does not return.
    unsafe { libc::_exit(status) }
}

/// From now on reaps each child when it ends, and counts its connection as closed.
///
/// Children are never ignored (SIG_IGN, SA_NOCLDWAIT): those vanish from the kernel's books.
///
/// # Errors
/// Those of `sigaction`.
pub fn reap_children() -> io::Result<()> {
    extern "C" fn reap(_: libc::c_int) {
        let errno = Errno::last_raw();
        let any = Pid::from_raw(-1);
        // One signal may stand for several children.
        while matches!(
            waitpid(any, Some(WaitPidFlag::WNOHANG)),
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..))
        ) {
            signals::count_closed();
        }
        Errno::set_raw(errno);
    }
    on_signal(Signal::SIGCHLD, reap)
}

/// Waits until a child has ended, and reaps it; false when there are none.
pub fn wait_for_child() -> bool {
    loop {
        match wait() {
            Err(Errno::EINTR) => {}
            ended => return ended.is_ok(),
        }
    }
}

/// Calls `handler` at each `signal`; system calls that can go on after it do so.
///
/// # Errors
/// Those of `sigaction`.
pub fn on_signal(signal: Signal, handler: extern "C" fn(libc::c_int)) -> io::Result<()> {
    let flags = SaFlags::SA_RESTART | SaFlags::SA_NOCLDSTOP;
    let action = SigAction::new(SigHandler::Handler(handler), flags, SigSet::empty());
    // SAFETY: every handler of this package keeps to async-signal-safe calls, atomics and its own stack,
    // and restores errno.
    unsafe { sigaction(signal, &action) }?;
    Ok(())
}

/// A connection that never blocks, in one system call (std needs two).
///
/// # Errors
/// Those of `accept4`; EAGAIN when nobody waits.
pub fn accept_nonblocking(listener: &TcpListener) -> io::Result<TcpStream> {
    let fd = accept4(
        listener.as_raw_fd(),
        SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
    )?;
    // SAFETY: the kernel has just made this descriptor, a stream socket, and nobody else knows it.
    Ok(unsafe { TcpStream::from_raw_fd(fd) })
}

/// Zeroed counters that this process and all it forks see alike.
///
/// # Errors
/// ENOMEM.
pub fn shared_words() -> io::Result<&'static SharedWords> {
    let size = NonZeroUsize::MIN.saturating_add(size_of::<SharedWords>() - 1);
    // SAFETY: the kernel chooses the place of a new mapping, so nothing of ours is replaced.
    let page = unsafe { mmap_anonymous(None, size, READ_WRITE, MapFlags::MAP_SHARED) }?;
    // SAFETY: page-aligned, zeroed (valid atomics), large enough, and never unmapped; atomics may be
    // shared between threads and processes.
    Ok(unsafe { page.cast::<SharedWords>().as_ref() })
}

/// `size` bytes of this process's own, in pages of the small size: with huge ones copy-on-write would
/// depend on the machine's settings.
///
/// # Errors
/// ENOMEM.
pub fn private_pages(size: NonZeroUsize) -> io::Result<&'static [AtomicU8]> {
    // SAFETY: the kernel chooses the place of a new mapping, so nothing of ours is replaced.
    let start = unsafe { mmap_anonymous(None, size, READ_WRITE, MapFlags::MAP_PRIVATE) }?;
    // SAFETY: start and size are those of the mapping just made; the advice changes no byte of it.
    let advised = unsafe { madvise(start, size.get(), MmapAdvise::MADV_NOHUGEPAGE) };
    match advised {
        // EINVAL: a kernel without huge pages has nothing to be told.
        Ok(()) | Err(Errno::EINVAL) => {}
        Err(errno) => return Err(errno.into()),
    }
    // SAFETY: zeroed (valid atomics), `size` bytes long, never unmapped, and reached only as atomics.
    Ok(unsafe { std::slice::from_raw_parts(start.cast::<AtomicU8>().as_ptr(), size.get()) })
}

const READ_WRITE: ProtFlags = ProtFlags::PROT_READ.union(ProtFlags::PROT_WRITE);
