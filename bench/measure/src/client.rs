//! The harness's end of agents: starts the program, here or by a launcher elsewhere, asks, and waits no longer than it
//! should.
//!
//! An agent over a network has a lease: a thread sends it a beat three times in its time, and its holder answers each.
//! Whoever has not been heard of for as long as the lease says is lost, whatever the link may still pretend.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use record::pass::Cause;

use crate::frame::{self, Inbox};
use crate::lease;
use crate::protocol::{Introduced, Reply, Request};

/// What came instead of a reply.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The user, or the system, told the harness to end.
    #[error("interrupted")]
    Interrupted,
    /// The agent's process is gone, or broke its word.
    #[error("{who} is gone: {error}{}", told(said))]
    Lost {
        /// `the agent`, `server`, `load-2`.
        who: String,
        /// How that is known.
        error: io::Error,
        /// What its launcher wrote to standard error at last.
        said: String,
    },
    /// It did not answer in time.
    #[error("the agent did not answer {what} within {seconds} s")]
    Silent {
        /// Which request.
        what: String,
        /// How long.
        seconds: u64,
    },
    /// It cannot do what it was asked.
    #[error("{}", .0.text)]
    Refused(Cause),
}

fn told(said: &str) -> String {
    match said.is_empty() {
        true => String::new(),
        false => format!("; it said: {said}"),
    }
}

impl AgentError {
    /// As it may be recorded: what a launcher says may name hosts and people.
    pub fn without_names(&self) -> String {
        match self {
            AgentError::Lost { who, error, .. } => format!("{who} is gone: {error}"),
            other => other.to_string(),
        }
    }
}

/// How long an agent may take for anything that has no deadline of its own.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long the process of a lost agent may take to end by itself.
const FAREWELL: Duration = Duration::from_millis(300);
/// Kept of what a launcher says.
const SAID: usize = 4096;

/// How an agent is started.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// What messages call it.
    pub name: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Over a network: without a sign of life for so long, each takes the other for lost.
    pub lease: Option<Duration>,
}

impl Launcher {
    /// An agent beside this process; `program` is fiveways itself.
    pub fn here(program: &Path) -> Self {
        Launcher {
            name: "the agent".to_owned(),
            argv: vec![program.display().to_string(), "agent".to_owned()],
            lease: None,
        }
    }
}

/// One agent's process, and the way to it. Dropping it closes the agent's lifeline and waits for its end.
#[derive(Debug)]
pub struct Agent {
    name: String,
    child: Child,
    to: Arc<Mutex<Option<ChildStdin>>>,
    from: ChildStdout,
    inbox: Inbox,
    interrupt: Option<Arc<OwnedFd>>,
    /// Once both have agreed to it.
    lease: Option<Duration>,
    heard: Instant,
    is_remote: bool,
    is_lost: bool,
    said: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
    /// The beats end with it.
    beats: Option<mpsc::Sender<()>>,
}

