//! Whoever is killed, and whenever: nothing of ours runs, listens or is mounted afterwards.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::support::{MODELS, Place, command_line, ends, parent, program, rr, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How far a run is, as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// A server's process is there.
    Launch,
    /// Its root owns a connection or has forked or started somebody: clients are arriving.
    Connect,
    /// It has used CPU time: load.
    Load,
    /// A pass is recorded: servers were stopped, the next round begins.
    NextRound,
}

const PHASES: [Phase; 4] = [Phase::Launch, Phase::Connect, Phase::Load, Phase::NextRound];

/// A run of one model, marked down to its workers, that would go on for long.
struct Session {
    place: Place,
    harness: Child,
}

impl Session {
    fn start(model: &str) -> Self {
        Self::under(model, &rr("rr", 20, "20ms", "200ms", 500))
    }

    fn under(model: &str, scenario: &str) -> Self {
        let place = Place::new();
        let contenders =
            place.echo_servers(&[("victim", &format!("{model} --workers {{workers}}"))]);
        let suite = place.suite(scenario);
        let paths = [suite, contenders].map(|path| path.display().to_string());
        let arguments = [
            "run",
            &paths[0],
            "--contenders",
            &paths[1],
            "--only",
            "^victim$",
            "--out",
            "out",
        ];
        let mut command = place.command(&arguments);
        let harness = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("fiveways runs");
        Session { place, harness }
    }

    /// The server's root: the marked echo-server (no `--list`) whose parent is none.
    fn server(&self) -> Option<i32> {
        let is_server = |pid: i32| {
            command_line(pid).contains("echo-server") && command_line(pid).contains("--port")
        };
        self.place
            .marked()
            .into_iter()
            .find(|&pid| is_server(pid) && parent(pid).is_some_and(|parent| !is_server(parent)))
    }

    fn agents(&self) -> Vec<i32> {
        let is_agent = |pid: &i32| command_line(*pid).trim_end().ends_with("agent");
        self.place.marked().into_iter().filter(is_agent).collect()
    }

    /// Waits until the run is in this phase, and returns a server that was alive then.
    fn reach(&self, phase: Phase) -> i32 {
        let reached = || {
            let server = self.server()?;
            let there = match phase {
                Phase::Launch => true,
                Phase::Connect => {
                    sockets(server) > 1 || self.place.marked().len() > 5 || threads(server) > 1
                }
                Phase::Load => {
                    cpu_ticks(server) > 3
                        || self.place.marked().into_iter().map(cpu_ticks).sum::<u64>() > 20
                }
                Phase::NextRound => std::fs::metadata(self.place.path("out/records.jsonl"))
                    .is_ok_and(|records| records.len() > 0),
            };
            there.then_some(server)
        };
        wait_for(reached, &format!("phase {phase:?}"))
    }
}

fn sockets(pid: i32) -> usize {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"));
    descriptors
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            std::fs::read_link(entry.path())
                .is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
        })
        .count()
}

