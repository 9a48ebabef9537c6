//! Unsafe calls of the IPC lab: shared memory, futexes, semaphores, System V objects, queued signals.

use std::ptr::{NonNull, null, null_mut};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::Pid;

pub use super::spawn::{fork_to, now_ns};

/// Memory that both parties see; zeroed at first, and given back when dropped.
#[derive(Debug)]
pub struct Shared {
    start: NonNull<u8>,
    bytes: usize,
    attached: bool,
}

// SAFETY: the mapping belongs to this value, and is reached by atomics and by copies through raw pointers.
unsafe impl Send for Shared {}
// SAFETY: as above; who copies when is agreed upon by an atomic word of the same memory.
unsafe impl Sync for Shared {}

impl Shared {
    /// Anonymous memory that stays shared over fork(2).
    ///
    /// # Errors
    /// ENOMEM.
    pub fn anonymous(bytes: usize) -> Result<Self, Errno> {
        Shared::map(bytes, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1)
    }

    /// Memory of an object that shm_open(3) has made.
    ///
    /// # Errors
    /// Those of mmap(2).
    pub fn of(object: &impl std::os::fd::AsRawFd, bytes: usize) -> Result<Self, Errno> {
        Shared::map(bytes, libc::MAP_SHARED, object.as_raw_fd())
    }

    fn map(bytes: usize, flags: libc::c_int, object: libc::c_int) -> Result<Self, Errno> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping where the kernel likes touches nothing that exists.
        let start = unsafe { libc::mmap(null_mut(), bytes, protection, flags, object, 0) };
        match NonNull::new(start.cast()) {
            Some(start) if start.as_ptr() != libc::MAP_FAILED.cast() => Ok(Shared {
                start,
                bytes,
                attached: false,
            }),
            _ => Err(Errno::last()),
        }
    }

    /// A System V segment, marked for removal as soon as it is attached: it ends with its last process.
    ///
    /// # Errors
    /// Those of shmget(2) and shmat(2).
    pub fn system_v(bytes: usize) -> Result<Self, Errno> {
        // SAFETY: shmget takes integers.
        let id = Errno::result(unsafe { libc::shmget(libc::IPC_PRIVATE, bytes, 0o600) })?;
        // SAFETY: a new attachment where the kernel likes touches nothing that exists.
        let start = unsafe { libc::shmat(id, null(), 0) };
        let errno = Errno::last();
        // SAFETY: IPC_RMID reads no buffer; the segment is ours.
        unsafe { libc::shmctl(id, libc::IPC_RMID, null_mut()) };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().addr() != usize::MAX => Ok(Shared {
                start,
                bytes,
                attached: true,
            }),
            _ => Err(errno),
        }
    }

    /// The atomic word at this index.
    pub fn word(&self, index: usize) -> &AtomicU64 {
        assert!((index + 1) * 8 <= self.bytes);
        // SAFETY: inside the mapping (checked), aligned because mappings are, and reached as an atomic only.
        unsafe { self.start.cast::<AtomicU64>().add(index).as_ref() }
    }

    /// The first half of the word at this index: what a futex is.
    pub fn half_word(&self, index: usize) -> &AtomicU32 {
        assert!((index + 1) * 8 <= self.bytes);
        // SAFETY: as above; nobody uses the same index as a whole word.
        unsafe { self.start.cast::<AtomicU32>().add(index * 2).as_ref() }
    }

    /// Copies into the memory at an offset.
    pub fn write(&self, offset: usize, message: &[u8]) {
        assert!(offset + message.len() <= self.bytes);
        // SAFETY: inside the mapping (checked), which no reference of Rust's points into but those of atomics
        // at other offsets; the other party does not touch it until the word beside it says so.
        unsafe {
            let to = self.start.as_ptr().add(offset);
            std::ptr::copy_nonoverlapping(message.as_ptr(), to, message.len());
        }
    }

    /// Copies out of the memory at an offset.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) {
        assert!(offset + buffer.len() <= self.bytes);
        // SAFETY: as for writing.
        unsafe {
            let from = self.start.as_ptr().add(offset);
            std::ptr::copy_nonoverlapping(from, buffer.as_mut_ptr(), buffer.len());
        }
    }

    fn semaphore(&self, index: usize) -> *mut libc::sem_t {
        assert!((index + 1) * 64 <= self.bytes && size_of::<libc::sem_t>() <= 64);
        self.start.as_ptr().wrapping_add(index * 64).cast()
    }

    /// Makes a POSIX semaphore of value 0, shared between processes, in the cache line at this index.
    ///
    /// # Errors
    /// ENOSYS.
    pub fn init_semaphore(&self, index: usize) -> Result<(), Errno> {
        // SAFETY: the line is inside the mapping (checked), aligned, and used for nothing else.
        Errno::result(unsafe { libc::sem_init(self.semaphore(index), 1, 0) }).map(drop)
    }

    /// sem_post(3).
    ///
    /// # Errors
    /// EOVERFLOW.
    pub fn post(&self, index: usize) -> Result<(), Errno> {
        // SAFETY: `init_semaphore` has made one there.
        Errno::result(unsafe { libc::sem_post(self.semaphore(index)) }).map(drop)
    }

    /// sem_wait(3).
    ///
    /// # Errors
    /// EINTR.
    pub fn wait(&self, index: usize) -> Result<(), Errno> {
        // SAFETY: `init_semaphore` has made one there.
        Errno::result(unsafe { libc::sem_wait(self.semaphore(index)) }).map(drop)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let start = self.start.as_ptr().cast();
        // SAFETY: the mapping is this value's own, and nothing refers to it any more.
        unsafe {
            if self.attached {
                libc::shmdt(start);
            } else {
                libc::munmap(start, self.bytes);
            }
        }
    }
}

