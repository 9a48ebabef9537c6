//! What a server lacks is said by its cell: files, memory, processes. Who is served all the same has figures.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Place, estimate, passes, rr};
use record::Outcome;

/// Calls of whoever makes a process or a thread.
const BIRTHS: &str = "clone,clone3,fork,vfork";

/// The servers' program, which is built.
fn echo_server() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_fiveways")).with_file_name("echo-server")
}

/// A contender whose command these words are; whatever comes of it bears the place's mark.
fn contender(place: &Place, name: &str, words: &[&str]) -> String {
    let (mark, value) = place.mark();
    format!(
        "[[contender]]\nname = \"{name}\"\ncommand = {words:?}\nenv = {{ {mark} = \"{value}\" }}\n"
    )
}

/// Words before a server's that keep something from it as long as a file is there: `None`, with the cause on standard output,
/// where no such filter can be had.
fn scarcity(place: &Place) -> Option<[String; 3]> {
    let script = "../servers/tests/contract/scarce.py";
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let wanting = place.write("wanting", "");
    let [script, wanting] = [script, wanting].map(|path| path.display().to_string());
    let tried = Command::new("python3")
        .args([&script, &wanting, "ENFILE", "accept4", "true"])
        .output()
        .expect("python3 runs");
    if !tried.status.success() {
        println!("skipped: {}", String::from_utf8_lossy(&tried.stderr));
        return None;
    }
    Some(["python3".to_owned(), script, wanting])
}

