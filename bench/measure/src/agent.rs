//! The agent: `fiveways agent`, one a host, frames on standard input and output. It launches servers, each
//! under a keeper, looks at them, loads them, and ends them. No port, no shell, one request at a time.
//!
//! It has one thread for ever: it forks. When its standard input ends, however the harness ended, it ends
//! every tree and itself. It is a subreaper, too: when a keeper is killed, its orphans come here and die here.
//!
//! | what | where |
//! |---|---|
//! | a server under its keeper, from fork to reaping | `keepers` |
//! | the end of trees that no keeper ends | `endings` |
//! | the host and the way to another | `place` |

mod endings;
mod keepers;
mod place;

use std::cell::OnceCell;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use record::pass::{Cause, Gauge, Phase};

use crate::awake::Spinners;
use crate::cgroup::{Cgroup, Roots};
use crate::counters::tracepoints;
use crate::door::Door;
use crate::host;
use crate::listening::{self, Claim, Ports};
use crate::load::Loader;
use crate::protocol::{Id, LabAsked, Labs, Queued, Reply, Request};
use crate::sys;
use crate::tree;
use crate::{frame, holders, look, strike, subject, yardsticks};

/// How long a keeper may take to end its tree: its two graces and a margin.
const STOP_DEADLINE: Duration = Duration::from_secs(25);

/// Serves requests until standard input ends; labs are carried out by `labs`.
///
/// # Errors
/// When standard input or output break inside a message.
pub fn serve(labs: Labs) -> io::Result<()> {
    let mut agent = Agent::new(labs)?;
    let outcome = agent.converse();
    agent.end_everything();
    outcome
}

struct Server {
    id: Id,
    keeper: Pid,
    control: UnixStream,
    cgroup: Option<Cgroup>,
    counted: bool,
    born: Instant,
    lost: bool,
    port: Claim,
}

struct Agent {
    servers: Vec<Server>,
    cgroups: Roots,
    ports: Ports,
    kernel_stack_bytes: u64,
    /// Looked for when the first server is to be counted.
    tracepoints: OnceCell<tracepoints::Ids>,
    loader: Loader,
    spinners: Spinners,
    /// Open while round trips to this host are timed.
    door: Option<Door>,
    /// Whether what this host sends is delayed.
    shaped: bool,
    /// Who holds its lease, where it has one.
    holder: Option<Pid>,
    labs: Labs,
}

/// The harness is gone: nothing is left to be said.
struct Deserted;

impl Agent {
    fn new(labs: Labs) -> io::Result<Self> {
        sys::become_subreaper()?;
        Ok(Agent {
            servers: Vec::new(),
            ports: Ports::new(
                host::port_range(&host::Root::default()).map_or(32768, |(start, _)| start),
            ),
            kernel_stack_bytes: host::kernel_stack_bytes(),
            cgroups: Roots::find(),
            tracepoints: OnceCell::new(),
            loader: Loader::default(),
            spinners: Spinners::default(),
            door: None,
            shaped: false,
            holder: None,
            labs,
        })
    }

    fn converse(&mut self) -> io::Result<()> {
        let (mut stdin, mut stdout) = (io::stdin(), io::stdout());
        loop {
            self.await_request()?;
            let Some(request) = frame::receive(&mut stdin)? else {
                return Ok(());
            };
            let Ok(reply) = self.answer(request) else {
                return Ok(());
            };
            frame::send(&mut stdout, &reply)?;
        }
    }

    /// Waits for standard input; meanwhile, a keeper that ends unasked is a loss that is dealt with at once.
    fn await_request(&mut self) -> io::Result<()> {
        let stdin = io::stdin();
        loop {
            let mut fds = vec![stdin.as_fd()];
            let kept: Vec<usize> = (0..self.servers.len())
                .filter(|&n| !self.servers[n].lost)
                .collect();
            fds.extend(kept.iter().map(|&n| self.servers[n].control.as_fd()));
            let ready = frame::wait_readable(&fds, None)?;
            for (&n, _) in kept.iter().zip(&ready[1..]).filter(|(_, ready)| **ready) {
                self.lose(n);
            }
            if ready[0] {
                return Ok(());
            }
        }
    }

