//! The bench: two agents of the same program, one beside the servers, one that loads. The harness talks to
//! both and does nothing itself while they measure.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use record::{Host, HostInstant, Yardstick};

use crate::client::{Agent, AgentError, unexpected};
use crate::placement::Placement;
use crate::protocol::{Found, Id, LabAsked, Reply, Request};
use crate::sys;
use crate::tree::{self, Tree};

/// How much longer than a lab may take its agent may take to end it.
const LAB_MARGIN: Duration = Duration::from_secs(30);

/// Both agents, and the host of the servers.
#[derive(Debug)]
pub struct Bench {
    pub(crate) servers: Agent,
    pub(crate) load: Agent,
    /// Where the servers run.
    pub host: Host,
    last_id: Id,
}

impl Bench {
    /// Starts both agents from `program` (fiveways itself).
    ///
    /// # Errors
    /// When one cannot be started or is of another version.
    pub fn start(program: &Path, interrupt: Option<Arc<OwnedFd>>) -> Result<Self, AgentError> {
        let (servers, host) = Agent::start(program, interrupt.clone())?;
        let (load, _) = Agent::start(program, interrupt)?;
        Ok(Bench {
            servers,
            load,
            host,
            last_id: 0,
        })
    }

    /// Where both agents, their keepers and the generator run.
    ///
    /// # Errors
    /// When one of the CPUs is not online.
    pub fn pin(&mut self, cpus: &[usize]) -> Result<(), AgentError> {
        for agent in [&mut self.servers, &mut self.load] {
            match agent.ask(&Request::Pin(cpus.to_vec()))? {
                Reply::Done => {}
                other => return Err(unexpected(&other)),
            }
        }
        Ok(())
    }

    /// What the parts of this machine take, between a core of either side. It takes 1.2 s, and expects that
    /// nobody else is at work.
    ///
    /// # Errors
    /// When the agent is lost, or the harness is told to end. What cannot be measured says why.
    pub fn yardsticks(&mut self, placement: &Placement) -> Result<Vec<Yardstick>, AgentError> {
        let request = Request::Yardsticks {
            server: placement.server.clone(),
            generator: placement.generator.clone(),
        };
        match self.servers.ask(&request)? {
            Reply::Yardsticks(yardsticks) => Ok(yardsticks),
            other => Err(unexpected(&other)),
        }
    }

    /// Has a part measured by itself.
    ///
    /// # Errors
    /// When the agent is gone, silent, or the user has interrupted.
    pub fn lab(&mut self, asked: LabAsked) -> Result<Found, AgentError> {
        let patience = Duration::from_millis(asked.deadline_ms) + LAB_MARGIN;
        let request = Request::Lab(Box::new(asked));
        match self.servers.ask_within(&request, patience)? {
            Reply::Found(found) => Ok(*found),
            other => Err(unexpected(&other)),
        }
    }

    /// How the host is now.
    ///
    /// # Errors
    /// When the agent is gone.
    pub fn host_now(&mut self) -> Result<HostInstant, AgentError> {
        match self.servers.ask(&Request::HostNow)? {
            Reply::HostNow(now) => Ok(now),
            other => Err(unexpected(&other)),
        }
    }

    /// Both agents' processes.
    pub fn agents(&self) -> [u32; 2] {
        [self.servers.pid(), self.load.pid()]
    }

    pub(crate) fn next_id(&mut self) -> Id {
        self.last_id += 1;
        self.last_id
    }
}

/// Makes this process, the harness, the last refuge of orphans: of an agent that is killed together with
/// its keepers. Once, at the start of the program.
pub fn adopt_orphans() {
    // No kernel that runs this lacks it; without it only that double kill would leave something behind.
    let _ = sys::become_subreaper();
}

/// Ends whoever came to be adopted; keepers among them get three seconds to end their trees themselves.
/// Once, when no agent lives any more.
pub fn end_orphans() {
    let own = std::process::id() as i32;
    let patience = Instant::now() + Duration::from_secs(3);
    let deadline = patience + Duration::from_secs(10);
    while Instant::now() < deadline {
        while let Ok(Some(_)) = sys::reap() {}
        let tree = Tree::now();
        let orphans = tree.children(own);
        if orphans.is_empty() {
            return;
        }
        if Instant::now() > patience {
            tree::kill_below(own);
        }
        for &orphan in orphans {
            if Instant::now() > patience {
                let _ = kill(Pid::from_raw(orphan), Signal::SIGKILL);
            }
        }
        std::thread::yield_now();
    }
}
