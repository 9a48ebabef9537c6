//! `explain`: what is behind a word that fiveways prints. Texts are `report`'s; what is added here is the source of our
//! models, compiled in as it was built.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use record::Results;
use record::trace::Source;

use super::failure::{Exit, Failure, print};
use super::folder::newest;

mod sources;

const COLUMNS: usize = 80;

/// What is to be explained.
#[derive(Args, Clone)]
pub struct ExplainArgs {
    /// A model, a metric, a doubt, a claim (C1 to C17), a paper, a yardstick or an exit code; without it, all by name
    #[arg(value_name = "MODEL|METRIC|DOUBT|CLAIM|EXIT-CODE")]
    topic: Option<String>,
    /// A results folder, for figures [default: the newest below ./results, if there is one]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Of a model: its source as well, as it was built
    #[arg(long)]
    source: bool,
    /// The claims in this language
    #[arg(long, value_name = "en|zh", default_value = "en", value_parser = language)]
    lang: report::Language,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Of a model of ours: what it is made of, as it was built.
pub fn source_of(name: &str) -> Option<Source> {
    let model = sources::of_model(name)?;
    Some(Source {
        path: model.path,
        text: model.source.to_owned(),
    })
}

/// `en` or `zh`.
///
/// # Errors
/// For any other.
pub fn language(word: &str) -> Result<report::Language, String> {
    match word {
        "en" => Ok(report::Language::English),
        "zh" => Ok(report::Language::Chinese),
        other => Err(format!("there is no text in `{other}`: en or zh")),
    }
}

/// The verb.
///
/// # Errors
/// When nothing is called so, or the folder cannot be read.
pub fn explain(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let Some(topic) = &args.topic else {
        told(args, "everything", &all());
        return Ok(Exit::Well.into());
    };
    let results = results(args)?;
    let lines = match sources::of_model(topic) {
        Some(model) => model_lines(&model, results.as_ref(), args.source),
        None => report::explain(topic, results.as_ref(), args.lang, COLUMNS)
            .ok_or_else(|| unknown(topic))?,
    };
    told(args, topic, &lines);
    Ok(Exit::Well.into())
}

fn told(args: &ExplainArgs, topic: &str, lines: &[String]) {
    match args.json {
        true => print(&serde_json::json!({ "topic": topic, "lines": lines })),
        false => print(&lines.join("\n")),
    }
}

fn unknown(topic: &str) -> Failure {
    let known: Vec<String> = sources::names().chain(report::topics()).collect();
    let near = record::nearest(topic, known.iter().map(String::as_str));
    let failure = Failure::usage(
        format!("nothing here is called `{topic}`"),
        "explain knows models, metrics, doubts, outcomes, claims, papers, yardsticks and exit codes",
    );
    failure.hint(near.map_or("fiveways explain".to_owned(), |near| {
        format!("fiveways explain {near}")
    }))
}

/// The folder that was said, else the newest, if there is one.
fn results(args: &ExplainArgs) -> Result<Option<Results>, Failure> {
    let read = |folder: &PathBuf| {
        record::read_results(folder).map_err(|error| {
            Failure::usage(
                format!("{} cannot be read", folder.display()),
                error.to_string(),
            )
            .hint("--results DIR with a folder that `fiveways run` has written")
        })
    };
    match (&args.results, newest()) {
        (Some(folder), _) => read(folder).map(Some),
        // Figures are a welcome addition: a folder that cannot be read is no reason to explain nothing.
        (None, Ok(folder)) => Ok(read(&folder).ok()),
        (None, Err(_)) => Ok(None),
    }
}

/// Every word, by kind.
fn all() -> Vec<String> {
    let topics = report::topics();
    let is_claim = |word: &String| word.starts_with('C') && word[1..].parse::<u8>().is_ok();
    let is_code = |word: &String| word.parse::<u8>().is_ok();
    let is_metric = |word: &String| record::metric(word).is_some();
    let is_paper = |word: &String| report::paper(word).is_some();
    let kinds: [(&str, Vec<String>); 6] = [
        ("Models", sources::names().collect()),
        (
            "Claims of the textbook",
            topics.iter().filter(|it| is_claim(it)).cloned().collect(),
        ),
        (
            "Published results",
            topics.iter().filter(|it| is_paper(it)).cloned().collect(),
        ),
        (
            "Metrics",
            topics.iter().filter(|it| is_metric(it)).cloned().collect(),
        ),
        (
            "Doubts, outcomes, yardsticks",
            topics
                .iter()
                .filter(|it| !is_claim(it) && !is_code(it) && !is_metric(it) && !is_paper(it))
                .cloned()
                .collect(),
        ),
        (
            "Exit codes",
            topics.iter().filter(|it| is_code(it)).cloned().collect(),
        ),
    ];
    let mut lines = Vec::new();
    for (head, words) in kinds {
        lines.push(head.to_owned());
        let options = textwrap::Options::new(COLUMNS)
            .initial_indent("  ")
            .subsequent_indent("  ")
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        lines.extend(
            textwrap::wrap(&words.join(", "), options)
                .into_iter()
                .map(|line| line.into_owned()),
        );
    }
    lines
}

/// The header that its source opens with, what it does for a request as measured, what it buys, what to read.
fn model_lines(model: &sources::Model, results: Option<&Results>, source: bool) -> Vec<String> {
    let sources::Model { name, path, .. } = model;
    let mut lines = vec![
        format!("{name}: {} ({})", model.sentence, model.family),
        String::new(),
    ];
    let drawn = |line: &String| line.contains(['─', '►', '│', '▼', '┐']);
    for line in model.header() {
        match drawn(&line) {
            true => lines.push(line),
            false => lines.extend(wrap(&line)),
        }
    }
    lines.push(String::new());
    lines.extend(calls(name, results));
    if let Some(text) = report::model_text(name) {
        lines.push(String::new());
        lines.extend(wrap(&format!("It buys {}", text.buys)));
        lines.extend([String::new(), "To read:".to_owned()]);
        lines.extend(text.reading.iter().flat_map(|it| wrap(&format!("- {it}"))));
    }
    lines.push(String::new());
    if source {
        lines.extend([format!("{path}, as built:"), String::new()]);
        lines.extend(model.source.lines().map(str::to_owned));
    } else {
        lines.push(format!("Its source ({path}):"));
        lines.push(format!("  fiveways explain {name} --source"));
    }
    lines
}

/// What a request makes the kernel do, if a run here has counted it.
fn calls(name: &str, results: Option<&Results>) -> Vec<String> {
    let counted = results.map(|it| (&it.run.suite_name, report::calls_of(it, name)));
    match counted {
        Some((suite, calls)) if !calls.is_empty() => {
            let head = format!("System calls per request, as the run of {suite} counted them:");
            let calls = calls.iter().flat_map(|line| wrap(line));
            std::iter::once(head).chain(calls).collect()
        }
        _ => {
            wrap("System calls per request: no run here has counted them (fiveways run counters).")
        }
    }
}

fn wrap(text: &str) -> Vec<String> {
    let options = textwrap::Options::new(COLUMNS).subsequent_indent("  ");
    let lines = textwrap::wrap(text, options).into_iter();
    lines.map(std::borrow::Cow::into_owned).collect()
}
