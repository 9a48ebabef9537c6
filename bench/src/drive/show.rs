//! `show`: a results folder in this terminal, as wide as it is.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use record::{Results, Summary};
use report::Shown;
use terminal_size::{Width, terminal_size_of};

use super::failure::{Exit, Failure};
use super::{folder, saved};

/// Columns where there is no terminal.
const COLUMNS: usize = 80;

/// What is shown.
#[derive(Args, Clone)]
pub struct ShowArgs {
    /// A results folder or a saved name [default: the newest below ./results], a scenario of it, a metric
    #[arg(value_name = "DIR|SCENARIO|METRIC")]
    what: Vec<String>,
    /// Bars of this metric, wherever it is known
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
}

/// The verb.
///
/// # Errors
/// When the folder cannot be read, or has nothing of this name.
pub fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let is_folder = |word: &String| word.contains('/') || saved::find(word).is_ok();
    let (folders, others): (Vec<&String>, Vec<&String>) =
        args.what.iter().partition(|word| is_folder(word));
    if folders.len() > 1 {
        return Err(Failure::usage(
            "one results folder is shown at a time",
            format!("{} are named", folders.len()),
        )
        .hint("fiveways compare, for more than one"));
    }
    let (folder, results) = folder::meant(folders.first().map(|it| it.as_str()))?;
    let summary = report::summarise(&results);
    let mut shown = Shown {
        metric: args.metric.as_deref(),
        columns: columns(),
        path: Some(folder.join("report.html")).filter(|path| path.exists()),
        ..Shown::default()
    };
    for word in others {
        sort_in(word, &mut shown, &results, &summary)?;
    }
    if let Some(metric) = shown.metric {
        let known = metrics(&summary);
        if !known.iter().any(|it| it == metric) {
            return Err(Failure::unknown("metric", metric, &known));
        }
    }
    let text = report::show(&results, &summary, &shown).map_err(|cause| {
        Failure::usage("there is nothing to show", cause)
            .hint(format!("fiveways show {}", folder.display()))
    })?;
    // Whoever reads no colours gets none; a reader who has left is no error.
    let _ = write!(anstream::stdout().lock(), "{text}");
    Ok(Exit::Well.into())
}

fn columns() -> usize {
    terminal_size_of(std::io::stdout()).map_or(COLUMNS, |(Width(columns), _)| columns.into())
}

fn metrics(summary: &Summary) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for it in &summary.estimates {
        if !names.contains(&it.metric) {
            names.push(it.metric.clone());
        }
    }
    names
}

/// A word that is no folder: a scenario, or a metric.
fn sort_in<'a>(
    word: &'a str,
    shown: &mut Shown<'a>,
    results: &Results,
    summary: &Summary,
) -> Result<(), Failure> {
    let suite = &results.run.suite;
    let scenarios = suite.scenarios.iter().map(|it| &it.name);
    let names: Vec<String> = scenarios
        .chain(suite.labs.iter().map(|it| &it.name))
        .cloned()
        .collect();
    if names.iter().any(|name| name == word) {
        shown.scenario = Some(word);
        return Ok(());
    }
    let metrics = metrics(summary);
    if metrics.iter().any(|metric| metric == word) {
        shown.metric = Some(word);
        return Ok(());
    }
    let known = names.iter().chain(&metrics).map(String::as_str);
    let failure = Failure::usage(
        format!("`{word}` is no results folder, no saved name, no scenario and no metric"),
        format!("there are the scenarios {}", names.join(", ")),
    );
    Err(match record::nearest(word, known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("fiveways show DIR"),
    })
}
