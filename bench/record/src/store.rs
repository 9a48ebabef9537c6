//! A results folder: `run.json`, then `records.jsonl`, a line a pass, flushed as it comes. Only ever
//! appended to: what is measured is never lost, and everything else in the folder can be made again.
//!
//! A folder that is made here is its owner's alone; what is written into a folder is as private as that is. So
//! `chmod -R a+rX` publishes results once and for all, and a folder that is there already stays what it was.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::pass::{Pass, RECORD_SCHEMA};
use crate::run::{RUN_SCHEMA, Run};
use crate::trace::{TRACE_SCHEMA, Trace};

const RUN: &str = "run.json";
const RECORDS: &str = "records.jsonl";
/// The folder of traces, a file a contender, if any were made.
pub const TRACES: &str = "traces";
/// Of folders that nobody but their owner may look into.
const OWN_FOLDER: u32 = 0o700;
/// Of files in them.
const OWN_FILE: u32 = 0o600;
/// Of files in other folders, before the umask.
const FILE: u32 = 0o666;

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
    #[error("{} holds a run already; results are never edited", .0.display())]
    Occupied(PathBuf),
    /// Somebody else writes to it.
    #[error("another fiveways writes to {}", .0.display())]
    Busy(PathBuf),
    /// Somebody has removed or moved what is written to.
    #[error("{} is no longer there: it was removed or moved while the run wrote to it", .0.display())]
    Vanished(PathBuf),
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
    /// When the folder is occupied, somebody else writes to it, or it cannot be written.
    pub fn create(folder: &Path, run: &Run) -> Result<Self, StoreError> {
        if folder.join(RUN).exists() {
            return Err(StoreError::Occupied(folder.to_path_buf()));
        }
        make_folder(folder)?;
        let writer = Writer::open(folder)?;
        writer.write_plan(run)?;
        Ok(writer)
    }

    /// Goes on in a folder that holds a run. A line that its end tore off stays, and stays unreadable: what comes is
    /// not written behind it.
    ///
    /// # Errors
    /// When the folder cannot be written, or somebody else writes to it.
    pub fn resume(folder: &Path) -> Result<Self, StoreError> {
        let mut writer = Writer::open(folder)?;
        end_line(&mut writer.records).map_err(io_error(&writer.path))?;
        Ok(writer)
    }

    fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(RECORDS);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let records = options.mode(mode_below(folder)).open(&path);
        let records = records.map_err(io_error(&path))?;
        match records.try_lock() {
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy(path)),
            // A file system without locks is no reason not to write.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Writer { path, records }),
        }
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

    /// Appends passes and flushes them: one write(2) for all, so that a crash tears at most the last line.
    ///
    /// # Errors
    /// When the file system refuses (a full disk, say), or the file is no longer there; nothing that stands in it is
    /// lost.
    pub fn append(&mut self, passes: &[Pass]) -> Result<(), StoreError> {
        let mut lines = Vec::new();
        for pass in passes {
            serde_json::to_writer(&mut lines, pass).expect("a pass is plain data");
            lines.push(b'\n');
        }
        self.records
            .write_all(&lines)
            .and_then(|()| self.records.flush())
            .map_err(io_error(&self.path))?;
        match self.is_there() {
            true => Ok(()),
            false => Err(StoreError::Vanished(self.path.clone())),
        }
    }

    /// Whether what is written to still has its name: an open file outlives its removal, and takes what is written.
    fn is_there(&self) -> bool {
        let of = |meta: fs::Metadata| (meta.dev(), meta.ino());
        let named = fs::metadata(&self.path).map(of);
        match (named, self.records.metadata().map(of)) {
            (Ok(named), Ok(open)) => named == open,
            (Err(error), _) => error.kind() != io::ErrorKind::NotFound,
            _ => true,
        }
    }
}

/// Ends the last line of a file, if something has torn it.
fn end_line(file: &mut File) -> io::Result<()> {
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    match last {
        [b'\n'] => Ok(()),
        _ => file.write_all(b"\n"),
    }
}

/// A run and its records, as read from a folder.
#[derive(Clone, Debug)]
pub struct Results {
    /// The plan.
    pub run: Run,
    /// The passes that were made, in the order of the file. Of one that was made again, because a run was broken off
    /// inside its block and resumed, the last.
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
        passes: last_of_each(passes),
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

/// Of passes that stand there twice, the later ones.
fn last_of_each(passes: Vec<Pass>) -> Vec<Pass> {
    let numbered = passes.iter().enumerate();
    let last: HashMap<_, _> = numbered.map(|(at, pass)| (pass.planned(), at)).collect();
    let numbered = passes.into_iter().enumerate();
    let kept = numbered.filter(|(at, pass)| last.get(&pass.planned()) == Some(at));
    kept.map(|(_, pass)| pass).collect()
}

fn read_line(line: &[u8]) -> Result<Pass, String> {
    let pass: Pass = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if pass.schema != RECORD_SCHEMA {
        return Err(format!(
            "its schema is {}, this version reads {RECORD_SCHEMA}",
            pass.schema
        ));
    }
    Ok(pass)
}

/// Makes a folder and its parents: the folder its owner's alone, unless it is there already.
///
/// # Errors
/// When the file system refuses.
pub fn make_folder(folder: &Path) -> Result<(), StoreError> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(io_error(folder))?;
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(OWN_FOLDER);
    builder.create(folder).map_err(io_error(folder))
}

/// Makes a folder inside a results folder, as private as that is.
///
/// # Errors
/// When the file system refuses.
pub fn make_subfolder(folder: &Path) -> Result<(), StoreError> {
    let parent = folder.parent().unwrap_or(folder);
    let mode = fs::metadata(parent).map_or(OWN_FOLDER, |meta| meta.mode() & 0o777);
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(mode);
    builder.create(folder).map_err(io_error(folder))
}

/// What a new file may be to others: nothing where its folder is nothing to them.
fn mode_below(folder: &Path) -> u32 {
    let others = fs::metadata(folder).map_or(0, |meta| meta.mode() & 0o077);
    if others == 0 { OWN_FILE } else { FILE }
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
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    options.mode(mode_below(folder.unwrap_or(Path::new("."))));
    options
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|error| {
            // Half a file is nobody's; on a full disk it is in the way, too.
            let _ = fs::remove_file(&temporary);
            io_error(path)(error)
        })
}
