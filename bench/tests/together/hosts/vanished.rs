//! Peers that vanish: a cable is cut, and neither side is told. For root, in network namespaces of the test's own; where they cannot be
//! made, skipped with the cause.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use record::Outcome;

use super::namespaces::{Net, SERVICE, ip};
use super::{fiveways, rate, text};
use crate::support::{PATIENCE, Place, ends, passes, wait_for};

/// Who keeps connections by processes, threads, helpers and loops.
const MODELS: [&str; 5] = [
    "fork-per-connection",
    "thread-per-connection",
    "thread-pool-dispatch",
    "event-loop",
    "tokio",
];

/// The server's end of the cable to the first load host.
const CABLE: &str = "v1";

/// Does something in a network namespace; sockets that come of it stay there.
fn within<T: Send>(name: &str, what: impl FnOnce() -> T + Send) -> T {
    thread::scope(|threads| {
        let there = threads.spawn(|| {
            let namespace = File::open(Path::new("/run/netns").join(name)).expect("made by ip");
            // Of this thread alone.
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("root may");
            what()
        });
        there.join().expect("no panic")
    })
}

/// A table of the kernel's, as a namespace has it.
fn table(namespace: &str, name: &str) -> String {
    let path = Path::new("/proc/thread-self/net").join(name);
    within(namespace, || {
        std::fs::read_to_string(path).expect("a mounted /proc")
    })
}

/// An `echo-server` in the namespace of servers; it ends with the test.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(namespace: &str, model: &str) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_fiveways")).with_file_name("echo-server");
        let child = Command::new("ip")
            .args(["netns", "exec", namespace])
            .arg(program)
            .args([model, "--listen", SERVICE, "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ip runs");
        let mut server = Server {
            child,
            address: SocketAddr::from(([0; 4], 0)),
        };
        let mut line = String::new();
        let stdout = server.child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("text");
        let address = line.trim().strip_prefix("listening on ");
        let address = address.and_then(|address| address.parse().ok());
        server.address = address.unwrap_or_else(|| panic!("{model}: {line:?}"));
        server
    }

    /// Connections from the load host that its kernel takes for established.
    fn standing(&self, namespace: &str) -> usize {
        // 10.77.1.2, as this kernel writes it.
        const LOAD_HOST: &str = "02014D0A:";
        const ESTABLISHED: &str = "01";
        let port = format!(":{:04X}", self.address.port());
        let stands = |line: &&str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (local, peer, state) = (fields[1], fields[2], fields[3]);
            local.ends_with(&port) && peer.starts_with(LOAD_HOST) && state == ESTABLISHED
        };
        let table = table(namespace, "tcp");
        table.lines().skip(1).filter(stands).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection on which one request was answered.
fn served(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(&[b'?'; 64]).expect("64 bytes fit");
    let mut answer = [0; 64];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer, [b'?'; 64]);
    stream
}

/// A connection that is owed more than there is room for.
fn owed(address: SocketAddr) -> TcpStream {
    let mut stream = served(address);
    let stuck = Duration::from_millis(100);
    stream.set_write_timeout(Some(stuck)).expect("a timeout");
    while stream.write(&[b'?'; 1 << 16]).is_ok() {}
    stream
}

#[test]
fn who_vanishes_keeps_a_place_until_the_network_tells_and_harms_nobody() {
    let Some(net) = Net::new() else { return };
    // The servers are built.
    let _place = Place::new();
    let [here, there, _] = &net.names;
    let servers = MODELS.map(|model| (model, Server::start(here, model)));
    let mut vanishing = Vec::new();
    for (_, server) in &servers {
        let quiet = || (0..4).map(|_| served(server.address)).collect::<Vec<_>>();
        vanishing.extend(within(there, quiet));
    }
    for (_, server) in &servers {
        vanishing.push(within(there, || owed(server.address)));
    }
    ip(&format!("-n {here} link set {CABLE} down")).expect("a cable of ours");
    // Whatever these say at their end is said to nobody.
    drop(vanishing);
    for (model, server) in &servers {
        within(here, || drop([(); 3].map(|()| served(server.address))));
        assert_eq!(server.standing(here), 5, "{model}");
    }
    ip(&format!("-n {here} link set {CABLE} up")).expect("a cable of ours");
    for (model, server) in &servers {
        let is_told = || (server.standing(here) == 0).then_some(());
        wait_for(is_told, model);
        drop(within(there, || served(server.address)));
    }
}

#[test]
fn a_cable_that_is_cut_under_load_is_a_pass_that_hung() {
    let Some(net) = Net::new() else { return };
    let place = Place::new();
    let program = fiveways();
    let names = net.names.each_ref().map(String::as_str);
    let launcher = ["ip", "netns", "exec", "{host}", &program, "agent"];
    let hosts = text(&net.hosts(&place, &launcher, &names, 1));
    let contenders = place.echo_servers(&[("one", &format!("event-loop --listen {SERVICE}"))]);
    let contenders = text(&contenders);
    let scenario = rate("rr", 4, 500, "2s", 1) + "timeout = \"300ms\"\n";
    let suite = text(&place.suite(&scenario));
    let who = ["--contenders", &contenders, "--only", "^one$"];
    let words = ["run", &suite, "--hosts", &hosts, "--out", "out"];
    let mut harness = place.command(&[&words[..], &who].concat());
    let mut harness = harness
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("fiveways runs");
    // More than connecting takes: it is under load.
    let is_loaded = || (received(&names) > 30_000).then_some(());
    wait_for(is_loaded, "load");
    ip(&format!("-n {} link set {CABLE} down", names[0])).expect("a cable of ours");
    assert_eq!(ends(&mut harness).code(), Some(3));

    place.assert_nothing_left(&[]);
    let results = record::read_results(&place.path("out")).expect("it recorded");
    assert!(results.run.broken_off.is_none(), "no host is lost");
    let pass = passes(&results, "one", "rr")[0];
    let cause = pass.cause.as_ref().expect("a cause");
    assert_eq!(pass.outcome, Outcome::Hung, "{cause:?}");
    assert!(cause.text.contains("nothing in time"), "{cause:?}");
    let requests = &pass.requests;
    let failed: u64 = requests.errors.values().sum();
    assert_eq!(requests.sent, requests.ok + failed, "{requests:?}");
    assert!(
        requests.ok > 0 && requests.errors.contains_key("timeout"),
        "{requests:?}"
    );
}

/// Bytes that have come over the cable to the server's host.
fn received(names: &[&str; 3]) -> u64 {
    let table = table(names[0], "dev");
    let line = table
        .lines()
        .find_map(|line| line.trim().strip_prefix(&format!("{CABLE}:")));
    let bytes = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    bytes.expect("the cable is there")
}
