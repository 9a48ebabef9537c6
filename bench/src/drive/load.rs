//! `load`: loads one server from here, verifies every byte, and says what came of it. The generator is the one
//! that measures the contenders; the server is whoever listens, and is not started, looked at or stopped.

mod asked;
mod findings;
mod hgrm;
mod output;

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use measure::load::{LoadBin, LoadError, LoadPlan, Span};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};

use super::failure::{Exit, Failure, print};
use super::session;
use findings::Findings;

pub use asked::{LoadArgs, rate, size};

/// The bins of a load while it runs; none when it has ended.
type SoFar = Arc<Mutex<Option<LoadBin>>>;

/// The verb.
///
/// # Errors
/// When what was typed cannot be meant, nobody answers, or the load cannot be made here. What goes wrong under
/// load is a finding, and an exit code.
pub fn load(args: &LoadArgs) -> Result<ExitCode, Failure> {
    let (plan, span) = asked::plan(args)?;
    let so_far = SoFar::new(Mutex::new(Some(LoadBin::empty(0, 0))));
    tell_when_interrupted(args, &plan, &span, &so_far)?;
    if !args.json {
        print(&output::heading(&plan, &span));
    }
    let mut lines = Lines::new(args.interval);
    let loaded = measure::load::load(&plan, &span, &mut |bin| {
        lines.add(&bin);
        let mut so_far = so_far.lock().unwrap_or_else(PoisonError::into_inner);
        let until_now = so_far.take();
        *so_far = Some(together(until_now, &bin));
    });
    // From here on an interruption finds nothing to tell.
    so_far.lock().unwrap_or_else(PoisonError::into_inner).take();
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return refused(args, &plan, error),
    };
    let findings = Findings::new(&plan, &span, &loaded);
    match args.json {
        true => print(&output::object(&plan, &span, &findings)),
        false => print(&output::text(&plan, &findings, args.latency)),
    }
    hgrm::write(args.hgrm.as_deref(), args.hgrm_service.as_deref(), &loaded)?;
    Ok(findings.exit().into())
}

/// Why nothing was loaded.
fn refused(args: &LoadArgs, plan: &LoadPlan, error: LoadError) -> Result<ExitCode, Failure> {
    let target = plan.target;
    let cause = error.to_string();
    match error {
        LoadError::NobodyServed { wrong: true, .. } => {
            let failure = Failure::tool("connect", format!("{target} does not echo"), cause)
                .hint("fiveways verify, for a server that should");
            failure.tell(args.json);
            Ok(Exit::WrongBytes.into())
        }
        LoadError::NobodyServed { .. } => {
            let failure = Failure::tool("connect", format!("nobody answers at {target}"), cause)
                .hint(format!(
                    "is a server listening there? e.g. `echo-server event-loop --port {}`",
                    target.port()
                ));
            failure.tell(args.json);
            Ok(Exit::CellsFailed.into())
        }
        LoadError::Descriptors { missing, .. } => {
            let most = u64::from(plan.connections).saturating_sub(missing);
            Err(
                Failure::usage("there are not enough descriptors", cause).hint(format!(
                    "-c {most}, or a higher limit (as root: ulimit -Hn)"
                )),
            )
        }
        LoadError::System { .. } => Err(Failure::tool("load", "the load cannot be made", cause)
            .hint("fewer connections or threads (-c, -t)")),
    }
}

/// Ctrl-C ends the program at any time; what there is so far is told first.
fn tell_when_interrupted(
    args: &LoadArgs,
    plan: &LoadPlan,
    span: &Span,
    so_far: &SoFar,
) -> Result<(), Failure> {
    let interrupt = session::watch()?;
    let (args, plan, span, so_far) = (args.clone(), plan.clone(), *span, Arc::clone(so_far));
    std::thread::spawn(move || {
        wait(&interrupt);
        let bins = so_far.lock().unwrap_or_else(PoisonError::into_inner);
        let bins = bins.as_ref();
        match bins.map(Findings::so_far) {
            Some(findings) if args.json => print(&output::object(&plan, &span, &findings)),
            Some(findings) => print(&output::text(&plan, &findings, args.latency)),
            None => {}
        }
        std::process::exit(130);
    });
    // The watcher keeps the table of descriptors that there is, and the load gets one of its own: in a shared
    // one each system call on a socket pays two atomic operations more. Refused, it is only dearer.
    let _ = unshare(CloneFlags::CLONE_FILES);
    Ok(())
}

fn wait(interrupt: &OwnedFd) {
    let mut fds = [PollFd::new(interrupt.as_fd(), PollFlags::POLLIN)];
    while poll(&mut fds, PollTimeout::NONE).is_err() {}
}

/// The bins until now and the next one, as one.
fn together(until_now: Option<LoadBin>, bin: &LoadBin) -> LoadBin {
    let mut sum = until_now.unwrap_or_else(|| LoadBin::empty(bin.start_ns, 0));
    sum.length_ns = sum.length_ns.saturating_add(bin.length_ns);
    sum.replies = sum.replies.saturating_add(bin.replies);
    sum.errors = sum.errors.saturating_add(bin.errors);
    sum.generator_cpu_ns = sum.generator_cpu_ns.saturating_add(bin.generator_cpu_ns);
    sum.response
        .add(&bin.response)
        .unwrap_or_else(|error| unreachable!("bins are alike: {error}"));
    sum
}

/// The lines of `--interval`.
struct Lines {
    every_ns: Option<u64>,
    since: Option<LoadBin>,
}

impl Lines {
    fn new(interval: Option<Duration>) -> Self {
        Lines {
            every_ns: interval.map(|every| u64::try_from(every.as_nanos()).unwrap_or(u64::MAX)),
            since: None,
        }
    }

    fn add(&mut self, bin: &LoadBin) {
        let Some(every_ns) = self.every_ns else {
            return;
        };
        let since = together(self.since.take(), bin);
        if since.length_ns < every_ns {
            self.since = Some(since);
            return;
        }
        // Nobody may be there to read it.
        let _ = writeln!(
            std::io::stderr().lock(),
            "{}",
            output::interval_line(&since)
        );
    }
}
