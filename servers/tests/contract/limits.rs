//! Out of descriptors, files, memory, processes or threads: neither dies nor spins, says so once, and recovers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::SIGUSR1;

use crate::running::{BINARY, Running, every_model, until};

/// They need nobody but themselves.
const SINGLE_THREADED: [&str; 5] = [
    "iterative",
    "event-loop",
    "event-loop-edge",
    "tokio-current-thread",
    "io-uring",
];

/// How long the server is looked at while it is out of something.
const EPISODE: Duration = Duration::from_millis(600);

pub fn says_so_once_and_does_not_spin(server: &Running, what: &str) {
    let said = || server.stderr().matches(what).count();
    until(what, || said() > 0);
    let (start, before) = (Instant::now(), server.cpu());
    thread::sleep(EPISODE);
    let (used, time) = (server.cpu() - before, start.elapsed());
    assert!(used < time / 4, "used {used:?} of CPU in {time:?}");
    assert_eq!(said(), 1, "{}", server.stderr());
}

#[test]
fn out_of_descriptors() {
    every_model(|model| {
        if model.name == "io-uring" {
            // It minds the limit of the moment when it ordered: `events` has a test of its own for it.
            return;
        }
        let server = Running::start(model, &[]);
        assert!(server.client().asks_and_is_answered());
        until("its descriptor is free again", || {
            server.signal(SIGUSR1);
            server.stderr().ends_with(" open 0\n")
        });
        if model.name == "prefork" {
            until("workers are there", || server.children().len() == 4);
        }
        for process in server.processes() {
            limit_descriptors(process.pid, lowest_free_descriptor(process.pid));
        }
        let mut waiting = Vec::new();
        until("it runs out", || {
            // A blocked accept had its descriptor before the limit came, so some are still served; the
            // oldest leave, for models that serve few.
            waiting.push(server.client());
            waiting.drain(..waiting.len().saturating_sub(5));
            server.stderr().contains("cannot accept a connection")
        });
        says_so_once_and_does_not_spin(&server, "cannot accept a connection");
        drop(waiting);
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
        server
            .processes()
            .iter()
            .for_each(|process| limit_descriptors(process.pid, hard));
        assert!(server.client().asks_and_is_answered(), "it recovers");
    });
}

pub fn lowest_free_descriptor(pid: i32) -> u64 {
    let used: Vec<u64> = fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("our own process")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    (0..)
        .find(|number| !used.contains(number))
        .expect("a free number")
}

/// The soft limit of another process, by util-linux: no unsafe code here.
pub fn limit_descriptors(pid: i32, soft: u64) {
    let limit = format!("--nofile={soft}:");
    let pid = pid.to_string();
    let output = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .output();
    let set = output.expect("prlimit of util-linux").status.success();
    assert!(
        set || !fs::exists(format!("/proc/{pid}")).unwrap_or(true),
        "prlimit {pid} {limit}"
    );
}

#[test]
fn out_of_processes_and_threads() {
    every_model(|model| {
        let Some(group) = PidsCgroup::new() else {
            return println!("skipped: no writable pids cgroup under /sys/fs/cgroup/pids");
        };
        group.allow("1");
        let mut command = Command::new("sh");
        let enter = format!("echo $$ > {}/cgroup.procs; exec \"$@\"", group.0.display());
        command.args(["-c", &enter, "sh", BINARY, &model.name, "--port", "0"]);
        let server = Running::launch(command);
        let mut client = server.client();
        client.asks();
        if !SINGLE_THREADED.contains(&model.name.as_str()) {
            says_so_once_and_does_not_spin(&server, "echo-server: cannot ");
        }
        group.allow("max");
        assert!(
            client.is_answered(),
            "the connection that was held is served"
        );
        drop(client);
        assert!(server.client().asks_and_is_answered());
    });
}

/// A cgroup that limits tasks: root is not bound by RLIMIT_NPROC.
struct PidsCgroup(PathBuf);

