//! A lock between processes: a file's, or one in memory that they share. Whoever dies holding it frees it.

use std::fs::{File, OpenOptions, remove_file};
use std::io;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

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
    /// One of a file without a name, so that nothing is left behind.
    ///
    /// # Errors
    /// When there is no room for a temporary file.
    pub fn of_file() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("echo-server-lock-{}", std::process::id()));
        let explain = |error: io::Error| {
            let cause = format!("no lock file at {}: {error}; set TMPDIR", path.display());
            io::Error::new(error.kind(), cause)
        };
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).open(&path);
        let file = file.map_err(explain)?;
        remove_file(&path).map_err(explain)?;
        Ok(Lock::File(file))
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
