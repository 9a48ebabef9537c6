//! The memory controller, wherever it lives: in the v2 hierarchy, where a server's cgroup has it when whoever
//! manages the host handed it down, or in a v1 hierarchy of its own, where a cgroup more is made for it.
//!
//! It books the kernel's memory, too, of the server's ends alone. Only servers that are weighed get one: whose
//! pages are counted apart, pays for the counting.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use procfs::ProcessCGroup;
use procfs::process::MountInfo;
use record::CgroupMemory;

/// Where cgroups of the memory controller can be made.
#[derive(Clone, Debug)]
pub enum Root {
    /// A server's v2 cgroup, below this one, has it already.
    Unified(PathBuf),
    /// Below this cgroup of the v1 hierarchy.
    Own(PathBuf),
}

/// One cgroup of the memory controller.
#[derive(Clone, Debug)]
pub struct Group {
    path: PathBuf,
    /// Made by us beside the v2 cgroup.
    own: bool,
}

/// Finds the controller; `unified`: where v2 cgroups are made, if they are.
///
/// # Errors
/// With the reason, in words for the report.
pub fn root(unified: Option<&Path>) -> Result<Root, String> {
    if let Some(unified) = unified
        && hands_down_memory(&fs::read_to_string(unified.join("cgroup.subtree_control")))
    {
        return Ok(Root::Unified(unified.to_owned()));
    }
    let process = procfs::process::Process::myself().map_err(|error| error.to_string())?;
    let mounts = process.mountinfo().map_err(|error| error.to_string())?;
    let groups = process.cgroups().map_err(|error| error.to_string())?;
    let path = v1(mounts.into_iter(), &groups.0).ok_or(
        "the memory controller is neither handed down to cgroups v2 of ours nor mounted as v1",
    )?;
    let root = Root::Own(path);
    let trial = root
        .create(&format!("fiveways-{}-trial", std::process::id()))
        .map_err(|error| format!("no cgroup of the memory controller can be made: {error}"))?;
    let readable = trial.read();
    trial.remove();
    readable.map_err(|error| format!("the memory controller cannot be read: {error}"))?;
    Ok(root)
}

fn hands_down_memory(subtree_control: &io::Result<String>) -> bool {
    let controllers = subtree_control.as_deref().unwrap_or_default();
    controllers.split_whitespace().any(|it| it == "memory")
}

/// This process's own cgroup in the v1 hierarchy of the memory controller.
fn v1(mut mounts: impl Iterator<Item = MountInfo>, groups: &[ProcessCGroup]) -> Option<PathBuf> {
    let mount = mounts
        .find(|mount| mount.fs_type == "cgroup" && mount.super_options.contains_key("memory"))?;
    let own = groups
        .iter()
        .find(|group| group.controllers.iter().any(|it| it == "memory"))?;
    // In a container the hierarchy's root may be this very cgroup.
    let below = own
        .pathname
        .strip_prefix(&mount.root)
        .unwrap_or(&own.pathname);
    Some(mount.mount_point.join(below.trim_start_matches('/')))
}

impl Root {
    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Root::Unified(path) | Root::Own(path) => path,
        }
    }

    /// The cgroup of this name.
    ///
    /// # Errors
    /// Those of mkdir(2).
    pub fn create(&self, name: &str) -> io::Result<Group> {
        let path = self.path().join(name);
        let own = matches!(self, Root::Own(_));
        if own {
            fs::create_dir(&path)?;
        }
        Ok(Group { path, own })
    }
}

impl Group {
    /// Moves a process in; what it forks from now on is born inside.
    ///
    /// # Errors
    /// Those of writing `cgroup.procs`.
    pub fn admit(&self, pid: i32) -> io::Result<()> {
        if self.own {
            fs::write(self.path.join("cgroup.procs"), pid.to_string())?;
        }
        Ok(())
    }

    /// What it has booked.
    ///
    /// # Errors
    /// With the file and what is wrong with it.
    pub fn read(&self) -> io::Result<CgroupMemory> {
        let read = |name: &str| {
            let read = fs::read_to_string(self.path.join(name));
            read.map_err(|error| io::Error::other(format!("{name}: {error}")))
        };
        let number = |name: &str| {
            let number = read(name)?.trim().parse::<u64>();
            number.map_err(|error| io::Error::other(format!("{name}: {error}")))
        };
        if self.own {
            return Ok(CgroupMemory {
                total_bytes: number("memory.usage_in_bytes")?,
                kernel_bytes: number("memory.kmem.usage_in_bytes")?,
            });
        }
        Ok(CgroupMemory {
            total_bytes: number("memory.current")?,
            kernel_bytes: kernel(&read("memory.stat")?)
                .ok_or_else(|| io::Error::other("memory.stat has no line `kernel`"))?,
        })
    }

    /// Removes what was made here.
    pub fn remove(&self) {
        if self.own {
            super::remove(&self.path);
        }
    }
}

/// The kernel's part of `memory.stat` (since Linux 5.18).
fn kernel(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("kernel "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_part_has_a_line_of_its_own() {
        let stat = "anon 262144\nfile 0\nkernel 1269760\nkernel_stack 49152\npagetables 81920\n";
        assert_eq!(kernel(stat), Some(1_269_760));
        assert_eq!(kernel("anon 1\nkernel_stack 49152\n"), None);
    }

    #[test]
    fn memory_is_handed_down_or_not() {
        assert!(hands_down_memory(&Ok("cpu memory pids\n".to_owned())));
        assert!(!hands_down_memory(&Ok("cpu hugetlb\n".to_owned())));
        assert!(!hands_down_memory(&Err(io::ErrorKind::NotFound.into())));
    }

    #[test]
    fn v1_is_found_by_mount_and_membership() {
        let group = |hierarchy, controller: &str, path: &str| ProcessCGroup {
            hierarchy,
            controllers: vec![controller.to_owned()],
            pathname: path.to_owned(),
        };
        let mount = |line| MountInfo::from_line(line).expect("a line of mountinfo");
        let text = [
            "33 31 0:30 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu",
            "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
        ];
        let groups = [group(1, "cpu", "/a"), group(4, "memory", "/b/c")];
        let found = v1(text.iter().map(|line| mount(line)), &groups);
        assert_eq!(found, Some(PathBuf::from("/sys/fs/cgroup/memory/b/c")));
        // A container sees its own cgroup as the root of the mount.
        let inside = "35 31 0:32 /b /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory";
        let found = v1([mount(inside)].into_iter(), &groups);
        assert_eq!(found, Some(PathBuf::from("/sys/fs/cgroup/memory/c")));
        assert_eq!(v1(text[..1].iter().map(|line| mount(line)), &groups), None);
        assert_eq!(v1(text.iter().map(|line| mount(line)), &groups[..1]), None);
    }
}
