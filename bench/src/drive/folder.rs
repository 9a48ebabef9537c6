//! A results folder that a verb reads: the one that is named, or the newest below ./results.

use std::path::{Path, PathBuf};

use record::Results;

use super::failure::{Failure, note};
use super::resume::missing;
use super::saved;

/// How a store says so.
const OTHER_SCHEMA: &str = "its schema is ";

/// The folder that a word means (a folder, or a name that `run --save` has kept), else the newest, with its records.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn meant(word: Option<&str>) -> Result<(PathBuf, Results), Failure> {
    let folder = match word {
        Some(word) => saved::find(word)?,
        None => newest()?,
    };
    let results = read(&folder)?;
    Ok((folder, results))
}

/// What to type where lines could not be read, unless nothing is missed.
fn of_damage(folder: &Path, results: &Results) -> Option<String> {
    let newer = results.damage.iter().any(|it| it.contains(OTHER_SCHEMA));
    let missed = !results.damage.is_empty() && !missing(results).is_empty();
    let folder = folder.display();
    match (newer, missed) {
        (true, _) => Some(format!(
            "{folder}: some lines are of another schema\n  try: the fiveways that wrote them"
        )),
        (false, true) => Some(format!(
            "{folder}: not every pass of its plan is there\n  try: fiveways resume {folder}, which makes those again"
        )),
        (false, false) => None,
    }
}

/// The records of a folder; lines that cannot be read are named on standard error, with what to do about them.
///
/// # Errors
/// When there is no plan that can be read.
pub fn read(folder: &Path) -> Result<Results, Failure> {
    let results = read_to_go_on(folder)?;
    if let Some(hint) = of_damage(folder, &results) {
        note(&hint);
    }
    Ok(results)
}

/// The same for whoever makes again what is missing.
///
/// # Errors
/// When there is no plan that can be read.
pub fn read_to_go_on(folder: &Path) -> Result<Results, Failure> {
    let results = record::read_results(folder).map_err(|error| {
        Failure::usage(
            format!("{} cannot be read", folder.display()),
            error.to_string(),
        )
        .hint(match error.to_string().contains(OTHER_SCHEMA) {
            true => "the fiveways that wrote it: which one its run.json says",
            false => {
                "the same with a folder that `fiveways run` has written, and that you may read"
            }
        })
    })?;
    for damage in &results.damage {
        note(&format!(
            "{}: {damage}; the other lines are kept",
            folder.display()
        ));
    }
    Ok(results)
}

/// The folder below ./results whose plan is the newest.
///
/// # Errors
/// When there is none.
pub fn newest() -> Result<PathBuf, Failure> {
    let nothing = || {
        Failure::usage(
            "there are no results here",
            "no folder below ./results holds a run.json",
        )
        .hint("fiveways run, or the same with a results folder")
    };
    let entries = std::fs::read_dir("results").map_err(|_| nothing())?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter_map(|path| Some((modified(&path.join("run.json"))?, path)))
        .max()
        .map(|(_, path)| path)
        .ok_or_else(nothing)
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}