    fn answer(&mut self, request: Request) -> Result<Reply, Deserted> {
        Ok(match request {
            Request::Hello { version, lease_ms } => return self.hello(&version, lease_ms),
            Request::OfHost(asked) => return self.of_host(asked),
            Request::Pin(cpus) => match self.pin(&cpus) {
                Ok(()) => Reply::Done,
                Err(error) => refused(
                    Phase::Prepare,
                    format!("cannot run on CPUs {cpus:?}: {error}"),
                ),
            },
            Request::Launch(launch) => return self.launch(launch),
            Request::Gauge(id) => match self.look(id, Phase::Gauge) {
                Err(reply) => *reply,
                Ok(server) => match weigh(server, self.kernel_stack_bytes) {
                    Ok(gauge) => Reply::Gauged(gauge),
                    Err(error) => refused(Phase::Gauge, format!("cannot weigh it: {error}")),
                },
            },
            Request::HostMemory => Reply::HostMemory(Box::new(self.host_memory())),
            Request::Usage(id) => return self.usage(id),
            Request::Holders(id) => match self.look(id, Phase::Gauge) {
                Err(reply) => *reply,
                Ok(server) => match holders::holders(server.keeper.as_raw(), server.port.port) {
                    Ok(holders) => Reply::Held(holders),
                    Err(error) => refused(
                        Phase::Gauge,
                        format!("who holds its connections is not told: {error}"),
                    ),
                },
            },
            Request::Stop(id) => return self.stop(id),
            Request::KeepAwake(cpus) => {
                self.spinners = Spinners::default();
                match Spinners::start(&cpus) {
                    Ok(spinners) => {
                        self.spinners = spinners;
                        Reply::Done
                    }
                    Err(errno) => refused(Phase::Prepare, format!("cannot fork: {}", errno.desc())),
                }
            }
            Request::Queue(id) => match self.look(id, Phase::Load) {
                Err(reply) => *reply,
                Ok(server) => Reply::Queued(queued(server.port.port)),
            },
            Request::Strike { id, pid, blow } => match self.look(id, Phase::Load) {
                Err(reply) => *reply,
                Ok(server) => match strike::strike(server.keeper.as_raw(), pid, blow) {
                    Ok(()) => Reply::Done,
                    Err(text) => refused(Phase::Load, text),
                },
            },
            Request::HostNow => Reply::HostNow(host::now()),
            Request::Yardsticks { server, generator } => {
                match yardsticks::measure(&server, &generator, io::stdin().as_fd()) {
                    Ok(measured) => Reply::Yardsticks(measured),
                    Err(yardsticks::Deserted) => return Err(Deserted),
                }
            }
            Request::Connect(plans) => match self.loader.connect(&plans) {
                Ok(tallies) => Reply::Loaded(tallies),
                Err(error) => refused(Phase::Connect, error.to_string()),
            },
            Request::WarmUp {
                length_ns,
                seed,
                together,
            } => Reply::Loaded(self.loader.warm_up(length_ns, seed, &together)),
            Request::Window {
                length_ns,
                seed,
                together,
            } => Reply::Loaded(self.loader.window(length_ns, seed, &together)),
            Request::Slices {
                order,
                length_ns,
                together,
            } => Reply::Loaded(self.loader.slices(&order, length_ns, &together)),
            Request::Close => Reply::Closed(self.loader.close()),
            Request::Lab(asked) => return self.lab(&asked),
        })
    }

    fn look(&self, id: Id, phase: Phase) -> Result<&Server, Box<Reply>> {
        match self.servers.iter().find(|server| server.id == id) {
            Some(server) if !server.lost => Ok(server),
            Some(_) => Err(Box::new(refused(phase, "its keeper was killed".to_owned()))),
            None => Err(Box::new(refused(
                phase,
                format!("no server {id} is alive here"),
            ))),
        }
    }

    /// A lab in a process of its own; when it is over, whatever it may have left is ended.
    fn lab(&mut self, asked: &LabAsked) -> Result<Reply, Deserted> {
        let found = subject::carry_out(asked, self.labs, |subject| {
            tree::kill_below(subject);
            let deadline = Instant::now() + STOP_DEADLINE;
            while self.kill_orphans() && Instant::now() < deadline {
                while let Ok(Some(_)) = sys::reap() {}
            }
            while let Ok(Some(_)) = sys::reap() {}
        });
        match found {
            Ok(found) => Ok(Reply::Found(Box::new(found))),
            Err(subject::Deserted) => Err(Deserted),
        }
    }
}

fn weigh(server: &Server, kernel_stack_bytes: u64) -> Result<Gauge, String> {
    let cgroup = server.cgroup.as_ref();
    look::gauge(server.keeper.as_raw(), cgroup, kernel_stack_bytes)
}

fn queued(port: u16) -> Queued {
    let (overflows, drops) = listening::turned_away().unzip();
    Queued {
        accept_queue: listening::accept_queue(port).ok(),
        listen_overflows: overflows,
        listen_drops: drops,
    }
}

fn refused(phase: Phase, text: String) -> Reply {
    Reply::Refused(Cause::new(phase, text))
}
