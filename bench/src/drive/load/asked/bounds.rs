//! What cannot be meant: flags out of bounds, flags that contradict each other, files that cannot be written. Each is
//! told with what to type instead.

use std::path::{Path, PathBuf};
use std::time::Duration;

use record::Pace;
use record::scenario::MESSAGE_MAX;

use super::{LoadArgs, Mode, PaceWord, usage};
use crate::drive::failure::Failure;

/// Bins are a tenth of a second: a finer line would say nothing new.
const FINEST_INTERVAL: Duration = Duration::from_millis(100);
/// More would be a mistake in typing.
const MOST_THREADS: u32 = 1024;
/// Requests of one connection on their way at once.
const DEEPEST: u32 = 65_536;

/// When requests are due, if all that was typed can be meant.
///
/// # Errors
/// With the first of what cannot.
pub fn checked(args: &LoadArgs) -> Result<Pace, Failure> {
    within_bounds(args)?;
    times_within_bounds(args)?;
    let pace = pace(args)?;
    fits_mode(args, pace)?;
    writable(args)?;
    Ok(pace)
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
