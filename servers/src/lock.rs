//! A lock between processes: a file's, or one in memory that they share. Whoever dies holding it frees it.

use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::scratch;
use crate::sys::SharedMutex;

/// What a process has to hold before it goes on.
pub enum Lock {
    /// Nothing.
    None,
    /// A record lock of a file (fcntl): it belongs to a process, and two system calls take and free it.
    File(File),
    /// A process-shared, robust mutex: system calls only when somebody waits.
    Mutex(&'static SharedMutex),
}

impl Lock {
    /// One of a file without a name.
    ///
    /// # Errors
    /// When there is no room for a temporary file.
    pub fn of_file() -> io::Result<Self> {
        Ok(Lock::File(scratch::file("the lock", |_| Ok(()))?))
    }

    /// One in memory.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn of_memory() -> io::Result<Self> {
        Ok(Lock::Mutex(SharedMutex::new()?))
    }

    /// Runs `inside` while no other process does.
    pub fn with<T>(&self, inside: impl FnOnce() -> T) -> T {
        match self {
            Lock::None => inside(),
            Lock::Mutex(mutex) => mutex.with(inside),
            Lock::File(file) => {
                set(file, libc::F_WRLCK);
                let result = inside();
                set(file, libc::F_UNLCK);
                result
            }
        }
    }
}

fn set(file: &File, kind: libc::c_int) {
    let whole = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    while fcntl(file, FcntlArg::F_SETLKW(&whole)) == Err(Errno::EINTR) {}
}