#[test]
fn what_a_server_lacks_is_said_by_its_cell() {
    let place = Place::new();
    let Some([python, script, wanting]) = scarcity(&place) else {
        return;
    };
    let program = echo_server().display().to_string();
    let lacks = |name: &str, errno: &str, calls: &str, model: &str| {
        let words = [&*python, &script, &wanting, errno, calls, &program, model];
        contender(&place, name, &[&words[..], &["--port", "{port}"]].concat())
    };
    let small = ["prlimit", "--as=100000000", &program, "event-loop"];
    let small = [&small[..], &["--port", "{port}", "--state", "1GiB"]].concat();
    let contenders = [
        lacks("no-files", "ENFILE", "accept4", "event-loop"),
        lacks("no-memory", "ENOMEM", BIRTHS, "fork-per-connection"),
        lacks("no-threads", "EAGAIN", BIRTHS, "thread-per-connection"),
        contender(&place, "small", &small),
    ];
    let file = place.write("contenders.toml", &contenders.concat());
    let file = file.display().to_string();
    let only = "^(no-files|no-memory|no-threads|small|event-loop)$";
    let words = ["--contenders", &file, "--only", only];
    let (output, results) = place.measure(&rr("rr", 4, "20ms", "100ms", 1), &words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let summary = place.summary();
    for (name, outcome, what, number) in [
        ("no-files", Outcome::Hung, "cannot accept a connection", 23),
        ("no-memory", Outcome::Hung, "cannot fork", 12),
        ("no-threads", Outcome::Hung, "cannot start a thread", 11),
        ("small", Outcome::Crashed, "no room for --state", 12),
    ] {
        let pass = passes(&results, name, "rr")[0];
        assert_eq!(pass.outcome, outcome, "{name}: {:?}", pass.cause);
        let cell = estimate(&summary, name, "rr", "throughput_per_s");
        let reason = cell.reason.as_deref().unwrap_or_default();
        let number = format!("(os error {number})");
        assert!(
            cell.value.is_none() && reason.contains(what) && reason.contains(&number),
            "{name}: {cell:?}"
        );
    }
    let other = estimate(&summary, "event-loop", "rr", "throughput_per_s");
    assert!(other.value.is_some(), "the others go on: {other:?}");
    place.assert_nothing_left(&[]);
}

/// Root is bound by no such limit (RLIMIT_NPROC), and whoever else runs the tests has other processes, which count.
#[test]
fn a_user_at_his_limit_of_processes_serves_some_at_a_time_and_the_cell_says_so() {
    if !nix::unistd::geteuid().is_root() {
        return println!("skipped: only root can be somebody else");
    }
    let place = Place::new();
    // A copy, because somebody else may not be let in where the programs are built.
    let program = place.path("server");
    std::fs::copy(echo_server(), &program).expect("room for a copy");
    let everybody = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path(""), everybody).expect("ours");
    let program = program.display().to_string();
    let limited = |name: &str, number: u32, model: &str| {
        // A user each, who has no other process: the server, and three more.
        let uid = (60_000 + std::process::id() % 2_500 * 2 + number).to_string();
        let user = [
            "setpriv",
            "--reuid",
            &uid,
            "--regid",
            &uid,
            "--clear-groups",
        ];
        let server = ["prlimit", "--nproc=4", &program, model, "--port", "{port}"];
        contender(&place, name, &[user, server].concat())
    };
    let contenders = [
        limited("forks", 0, "fork-per-connection"),
        limited("threads", 1, "thread-per-connection"),
    ];
    let file = place.write("contenders.toml", &contenders.concat());
    let file = file.display().to_string();
    let stay = rr("stay", 10, "20ms", "100ms", 1);
    let come_and_go = rr("come-and-go", 10, "100ms", "200ms", 1)
        .replace("workload = \"rr\"", "workload = \"crr\"");
    let words = ["--contenders", &file, "--only", "^(forks|threads)$"];
    let (output, results) = place.measure(&(stay + &come_and_go), &words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let summary = place.summary();
    for name in ["forks", "threads"] {
        let stays = passes(&results, name, "stay")[0];
        assert_eq!(stays.outcome, Outcome::Ok, "{name}: {:?}", stays.cause);
        assert_eq!(stays.connections.served, 3, "{name}: {:?}", stays.cause);
        assert_eq!(stays.requests.errors.get("unserved"), Some(&7), "{name}");
        let cell = estimate(&summary, name, "stay", "throughput_per_s");
        let reason = cell.reason.as_deref().unwrap_or_default();
        assert_eq!(cell.verdict, "unserved", "{name}: {cell:?}");
        assert!(
            reason.contains("3 of 10 served") && reason.contains("(os error 11)"),
            "{name}: {reason}"
        );
        // Three at a time are enough where nobody stays.
        let comes = passes(&results, name, "come-and-go")[0];
        assert_eq!(comes.outcome, Outcome::Ok, "{name}: {:?}", comes.cause);
        assert_eq!(comes.connections.served, 10, "{name}: {comes:?}");
        let requests = &comes.requests;
        assert!(
            requests.errors.is_empty() && requests.ok > 10,
            "{name}: {requests:?}"
        );
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn a_flood_beside_a_hundred_quiet_clients_costs_none_of_them() {
    let place = Place::new();
    let flood = "[[scenario]]\nname = \"flood\"\ntitle = \"t\"\nquestion = \"q\"\nworkload = \"stream\"\n\
                 connections = 1\nmessage = 4096\ndepth = 32\nidle = 100\nworkers = \"connections\"\n\
                 server_cpus = 1\nmeasure = \"solo\"\nwarmup = \"50ms\"\nwindow = \"300ms\"\nrounds = 1\n";
    const MODELS: [&str; 4] = [
        "fork-per-connection",
        "thread-per-connection",
        "event-loop",
        "tokio",
    ];
    let only = format!("^({})$", MODELS.join("|"));
    let (output, results) = place.measure(flood, &["--only", &only]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for model in MODELS {
        let pass = passes(&results, model, "flood")[0];
        assert_eq!(pass.outcome, Outcome::Ok, "{model}: {:?}", pass.cause);
        assert_eq!((pass.idle.asked, pass.idle.served), (100, 100), "{model}");
        let requests = &pass.requests;
        assert!(
            requests.errors.is_empty() && requests.ok > 100,
            "{model}: {requests:?}"
        );
    }
    place.assert_nothing_left(&[]);
}
