//! `trace`: a few requests through the kernel, drawn. The server is traced first, then serves the same clients
//! without a tracer, so that the drawing can say how much it was slowed.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use measure::trace::TraceError;
use measure::{AgentError, Contestant};
use record::trace::{Trace, TraceAsked};
use record::{Host, Outcome, TRACES, make_subfolder, write_whole};

use super::failure::{self, Exit, Failure, print};
use super::{entrants, explain, session};
use crate::Who;

/// What `run --traces` asks of everybody: what `trace` asks unless it is told.
const FEW: TraceAsked = TraceAsked {
    connections: 3,
    requests: 2,
    message: 64,
    workers: 3,
    server_cpus: 1,
};
const PATIENCE: Duration = Duration::from_secs(10);

/// Who is traced, serving whom, and where the drawing goes.
#[derive(Args, Clone)]
pub struct TraceArgs {
    /// A contender (`fiveways list`)
    #[arg(required_unless_present = "from")]
    contender: Option<String>,
    /// Clients that come one after another; then as many come at once
    #[arg(long, value_name = "N", default_value_t = FEW.connections, value_parser = clap::value_parser!(u32).range(1..=20))]
    connections: u32,
    /// Requests of each client
    #[arg(long, value_name = "N", default_value_t = FEW.requests, value_parser = clap::value_parser!(u32).range(1..=100))]
    requests: u32,
    /// Bytes of a request
    #[arg(long, value_name = "BYTES", default_value_t = FEW.message, value_parser = clap::value_parser!(u32).range(1..=65536))]
    message: u32,
    /// Workers of the contender, if it has any [default: one a connection]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: Option<u32>,
    /// How long it may take to listen
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    patience: Duration,
    /// Draw into a file: .svg (swim lanes), .txt (a sequence) or .json (the record); may be said again
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Draw a trace that was recorded before, from its .json
    #[arg(long, value_name = "FILE", conflicts_with = "contender")]
    from: Option<PathBuf>,
    #[command(flatten)]
    who: Who,
    /// Print the record as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The verb.
///
/// # Errors
/// When nobody is called so, the kernel does not let us trace, or the server never listens. What happens to it
/// under the clients is drawn, and an exit code.
pub fn trace(args: &TraceArgs) -> Result<ExitCode, Failure> {
    for path in &args.output {
        Format::of(path)?;
    }
    let trace = match &args.from {
        Some(path) => read(path)?,
        None => match record(args)? {
            Some(trace) => trace,
            None => return Ok(Exit::Interrupted.into()),
        },
    };
    for path in &args.output {
        let text = Format::of(path)?.draw(&trace);
        write_whole(path, text.as_bytes()).map_err(|error| {
            Failure::tool("report", "the drawing cannot be written", error.to_string())
                .hint("-o FILE in a folder that you may write to")
        })?;
    }
    if args.json {
        print(&Format::Json.draw(&trace).trim_end());
    } else if args.output.is_empty() {
        print(&Format::Text.draw(&trace).trim_end());
    }
    Ok(told(&trace, args).into())
}

/// What became of it, in a sentence on standard error if that is no good news.
fn told(trace: &Trace, args: &TraceArgs) -> Exit {
    let exit = match trace.outcome {
        Outcome::Ok => return Exit::Well,
        Outcome::Wrong => Exit::WrongBytes,
        _ => Exit::CellsFailed,
    };
    if !args.json
        && let Some(cause) = &trace.cause
    {
        let said = cause.stderr.lines().last();
        let said = said.map_or(String::new(), |line| format!("\n  it said: {line}"));
        failure::note(&format!("{}: {}{said}", trace.contender, cause.text));
    }
    exit
}

#[derive(Clone, Copy)]
enum Format {
    Svg,
    Text,
    Json,
}

impl Format {
    /// By the end of a file's name.
    fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|end| end.to_str()) {
            Some("svg") => Ok(Format::Svg),
            Some("txt") => Ok(Format::Text),
            Some("json") => Ok(Format::Json),
            _ => Err(Failure::usage(
                format!("{} says no format", path.display()),
                "a drawing is .svg, .txt or .json",
            )
            .hint("-o trace.svg")),
        }
    }

    fn draw(self, trace: &Trace) -> String {
        match self {
            Format::Svg => report::trace_svg(trace),
            Format::Text => report::trace_text(trace),
            Format::Json => {
                serde_json::to_string_pretty(trace).expect("a trace is plain data") + "\n"
            }
        }
    }
}

fn read(path: &Path) -> Result<Trace, Failure> {
    record::read_trace(path).map_err(|cause| {
        let what = format!("{} is no trace that can be drawn", path.display());
        Failure::usage(what, cause).hint("fiveways trace CONTENDER -o trace.json")
    })
}

