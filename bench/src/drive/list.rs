//! `list`: what there is to run, and for how long.

use std::process::ExitCode;

use measure::Contestant;
use record::{Holds, Suite, read_suite};

use super::failure::{Exit, Failure, print};
use super::site::Site;
use super::suites::SUITES;
use super::{entrants, labs, plan, session};
use crate::Who;

const COLUMNS: usize = 80;

/// The verb.
///
/// # Errors
/// When contenders cannot be gathered.
pub fn list(who: &Who, json: bool) -> Result<ExitCode, Failure> {
    let contestants = entrants::gather(who, |_| true, None)?;
    let suites: Vec<record::Suite> = SUITES
        .iter()
        .filter_map(|(name, text)| read_suite(text, std::path::Path::new(name)).ok())
        .collect();
    if json {
        let entrants: Vec<_> = contestants.iter().map(|one| &one.entrant).collect();
        let suites: Vec<_> = suites
            .iter()
            .map(|suite| serde_json::json!({ "name": suite.name, "suite": suite }))
            .collect();
        print(&serde_json::json!({ "suites": suites, "contenders": entrants }));
        return Ok(Exit::Well.into());
    }
    let mut lines = vec!["Suites (fiveways run SUITE, or some of it: --scenario REGEX)".to_owned()];
    for suite in &suites {
        let about = format!(
            "{}{}: {}",
            suite.name,
            takes(suite, &contestants)?,
            suite.question
        );
        lines.extend(wrapped("  ", &about));
        let scenarios = suite.scenarios.iter().map(|it| (&it.name, &it.title));
        let labs = suite.labs.iter().map(|it| (&it.name, &it.title));
        let all: Vec<(&String, &String)> = scenarios.chain(labs).collect();
        let wide = widest(all.iter().map(|(name, _)| name.as_str()));
        for (name, title) in all {
            lines.extend(wrapped(&format!("    {name:<wide$}  "), title));
        }
    }
    lines.extend([String::new(), "Contenders (--only REGEX)".to_owned()]);
    let wide = widest(contestants.iter().map(|one| one.entrant.name.as_str()));
    for contestant in &contestants {
        let entrant = &contestant.entrant;
        let holds = match entrant.holds {
            Holds::One => "one client at a time",
            Holds::Workers => "a client a worker",
            Holds::Any => "any number of clients",
        };
        let state = match &entrant.skipped {
            Some(reason) => format!("skipped: {reason}"),
            None => holds.to_owned(),
        };
        let name = format!("  {:<wide$}  {:<21}  ", entrant.name, entrant.family);
        lines.extend(wrapped(&name, &state));
    }
    print(&lines.join("\n"));
    Ok(Exit::Well.into())
}

/// How long a suite takes, as far as its plan says: ` (some 3 minutes)`. A search finds its own way.
fn takes(suite: &Suite, all: &[Contestant]) -> Result<String, Failure> {
    let mut contestants = labs::mechanisms(suite)?;
    if !suite.scenarios.is_empty() {
        contestants.extend(entrants::select(all.to_vec(), suite.only.as_deref())?);
        entrants::add_own(&mut contestants, suite, &|_| true, &mut Site::Here)?;
    }
    let entrants: Vec<_> = contestants.into_iter().map(|one| one.entrant).collect();
    let passes = plan::passes(suite, &plan::present(&entrants), 0);
    let seconds = session::nominal(suite, &passes).as_secs_f64();
    Ok(match suite.capacity {
        Some(_) => String::new(),
        None if seconds < 90.0 => " (about a minute)".to_owned(),
        None => format!(" (some {:.0} minutes)", (seconds / 60.0).ceil()),
    })
}

fn widest<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|name| name.chars().count()).max().unwrap_or(0)
}

/// `text` after `before`, in the columns of a terminal that nobody widened; what does not fit stands below it.
fn wrapped(before: &str, text: &str) -> Vec<String> {
    let below = " ".repeat(before.chars().count());
    let options = textwrap::Options::new(COLUMNS)
        .initial_indent(before)
        .subsequent_indent(&below);
    let lines = textwrap::wrap(text, options);
    lines.into_iter().map(|line| line.into_owned()).collect()
}
