//! Whose turn it is to measure on this host: one fiveways at a time, since two would measure each other.
//!
//! Who measures holds a lock in a well-known place and writes into it who it is. Who comes second waits, and says for
//! whom and how long; or it measures all the same (`--now`), and both have that in their records. The kernel takes the
//! lock from whoever ends, however it ends: what then still stands in it is of somebody who was killed, and what that
//! one has left is ended first. Another container's lock is not seen, and neither is one of another machine.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use measure::remains::{self, Identity};
use nix::libc::O_NOFOLLOW;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Value, json};

use super::entrants;
use super::failure::{Failure, note};

/// Where all users of this host find it.
const LOCK: &str = "/tmp/fiveways.lock";
/// Another place for it: two who are told of different ones do not see each other.
const ELSEWHERE: &str = "FIVEWAYS_LOCK";
/// Between two looks at somebody else's lock; nothing tells both of a lock and of a signal.
const INTERVAL_MS: u16 = 100;

/// Whether somebody else's turn is waited for.
#[derive(Args, Clone, Copy, Default)]
pub struct TurnArgs {
    /// Measure although another fiveways does: cells of both are marked host-noisy
    #[arg(long)]
    pub now: bool,
}

/// What this one does when it has its turn.
pub struct Doing {
    /// The verb, and what of.
    what: String,
    /// About how long.
    about: Duration,
}

impl Doing {
    /// What was typed, for so long.
    pub fn typed(about: Duration) -> Self {
        let words = std::env::args().skip(1);
        let words = words.take_while(|word| !word.starts_with('-')).take(2);
        Doing {
            what: entrants::without_paths(words).join(" "),
            about,
        }
    }
}

/// The turn of this process, until it is dropped.
pub struct Turn {
    /// Held alone by whoever measures by itself; nothing where no lock can be had.
    lock: Option<File>,
    /// Held together by those who measure beside somebody.
    beside: Option<File>,
    /// Whether it is somebody else's turn, too.
    is_second: bool,
    doing: Doing,
    started: SystemTime,
    begun: Instant,
}

impl Turn {
    /// Waits for it, unless it is wanted now.
    ///
    /// # Errors
    /// When the user gives up waiting.
    pub fn take(args: TurnArgs, doing: Doing, interrupt: &OwnedFd) -> Result<Self, Failure> {
        let path = std::env::var_os(ELSEWHERE).map_or(PathBuf::from(LOCK), PathBuf::from);
        Turn::take_at(&path, args, doing, interrupt)
    }

    fn take_at(
        path: &Path,
        args: TurnArgs,
        doing: Doing,
        interrupt: &OwnedFd,
    ) -> Result<Self, Failure> {
        let mut turn = Turn {
            lock: None,
            beside: open(&path.with_extension("beside")).ok(),
            is_second: false,
            doing,
            started: SystemTime::now(),
            begun: Instant::now(),
        };
        let mut lock = match open(path) {
            Ok(lock) => lock,
            Err(error) => {
                note(&format!(
                    "no lock can be had at {}: {error}; another fiveways would go unnoticed",
                    path.display()
                ));
                return Ok(turn);
            }
        };
        if is_taken(&lock) && args.now {
            note(&format!(
                "measuring beside {}: cells are marked host-noisy",
                who(&said_in(&mut lock))
            ));
            // Shared: there may be a third. Where it cannot be had, this one is marked all the same.
            let _ = turn.beside.as_ref().map(File::lock_shared);
            turn.is_second = true;
            return Ok(turn);
        }
        wait(&mut lock, interrupt)?;
        end_what_was_left(&said_in(&mut lock));
        (turn.started, turn.begun) = (SystemTime::now(), Instant::now());
        turn.lock = Some(lock);
        turn.say(&[]);
        Ok(turn)
    }

    /// Says in the lock whom this one has started, so that they are found if it is killed.
    pub fn say(&mut self, agents: &[u32]) {
        let agents = agents.iter().filter_map(|pid| Identity::of(*pid as i32));
        let agents: Vec<Value> = agents.map(|it| json!([it.pid, it.start])).collect();
        let own = Identity::of(std::process::id() as i32);
        let said = json!({
            "pid": std::process::id(),
            "start": own.map(|it| it.start),
            "boot": remains::boot(),
            "what": self.doing.what,
            "since": humantime::format_rfc3339_seconds(self.started).to_string(),
            "about_s": self.doing.about.as_secs(),
            "agents": agents,
        });
        if let Some(lock) = &mut self.lock {
            // Others learn less if this fails; the lock itself holds.
            let _ = write_over(lock, &format!("{said}\n"));
        }
    }

    /// How long it has been this one's turn: what was waited for it is nobody's cost.
    pub fn spent(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Whether somebody else measures on this host just now, as far as locks say.
    pub fn is_shared(&self) -> bool {
        self.is_second || self.beside.as_ref().is_some_and(is_taken_for_a_moment)
    }
}

impl Drop for Turn {
    /// Nothing was left: the lock says nothing any more.
    fn drop(&mut self) {
        if let Some(lock) = &mut self.lock {
            let _ = write_over(lock, "");
        }
    }
}

/// A lock file that every user may open: whoever comes first makes it.
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    // In a folder that everybody may write to, the name may be somebody's trap.
    options.read(true).write(true).custom_flags(O_NOFOLLOW);
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        other => return other,
    }
    match options.create_new(true).open(path) {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(0o666))?;
            Ok(file)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            options.create_new(false).open(path)
        }
        Err(error) => Err(error),
    }
}

