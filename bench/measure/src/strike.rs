//! Striking a server while it serves: who is meant, and the signal.
//!
//! Whom it shall hit is chosen before the window, from a look at who holds which connection: at the instant itself
//! nothing is left to be done but to ask /proc whether it is still the server's, and one kill(2), so that looking does
//! not slow the load that is being watched. It ends at the signal: whoever is stopped and never continued is ended with
//! its tree, by KILL.

use std::cmp::Reverse;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::Process;
use record::{Member, Role, Victim};

use crate::protocol::{Blow, Holder};

/// Generations between a keeper and the farthest of its tree, at most.
const GENERATIONS: usize = 64;

/// Whom a strike is for, of those who were seen below `root`, the process that was launched; `None` when it was not.
pub fn aim(victim: Victim, seen: &[Holder], root: i32) -> Option<(i32, Role)> {
    let (parents, workers): (Vec<&Holder>, Vec<_>) = seen.iter().partition(|it| it.pid == root);
    let parent = parents.first()?;
    let used = |holder: &Holder| holder.threads.iter().map(|(_, ns)| ns).sum::<u64>();
    let workers = workers.into_iter();
    let busiest = workers.max_by_key(|it| (it.peers.len(), used(it), Reverse(it.pid)));
    Some(match (victim, busiest) {
        (_, None) => (parent.pid, Role::Only),
        (Victim::Worker, Some(worker)) => (worker.pid, Role::Worker),
        (Victim::Parent, Some(_)) => (parent.pid, Role::Parent),
    })
}

/// Who was seen, and how much each held. Orphans are children of the keeper, too; the root is who was launched.
pub fn members(seen: &[Holder], root: i32) -> Vec<Member> {
    let member = |holder: &Holder| Member {
        pid: holder.pid,
        root: root == holder.pid,
        connections: u32::try_from(holder.peers.len()).unwrap_or(u32::MAX),
    };
    seen.iter().map(member).collect()
}

/// Sends the signal to a process below `keeper`.
///
/// # Errors
/// When it is nobody's of this server, or is gone.
pub fn strike(keeper: i32, pid: i32, blow: Blow) -> Result<(), String> {
    let signal = match blow {
        Blow::Kill => Signal::SIGKILL,
        Blow::Stop => Signal::SIGSTOP,
        Blow::Continue => Signal::SIGCONT,
    };
    if !is_below(keeper, pid) {
        return Err(format!(
            "process {pid}, which was to be sent {signal}, is gone"
        ));
    }
    kill(Pid::from_raw(pid), signal)
        .map_err(|errno| format!("process {pid} cannot be sent {signal}: {}", errno.desc()))
}

fn is_below(keeper: i32, pid: i32) -> bool {
    let parent = |pid: &i32| {
        let stat = Process::new(*pid).and_then(|process| process.stat());
        stat.ok()
            .filter(|stat| stat.state != 'Z')
            .map(|stat| stat.ppid)
    };
    let mut above = std::iter::successors(parent(&pid), parent).take(GENERATIONS);
    above.any(|above| above == keeper)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::process::Command;

    use super::*;

    fn holder(pid: i32, root: bool, peers: u16, cpu_ns: u64) -> Holder {
        let peer = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Holder {
            pid,
            root,
            listens: Vec::new(),
            peers: (0..peers).map(peer).collect(),
            threads: vec![(pid, cpu_ns / 2), (pid + 1, cpu_ns / 2)],
        }
    }

    #[test]
    fn a_worker_is_the_one_that_does_most_and_never_the_parent_of_others() {
        let seen = [
            holder(10, true, 9, 900),
            holder(11, false, 2, 10),
            holder(12, false, 3, 10),
            holder(13, false, 3, 40),
            holder(14, false, 3, 40),
        ];
        assert_eq!(aim(Victim::Worker, &seen, 10), Some((13, Role::Worker)));
        assert_eq!(aim(Victim::Parent, &seen, 10), Some((10, Role::Parent)));
        for victim in [Victim::Worker, Victim::Parent] {
            assert_eq!(aim(victim, &seen[..1], 10), Some((10, Role::Only)));
            assert_eq!(aim(victim, &[], 10), None);
        }
    }

    #[test]
    fn orphans_do_not_become_the_root() {
        let orphans = [holder(11, true, 1, 0), holder(12, true, 0, 0)];
        let roots = |root| members(&orphans, root).iter().filter(|it| it.root).count();
        assert_eq!((roots(10), roots(12)), (0, 1));
        assert_eq!(aim(Victim::Worker, &orphans, 12), Some((11, Role::Worker)));
    }

    #[test]
    fn only_processes_of_the_server_are_struck() {
        let mut stranger = Command::new("sleep").arg("60").spawn().expect("sleep runs");
        let (own, pid) = (std::process::id() as i32, stranger.id() as i32);
        let refused = strike(pid, own, Blow::Stop).expect_err("it is not below sleep");
        assert!(refused.contains("is gone"), "{refused}");
        strike(own, pid, Blow::Kill).expect("a child of this process");
        assert!(!stranger.wait().expect("a child").success());
        assert!(strike(own, pid, Blow::Kill).is_err(), "it is gone");
    }
}