/// Traces; `None` when interrupted.
fn record(args: &TraceArgs) -> Result<Option<Trace>, Failure> {
    let contestant = contestant(args)?;
    let asked = TraceAsked {
        connections: args.connections,
        requests: args.requests,
        message: args.message,
        workers: args.workers.unwrap_or(args.connections),
        server_cpus: 1,
    };
    // A deadline must be an instant that there is.
    let patience = args.patience.min(Duration::from_secs(600));
    let interrupt = session::watch()?;
    match traced(&contestant, asked, patience, &interrupt) {
        Ok(trace) => beside_untraced(trace, &contestant, asked, patience, &interrupt),
        Err(TraceError::Interrupted) => Ok(None),
        Err(error) => Err(failure(&contestant.entrant.name, error)),
    }
}

/// Traces each of them into a results folder, from which its page is drawn with them; who cannot be traced is told,
/// and no reason to trace nobody else, unless nobody can be traced here. Ends early when interrupted.
///
/// # Errors
/// When the folder cannot be written.
pub fn into(
    folder: &Path,
    contestants: &[Contestant],
    interrupt: &Arc<OwnedFd>,
) -> Result<(), Failure> {
    let traces = folder.join(TRACES);
    make_subfolder(&traces)?;
    for contestant in contestants {
        let name = &contestant.entrant.name;
        let trace = match traced(contestant, FEW, PATIENCE, interrupt) {
            Ok(trace) => trace,
            Err(TraceError::Interrupted) => break,
            Err(error) => {
                let is_everybodys = matches!(error, TraceError::Refused(_));
                failure(name, error).tell(false);
                if is_everybodys {
                    break;
                }
                continue;
            }
        };
        match beside_untraced(trace, contestant, FEW, PATIENCE, interrupt) {
            Ok(Some(trace)) => {
                write_whole(
                    &traces.join(format!("{name}.json")),
                    Format::Json.draw(&trace).as_bytes(),
                )?;
            }
            Ok(None) => break,
            Err(failure) => {
                failure.tell(false);
            }
        }
    }
    Ok(())
}

/// Traces, and leaves this machine's paths out of what it says.
fn traced(
    contestant: &Contestant,
    asked: TraceAsked,
    patience: Duration,
    interrupt: &Arc<OwnedFd>,
) -> Result<Trace, TraceError> {
    measure::adopt_orphans();
    let mut trace = measure::trace::trace(contestant, asked, patience, interrupt.as_fd())?;
    trace.command = entrants::without_paths(trace.command.into_iter());
    trace.source = explain::source_of(&contestant.entrant.name);
    Ok(trace)
}

/// Serves the same clients untraced; `None` when interrupted.
fn beside_untraced(
    mut trace: Trace,
    contestant: &Contestant,
    asked: TraceAsked,
    patience: Duration,
    interrupt: &Arc<OwnedFd>,
) -> Result<Option<Trace>, Failure> {
    let compared = session::start_bench(interrupt).map(|mut bench| {
        trace.host = Host {
            facts: Vec::new(),
            ..bench.host.clone()
        };
        match trace.outcome {
            Outcome::Ok => measure::trace::untraced(&mut bench, contestant, asked, patience),
            _ => Ok(without("the traced run was not ok")),
        }
    })?;
    measure::end_orphans();
    trace.untraced = match compared {
        Ok(untraced) => untraced,
        Err(AgentError::Interrupted) => return Ok(None),
        Err(error) => without(&error.to_string()),
    };
    Ok(Some(trace))
}

fn without(reason: &str) -> record::trace::Untraced {
    record::trace::Untraced {
        clients: Vec::new(),
        reason: Some(reason.to_owned()),
    }
}

/// The one of that name.
fn contestant(args: &TraceArgs) -> Result<Contestant, Failure> {
    let wanted = args.contender.as_deref().unwrap_or_default();
    let all = entrants::gather(&args.who, |name| name == wanted, None)?;
    let names: Vec<String> = all.iter().map(|one| one.entrant.name.clone()).collect();
    let found = all.into_iter().find(|one| one.entrant.name == wanted);
    let found = found.ok_or_else(|| Failure::unknown("contender", wanted, &names))?;
    match &found.entrant.skipped {
        None => Ok(found),
        Some(reason) => Err(Failure::tool(
            "prepare",
            format!("{wanted} cannot be started here"),
            reason.clone(),
        )
        .hint("fiveways list, for those that can")),
    }
}

fn failure(name: &str, error: TraceError) -> Failure {
    match error {
        TraceError::Refused(refusal) => Failure::tool(
            "trace",
            "this system does not let fiveways trace",
            refusal.cause,
        )
        .hint(refusal.hint),
        TraceError::NotReady(cause) => {
            let said = cause.stderr.lines().last();
            let said = said.map_or(String::new(), |line| format!("; it said: {line}"));
            Failure::server(
                "launch",
                format!("{name} cannot be traced"),
                cause.text + &said,
            )
            .hint(format!("fiveways verify '^{name}$'"))
        }
        TraceError::System(error) => Failure::tool(
            "trace",
            format!("{name} cannot be traced"),
            error.to_string(),
        )
        .hint(format!(
            "fiveways verify '^{name}$', or fewer --connections"
        )),
        TraceError::Interrupted => Failure::interrupted("interrupted; nothing was traced"),
    }
}
