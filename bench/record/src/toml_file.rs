//! Files that users write, in TOML: one way to say where a mistake is and what was meant.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// A mistake in a file that a user wrote.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}:{column}: {problem}{}", path.display(), hint.as_deref().map(|h| format!("; {h}")).unwrap_or_default())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// From 1; 0 when the file could not be read at all.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
    /// What was probably meant.
    pub hint: Option<String>,
}

/// Parses `text`; `path` is only for messages.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, FileError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let problem = error.message().to_owned();
        file_error(text, path, start, problem)
    })
}

/// A mistake in entry `index` of the array of tables `[[table]]`.
pub(crate) fn entry_error(
    text: &str,
    path: &Path,
    table: &str,
    index: usize,
    problem: String,
) -> FileError {
    let header = format!("[[{table}]]");
    let start = text
        .match_indices(&header)
        .nth(index)
        .map_or(0, |(start, _)| start);
    file_error(text, path, start, problem)
}

fn file_error(text: &str, path: &Path, start: usize, problem: String) -> FileError {
    let before = &text[..text.floor_char_boundary(start)];
    FileError {
        path: path.to_path_buf(),
        line: before.matches('\n').count() + 1,
        column: before.chars().rev().take_while(|&c| c != '\n').count() + 1,
        hint: did_you_mean(&problem),
        problem,
    }
}

/// serde says "unknown field `conections`, expected one of `name`, …"; the nearest of those was meant.
fn did_you_mean(problem: &str) -> Option<String> {
    if !problem.starts_with("unknown ") {
        return None;
    }
    let mut quoted = problem.split('`').skip(1).step_by(2);
    let written = quoted.next()?;
    nearest(written, quoted).map(|word| format!("did you mean `{word}`?"))
}

/// The candidate most like `written`, when one is like enough to be a slip of the hand.
pub fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|word| (strsim::jaro_winkler(written, word), word))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}
