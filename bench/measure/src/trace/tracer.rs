//! One server under ptrace(2), from its first instruction to its last: launched, awaited, recorded, ended.
//!
//! Nothing is left behind, however this process ends: the kernel kills every traced task with its tracer
//! (PTRACE_O_EXITKILL), forks and threads are traced from their birth, and before the first is seized it waits at
//! a barrier that only this process can open. Whatever waits has a deadline.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use record::pass::{Cause, Phase};

use super::calls::World;
use super::clients::Shared;
use super::objects::Objects;
use super::refusal::{Refusal, refusal};
use super::rings::Rings;
use super::stops::Watcher;
use crate::frame;
use crate::keeper::{be_the_server, drain, pipe};
use crate::listening;
use crate::protocol::Launch;
use crate::sys::{self, Fork};
use crate::tree;

/// How long a server may take over TERM.
const TERM_GRACE: Duration = Duration::from_secs(2);
/// How long everybody may take over KILL.
const KILL_GRACE: Duration = Duration::from_secs(20);
/// Between two looks for a listener that nobody was seen to open.
const READY_INTERVAL: Duration = Duration::from_millis(50);

/// What ends a trace before there is one.
#[derive(Debug)]
pub enum TraceError {
    /// The kernel does not let this process trace.
    Refused(Refusal),
    /// The server did not come to listen.
    NotReady(Cause),
    /// The user, or the system, told this program to end.
    Interrupted,
    /// Something that every program may ask for was not to be had.
    System(io::Error),
}

impl From<io::Error> for TraceError {
    fn from(error: io::Error) -> Self {
        TraceError::System(error)
    }
}

impl From<Errno> for TraceError {
    fn from(errno: Errno) -> Self {
        TraceError::System(errno.into())
    }
}

/// A traced server.
pub struct Tracer<'a> {
    /// Who watches it.
    pub watcher: Watcher<'a>,
    /// The end of its standard error.
    pub stderr_kept: Vec<u8>,
    child_signal: ChildSignal,
    interrupt: BorrowedFd<'a>,
    exec_error: Option<File>,
    stdout: Option<File>,
    stderr: Option<File>,
}

impl<'a> Tracer<'a> {
    /// Forks the server, seizes it, and lets it go.
    ///
    /// # Errors
    /// When this process may not trace, or not fork.
    pub fn start(
        launch: &Launch,
        port: u16,
        begun: Instant,
        shared: &'a Shared,
        interrupt: BorrowedFd<'a>,
    ) -> Result<Self, TraceError> {
        let child_signal = ChildSignal::watch()?;
        let (barrier, release) = pipe()?;
        let (exec_error, exec_failed) = pipe()?;
        let (stdout, stdout_end) = pipe()?;
        let (stderr, stderr_end) = pipe()?;
        let root = match sys::fork()? {
            Fork::Child => {
                drop(release);
                be_the_server(launch, barrier, exec_failed, &stdout_end, &stderr_end)
            }
            Fork::Parent(pid) => pid,
        };
        if let Err(errno) = ptrace::seize(root, options()) {
            let refused = refusal(errno, root);
            // Its barrier never opens: it ends by itself.
            drop(release);
            let _ = nix::sys::wait::waitpid(root, None);
            return Err(TraceError::Refused(refused));
        }
        File::from(release).write_all(&[1])?;
        let world = World {
            objects: Objects::none(port, &shared.ports),
            rings: Rings::default(),
        };
        Ok(Tracer {
            watcher: Watcher::of(root, begun, world, shared),
            stderr_kept: Vec::new(),
            child_signal,
            interrupt,
            exec_error: Some(exec_error.into()),
            stdout: Some(stdout.into()),
            stderr: Some(stderr.into()),
        })
    }