/// Sleeps while the word holds this value; may return early, so the caller looks again.
pub fn futex_wait(word: &AtomicU32, value: u32) {
    let patience = null::<libc::timespec>();
    // SAFETY: the word is alive and aligned; no timeout is given. EAGAIN and EINTR mean: look again.
    unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAIT, value, patience) };
}

/// Wakes one that sleeps on the word.
pub fn futex_wake(word: &AtomicU32) {
    // SAFETY: the word is alive and aligned.
    unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE, 1) };
}

/// A System V queue or set of two semaphores; removed when dropped.
#[derive(Debug)]
pub struct SystemV {
    /// What the calls take.
    pub id: libc::c_int,
    queue: bool,
}

impl SystemV {
    /// A message queue.
    ///
    /// # Errors
    /// Those of msgget(2).
    pub fn queue() -> Result<Self, Errno> {
        // SAFETY: msgget takes integers.
        let id = Errno::result(unsafe { libc::msgget(libc::IPC_PRIVATE, 0o600) })?;
        Ok(SystemV { id, queue: true })
    }

    /// Two semaphores of value 0.
    ///
    /// # Errors
    /// Those of semget(2).
    pub fn semaphores() -> Result<Self, Errno> {
        // SAFETY: semget takes integers; Linux makes new semaphores 0.
        let id = Errno::result(unsafe { libc::semget(libc::IPC_PRIVATE, 2, 0o600) })?;
        Ok(SystemV { id, queue: false })
    }
}

impl Drop for SystemV {
    fn drop(&mut self) {
        // SAFETY: IPC_RMID reads no buffer; the object is ours.
        unsafe {
            if self.queue {
                libc::msgctl(self.id, libc::IPC_RMID, null_mut());
            } else {
                libc::semctl(self.id, 0, libc::IPC_RMID);
            }
        }
    }
}

/// semop(2) by one semaphore.
///
/// # Errors
/// EINTR, EIDRM.
pub fn semaphore_add(id: libc::c_int, number: u16, by: i16) -> Result<(), Errno> {
    let mut operation = libc::sembuf {
        sem_num: number,
        sem_op: by,
        sem_flg: 0,
    };
    // SAFETY: one operation, a live local.
    Errno::result(unsafe { libc::semop(id, &mut operation, 1) }).map(drop)
}

/// msgsnd(2): `framed` is the type in eight bytes, then the message.
///
/// # Errors
/// EINVAL when the message is too long, EINTR, EIDRM.
pub fn queue_send(id: libc::c_int, framed: &[u8]) -> Result<(), Errno> {
    let bytes = framed.len() - size_of::<libc::c_long>();
    // SAFETY: readable for the type and as many bytes as are announced.
    Errno::result(unsafe { libc::msgsnd(id, framed.as_ptr().cast(), bytes, 0) }).map(drop)
}

