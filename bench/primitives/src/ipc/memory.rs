//! Memory that both see, with a word beside each message that says whose turn it is; and memory of the other's.

use std::io::IoSliceMut;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::mman::{shm_open, shm_unlink};
use nix::sys::stat::Mode;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::{Pid, ftruncate};

use super::end::{End, Pair, Refused, by, through};
use super::place;
use crate::sys::ipc::{self as sys, Shared};

/// Between a word and its message, and between two of them: no two share a cache line.
const LINE: usize = 64;

struct Slots {
    memory: Arc<Shared>,
    from: usize,
    to: usize,
    spins: bool,
}

impl Slots {
    /// Waits until a slot is as wanted.
    fn wait(&self, slot: usize, full: u32) {
        let word = self.memory.half_word(slot / 8);
        while word.load(Ordering::Acquire) != full {
            if self.spins {
                std::hint::spin_loop();
            } else {
                sys::futex_wait(word, 1 - full);
            }
        }
    }

    fn turn(&self, slot: usize, full: u32) {
        let word = self.memory.half_word(slot / 8);
        word.store(full, Ordering::Release);
        if !self.spins {
            sys::futex_wake(word);
        }
    }
}

impl End for Slots {
    fn send(&mut self, message: &[u8]) -> Result<(), Errno> {
        self.wait(self.to, 0);
        self.memory.write(self.to + LINE, message);
        self.turn(self.to, 1);
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        self.wait(self.from, 1);
        self.memory.read(self.from + LINE, buffer);
        self.turn(self.from, 0);
        Ok(())
    }
}

fn slot(bytes: usize) -> usize {
    LINE + bytes.next_multiple_of(LINE)
}

fn slots(memory: Shared, bytes: usize, spins: bool) -> Pair {
    let (memory, second) = (Arc::new(memory), slot(bytes));
    let end = |from, to| Slots {
        memory: Arc::clone(&memory),
        from,
        to,
        spins,
    };
    Pair::new(end(0, second), end(second, 0))
}

fn posix(bytes: usize) -> Result<Shared, Refused> {
    let name = format!("/{}", place::next());
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR;
    let object =
        shm_open(name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR).map_err(by("shm_open"))?;
    shm_unlink(name.as_str()).map_err(by("shm_unlink"))?;
    ftruncate(&object, 2 * slot(bytes) as i64).map_err(by("ftruncate"))?;
    Shared::of(&object, 2 * slot(bytes)).map_err(by("mmap"))
}

/// POSIX, asking again and again.
pub fn posix_spinning(bytes: usize) -> Result<Pair, Refused> {
    Ok(slots(posix(bytes)?, bytes, true))
}

/// POSIX, asleep on a futex.
pub fn posix_blocking(bytes: usize) -> Result<Pair, Refused> {
    Ok(slots(posix(bytes)?, bytes, false))
}

fn system_v(bytes: usize) -> Result<Shared, Refused> {
    Shared::system_v(2 * slot(bytes)).map_err(by("shmget"))
}

/// System V, asking again and again.
pub fn system_v_spinning(bytes: usize) -> Result<Pair, Refused> {
    Ok(slots(system_v(bytes)?, bytes, true))
}

/// System V, asleep on a futex.
pub fn system_v_blocking(bytes: usize) -> Result<Pair, Refused> {
    Ok(slots(system_v(bytes)?, bytes, false))
}

/// Says where its message lies; the other fetches it there.
struct Fetching {
    from: Arc<EventFd>,
    to: Arc<EventFd>,
    other: Pid,
}

impl End for Fetching {
    fn meet(&mut self, other: Pid) -> Result<(), Errno> {
        sys::let_read();
        self.other = other;
        Ok(())
    }

    fn send(&mut self, message: &[u8]) -> Result<(), Errno> {
        through(|| self.to.write(message.as_ptr().addr() as u64)).map(drop)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        let base = through(|| self.from.read())? as usize;
        let remote = [RemoteIoVec {
            base,
            len: buffer.len(),
        }];
        let wanted = buffer.len();
        match process_vm_readv(self.other, &mut [IoSliceMut::new(buffer)], &remote)? {
            got if got == wanted => Ok(()),
            _ => Err(Errno::EBADMSG),
        }
    }
}

/// process_vm_readv(2), with an eventfd to say that something is there.
pub fn fetching(_: usize) -> Result<Pair, Refused> {
    let event = || EventFd::from_flags(EfdFlags::EFD_CLOEXEC).map(Arc::new);
    let (there, back) = (
        event().map_err(by("eventfd"))?,
        event().map_err(by("eventfd"))?,
    );
    let end = |from: &Arc<_>, to: &Arc<_>| Fetching {
        from: Arc::clone(from),
        to: Arc::clone(to),
        other: Pid::from_raw(0),
    };
    Ok(Pair::new(end(&back, &there), end(&there, &back)))
}
