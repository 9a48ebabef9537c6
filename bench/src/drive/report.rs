//! `report`: makes everything derived in a results folder again, from its records alone.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::failure::{Exit, Failure, print};

/// The verb.
///
/// # Errors
/// When there are no results, or the folder cannot be written.
pub fn report(
    dir: Option<PathBuf>,
    lang: report::Language,
    json: bool,
) -> Result<ExitCode, Failure> {
    let folder = match dir {
        Some(dir) => dir,
        None => newest()?,
    };
    let results = record::read_results(&folder).map_err(|error| {
        Failure::usage(
            format!("{} cannot be read", folder.display()),
            error.to_string(),
        )
        .hint("fiveways report DIR with a folder that `fiveways run` has written")
    })?;
    for damage in &results.damage {
        eprintln!("fiveways: {damage}; the other lines are kept");
    }
    report::write_in(&folder, &results, lang)?;
    let summary = report::summarise(&results);
    if json {
        let mut object = serde_json::to_value(&summary).unwrap_or_default();
        object["results"] = folder.display().to_string().into();
        print(&object);
    } else {
        let page = folder.join("report.html");
        print(&report::terminal_in(&results, &summary, Some(&page), lang));
    }
    Ok(Exit::Well.into())
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
        .hint("fiveways run, or fiveways report DIR")
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
