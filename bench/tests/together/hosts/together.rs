//! Load from two hosts: it sums exactly, begins together, and nothing of it is lost when it is put together.

use record::histogram::latencies;
use record::{LoadPart, Outcome, Pass};

use super::{hosts_here, plain, rate, text};
use crate::support::{Place, passes, rr};

fn measure(scenarios: &str, more: &[&str]) -> (Place, record::Results) {
    let place = Place::new();
    let hosts = hosts_here(&place, &plain(), &[plain(), plain()]);
    let contenders = place.echo_servers(&[("one", "event-loop"), ("two", "event-loop")]);
    let (hosts, contenders) = (text(&hosts), text(&contenders));
    let mut arguments = vec![
        "--hosts",
        &hosts,
        "--contenders",
        &contenders,
        "--only",
        "^(one|two)$",
    ];
    arguments.extend(more);
    let (output, results) = place.measure(scenarios, &arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    place.assert_nothing_left(&[]);
    (place, results)
}

fn sum(pass: &Pass, of: fn(&LoadPart) -> u64) -> u64 {
    pass.load.iter().map(of).sum()
}

#[test]
fn two_hosts_load_as_one_would_to_the_unit() {
    let scenarios = rr("rr", 21, "20ms", "80ms", 2) + &rate("rate", 7, 1000, "500ms", 1);
    let (place, results) = measure(&scenarios, &[]);
    let names: Vec<&str> = results.run.load_hosts.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["load-1", "load-2"]);
    assert!(
        results
            .run
            .load_hosts
            .iter()
            .all(|it| it.is_servers && it.host.cpus > 0)
    );
    for contender in ["one", "two"] {
        for pass in passes(&results, contender, "rr") {
            assert_eq!(pass.outcome, Outcome::Ok, "{:?}", pass.cause);
            let asked: Vec<u32> = pass.load.iter().map(|it| it.connections.asked).collect();
            assert_eq!(asked, [11, 10]);
            assert_eq!(pass.connections.served, 21);
            assert_eq!(pass.slices.len(), 4, "a slice of both hosts is one");
            assert!(
                pass.slices
                    .windows(2)
                    .all(|two| two[0].start_ns < two[1].start_ns)
            );
        }
        let pass = passes(&results, contender, "rate")[0];
        assert_eq!(pass.outcome, Outcome::Ok, "{:?}", pass.cause);
        let response = pass.histograms.response.as_ref().expect("an open loop");
        assert_eq!(
            response.decode().expect("ours").len(),
            500,
            "1,000 a second for half a second"
        );
        assert!(!pass.bins.is_empty());
    }
    for pass in &results.passes {
        assert_eq!(sum(pass, |it| it.requests.ok), pass.requests.ok);
        assert_eq!(sum(pass, |it| it.requests.sent), pass.requests.sent);
        let mut all = latencies();
        for part in &pass.load {
            let own = part
                .histograms
                .service
                .as_ref()
                .expect("loaded")
                .decode()
                .expect("ours");
            assert!(!own.is_empty(), "{} had a part of it", part.name);
            all.add(own).expect("the same bounds");
            assert_eq!(part.round_trips_ns.len(), 10);
            assert!(part.round_trips_ns.iter().all(|ns| *ns > 0));
            // One machine, one clock: what is found beside it is the error of finding it.
            assert!(
                part.clock_offset_ns.unsigned_abs() <= part.clock_error_ns,
                "{part:?}"
            );
        }
        let merged = pass.histograms.service.as_ref().expect("loaded");
        assert_eq!(merged.decode().expect("ours"), all);
    }
    let page = std::fs::read_to_string(place.path("out/README.md")).expect("a page");
    assert!(
        page.contains("load from 2 hosts, a handshake with the server's away: load-1"),
        "{page}"
    );
}

#[test]
fn every_workload_comes_from_two_hosts() {
    let crr =
        rr("crr", 4, "20ms", "40ms", 1).replace("\"rr\"\nconnections", "\"crr\"\nconnections");
    let bystanders = rr("beside", 2, "20ms", "40ms", 1) + "idle = 9\nby_worker = true\n";
    let idle = crate::support::idle("idle", 5, "").replace("rounds = 3", "rounds = 1");
    let counted = rr("counted", 3, "20ms", "40ms", 1) + "counters = 1\n";
    let (_place, results) = measure(&(crr + &bystanders + &idle + &counted), &[]);
    for pass in &results.passes {
        assert_eq!(
            pass.outcome,
            Outcome::Ok,
            "{}: {:?}",
            pass.scenario,
            pass.cause
        );
        assert_eq!(pass.load.len(), 2);
        let served: u32 = pass.load.iter().map(|it| it.connections.served).sum();
        assert_eq!(served, pass.connections.served);
    }
    let beside = passes(&results, "one", "beside")[0];
    assert_eq!(beside.idle.served, 9);
    let held: u32 = beside.by_worker.iter().map(|it| it.connections).sum();
    assert_eq!(held, 11);
}

#[test]
fn servers_of_others_listen_where_load_finds_them() {
    let place = Place::new();
    let hosts = hosts_here(&place, &plain(), &[plain()]);
    // Whoever listens on the usual address of loopback is not found at another one of it.
    let said = std::fs::read_to_string(&hosts).expect("it was written");
    let there = said.replacen("[server]\n", "[server]\naddress = \"127.0.0.9\"\n", 1);
    let hosts = text(&place.write("hosts.toml", &there));
    let only = "^(node-|python-|go-|socat-)";
    let words = ["--hosts", &hosts, "--only", only];
    let (output, results) = place.measure(&rr("rr", 4, "20ms", "40ms", 1), &words);
    assert!(output.status.success(), "{output:?}");
    let entrants = results.run.entrants.iter();
    let present: Vec<&str> = entrants
        .filter(|it| it.skipped.is_none() && it.name != record::CONTROL)
        .map(|it| it.name.as_str())
        .collect();
    assert!(present.len() >= 4, "python is everywhere: {present:?}");
    for name in present {
        for pass in passes(&results, name, "rr") {
            assert_eq!(pass.outcome, Outcome::Ok, "{name}: {:?}", pass.cause);
        }
    }
}

#[test]
fn of_a_server_that_hangs_each_host_says_who_was_served() {
    let place = Place::new();
    let hosts = text(&hosts_here(&place, &plain(), &[plain(), plain()]));
    let source = format!("{}/tests/servers/faulty.py", env!("CARGO_MANIFEST_DIR"));
    let with = format!("hang=python3 {source} {{port}} hang");
    let words = ["--hosts", &hosts, "--with", &with, "--only", "^hang$"];
    let (output, results) = place.measure(&rr("rr", 6, "20ms", "100ms", 1), &words);
    assert_eq!(output.status.code(), Some(3));
    let pass = passes(&results, "hang", "rr")[0];
    assert_eq!(pass.outcome, Outcome::Hung, "{:?}", pass.cause);
    assert_eq!(pass.connections.served, 6);
    let served: Vec<u32> = pass.load.iter().map(|it| it.connections.served).collect();
    assert_eq!(served, [3, 3], "what sums to the pass");
    place.assert_nothing_left(&[]);
}
