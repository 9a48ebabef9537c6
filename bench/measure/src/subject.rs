//! Where a part is measured by itself: a process forked for that one measurement, with nothing of its agent
//! but a socket for the answer. It ends with its agent, and at its deadline.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use record::{Cause, Outcome, Phase};

use crate::frame;
use crate::protocol::{Found, LabAsked, Labs};
use crate::sys::{self, Fork};

/// The harness is gone: nothing is left to be said.
pub struct Deserted;

/// Forks, lets `labs` measure there, and reads what it found; `end` then ends what it may have left.
///
/// # Errors
/// When the harness has gone meanwhile.
pub fn carry_out(asked: &LabAsked, labs: Labs, end: impl FnOnce(i32)) -> Result<Found, Deserted> {
    let failed = |what: &str, error: io::Error| {
        let mut cause = Cause::new(Phase::Launch, format!("{what}: {error}"));
        cause.errno = error.raw_os_error();
        Ok(Found::nothing(Outcome::Crashed, cause))
    };
    let (control, other) = match UnixStream::pair() {
        Ok(pair) => pair,
        Err(error) => return failed("no socket for its answer", error),
    };
    let agent = nix::unistd::getpid();
    let subject = match sys::fork() {
        Ok(Fork::Parent(subject)) => subject,
        Ok(Fork::Child) => {
            drop(control);
            be_the_subject(agent, asked, labs, other)
        }
        Err(errno) => return failed("cannot fork its process", errno.into()),
    };
    drop(other);
    let found = hear(control, asked);
    // ESRCH: it has ended by itself, as it should.
    let _ = kill(subject, Signal::SIGKILL);
    end(subject.as_raw());
    found
}

fn hear(mut control: UnixStream, asked: &LabAsked) -> Result<Found, Deserted> {
    let deadline = Instant::now() + Duration::from_millis(asked.deadline_ms);
    let stdin = io::stdin();
    let ready = frame::wait_readable(&[stdin.as_fd(), control.as_fd()], Some(deadline))
        .map_err(|_| Deserted)?;
    let nothing =
        |outcome, text: String| Ok(Found::nothing(outcome, Cause::new(Phase::Load, text)));
    match ready[..] {
        // One request at a time: what can be read now is the end of the harness.
        [true, _] => Err(Deserted),
        [_, true] => match frame::receive(&mut control) {
            Ok(Some(found)) => Ok(found),
            _ => nothing(
                Outcome::Crashed,
                "the process that measured it ended without an answer".to_owned(),
            ),
        },
        _ => nothing(
            Outcome::Hung,
            format!("it did not end within {} ms", asked.deadline_ms),
        ),
    }
}

fn be_the_subject(agent: Pid, asked: &LabAsked, labs: Labs, mut control: UnixStream) -> ! {
    let measured = catch_unwind(AssertUnwindSafe(|| {
        let prepared = prepare(agent);
        match prepared {
            Ok(()) => labs(asked),
            Err(error) => {
                let mut cause = Cause::new(Phase::Prepare, format!("cannot prepare: {error}"));
                cause.errno = error.raw_os_error();
                Found::nothing(Outcome::Crashed, cause)
            }
        }
    }));
    let told = measured.map(|found| frame::send(&mut control, &found));
    sys::exit_now(if matches!(told, Ok(Ok(()))) { 0 } else { 101 })
}

fn prepare(agent: Pid) -> io::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    if nix::unistd::getppid() != agent {
        return Err(io::Error::other("its agent is gone"));
    }
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let null = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    sys::set_standard_streams([null.as_fd(), null.as_fd(), io::stderr().as_fd()])
}
