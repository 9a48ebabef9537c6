//! What was asked for: the flags that people know from wrk, wrk2 and oha, and the plan they make. What
//! contradicts itself is told with what to type instead; nothing typed overflows.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use measure::load::{LoadPlan, Span};
use record::suite::MESSAGE_MAX;
use record::{Pace, Workload};

use crate::drive::failure::Failure;

/// A load that is to end by `--requests` ends by time after so long; nobody may ask for more.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// Bins are a tenth of a second: a finer line would say nothing new.
const FINEST_INTERVAL: Duration = Duration::from_millis(100);
/// Without `--duration` and `--requests`.
const USUAL_LENGTH: Duration = Duration::from_secs(10);
/// Without `--depth`.
const USUAL_DEPTH: u32 = 16;
/// More would be a mistake in typing.
const MOST_THREADS: u32 = 1024;
/// Requests of one connection on their way at once.
const DEEPEST: u32 = 65_536;
/// The largest rate: the one of suites.
const FASTEST_PER_S: f64 = 1e7;

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
    within_bounds(args)?;
    times_within_bounds(args)?;
    let pace = pace(args)?;
    fits_mode(args, pace)?;
    writable(args)?;
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

fn within_bounds(args: &LoadArgs) -> Result<(), Failure> {
    let threads = args.threads;
    if args.connections == 0 {
        return Err(usage("0 connections load nothing", "", "-c 1"));
    }
    if !(1..=MOST_THREADS).contains(&threads) {
        let cause = format!("the generator has 1 to {MOST_THREADS}");
        return Err(usage(format!("{threads} threads"), cause, "-t 1"));
    }
    if threads > args.connections {
        return Err(usage(
            format!("{threads} threads for {} connections", args.connections),
            "a thread without a connection has nothing to do",
            format!("-t {}, or -c {threads}", args.connections),
        ));
    }
    if !(1..=MESSAGE_MAX).contains(&args.payload) {
        return Err(usage(
            format!("a payload of {} bytes", args.payload),
            "a request has 1 byte to 1 MiB",
            "--payload 64, or --payload 1MiB",
        ));
    }
    if args.requests == Some(0) {
        return Err(usage("0 requests load nothing", "", "-n 1000"));
    }
    if !(1..=DEEPEST).contains(&args.depth.unwrap_or(1)) {
        let cause = format!("1 to {DEEPEST} requests can be on their way");
        return Err(usage("--depth is out of bounds", cause, "--depth 16"));
    }
    if args.per_connection == Some(0) {
        let cause = "a connection without a request is --mode idle";
        return Err(usage(
            "0 requests a connection",
            cause,
            "--per-connection 1",
        ));
    }
    Ok(())
}

fn times_within_bounds(args: &LoadArgs) -> Result<(), Failure> {
    let longest_timeout = Duration::from_nanos(record::histogram::LATENCY_MAX_NS);
    if args.duration == Some(Duration::ZERO) {
        return Err(usage("a load of no time loads nothing", "", "-d 10s"));
    }
    if args.timeout.is_zero() || args.timeout > longest_timeout {
        return Err(usage(
            format!(
                "--timeout {} is out of bounds",
                humantime::format_duration(args.timeout)
            ),
            "latencies are told apart from 1 ns to 1 minute",
            "--timeout 2s",
        ));
    }
    if args
        .interval
        .is_some_and(|interval| interval < FINEST_INTERVAL)
    {
        return Err(usage(
            "--interval is too short",
            "the load is counted in tenths of a second",
            "--interval 1s",
        ));
    }
    Ok(())
}

