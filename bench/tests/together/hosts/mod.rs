//! Several hosts: servers on one, load from others. Agents are started by launchers as a user would write them: a plain
//! command, pipes that can be cut, and, for root, network namespaces that are joined by veth and end with the test.

mod lost;
mod namespaces;
mod refused;
mod together;
mod vanished;
mod verbs;

use std::path::Path;

use crate::support::{Place, program};

/// The built program, as a launcher names it.
fn fiveways() -> String {
    program().to_owned()
}

/// A file of hosts on this very machine: a launcher for the server, and one for each load host.
fn hosts_here(place: &Place, server: &[String], loads: &[Vec<String>]) -> std::path::PathBuf {
    let cpus = record_cpus();
    let mut text = format!(
        "lease = \"1s\"\n[server]\nhost = \"127.0.0.1\"\nlauncher = {server:?}\ncpus = [{}]\n",
        cpus.0
    );
    for launcher in loads {
        text.push_str(&format!(
            "[[load]]\nhost = \"127.0.0.1\"\nlauncher = {launcher:?}\ncpus = [{}]\n",
            cpus.1
        ));
    }
    place.write("hosts.toml", &text)
}

/// A CPU for the server and one for the load: the last and the first that this process may use.
fn record_cpus() -> (usize, usize) {
    let all =
        nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).expect("of this process");
    let mut usable =
        (0..nix::sched::CpuSet::count()).filter(|cpu| all.is_set(*cpu).unwrap_or(false));
    let first = usable.next().expect("at least one");
    (usable.next_back().unwrap_or(first), first)
}

/// `fiveways agent`, without anything around it.
fn plain() -> Vec<String> {
    vec![fiveways(), "agent".to_owned()]
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A solo scenario of a rate.
fn rate(name: &str, connections: u32, per_second: u32, window: &str, rounds: u32) -> String {
    format!(
        "[[scenario]]\nname = \"{name}\"\ntitle = \"t\"\nquestion = \"q\"\nworkload = \"rr\"\n\
         pace = {{ constant = {per_second} }}\nconnections = {connections}\nworkers = \"connections\"\n\
         server_cpus = 1\nmeasure = \"solo\"\nwarmup = \"50ms\"\nwindow = \"{window}\"\nrounds = {rounds}\n"
    )
}
