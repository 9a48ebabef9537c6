//! Doubts provoked through the built program: each is raised where it must be, and not where it has no reason.
//! What is rare on a quiet machine and common on a busy one (a neighbour's noise, a generator that comes late)
//! is only provoked here; that it can be absent is tested on invented records.

use std::process::{Child, Command, Stdio};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use crate::support::{DEAR, Place, alone, estimate, passes, rr, value};

/// A process that only burns CPU time, until this is dropped.
struct Neighbour(Child);

impl Neighbour {
    fn new() -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null());
        Neighbour(command.spawn().expect("a shell"))
    }

    /// On these CPUs alone.
    fn on(cpus: &[usize]) -> Self {
        let neighbour = Neighbour::new();
        let mut set = CpuSet::new();
        for &cpu in cpus {
            set.set(cpu).expect("a CPU's number");
        }
        sched_setaffinity(Pid::from_raw(neighbour.0.id() as i32), &set).expect("a child of ours");
        neighbour
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// 20 clients at a rate, in a window of their own.
fn paced(name: &str, per_second: u32) -> String {
    format!(
        "[[scenario]]\nname = \"{name}\"\ntitle = \"t\"\nquestion = \"q\"\nworkload = \"rr\"\n\
         pace = {{ constant = {per_second} }}\nconnections = 20\nworkers = \"connections\"\n\
         server_cpus = 1\nmeasure = \"solo\"\nwarmup = \"20ms\"\nwindow = \"400ms\"\nrounds = 3\n"
    )
}

/// The verdict of a cell's throughput, and the reason given for it.
fn verdict(place: &Place, contender: &str, scenario: &str) -> (String, String) {
    let summary = place.summary();
    let found = estimate(&summary, contender, scenario, "throughput_per_s");
    (
        found.verdict.clone(),
        found.reason.clone().unwrap_or_default(),
    )
}

const EVENT_LOOP: [&str; 2] = ["--only", "^event-loop$"];

#[test]
fn a_generator_that_is_starved_comes_late() {
    let _alone = alone();
    let lag = |place: &Place| {
        let summary = place.summary();
        value(&summary, "event-loop", "paced", "schedule_lag_ns_p99")
    };
    let calm = Place::new();
    let (_, results) = calm.measure(&paced("paced", 4_000), &EVENT_LOOP);
    let cpus = passes(&results, "event-loop", "paced")[0]
        .generator
        .cpus
        .clone();
    let crowded = Place::new();
    let crowd: Vec<Neighbour> = (0..4).map(|_| Neighbour::on(&cpus)).collect();
    crowded.measure(&paced("paced", 4_000), &EVENT_LOOP);
    drop(crowd);
    let (word, reason) = verdict(&crowded, "event-loop", "paced");
    // Where the hypervisor takes some time as well, it is that which is told.
    let expected = if reason.contains("(steal)") {
        "host-noisy"
    } else {
        "client-bound"
    };
    assert_eq!(word, expected, "{reason}");
    assert!(reason.contains("late"), "{reason}");
    let (calm_ns, crowded_ns) = (lag(&calm), lag(&crowded));
    assert!(
        crowded_ns > 2.0 * calm_ns,
        "{crowded_ns} ns beside {calm_ns} ns: the crowd is not what made it late"
    );
    calm.assert_nothing_left(&[]);
    crowded.assert_nothing_left(&[]);
}

#[test]
fn a_neighbour_makes_the_host_noisy() {
    let _alone = alone();
    let place = Place::new();
    let neighbour = Neighbour::new();
    place.measure(&(rr("rr", 20, "100ms", "200ms", 3) + DEAR), &EVENT_LOOP);
    drop(neighbour);
    let (word, reason) = verdict(&place, "event-loop", "rr");
    assert_eq!(word, "host-noisy", "{reason}");
    assert!(reason.contains("% of a CPU"), "{reason}");
    place.assert_nothing_left(&[]);
}

#[test]
fn slices_are_too_short_for_many_connections_and_not_for_few() {
    let _alone = alone();
    let place = Place::new();
    let scenarios = [
        rr("hasty", 100, "1ms", "600ms", 3) + DEAR,
        rr("patient", 4, "50ms", "200ms", 3) + DEAR,
    ];
    place.measure(&scenarios.concat(), &EVENT_LOOP);
    let (word, reason) = verdict(&place, "event-loop", "hasty");
    assert_eq!(word, "slice-too-short", "{reason}");
    assert!(reason.contains("turns of each"), "{reason}");
    let (_, reason) = verdict(&place, "event-loop", "patient");
    assert!(!reason.contains("turns of each"), "{reason}");
    place.assert_nothing_left(&[]);
}

#[test]
fn a_server_that_burns_while_nobody_asks_is_restless() {
    let _alone = alone();
    let place = Place::new();
    let source = format!("{}/tests/servers/idler.py", env!("CARGO_MANIFEST_DIR"));
    let entry = |manner| {
        format!(
            "[[contender]]\nname = \"{manner}\"\ncommand = [\"python3\", \"{source}\", \"{{port}}\", \
             \"{manner}\"]\n"
        )
    };
    let file = place.write("idlers.toml", &[entry("rests"), entry("burns")].concat());
    let file = file.display().to_string();
    let only = [
        "--contenders",
        &file,
        "--only",
        "^(rests|burns|event-loop)$",
    ];
    let (_, results) = place.measure(&rr("rr", 5, "50ms", "200ms", 3), &only);
    let (word, reason) = verdict(&place, "burns", "rr");
    assert_eq!(word, "restless", "{reason}");
    for quiet in ["rests", "event-loop"] {
        let (word, reason) = verdict(&place, quiet, "rr");
        assert_ne!(word, "restless", "{quiet}: {reason}");
    }
    for pass in &results.passes {
        let (quiet, before) = (&pass.usage.quiet, &pass.usage.before);
        let stretch = before.as_ref().zip(quiet.as_ref());
        let stretch_ns = stretch.map(|(before, quiet)| before.at_ns - quiet.at_ns);
        assert!(
            stretch_ns.is_some_and(|ns| ns >= 50_000_000),
            "{stretch_ns:?}"
        );
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn a_rate_beyond_what_it_can_is_an_overload() {
    let _alone = alone();
    let place = Place::new();
    let contenders = place.echo_servers(&[("sleeps", "event-loop --work sleep:1ms")]);
    let contenders = contenders.display().to_string();
    // Of the hopeless many never find a connection that is free.
    let scenarios = [
        paced("too-much", 5_000),
        paced("hopeless", 20_000) + "timeout = \"300ms\"\n",
        paced("little", 50),
    ];
    let (_, results) = place.measure(
        &scenarios.concat(),
        &["--contenders", &contenders, "--only", "^sleeps$"],
    );
    for much in ["too-much", "hopeless"] {
        let (word, reason) = verdict(&place, "sleeps", much);
        assert_eq!(word, "overload", "{much}: {reason}");
    }
    let hopeless = passes(&results, "sleeps", "hopeless");
    assert!(
        hopeless
            .iter()
            .all(|it| it.requests.errors.contains_key("unfinished"))
    );
    let (word, reason) = verdict(&place, "sleeps", "little");
    assert_ne!(word, "overload", "{reason}");
    place.assert_nothing_left(&[]);
}

#[test]
fn too_little_is_too_little() {
    let _alone = alone();
    let place = Place::new();
    let scenarios = [
        rr("brief", 1, "10ms", "10ms", 3) + DEAR,
        rr("twice", 50, "100ms", "200ms", 2) + DEAR,
        rr("thrice", 50, "100ms", "200ms", 3) + DEAR,
    ];
    place.measure(&scenarios.concat(), &EVENT_LOOP);
    let (word, reason) = verdict(&place, "event-loop", "brief");
    assert_ne!(word, "few-samples", "of throughput: {reason}");
    let summary = place.summary();
    let p50 = estimate(&summary, "event-loop", "brief", "service_ns_p50");
    assert_eq!(p50.verdict, "few-samples", "{:?}", p50.reason);
    let (word, reason) = verdict(&place, "event-loop", "twice");
    assert_eq!(word, "too-few-rounds", "{reason}");
    let (word, reason) = verdict(&place, "event-loop", "thrice");
    assert!(
        !["few-samples", "too-few-rounds"].contains(&word.as_str()),
        "{word}: {reason}"
    );
    place.assert_nothing_left(&[]);
}

#[test]
fn every_pass_says_what_else_the_host_did() {
    let _alone = alone();
    let place = Place::new();
    let (_, results) = place.measure(&rr("rr", 50, "100ms", "600ms", 2), &EVENT_LOOP);
    for pass in &results.passes {
        let (before, after) = (&pass.host.before, &pass.host.after);
        let passed = after
            .at_ns
            .zip(before.at_ns)
            .map(|(after, before)| after - before);
        let ours = after
            .ours_ns
            .zip(before.ours_ns)
            .map(|(after, before)| after - before);
        // The server ended before the second look, so its time, and the generator's, are in what is ours.
        let exit = pass.usage.exit.as_ref().expect("it ended").cpu_ns;
        let least = exit + pass.generator.cpu_ns;
        assert!(
            ours.is_some_and(|ours| ours > least),
            "{ours:?} of at least {least}"
        );
        assert!(passed.is_some_and(|ns| ns > pass.generator.loaded_ns));
        assert!(before.listen_drops.is_some() && after.listen_drops >= before.listen_drops);
    }
    place.assert_nothing_left(&[]);
}