fn pace(args: &LoadArgs) -> Result<Pace, Failure> {
    match (args.pace, args.rate) {
        (None | Some(PaceWord::Closed), None) => Ok(Pace::Closed),
        (None | Some(PaceWord::Poisson), Some(rate)) => Ok(Pace::Poisson(rate)),
        (Some(PaceWord::Constant), Some(rate)) => Ok(Pace::Constant(rate)),
        (Some(PaceWord::Closed), Some(rate)) => Err(usage(
            "--rate and --pace closed contradict each other",
            "in a closed loop the server's replies set the rate",
            format!("--rate {rate} --pace constant, or --pace closed alone"),
        )),
        (Some(word), None) => {
            let word = match word {
                PaceWord::Constant => "constant",
                _ => "poisson",
            };
            Err(usage(
                format!("--pace {word} lacks a rate"),
                "an open loop sends at a rate, whatever the server does",
                format!("--pace {word} --rate 1000"),
            ))
        }
    }
}

/// Whether what was asked for means something in this mode.
fn fits_mode(args: &LoadArgs, pace: Pace) -> Result<(), Failure> {
    let (stream, idle) = (args.mode == Mode::Stream, args.mode == Mode::Idle);
    if let (Some(rate), true) = (pace.rate_per_s(), stream || idle) {
        return Err(usage(
            "--rate is for --mode rr and crr",
            match stream {
                true => "a stream sends as fast as --depth allows",
                false => "an idle connection sends nothing",
            },
            format!("--mode rr --rate {rate}"),
        ));
    }
    if let (Some(depth), false) = (args.depth, stream) {
        return Err(usage(
            "--depth is for --mode stream",
            "elsewhere one request of a connection is on its way",
            format!("--mode stream --depth {depth}, or -c {depth}"),
        ));
    }
    if let (Some(requests), true) = (args.per_connection, args.mode != Mode::Crr) {
        return Err(usage(
            "--per-connection is for --mode crr",
            "elsewhere a connection stays open",
            format!("--mode crr --per-connection {requests}"),
        ));
    }
    let thinks = matches!(args.mode, Mode::Rr | Mode::Crr) && pace == Pace::Closed;
    if args.think.is_some_and(|think| !think.is_zero()) && !thinks {
        return Err(usage(
            "--think is for a closed loop of --mode rr or crr",
            "elsewhere no client waits before its next request",
            "--think without --rate, or --rate alone",
        ));
    }
    if idle && (args.requests.is_some() || args.latency || hgrm_files(args).next().is_some()) {
        return Err(usage(
            "--requests, --latency and --hgrm are not for --mode idle",
            "an idle connection sends nothing after its first echo",
            "--mode idle -d 10s",
        ));
    }
    Ok(())
}

fn hgrm_files(args: &LoadArgs) -> impl Iterator<Item = &PathBuf> {
    args.hgrm.iter().chain(&args.hgrm_service)
}

/// Found out before the load, not after it.
fn writable(args: &LoadArgs) -> Result<(), Failure> {
    if args.hgrm.is_some() && args.hgrm == args.hgrm_service {
        return Err(usage(
            "--hgrm and --hgrm-service name one file",
            "",
            "two names",
        ));
    }
    for path in hgrm_files(args) {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let cause = match (path.is_dir(), folder.is_dir()) {
            (false, true) => continue,
            (true, _) => "it is a folder".to_owned(),
            (_, false) => format!("there is no folder {}", folder.display()),
        };
        let error = format!("{} cannot be written", path.display());
        return Err(usage(error, cause, "--hgrm response.hgrm"));
    }
    Ok(())
}

/// HOST:PORT, resolved; IPv4 where there are both, because that is what most servers listen on.
fn target(text: &str, allow_remote: bool) -> Result<SocketAddr, Failure> {
    let form = || {
        usage(
            format!("`{text}` is not HOST:PORT"),
            "the server is named by host and port, and speaks echo over TCP",
            "fiveways load 127.0.0.1:8080",
        )
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
    if host.is_empty() || !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(form());
    }
    let addresses: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| {
            usage(
                format!("{host} is not found"),
                error.to_string(),
                "fiveways load 127.0.0.1:8080",
            )
        })?
        .collect();
    let mut address = addresses
        .iter()
        .find(|address| address.is_ipv4())
        .or(addresses.first())
        .copied()
        .ok_or_else(form)?;
    // What a server prints that listens everywhere; connecting there reaches this machine.
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    if address.ip().is_loopback() || allow_remote {
        return Ok(address);
    }
    Err(usage(
        format!("{address} is not on this machine"),
        "load upon somebody else's server is an attack, unless they agreed",
        format!("fiveways load {text} --allow-remote, if the server is yours"),
    ))
}

