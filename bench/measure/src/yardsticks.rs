//! Yardsticks: what a page, a switch, a wake-up, a round trip, a fork and a thread take on this machine, on the
//! very CPUs that servers and generator get. Measured before each run, so that figures can be laid beside what
//! they rest on.
//!
//! Each is one small function, run in a child of its own that is pinned and ended: the agent keeps its one
//! thread, its memory and its CPUs. It pays 0.15 s a yardstick and keeps distributions; medians are `report`'s.

mod pages;
mod pairs;
mod samples;
mod tasks;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getppid, pipe};
use record::{Encoded, Yardstick};
use serde::{Deserialize, Serialize};

use crate::frame;
use crate::keeper::pin;
use crate::sys::{self, Fork};
use crate::tree;

use samples::Samples;

/// How long one may take before it is ended: far beyond its samples.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where yardsticks are measured.
#[derive(Clone, Copy, Debug)]
struct Cores {
    /// A CPU of the server's.
    server: usize,
    /// A CPU of the generator's; `None` where both sides share one core.
    generator: Option<usize>,
}

impl Cores {
    /// The generator's, for what needs two.
    fn other(&self) -> io::Result<usize> {
        self.generator.ok_or_else(|| {
            io::Error::other("it needs two cores, and server and generator share one")
        })
    }
}

/// One of them.
struct Measure {
    name: &'static str,
    /// Operations a sample.
    batch: u32,
    /// Whether the generator's core takes part.
    across: bool,
    take: fn(&Cores, &mut Samples) -> io::Result<()>,
}

/// All, in the order of pages.
#[rustfmt::skip]
const MEASURES: &[Measure] = &[
    Measure { name: "first-touch", batch: pages::BATCH, across: false, take: pages::first_touch },
    Measure { name: "copy-on-write", batch: pages::BATCH, across: false, take: pages::copy_on_write },
    Measure { name: "switch", batch: 2, across: false, take: pairs::switch },
    Measure { name: "wake-up", batch: 2, across: true, take: pairs::wake_up },
    Measure { name: "tcp-spinning", batch: 1, across: true, take: pairs::tcp_spinning },
    Measure { name: "tcp-blocking", batch: 1, across: true, take: pairs::tcp_blocking },
    Measure { name: "fork", batch: 1, across: false, take: tasks::fork },
    Measure { name: "thread", batch: 1, across: false, take: tasks::thread },
];

/// What a child reports.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    samples: Result<Encoded, String>,
    resident_bytes: Option<u64>,
}

/// The harness is gone: nothing is left to be measured for.
pub struct Deserted;

/// Measures all, between the first CPU of each side. `lifeline` is readable when nobody waits any more.
///
/// # Errors
/// When it is.
pub fn measure(
    server: &[usize],
    generator: &[usize],
    lifeline: BorrowedFd<'_>,
) -> Result<Vec<Yardstick>, Deserted> {
    let Some(&first) = server.first() else {
        return Ok(Vec::new());
    };
    let apart = generator.iter().find(|cpu| !server.contains(cpu));
    let cores = Cores {
        server: first,
        generator: apart.copied(),
    };
    let yardsticks = MEASURES.iter().map(|it| it.yardstick(&cores, lifeline));
    yardsticks.collect()
}

impl Measure {
    fn yardstick(&self, cores: &Cores, lifeline: BorrowedFd<'_>) -> Result<Yardstick, Deserted> {
        let mut cpus = vec![cores.server];
        cpus.extend(cores.generator.filter(|_| self.across));
        let report = match self.in_a_child(cores, lifeline)? {
            Ok(report) => report,
            Err(error) => Report {
                samples: Err(error.to_string()),
                resident_bytes: None,
            },
        };
        let (samples, reason) = match report.samples {
            Ok(samples) => (Some(samples), None),
            Err(reason) => (None, Some(reason)),
        };
        Ok(Yardstick {
            name: self.name.to_owned(),
            batch: self.batch,
            cpus,
            resident_bytes: report.resident_bytes,
            samples,
            reason,
        })
    }

