//! The program as its users start it, and what it said.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::chaos::Server;

/// How long a load may take before a test says that it hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The program; it ends with the test.
pub struct Guard(pub Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a load said.
pub struct Said {
    /// Its exit code, if no signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Said {
    /// What `--json` printed.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

/// Starts a load of `target`, with these flags.
pub fn start(target: &str, words: &str) -> Guard {
    let child = Command::new(env!("CARGO_BIN_EXE_fiveways"))
        .args(["load", target])
        .args(words.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Guard(child.expect("fiveways runs"))
}

/// Reads everything, in a thread.
fn text_of(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (told, text) = mpsc::channel();
    thread::spawn(move || {
        let mut all = String::new();
        let _ = pipe.read_to_string(&mut all);
        let _ = told.send(all);
    });
    text
}

/// Waits for the end of a load, which is no panic.
pub fn end(mut program: Guard) -> Said {
    let stdout = program.0.stdout.take().map(text_of);
    let stderr = program.0.stderr.take().map(text_of);
    let read = |text: Option<mpsc::Receiver<String>>| match text {
        Some(text) => text.recv_timeout(PATIENCE).expect("it ends"),
        None => String::new(),
    };
    let said = Said {
        stdout: read(stdout),
        stderr: read(stderr),
        code: program.0.wait().expect("a child of ours").code(),
    };
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    said
}

/// A whole load of `target`.
pub fn run_to(target: &str, words: &str) -> Said {
    end(start(target, words))
}

/// A whole load of a server of ours.
pub fn run(server: &Server, words: &str) -> Said {
    run_to(&server.target(), words)
}

/// A figure of the object that `--json` printed.
pub fn number(object: &Value, path: &str) -> f64 {
    let found = object.pointer(path).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no number at {path}: {object}"))
}

/// Likewise, a count.
pub fn count(object: &Value, path: &str) -> u64 {
    let found = object.pointer(path).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("no count at {path}: {object}"))
}

/// How many requests failed so.
pub fn errors(object: &Value, kind: &str) -> u64 {
    object["errors"][kind].as_u64().unwrap_or(0)
}

/// `sent = ok + Σ errors`, to the unit.
#[track_caller]
pub fn assert_sums(object: &Value) {
    let errors = object["errors"].as_object().expect("kinds");
    let failed: u64 = errors.values().filter_map(Value::as_u64).sum();
    assert_eq!(
        count(object, "/sent"),
        count(object, "/ok") + failed,
        "{object}"
    );
}
