//! What it takes to make a process or a thread that does nothing, and to see it end.

use std::io;
use std::thread;

use procfs::process::Process;

use super::Cores;
use super::samples::Samples;
use crate::sys;

/// fork(2), the child's end, waitpid(2). It costs what the process that forks has mapped: that stands beside it.
pub fn fork(_: &Cores, samples: &mut Samples) -> io::Result<()> {
    samples.resident_bytes = resident_bytes();
    samples.time_all(|| Ok(sys::fork_and_wait()?))
}

fn resident_bytes() -> Option<u64> {
    let status = Process::myself().ok()?.status().ok()?;
    Some(status.vmrss? * 1024)
}

/// A thread that returns at once, on the core of who made it, and joining it.
pub fn thread(_: &Cores, samples: &mut Samples) -> io::Result<()> {
    samples.time_all(|| {
        let made = thread::Builder::new().spawn(|| ())?;
        made.join()
            .map_err(|_| io::Error::other("a thread that does nothing panicked"))
    })
}
