//! Contenders: anything that can be measured. A name, a command that listens on a port, and what it holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toml_file::{self, FileError};

/// The name, and the family, of the reference's second copy in sliced scenarios. It is no contender: it stands in
/// no table and no ranking. How far it seems to be from its twin is what a run cannot tell apart.
pub const CONTROL: &str = "control";

/// How many clients a contender serves at the same moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// One connection until it closes (the iterative server).
    One,
    /// Each worker owns one connection until it closes (prefork, thread pool).
    Workers,
    /// As many as descriptors and memory allow.
    #[default]
    Any,
}

impl std::str::FromStr for Holds {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "one" => Ok(Holds::One),
            "workers" => Ok(Holds::Workers),
            "any" => Ok(Holds::Any),
            other => Err(format!("holds is `one`, `workers` or `any`, not `{other}`")),
        }
    }
}

/// One contender, as a `[[contender]]` of a TOML file says it or as `echo-server --list` does.
///
/// In `command` and `build`, `{port}`, `{address}` (where its clients find it), `{workers}`, `{message}`, `{work}`, `{dir}`
/// (where the file stands) and `{root}` (the workspace) are replaced; there is no shell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contender {
    /// `[a-z0-9-]+`, unique in a run.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The family of concurrency models it belongs to; `foreign` unless said.
    #[serde(default = "foreign")]
    pub family: String,
    /// How many clients it serves at the same moment.
    #[serde(default)]
    pub holds: Holds,
    /// A command whose first output line is the version; without it the program's hash is recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version: Vec<String>,
    /// A command run once before the first round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub build: Vec<String>,
    /// Programs that must be on PATH; a missing one means: skipped, by this name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// Environment beside PATH, HOME and LANG=C.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// What `{dir}` stands for: the folder of the file that names this contender.
    #[serde(skip)]
    pub dir: PathBuf,
}

fn foreign() -> String {
    "foreign".to_owned()
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ContenderFile {
    #[serde(default)]
    contender: Vec<Contender>,
}

/// Reads the `[[contender]]`s of a TOML text; `path` is for messages, its folder becomes `{dir}`.
///
/// # Errors
/// With file, line, column and, for a misspelt field, the nearest known one.
pub fn read_contenders(text: &str, path: &Path) -> Result<Vec<Contender>, FileError> {
    let file: ContenderFile = toml_file::parse(text, path)?;
    let dir = path.parent().unwrap_or(Path::new(".")).to_path_buf();
    let mut contenders = file.contender;
    for (index, contender) in contenders.iter_mut().enumerate() {
        if let Err(problem) = check(contender) {
            return Err(toml_file::entry_error(
                text,
                path,
                "contender",
                index,
                problem,
            ));
        }
        contender.dir = dir.clone();
    }
    Ok(contenders)
}

/// Whether `name` may name a contender or a scenario: `[a-z0-9-]+`.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn check(contender: &Contender) -> Result<(), String> {
    let name = &contender.name;
    if !is_name(name) {
        return Err(format!("name `{name}` may hold only a-z, 0-9 and -"));
    }
    if contender.command.is_empty() {
        return Err(format!("contender `{name}` has an empty command"));
    }
    if !contender.command.iter().any(|word| word.contains("{port}")) {
        return Err(format!(
            "the command of `{name}` does not say where the port goes: write {{port}}"
        ));
    }
    Ok(())
}
