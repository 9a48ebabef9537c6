//! Every model, through the real binary and real sockets: what all of them promise alike.

mod command_line;
mod events;
mod limits;
mod running;
mod signals;
mod work;

use measure::contract::{CHECKS, Target};
use record::Holds;

use running::{Running, every_model, until};

#[test]
fn every_model_keeps_every_promise() {
    every_model(|model| {
        let server = Running::start(model, &[]);
        let memory = || Some(server.memory_bytes());
        let target = Target {
            address: server.address,
            holds: holds(model),
            workers: 4,
            memory_bytes: Some(&memory),
        };
        for check in CHECKS {
            if let Err(violation) = (check.run)(&target) {
                panic!("{}: {violation}", check.name);
            }
        }
        until("no zombie stays", || {
            server
                .processes()
                .iter()
                .all(|process| process.state != 'Z')
        });
        if model.name == "fork-per-connection" {
            until("children are gone", || server.processes().len() == 1);
        }
    });
}

#[test]
fn a_worker_that_dies_is_replaced_but_not_faster_than_one_per_100_ms() {
    let server = Running::start_named("prefork", &["--workers", "4"]);
    until("workers are there", || server.children().len() == 4);
    let start = std::time::Instant::now();
    let first = server.children();
    first[..3]
        .iter()
        .for_each(|&pid| running::send(pid, nix::sys::signal::SIGKILL));
    let replaced = || {
        server
            .children()
            .iter()
            .filter(|pid| !first.contains(pid))
            .count()
    };
    until("three are replaced", || {
        replaced() == 3 && server.children().len() == 4
    });
    assert!(start.elapsed().as_millis() >= 200, "{:?}", start.elapsed());
    assert!(server.client().asks_and_is_answered());
}

fn holds(model: &running::Model) -> Holds {
    model.holds.parse().expect("one, workers or any")
}
