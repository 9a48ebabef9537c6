//! Work that fails: who asked for it loses the connection and comes back, and nobody else notices.

use crate::support::{Place, passes, shared, value};
use record::Outcome;

const MODELS: [&str; 4] = ["prefork", "thread-pool", "event-loop", "event-offload"];

fn scenario(name: &str, work: &str, window: &str) -> String {
    format!(
        "[[scenario]]\nname = \"{name}\"\ntitle = \"t\"\nquestion = \"q?\"\nworkload = \"rr\"\n\
         pace = {{ constant = 1000 }}\nconnections = 40\nwork = \"{work}\"\nworkers = \"connections\"\n\
         server_cpus = 1\nmeasure = \"solo\"\nwindow = \"{window}\"\nrounds = 1\n"
    )
}

#[test]
fn a_read_that_fails_is_one_request_and_one_connection() {
    let _shared = shared();
    let place = Place::new();
    let scenarios = scenario("reads", "read:4KiB", "400ms")
        + &scenario("misses", "read:4KiB,missing@1%", "1300ms");
    let only = format!("^({})$", MODELS.join("|"));
    let (output, results) = place.measure(&scenarios, &["--only", &only]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let summary = place.summary();
    for model in MODELS {
        let (reads, misses) = (
            passes(&results, model, "reads")[0],
            passes(&results, model, "misses")[0],
        );
        assert_eq!(
            (reads.outcome, misses.outcome),
            (Outcome::Ok, Outcome::Ok),
            "{model}"
        );
        assert!(
            reads.requests.errors.is_empty(),
            "{model}: {:?}",
            reads.requests
        );
        let requests = &misses.requests;
        let lost: u64 = requests.errors.values().sum();
        let kinds: Vec<&str> = requests.errors.keys().map(String::as_str).collect();
        assert!(
            kinds.iter().all(|kind| ["closed", "reset"].contains(kind)),
            "{model}: {kinds:?}"
        );
        // Each hundredth of all, whoever asks it: no connection comes to a hundred.
        let hundredths = requests.sent / 100;
        assert!(
            lost.abs_diff(hundredths) <= 1 && lost > 10,
            "{model}: {requests:?}"
        );
        assert_eq!(requests.sent, requests.ok + lost, "{model}");
        assert_eq!(
            value(&summary, model, "misses", "errors"),
            lost as f64,
            "{model}"
        );
    }
    place.assert_nothing_left(&[]);
}
