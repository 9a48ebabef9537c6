//! Signals between two processes: waited for, read from a descriptor, queued with a word, handled, and fatal.

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, pause};

use super::end::{End, Pair, Refused, by, through};
use crate::sys::ipc as sys;

const NOBODY: Pid = Pid::from_raw(0);

fn blocked(signal: Signal) -> Result<SigSet, Refused> {
    let mut set = SigSet::empty();
    set.add(signal);
    set.thread_block().map_err(by("sigprocmask"))?;
    Ok(set)
}

/// One end; both are alike, because the signal goes to a process.
struct Waiting(Signal, Pid);

impl End for Waiting {
    fn meet(&mut self, other: Pid) -> Result<(), Errno> {
        self.1 = other;
        Ok(())
    }

    fn send(&mut self, _: &[u8]) -> Result<(), Errno> {
        kill(self.1, self.0)
    }

    fn receive(&mut self, _: &mut [u8]) -> Result<(), Errno> {
        through(|| sys::wait_signal(self.0 as libc::c_int)).map(drop)
    }
}

/// USR1, and sigwaitinfo(2).
pub fn waited_for(_: usize) -> Result<Pair, Refused> {
    blocked(Signal::SIGUSR1)?;
    let end = || Waiting(Signal::SIGUSR1, NOBODY);
    Ok(Pair::new(end(), end()))
}

/// USR1, and a descriptor that is made by the process that reads it.
struct Descriptor(SigSet, Pid, Option<SignalFd>);

impl End for Descriptor {
    fn meet(&mut self, other: Pid) -> Result<(), Errno> {
        self.1 = other;
        self.2 = Some(SignalFd::new(&self.0)?);
        Ok(())
    }

    fn send(&mut self, _: &[u8]) -> Result<(), Errno> {
        kill(self.1, Signal::SIGUSR1)
    }

    fn receive(&mut self, _: &mut [u8]) -> Result<(), Errno> {
        let descriptor = self.2.as_ref().ok_or(Errno::EBADF)?;
        let read = through(|| descriptor.read_signal())?;
        match read {
            Some(info) if info.ssi_signo == Signal::SIGUSR1 as u32 => Ok(()),
            _ => Err(Errno::EBADMSG),
        }
    }
}

/// signalfd(2).
pub fn descriptor(_: usize) -> Result<Pair, Refused> {
    let set = blocked(Signal::SIGUSR1)?;
    let end = || Descriptor(set, NOBODY, None);
    Ok(Pair::new(end(), end()))
}

/// A real-time signal with a word of eight bytes.
struct Queued(Pid);

impl End for Queued {
    fn meet(&mut self, other: Pid) -> Result<(), Errno> {
        self.0 = other;
        Ok(())
    }

    fn send(&mut self, message: &[u8]) -> Result<(), Errno> {
        let word = message.try_into().map_err(|_| Errno::EMSGSIZE)?;
        sys::queue_signal(self.0, sys::first_real_time(), u64::from_ne_bytes(word))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        let came = through(|| sys::wait_signal(sys::first_real_time()))?;
        buffer.copy_from_slice(&came.word.to_ne_bytes());
        Ok(())
    }
}

/// sigqueue(3).
pub fn queued(_: usize) -> Result<Pair, Refused> {
    sys::block(sys::first_real_time()).map_err(by("sigprocmask"))?;
    Ok(Pair::new(Queued(NOBODY), Queued(NOBODY)))
}

/// A signal that interrupts, and is counted by a handler.
struct Handled(Signal, Pid);

impl End for Handled {
    fn meet(&mut self, other: Pid) -> Result<(), Errno> {
        self.1 = other;
        Ok(())
    }

    fn send(&mut self, _: &[u8]) -> Result<(), Errno> {
        kill(self.1, self.0)
    }

    fn receive(&mut self, _: &mut [u8]) -> Result<(), Errno> {
        // Blocked but for this call, so none comes between looking and sleeping.
        while !sys::take_handled() {
            match SigSet::empty().suspend() {
                Ok(()) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}

fn handled(signal: Signal) -> Result<Pair, Refused> {
    blocked(signal)?;
    sys::handle(signal).map_err(by("sigaction"))?;
    Ok(Pair::new(Handled(signal, NOBODY), Handled(signal, NOBODY)))
}

/// INT to a handler.
pub fn int(_: usize) -> Result<Pair, Refused> {
    handled(Signal::SIGINT)
}

/// QUIT to a handler.
pub fn quit(_: usize) -> Result<Pair, Refused> {
    handled(Signal::SIGQUIT)
}

/// KILL to a child that was forked for it and has been waiting; answered when it has been reaped.
struct Fatal(Option<Pid>);

impl End for Fatal {
    fn prepare(&mut self) -> Result<(), Errno> {
        let parent = getpid();
        let (from, to) = nix::unistd::pipe()?;
        let child = sys::fork_to(|| {
            if set_pdeathsig(Signal::SIGKILL).is_ok() && nix::unistd::getppid() == parent {
                let _ = nix::unistd::write(&to, b".");
                pause();
            }
        })?;
        self.0 = Some(child);
        drop(to);
        match through(|| nix::unistd::read(&from, &mut [0]))? {
            1 => Ok(()),
            _ => Err(Errno::ECHILD),
        }
    }

    fn send(&mut self, _: &[u8]) -> Result<(), Errno> {
        kill(self.0.ok_or(Errno::ESRCH)?, Signal::SIGKILL)
    }

    fn receive(&mut self, _: &mut [u8]) -> Result<(), Errno> {
        let child = self.0.take().ok_or(Errno::ECHILD)?;
        match through(|| waitpid(child, None))? {
            WaitStatus::Signaled(_, Signal::SIGKILL, _) => Ok(()),
            _ => Err(Errno::EBADMSG),
        }
    }
}

/// KILL to death.
pub fn fatal(_: usize) -> Result<Pair, Refused> {
    Ok(Pair::new(Fatal(None), Fatal(None)))
}