fn threads(pid: i32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

fn cpu_ticks(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    fields.get(11..13).map_or(0, |times| {
        times
            .iter()
            .filter_map(|time| time.parse::<u64>().ok())
            .sum()
    })
}

fn send(pid: i32, signal: Signal) {
    // ESRCH: it has ended between the look and the signal; then there is nothing to end.
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Runs `check` for every model, two at a time.
fn for_every_model(check: fn(&str)) {
    let next = AtomicUsize::new(0);
    let some = || {
        while let Some(model) = MODELS.get(next.fetch_add(1, Relaxed)) {
            check(model);
        }
    };
    std::thread::scope(|scope| {
        (0..2).for_each(|_| drop(scope.spawn(some)));
    });
}

/// Two phases of a model, so that each phase is that of three models or four.
fn two_phases(model: &str) -> [Phase; 2] {
    let index = MODELS.iter().position(|it| *it == model);
    let first = index.expect("one of them") % 2;
    [PHASES[first], PHASES[first + 2]]
}

#[test]
fn a_killed_harness_leaves_nothing() {
    for_every_model(|model| {
        for phase in PHASES {
            let mut session = Session::start(model);
            session.reach(phase);
            let agents = session.agents();
            assert!(!agents.is_empty());
            session.harness.kill().expect("a child of ours");
            session.harness.wait().expect("a child of ours");
            session.place.assert_nothing_left(&agents);
        }
    });
}

#[test]
fn a_killed_keeper_leaves_nothing_and_its_pass_says_so() {
    for_every_model(|model| {
        for phase in two_phases(model) {
            let mut session = Session::start(model);
            let server = session.reach(phase);
            let agents = session.agents();
            if let Some(keeper) = parent(server).filter(|&pid| pid > 1) {
                send(keeper, Signal::SIGKILL);
                // The server outlives its keeper by no more than the agent needs to notice.
                wait_for(|| (!alive(server)).then_some(()), "the server's end");
            }
            send(session.harness.id() as i32, Signal::SIGINT);
            assert_eq!(
                ends(&mut session.harness).code(),
                Some(130),
                "{model} {phase:?}"
            );
            session.place.assert_nothing_left(&agents);
            let results =
                record::read_results(&session.place.path("out")).expect("records are kept");
            assert!(results.damage.is_empty(), "{:?}", results.damage);
        }
    });
}

#[test]
fn a_killed_agent_ends_the_run_with_an_error_and_leaves_nothing() {
    for phase in PHASES {
        let mut session = Session::start("prefork");
        session.reach(phase);
        let agents = session.agents();
        // The one that launches: it has children.
        let keepers_parent = session
            .server()
            .and_then(parent)
            .and_then(parent)
            .filter(|&pid| pid > 1);
        send(keepers_parent.unwrap_or(agents[0]), Signal::SIGKILL);
        assert_eq!(ends(&mut session.harness).code(), Some(1), "{phase:?}");
        session.place.assert_nothing_left(&[]);
        assert!(session.place.path("out/report.html").exists());
        let results = record::read_results(&session.place.path("out")).expect("records are kept");
        let broken = results.run.broken_off.expect("the plan says so");
        assert!(broken.cause.contains("SIGKILL"), "{phase:?}: {broken:?}");
    }
}

/// A counted pass is recorded, so that the next is under way, with its events open and its server stopped before
/// its first instruction or running counted.
#[test]
fn whoever_is_killed_in_a_counted_pass_leaves_nothing() {
    for model in ["prefork", "fork-per-connection"] {
        for (victim, status) in [("harness", None), ("agent", Some(1))] {
            let counted = rr("rr", 20, "20ms", "200ms", 1) + "counters = 500\n";
            let mut session = Session::under(model, &counted);
            let records = session.place.path("out/records.jsonl");
            let recorded = || {
                let text = std::fs::read_to_string(&records).ok()?;
                text.contains(r#""pass":"counter""#).then_some(())
            };
            wait_for(recorded, "a counted pass");
            let server = session.reach(Phase::Connect);
            let agents = session.agents();
            if victim == "harness" {
                session.harness.kill().expect("a child of ours");
            } else {
                let agent = parent(server).and_then(parent).filter(|&pid| pid > 1);
                send(agent.unwrap_or(agents[0]), Signal::SIGKILL);
            }
            let ended = ends(&mut session.harness);
            assert_eq!(ended.code(), status, "{model}, the {victim} killed");
            session.place.assert_nothing_left(&agents);
        }
    }
}

#[test]
fn an_interrupt_keeps_every_record_and_writes_the_report() {
    for phase in PHASES {
        interrupted(Signal::SIGINT, phase);
    }
    interrupted(Signal::SIGTERM, Phase::Launch);
    interrupted(Signal::SIGTERM, Phase::Load);
    interrupted(Signal::SIGHUP, Phase::Connect);
    interrupted(Signal::SIGHUP, Phase::NextRound);
}

fn interrupted(signal: Signal, phase: Phase) {
    let mut session = Session::start("event-loop");
    session.reach(phase);
    let agents = session.agents();
    send(session.harness.id() as i32, signal);
    let code = ends(&mut session.harness).code();
    assert_eq!(code, Some(130), "{signal} {phase:?}");
    session.place.assert_nothing_left(&agents);
    let results = record::read_results(&session.place.path("out")).expect("records are kept");
    assert!(results.damage.is_empty(), "{:?}", results.damage);
    let later = phase == Phase::NextRound;
    assert!(
        !later || !results.passes.is_empty(),
        "what was finished is kept"
    );
    for name in ["report.html", "summary.json", "README.md"] {
        assert!(session.place.path("out").join(name).exists(), "{name}");
    }
}

fn alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.trim_start().starts_with(['Z', 'X']) && !rest.is_empty())
}

/// A mistake of ours: whoever unwinds lets go of the agents' lifelines, and waits for their end.
#[test]
fn a_panic_of_the_harness_leaves_nothing() {
    let program = std::path::Path::new(program());
    let (told, agents) = std::sync::mpsc::channel();
    let harness = std::thread::spawn(move || {
        let bench = measure::Bench::start(program, None).expect("agents");
        told.send(bench.agents()).expect("somebody who listens");
        panic!("as a mistake would");
    });
    let agents = agents.recv().expect("two agents");
    assert!(harness.join().is_err());
    for agent in agents {
        assert!(!alive(agent as i32), "agent {agent}");
    }
}
