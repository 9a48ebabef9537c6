//! Every mechanism at every size, verified, or with the reason why not; and nothing left behind, whoever is
//! killed. It has no test harness, because a harness has threads, and who forks must not.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use primitives::ipc::{
    Asked, Mechanism, Parties, Placement, Unmeasured, evidence, measure, mechanisms,
};

const SIZES: [usize; 5] = [1, 64, 4096, 65_536, 1 << 20];

fn main() {
    let mut words = std::env::args().skip(1);
    if let (Some("hold"), Some(name)) = (words.next().as_deref(), words.next()) {
        let found = measure(called(&name), &asked(64, Duration::from_secs(60)));
        panic!("nobody has killed it: {found:?}");
    }
    // Before anything is measured here: it would be in an IPC namespace of its own.
    nothing_is_left_when_the_measuring_process_is_killed();
    what_a_host_lacks_is_said();
    int_comes_from_the_terminals_driver_and_nobody_handles_kill();
    every_mechanism_at_every_size();
}

fn called(name: &str) -> &'static Mechanism {
    let found = mechanisms().iter().find(|it| it.name == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

fn asked(bytes: usize, window: Duration) -> Asked {
    Asked {
        bytes,
        placement: Placement::Free,
        warmup: Duration::from_millis(1),
        round_trips_for: window,
        one_way_for: Duration::from_millis(5),
    }
}

fn every_mechanism_at_every_size() {
    let before = system_v();
    let mut names = BTreeSet::new();
    let mut failed = Vec::new();
    for mechanism in mechanisms() {
        assert!(names.insert(mechanism.name), "{} twice", mechanism.name);
        let threads = mechanism.name.ends_with("-threads");
        assert_eq!(mechanism.parties == Parties::Threads, threads);
        let mut answered = 0;
        for bytes in SIZES {
            match measure(mechanism, &asked(bytes, Duration::from_millis(5))) {
                Ok(found) => {
                    assert!(found.round_trips > 0, "{}", mechanism.name);
                    assert_eq!(found.round_trip.len(), found.round_trips);
                    assert!(found.verified >= 2 * found.round_trips);
                    if let Some(rate) = found.messages_per_s {
                        assert!(rate > 0.0 && found.verified > 2 * found.round_trips);
                    }
                    answered += 1;
                }
                Err(Unmeasured::NotApplicable(why)) => assert!(bytes > 64, "{why}"),
                Err(Unmeasured::Unavailable(why, errno)) => {
                    assert!(errno.is_some(), "{why}");
                    println!("{} at {bytes}: unavailable: {why}", mechanism.name);
                    answered += 1;
                }
                Err(Unmeasured::Failed(why, _)) => {
                    failed.push(format!("{} at {bytes}: {why}", mechanism.name));
                }
            }
        }
        println!("{}: {answered} sizes", mechanism.name);
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(objects(std::process::id()), [""; 0], "left behind");
    // In a namespace of this process's own, where nobody else makes any.
    assert_eq!(system_v(), before.map(|lines| lines.min(1)), "left behind");
    assert_eq!(children(std::process::id()), [0; 0], "still run");
}

fn what_a_host_lacks_is_said() {
    let me = std::env::current_exe().expect("this program");
    let said = Command::new(me)
        .args(["hold", "node-channel-json"])
        .env("PATH", "/nowhere")
        .output();
    let said = String::from_utf8_lossy(&said.expect("this program again").stderr).into_owned();
    let (why, errno) = (
        "node cannot be run",
        format!("Some({})", Errno::ENOENT as i32),
    );
    assert!(
        said.contains("Unavailable") && said.contains(why) && said.contains(&errno),
        "{said}"
    );
}

fn nothing_is_left_when_the_measuring_process_is_killed() {
    set_child_subreaper(true).expect("a subreaper");
    let before = system_v();
    for name in [
        "pipe",
        "fifo",
        "unix-datagram",
        "mq-posix",
        "mq-system-v",
        "semaphore-system-v",
        "shm-posix-futex",
        "shm-system-v-futex",
        "signal-kill",
        "futex-threads",
        "node-channel-json",
    ] {
        let me = std::env::current_exe().expect("this program");
        let mut held = Command::new(me);
        let held = held.args(["hold", name]).stderr(Stdio::null()).spawn();
        let mut held = held.expect("this program again");
        let parties = match called(name).parties {
            Parties::Processes if !name.starts_with("signal-kill") && !name.starts_with("node") => {
                2
            }
            _ => 1,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while children(held.id()).len() < parties {
            assert!(Instant::now() < deadline, "{name} does not start");
            assert!(held.try_wait().expect("a child").is_none(), "{name} ended");
            std::thread::yield_now();
        }
        kill(Pid::from_raw(held.id() as i32), Signal::SIGKILL).expect("it lives");
        held.wait().expect("it has ended");
        // Its orphans are ours now: all of them end by themselves.
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Err(Errno::ECHILD) => break,
                Ok(WaitStatus::StillAlive) => {
                    assert!(Instant::now() < deadline, "{name}: a party still runs");
                    std::thread::yield_now();
                }
                other => drop(other.expect("waitpid")),
            }
        }
        assert_eq!(objects(held.id()), [""; 0], "{name} left behind");
        assert_eq!(system_v(), before, "{name} left behind");
    }
}

fn int_comes_from_the_terminals_driver_and_nobody_handles_kill() {
    let shown = evidence().expect("a pseudo-terminal");
    assert_eq!((shown.ctrl_c_number, shown.kill_number), (2, 9));
    assert!(shown.ctrl_c_from_kernel);
    assert_eq!(shown.kill_handler, Err(Errno::EINVAL));
}

/// Ids of a process's children.
fn children(of: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children"));
    let listed = listed.unwrap_or_default();
    listed
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}

/// What a process made that has a life of its own: names.
fn objects(of: u32) -> Vec<String> {
    let mut found = Vec::new();
    let temporary = std::env::temp_dir();
    for folder in [
        temporary.as_path(),
        "/dev/shm".as_ref(),
        "/dev/mqueue".as_ref(),
    ] {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(&format!("fiveways-ipc-{of}-")) {
                found.push(name);
            }
        }
    }
    found
}

/// How many objects of System V there are: the lines of the kernel's tables.
fn system_v() -> [usize; 3] {
    ["msg", "sem", "shm"].map(|kind| {
        let table = std::fs::read_to_string(format!("/proc/sysvipc/{kind}"));
        table.unwrap_or_default().lines().count()
    })
}