    fn in_a_child(
        &self,
        cores: &Cores,
        lifeline: BorrowedFd<'_>,
    ) -> Result<io::Result<Report>, Deserted> {
        let ends = pipe().map(|(read, write)| (File::from(read), File::from(write)));
        let (mut from, to) = match ends {
            Ok(ends) => ends,
            Err(errno) => return Ok(Err(errno.into())),
        };
        let agent = nix::unistd::getpid();
        match sys::fork() {
            Err(errno) => Ok(Err(errno.into())),
            Ok(Fork::Child) => self.report(cores, to, agent),
            Ok(Fork::Parent(child)) => {
                drop(to);
                let report = hear(&mut from, lifeline);
                // Reported or not, neither it nor a child of its own shall live on.
                tree::kill_below(child.as_raw());
                let _ = kill(child, Signal::SIGKILL);
                let _ = waitpid(child, None);
                report
            }
        }
    }

    /// The child's life.
    fn report(&self, cores: &Cores, mut to: File, agent: Pid) -> ! {
        // The agent may have ended before this was set.
        if set_pdeathsig(Signal::SIGKILL).is_err() || getppid() != agent {
            sys::exit_now(1);
        }
        let mut samples = Samples::default();
        let taken = pin(&[cores.server]).and_then(|()| (self.take)(cores, &mut samples));
        let report = Report {
            samples: taken
                .map(|()| samples.encoded())
                .map_err(|error| error.to_string()),
            resident_bytes: samples.resident_bytes,
        };
        // EPIPE: nobody waits any more.
        let _ = frame::send(&mut to, &report);
        sys::exit_now(0)
    }
}

/// The child's report, if it comes in time.
fn hear(from: &mut File, lifeline: BorrowedFd<'_>) -> Result<io::Result<Report>, Deserted> {
    let ready = frame::wait_readable(&[lifeline, from.as_fd()], Some(Instant::now() + PATIENCE));
    Ok(match ready.as_deref() {
        Ok([true, _]) => return Err(Deserted),
        Ok([_, true]) => frame::receive(from)
            .and_then(|report| report.ok_or_else(|| io::Error::other("it ended without a word"))),
        Ok(_) => Err(io::Error::other(format!(
            "it did not end within {} s",
            PATIENCE.as_secs()
        ))),
        Err(error) => Err(io::Error::other(error.to_string())),
    })
}

/// Another process on a CPU of its own, for as long as `partner` goes on; it ends with its parent.
fn beside(cpu: usize, partner: impl FnOnce() -> io::Result<()>) -> io::Result<Pid> {
    let parent = nix::unistd::getpid();
    match sys::fork()? {
        Fork::Parent(pid) => Ok(pid),
        Fork::Child => {
            let well = set_pdeathsig(Signal::SIGKILL).is_ok()
                && getppid() == parent
                && pin(&[cpu]).is_ok()
                && partner().is_ok();
            sys::exit_now(i32::from(!well))
        }
    }
}

/// Ends it.
fn end(partner: Pid) {
    let _ = kill(partner, Signal::SIGKILL);
    let _ = waitpid(partner, None);
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn names_are_their_own_and_there_is_time_for_all() {
        let mut names: Vec<&str> = MEASURES.iter().map(|it| it.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), MEASURES.len());
        assert!(samples::TIME * (MEASURES.len() as u32) < Duration::from_secs(2));
    }

    #[test]
    fn a_core_that_is_shared_has_no_other() {
        let cores = Cores {
            server: 0,
            generator: None,
        };
        assert!(
            cores
                .other()
                .is_err_and(|error| error.to_string().contains("two cores"))
        );
    }

    #[test]
    fn nothing_is_heard_from_a_child_when_nobody_waits() {
        let (mut from, _to) = pipe()
            .map(|(read, write)| (File::from(read), write))
            .unwrap();
        let (lifeline, other) = UnixStream::pair().unwrap();
        drop(other);
        assert!(hear(&mut from, lifeline.as_fd()).is_err());
    }

    #[test]
    fn a_child_that_says_nothing_is_told() {
        let (mut from, to) = pipe()
            .map(|(read, write)| (File::from(read), write))
            .unwrap();
        let (lifeline, _other) = UnixStream::pair().unwrap();
        drop(to);
        let Ok(Err(error)) = hear(&mut from, lifeline.as_fd()) else {
            panic!("an error");
        };
        assert!(error.to_string().contains("without a word"), "{error}");
    }
}