impl PidsCgroup {
    fn new() -> Option<Self> {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "echo-server-{}-{}",
            std::process::id(),
            LAST.fetch_add(1, Relaxed)
        );
        let path = PathBuf::from("/sys/fs/cgroup/pids").join(name);
        fs::create_dir(&path).ok()?;
        Some(PidsCgroup(path))
    }

    fn allow(&self, tasks: &str) {
        fs::write(self.0.join("pids.max"), tasks).expect("pids.max");
    }
}

impl Drop for PidsCgroup {
    fn drop(&mut self) {
        // The server, declared later, is gone by now.
        let _ = fs::remove_dir(&self.0);
    }
}

/// Calls of whoever makes a process or a thread.
const BIRTHS: &str = "clone,clone3,fork,vfork";

#[test]
fn a_full_file_table_is_waited_out() {
    if !Scarce::is_to_be_had() {
        return;
    }
    every_model(|model| {
        // The kernel accepts for it, without a call of its own that could be refused.
        if model.name != "io-uring" {
            let scarce = Scarce::start(&model.name, "ENFILE", "accept4");
            scarce.is_waited_out("echo-server: cannot accept a connection: ", "(os error 23)");
        }
    });
}

#[test]
fn memory_that_is_short_for_processes_and_threads_is_waited_out() {
    if !Scarce::is_to_be_had() {
        return;
    }
    every_model(|model| {
        let scarce = Scarce::start(&model.name, "ENOMEM", BIRTHS);
        if SINGLE_THREADED.contains(&model.name.as_str()) {
            assert!(scarce.server.client().asks_and_is_answered());
        } else {
            // What the C library makes of it for a thread is EAGAIN.
            let forks = ["fork", "prefork", "cluster"];
            let forks = forks.iter().any(|it| model.name.starts_with(it));
            let number = if forks {
                "(os error 12)"
            } else {
                "(os error 11)"
            };
            scarce.is_waited_out("echo-server: cannot ", number);
        }
    });
}

/// A server for whom the kernel is out of something as long as a file is there.
struct Scarce {
    server: Running,
    wanting: PathBuf,
}

impl Scarce {
    /// False, with the cause on standard output, where no such filter can be had.
    fn is_to_be_had() -> bool {
        let tried = Self::command(Path::new("/"), "ENFILE", "accept4")
            .arg("true")
            .output()
            .expect("python3 runs");
        if !tried.status.success() {
            println!("skipped: {}", String::from_utf8_lossy(&tried.stderr));
        }
        tried.status.success()
    }

    fn command(wanting: &Path, errno: &str, calls: &str) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/scarce.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(wanting).args([errno, calls]);
        command
    }

    /// One that gets `errno` for each of `calls`.
    fn start(model: &str, errno: &str, calls: &str) -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "scarce-{}-{}",
            std::process::id(),
            LAST.fetch_add(1, Relaxed)
        );
        let wanting = std::env::temp_dir().join(name);
        fs::write(&wanting, "").expect("a writable temporary folder");
        let mut command = Self::command(&wanting, errno, calls);
        command.args([BINARY, model, "--port", "0"]);
        let server = Running::launch(command);
        Scarce { server, wanting }
    }

    /// Says what it lacks, once and with the error's number, and serves who came meanwhile as soon as it is there again.
    fn is_waited_out(&self, what: &str, number: &str) {
        let mut client = self.server.client();
        client.asks();
        says_so_once_and_does_not_spin(&self.server, what);
        let said = self.server.stderr();
        assert!(said.contains(number), "{said}");
        fs::remove_file(&self.wanting).expect("it is there");
        assert!(client.is_answered(), "who came meanwhile is served");
        drop(client);
        assert!(self.server.client().asks_and_is_answered(), "and the next");
    }
}

impl Drop for Scarce {
    fn drop(&mut self) {
        // It is over already, perhaps.
        let _ = fs::remove_file(&self.wanting);
    }
}
