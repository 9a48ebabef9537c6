//! What a harness that was killed has left: its agents, and whoever is below them.
//!
//! They end by themselves, as soon as they see their lifelines end: that is waited for. Whoever cannot (because
//! somebody has stopped it, say) is killed, and its cgroups are removed. A process is named by its number and the
//! moment it began, so that nobody who happens to have got the number since is mistaken for it; and nobody is ended
//! but agents of this user's.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use procfs::process::Process;

use crate::cgroup::Roots;
use crate::tree::Tree;

/// How long those who can may take to end themselves: a keeper's grace, and a margin.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long whoever is killed may take.
const KILL_DEADLINE: Duration = Duration::from_secs(20);
/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(20);

/// A process, and no later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub pid: i32,
    /// When it began, in clock ticks since boot.
    pub start: u64,
}

impl Identity {
    /// Of a process that is there now.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = Process::new(pid).ok()?.stat().ok()?;
        (stat.state != 'Z').then_some(Identity {
            pid,
            start: stat.starttime,
        })
    }

    /// Whether it is still there.
    pub fn lives(self) -> bool {
        Identity::of(self.pid) == Some(self)
    }

    /// Whether it is an agent of this user's.
    fn is_our_agent(self) -> bool {
        let Ok(process) = Process::new(self.pid) else {
            return false;
        };
        let own = process
            .uid()
            .is_ok_and(|uid| uid == Uid::effective().as_raw());
        let words = process.cmdline().unwrap_or_default();
        let program = words.first().map(Path::new).and_then(Path::file_name);
        own && self.lives()
            && program.is_some_and(|name| name == "fiveways")
            && words.get(1).is_some_and(|word| word == "agent")
    }
}

/// Names this start of the machine: numbers and ticks of an earlier one mean nobody.
pub fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// Waits for the end of a dead harness's agents and of everybody below them, kills whoever does not end, and returns how
/// many there were in all.
pub fn end_remains(agents: &[Identity]) -> usize {
    let ours = agents.iter().copied().filter(|agent| agent.is_our_agent());
    let mut left: Vec<Identity> = ours.collect();
    add_descendants(&mut left);
    let begun = Instant::now();
    while left.iter().any(|it| it.lives()) && begun.elapsed() < PATIENCE + KILL_DEADLINE {
        if begun.elapsed() > PATIENCE {
            add_descendants(&mut left);
            for it in left.iter().filter(|it| it.lives()) {
                // ESRCH: gone since; that is what is wanted.
                let _ = kill(Pid::from_raw(it.pid), Signal::SIGKILL);
            }
        }
        std::thread::sleep(INTERVAL);
    }
    // An agent that was killed has not removed its cgroups: to look for where they are sweeps them.
    drop(Roots::find());
    left.len()
}

fn add_descendants(left: &mut Vec<Identity>) {
    let tree = Tree::now();
    let below = left.iter().filter(|it| it.lives());
    let below: Vec<i32> = below.flat_map(|it| tree.descendants(it.pid)).collect();
    for found in below.into_iter().filter_map(Identity::of) {
        if !left.contains(&found) {
            left.push(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_taken_for_an_agent_who_is_none() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("coreutils");
        let pid = child.id() as i32;
        let identity = Identity::of(pid).expect("it is there");
        assert_eq!(end_remains(&[identity]), 0);
        assert!(identity.lives());
        let earlier = Identity {
            start: identity.start - 1,
            ..identity
        };
        assert!(!earlier.lives(), "another process of that number");
        child.kill().expect("a child of ours");
        child.wait().expect("a child of ours");
        assert!(!identity.lives() && boot().is_some());
    }
}
