//! What an agent says of its host, and of the way from it to another.

use std::io;
use std::os::fd::AsFd;

use record::pass::Phase;

use super::{Agent, Deserted, refused};
use crate::door::{self, Door};
use crate::load::now_ns;
use crate::protocol::{Introduced, OfHost, Reply};
use crate::{host, host_memory, lease, programs, shape};

impl Agent {
    /// The first message. With a lease this process becomes the keeper of the lease, and its child the agent.
    pub(super) fn hello(
        &mut self,
        version: &str,
        lease_ms: Option<u64>,
    ) -> Result<Reply, Deserted> {
        let own = env!("CARGO_PKG_VERSION");
        if version != own {
            let text = format!(
                "the harness is version {version}, this agent {own}: install the same on both"
            );
            return Ok(refused(Phase::Prepare, text));
        }
        if let Some(lease_ms) = lease_ms {
            match lease::take(std::time::Duration::from_millis(lease_ms)) {
                Ok(lease::Side::Agent(holder)) => self.holder = Some(holder),
                Ok(lease::Side::Ended) => return Err(Deserted),
                Err(error) => {
                    let text = format!("the agent cannot be started: {error}");
                    return Ok(refused(Phase::Prepare, text));
                }
            }
        }
        let cgroup = match &self.cgroups.unified {
            Ok(_) => "one a server".to_owned(),
            Err(reason) => reason.clone(),
        };
        let root = host::Root::default();
        Ok(Reply::Host(Box::new(Introduced {
            host: host::describe(&root, cgroup, self.kernel_stack_bytes),
            machine: host::machine(),
        })))
    }

    /// Where this agent, its keepers and its generator run; and who holds its lease.
    pub(super) fn pin(&self, cpus: &[usize]) -> io::Result<()> {
        crate::keeper::pin(cpus)?;
        self.holder
            .map_or(Ok(()), |holder| lease::pin_holder(holder, cpus))
    }

    pub(super) fn of_host(&mut self, asked: OfHost) -> Result<Reply, Deserted> {
        Ok(match asked {
            OfHost::Clock => Reply::Clock(now_ns()),
            OfHost::OpenDoor => {
                self.door = None;
                match Door::open(&mut self.ports) {
                    Ok(door) => {
                        let port = door.port;
                        self.door = Some(door);
                        Reply::Door(port)
                    }
                    Err(error) => {
                        refused(Phase::Prepare, format!("no door can be opened: {error}"))
                    }
                }
            }
            OfHost::CloseDoor => {
                self.door = None;
                Reply::Done
            }
            OfHost::RoundTrips { to, from, times } => match door::round_trips(to, from, times) {
                Ok(round_trips) => Reply::RoundTrips(round_trips),
                Err(error) => refused(Phase::Connect, format!("{to} cannot be reached: {error}")),
            },
            OfHost::Program(name) => Reply::Program(programs::find(&name)),
            OfHost::Run(argv) => match programs::run(&argv, Some(io::stdin().as_fd())) {
                Ok(said) => Reply::Said(said),
                Err(error) => {
                    let program = argv.first().map_or("", String::as_str);
                    refused(Phase::Prepare, format!("{program} cannot be run: {error}"))
                }
            },
            OfHost::Shape(network) => match shape::shape(network.as_ref()) {
                Ok(()) => {
                    self.shaped = network.is_some();
                    Reply::Done
                }
                Err(text) => refused(Phase::Prepare, text),
            },
        })
    }

    pub(super) fn host_memory(&self) -> host_memory::Look {
        let mut look = host_memory::look();
        if let Some(reason) = self.cgroups.without_memory() {
            look.unavailable.insert("cgroup".to_owned(), reason);
        }
        look
    }
}
