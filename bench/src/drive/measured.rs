//! What a session ends with: results, and what broke it off if something did. It tells what was kept and what to type
//! next; how good the figures are, `report` tells.

use std::path::PathBuf;

use measure::AgentError;
use record::{BrokenOff, Outcome, Pass, Results, StoreError, Summary};

use super::failure::{Exit, Failure, note, of_a_limit};
use super::resume;
use super::turn::Turn;

/// What was measured, to its end or not.
pub struct Measured {
    /// The results folder.
    pub folder: PathBuf,
    /// Plan and passes.
    pub results: Results,
    /// What ended it before its plan was done.
    pub ended: Result<(), Broken>,
    /// Kept for what follows: traces, and the report, are work that would disturb whoever is next. `None` where nothing
    /// was left to measure.
    pub turn: Option<Turn>,
}

/// What ended a session before its plan was done.
pub enum Broken {
    /// An agent is gone, or the user has interrupted.
    Agent(AgentError),
    /// Nothing can be recorded any more.
    Store(StoreError),
}

impl Measured {
    /// Whether nothing broke it off.
    pub fn is_whole(&self) -> bool {
        self.ended.is_ok()
    }

    /// Writes the report, and returns what stands in it. Where the run broke off because nothing can be written, that is
    /// what is told at the end, and the report is missed in passing.
    ///
    /// # Errors
    /// When it alone cannot be written.
    pub fn write_report(&self, language: report::Language) -> Result<Summary, Failure> {
        match report::write_in(&self.folder, &self.results, language) {
            Err(error) if matches!(self.ended, Err(Broken::Store(_))) => {
                note(&format!("its report cannot be written either: {error}"));
                Ok(report::summarise(&self.results))
            }
            written => Ok(written?.summary),
        }
    }

    /// How the program ends: by what broke the session off, else by what happened to the passes.
    ///
    /// # Errors
    /// When the tool itself could not go on: what it is, and what was kept.
    pub fn exit(self) -> Result<Exit, Failure> {
        let kept = format!(
            "{} of {} passes are kept in {}",
            self.results.passes.len(),
            self.results.run.passes.len(),
            self.folder.display()
        );
        let go_on = resume::command(&self.folder);
        let broke_off = |phase, cause: String| {
            Failure::tool(phase, format!("the run broke off; {kept}"), cause)
        };
        match self.ended {
            Ok(()) => Ok(strongest(&self.results)),
            Err(Broken::Agent(AgentError::Interrupted)) => {
                note(&format!("interrupted; {kept}\n  try: {go_on}"));
                Ok(Exit::Interrupted)
            }
            Err(Broken::Agent(error)) => {
                let broken = self.results.run.broken_off.as_ref();
                let during = broken.map_or(String::new(), under_way);
                Err(broke_off("measure", format!("{error}{during}"))
                    .hint(format!("{go_on}; if it happens again, fiveways verify")))
            }
            Err(Broken::Store(error)) => {
                let cause = error.to_string();
                let when = of_a_limit(&cause).unwrap_or("once it can be written to");
                let hint = format!("{go_on}, {when}; what is recorded stays");
                Err(broke_off("results", cause).hint(hint))
            }
        }
    }
}

/// What was being measured then, if anything was.
fn under_way(broken: &BrokenOff) -> String {
    match broken.contenders.join(", ") {
        nobody if nobody.is_empty() => String::new(),
        names => format!(
            "; it was round {} of {}, with {names}",
            broken.round, broken.scenario
        ),
    }
}

/// The strongest of what happened to the passes. That a rate was too high for a server is what a search looks for.
fn strongest(results: &Results) -> Exit {
    let probes = results.run.suite.scenarios.iter().filter(|it| it.probe);
    let probes: Vec<&str> = probes.map(|it| it.name.as_str()).collect();
    let found = |pass: &&Pass| {
        let ended = matches!(pass.outcome, Outcome::Wrong | Outcome::Crashed);
        ended || !probes.contains(&pass.scenario.as_str())
    };
    let any = |outcome: fn(Outcome) -> bool| {
        let mut passes = results.passes.iter().filter(found);
        passes.any(|pass| outcome(pass.outcome))
    };
    if any(|outcome| outcome == Outcome::Wrong) {
        Exit::WrongBytes
    } else if any(|outcome| !outcome.is_good() && outcome != Outcome::Skipped) {
        Exit::CellsFailed
    } else {
        Exit::Well
    }
}
