//! The agent: `fiveways agent`, one a host, frames on standard input and output. It launches servers, each
//! under a keeper, looks at them, loads them, and ends them. No port, no shell, one request at a time.
//!
//! It has one thread for ever: it forks. When its standard input ends, however the harness ended, it ends
//! every tree and itself. It is a subreaper, too: when a keeper is killed, its orphans come here and die here.

mod place;

use std::cell::OnceCell;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use record::pass::{Cause, Gauge, Phase};

use crate::awake::Spinners;
use crate::cgroup::{Cgroup, Roots};
use crate::counters::tracepoints;
use crate::door::Door;
use crate::host;
use crate::keeper::{self, Report, Word};
use crate::listening::{self, Claim, Ports};
use crate::load::Loader;
use crate::protocol::{Id, LabAsked, Labs, Launch, Queued, Reply, Request, Stopped};
use crate::sys::{self, Fork};
use crate::tree::{self, Tree};
use crate::{frame, holders, look, shape, strike, subject, yardsticks};

/// How long a keeper may take to end its tree: its two graces and a margin.
const STOP_DEADLINE: Duration = Duration::from_secs(25);
/// How long a keeper may take to read its counters: of 10,000 tasks, too.
const COUNT_DEADLINE: Duration = Duration::from_secs(20);
/// How long a keeper may take to end itself once it has said its last word.
const KEEPER_GRACE: Duration = Duration::from_secs(1);

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

    /// What a tree has used, and what the kernel has counted of it, where that was asked for at its launch.
    fn usage(&mut self, id: Id) -> Result<Reply, Deserted> {
        let server = match self.look(id, Phase::Gauge) {
            Err(reply) => return Ok(*reply),
            Ok(server) => server,
        };
        let keeper = server.keeper.as_raw();
        let mut usage = look::usage(keeper, server.cgroup.as_ref(), server.born);
        if server.counted {
            // EPIPE: the keeper is gone; what follows finds out.
            let _ = (&server.control).write_all(&[Word::Count as u8]);
            usage.counted = match self.hear(id, COUNT_DEADLINE)? {
                Some(Report::Counted(counted)) => Some(counted),
                _ => {
                    let text = "its keeper does not say what was counted".to_owned();
                    return Ok(refused(Phase::Gauge, text));
                }
            };
        }
        Ok(Reply::Used(usage))
    }

    fn launch(&mut self, mut launch: Launch) -> Result<Reply, Deserted> {
        let Some(claim) = self.ports.claim() else {
            return Ok(refused(
                Phase::Launch,
                "no port below the local port range is free".to_owned(),
            ));
        };
        let port = claim.port;
        for name in ["PATH", "HOME"] {
            if let Ok(value) = std::env::var(name) {
                launch.env.entry(name.to_owned()).or_insert(value);
            }
        }
        for word in launch.argv.iter_mut().chain(launch.env.values_mut()) {
            *word = word.replace("{port}", &port.to_string());
        }
        let server = match self.fork_keeper(&launch, claim) {
            Ok(server) => server,
            Err(error) => {
                let mut cause = Cause::new(Phase::Launch, format!("cannot fork a keeper: {error}"));
                cause.errno = error.raw_os_error();
                return Ok(Reply::Refused(cause));
            }
        };
        self.servers.push(server);
        let wait = Duration::from_millis(launch.deadline_ms) + STOP_DEADLINE;
        let reply = match self.hear(launch.id, wait)? {
            Some(Report::Ready { pid, startup_ns }) => {
                return Ok(Reply::Ready {
                    pid,
                    port,
                    startup_ns,
                });
            }
            Some(Report::Failed { cause, ended }) => Reply::Failed { cause, ended },
            _ => {
                self.lose(self.servers.len() - 1);
                let cause = Cause::new(Phase::Launch, "its keeper was killed");
                Reply::Failed {
                    cause,
                    ended: false,
                }
            }
        };
        self.forget(launch.id);
        Ok(reply)
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

    fn fork_keeper(&mut self, launch: &Launch, claim: Claim) -> io::Result<Server> {
        let name = format!("fiveways-{}-{}", std::process::id(), launch.id);
        let cgroup = self.cgroups.create(&name, launch.weighed)?;
        let find = || self.tracepoints.get_or_init(tracepoints::find).clone();
        let counting = launch.counted.then(find);
        let (control, keepers_end) = UnixStream::pair()?;
        match sys::fork()? {
            Fork::Parent(keeper) => Ok(Server {
                id: launch.id,
                keeper,
                control,
                cgroup,
                counted: launch.counted,
                born: Instant::now(),
                lost: false,
                port: claim,
            }),
            Fork::Child => {
                // Lifelines of other keepers, and the agent's own, must end with the agent, not with this copy.
                self.servers.clear();
                // They are the agent's to end.
                std::mem::forget(std::mem::take(&mut self.spinners));
                drop(control);
                if let Ok(null) = std::fs::File::options()
                    .read(true)
                    .write(true)
                    .open("/dev/null")
                {
                    let _ = sys::set_standard_streams([
                        null.as_fd(),
                        null.as_fd(),
                        io::stderr().as_fd(),
                    ]);
                }
                let port = claim.port;
                // The claim stays the agent's.
                drop(claim);
                keeper::keep(launch, port, keepers_end, cgroup, counting.as_ref())
            }
        }
    }

    /// The keeper's next report; `None` when it is gone or silent. `Err` when the harness is gone.
    fn hear(&mut self, id: Id, wait: Duration) -> Result<Option<Report>, Deserted> {
        let Some(server) = self.servers.iter_mut().find(|server| server.id == id) else {
            return Ok(None);
        };
        let stdin = io::stdin();
        let fds = [stdin.as_fd(), server.control.as_fd()];
        let ready =
            frame::wait_readable(&fds, Some(Instant::now() + wait)).map_err(|_| Deserted)?;
        match ready[..] {
            // One request at a time: what can be read now is the end of the harness.
            [true, _] => Err(Deserted),
            [_, true] => Ok(frame::receive(&mut server.control).ok().flatten()),
            _ => Ok(None),
        }
    }

    fn stop(&mut self, id: Id) -> Result<Reply, Deserted> {
        let Some(index) = self.servers.iter().position(|server| server.id == id) else {
            return Ok(refused(
                Phase::Stop,
                format!("no server {id} is alive here"),
            ));
        };
        let report = if self.servers[index].lost {
            None
        } else {
            // EPIPE: the keeper is gone; what follows finds out.
            let stop = [Word::Stop as u8];
            let _ = self.servers[index].control.write_all(&stop);
            self.hear(id, STOP_DEADLINE)?
        };
        let stopped = match report {
            Some(Report::Stopped(stopped)) => stopped,
            _ => {
                self.lose(index);
                Stopped {
                    problem: Some("its keeper was killed".to_owned()),
                    ..Stopped::default()
                }
            }
        };
        self.forget(id);
        Ok(Reply::Stopped(stopped))
    }

    /// The keeper has ended its tree, and is ending itself: it is waited for, so that its books, and its
    /// tree's, are in this process's.
    fn forget(&mut self, id: Id) {
        let Some(index) = self.servers.iter().position(|server| server.id == id) else {
            return;
        };
        let server = self.servers.remove(index);
        let deadline = Instant::now() + KEEPER_GRACE;
        // The end of its socket is within microseconds of its own.
        let _ = frame::wait_readable(&[server.control.as_fd()], Some(deadline));
        let mut is_gone = server.lost;
        loop {
            match sys::reap() {
                Ok(Some(reaped)) => is_gone |= reaped.pid == server.keeper,
                Ok(None) if !is_gone && Instant::now() < deadline => std::thread::yield_now(),
                _ => return,
            }
        }
    }

    /// A keeper is gone and has not ended its tree: its orphans are this process's children now.
    fn lose(&mut self, index: usize) {
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
    fn kill_orphans(&self) -> bool {
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
    fn end_everything(&mut self) {
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
