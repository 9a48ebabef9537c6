//! What says "your turn" and nothing more: semaphores, futexes, eventfds and locks.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::Pid;

use super::end::{End, Pair, Refused, by, through};
use crate::sys::ipc::{self as sys, Shared, SystemV};

/// Which of two this end waits for; the other is the one that it gives.
type Which = usize;

struct Posix(Arc<Shared>, Which);

impl End for Posix {
    fn send(&mut self, _: &[u8]) -> Result<(), Errno> {
        self.0.post(1 - self.1)
    }

    fn receive(&mut self, _: &mut [u8]) -> Result<(), Errno> {
        through(|| self.0.wait(self.1))
    }
}

/// Semaphores of POSIX, in shared memory, without a name.
pub fn posix(_: usize) -> Result<Pair, Refused> {
    let shared = Arc::new(Shared::anonymous(128).map_err(by("mmap"))?);
    for index in [0, 1] {
        shared.init_semaphore(index).map_err(by("sem_init"))?;
    }
    Ok(Pair::new(Posix(Arc::clone(&shared), 0), Posix(shared, 1)))
}

struct Old(libc::c_int, Which);

impl End for Old {
    fn send(&mut self, _: &[u8]) -> Result<(), Errno> {
        sys::semaphore_add(self.0, (1 - self.1) as u16, 1)
    }

    fn receive(&mut self, _: &mut [u8]) -> Result<(), Errno> {
        through(|| sys::semaphore_add(self.0, self.1 as u16, -1))
    }
}

/// Semaphores of System V.
pub fn system_v(_: usize) -> Result<Pair, Refused> {
    let set = SystemV::semaphores().map_err(by("semget"))?;
    Ok(Pair::new(Old(set.id, 0), Old(set.id, 1)).keeping(set))
}

struct Futex(Arc<Shared>, Which);

impl End for Futex {
    fn send(&mut self, _: &[u8]) -> Result<(), Errno> {
        let word = self.0.half_word((1 - self.1) * 8);
        if word.swap(1, Ordering::Release) != 0 {
            return Err(Errno::EBADMSG);
        }
        sys::futex_wake(word);
        Ok(())
    }

    fn receive(&mut self, _: &mut [u8]) -> Result<(), Errno> {
        let word = self.0.half_word(self.1 * 8);
        while word.swap(0, Ordering::Acquire) == 0 {
            sys::futex_wait(word, 0);
        }
        Ok(())
    }
}

/// Two words of shared memory, and futex(2) to sleep on them.
pub fn futex(_: usize) -> Result<Pair, Refused> {
    let shared = Arc::new(Shared::anonymous(128).map_err(by("mmap"))?);
    Ok(Pair::new(Futex(Arc::clone(&shared), 0), Futex(shared, 1)))
}

struct Event {
    from: Arc<EventFd>,
    to: Arc<EventFd>,
}

impl End for Event {
    fn send(&mut self, _: &[u8]) -> Result<(), Errno> {
        through(|| self.to.write(1)).map(drop)
    }

    fn receive(&mut self, _: &mut [u8]) -> Result<(), Errno> {
        match through(|| self.from.read())? {
            1 => Ok(()),
            _ => Err(Errno::EBADMSG),
        }
    }
}

/// Two eventfds.
pub fn eventfd(_: usize) -> Result<Pair, Refused> {
    let event = || EventFd::from_flags(EfdFlags::EFD_CLOEXEC).map(Arc::new);
    let (there, back) = (
        event().map_err(by("eventfd"))?,
        event().map_err(by("eventfd"))?,
    );
    Ok(Pair::new(
        Event {
            from: Arc::clone(&back),
            to: Arc::clone(&there),
        },
        Event {
            from: there,
            to: back,
        },
    ))
}

/// Locks of four bytes, two a direction. To send is to let go of one, to receive is to get the one that the other
/// lets go of. Before a sender lets go it takes its next one, so that who waits always waits for a lock that is
/// held: with one a direction, who let go could be back for it before the other had woken up.
struct Lock {
    file: OwnedFd,
    gives: libc::off_t,
    gets: libc::off_t,
}

/// The other of a direction's two.
const OTHER: libc::off_t = 2;

impl Lock {
    fn set(&self, kind: libc::c_int, byte: libc::off_t) -> Result<(), Errno> {
        let lock = libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: byte,
            l_len: 1,
            l_pid: 0,
        };
        through(|| fcntl(&self.file, FcntlArg::F_SETLKW(&lock))).map(drop)
    }
}

impl End for Lock {
    fn meet(&mut self, _: Pid) -> Result<(), Errno> {
        self.set(libc::F_WRLCK, self.gives)
    }

    fn send(&mut self, _: &[u8]) -> Result<(), Errno> {
        let given = self.gives;
        self.gives ^= OTHER;
        self.set(libc::F_WRLCK, self.gives)?;
        self.set(libc::F_UNLCK, given)
    }

    fn receive(&mut self, _: &mut [u8]) -> Result<(), Errno> {
        let got = self.gets;
        self.gets ^= OTHER;
        self.set(libc::F_WRLCK, got)?;
        self.set(libc::F_UNLCK, got)
    }
}

/// Locks of fcntl(2) on bytes of a file without a name.
pub fn lock(_: usize) -> Result<Pair, Refused> {
    let file = nix::sys::memfd::memfd_create(c"fiveways", nix::sys::memfd::MFdFlags::MFD_CLOEXEC);
    let file = file.map_err(by("memfd_create"))?;
    let copy = file.try_clone();
    let copy = copy.map_err(|error| ("dup", super::streams::errno(&error)))?;
    let end = |file, gives, gets| Lock { file, gives, gets };
    Ok(Pair::new(end(file, 0, 1), end(copy, 1, 0)))
}