    /// Handles what stops until then, or until `done` can be read; true when it can.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn watch(&mut self, until: Instant, done: Option<&UnixStream>) -> Result<bool, TraceError> {
        loop {
            if !self.watcher.look() && done.is_none() {
                return Ok(false);
            }
            let mut fds = vec![self.interrupt, self.child_signal.0.as_fd()];
            fds.extend(done.iter().map(|done| done.as_fd()));
            let outputs = fds.len();
            fds.extend(self.stdout.iter().map(|file| file.as_fd()));
            fds.extend(self.stderr.iter().map(|file| file.as_fd()));
            let ready = frame::wait_readable(&fds, Some(until))?;
            if ready[0] {
                return Err(TraceError::Interrupted);
            }
            if done.is_some() && ready[2] {
                return Ok(true);
            }
            while let Ok(Some(_)) = self.child_signal.0.read_signal() {}
            if ready[outputs..].contains(&true) {
                drain(&mut self.stdout, None);
                drain(&mut self.stderr, Some(&mut self.stderr_kept));
            }
            if !ready.contains(&true) || Instant::now() >= until {
                return Ok(false);
            }
        }
    }

    /// Waits until it listens.
    ///
    /// # Errors
    /// `NotReady` with what it did instead.
    pub fn await_ready(&mut self, launch: &Launch, port: u16) -> Result<(), TraceError> {
        let deadline = Instant::now() + Duration::from_millis(launch.deadline_ms);
        loop {
            self.watcher.listened = false;
            self.watch_for_listen(deadline)?;
            let doings = self.doings();
            let not_ready = |text: String| {
                let mut cause = Cause::new(Phase::Launch, text);
                cause.stderr = String::from_utf8_lossy(&self.stderr_kept).into_owned();
                cause
            };
            if let Some(errno) = exec_failure(&mut self.exec_error) {
                let text = format!("cannot execute {}: {}", launch.argv[0], errno.desc());
                let mut cause = not_ready(text);
                cause.errno = Some(errno as i32);
                return Err(TraceError::NotReady(cause));
            }
            if let Some(ended) = self.watcher.root_ended {
                let mut cause = not_ready(format!("it {ended} before it listened on port {port}"));
                ended.note(&mut cause);
                return Err(TraceError::NotReady(cause));
            }
            if listening::listeners(port, &self.watcher.tasks.processes()) > 0 {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let waited = launch.deadline_ms;
                let cause = not_ready(format!(
                    "it did not listen on port {port} within {waited} ms; {doings}"
                ));
                return Err(TraceError::NotReady(cause));
            }
        }
    }

    fn watch_for_listen(&mut self, deadline: Instant) -> Result<(), TraceError> {
        let until = deadline.min(Instant::now() + READY_INTERVAL);
        while !self.watcher.listened && self.watcher.root_ended.is_none() && Instant::now() < until
        {
            self.watch(until.min(Instant::now() + Duration::from_millis(5)), None)?;
        }
        Ok(())
    }

    /// Waits until nobody has called anything for so long.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn rest(&mut self, quiet: Duration, at_most: Duration) -> Result<(), TraceError> {
        let deadline = Instant::now() + at_most;
        loop {
            let before = self.watcher.heard();
            self.watch((Instant::now() + quiet).min(deadline), None)?;
            if self.watcher.heard() == before || Instant::now() >= deadline {
                return Ok(());
            }
        }
    }

    /// What each of them is doing, in words.
    pub fn doings(&mut self) -> String {
        let mut doings: Vec<(i32, String)> = Vec::new();
        for (tid, live) in self.watcher.tasks.each() {
            let what = match &live.pending {
                Some(pending) => format!("is in {}", pending.name),
                None => "runs".to_owned(),
            };
            doings.push((tid, what));
        }
        doings.sort_unstable();
        let named = doings.into_iter().filter_map(|(tid, what)| {
            let name = self.watcher.tasks.name(tid)?;
            Some(format!("{name} {what}"))
        });
        let named: Vec<String> = named.take(5).collect();
        named.join(", ")
    }

    /// Ends it by the ladder: TERM to the group, then KILL to everybody.
    pub fn end(mut self) -> Result<(), TraceError> {
        self.watcher.end_recording();
        // ESRCH: the group is gone already.
        let _ = killpg(self.watcher.root, Signal::SIGTERM);
        self.await_end(TERM_GRACE)
    }

    fn await_end(&mut self, grace: Duration) -> Result<(), TraceError> {
        let patience = Instant::now() + grace;
        let deadline = patience + KILL_GRACE;
        while self.watcher.look() {
            let now = Instant::now();
            if now >= deadline {
                let text = format!("processes of it survive SIGKILL after {KILL_GRACE:?}");
                return Err(TraceError::System(io::Error::other(text)));
            }
            if now >= patience {
                tree::kill_below(std::process::id() as i32);
            }
            let fds = [self.child_signal.0.as_fd()];
            frame::wait_readable(&fds, Some(now + Duration::from_millis(20)))?;
            while let Ok(Some(_)) = self.child_signal.0.read_signal() {}
            drain(&mut self.stdout, None);
            drain(&mut self.stderr, Some(&mut self.stderr_kept));
        }
        Ok(())
    }
}

impl Drop for Tracer<'_> {
    /// Whatever way it is left: nobody of the server is.
    fn drop(&mut self) {
        self.watcher.end_recording();
        tree::kill_below(std::process::id() as i32);
        // Who survives this is killed by the kernel, with this process.
        let _ = self.await_end(Duration::ZERO);
    }
}

/// Everybody it makes is traced from birth, and killed with this thread.
fn options() -> Options {
    Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACEEXIT
        | Options::PTRACE_O_EXITKILL
}

/// What execve(2) answered, if it failed. The pipe closes by itself when it succeeds.
fn exec_failure(pipe: &mut Option<File>) -> Option<Errno> {
    let file = pipe.as_mut()?;
    let readable = frame::wait_readable(&[file.as_fd()], Some(Instant::now())).ok()?;
    if !readable[0] {
        return None;
    }
    let mut errno = [0; 4];
    let told = file.read_exact(&mut errno);
    *pipe = None;
    told.ok()?;
    Some(Errno::from_raw(i32::from_ne_bytes(errno)))
}

/// SIGCHLD as a descriptor: it comes for each stop of each task.
struct ChildSignal(SignalFd);

impl ChildSignal {
    fn watch() -> Result<Self, Errno> {
        let mut sigchld = SigSet::empty();
        sigchld.add(Signal::SIGCHLD);
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&sigchld), None)?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(ChildSignal(SignalFd::with_flags(&sigchld, flags)?))
    }
}

impl Drop for ChildSignal {
    fn drop(&mut self) {
        let mut sigchld = SigSet::empty();
        sigchld.add(Signal::SIGCHLD);
        let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&sigchld), None);
    }
}
