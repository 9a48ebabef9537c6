//! Starting a process, by every call that Linux has for it and by what programs build upon them.

use std::ffi::{CStr, CString, c_char};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, posix_spawn as spawn};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, pipe2};

use super::first::{Program, SAID, began};
use super::parent::Parent;
use super::{Start, Started, unexpected};
use crate::Nothing;
use crate::sys::spawn::{self as sys, Stack, Stamp, now_ns};

fn failed(call: &'static str) -> impl Fn(Errno) -> Nothing {
    move |errno| Nothing::failed(call, errno)
}

fn unavailable((text, errno): (String, Option<i32>)) -> Nothing {
    Nothing::unavailable(text, errno)
}

/// Waits for a child, which must have ended well.
fn reap(child: Pid) -> Result<u64, Nothing> {
    let status = waitpid(child, None).map_err(failed("waitpid"))?;
    let reaped = now_ns();
    ended_well(&status).map(|()| reaped)
}

fn ended_well(status: &WaitStatus) -> Result<(), Nothing> {
    match status {
        WaitStatus::Exited(_, 0) => Ok(()),
        other => Err(Nothing {
            outcome: record::Outcome::Crashed,
            text: format!("a child did not end well: {other:?}"),
            errno: None,
        }),
    }
}

/// fork(2).
pub fn fork(_: &Parent) -> Result<Start, Nothing> {
    let stamp = Stamp::new().map_err(failed("mmap"))?;
    Ok(Box::new(move || {
        let child = sys::fork(&stamp).map_err(failed("fork"))?;
        let reaped = reap(child)?;
        stamped(&stamp, reaped)
    }))
}

/// vfork(2).
pub fn vfork(_: &Parent) -> Result<Start, Nothing> {
    let stamp = Stamp::new().map_err(failed("mmap"))?;
    let mut stack = Stack::new();
    Ok(Box::new(move || {
        let child = sys::vfork(&stamp, &mut stack).map_err(failed("clone"))?;
        let reaped = reap(child)?;
        stamped(&stamp, reaped)
    }))
}

/// clone3(2) with CLONE_PIDFD.
pub fn clone3(_: &Parent) -> Result<Start, Nothing> {
    let stamp = Stamp::new().map_err(failed("mmap"))?;
    Ok(Box::new(move || {
        let child = sys::clone3(&stamp).map_err(|errno| match errno {
            Errno::ENOSYS => Nothing::unavailable(
                "clone3: this kernel is older than 5.3".to_owned(),
                Some(errno as i32),
            ),
            other => Nothing::failed("clone3", other),
        })?;
        let status = waitid(Id::PIDFd(child.as_fd()), WaitPidFlag::WEXITED);
        let reaped = now_ns();
        ended_well(&status.map_err(failed("waitid"))?)?;
        stamped(&stamp, reaped)
    }))
}

/// What a child that shares its stamp has written.
pub fn stamped(stamp: &Stamp, reaped: u64) -> Result<Started, Nothing> {
    match stamp.take() {
        0 => Err(unexpected(b"")),
        began => Ok(Started { began, reaped }),
    }
}

/// posix_spawn(3) of the program that says when it began.
pub fn posix_spawn(_: &Parent) -> Result<Start, Nothing> {
    let first = Program::first().map_err(unavailable)?;
    spawning(first.path().to_owned(), vec![c"first".to_owned()], 1, first)
}

/// `sh -c`, as Node's `exec` does it.
pub fn shell(_: &Parent) -> Result<Start, Nothing> {
    let first = Program::first().map_err(unavailable)?;
    let words = vec![c"sh".to_owned(), c"-c".to_owned(), first.path().to_owned()];
    spawning(c"/bin/sh".to_owned(), words, 1, first)
}

/// A script, as Node's `execFile` may meet it.
pub fn script(_: &Parent) -> Result<Start, Nothing> {
    let first = Program::first().map_err(unavailable)?;
    let script = Program::script(&first).map_err(unavailable)?;
    let words = vec![script.path().to_owned()];
    spawning(script.path().to_owned(), words, 1, (script, first))
}

/// A child with a socket for descriptor 3, as Node's `fork` makes it; its first message is what is read.
pub fn channel(_: &Parent) -> Result<Start, Nothing> {
    let first = Program::first().map_err(unavailable)?;
    let words = [c"first", c"a", c"b"].map(CStr::to_owned).to_vec();
    spawning(first.path().to_owned(), words, 3, first)
}

