//! `echo-server MODEL --port N`: one echo service, served in the way that MODEL names.
//!
//! All that a server is beside its model happens here, before it listens: options, limits, signals, the
//! state it holds and the work it does. The models stand in `models/`, the service in `echo.rs`.

mod channel;
mod clients;
mod crew;
mod echo;
mod hall;
mod handover;
mod listen;
mod lock;
mod master;
mod models;
mod nonblocking;
mod offload;
mod options;
mod orders;
mod patience;
mod scratch;
mod signals;
mod sys;
mod tally;
mod work;

use std::io::{self, Write};
use std::process::ExitCode;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use models::{Model, Server};
use options::{Command, Options};

fn main() -> ExitCode {
    match options::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve(options)) => match run(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(options.model, &error),
        },
        Ok(Command::Check(model)) => match model.check() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(model, &error),
        },
        Ok(Command::Print(text)) => {
            // A reader that went away (`| head -1`) is no error of ours.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(problem) => fail(&problem, 2),
    }
}

fn run(options: &Options) -> io::Result<()> {
    raise_descriptor_limit()?;
    tally::begin(options.workers)?;
    signals::install(options.model.name)?;
    let service = work::Service::prepare(options)?;
    // One for the life of the process: threads and tasks may hold on to it without counting.
    let server: &'static Server = Box::leak(Box::new(Server {
        address: options.address,
        workers: options.workers,
        recycle: options.recycle,
        stack: options.stack,
        service,
    }));
    (options.model.serve)(server)
}

fn raise_descriptor_limit() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

/// The status of sysexits(3) for what this machine does not allow: a harness then skips the model.
const UNAVAILABLE: u8 = 69;

fn refuse(model: &Model, error: &io::Error) -> ExitCode {
    let status = match error.kind() {
        io::ErrorKind::Unsupported => UNAVAILABLE,
        _ => 1,
    };
    fail(&format!("{}: {error}", model.name), status)
}

fn fail(problem: &str, status: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "echo-server: {problem}");
    ExitCode::from(status)
}
