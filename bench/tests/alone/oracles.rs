//! Figures against what is known: a server that sleeps N times, N children, a state of X MiB.

use std::path::Path;

use nix::sys::personality::{self, Persona};

use crate::support::{Place, Turn, assert_close, estimate, idle, passes, program, rr, value};

/// With nobody beside it: servers of one binary that are alive together share its pages. What this thread starts from now on
/// has its addresses not randomised: where the kernel happens to map things makes a page of stack or a few page
/// tables more or less, in every process of a tree.
fn alone() -> Turn {
    let persona = personality::get().expect("a persona");
    personality::set(persona | Persona::ADDR_NO_RANDOMIZE).expect("a persona");
    crate::support::alone()
}

#[test]
fn a_server_that_sleeps_n_times_a_request_shows_n_voluntary_switches() {
    let _alone = alone();
    let place = Place::new();
    // Work is done once for every --message bytes: a request of 64 bytes sleeps 64 / --message times.
    let contenders = place.echo_servers(&[
        ("sleeps-once", "event-loop --message 64 --work sleep:20us"),
        ("sleeps-twice", "event-loop --message 32 --work sleep:20us"),
        (
            "sleeps-four-times",
            "event-loop --message 16 --work sleep:20us",
        ),
    ]);
    let contenders = contenders.to_str().expect("UTF-8");
    let (_, results) = place.measure(
        &rr("rr", 50, "100ms", "500ms", 3),
        &["--contenders", contenders, "--only", "sleeps"],
    );
    let summary = place.summary();
    for (name, sleeps) in [
        ("sleeps-once", 1.0),
        ("sleeps-twice", 2.0),
        ("sleeps-four-times", 4.0),
    ] {
        let switches = value(&summary, name, "rr", "switches_voluntary_per_request");
        assert_close(switches, sleeps, 0.05, name);
        let replies: u64 = passes(&results, name, "rr")
            .iter()
            .map(|pass| pass.requests.ok)
            .sum();
        assert!(replies > 500, "{name}: {replies} replies are no oracle");
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn tasks_at_idle_are_the_connections_and_the_listener() {
    let _alone = alone();
    let place = Place::new();
    place.measure(
        &idle("idle", 100, ""),
        &["--only", "^(fork|thread)-per-connection$"],
    );
    let summary = place.summary();
    for model in ["fork-per-connection", "thread-per-connection"] {
        assert_eq!(value(&summary, model, "idle", "tasks"), 101.0, "{model}");
    }
}

/// A part of the gauge with all connected, the median of the rounds: bytes, and connections served.
fn weight(
    results: &record::Results,
    contender: &str,
    scenario: &str,
    part: fn(&record::Gauge) -> u64,
) -> (f64, f64) {
    let mut values: Vec<(u64, u32)> = passes(results, contender, scenario)
        .iter()
        .map(|pass| {
            let gauge = pass
                .gauges
                .connected
                .as_ref()
                .expect("an idle pass is gauged");
            (part(gauge), pass.connections.served)
        })
        .collect();
    values.sort_unstable();
    let (bytes, served) = values[values.len() / 2];
    (bytes as f64, f64::from(served))
}

#[test]
fn forked_children_share_a_state_and_copy_its_page_tables() {
    let _alone = alone();
    const STATE_MIB: f64 = 100.0;
    let place = Place::new();
    let state = "state = \"100MiB\"\n";
    // 5 and 100 processes: each one's share of 100 MiB is then a whole number of KiB, the grain of the
    // kernel's figures. Anonymous PSS, because libc's pages are shared with the rest of the machine, too.
    let scenarios = [
        idle("plain-4", 4, ""),
        idle("plain-99", 99, ""),
        idle("state-4", 4, state),
        idle("state-99", 99, state),
    ]
    .concat();
    let (_, results) = place.measure(&scenarios, &["--only", "^fork-per-connection$"]);
    let slope = |few, many, part| {
        let few = weight(&results, "fork-per-connection", few, part);
        let many = weight(&results, "fork-per-connection", many, part);
        (many.0 - few.0) / (many.1 - few.1)
    };
    let both = |part| {
        (
            slope("plain-4", "plain-99", part),
            slope("state-4", "state-99", part),
        )
    };
    let (plain, with_state) = both(|gauge| gauge.pss_anonymous_bytes);
    assert_close(with_state, plain, 0.05, "PSS of a child");
    let (plain, with_state) = both(|gauge| gauge.page_table_bytes);
    assert_close(
        (with_state - plain) / STATE_MIB,
        2048.0,
        0.1,
        "page tables of a child, a MiB of state",
    );
}

#[test]
fn memory_is_the_same_whether_two_contenders_are_measured_or_seven() {
    let _alone = alone();
    let figures = |only: &str| {
        let place = Place::new();
        let (_, results) = place.measure(&idle("idle-80", 80, ""), &["--only", only]);
        ["event-loop", "fork-per-connection"].map(|model| {
            let weight = |part| weight(&results, model, "idle-80", part).0;
            (
                weight(|gauge| gauge.pss_anonymous_bytes),
                weight(|gauge| gauge.page_table_bytes),
                weight(|gauge| gauge.pss_bytes),
            )
        })
    };
    let two = figures("^(event-loop|fork-per-connection)$");
    let seven = figures(
        "^(iterative|fork-per-connection|prefork|thread-per-connection|thread-pool|event-loop|tokio)$",
    );
    for (two, seven) in two.iter().zip(&seven) {
        assert_close(seven.0, two.0, 0.03, "anonymous PSS");
        assert_close(seven.1, two.1, 0.03, "page tables");
        // Pages of libraries are shared with the rest of the machine, whoever that is just now; with more
        // servers of the same binary alive, each one's part of them would shrink.
        assert_close(seven.2, two.2, 0.2, "PSS");
    }
}

#[test]
fn a_fat_harness_changes_nothing() {
    let _alone = alone();
    let place = Place::new();
    let suite = place.suite(&idle("idle", 50, ""));
    let text = std::fs::read_to_string(&suite).expect("just written");
    let suite = record::read_suite(&text, &suite).expect("a suite");
    let weigh = || {
        let program = Path::new(program());
        let mut bench = measure::Bench::start(program, None).expect("agents");
        let placement = measure::place(&bench.host.topology, 1).expect("one core and another");
        let echo_server = program.with_file_name("echo-server").display().to_string();
        let command = format!("{echo_server} fork-per-connection --port {{port}}");
        let entrant = record::Entrant {
            name: "fork-per-connection".to_owned(),
            family: "fork-per-connection".to_owned(),
            holds: record::Holds::Any,
            version: String::new(),
            command: command.split(' ').map(str::to_owned).collect(),
            skipped: None,
        };
        let contestant = measure::Contestant {
            entrant,
            env: Default::default(),
            places: Vec::new(),
        };
        let planned = record::Planned {
            contender: "fork-per-connection".to_owned(),
            scenario: "idle".to_owned(),
            round: 1,
            block: 1,
            order: 0,
            pass: record::PassKind::Timing,
        };
        let passes = measure::round(
            &mut bench,
            &suite.scenarios[0],
            &placement,
            &[measure::Entry {
                contestant: &contestant,
                planned: &planned,
                served: None,
            }],
            1,
        );
        let passes = passes.expect("a round");
        passes[0]
            .gauges
            .connected
            .clone()
            .expect("an idle pass is gauged")
    };
    let thin = weigh();
    let fat: Vec<u8> = vec![1; 500 << 20];
    let gauge = weigh();
    assert_eq!(fat[std::hint::black_box(499 << 20)], 1);
    drop(fat);
    assert_eq!(gauge.tasks, thin.tasks);
    assert_close(
        gauge.pss_anonymous_bytes as f64,
        thin.pss_anonymous_bytes as f64,
        0.03,
        "anonymous PSS",
    );
    assert_close(
        gauge.page_table_bytes as f64,
        thin.page_table_bytes as f64,
        0.03,
        "page tables",
    );
}

#[test]
fn the_iterative_server_serves_one_of_fifty_and_is_not_ranked() {
    let _alone = alone();
    let place = Place::new();
    let (output, results) = place.measure(
        &rr("rr-50", 50, "20ms", "100ms", 1),
        &["--only", "iterative|event-loop"],
    );
    assert!(output.status.success());
    let pass = passes(&results, "iterative", "rr-50")[0];
    assert_eq!((pass.connections.served, pass.connections.asked), (1, 50));
    assert_eq!(pass.requests.errors.get("unserved"), Some(&49));
    let summary = place.summary();
    let throughput = estimate(&summary, "iterative", "rr-50", "throughput_per_s");
    assert_eq!(throughput.verdict, "unserved");
    assert!(
        !summary
            .comparisons
            .iter()
            .any(|one| one.a == "iterative" || one.b == "iterative")
    );
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = said.split_whitespace().collect();
    assert!(
        words
            .windows(4)
            .any(|four| four == ["1", "of", "50", "served"]),
        "{said}"
    );
}

#[test]
fn who_was_found_unserved_is_not_waited_for_again() {
    let _alone = alone();
    let place = Place::new();
    let (_, results) = place.measure(
        &rr("rr-50", 50, "20ms", "40ms", 4),
        &["--only", "iterative|event-loop"],
    );
    let passes = passes(&results, "iterative", "rr-50");
    assert!(passes.iter().all(|pass| pass.connections.served == 1));
    let at_ns = |instant: &record::HostInstant| instant.at_ns.expect("a clock");
    let took = |pass: &&record::Pass| at_ns(&pass.host.after) - at_ns(&pass.host.before);
    let (first, later) = passes.split_first().expect("four passes");
    let least = later.iter().map(took).min().expect("three more");
    assert!(least + 500_000_000 < took(first), "{least} ns");
}

#[test]
fn who_serves_whom_is_seen_from_outside() {
    let _alone = alone();
    let place = Place::new();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/uneven.py");
    let with = format!("uneven=python3 {} {{port}}", program.display());
    let scenario = rr("rr", 8, "50ms", "200ms", 3) + "by_worker = true\n";
    let (_, results) = place.measure(
        &scenario,
        &["--with", &with, "--only", "^(uneven|event-loop)$"],
    );
    for pass in passes(&results, "uneven", "rr") {
        let held: Vec<(bool, u32)> = pass
            .by_worker
            .iter()
            .map(|it| (it.root, it.connections))
            .collect();
        assert_eq!(
            held,
            [(true, 0), (false, 6), (false, 2)],
            "three to one, twice"
        );
        let told: u64 = pass.by_worker.iter().map(|it| it.replies).sum();
        let counted: u64 = pass.slices.iter().map(|it| it.replies).sum();
        assert_eq!(told, counted, "every reply that counts is somebody's");
    }
    let summary = place.summary();
    let jain = |name| value(&summary, name, "rr", "jain_connections");
    assert_eq!(jain("uneven"), 0.8, "(6 + 2)² / (2 (36 + 4))");
    let reason = estimate(&summary, "event-loop", "rr", "jain_connections")
        .reason
        .clone();
    assert_eq!(reason.as_deref(), Some("one process serves everybody"));
    place.assert_nothing_left(&[]);
}
