//! `list`: what there is to run.

use std::process::ExitCode;

use record::{Holds, read_suite};

use super::entrants;
use super::failure::{Exit, Failure, print};
use super::suites::SUITES;
use crate::Who;

/// The verb.
///
/// # Errors
/// When contenders cannot be gathered.
pub fn list(who: &Who, json: bool) -> Result<ExitCode, Failure> {
    let contestants = entrants::gather(who)?;
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
    let mut text = String::from("Suites (fiveways run SUITE)\n");
    for suite in &suites {
        text += &format!("  {}: {}\n", suite.name, suite.question);
        for scenario in &suite.scenarios {
            text += &format!("    {:<12} {}\n", scenario.name, scenario.title);
        }
        for lab in &suite.labs {
            text += &format!("    {:<12} {}\n", lab.name, lab.title);
        }
    }
    text += "\nContenders (--only REGEX)\n";
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
        text += &format!("  {:<24} {:<22} {state}\n", entrant.name, entrant.family);
    }
    print(&text.trim_end());
    Ok(Exit::Well.into())
}
