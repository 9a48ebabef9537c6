//! The bench: agents of the same program, one beside the servers, one or more that load. The harness talks to
//! all and does nothing itself while they measure.

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use record::{Host, HostInstant, Hosts, Placing, Yardstick};

use crate::client::{Agent, AgentError, Launcher, PATIENCE, unexpected};
use crate::load_host::LoadHost;
use crate::placement::{Placement, place_alone, place_as};
use crate::programs::{self, Program, Said};
use crate::protocol::{Found, Id, LabAsked, OfHost, Reply, Request};
use crate::sys;
use crate::tree::{self, Tree};

/// How much longer than a lab may take its agent may take to end it.
const LAB_MARGIN: Duration = Duration::from_secs(30);

/// All agents, and the host of the servers.
#[derive(Debug)]
pub struct Bench {
    pub(crate) servers: Agent,
    pub(crate) load: Vec<LoadHost>,
    /// Where the servers run.
    pub host: Host,
    /// Which running kernel that is, and which is the harness's.
    pub(crate) machines: (String, String),
    /// Where load hosts find them.
    pub(crate) address: IpAddr,
    /// Logical CPUs of the servers' host that may be used, where load comes from another: none, all.
    apart: Option<Vec<usize>>,
    last_id: Id,
}

impl Bench {
    /// Starts two agents from `program` (fiveways itself), both here.
    ///
    /// # Errors
    /// When one cannot be started or is of another version.
    pub fn start(program: &Path, interrupt: Option<Arc<OwnedFd>>) -> Result<Self, AgentError> {
        let launcher = Launcher::here(program);
        let (servers, introduced) = Agent::start(&launcher, interrupt.clone())?;
        let (load, _) = Agent::start(&launcher, interrupt)?;
        Ok(Bench {
            servers,
            load: vec![LoadHost::here(load)],
            machines: (introduced.machine.clone(), introduced.machine),
            host: introduced.host,
            address: Ipv4Addr::LOCALHOST.into(),
            apart: None,
            last_id: 0,
        })
    }

    /// Starts an agent on each host of a file; servers are found at `address`.
    ///
    /// # Errors
    /// When one cannot be started or is of another version: which, and why.
    pub fn start_on(
        hosts: &Hosts,
        address: IpAddr,
        interrupt: Option<Arc<OwnedFd>>,
    ) -> Result<Self, AgentError> {
        let launcher = |name: String, argv| Launcher {
            name,
            argv,
            lease: Some(hosts.lease),
        };
        let server = launcher("server".to_owned(), hosts.server_command());
        let (servers, introduced) = Agent::start(&server, interrupt.clone())?;
        let mut load = Vec::new();
        for (number, entry) in (1..).zip(&hosts.load) {
            let launcher = launcher(format!("load-{number}"), hosts.load_command(entry));
            let (agent, there) = Agent::start(&launcher, interrupt.clone())?;
            let is_servers = there.machine == introduced.machine;
            load.push(LoadHost::new(
                launcher.name,
                agent,
                there.host,
                is_servers,
                entry,
            ));
        }
        Ok(Bench {
            servers,
            load,
            machines: (introduced.machine, crate::host::machine()),
            host: introduced.host,
            address,
            apart: Some(hosts.server.cpus.clone()),
            last_id: 0,
        })
    }

    /// Where load hosts find the servers.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether load comes from hosts of its own.
    pub fn is_apart(&self) -> bool {
        self.apart.is_some()
    }

    /// Where a scenario's sides run: what is the generator's on one machine is, where load comes from others, what is
    /// left for agent and keepers.
    ///
    /// # Errors
    /// With what the servers' host would need.
    pub fn place(&self, server_cpus: u32, placing: Placing) -> Result<Placement, String> {
        match &self.apart {
            None => place_as(&self.host.topology, server_cpus, placing),
            Some(_) if placing == Placing::Shared => {
                Err("both sides on the same cores: one host, run without --hosts".to_owned())
            }
            Some(allowed) => place_alone(&self.host.topology, allowed, server_cpus),
        }
    }

    /// Where all agents, their keepers and the generators run.
    ///
    /// # Errors
    /// When one of the CPUs is not online.
    pub fn pin(&mut self, cpus: &[usize]) -> Result<(), AgentError> {
        let pinned = self.load.iter_mut().map(|load| {
            let own = load.cpus.clone().unwrap_or_else(|| cpus.to_vec());
            (&mut load.agent, own)
        });
        for (agent, cpus) in std::iter::once((&mut self.servers, cpus.to_vec())).chain(pinned) {
            match agent.ask(&Request::Pin(cpus))? {
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

    /// The processes of all agents, or of what has launched them on other hosts.
    pub fn agents(&self) -> Vec<u32> {
        let load = self.load.iter().map(|load| load.agent.pid());
        std::iter::once(self.servers.pid()).chain(load).collect()
    }

    /// Whether the servers' host has a program.
    ///
    /// # Errors
    /// When the agent is gone.
    pub fn program(&mut self, name: &str) -> Result<Option<Program>, AgentError> {
        let request = Request::OfHost(OfHost::Program(name.to_owned()));
        match self.servers.ask(&request)? {
            Reply::Program(program) => Ok(program),
            other => Err(unexpected(&other)),
        }
    }

    /// Runs a command on the servers' host to its end.
    ///
    /// # Errors
    /// When it cannot be run (`Refused`), or the agent is gone.
    pub fn run(&mut self, argv: &[String]) -> Result<Said, AgentError> {
        let request = Request::OfHost(OfHost::Run(argv.to_vec()));
        let patience = programs::PATIENCE + PATIENCE;
        match self.servers.ask_within(&request, patience)? {
            Reply::Said(said) => Ok(said),
            other => Err(unexpected(&other)),
        }
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
