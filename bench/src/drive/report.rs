//! `report`: makes everything derived in a results folder again, from its records alone.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use super::failure::{Exit, Failure, print};
use super::{folder, redact};

/// Columns of a lesson that is told again.
const COLUMNS: usize = 80;

/// The verb.
///
/// # Errors
/// When there are no results, or the folder cannot be written.
pub fn report(
    dir: Option<PathBuf>,
    lang: report::Language,
    redact: Option<PathBuf>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let folder = match dir {
        Some(dir) => dir,
        None => folder::newest()?,
    };
    let mut results = folder::read(&folder)?;
    let folder = match redact {
        Some(copy) => {
            results = redact::copy(&results, &copy)?;
            copy
        }
        None => folder,
    };
    let summary = report::write_in(&folder, &results, lang)?.summary;
    if json {
        let mut object = serde_json::to_value(&summary).unwrap_or_default();
        object["results"] = folder.display().to_string().into();
        print(&object);
    } else {
        let page = folder.join("report.html");
        match report::lesson_text(&results, &summary, lang, COLUMNS) {
            // Whoever reads no colours gets none; a reader who has left is no error.
            Some(text) => drop(write!(anstream::stdout().lock(), "{text}")),
            None => print(&report::terminal_in(&results, &summary, Some(&page), lang)),
        }
    }
    Ok(Exit::Well.into())
}
