//! Names for runs: `run --save NAME` keeps one, `compare` finds the folder by it. A name is a link below
//! ./results/saved, so that a shell finds the folder, too; kept again, it leads to the newer run.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::failure::Failure;

const SAVED: &str = "results/saved";

/// A name that can be kept, as clap parses it.
///
/// # Errors
/// When it is none.
pub fn name(text: &str) -> Result<String, String> {
    match record::is_name(text) {
        true => Ok(text.to_owned()),
        false => Err("a name is of a-z, 0-9 and hyphens".to_owned()),
    }
}

/// Keeps `name` for `folder`.
///
/// # Errors
/// When the file system refuses; the run is kept all the same.
pub fn keep(name: &str, folder: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let error = format!("{SAVED}/{name}: {error}");
        Failure::tool("save", "the name cannot be kept", error)
            .hint(format!("fiveways compare {} DIR", folder.display()))
    };
    std::fs::create_dir_all(SAVED).map_err(failed)?;
    let target = match folder.parent() {
        // Beside the names: the link survives a move of both.
        Some(parent) if parent == Path::new("results") => {
            Path::new("..").join(folder.file_name().unwrap_or_default())
        }
        _ => folder.canonicalize().map_err(failed)?,
    };
    // By a temporary name, so that there is no instant without one.
    let temporary = Path::new(SAVED).join(format!("{name}.tmp"));
    let _ = std::fs::remove_file(&temporary);
    symlink(target, &temporary).map_err(failed)?;
    std::fs::rename(&temporary, Path::new(SAVED).join(name)).map_err(failed)
}

/// The folder that is meant: one that is there, else one that has this name.
///
/// # Errors
/// When there is neither, with the names that there are.
pub fn find(word: &str) -> Result<PathBuf, Failure> {
    let folder = PathBuf::from(word);
    if folder.join("run.json").exists() {
        return Ok(folder);
    }
    let saved = Path::new(SAVED).join(word);
    if record::is_name(word) && saved.join("run.json").exists() {
        return Ok(saved);
    }
    let names = names();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let failure = Failure::usage(
        format!("`{word}` is no results folder and no saved name"),
        match known.is_empty() {
            true => format!("it holds no run.json, and nothing is saved below {SAVED}"),
            false => format!("it holds no run.json; saved are {}", known.join(", ")),
        },
    );
    Err(match record::nearest(word, known.iter().copied()) {
        Some(near) => failure.hint(format!("`{near}`")),
        None => failure.hint("fiveways run --save NAME"),
    })
}

fn names() -> Vec<String> {
    let entries = std::fs::read_dir(SAVED).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| record::is_name(name)).collect();
    names.sort();
    names
}
