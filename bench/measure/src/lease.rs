//! The lease: how an agent at the far end of a network learns that its harness is gone.
//!
//! ```text
//! harness ═ launcher ═ network ═ holder ── agent ── keepers …
//! ```
//!
//! On one machine the end of standard input says it at once; a cut link says nothing. So the process that the launcher has
//! started stays between, as the *holder*: it passes messages on, answers each beat (a message of no bytes), and when none
//! has come for as long as the lease says, it closes the agent's lifeline, and all ends as ever. The agent itself is as on
//! one machine: one thread, one request at a time. The holder pays a wake-up for each beat, on the agent's CPUs.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid, getppid};

use crate::frame::{self, Inbox};
use crate::sys::{self, Fork};
use crate::tree::Tree;
use crate::{bench, keeper};

/// So many beats to a lease: one that is lost or late costs nobody his life.
pub const BEATS: u32 = 3;
/// How long an agent may take to end what it has, once its lifeline has ended.
const GRACE: Duration = Duration::from_secs(30);
/// … and one that has nothing to end.
const SOON: Duration = Duration::from_secs(1);

/// Which process this is after [`take`].
#[derive(Debug)]
pub enum Side {
    /// The agent, and its holder.
    Agent(Pid),
    /// The holder; the agent and everything of it have ended.
    Ended,
}

/// Splits this process, of one thread, in two: the child goes on as the agent, the parent holds the lease, and returns
/// when all is over.
///
/// # Errors
/// When there is no pipe or process to be had.
pub fn take(lease: Duration) -> io::Result<Side> {
    let (requests, to_agent) = keeper::pipe()?;
    let (from_agent, replies) = keeper::pipe()?;
    let holder = getpid();
    match sys::fork()? {
        Fork::Child => {
            drop((to_agent, from_agent));
            let stderr = io::stderr();
            sys::set_standard_streams([requests.as_fd(), replies.as_fd(), stderr.as_fd()])?;
            sys::become_subreaper()?;
            Ok(Side::Agent(holder))
        }
        Fork::Parent(agent) => {
            drop((requests, replies));
            let (to_agent, mut from_agent) = (File::from(to_agent), File::from(from_agent));
            // Whatever breaks here, the agent's lifeline ends.
            let _ = pass_on(lease, &to_agent, &mut from_agent);
            drop(to_agent);
            await_end(agent, &mut from_agent);
            bench::end_orphans();
            Ok(Side::Ended)
        }
    }
}

/// Restricts the holder to these CPUs, too; nobody, if it is gone.
///
/// # Errors
/// EINVAL when none of them is online.
pub fn pin_holder(holder: Pid, cpus: &[usize]) -> io::Result<()> {
    if getppid() != holder {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for &cpu in cpus {
        set.set(cpu)?;
    }
    Ok(sched_setaffinity(holder, &set)?)
}

/// Passes messages on until one side ends, or the lease has.
fn pass_on(lease: Duration, to_agent: &File, from_agent: &mut File) -> io::Result<()> {
    let mut from_harness = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let to_harness = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    for end in [&to_harness, to_agent] {
        let flags = OFlag::from_bits_truncate(fcntl(end, FcntlArg::F_GETFL)?);
        fcntl(end, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    }
    let (mut requests, mut replies) = (Inbox::default(), Inbox::default());
    let mut heard = Instant::now();
    loop {
        let deadline = heard + lease;
        let fds = [from_harness.as_fd(), from_agent.as_fd()];
        let ready = frame::wait_readable(&fds, Some(deadline))?;
        if !ready[0] && Instant::now() >= deadline {
            return Ok(());
        }
        if ready[0] {
            heard = Instant::now();
            if !requests.fill(&mut from_harness)? {
                return Ok(());
            }
            while let Some(request) = requests.take()? {
                let to = if request.is_empty() {
                    &to_harness
                } else {
                    to_agent
                };
                write_within(to, &frame::framed(&request), lease)?;
            }
        }
        if ready[1] {
            if !replies.fill(from_agent)? {
                return Ok(());
            }
            while let Some(reply) = replies.take()? {
                write_within(&to_harness, &frame::framed(&reply), lease)?;
            }
        }
    }
}

/// Writes all of it. A peer that takes nothing for as long as the lease says is gone.
fn write_within(mut to: &File, mut bytes: &[u8], lease: Duration) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(taken) => bytes = &bytes[taken..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if !frame::wait_writable(to.as_fd(), Instant::now() + lease)? {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Until the agent has closed its end: it is gone, or as good as. What it still says is for nobody. One that has nobody to
/// end, and does not end by itself, is in the middle of a load for nobody.
fn await_end(agent: Pid, from_agent: &mut File) {
    let begun = Instant::now();
    let mut rest = [0; 4096];
    while begun.elapsed() < GRACE {
        let soon = Instant::now() + SOON;
        match frame::wait_readable(&[from_agent.as_fd()], Some(soon)) {
            Ok(ready) if !ready[0] => {
                if Tree::now().children(agent.as_raw()).is_empty() {
                    // ESRCH: it has ended meanwhile.
                    let _ = kill(agent, Signal::SIGKILL);
                }
            }
            Ok(_) if from_agent.read(&mut rest).is_ok_and(|length| length > 0) => {}
            _ => return,
        }
    }
}
