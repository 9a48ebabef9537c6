//! The parent of a spawn lab: a process with exactly so much state, so many threads and descriptors. All of
//! it is made before anything is measured, and ends with the process.

use std::fs::File;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use record::{Lab, Pages};

use crate::Nothing;
use crate::sys::spawn::Memory;

/// What a child may inherit.
#[derive(Debug)]
pub struct Parent {
    /// State, written to once a page.
    pub state: Memory,
    /// Of the state.
    pub state_bytes: usize,
    huge: bool,
    _descriptors: Vec<OwnedFd>,
}

impl Parent {
    /// As a lab says; a fresh process that says nothing has no state, one thread, and few descriptors.
    ///
    /// # Errors
    /// When this host does not have that much.
    pub fn new(lab: &Lab) -> Result<Self, Nothing> {
        let huge = lab.pages == Some(Pages::Huge);
        let state_bytes = (lab.state_mib.unwrap_or(0) as usize) << 20;
        let descriptors = descriptors(lab.descriptors.unwrap_or(0) as usize)?;
        let state = Memory::touched(state_bytes, huge).map_err(|errno| {
            let text = format!("{} MiB of state: mmap: {}", state_bytes >> 20, errno.desc());
            Nothing::unavailable(text, Some(errno as i32))
        })?;
        let parent = Parent {
            state,
            state_bytes,
            huge,
            _descriptors: descriptors,
        };
        if parent
            .huge_bytes()
            .is_some_and(|granted| granted < state_bytes / 2)
        {
            let text = "the kernel grants no transparent huge pages here: \
                        /sys/kernel/mm/transparent_hugepage/enabled";
            return Err(Nothing::unavailable(text.to_owned(), None));
        }
        threads(lab.threads.unwrap_or(1))?;
        Ok(parent)
    }

    /// Huge pages of this process, where they were asked for.
    pub fn huge_bytes(&self) -> Option<usize> {
        let told = smaps_rollup("self", "AnonHugePages:").unwrap_or(0);
        self.huge.then_some(told)
    }
}

/// A line of /proc/PID/smaps_rollup, in bytes.
pub fn smaps_rollup(pid: &str, line: &str) -> Option<usize> {
    kib(&format!("/proc/{pid}/smaps_rollup"), line)
}

/// A line `word   123 kB` of a file of /proc, in bytes.
pub fn kib(path: &str, word: &str) -> Option<usize> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(word))?;
    let figure: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(figure << 10)
}

/// Opens until so many are open in all.
fn descriptors(wanted: usize) -> Result<Vec<OwnedFd>, Nothing> {
    let failed = |error: std::io::Error| {
        let text = format!("{wanted} open descriptors: {error}");
        Nothing::unavailable(text, error.raw_os_error())
    };
    let (soft, _) =
        getrlimit(Resource::RLIMIT_NOFILE).map_err(|errno| Nothing::failed("getrlimit", errno))?;
    if soft < wanted as u64 + 64 {
        let text = format!("{wanted} open descriptors: the limit is {soft} (ulimit -n)");
        return Err(Nothing::unavailable(text, Some(Errno::EMFILE as i32)));
    }
    // The directory that is read is open meanwhile.
    let open = std::fs::read_dir("/proc/self/fd").map_err(failed)?.count() - 1;
    let null = || File::open("/dev/null").map(OwnedFd::from);
    let opened = (open..wanted).map(|_| null()).collect::<Result<_, _>>();
    opened.map_err(failed)
}

/// Starts threads that wait for ever, until there are so many.
fn threads(wanted: u32) -> Result<(), Nothing> {
    for _ in 1..wanted {
        let waiting = std::thread::Builder::new().stack_size(64 << 10);
        let started = waiting.spawn(|| {
            loop {
                std::thread::park();
            }
        });
        started.map_err(|error| {
            let text = format!("{wanted} threads: {error}");
            Nothing::unavailable(text, error.raw_os_error())
        })?;
    }
    Ok(())
}
