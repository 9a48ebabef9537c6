//! A cgroup v2 of its own for each server, where one can be made: `cpu.stat` splits user and system time
//! right, and `cgroup.kill` ends a tree that forks faster than it is walked.
//!
//! No controller is enabled in it, so scheduling stays as it is without. A server that is weighed gets a cgroup of
//! the memory controller beside it (`memory`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use record::CgroupMemory;

use crate::remains::Identity;

pub mod memory;

/// How long who was killed may be inside: to die takes a core, and all of them may be busy.
const LAST_MOMENTS: Duration = Duration::from_secs(2);

/// CPU time of everybody who was ever in a cgroup, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct CpuStat {
    /// User and system.
    pub total_ns: u64,
    /// In user mode.
    pub user_ns: u64,
    /// In the kernel.
    pub system_ns: u64,
}

/// One cgroup of ours, and the one of the memory controller that goes with it.
#[derive(Clone, Debug)]
pub struct Cgroup(PathBuf, Option<memory::Group>);

/// Where cgroups can be made, or why not.
#[derive(Debug)]
pub struct Roots {
    /// In the v2 hierarchy.
    pub unified: Result<PathBuf, String>,
    /// Of the memory controller.
    pub memory: Result<memory::Root, String>,
}

impl Roots {
    /// Looks for both, and sweeps what a killed agent left there.
    pub fn find() -> Self {
        let unified = root();
        let memory = memory::root(unified.as_deref().ok());
        for root in [
            unified.as_deref().ok(),
            memory.as_ref().ok().map(memory::Root::path),
        ] {
            root.into_iter().for_each(sweep);
        }
        Roots { unified, memory }
    }

    /// A server's cgroup; `weighed`: with the memory controller's, where that can be had.
    ///
    /// # Errors
    /// Those of mkdir(2).
    pub fn create(&self, name: &str, weighed: bool) -> io::Result<Option<Cgroup>> {
        let Ok(root) = &self.unified else {
            return Ok(None);
        };
        let mut group = Cgroup::create(root, name)?;
        if let (true, Ok(memory)) = (weighed, &self.memory) {
            group.1 = Some(memory.create(name)?);
        }
        Ok(Some(group))
    }

    /// Why a server has no memory controller to itself, if that is so.
    pub fn without_memory(&self) -> Option<String> {
        match (&self.unified, &self.memory) {
            (Err(reason), _) | (_, Err(reason)) => Some(reason.clone()),
            _ => None,
        }
    }
}

/// Where this process may make cgroups: its own one in the v2 hierarchy, wherever that is mounted.
///
/// # Errors
/// With the reason, in words for the report.
fn root() -> Result<PathBuf, String> {
    let process = procfs::process::Process::myself().map_err(|error| error.to_string())?;
    let mounts = process.mountinfo().map_err(|error| error.to_string())?;
    let mount = mounts
        .into_iter()
        .find(|mount| mount.fs_type == "cgroup2")
        .ok_or("cgroup v2 is not mounted")?;
    let own = process
        .cgroups()
        .map_err(|error| error.to_string())?
        .into_iter()
        .find(|group| group.hierarchy == 0)
        .ok_or("this process is in no cgroup v2")?;
    let own = own.pathname.trim_start_matches('/');
    let root = mount.mount_point.join(own);
    let trial = Cgroup::create(&root, &format!("fiveways-{}-trial", std::process::id())).map_err(
        |error| {
            format!(
                "no cgroup can be made below {}: {error}",
                mount.mount_point.display()
            )
        },
    )?;
    let readable = trial.cpu();
    trial.remove();
    readable.map_err(|error| format!("cpu.stat: {error}"))?;
    Ok(root)
}

impl Cgroup {
    /// Makes a cgroup of this name.
    ///
    /// # Errors
    /// Those of mkdir(2).
    fn create(root: &Path, name: &str) -> io::Result<Self> {
        let path = root.join(name);
        fs::create_dir(&path)?;
        Ok(Cgroup(path, None))
    }

    /// Moves a process in; what it forks from now on is born inside.
    ///
    /// # Errors
    /// Those of writing `cgroup.procs`.
    pub fn admit(&self, pid: i32) -> io::Result<()> {
        if let Some(memory) = &self.1 {
            memory.admit(pid)?;
        }
        fs::write(self.0.join("cgroup.procs"), pid.to_string())
    }

    /// CPU time so far, of the living and the dead.
    ///
    /// # Errors
    /// When `cpu.stat` cannot be read or lacks a line.
    pub fn cpu(&self) -> io::Result<CpuStat> {
        let text = fs::read_to_string(self.0.join("cpu.stat"))?;
        let line = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok())
                .map(|usec| usec * 1_000)
                .ok_or_else(|| io::Error::other(format!("cpu.stat has no {name}")))
        };
        Ok(CpuStat {
            total_ns: line("usage_usec ")?,
            user_ns: line("user_usec ")?,
            system_ns: line("system_usec ")?,
        })
    }

    /// What the memory controller has booked to it; `None` where it has none.
    pub fn memory(&self) -> Option<io::Result<CgroupMemory>> {
        Some(self.1.as_ref()?.read())
    }

    /// SIGKILL to everybody inside, at one stroke.
    ///
    /// # Errors
    /// On kernels before 5.14, which have no `cgroup.kill`.
    pub fn kill(&self) -> io::Result<()> {
        fs::write(self.0.join("cgroup.kill"), "1")
    }

    /// Removes it, when nobody is inside any more; a zombie's last moments may delay that.
    pub fn remove(&self) {
        remove(&self.0);
        if let Some(memory) = &self.1 {
            memory.remove();
        }
    }
}

fn remove(path: &Path) {
    let deadline = Instant::now() + LAST_MOMENTS;
    while fs::remove_dir(path).is_err_and(|error| error.raw_os_error() == Some(nix::libc::EBUSY))
        && Instant::now() < deadline
    {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Removes empty cgroups that a killed agent left behind; one whose agent lives is not touched. A zombie does not live: where
/// nobody reaps orphans (process 1 of many containers does not) it stays for ever.
fn sweep(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let agent = name.to_str().and_then(|name| {
            name.strip_prefix("fiveways-")?
                .split('-')
                .next()?
                .parse::<i32>()
                .ok()
        });
        if let Some(agent) = agent
            && Identity::of(agent).is_none()
        {
            remove(&entry.path());
        }
    }
}