/// msgrcv(2) into a type in eight bytes and a message behind it; the message's length.
///
/// # Errors
/// E2BIG, EINTR, EIDRM.
pub fn queue_receive(id: libc::c_int, framed: &mut [u8]) -> Result<usize, Errno> {
    let bytes = framed.len() - size_of::<libc::c_long>();
    // SAFETY: writable for the type and as many bytes as are announced.
    let got = unsafe { libc::msgrcv(id, framed.as_mut_ptr().cast(), bytes, 0, 0) };
    Errno::result(got).map(isize::unsigned_abs)
}

/// The first real-time signal that the C library leaves to programs.
pub fn first_real_time() -> libc::c_int {
    libc::SIGRTMIN()
}

fn only(number: libc::c_int) -> libc::sigset_t {
    // SAFETY: sigset_t is plain integers; sigemptyset and sigaddset write that local only.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, number);
        set
    }
}

/// Blocks a signal by number, real-time ones included.
///
/// # Errors
/// EINVAL.
pub fn block(number: libc::c_int) -> Result<(), Errno> {
    // SAFETY: the set is a live local; the old mask is not asked for.
    Errno::result(unsafe { libc::sigprocmask(libc::SIG_BLOCK, &only(number), null_mut()) })
        .map(drop)
}

/// sigqueue(3): a signal with a word.
///
/// # Errors
/// EAGAIN when the queue is full.
pub fn queue_signal(to: Pid, number: libc::c_int, word: u64) -> Result<(), Errno> {
    let value = libc::sigval {
        sival_ptr: std::ptr::without_provenance_mut(word as usize),
    };
    // SAFETY: the word travels as a number; nobody follows it.
    Errno::result(unsafe { libc::sigqueue(to.as_raw(), number, value) }).map(drop)
}

/// What came with a signal.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    /// Its number.
    pub number: libc::c_int,
    /// Who says so: SI_KERNEL, SI_USER, SI_QUEUE.
    pub code: libc::c_int,
    /// The word that was queued with it; 0 without.
    pub word: u64,
}

/// sigwaitinfo(2) for one blocked signal.
///
/// # Errors
/// EINTR.
pub fn wait_signal(number: libc::c_int) -> Result<Came, Errno> {
    // SAFETY: siginfo_t is plain integers, for which all zeroes is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: both are live locals.
    Errno::result(unsafe { libc::sigwaitinfo(&only(number), &mut info) })?;
    let word = match info.si_code {
        // SAFETY: SI_QUEUE says that the kernel has filled in the value.
        libc::SI_QUEUE => unsafe { info.si_value() }.sival_ptr.addr() as u64,
        _ => 0,
    };
    let (number, code) = (info.si_signo, info.si_code);
    Ok(Came { number, code, word })
}

/// Makes a terminal that of this session, which has none.
///
/// # Errors
/// EPERM when it has one, or is no leader.
pub fn take_terminal(terminal: &impl std::os::fd::AsRawFd) -> Result<(), Errno> {
    // SAFETY: this ioctl takes integers.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) }).map(drop)
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// Lets a handler count a signal.
///
/// # Errors
/// EINVAL for a signal that has no handlers: KILL, STOP.
pub fn handle(signal: Signal) -> Result<(), Errno> {
    let action = SigAction::new(
        SigHandler::Handler(count),
        SaFlags::empty(),
        SigSet::empty(),
    );
    // SAFETY: the handler adds to an atomic, which is async-signal-safe.
    unsafe { sigaction(signal, &action) }.map(drop)
}

/// Takes one off what the handler has counted; false when there is none.
pub fn take_handled() -> bool {
    HANDLED
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
        .is_ok()
}

/// Lets any process of this user read this one's memory, where Yama would allow it to parents only.
pub fn let_read() {
    // SAFETY: this prctl takes integers. EINVAL: there is no Yama, and nothing to be allowed.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::c_ulong::MAX, 0, 0, 0) };
}

/// Owns a descriptor that a call of nix's has just returned as a number.
pub fn own(descriptor: std::os::fd::RawFd) -> std::os::fd::OwnedFd {
    // SAFETY: called with what accept(2) or recvmsg(2) has just made for us alone.
    unsafe { std::os::fd::FromRawFd::from_raw_fd(descriptor) }
}
