//! Keeping cores awake: a spinner of the lowest priority on each, so that none halts.
//!
//! On a virtual machine a halted core takes tens of microseconds to wake, more than a request takes. With
//! spinners that is gone, and so is any turbo that idle cores would have given the others: recorded, never
//! assumed.

use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::keeper::pin;
use crate::sys::{self, Fork};

/// How long they may take to die: on a busy core the lowest priority is slow even at that.
const DEATH_GRACE: Duration = Duration::from_secs(1);

/// Spinners, one a core; they end with this, and with the process that made it.
#[derive(Debug, Default)]
pub struct Spinners(Vec<Pid>);

impl Spinners {
    /// One on each of these CPUs.
    ///
    /// # Errors
    /// Those of fork(2).
    pub fn start(cpus: &[usize]) -> nix::Result<Self> {
        let mut spinners = Spinners::default();
        for &cpu in cpus {
            match sys::fork()? {
                Fork::Parent(pid) => spinners.0.push(pid),
                Fork::Child => spin(cpu),
            }
        }
        Ok(spinners)
    }

    /// Whether this process is one of them.
    pub fn contain(&self, pid: i32) -> bool {
        self.0.iter().any(|spinner| spinner.as_raw() == pid)
    }
}

impl Drop for Spinners {
    fn drop(&mut self) {
        for &pid in &self.0 {
            // ESRCH: gone already.
            let _ = kill(pid, Signal::SIGKILL);
        }
        // Waited for, so that their time is in this process's books; they die at their own priority.
        let deadline = Instant::now() + DEATH_GRACE;
        while self.0.iter().any(is_alive) && Instant::now() < deadline {
            std::thread::yield_now();
        }
    }
}

fn is_alive(pid: &Pid) -> bool {
    matches!(
        waitpid(*pid, Some(WaitPidFlag::WNOHANG)),
        Ok(WaitStatus::StillAlive)
    )
}

fn spin(cpu: usize) -> ! {
    let parent = nix::unistd::getppid();
    let ready = set_pdeathsig(Signal::SIGKILL).is_ok()
        && sys::run_only_when_idle().is_ok()
        && pin(&[cpu]).is_ok();
    // At a normal priority it would take half of its core from whoever is measured there.
    while ready && nix::unistd::getppid() == parent {
        (0..1_000_000).for_each(|_| std::hint::spin_loop());
    }
    sys::exit_now(0)
}
