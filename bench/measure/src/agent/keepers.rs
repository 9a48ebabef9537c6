//! Servers and their keepers, as their agent sees them: a keeper is forked for each server, heard, asked, stopped and
//! reaped.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use record::pass::{Cause, Phase};

use super::{Agent, Deserted, STOP_DEADLINE, Server, refused};
use crate::counters::tracepoints;
use crate::keeper::{self, Report, Word};
use crate::listening::Claim;
use crate::protocol::{Id, Launch, Reply, Stopped};
use crate::sys::{self, Fork};
use crate::{frame, look};

/// How long a keeper may take to read its counters: of 10,000 tasks, too.
const COUNT_DEADLINE: Duration = Duration::from_secs(20);
/// How long a keeper may take to end itself once it has said its last word.
const KEEPER_GRACE: Duration = Duration::from_secs(1);

impl Agent {
    /// Forks a keeper, and waits until its server listens or cannot.
    pub(super) fn launch(&mut self, mut launch: Launch) -> Result<Reply, Deserted> {
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

    /// What a tree has used, and what the kernel has counted of it, where that was asked for at its launch.
    pub(super) fn usage(&mut self, id: Id) -> Result<Reply, Deserted> {
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

    /// Has a keeper end its tree.
    pub(super) fn stop(&mut self, id: Id) -> Result<Reply, Deserted> {
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
}
