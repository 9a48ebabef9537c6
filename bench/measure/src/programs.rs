//! Programs of this host: whether they are here, in which version, and what they say when they are run to their end.
//!
//! An agent answers so for the host of the servers, and the harness for its own: who takes part is found out in one way.
//! No shell; it ends at a deadline, and where the lifeline ends.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::frame;
use crate::keeper;

/// How long a command may take: some of them build a contender.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// A program that is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Where.
    pub path: PathBuf,
    /// The beginning of its SHA-256, if it can be read.
    pub sha256: Option<String>,
}

/// What a command has said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its exit status; none when a signal has ended it.
    pub status: Option<i32>,
    /// The last 64 KiB of its standard output.
    pub stdout: String,
    /// Likewise of its standard error.
    pub stderr: String,
}

/// The file that a command's first word names, with what is in it.
pub fn find(name: &str) -> Option<Program> {
    let path = locate(name)?;
    Some(Program {
        sha256: hash(&path),
        path,
    })
}

/// That file: beside this program if it is `echo-server`, else as execvp(3) finds it.
pub fn locate(name: &str) -> Option<PathBuf> {
    match name {
        "echo-server" => beside(name).or_else(|| on_path(name)),
        _ => on_path(name),
    }
}

fn beside(name: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    Some(own.with_file_name(name)).filter(|path| path.is_file())
}

fn on_path(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn hash(path: &Path) -> Option<String> {
    let digest = Sha256::digest(std::fs::read(path).ok()?);
    Some(
        digest
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    )
}

/// Runs a command to its end, or to the end of `lifeline`.
///
/// # Errors
/// When it cannot be started, or does not end in time.
pub fn run(argv: &[String], lifeline: Option<BorrowedFd<'_>>) -> io::Result<Said> {
    let [program, arguments @ ..] = argv else {
        return Err(io::Error::other("an empty command"));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let said = listen(&mut child, lifeline);
    if said.is_err() {
        // Gone already, perhaps.
        let _ = child.kill();
        let _ = child.wait();
    }
    said
}

fn listen(child: &mut Child, lifeline: Option<BorrowedFd<'_>>) -> io::Result<Said> {
    let file = |fd: OwnedFd| Some(File::from(fd));
    let mut stdout = child.stdout.take().map(OwnedFd::from).and_then(file);
    let mut stderr = child.stderr.take().map(OwnedFd::from).and_then(file);
    let (mut said, mut failed) = (Vec::new(), Vec::new());
    let deadline = Instant::now() + PATIENCE;
    while stdout.is_some() || stderr.is_some() {
        let outputs = stdout.iter().chain(&stderr).map(|file| file.as_fd());
        let fds: Vec<BorrowedFd<'_>> = lifeline.into_iter().chain(outputs).collect();
        let ready = frame::wait_readable(&fds, Some(deadline))?;
        if lifeline.is_some() && ready[0] || Instant::now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        keeper::drain(&mut stdout, Some(&mut said));
        keeper::drain(&mut stderr, Some(&mut failed));
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Said {
        status: child.wait()?.code(),
        stdout: text(said),
        stderr: text(failed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_is_here_is_found_and_what_it_says_is_heard() {
        let shell = find("sh").expect("every Linux has one");
        assert!(shell.path.is_absolute() && shell.sha256.is_some_and(|hash| hash.len() == 12));
        assert_eq!(find("no-such-program"), None);
        let said = run(
            &words(&["sh", "-c", "echo out; echo err >&2; exit 3"]),
            None,
        );
        let said = said.expect("a shell");
        assert_eq!(
            (said.status, &*said.stdout, &*said.stderr),
            (Some(3), "out\n", "err\n")
        );
        let missing = run(&words(&["no-such-program"]), None).expect_err("nobody");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_command_ends_with_its_lifeline() {
        let (held, lifeline) = std::os::unix::net::UnixStream::pair().expect("a pair");
        drop(held);
        let ended = run(&words(&["sleep", "60"]), Some(lifeline.as_fd()));
        assert_eq!(
            ended.expect_err("cut short").kind(),
            io::ErrorKind::TimedOut
        );
    }
}
