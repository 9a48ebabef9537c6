//! A copy of a results folder to hand on: every figure, and what it rests on, without what tells whose machine it was.
//! Gone are words of servers (their standard error), environments, paths, traces, a student's name, the kernel's command line and build,
//! times of day. CPU, kernel version and settings stay: without them the figures say nothing.

use std::path::Path;

use record::{Entrant, Host, Pass, Results, Run, StoreError, Writer};

use super::failure::Failure;

/// What stands where something was.
const REDACTED: &str = "redacted";

/// Facts that may name a machine, its owner or its place.
const NAMES: &[&str] = &["kernel.command_line", "kernel.build", "process.container"];

/// Makes the copy, without a report.
///
/// # Errors
/// When it cannot be written, or there is a run already.
pub fn copy(results: &Results, folder: &Path) -> Result<Results, Failure> {
    let redacted = Results {
        run: run(&results.run),
        passes: results.passes.iter().map(pass).collect(),
        damage: Vec::new(),
        // They are full of names of files.
        traces: Vec::new(),
    };
    let hint = "--redact COPY with a new folder that you may write to";
    let failed = |error: StoreError| Failure::from(error).hint(hint);
    let mut writer = Writer::create(folder, &redacted.run).map_err(failed)?;
    writer.append(&redacted.passes).map_err(failed)?;
    Ok(redacted)
}

fn run(run: &Run) -> Run {
    let mut run = run.clone();
    let verb = run.command.get(1).cloned().unwrap_or_default();
    run.command = vec![
        "fiveways".to_owned(),
        verb,
        run.suite_name.clone(),
        "--seed".to_owned(),
        run.seed.to_string(),
    ];
    run.started = day(&run.started);
    if let Some(lesson) = &mut run.lesson {
        lesson.student = None;
    }
    for resumption in &mut run.resumed {
        resumption.at = day(&resumption.at);
    }
    // The text has them as they were typed.
    if !run.suite.contenders.is_empty() {
        REDACTED.clone_into(&mut run.suite_text);
    }
    for contender in &mut run.suite.contenders {
        let values = contender.env.values_mut();
        values.for_each(|value| REDACTED.clone_into(value));
        for words in [
            &mut contender.command,
            &mut contender.build,
            &mut contender.version,
        ] {
            without_paths(words);
        }
    }
    run.entrants.iter_mut().for_each(entrant);
    host(&mut run.host);
    run
}

/// `2026-05-04T11:12:13Z` at midnight.
fn day(time: &str) -> String {
    let day = time.split('T').next().unwrap_or_default();
    format!("{day}T00:00:00Z")
}

fn without_paths(words: &mut [String]) {
    for word in words {
        *word = report::without_paths(word);
    }
}

fn entrant(entrant: &mut Entrant) {
    without_paths(&mut entrant.command);
    let said = [Some(&mut entrant.version), entrant.skipped.as_mut()];
    for text in said.into_iter().flatten() {
        *text = report::without_paths(text);
    }
}

fn host(host: &mut Host) {
    // `Linux 6.1.0-owner1` is 6.1.0 as far as figures go.
    let version = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == ' ';
    host.kernel = host.kernel.chars().take_while(|c| version(*c)).collect();
    host.cgroup = report::without_paths(&host.cgroup);
    for fact in &mut host.facts {
        if NAMES.contains(&fact.name.as_str()) {
            fact.value = None;
            fact.reason = Some(REDACTED.to_owned());
        }
    }
}

fn pass(pass: &Pass) -> Pass {
    let mut pass = pass.clone();
    if let Some(cause) = &mut pass.cause {
        cause.text = report::without_paths(&cause.text);
        if !cause.stderr.is_empty() {
            REDACTED.clone_into(&mut cause.stderr);
        }
    }
    pass
}
