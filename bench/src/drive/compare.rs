//! `compare`: one run against another, or hosts side by side. It reads folders, asks `report`, and says by its exit
//! code whether something became worse than it may.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use record::Results;
use report::{Gate, Side};

use super::failure::{Exit, Failure, print};
use super::{folder, saved};

/// Columns where nobody says how wide the terminal is.
const WIDTH: usize = 80;

/// What is laid side by side.
#[derive(Args, Clone)]
pub struct CompareArgs {
    /// Results folders or saved names, the one that stood before first [default with --against: the newest]
    #[arg(value_name = "RUN")]
    runs: Vec<String>,
    /// What stood before: a name that `run --save NAME` has kept, or a folder
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
    /// End with exit code 6 when a metric surely went beyond: 'response_ns_p99>+10%', 'throughput_per_s<-5%'
    #[arg(long, value_name = "METRIC>+N%", conflicts_with = "by")]
    fail_if: Vec<Gate>,
    /// A dot a host instead: each contender's ratio to the reference, over all folders
    #[arg(long, value_name = "WHAT")]
    by: Option<By>,
    /// With --by: of what [default: throughput_per_s; of lessons, what they ask]
    #[arg(long, value_name = "METRIC", requires = "by")]
    metric: Option<String>,
    /// With --by: under what [default: the first that has it]
    #[arg(long, value_name = "NAME", requires = "by")]
    scenario: Option<String>,
    /// Write it to a file, too: .md (for a pull request), .json, .txt; with --by .svg, .png, .txt, and of lessons .html
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print Markdown, for a pull request
    #[arg(long, conflicts_with_all = ["json", "by"])]
    markdown: bool,
    /// Print one JSON object
    #[arg(long, conflicts_with = "by")]
    pub json: bool,
}

/// By what folders are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Each is of another machine.
    Host,
}

/// The verb.
///
/// # Errors
/// When a folder cannot be read, or a file cannot be written.
pub fn compare(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let read = named(args)?;
    let sides: Vec<Side<'_>> = read
        .iter()
        .map(|(name, results)| Side {
            name: name.clone(),
            results,
        })
        .collect();
    if args.by.is_some() {
        return by_host(args, &sides);
    }
    let compared = report::compare(&sides, &args.fail_if);
    let object = || format!("{:#}\n", compared.object());
    if let Some(path) = &args.output {
        let text = match extension(path) {
            "json" => object(),
            "txt" => compared.terminal(WIDTH),
            _ => compared.markdown(),
        };
        record::write_whole(path, text.as_bytes())?;
    }
    match (args.json, args.markdown) {
        (true, _) => print(&object().trim_end()),
        (_, true) => print(&compared.markdown().trim_end()),
        _ => print(&compared.terminal(WIDTH).trim_end()),
    }
    Ok(match compared.regressions().is_empty() {
        true => Exit::Well,
        false => Exit::Regression,
    }
    .into())
}

/// What a class has predicted and measured, where the folders are of lessons and no metric is asked for.
fn of_class(args: &CompareArgs, sides: &[Side<'_>]) -> Result<Option<ExitCode>, Failure> {
    let class = match args.metric {
        Some(_) => None,
        None => report::class(sides, WIDTH),
    };
    let Some(class) = class else {
        return Ok(None);
    };
    if let Some(path) = &args.output {
        let text = match extension(path) {
            "html" => class.html.as_bytes(),
            "txt" => class.text.as_bytes(),
            _ => {
                let cause = "a class is a page or a text: it has a picture for each question";
                return Err(Failure::usage(
                    format!("{} cannot hold a class", path.display()),
                    cause,
                )
                .hint("-o class.html"));
            }
        };
        record::write_whole(path, text)?;
    }
    print(&class.text.trim_end());
    Ok(Some(Exit::Well.into()))
}

fn by_host(args: &CompareArgs, sides: &[Side<'_>]) -> Result<ExitCode, Failure> {
    if let Some(code) = of_class(args, sides)? {
        return Ok(code);
    }
    let metric = args.metric.as_deref().unwrap_or("throughput_per_s");
    let made = report::by_host(sides, metric, args.scenario.as_deref(), WIDTH);
    let (table, svg, png) = made.map_err(|cause| {
        Failure::usage("there is nothing to lay side by side", cause)
            .hint("--metric throughput_per_s, response_ns_p99, cpu_us_per_request or memory_bytes_per_connection")
    })?;
    if let Some(path) = &args.output {
        let bytes = match extension(path) {
            "svg" => svg.as_bytes(),
            "png" => &png,
            _ => table.as_bytes(),
        };
        record::write_whole(path, bytes)?;
    }
    print(&table.trim_end());
    Ok(Exit::Well.into())
}

fn extension(path: &Path) -> &str {
    path.extension()
        .and_then(|it| it.to_str())
        .unwrap_or_default()
}

/// Every run that is meant, with its records; the one that stood before first.
fn named(args: &CompareArgs) -> Result<Vec<(String, Results)>, Failure> {
    let mut runs: Vec<(String, PathBuf)> = Vec::new();
    for word in args.against.iter().chain(&args.runs) {
        runs.push((word.clone(), saved::find(word)?));
    }
    if args.against.is_some() && args.runs.is_empty() {
        let newest = folder::newest()?;
        runs.push((newest.display().to_string(), newest));
    }
    if runs.len() < 2 && args.by.is_none() || runs.is_empty() {
        return Err(
            Failure::usage("a comparison takes two runs", "one or none is named")
                .hint("fiveways compare DIR DIR, or fiveways compare --against NAME"),
        );
    }
    runs.into_iter()
        .map(|(name, folder)| Ok((name, folder::read(&folder)?)))
        .collect()
}
