//! Where contenders are looked for, asked and built: where they will run. Here, or on the servers' host by its agent.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use measure::{AgentError, Bench, Program, Said};

use super::failure::Failure;

/// That place.
pub enum Site<'a> {
    /// This very host.
    Here,
    /// The servers' host.
    There(&'a mut Bench),
}

impl<'a> Site<'a> {
    /// On hosts of the user's, if there are any.
    pub fn of(bench: Option<&'a mut Bench>) -> Self {
        bench.map_or(Site::Here, Site::There)
    }

    /// The file that a command's first word names there.
    ///
    /// # Errors
    /// When the host is lost.
    pub fn find(&mut self, name: &str) -> Result<Option<Program>, Failure> {
        match self {
            Site::Here => Ok(read_once(name)),
            Site::There(bench) => bench.program(name).map_err(lost),
        }
    }

    /// Whether there is such a program, whatever is in it.
    ///
    /// # Errors
    /// When the host is lost.
    pub fn has(&mut self, name: &str) -> Result<bool, Failure> {
        match self {
            Site::Here => Ok(measure::locate_program(name).is_some()),
            Site::There(bench) => Ok(bench.program(name).map_err(lost)?.is_some()),
        }
    }

    /// Runs a command there to its end, without a shell; the inner error is its own.
    ///
    /// # Errors
    /// When the host is lost.
    pub fn run(&mut self, argv: &[String]) -> Result<Result<Said, String>, Failure> {
        match self {
            Site::Here => Ok(measure::run_program(argv, None).map_err(|error| error.to_string())),
            Site::There(bench) => match bench.run(argv) {
                Ok(said) => Ok(Ok(said)),
                Err(AgentError::Refused(cause)) => Ok(Err(cause.text)),
                Err(error) => Err(lost(error)),
            },
        }
    }

    /// Where servers listen there: where their clients are, and nowhere else.
    pub fn address(&self) -> String {
        match self {
            Site::Here => "127.0.0.1".to_owned(),
            Site::There(bench) => bench.address().to_string(),
        }
    }

    /// Whether that is another place than this.
    pub fn is_there(&self) -> bool {
        matches!(self, Site::There(_))
    }

    /// ` on the server's host`, if that is another than this.
    pub fn words(&self) -> &'static str {
        if self.is_there() {
            " on the server's host"
        } else {
            ""
        }
    }
}

/// A program of this host. Many contenders are one program, and reading a large one takes a while.
fn read_once(name: &str) -> Option<Program> {
    static READ: Mutex<BTreeMap<String, Program>> = Mutex::new(BTreeMap::new());
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = read.get(name) {
        return Some(known.clone());
    }
    let found = measure::find_program(name)?;
    read.insert(name.to_owned(), found.clone());
    Some(found)
}

fn lost(error: AgentError) -> Failure {
    Failure::agent(
        "prepare",
        "the server's host cannot be asked for its contenders",
        &error,
        "the launcher's command by hand: it waits for messages, and ends at Ctrl-D",
    )
}
