//! The harness's end of an agent: starts the program, asks, and waits no longer than it should.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use record::Host;
use record::pass::Cause;

use crate::frame;
use crate::protocol::{Reply, Request};

/// What came instead of a reply.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The user, or the system, told the harness to end.
    #[error("interrupted")]
    Interrupted,
    /// The agent's process is gone, or broke its word.
    #[error("the agent is gone: {0}")]
    Lost(io::Error),
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

/// How long an agent may take for anything that has no deadline of its own.
const PATIENCE: Duration = Duration::from_secs(60);

/// One agent's process, and the way to it. Dropping it closes the agent's lifeline and waits for its end.
#[derive(Debug)]
pub struct Agent {
    child: Child,
    to: Option<ChildStdin>,
    from: ChildStdout,
    interrupt: Option<Arc<OwnedFd>>,
}

impl Agent {
    /// Starts `program agent` (fiveways itself) in a process group of its own, so that a terminal's Ctrl-C
    /// reaches only the harness. When `interrupt` becomes readable, waits end with `Interrupted`.
    ///
    /// # Errors
    /// When it cannot be started, or is of another version.
    pub fn start(
        program: &Path,
        interrupt: Option<Arc<OwnedFd>>,
    ) -> Result<(Self, Host), AgentError> {
        let mut child = Command::new(program)
            .arg("agent")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(AgentError::Lost)?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both were asked for as pipes");
        };
        let mut agent = Agent {
            child,
            to: Some(to),
            from,
            interrupt,
        };
        let hello = Request::Hello {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        match agent.ask(&hello)? {
            Reply::Host(host) => Ok((agent, *host)),
            other => Err(unexpected(&other)),
        }
    }

    /// The agent's process.
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
        self.hear_within(patience)?
            .ok_or_else(|| AgentError::Silent {
                what: format!("{request:?}").chars().take(40).collect(),
                seconds: patience.as_secs(),
            })
    }

    /// Asks, and does not wait: the reply is still to be heard.
    ///
    /// # Errors
    /// When the agent is gone.
    pub fn tell(&mut self, request: &Request) -> Result<(), AgentError> {
        let Some(to) = &mut self.to else {
            return Err(AgentError::Lost(io::ErrorKind::BrokenPipe.into()));
        };
        frame::send(to, request).map_err(AgentError::Lost)
    }

    /// The reply to what was told, or `None` when it has not come within `patience`.
    ///
    /// # Errors
    /// Whatever came instead of a reply.
    pub fn hear_within(&mut self, patience: Duration) -> Result<Option<Reply>, AgentError> {
        let mut fds = vec![self.from.as_fd()];
        fds.extend(self.interrupt.iter().map(|fd| fd.as_fd()));
        let ready = frame::wait_readable(&fds, Some(Instant::now() + patience))
            .map_err(AgentError::Lost)?;
        if ready.get(1) == Some(&true) {
            return Err(AgentError::Interrupted);
        }
        if !ready[0] {
            return Ok(None);
        }
        match frame::receive(&mut self.from) {
            Ok(Some(Reply::Refused(cause))) => Err(AgentError::Refused(cause)),
            Ok(Some(reply)) => Ok(Some(reply)),
            Ok(None) => Err(AgentError::Lost(io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(AgentError::Lost(error)),
        }
    }
}

/// A reply of another kind than its request asks for.
pub(crate) fn unexpected(reply: &Reply) -> AgentError {
    let what: String = format!("{reply:?}").chars().take(60).collect();
    AgentError::Lost(io::Error::other(format!("unexpected reply {what}")))
}

impl Drop for Agent {
    /// Its standard input ends; it ends its trees and itself, within the time that its ladder may take.
    fn drop(&mut self) {
        self.to = None;
        let deadline = Instant::now() + Duration::from_secs(30);
        // End of file on its output: it is gone, or as good as.
        while Instant::now() < deadline {
            match frame::wait_readable(&[self.from.as_fd()], Some(deadline)) {
                Ok(ready) if ready[0] => {
                    let mut rest = [0; 4096];
                    match io::Read::read(&mut self.from, &mut rest) {
                        Ok(0) | Err(_) => break,
                        Ok(_) => {}
                    }
                }
                _ => break,
            }
        }
        if !matches!(self.child.try_wait(), Ok(Some(_))) && Instant::now() >= deadline {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
