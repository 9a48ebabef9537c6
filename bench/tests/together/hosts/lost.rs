//! Who is lost in the middle of a run: the cell says so, what was finished is kept, and nothing is left anywhere.

use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{fiveways, hosts_here, plain, text};
use crate::support::{Place, command_line, ends, parent, rr, wait_for};

/// A run that would go on for long; agents' messages pass through pipes that can be stopped.
struct Session {
    place: Place,
    harness: Child,
}

/// An agent behind two programs that pass on what they read: a link that can be cut without an end of file. All in sessions of
/// their own, out of the harness's reach, as on another host.
fn linked() -> Vec<String> {
    let program = fiveways();
    [
        "sh",
        "-c",
        &format!("setsid cat | setsid '{program}' agent | setsid cat"),
    ]
    .map(str::to_owned)
    .to_vec()
}

impl Session {
    fn start(server: &[String], loads: &[Vec<String>]) -> Self {
        let place = Place::new();
        let contenders = place.echo_servers(&[("victim", "prefork --workers {workers}")]);
        let suite = place.suite(&rr("rr", 8, "20ms", "100ms", 900));
        let hosts = hosts_here(&place, server, loads);
        let words = [suite, hosts, contenders].map(|path| text(&path));
        let mut command = place.command(&[
            "run",
            &words[0],
            "--hosts",
            &words[1],
            "--contenders",
            &words[2],
            "--only",
            "^victim$",
            "--out",
            "out",
        ]);
        let harness = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("fiveways runs");
        let session = Session { place, harness };
        let records = session.place.path("out/records.jsonl");
        let recorded = || {
            std::fs::metadata(&records)
                .is_ok_and(|it| it.len() > 0)
                .then_some(())
        };
        wait_for(recorded, "a pass");
        session
    }

    /// Processes of ours whose command line says this, in the order in which they were started.
    fn all(&self, what: &str) -> Vec<i32> {
        let mut found: Vec<i32> = self.place.marked();
        found.retain(|pid| command_line(*pid).contains(what));
        found.sort_unstable();
        found
    }

    /// Agents and holders: who runs `fiveways agent`, keepers apart.
    fn agents(&self) -> Vec<i32> {
        let is_agent = |pid: &i32| command_line(*pid).trim_end().ends_with("fiveways agent");
        let mut found = self.all("agent");
        found.retain(is_agent);
        found
    }

    /// Waits for the end that a lost host brings, and sees that it is told, that what was finished is kept, and that
    /// nothing is left.
    fn assert_told(mut self, who: &str) {
        assert_eq!(ends(&mut self.harness).code(), Some(1), "{who}");
        self.place.assert_nothing_left(&[]);
        let said =
            std::io::read_to_string(self.harness.stderr.take().expect("piped")).expect("text");
        assert!(
            said.contains(who) && said.contains("are kept in out"),
            "{who}: {said}"
        );
        let results = record::read_results(&self.place.path("out")).expect("kept");
        assert!(results.damage.is_empty() && !results.passes.is_empty());
        let broken = results.run.broken_off.as_ref().expect("the plan says so");
        assert!(broken.cause.contains(who), "{broken:?}");
        assert_eq!(
            (&*broken.scenario, &broken.contenders[..]),
            ("rr", &["victim".to_owned()][..])
        );
        let summary = self.place.summary();
        let cell = summary
            .estimates
            .iter()
            .find(|it| it.contender == "victim")
            .expect("a cell");
        assert_eq!(cell.verdict, "partial");
        assert!(
            cell.reason
                .as_ref()
                .is_some_and(|reason| reason.contains(who)),
            "{cell:?}"
        );
    }
}

fn send(pid: i32, signal: Signal) {
    // ESRCH: it has ended meanwhile.
    let _ = kill(Pid::from_raw(pid), signal);
}

#[test]
fn a_killed_harness_leaves_nothing_on_any_host() {
    let mut session = Session::start(&linked(), &[linked(), plain()]);
    session.harness.kill().expect("a child of ours");
    session.harness.wait().expect("a child of ours");
    session.place.assert_nothing_left(&[]);
}

#[test]
fn a_killed_launcher_is_a_lost_host() {
    let session = Session::start(&plain(), &[linked(), linked()]);
    // Shells, in the order of the hosts.
    let shells: Vec<i32> = session.all("sh -c setsid cat |").into_iter().collect();
    let own = session.harness.id() as i32;
    let launchers: Vec<i32> = shells
        .into_iter()
        .filter(|pid| parent(*pid) == Some(own))
        .collect();
    assert_eq!(launchers.len(), 2);
    // What it has started it leaves to the lifeline; its pipes end with those at their ends.
    for cat in session
        .all("cat")
        .into_iter()
        .filter(|pid| parent(*pid) == Some(launchers[1]))
    {
        send(cat, Signal::SIGKILL);
    }
    send(launchers[1], Signal::SIGKILL);
    session.assert_told("load-2 is gone");
}

#[test]
fn a_killed_agent_or_holder_is_a_lost_host() {
    for holder in [false, true] {
        let session = Session::start(&plain(), &[plain()]);
        let own = session.harness.id() as i32;
        let agents = session.agents();
        let holders: Vec<i32> = agents
            .iter()
            .copied()
            .filter(|pid| parent(*pid) == Some(own))
            .collect();
        assert_eq!(holders.len(), 2, "{agents:?}");
        // The server's, which was started first: it has keepers and servers.
        let agent = agents.iter().find(|pid| parent(**pid) == Some(holders[0]));
        let victim = if holder {
            holders[0]
        } else {
            *agent.expect("below its holder")
        };
        send(victim, Signal::SIGKILL);
        session.assert_told("server is gone");
    }
}

#[test]
fn a_cut_link_is_a_lost_host_on_both_sides() {
    let session = Session::start(&linked(), &[plain()]);
    let cats: Vec<i32> = session
        .all("cat")
        .into_iter()
        .filter(|pid| command_line(*pid).trim_end() == "cat")
        .collect();
    assert_eq!(cats.len(), 2);
    for cat in &cats {
        send(*cat, Signal::SIGSTOP);
    }
    // The far side ends by itself, though nobody can tell it to.
    let is_left = |pid: &i32| {
        let words = command_line(*pid);
        words.contains("echo-server") || words.trim_end().ends_with("fiveways agent")
    };
    let own = session.harness.id() as i32;
    let below_link = || {
        let all = session.place.marked();
        let linked = |pid: &i32| parent(*pid) != Some(own) && is_left(pid);
        (!all.iter().any(linked)).then_some(())
    };
    wait_for(below_link, "the end of the server's host");
    for cat in &cats {
        send(*cat, Signal::SIGKILL);
    }
    session.assert_told("server is gone: nothing was heard of it for 1s");
}

#[test]
fn an_interrupt_ends_all_hosts_and_writes_the_report() {
    let mut session = Session::start(&linked(), &[linked(), plain()]);
    send(session.harness.id() as i32, Signal::SIGINT);
    assert_eq!(ends(&mut session.harness).code(), Some(130));
    session.place.assert_nothing_left(&[]);
    let results = record::read_results(&session.place.path("out")).expect("kept");
    assert!(results.run.broken_off.is_none() && !results.passes.is_empty());
    assert!(session.place.path("out/report.html").exists());
}
