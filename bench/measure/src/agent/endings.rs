//! How everything ends that an agent has started: by its keeper, without a keeper, and all of it when the harness is gone.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Agent, STOP_DEADLINE};
use crate::awake::Spinners;
use crate::tree::{self, Tree};
use crate::{frame, shape, sys};

impl Agent {
    /// A keeper is gone and has not ended its tree: its orphans are this process's children now.
    pub(super) fn lose(&mut self, index: usize) {
        let server = &mut self.servers[index];
        server.lost = true;
        let _ = kill(server.keeper, Signal::SIGKILL);
        let deadline = Instant::now() + STOP_DEADLINE;
        while Instant::now() < deadline {
            if let Some(group) = &self.servers[index].cgroup {
                // ENOENT: gone already.
                let _ = group.kill();
            }
            while let Ok(Some(_)) = sys::reap() {}
            if !self.kill_orphans() {
                break;
            }
        }
        if let Some(group) = &self.servers[index].cgroup {
            group.remove();
        }
    }

    /// Kills the trees of children that are no keepers; false when there are none.
    pub(super) fn kill_orphans(&self) -> bool {
        let tree = Tree::now();
        let orphans: Vec<i32> = tree
            .children(std::process::id() as i32)
            .iter()
            .copied()
            .filter(|&pid| !self.spinners.contain(pid))
            .filter(|&pid| {
                !self
                    .servers
                    .iter()
                    .any(|server| server.keeper.as_raw() == pid && !server.lost)
            })
            .collect();
        for &orphan in &orphans {
            let _ = kill(Pid::from_raw(orphan), Signal::SIGKILL);
            tree::kill_below(orphan);
        }
        !orphans.is_empty()
    }

    /// The harness is gone. Keepers see their lifelines end all at once, and end their trees side by side.
    pub(super) fn end_everything(&mut self) {
        self.spinners = Spinners::default();
        if self.shaped {
            // The namespace may be gone, too.
            let _ = shape::shape(None);
        }
        for server in &self.servers {
            let _ = server.control.shutdown(std::net::Shutdown::Write);
        }
        let deadline = Instant::now() + STOP_DEADLINE;
        for server in &mut self.servers {
            let left = deadline.saturating_duration_since(Instant::now());
            let _ = server
                .control
                .set_read_timeout(Some(left.max(Duration::from_millis(1))));
            // To its end: the keeper's last report is for nobody.
            let _ = io::copy(
                &mut (&server.control).take(frame::LONGEST as u64),
                &mut io::sink(),
            );
        }
        for server in std::mem::take(&mut self.servers) {
            if let Some(group) = &server.cgroup {
                let _ = group.kill();
                group.remove();
            }
        }
        while Instant::now() < deadline && self.kill_orphans() {
            while let Ok(Some(_)) = sys::reap() {}
        }
    }
}
