//! A results folder that a verb reads: the one that is named, or the newest below ./results.

use std::path::{Path, PathBuf};

use record::Results;

use super::failure::{Failure, note};
use super::saved;

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

/// The records of a folder; lines that cannot be read are named on standard error.
///
/// # Errors
/// When there is no plan that can be read.
pub fn read(folder: &Path) -> Result<Results, Failure> {
    let results = record::read_results(folder).map_err(|error| {
        Failure::usage(
            format!("{} cannot be read", folder.display()),
            error.to_string(),
        )
        .hint("the same with a folder that `fiveways run` has written")
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
