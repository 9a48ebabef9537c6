//! Suites: TOML files of scenarios that are read together.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contender::Contender;
use crate::lab::Lab;
use crate::quick::Quick;
use crate::scenario::Scenario;
use crate::search::Search;
use crate::toml_file::{self, FileError};

/// Scenarios that are read together, and the question they answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The file's stem.
    #[serde(skip)]
    pub name: String,
    /// What the whole suite asks.
    pub question: String,
    /// The contender that ratios refer to.
    pub reference: String,
    /// A regular expression of the contenders that it is about, where it is not about all; who is added by hand
    /// takes part all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// Whether the textbook's claims are judged by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claims: bool,
    /// Whether published results are judged by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub papers: bool,
    /// What `--quick` leaves of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quick: Option<Quick>,
    /// Contenders that take part in this suite alone.
    #[serde(default, rename = "contender", skip_serializing_if = "Vec::is_empty")]
    pub contenders: Vec<Contender>,
    /// The search for capacities that goes before everything else, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Search>,
    /// In the order of the file.
    #[serde(default, rename = "scenario", skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<Scenario>,
    /// Parts that are measured by themselves, in the order of the file.
    #[serde(default, rename = "lab", skip_serializing_if = "Vec::is_empty")]
    pub labs: Vec<Lab>,
}

impl Suite {
    /// What is wrong with the whole.
    fn problem(&self) -> Option<String> {
        let taken = |one: &&Scenario| one.name == Search::FIRST || one.name.starts_with("rate-");
        if let (Some(_), Some(one)) = (&self.capacity, self.scenarios.iter().find(taken)) {
            return Some(format!(
                "scenario `{}` has the name of a look of the search",
                one.name
            ));
        }
        if let Some(Err(problem)) = self.capacity.as_ref().map(Search::check) {
            return Some(problem);
        }
        if let Some(name) = self.quick_stranger() {
            return Some(format!(
                "[quick] leaves out `{name}`, which the suite has not"
            ));
        }
        let share = |one: &&Scenario| one.pace.share().is_some();
        let asking = self.scenarios.iter().find(share)?;
        self.capacity.is_none().then(|| {
            format!(
                "scenario `{}` asks for a share of a capacity, and the suite has no [capacity] search",
                asking.name
            )
        })
    }
}

/// Reads a suite; `path` is for messages, its stem becomes the name.
///
/// # Errors
/// With file, line, column and, for a misspelt field, the nearest known one.
pub fn read_suite(text: &str, path: &Path) -> Result<Suite, FileError> {
    let mut suite: Suite = toml_file::parse(text, path)?;
    suite.name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    if let Some(problem) = suite.problem() {
        return Err(toml_file::entry_error(text, path, "scenario", 0, problem));
    }
    let mut names = std::collections::HashSet::new();
    for (index, scenario) in suite.scenarios.iter().enumerate() {
        let known = names.insert(&scenario.name);
        let problem = match scenario.check() {
            Ok(()) if known => continue,
            Ok(()) => format!("scenario `{}` stands twice", scenario.name),
            Err(problem) => problem,
        };
        return Err(toml_file::entry_error(
            text, path, "scenario", index, problem,
        ));
    }
    for (index, lab) in suite.labs.iter().enumerate() {
        let known = names.insert(&lab.name);
        let problem = match lab.check() {
            Ok(()) if known => continue,
            Ok(()) => format!("lab `{}` stands twice", lab.name),
            Err(problem) => problem,
        };
        return Err(toml_file::entry_error(text, path, "lab", index, problem));
    }
    if suite.scenarios.is_empty() && suite.labs.is_empty() {
        let problem = "it has neither a [[scenario]] nor a [[lab]]".to_owned();
        return Err(toml_file::entry_error(text, path, "scenario", 0, problem));
    }
    Ok(suite)
}
