//! `export`: the figures of every round for other people's tools.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use record::Results;
use report::Of;

use super::failure::{Exit, Failure, print};
use super::folder;

/// What is written, and where.
#[derive(Args, Clone)]
pub struct ExportArgs {
    /// A results folder or a saved name [default: the newest below ./results]
    #[arg(value_name = "DIR")]
    dir: Option<String>,
    /// As what [default: as the output's name says, else csv]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Where to [default: standard output]; of hgrm a folder, which gets a folder a scenario and a file a contender
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Of hgrm: which time
    #[arg(long, value_name = "TIME", default_value = "response")]
    of: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each contender, scenario, metric and round
    Csv,
    /// The same lines as JSON objects: `fiveways schema observation`
    Json,
    /// A percentile file for each cell, for the HdrHistogram plotter
    Hgrm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Time {
    /// From when a request was due
    Response,
    /// From when it was sent
    Service,
    /// Until a connection stands
    Connect,
}

/// The verb.
///
/// # Errors
/// When the folder cannot be read, or the output cannot be written.
pub fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let (folder, results) = folder::meant(args.dir.as_deref())?;
    let output = args
        .output
        .as_deref()
        .filter(|path| path.as_os_str() != "-");
    let format = args.format.unwrap_or_else(|| by_name(output));
    if format == Format::Hgrm {
        let output = output.ok_or_else(|| {
            Failure::usage(
                "there is no place for percentile files",
                "they are a file for each cell",
            )
            .hint("-o FOLDER")
        })?;
        return distributions(args, &folder, &results, output);
    }
    let observations = report::observations(&results, &report::summarise(&results));
    let bytes = match format {
        Format::Json => report::json_lines(&observations),
        _ => report::csv(&observations),
    };
    let bytes = bytes.map_err(|cause| {
        Failure::tool("export", "the figures cannot be written", cause)
            .hint("the other --format (csv, json); the records are kept")
    })?;
    match output {
        Some(path) => write(path, &bytes)?,
        None => print(&String::from_utf8_lossy(&bytes).trim_end()),
    }
    Ok(Exit::Well.into())
}

/// What a file's name says that it is.
fn by_name(output: Option<&Path>) -> Format {
    match output.and_then(Path::extension).and_then(|it| it.to_str()) {
        Some("json" | "jsonl" | "ndjson") => Format::Json,
        _ => Format::Csv,
    }
}

fn distributions(
    args: &ExportArgs,
    folder: &Path,
    results: &Results,
    output: &Path,
) -> Result<ExitCode, Failure> {
    let of = match args.of {
        Time::Response => Of::Response,
        Time::Service => Of::Service,
        Time::Connect => Of::Connect,
    };
    let files = report::distributions(results, of).map_err(|cause| {
        Failure::tool("export", "a distribution cannot be read", cause)
            .hint("--format csv, which needs none")
    })?;
    if files.is_empty() {
        let what = format!("{} has no such distributions", folder.display());
        return Err(
            Failure::usage(what, "no pass recorded any").hint("--of service, or --format csv")
        );
    }
    for (path, text) in &files {
        let path = output.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| refused(&path, &error.to_string()))?;
        }
        write(&path, text.as_bytes())?;
    }
    Ok(Exit::Well.into())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    record::write_whole(path, bytes).map_err(|error| refused(path, &error.to_string()))
}

fn refused(path: &Path, cause: &str) -> Failure {
    let what = format!("{} cannot be written", path.display());
    Failure::tool("output", what, cause).hint("-o in a folder that you may write to")
}
