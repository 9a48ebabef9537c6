//! Connections beside the load that say nothing: each is answered once, stays, and is in no figure.

use crate::support::{Place, passes, rr, shared};

const BYSTANDERS: u32 = 12;

#[test]
fn bystanders_are_answered_once_stay_and_weigh_nothing() {
    let _shared = shared();
    let place = Place::new();
    let scenario = rr("rr", 4, "50ms", "200ms", 2) + "by_worker = true\nidle = 12\n";
    let (_, results) = place.measure(&scenario, &["--only", "^event-loop$"]);
    for pass in passes(&results, "event-loop", "rr") {
        let (loaded, idle) = (pass.connections, pass.idle);
        assert_eq!((loaded.asked, loaded.served), (4, 4));
        assert_eq!((idle.asked, idle.served), (BYSTANDERS, BYSTANDERS));
        // The server's own descriptors say that they are still open after the load.
        let held: u32 = pass.by_worker.iter().map(|worker| worker.connections).sum();
        assert_eq!(held, 4 + BYSTANDERS);
        let service = pass.histograms.service.as_ref().expect("latencies");
        let recorded = service.decode().expect("a histogram").len();
        let counted: u64 = pass.slices.iter().map(|slice| slice.replies).sum();
        assert_eq!(
            recorded, counted,
            "what is recorded is what the load was answered"
        );
        let told: u64 = pass.by_worker.iter().map(|worker| worker.replies).sum();
        assert_eq!(told, counted, "no reply is a bystander's");
        let requests = &pass.requests;
        assert_eq!((requests.sent, requests.errors.len()), (requests.ok, 0));
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn a_server_that_hangs_up_on_bystanders_is_found_out() {
    let _shared = shared();
    let source = format!("{}/tests/servers/impatient.py", env!("CARGO_MANIFEST_DIR"));
    let scenario = rr("rr", 4, "200ms", "800ms", 1) + "idle = 12\n";
    // One after the other: while a neighbour is loaded, those who are to be loaded say nothing, too.
    for (patience_ms, stayed) in [(400, 0), (60_000, BYSTANDERS)] {
        let place = Place::new();
        let with = format!("mine=python3 {source} {{port}} {patience_ms}");
        let (_, results) = place.measure(&scenario, &["--with", &with, "--only", "^mine$"]);
        let pass = passes(&results, "mine", "rr")[0];
        assert_eq!((pass.connections.served, pass.idle.served), (4, stayed));
        let summary = place.summary();
        let verdict = &crate::support::estimate(&summary, "mine", "rr", "throughput_per_s").verdict;
        assert_eq!(verdict == "unserved", stayed == 0, "{verdict}");
        place.assert_nothing_left(&[]);
    }
}
