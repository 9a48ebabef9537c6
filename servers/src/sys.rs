//! What the kernel offers and safe Rust does not: all of this package's unsafe code.
//!
//! Thin on purpose: each function is one call and the reason why that call is sound here.

#![allow(unsafe_code)]

pub mod uring;

use std::cell::UnsafeCell;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU8, AtomicU64};

use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, mmap_anonymous};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockFlag, accept4, recvmsg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, wait, waitpid};
use nix::unistd::{ForkResult, Pid, ftruncate, getpid, getppid};

use crate::tally;

/// Which side of a fork this is.
pub enum Fork {
    /// The process that called it, and the new one's number.
    Parent(Pid),
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
        ForkResult::Parent { child } => Ok(Fork::Parent(child)),
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
            tally::count_closed();
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

/// Zeroed counters in memory that processes can share, and that memory.
///
/// # Errors
/// ENOMEM, EMFILE.
pub fn shared_words(count: usize) -> io::Result<(OwnedFd, &'static [AtomicU64])> {
    let memory = memfd_create(c"echo-server", MFdFlags::MFD_CLOEXEC)?;
    let length = count * size_of::<AtomicU64>();
    ftruncate(&memory, i64::try_from(length).unwrap_or(i64::MAX))?;
    let words = map_words(&memory, count)?;
    Ok((memory, words))
}

/// The counters of some memory that [`shared_words`] made so large.
///
/// # Errors
/// ENOMEM.
pub fn map_words(memory: &OwnedFd, count: usize) -> io::Result<&'static [AtomicU64]> {
    let length = NonZeroUsize::new(count * size_of::<AtomicU64>()).ok_or(Errno::EINVAL)?;
    // SAFETY: the kernel chooses the place of a new mapping, so nothing of ours is replaced.
    let start = unsafe { mmap(None, length, READ_WRITE, MapFlags::MAP_SHARED, memory, 0) }?;
    // SAFETY: page-aligned, `length` bytes long, any bytes are valid atomics, never unmapped; atomics may
    // be shared between threads and processes.
    Ok(unsafe { std::slice::from_raw_parts(start.cast::<AtomicU64>().as_ptr(), count) })
}

/// A descriptor that this program was started with, by its number; asked for once.
///
/// # Errors
/// EBADF when it was not, or is one of the standard three.
pub fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_GETFD changes nothing, whatever the number is.
    let open = unsafe { libc::fcntl(number, libc::F_GETFD) } == 0;
    if !open || number <= libc::STDERR_FILENO {
        return Err(Errno::EBADF.into());
    }
    // SAFETY: open, and without FD_CLOEXEC, which all that this program opens itself has: so it came with
    // the program, for us, and nothing here owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Bytes of a message, and the descriptors that were passed with it: two at most.
///
/// # Errors
/// Those of `recvmsg`; ENOBUFS when a descriptor was lost because this process can have no more.
pub fn receive(
    socket: &OwnedFd,
    bytes: &mut [u8],
    flags: MsgFlags,
) -> nix::Result<(usize, Vec<OwnedFd>)> {
    let mut control = nix::cmsg_space!([RawFd; 2]);
    let mut parts = [IoSliceMut::new(bytes)];
    let flags = flags | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let mut descriptors = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            // SAFETY: the kernel has just made these descriptors for us, and nobody else knows them.
            descriptors.extend(
                numbers
                    .into_iter()
                    .map(|n| unsafe { OwnedFd::from_raw_fd(n) }),
            );
        }
    }
    Ok((message.bytes, descriptors))
}

/// A lock that processes share; one whose holder dies is free again.
pub struct SharedMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a pthread mutex is made to be used by several threads at once.
unsafe impl Sync for SharedMutex {}

impl SharedMutex {
    /// One that this process and all it forks see alike.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new() -> io::Result<&'static Self> {
        let size = NonZeroUsize::new(size_of::<Self>()).ok_or(Errno::EINVAL)?;
        // SAFETY: the kernel chooses the place of a new mapping, so nothing of ours is replaced.
        let page = unsafe { mmap_anonymous(None, size, READ_WRITE, MapFlags::MAP_SHARED) }?;
        let mutex = page.cast::<libc::pthread_mutex_t>();
        let mut kind = MaybeUninit::uninit();
        // SAFETY: `kind` is initialised by the first call before the others use it; `mutex` is aligned,
        // large enough, used by nobody yet, and never unmapped.
        let failed = unsafe {
            [
                libc::pthread_mutexattr_init(kind.as_mut_ptr()),
                libc::pthread_mutexattr_setpshared(kind.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED),
                libc::pthread_mutexattr_setrobust(kind.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST),
                libc::pthread_mutex_init(mutex.as_ptr(), kind.as_ptr()),
            ]
        };
        match failed.into_iter().find(|&errno| errno != 0) {
            // SAFETY: initialised above, in a mapping that stays; `Self` is that mutex and nothing else.
            None => Ok(unsafe { page.cast::<Self>().as_ref() }),
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// Runs `inside` while no other process or thread does.
    pub fn with<T>(&self, inside: impl FnOnce() -> T) -> T {
        // SAFETY: initialised, and not held by this thread: `inside` is given no way to lock it again
        // but through `self`, which no caller passes on.
        let locked = unsafe { libc::pthread_mutex_lock(self.0.get()) };
        if locked == libc::EOWNERDEAD {
            // SAFETY: this thread holds it; it guards no data that a dead holder could have left half done.
            unsafe { libc::pthread_mutex_consistent(self.0.get()) };
        }
        let result = inside();
        // SAFETY: locked by this thread, above.
        unsafe { libc::pthread_mutex_unlock(self.0.get()) };
        result
    }
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
