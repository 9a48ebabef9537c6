//! Who carries it out: two processes, or one of two threads, forked by a supervisor that waits for them, no
//! longer than it has patience, and ends and reaps them whatever happens.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getpid, getppid, pipe2};
use record::Encoded;

use super::board::{Board, Party, Trouble};
use super::end::{End, Pair};
use super::stages::{Plan, answer, ask};
use super::{Parties, Placement};
use crate::sys::ipc::fork_to;

/// What became of them.
pub enum Went {
    /// The times of all round trips.
    Well(Histogram<u64>),
    /// What a party has said.
    Wrong(Trouble),
    /// They took longer than anybody would wait.
    Stuck,
    /// One ended without a word.
    Died,
}

/// Forks the parties and waits for what they find.
///
/// # Errors
/// When they cannot be forked.
pub fn carry_out(
    pair: Pair,
    parties: Parties,
    placement: Placement,
    plan: &Plan<'_>,
    patience: Duration,
) -> Result<Went, Errno> {
    let Pair {
        asker,
        answerer,
        kept,
    } = pair;
    let (told, tell) = pipe2(OFlag::O_CLOEXEC)?;
    let mut forked = Forked(Vec::new());
    let supervisor = getpid();
    // In Options, because only the party that uses an end takes it; the other drops it, so that it sees an
    // end of file when its counterpart dies.
    let (mut asker, mut answerer) = (Some(asker), Some(answerer));
    let two = parties == Parties::Processes;
    if two && !plan.alone {
        let party = || {
            drop((asker.take(), &tell));
            be(
                Party::Answerer,
                answerer.take(),
                supervisor,
                placement,
                plan,
            );
        };
        forked.0.push(fork_to(party)?);
    }
    let mut party = || {
        let other = answerer.take();
        let other = if two {
            drop(other);
            None
        } else {
            other
        };
        let found = match other {
            None => be(Party::Asker, asker.take(), supervisor, placement, plan),
            Some(other) => be_both(asker.take(), other, supervisor, placement, plan),
        };
        if let Some(found) = found.and_then(|found| serde_json::to_vec(&Encoded::new(&found)).ok())
        {
            // Nobody reads it any more only when the supervisor is gone.
            let _ = File::from(tell.try_clone().ok()?).write_all(&found);
        }
        Some(())
    };
    forked.0.push(fork_to(|| {
        let _ = party();
    })?);
    drop((asker, answerer, tell));
    let heard = hear(told, Instant::now() + patience);
    drop(forked);
    drop(kept);
    Ok(match (plan.board.troubled(), heard) {
        (Some(trouble), _) => Went::Wrong(trouble),
        (None, None) => Went::Stuck,
        (None, Some(heard)) => {
            match serde_json::from_slice::<Encoded>(&heard).map(|it| it.decode()) {
                Ok(Ok(times)) => Went::Well(times),
                _ => Went::Died,
            }
        }
    })
}

/// Children, that are ended and reaped when this is dropped.
pub struct Forked(pub Vec<Pid>);

impl Drop for Forked {
    fn drop(&mut self) {
        for pid in &self.0 {
            // ESRCH and ECHILD: it has ended by itself and was reaped.
            let _ = kill(*pid, Signal::SIGKILL);
            let _ = waitpid(*pid, None);
        }
    }
}

/// All that is told until everybody who could tell has ended; `None` at the deadline.
pub fn hear(told: OwnedFd, deadline: Instant) -> Option<Vec<u8>> {
    let mut told = File::from(told);
    let (mut heard, mut chunk) = (Vec::new(), [0; 65_536]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(told.as_fd(), PollFlags::POLLIN)], left) {
            Ok(0) => return None,
            Err(Errno::EINTR) => continue,
            _ => {}
        }
        match told.read(&mut chunk) {
            Ok(0) | Err(_) => return Some(heard),
            Ok(got) => heard.extend_from_slice(&chunk[..got]),
        }
    }
}

/// A process that ends with its supervisor, where it belongs.
fn prepare(supervisor: Pid) -> Result<(), Errno> {
    set_pdeathsig(Signal::SIGKILL)?;
    if getppid() == supervisor {
        Ok(())
    } else {
        Err(Errno::ESRCH)
    }
}

fn stay(party: Party, placement: Placement) -> Result<(), Errno> {
    let cpu = match (placement, party) {
        (Placement::Free, _) => return Ok(()),
        (Placement::SameCore(cpu), _) | (Placement::TwoCores(cpu, _), Party::Asker) => cpu,
        (Placement::TwoCores(_, cpu), Party::Answerer) => cpu,
    };
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &set)
}

/// Plays a party in a process of its own; ends the other when it cannot go on.
fn be(
    me: Party,
    end: Option<Box<dyn End>>,
    supervisor: Pid,
    placement: Placement,
    plan: &Plan<'_>,
) -> Option<Histogram<u64>> {
    let mut other = None;
    let play = || {
        prepare(supervisor)?;
        let mut end = end.ok_or(Errno::EINVAL)?;
        if !plan.alone {
            other = Some(plan.board.meet(me, getpid()));
        }
        party(
            me,
            end.as_mut(),
            other.unwrap_or_else(getpid),
            placement,
            plan,
        )
    };
    match play() {
        Ok(found) => found,
        Err(trouble) => {
            plan.board.trouble(trouble);
            if let Some(other) = other {
                // It may wait for a message that nobody will send.
                let _ = kill(other, Signal::SIGKILL);
            }
            None
        }
    }
}

fn party(
    me: Party,
    end: &mut dyn End,
    other: Pid,
    placement: Placement,
    plan: &Plan<'_>,
) -> Result<Option<Histogram<u64>>, Trouble> {
    stay(me, placement)?;
    end.meet(other)?;
    if !plan.alone {
        plan.board.both_ready(me);
    }
    match me {
        Party::Asker => ask(end, plan).map(Some),
        Party::Answerer => answer(end, plan).map(|()| None),
    }
}

/// Plays both, in two threads of a process that ends at the first trouble.
fn be_both(
    asker: Option<Box<dyn End>>,
    mut answerer: Box<dyn End>,
    supervisor: Pid,
    placement: Placement,
    plan: &Plan<'_>,
) -> Option<Histogram<u64>> {
    let failed = |board: &Board, trouble| {
        board.trouble(trouble);
        // The other thread may wait for ever.
        let _ = kill(getpid(), Signal::SIGKILL);
        None
    };
    let mut asker = match (prepare(supervisor), asker) {
        (Ok(()), Some(asker)) => asker,
        (Err(errno), _) => return failed(plan.board, errno.into()),
        (_, None) => return None,
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let played = party(
                Party::Answerer,
                answerer.as_mut(),
                getpid(),
                placement,
                plan,
            );
            played.unwrap_or_else(|trouble| failed(plan.board, trouble))
        });
        let played = party(Party::Asker, asker.as_mut(), getpid(), placement, plan);
        played.unwrap_or_else(|trouble| failed(plan.board, trouble))
    })
}
