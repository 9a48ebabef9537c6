//! `doctor`: what this machine is like to measure on, what of it is worth changing, and the command that does.
//! It changes nothing, and a machine that is not ideal is no error.

use std::process::ExitCode;

use clap::Args;
use measure::{AgentError, Bench, place};
use record::Yardstick;
use report::{Ink, Style};

use super::failure::{Exit, Failure, print};
use super::session;

/// What is shown, and how.
#[derive(Args, Clone, Copy)]
pub struct DoctorArgs {
    /// Show every fact that stands in the records, too
    #[arg(long)]
    all: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The verb.
///
/// # Errors
/// When an agent is lost.
pub fn doctor(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    measure::adopt_orphans();
    let interrupt = session::watch()?;
    let mut bench = session::start_bench(&interrupt)?;
    let measured = yardsticks(&mut bench);
    let host = bench.host.clone();
    drop(bench);
    measure::end_orphans();
    let yardsticks = match measured {
        Ok(yardsticks) => yardsticks,
        Err(AgentError::Interrupted) => return Ok(Exit::Interrupted.into()),
        Err(error) => {
            return Err(Failure::tool(
                "doctor",
                "the machine cannot be looked over",
                error.to_string(),
            )
            .hint("the same command again"));
        }
    };
    if args.json {
        print(&report::checkup_object(&host, &yardsticks));
    } else {
        let style = Style {
            ink: ink(),
            facts: args.all,
        };
        print(&report::checkup(&host, &yardsticks, style).trim_end());
    }
    Ok(Exit::Well.into())
}

/// Where a scenario of one server core would have its sides.
fn yardsticks(bench: &mut Bench) -> Result<Vec<Yardstick>, AgentError> {
    match place(&bench.host.topology, 1) {
        Ok(placement) => bench.yardsticks(&placement),
        Err(_) => Ok(Vec::new()),
    }
}

/// Colours where the terminal has them and nobody said no: `--color`, NO_COLOR, CLICOLOR_FORCE.
fn ink() -> Ink {
    match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => Ink::None,
        _ => Ink::Colours,
    }
}