/// What the program is told when it is its own child.
pub const OWN_WORD: &str = "first-instruction";

/// The program that this process runs, once more.
pub fn own(_: &Parent) -> Result<Start, Nothing> {
    let path = CString::new(format!("/proc/{}/exe", std::process::id()));
    let path = path.unwrap_or_else(|_| unreachable!("digits hold no zero byte"));
    let words = vec![
        c"fiveways".to_owned(),
        CString::new(OWN_WORD).unwrap_or_default(),
    ];
    spawning(path, words, 1, ())
}

/// A way for the child's words, made anew for each child: a pipe, or a socket for descriptor 3.
fn way(to: RawFd) -> Result<(OwnedFd, OwnedFd), Errno> {
    if to == 1 {
        return pipe2(OFlag::O_CLOEXEC);
    }
    let stream = (
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
    );
    socketpair(stream.0, stream.1, None, stream.2)
}

/// posix_spawn(3) of `path`, which writes to its descriptor `to`; its output is collected to its end.
fn spawning(
    path: CString,
    words: Vec<CString>,
    to: RawFd,
    kept: impl Sized + 'static,
) -> Result<Start, Nothing> {
    let attributes = PosixSpawnAttr::init().map_err(failed("posix_spawnattr_init"))?;
    Ok(Box::new(move || {
        let _ = &kept;
        let (ours, theirs) = way(to).map_err(failed("pipe2"))?;
        let mut actions =
            PosixSpawnFileActions::init().map_err(failed("posix_spawn_file_actions_init"))?;
        actions
            .add_dup2(theirs.as_raw_fd(), to)
            .map_err(failed("posix_spawn_file_actions_adddup2"))?;
        let nothing: [&CStr; 0] = [];
        let child = spawn(path.as_c_str(), &actions, &attributes, &words, &nothing)
            .map_err(failed("posix_spawn"))?;
        drop(theirs);
        match to {
            1 => collected(ours, || reap(child)),
            _ => messaged(ours, || reap(child)),
        }
    }))
}

/// fork(2) and execve(2), without anything between that could be spared.
pub fn fork_exec(_: &Parent) -> Result<Start, Nothing> {
    let first = Program::first().map_err(unavailable)?;
    Ok(Box::new(move || {
        let (ours, theirs) = way(1).map_err(failed("pipe2"))?;
        let words: [*const c_char; 2] = [c"first".as_ptr(), std::ptr::null()];
        let child =
            sys::fork_exec(first.path(), &words, theirs.as_fd(), 1).map_err(failed("fork"))?;
        drop(theirs);
        collected(ours, || reap(child))
    }))
}

/// std's `Command`, with its output collected.
pub fn command(_: &Parent) -> Result<Start, Nothing> {
    let first = Program::first().map_err(unavailable)?;
    Ok(Box::new(move || {
        let path = first.path().to_string_lossy();
        let error = |error: std::io::Error| Nothing {
            outcome: record::Outcome::Partial,
            text: format!("Command: {error}"),
            errno: error.raw_os_error(),
        };
        let mut command = Command::new(&*path);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(error)?;
        let Some(stdout) = child.stdout.take() else {
            unreachable!("it was asked for as a pipe");
        };
        collected(stdout.into(), || {
            let status = child.wait().map_err(error)?;
            let reaped = now_ns();
            match status.success() {
                true => Ok(reaped),
                false => Err(unexpected(status.to_string().as_bytes())),
            }
        })
    }))
}

/// Reads a child's first message; it begins for its parent when that is here.
fn messaged(
    from: OwnedFd,
    reap: impl FnOnce() -> Result<u64, Nothing>,
) -> Result<Started, Nothing> {
    let mut said = [0; SAID];
    let read = File::from(from).read_exact(&mut said);
    let here = now_ns();
    let reaped = reap()?;
    match (read, began(&said)) {
        (Ok(()), Some(_)) => Ok(Started {
            began: here,
            reaped,
        }),
        _ => Err(unexpected(&said)),
    }
}

/// Reads what a child says to its end, reaps it, and checks what it said.
fn collected(
    from: OwnedFd,
    reap: impl FnOnce() -> Result<u64, Nothing>,
) -> Result<Started, Nothing> {
    let mut said = Vec::with_capacity(2 * SAID);
    let read = File::from(from).read_to_end(&mut said);
    let reaped = reap()?;
    match (read, began(&said)) {
        (Ok(_), Some(began)) => Ok(Started { began, reaped }),
        _ => Err(unexpected(&said)),
    }
}
