//! What was asked for: the flags that people know from wrk, wrk2 and oha, and the plan they make. What
//! contradicts itself is told with what to type instead; nothing typed overflows.

mod bounds;
mod target;
mod words;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use measure::load::{LoadPlan, Span};
use record::Workload;

use crate::drive::failure::Failure;
use target::{sources, target};
use words::{LONGEST, count, count_u32, duration};

pub use words::{rate, size};

/// Without `--duration` and `--requests`.
const USUAL_LENGTH: Duration = Duration::from_secs(10);
/// Without `--depth`.
const USUAL_DEPTH: u32 = 16;

/// What is loaded, how, and for how long.
#[derive(Args, Clone)]
pub struct LoadArgs {
    /// An echo server: 127.0.0.1:8080, localhost:8080, [::1]:8080
    #[arg(value_name = "HOST:PORT")]
    target: String,
    /// Connections
    #[arg(short, long, value_name = "N", default_value = "10", value_parser = count_u32)]
    connections: u32,
    /// How long [default: 10s, or until --requests are done]
    #[arg(short, visible_short_alias = 'z', long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// End after so many requests: 1000, 10k, 2M
    #[arg(short = 'n', long, value_name = "N", value_parser = count)]
    requests: Option<u64>,
    /// Requests a second in all, whatever the server does (open loop)
    #[arg(short = 'R', long, value_name = "R", allow_negative_numbers = true, value_parser = rate)]
    rate: Option<f64>,
    /// Threads of the generator
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = count_u32)]
    threads: u32,
    /// When the next request is due [default: closed; with --rate: poisson]
    #[arg(long, value_enum, value_name = "PACE")]
    pace: Option<PaceWord>,
    /// Bytes of a request: 64, 4KiB, 1MiB
    #[arg(long, value_name = "BYTES", default_value = "64", value_parser = size)]
    payload: usize,
    /// What a connection does
    #[arg(long, value_enum, value_name = "MODE", default_value = "rr")]
    mode: Mode,
    /// stream: requests of a connection on their way at once [default: 16]
    #[arg(long, value_name = "D", value_parser = count_u32)]
    depth: Option<u32>,
    /// crr: requests of a connection before it is closed [default: 1]
    #[arg(long, value_name = "K", value_parser = count_u32)]
    per_connection: Option<u32>,
    /// Closed loop: a client's pause before its next request
    #[arg(long, value_name = "TIME", value_parser = duration)]
    think: Option<Duration>,
    /// Load before anything is recorded
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    warmup: Duration,
    /// How long a request may take before it counts as timed out
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    timeout: Duration,
    /// From which the schedule follows [default: from the clock]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Load a server that is not on this machine
    #[arg(long)]
    allow_remote: bool,
    /// Print the whole spectrum of percentiles, response beside service
    #[arg(long)]
    pub latency: bool,
    /// A line on standard error each such time while it runs
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub interval: Option<Duration>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// Write response times for the HdrHistogram plotter, in milliseconds
    #[arg(long, value_name = "FILE")]
    pub hgrm: Option<PathBuf>,
    /// The same of service times
    #[arg(long, value_name = "FILE")]
    pub hgrm_service: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PaceWord {
    /// As soon as the last reply is in
    Closed,
    /// Evenly spaced, at --rate
    Constant,
    /// At exponential distances, at --rate
    Poisson,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Request, reply, and again, on one connection
    Rr,
    /// Connect, request, reply, close
    Crr,
    /// Do not wait for replies: --depth requests are on their way
    Stream,
    /// Stay open, say nothing
    Idle,
}

/// The plan that was asked for.
///
/// # Errors
/// When the flags contradict each other, or ask for what cannot be.
pub fn plan(args: &LoadArgs) -> Result<(LoadPlan, Span), Failure> {
    let pace = bounds::checked(args)?;
    let span = Span {
        warmup: args.warmup,
        length: args.duration.unwrap_or(match args.requests {
            Some(_) => LONGEST,
            None => USUAL_LENGTH,
        }),
        requests: args.requests,
    };
    if let Some(rate) = pace.rate_per_s()
        && rate * span.length.as_secs_f64() < 1.0
    {
        return Err(usage(
            format!(
                "at {rate} requests a second none is due in {}",
                humantime::format_duration(span.length)
            ),
            "a longer time or a higher rate would have one",
            "--rate 100",
        ));
    }
    let target = target(&args.target, args.allow_remote)?;
    let plan = LoadPlan {
        target,
        workload: match args.mode {
            Mode::Rr => Workload::Rr,
            Mode::Crr => Workload::Crr,
            Mode::Stream => Workload::Stream,
            Mode::Idle => Workload::Idle,
        },
        pace,
        connections: args.connections,
        message: args.payload,
        depth: match args.mode {
            Mode::Stream => args.depth.unwrap_or(USUAL_DEPTH),
            _ => 1,
        },
        per_connection: args.per_connection.unwrap_or(1),
        think: args.think.unwrap_or_default(),
        threads: args.threads,
        patience: measure::load::PATIENCE,
        enough: None,
        timeout: args.timeout,
        reconnect: true,
        sources: sources(args.mode, target),
        seed: args.seed.unwrap_or_else(from_the_clock),
        by_connection: false,
        first_connection: 0,
        idle: 0,
        part: None,
    };
    Ok((plan, span))
}

fn usage(error: impl Into<String>, cause: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::usage(error, cause).hint(hint)
}

fn from_the_clock() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since_1970| u64::from(since_1970.subsec_nanos()))
}
