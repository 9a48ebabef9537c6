//! A results folder: `run.json`, then `records.jsonl`, a line a pass, flushed as it comes. Only ever
//! appended to: what is measured is never lost, and everything else in the folder can be made again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::pass::{Pass, RECORD_SCHEMA};
use crate::run::{RUN_SCHEMA, Run};
use crate::trace::{TRACE_SCHEMA, Trace};

const RUN: &str = "run.json";
const RECORDS: &str = "records.jsonl";
/// The folder of traces, a file a contender, if any were made.
pub const TRACES: &str = "traces";

/// A results folder that cannot be made, written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// What could not be made, written or read.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The folder holds a run already: results are never edited.
    #[error("{} holds a run already; results are never edited: name another folder with --out", .0.display())]
    Occupied(PathBuf),
    /// Not a results folder.
    #[error("{} is not a results folder: it has no readable {RUN} ({problem})", path.display())]
    NotResults {
        /// The folder.
        path: PathBuf,
        /// What is wrong with its run.json.
        problem: String,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_path_buf();
    move |error| StoreError::Io { path, error }
}

/// A folder that a run writes to.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    records: File,
}

impl Writer {
    /// Makes `folder` (and its parents) and writes the plan; refuses a folder that holds a run.
    ///
    /// # Errors
    /// When the folder is occupied or cannot be written.
    pub fn create(folder: &Path, run: &Run) -> Result<Self, StoreError> {
        if folder.join(RUN).exists() {
            return Err(StoreError::Occupied(folder.to_path_buf()));
        }
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        let path = folder.join(RECORDS);
        let writer = Writer {
            records: OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)
                .map_err(io_error(&path))?,
            path,
        };
        writer.write_plan(run)?;
        Ok(writer)
    }

    /// Writes the plan, again when passes were added to it; there is no instant without a whole one.
    ///
    /// # Errors
    /// When the file system refuses; the plan that stood there before still does.
    pub fn write_plan(&self, run: &Run) -> Result<(), StoreError> {
        let mut text = serde_json::to_string_pretty(run).expect("a plan is plain data");
        text.push('\n');
        write_whole(&self.path.with_file_name(RUN), text.as_bytes())
    }

    /// Appends one pass and flushes it: one write(2) a line, so that a crash tears at most the last.
    ///
    /// # Errors
    /// When the file system refuses (a full disk, say); nothing already written is lost.
    pub fn append(&mut self, pass: &Pass) -> Result<(), StoreError> {
        let mut line = serde_json::to_vec(pass).expect("a pass is plain data");
        line.push(b'\n');
        self.records
            .write_all(&line)
            .and_then(|()| self.records.flush())
            .map_err(io_error(&self.path))
    }
}

/// A run and its records, as read from a folder.
#[derive(Clone, Debug)]
pub struct Results {
    /// The plan.
    pub run: Run,
    /// The passes that were made, in the order of the file.
    pub passes: Vec<Pass>,
    /// Lines that could not be read, each with its number and why; the others are kept.
    pub damage: Vec<String>,
    /// Of contenders, by the names of their files.
    pub traces: Vec<Trace>,
}

/// Reads a results folder. Damaged lines are named in [`Results::damage`], the rest is kept.
///
/// # Errors
/// When there is no readable plan, or the records cannot be opened.
pub fn read_results(folder: &Path) -> Result<Results, StoreError> {
    let not_results = |problem: String| StoreError::NotResults {
        path: folder.to_path_buf(),
        problem,
    };
    let text =
        fs::read_to_string(folder.join(RUN)).map_err(|error| not_results(error.to_string()))?;
    let mut run: Run =
        serde_json::from_str(&text).map_err(|error| not_results(error.to_string()))?;
    if run.schema != RUN_SCHEMA {
        return Err(not_results(format!(
            "its schema is {}, this version reads {RUN_SCHEMA}",
            run.schema
        )));
    }
    run.suite.name.clone_from(&run.suite_name);
    let path = folder.join(RECORDS);
    let file = File::open(&path).map_err(io_error(&path))?;
    let (mut passes, mut damage) = (Vec::new(), Vec::new());
    for (index, line) in BufReader::new(file).split(b'\n').enumerate() {
        let line = line.map_err(io_error(&path))?;
        match read_line(&line) {
            Ok(pass) => passes.push(pass),
            Err(problem) => damage.push(format!("{RECORDS} line {}: {problem}", index + 1)),
        }
    }
    let traces = read_traces(&folder.join(TRACES), &mut damage);
    Ok(Results {
        run,
        passes,
        damage,
        traces,
    })
}

/// Those of a folder, which need not be there; what cannot be read is named.
fn read_traces(folder: &Path, damage: &mut Vec<String>) -> Vec<Trace> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    paths.sort();
    let read = |path: &PathBuf| {
        let failed = |problem| damage.push(format!("{}: {problem}", path.display()));
        read_trace(path).map_err(failed).ok()
    };
    paths.iter().filter_map(read).collect()
}

/// Reads a trace.
///
/// # Errors
/// When the file cannot be read, or is no trace of this version: why.
pub fn read_trace(path: &Path) -> Result<Trace, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let trace: Trace = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    match trace.schema == TRACE_SCHEMA {
        true => Ok(trace),
        false => Err(format!(
            "its schema is {}, this version reads {TRACE_SCHEMA}",
            trace.schema
        )),
    }
}

fn read_line(line: &[u8]) -> Result<Pass, String> {
    let pass: Pass = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if pass.schema != RECORD_SCHEMA {
        return Err(format!("schema {}, not {RECORD_SCHEMA}", pass.schema));
    }
    Ok(pass)
}

/// Writes a file whole or not at all: by a temporary name and rename, but in place when `path` is no
/// regular file (renaming over /dev/null would replace the device).
///
/// # Errors
/// When the file system refuses.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let special = fs::metadata(path).is_ok_and(|meta| !meta.is_file());
    if special {
        return fs::write(path, bytes).map_err(io_error(path));
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(io_error(path))
}
