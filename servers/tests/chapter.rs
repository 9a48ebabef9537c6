//! The chapter's listings, written anew (`contenders/chapter`): they do what their sentences say, and the one
//! that is wrong in print fails as its comment says. Skipped, by name, where node is not installed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(20);

fn node(listing: &str, arguments: &[&str]) -> Option<Command> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("contenders/chapter");
    if Command::new("node").arg("--version").output().is_err() {
        println!("skipped: node is not installed");
        return None;
    }
    let mut command = Command::new("node");
    command
        .arg(folder.join(listing))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Some(command)
}

/// What a listing that ends by itself prints, in any order.
fn printed(listing: &str) -> Option<BTreeSet<String>> {
    let output = node(listing, &[])?.output().expect("node runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    Some(text.lines().map(str::to_owned).collect())
}

#[test]
fn four_ways_start_a_child() {
    let Some(lines) = printed("child-process.js") else {
        return;
    };
    let expected = [
        "started by spawn",
        "spawn's child ended with 0",
        "started by exec",
        "started by execFile",
        "started by fork",
        "fork's child sent {\"startedBy\":\"fork\"}",
    ];
    assert_eq!(lines, expected.map(str::to_owned).into());
}

#[test]
fn messages_go_both_ways() {
    let Some(lines) = printed("messages-parent.js") else {
        return;
    };
    let expected = [
        "child got {\"hello\":\"child\"}",
        "parent got {\"hello\":\"parent\"}",
    ];
    assert_eq!(lines, expected.map(str::to_owned).into());
}

/// The listing that listens; it and its child end with the test.
struct Cluster {
    parent: Child,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Cluster {
    fn start(mode: &[&str]) -> Option<Self> {
        let mut parent = node("cluster-parent.js", &[&["0"], mode].concat())?
            .spawn()
            .expect("node runs");
        let mut output = BufReader::new(parent.stdout.take().expect("a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        let address = line
            .strip_prefix("listening on ")
            .expect("where it listens")
            .trim();
        let address = address.parse().expect("an address");
        Some(Cluster {
            parent,
            output,
            address,
        })
    }

    /// What one client is answered; nothing when its connection was dropped.
    fn answer(&self) -> String {
        let mut client = TcpStream::connect_timeout(&self.address, DEADLINE).expect("it listens");
        client.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        let mut answer = String::new();
        let _ = client.read_to_string(&mut answer);
        answer
    }

    /// Asks until an answer satisfies.
    fn ask_until(&self, mut satisfied: impl FnMut(String) -> bool) {
        let begun = Instant::now();
        while !satisfied(self.answer()) {
            assert!(begun.elapsed() < DEADLINE, "asked for {DEADLINE:?} in vain");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Its child sees the channel close, and ends.
        let _ = self.parent.kill();
        let _ = self.parent.wait();
    }
}

#[test]
fn parent_and_child_accept_from_one_port() {
    let Some(cluster) = Cluster::start(&[]) else {
        return;
    };
    let mut answers = BTreeSet::new();
    cluster.ask_until(|answer| {
        answers.insert(answer);
        answers.len() == 2
    });
    let both = ["handled by child!\n", "handled by parent!\n"];
    assert_eq!(answers, both.map(str::to_owned).into());
}

#[test]
fn as_printed_the_child_dies_of_its_first_connection() {
    let Some(mut cluster) = Cluster::start(&["as-printed"]) else {
        return;
    };
    cluster.ask_until(|answer| answer.is_empty());
    let mut line = String::new();
    cluster.output.read_line(&mut line).expect("a line");
    assert_eq!(line, "child ended with 1\n");
    assert_eq!(cluster.answer(), "handled by parent!\n");
    let _ = cluster.parent.kill();
    let mut errors = String::new();
    let stderr = cluster.parent.stderr.as_mut().expect("a pipe");
    stderr.read_to_string(&mut errors).expect("UTF-8");
    assert!(errors.contains("ERR_INVALID_ARG_TYPE"), "{errors}");
}
