//! A server's process tree, as /proc shows it: everybody below its keeper.
//!
//! The keeper is a subreaper, so descendants whose parent has died are its children again: a walk down
//! from it misses nobody who stays put. Processes may begin and end during the walk; who needs a
//! consistent picture compares two. It pays one `stat` a process of the machine.

use std::collections::HashMap;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Who was whose child, at one moment. Zombies do not live.
#[derive(Debug)]
pub struct Tree(HashMap<i32, Vec<i32>>);

impl Tree {
    /// Reads /proc.
    pub fn now() -> Self {
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        for process in procfs::process::all_processes()
            .into_iter()
            .flatten()
            .flatten()
        {
            if let Ok(stat) = process.stat()
                && stat.state != 'Z'
            {
                children.entry(stat.ppid).or_default().push(stat.pid);
            }
        }
        Tree(children)
    }

    /// The children of `pid`.
    pub fn children(&self, pid: i32) -> &[i32] {
        self.0.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// Everybody below `root`, without itself, parents before children.
    pub fn descendants(&self, root: i32) -> Vec<i32> {
        let mut found = self.children(root).to_vec();
        let mut next = 0;
        while next < found.len() {
            found.extend_from_slice(self.children(found[next]));
            next += 1;
        }
        found
    }
}

/// SIGKILL to everybody below `root`.
pub fn kill_below(root: i32) {
    for pid in Tree::now().descendants(root) {
        // ESRCH: gone since; that is what is wanted.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}