impl Agent {
    /// Starts an agent in a process group of its own, so that a terminal's Ctrl-C reaches only the harness. When
    /// `interrupt` becomes readable, waits end with `Interrupted`.
    ///
    /// # Errors
    /// When it cannot be started, or is of another version.
    pub fn start(
        launcher: &Launcher,
        interrupt: Option<Arc<OwnedFd>>,
    ) -> Result<(Self, Introduced), AgentError> {
        let [program, arguments @ ..] = &launcher.argv[..] else {
            return Err(lost(&launcher.name, io::Error::other("an empty launcher")));
        };
        let remote = launcher.lease.is_some();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if remote {
                Stdio::piped()
            } else {
                Stdio::inherit()
            })
            .process_group(0)
            .spawn()
            .map_err(|error| lost(&launcher.name, of_program(program, error)))?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both were asked for as pipes");
        };
        let said = Arc::default();
        let stderr = child.stderr.take();
        let listener = stderr.map(|stderr| keep_end_of(stderr, Arc::clone(&said)));
        let mut agent = Agent {
            name: launcher.name.clone(),
            child,
            to: Arc::new(Mutex::new(Some(to))),
            from,
            inbox: Inbox::default(),
            interrupt,
            lease: None,
            heard: Instant::now(),
            is_remote: remote,
            is_lost: false,
            said,
            listener,
            beats: None,
        };
        let introduced = agent.say_hello(launcher.lease)?;
        if let Some(lease) = launcher.lease {
            agent.lease = Some(lease);
            agent.beats = Some(beats(Arc::clone(&agent.to), lease / lease::BEATS));
        }
        Ok((agent, introduced))
    }

    fn say_hello(&mut self, lease: Option<Duration>) -> Result<Introduced, AgentError> {
        let hello = Request::Hello {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            lease_ms: lease.map(|lease| lease.as_millis() as u64),
        };
        match self.ask(&hello) {
            Ok(Reply::Host(introduced)) => Ok(*introduced),
            Ok(other) => Err(unexpected(&other)),
            Err(AgentError::Refused(cause)) if lease.is_some() => Err(AgentError::Refused(Cause {
                text: format!("{}: {}", self.name, cause.text),
                ..cause
            })),
            Err(error) => Err(error),
        }
    }

    /// The process that was started: the agent's, or its launcher's.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks, and waits a minute at most.
    ///
    /// # Errors
    /// Whatever came instead of a reply.
    pub fn ask(&mut self, request: &Request) -> Result<Reply, AgentError> {
        self.ask_within(request, PATIENCE)
    }

    /// Asks, and waits for so long at most.
    ///
    /// # Errors
    /// Whatever came instead of a reply.
    pub fn ask_within(
        &mut self,
        request: &Request,
        patience: Duration,
    ) -> Result<Reply, AgentError> {
        self.tell(request)?;
        match hear_any(&mut [self], patience)? {
            Some((_, reply)) => Ok(reply),
            None => Err(AgentError::Silent {
                what: format!("{request:?}").chars().take(40).collect(),
                seconds: patience.as_secs(),
            }),
        }
    }

    /// Asks, and does not wait: the reply is still to be heard.
    ///
    /// # Errors
    /// When the agent is gone.
    pub fn tell(&mut self, request: &Request) -> Result<(), AgentError> {
        let told = match &mut *lock(&self.to) {
            Some(to) => frame::send(to, request),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        told.map_err(|error| self.lose(error))
    }

    /// The reply that has come whole, beats apart.
    fn message(&mut self) -> Result<Option<Reply>, AgentError> {
        loop {
            let message = self.inbox.take().map_err(|error| self.lose(error))?;
            let reply = match message {
                None => return Ok(None),
                Some(beat) if beat.is_empty() => continue,
                Some(reply) => serde_json::from_slice(&reply),
            };
            return match reply {
                Ok(Reply::Refused(cause)) => Err(AgentError::Refused(cause)),
                Ok(reply) => Ok(Some(reply)),
                Err(error) => Err(self.lose(error.into())),
            };
        }
    }

    /// Takes in what has come.
    fn listen(&mut self) -> Result<(), AgentError> {
        self.heard = Instant::now();
        match self.inbox.fill(&mut self.from) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.lose(io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(self.lose(error)),
        }
    }

    /// When it is lost unless something is heard of it.
    fn lives_until(&self) -> Option<Instant> {
        Some(self.heard + self.lease?)
    }

    /// It is lost, for this reason; with what its launcher has to say of it.
    fn lose(&mut self, error: io::Error) -> AgentError {
        self.is_lost = true;
        let mut error = error;
        if self.await_exit(FAREWELL) {
            self.hear_out();
            let status = self
                .child
                .wait()
                .map_or_else(|it| it.to_string(), |it| it.to_string());
            let who = if self.is_remote {
                "launcher"
            } else {
                "process"
            };
            error = io::Error::new(error.kind(), format!("its {who} ended ({status})"));
        }
        let said = String::from_utf8_lossy(&lock(&self.said)).into_owned();
        AgentError::Lost {
            who: self.name.clone(),
            error,
            said: said.lines().last().unwrap_or_default().trim().to_owned(),
        }
    }

    /// Of a launcher that has ended, the last words may still be on their way; others may hold its standard error open.
    fn hear_out(&self) {
        let deadline = Instant::now() + FAREWELL;
        let is_open = || self.listener.as_ref().is_some_and(|it| !it.is_finished());
        while is_open() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn await_exit(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The first reply of any of these agents, and whose it is; `None` when none has come within `patience`. All are watched:
/// whoever is lost meanwhile is an error at once.
///
/// # Errors
/// Whatever came instead of a reply.
pub(crate) fn hear_any(
    agents: &mut [&mut Agent],
    patience: Duration,
) -> Result<Option<(usize, Reply)>, AgentError> {
    let deadline = Instant::now() + patience;
    loop {
        for (index, agent) in agents.iter_mut().enumerate() {
            if let Some(reply) = agent.message()? {
                return Ok(Some((index, reply)));
            }
        }
        let lives = agents.iter().filter_map(|agent| agent.lives_until()).min();
        let until = lives.map_or(deadline, |lives| lives.min(deadline));
        let mut fds: Vec<_> = agents.iter().map(|agent| agent.from.as_fd()).collect();
        let interrupt = agents.first().and_then(|agent| agent.interrupt.as_ref());
        fds.extend(interrupt.map(|fd| fd.as_fd()));
        let mut ready =
            frame::wait_readable(&fds, Some(until)).map_err(|error| lost("the agent", error))?;
        if ready.len() > agents.len() && ready.pop() == Some(true) {
            return Err(AgentError::Interrupted);
        }
        let now = Instant::now();
        for (agent, ready) in agents.iter_mut().zip(&ready) {
            if *ready {
                agent.listen()?;
            } else if agent.lives_until().is_some_and(|until| now >= until) {
                let silent = format!(
                    "nothing was heard of it for {:?}",
                    agent.lease.unwrap_or_default()
                );
                return Err(agent.lose(io::Error::new(io::ErrorKind::TimedOut, silent)));
            }
        }
        if now >= deadline && !ready.contains(&true) {
            return Ok(None);
        }
    }
}

/// A reply of another kind than its request asks for.
pub(crate) fn unexpected(reply: &Reply) -> AgentError {
    let what: String = format!("{reply:?}").chars().take(60).collect();
    lost(
        "the agent",
        io::Error::other(format!("unexpected reply {what}")),
    )
}

fn lost(who: &str, error: io::Error) -> AgentError {
    AgentError::Lost {
        who: who.to_owned(),
        error,
        said: String::new(),
    }
}

fn of_program(program: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{program} cannot be run: {error}"))
}

/// A sign of life, again and again, between two messages; until the sender that is returned is dropped.
fn beats(to: Arc<Mutex<Option<ChildStdin>>>, every: Duration) -> mpsc::Sender<()> {
    let (stop, stopped) = mpsc::channel();
    std::thread::spawn(move || {
        while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            let Some(to) = &mut *lock(&to) else { return };
            if to.write_all(&frame::framed(&[])).is_err() {
                return;
            }
        }
    });
    stop
}

/// Keeps the end of what a launcher says: why it ended, often.
fn keep_end_of(mut stderr: ChildStderr, said: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut piece = [0; 1024];
        while let Ok(length @ 1..) = stderr.read(&mut piece) {
            let mut said = lock(&said);
            said.extend_from_slice(&piece[..length]);
            let over = said.len().saturating_sub(SAID);
            said.drain(..over);
        }
    })
}

/// A thread that panicked while it held it has left nothing half done: writes are whole or failed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Agent {
    /// Its standard input ends; it ends its trees and itself, within the time that its ladder may take. Of one that is
    /// lost nothing is expected any more: there, the lease does the same.
    fn drop(&mut self) {
        self.beats = None;
        *lock(&self.to) = None;
        let patience = if self.is_lost {
            FAREWELL
        } else {
            Duration::from_secs(30)
        };
        let deadline = Instant::now() + patience;
        // End of file on its output: it is gone, or as good as.
        while let Ok(ready) = frame::wait_readable(&[self.from.as_fd()], Some(deadline))
            && ready[0]
        {
            match self.from.read(&mut [0; 4096]) {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if !self.await_exit(left.max(FAREWELL)) {
            // Whatever a launcher has started here is in its group.
            let _ = killpg(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}
