//! Workers that are processes: who accepts, who gets the next connection, who takes the place of one that is
//! gone. What the kernel shows is the evidence: sockets, descriptors, processes.

use std::collections::HashSet;
use std::fs;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use nix::sys::signal::{SIGKILL, SIGSTOP, SIGUSR1};

use crate::limits::{limit_descriptors, lowest_free_descriptor};
use crate::running::{Client, Model, Running, models, send, until};

/// Those whose master passes connections.
const PASSING: [&str; 3] = [
    "cluster-round-robin",
    "cluster-least-connections",
    "cluster-first-free",
];

fn crews() -> Vec<Model> {
    let all = models().into_iter();
    let crews: Vec<Model> = all
        .filter(|model| model.name.starts_with("prefork") || model.name.starts_with("cluster"))
        .collect();
    assert_eq!(crews.len(), 10, "{crews:?}");
    crews
}

fn start(model: &str, workers: usize, options: &[&str]) -> Running {
    let count = workers.to_string();
    let server = Running::start_named(model, &[&["--workers", &count], options].concat());
    until("workers are there", || server.children().len() == workers);
    server
}

fn died(server: &Running) -> Option<u64> {
    server.signal(SIGUSR1);
    let said = server.stderr();
    said.lines().last()?.rsplit_once(" died ")?.1.parse().ok()
}

/// Inodes of a process's sockets.
fn sockets(pid: i32) -> HashSet<u64> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("our own process");
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let inode = |target: std::path::PathBuf| {
        let inner = target
            .to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?;
        inner.parse().ok()
    };
    targets.filter_map(inode).collect()
}

/// Inodes of this port's sockets in a state: 0A listens, 01 is connected.
fn tcp(port: u16, state: &str) -> HashSet<u64> {
    let table = fs::read_to_string("/proc/net/tcp").expect("/proc");
    let local = format!(":{port:04X}");
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields[1].ends_with(&local) && fields[3] == state).then(|| fields[9].parse().ok())?
    };
    table.lines().skip(1).filter_map(inode).collect()
}

fn connections(server: &Running, pid: i32) -> usize {
    let connected = tcp(server.address.port(), "01");
    sockets(pid).intersection(&connected).count()
}

fn served(server: &Running) -> Client {
    let mut client = server.client();
    assert!(client.asks_and_is_answered());
    client
}

#[test]
fn dead_workers_are_replaced_with_growing_pauses_and_counted() {
    for model in crews() {
        let server = start(&model.name, 4, &[]);
        let (begun, first) = (Instant::now(), server.children());
        // All of them: one of them holds the lock, where there is one.
        first.iter().for_each(|&pid| send(pid, SIGKILL));
        until("all are replaced", || {
            let now = server.children();
            now.len() == 4 && !now.iter().any(|pid| first.contains(pid))
        });
        // The first at once, then after 100, 200 and 400 ms.
        assert!(
            begun.elapsed() >= Duration::from_millis(700),
            "{}",
            model.name
        );
        until("they are counted", || died(&server) == Some(4));
        drop(served(&server));
    }
}