/// Each source has its own 28,000 ports: without them crr runs out of ports in a second.
fn sources(mode: Mode, target: SocketAddr) -> Vec<Ipv4Addr> {
    match (mode, target.ip()) {
        (Mode::Crr, IpAddr::V4(address)) if address.is_loopback() => measure::load::sources(),
        _ => Vec::new(),
    }
}

fn from_the_clock() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since_1970| u64::from(since_1970.subsec_nanos()))
}

/// `10s`, `500ms`, `1m 30s`; a bare number is seconds, as for wrk.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text)
            .map_err(|error| format!("{error}; write 10s, 500ms or 1m"))?,
    };
    if duration > LONGEST {
        return Err("at most 30 days".to_owned());
    }
    Ok(duration)
}

/// `1000`, `10k`, `2M`.
fn count(text: &str) -> Result<u64, String> {
    let (number, factor) = scaled(text);
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "write a whole number such as 1000, 10k or 2M".to_owned())
}

fn count_u32(text: &str) -> Result<u32, String> {
    u32::try_from(count(text)?).map_err(|_| format!("at most {}", u32::MAX))
}

/// `997`, `0.5`, `20k`.
///
/// # Errors
/// With how a rate is written.
pub fn rate(text: &str) -> Result<f64, String> {
    let (number, factor) = scaled(text);
    number
        .parse::<f64>()
        .ok()
        .map(|number| number * factor as f64)
        .filter(|rate| *rate > 0.0 && *rate <= FASTEST_PER_S)
        .ok_or_else(|| {
            "write requests a second, above 0 and at most 10M, such as 1000 or 20k".to_owned()
        })
}

fn scaled(text: &str) -> (&str, u64) {
    match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1_000),
        None => match text.strip_suffix(['m', 'M']) {
            Some(number) => (number, 1_000_000),
            None => (text, 1),
        },
    }
}

/// Bytes as people write them: `64`, `64B`, `4KiB`, `1MiB`.
///
/// # Errors
/// With how it is written.
pub fn size(text: &str) -> Result<usize, String> {
    let (number, factor) = [("KiB", 1 << 10), ("MiB", 1 << 20), ("B", 1)]
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
        .unwrap_or((text, 1));
    number
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "write bytes such as 64, 4KiB or 1MiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_text_is_a_panic(text in "\\PC{0,24}", number in "[0-9.eE+-]{0,30}[a-zA-Z%]{0,4}") {
            for text in [text, number] {
                let _ = (count(&text), size(&text), duration(&text));
                if let Ok(rate) = rate(&text) {
                    proptest::prop_assert!(rate > 0.0 && rate.is_finite());
                }
            }
        }
    }

    #[test]
    fn numbers_are_read_as_people_write_them_and_never_overflow() {
        assert_eq!(
            (count("1000"), count("10k"), count("2M")),
            (Ok(1000), Ok(10_000), Ok(2_000_000))
        );
        assert_eq!((rate("997"), rate("1.5k")), (Ok(997.0), Ok(1500.0)));
        assert_eq!(
            (size("64"), size("4KiB"), size("1MiB")),
            (Ok(64), Ok(4096), Ok(1 << 20))
        );
        assert_eq!(duration("10"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("5ms"), Ok(Duration::from_millis(5)));
        for text in ["", "-1", "k", "18446744073709551615k", "1e3x", "NaN"] {
            assert!(count(text).is_err() && size(text).is_err(), "{text}");
        }
        for text in ["0", "-1", "inf", "NaN", "1e300", "1e300M", "k"] {
            assert!(rate(text).is_err(), "{text}");
        }
        for text in ["18446744073709551615", "99999999999999999999y", "-1s", "s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