/// Tries to lock it, and has it locked if nobody else had.
fn is_taken(file: &File) -> bool {
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

fn is_taken_for_a_moment(file: &File) -> bool {
    let taken = is_taken(file);
    if !taken {
        let _ = file.unlock();
    }
    taken
}

/// Until the lock is ours, or the user gives up.
fn wait(lock: &mut File, interrupt: &OwnedFd) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut told = String::new();
    while is_taken(lock) {
        let holder = who(&said_in(lock));
        // Its end, or another who was faster: what is waited for is said anew only if it is somebody else.
        let name = holder.split(';').next().unwrap_or_default().to_owned();
        if told != name {
            note(&format!(
                "waiting for {holder}\n  two at once would measure each other; --now does, and marks its cells \
                 host-noisy; Ctrl-C gives up"
            ));
            told = name;
        }
        let mut fds = [PollFd::new(interrupt.as_fd(), PollFlags::POLLIN)];
        // EINTR: then there is something to read at the next look.
        if poll(&mut fds, PollTimeout::from(INTERVAL_MS)) == Ok(1) {
            return Err(Failure::interrupted(format!(
                "interrupted while waiting for {holder}; nothing was measured"
            )));
        }
    }
    if !told.is_empty() {
        let waited = Duration::from_secs(begun.elapsed().as_secs());
        note(&format!("waited {}", humantime::format_duration(waited)));
    }
    Ok(())
}

/// Nobody holds the lock that this was said in: whoever said it was killed.
fn end_what_was_left(said: &Value) {
    let same_boot = said["boot"].as_str().map(str::to_owned) == remains::boot();
    let holder = identity(&json!([said["pid"], said["start"]]));
    let Some(holder) = holder.filter(|it| same_boot && !it.lives()) else {
        return;
    };
    let agents = said["agents"].as_array().into_iter().flatten();
    let agents: Vec<Identity> = agents.filter_map(identity).collect();
    let ended = remains::end_remains(&agents);
    note(&format!(
        "process {} ({}) was killed while it measured; {}",
        holder.pid,
        text(&said["what"]),
        match ended {
            0 => "nothing of it was left running".to_owned(),
            1 => "1 process of it was left, and has ended".to_owned(),
            many => format!("{many} processes of it were left, and have ended"),
        }
    ));
}

fn identity(said: &Value) -> Option<Identity> {
    let pid = i32::try_from(said[0].as_i64()?).ok()?;
    let start = said[1].as_u64()?;
    Some(Identity { pid, start })
}

/// Who measures, and for how long it will by its plan.
fn who(said: &Value) -> String {
    let Some(pid) = said["pid"].as_u64() else {
        return "another fiveways, which has not said what it does".to_owned();
    };
    let since = said["since"].as_str().unwrap_or_default();
    let begun = humantime::parse_rfc3339(since).ok();
    let spent = begun.and_then(|begun| begun.elapsed().ok());
    let left = said["about_s"]
        .as_u64()
        .zip(spent)
        .map(|(about, spent)| about.saturating_sub(spent.as_secs()));
    let left = match left {
        None => String::new(),
        Some(0) => "; by its plan it should end any moment".to_owned(),
        Some(left) => {
            let left = humantime::format_duration(Duration::from_secs(left));
            format!("; about {left} left by its plan")
        }
    };
    let what = text(&said["what"]);
    format!("fiveways {what}, process {pid}, since {since}{left}")
}

/// A word of somebody else's, as a terminal may be shown it.
fn text(said: &Value) -> String {
    let said = said.as_str().unwrap_or_default();
    report::printable(said).chars().take(60).collect()
}

/// What its holder has said; nothing where that cannot be read.
fn said_in(lock: &mut File) -> Value {
    let mut said = String::new();
    let read = lock
        .seek(SeekFrom::Start(0))
        .and_then(|_| lock.take(64 << 10).read_to_string(&mut said));
    match read {
        Ok(_) => serde_json::from_str(&said).unwrap_or_default(),
        Err(_) => Value::Null,
    }
}

fn write_over(lock: &mut File, text: &str) -> std::io::Result<()> {
    lock.seek(SeekFrom::Start(0))?;
    lock.set_len(0)?;
    lock.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_was_waited_is_not_of_the_turn() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lock");
        let other = open(&path).expect("writable");
        other.lock().expect("nobody has it");
        let (interrupt, _told) = UnixStream::pair().expect("sockets");
        let interrupt = OwnedFd::from(interrupt);
        let waiting = std::thread::spawn(move || {
            let doing = Doing::typed(Duration::ZERO);
            let turn = Turn::take_at(&path, TurnArgs::default(), doing, &interrupt);
            turn.expect("a turn").spent()
        });
        // Time is what passes here: it must not be counted.
        std::thread::sleep(3 * Duration::from_millis(INTERVAL_MS.into()));
        let released = Instant::now();
        drop(other);
        let spent = waiting.join().expect("a turn");
        assert!(spent <= released.elapsed(), "{spent:?}");
    }

    #[test]
    fn a_holder_is_named_with_the_time_that_is_left() {
        let since = SystemTime::now() - Duration::from_secs(30);
        let since = humantime::format_rfc3339_seconds(since).to_string();
        let mut said = json!({
            "pid": 7, "what": "run quick\u{1b}[2J", "since": since, "about_s": 90,
        });
        let named = who(&said);
        assert!(
            named.contains("process 7") && !named.contains('\u{1b}'),
            "{named}"
        );
        assert!(
            named.contains("about 1m left") || named.contains("about 59s left"),
            "{named}"
        );
        said["about_s"] = 20.into();
        assert!(who(&said).ends_with("should end any moment"));
        assert!(who(&Value::Null).contains("not said"));
    }
}