#[test]
fn a_worker_that_cannot_live_is_no_fork_bomb() {
    let server = start("prefork", 1, &[]);
    let begun = Instant::now();
    let mut seen = HashSet::new();
    while seen.len() < 5 {
        until("a worker is there", || {
            server.children().iter().any(|pid| !seen.contains(pid))
        });
        for pid in server.children() {
            if seen.insert(pid) {
                send(pid, SIGKILL);
            }
        }
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(700),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn recycled_workers_leave_and_are_not_mourned() {
    for model in crews() {
        let server = start(&model.name, 2, &["--recycle", "2"]);
        let first = server.children();
        // One of them, at least: whoever is quickest at the door, a successor among them, may take every client.
        until("one has left", || {
            drop(served(&server));
            let now = server.children();
            !first.iter().all(|pid| now.contains(pid))
        });
        until("their places are filled", || server.children().len() == 2);
        drop(served(&server));
        server.signal(SIGUSR1);
        until("the line is there", || {
            server.stderr().contains(" accepted ")
        });
        assert!(
            !server.stderr().contains("died"),
            "{}: {}",
            model.name,
            server.stderr()
        );
    }
}

#[test]
fn a_loop_that_leaves_finishes_what_it_has_while_another_takes_its_place() {
    for model in crews().iter().filter(|model| model.holds == "any") {
        let server = start(&model.name, 1, &["--recycle", "1"]);
        let mut clients: Vec<Client> = (0..4).map(|_| served(&server)).collect();
        assert!(
            clients.iter_mut().all(Client::asks_and_is_answered),
            "{}",
            model.name
        );
        drop(clients);
        until("those that left have ended", || {
            server.children().len() == 1
        });
    }
}

#[test]
fn reuseport_listens_as_often_as_it_has_workers_and_the_others_once() {
    for model in crews() {
        let server = start(&model.name, 3, &[]);
        let listening = tcp(server.address.port(), "0A");
        let expected = if model.name == "prefork-reuseport" {
            3
        } else {
            1
        };
        assert_eq!(listening.len(), expected, "{}", model.name);
        let holds = |pid: &i32| !sockets(*pid).is_disjoint(&listening);
        let passes = PASSING.contains(&model.name.as_str());
        let holding = if passes { 0 } else { 3 };
        // A worker closes, or is passed, what it shall not or shall have as it begins.
        until("every worker has it, or none", || {
            server.children().iter().filter(|pid| holds(pid)).count() == holding
        });
    }
}

#[test]
fn a_socket_of_a_dead_workers_own_keeps_its_clients_for_the_next() {
    let server = start("prefork-reuseport", 2, &[]);
    let first = server.children();
    first.iter().for_each(|&pid| send(pid, SIGSTOP));
    let mut waiting: Vec<Client> = (0..8).map(|_| server.client()).collect();
    waiting.iter_mut().for_each(Client::asks);
    first.iter().for_each(|&pid| send(pid, SIGKILL));
    assert!(waiting.iter_mut().all(Client::is_answered));
}

#[test]
fn round_robin_deals_exactly_evenly() {
    let server = start("cluster-round-robin", 3, &[]);
    let clients: Vec<Client> = (0..12).map(|_| served(&server)).collect();
    for pid in server.children() {
        assert_eq!(connections(&server, pid), 4);
    }
    until("the master has kept none", || {
        connections(&server, server.pid()) == 0
    });
    drop(clients);
}

#[test]
fn least_connections_fills_up_who_has_lost_his() {
    let server = start("cluster-least-connections", 2, &[]);
    let mut clients: Vec<Client> = (0..4).map(|_| served(&server)).collect();
    let counts = || {
        server
            .children()
            .iter()
            .map(|&pid| connections(&server, pid))
            .collect::<Vec<_>>()
    };
    assert_eq!(counts(), [2, 2]);
    // The first and the third are one worker's: dealt in turn so far.
    clients.remove(2);
    clients.remove(0);
    until("they are closed", || counts().contains(&0));
    clients.push(served(&server));
    clients.push(served(&server));
    assert_eq!(counts(), [2, 2]);
}

#[test]
fn a_stopped_worker_keeps_one_client_waiting_and_its_death_frees_him() {
    for model in PASSING {
        let server = start(model, 4, &[]);
        let stopped = server.children()[0];
        send(stopped, SIGSTOP);
        let mut clients: Vec<Client> = (0..4).map(|_| server.client()).collect();
        clients.iter_mut().for_each(Client::asks);
        until("three are answered", || answers(&clients) == 3);
        // Whoever answered would answer more; the fourth waits for a worker that has not even begun.
        assert_eq!(
            connections(&server, server.pid()),
            1,
            "{model}: the master keeps its copy"
        );
        send(stopped, SIGKILL);
        assert!(clients.iter_mut().all(Client::is_answered), "{model}");
    }
}

fn answers(clients: &[Client]) -> usize {
    let answered = |client: &&Client| {
        client.0.set_nonblocking(true).expect("a socket");
        let came = client.0.peek(&mut [0; 64]).is_ok_and(|bytes| bytes == 64);
        client.0.set_nonblocking(false).expect("a socket");
        came
    };
    clients.iter().filter(answered).count()
}

#[test]
fn a_connection_that_is_lost_on_the_way_is_passed_again() {
    for model in PASSING {
        let server = start(model, 2, &[]);
        let limits = server
            .children()
            .into_iter()
            .map(|pid| (pid, lowest_free_descriptor(pid)));
        let limits: Vec<_> = limits.collect();
        limits
            .iter()
            .for_each(|&(pid, least)| limit_descriptors(pid, least));
        let mut client = server.client();
        client.asks();
        until("it says so", || {
            server.stderr().contains("cannot accept a connection")
        });
        assert_eq!(answers(std::slice::from_ref(&client)), 0, "{model}");
        limits
            .iter()
            .for_each(|&(pid, least)| limit_descriptors(pid, least + 1000));
        assert!(client.is_answered(), "{model}");
        assert!(client.asks_and_is_answered());
        client.0.shutdown(Shutdown::Both).expect("connected");
    }
}

#[test]
fn the_lock_files_name_is_gone_before_anybody_comes() {
    let folder = tempdir();
    let mut command = std::process::Command::new(crate::running::BINARY);
    command
        .args(["prefork-file-lock", "--port", "0"])
        .env("TMPDIR", &folder);
    let server = Running::launch(command);
    drop(served(&server));
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0);
    let lock = || fs::read_to_string("/proc/locks").expect("/proc");
    let held = |pid: &i32| {
        lock()
            .lines()
            .any(|line| line.contains("POSIX") && line.contains(&format!(" {pid} ")))
    };
    until("one worker holds the lock", || {
        server.children().iter().filter(|pid| held(pid)).count() >= 1
    });
    drop(server);
    fs::remove_dir(&folder).expect("it is empty");
}

fn tempdir() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("crews-{}", std::process::id()));
    fs::create_dir(&folder).expect("a new folder");
    folder
}

#[test]
fn a_thread_has_the_stack_that_was_asked_for() {
    for model in [
        "thread-per-connection",
        "thread-pool",
        "thread-pool-accept",
        "thread-pool-dispatch",
        "rayon-pool",
    ] {
        let server = Running::start_named(model, &["--stack", "48MiB", "--workers", "1"]);
        let _client = served(&server);
        let maps = fs::read_to_string(format!("/proc/{}/maps", server.pid())).expect("/proc");
        let size = |line: &str| {
            let (from, to) = line.split_whitespace().next()?.split_once('-')?;
            Some(u64::from_str_radix(to, 16).ok()? - u64::from_str_radix(from, 16).ok()?)
        };
        let large = maps
            .lines()
            .filter_map(size)
            .filter(|size| (48 << 20..49 << 20).contains(size));
        assert_eq!(large.count(), 1, "{model}");
    }
}
