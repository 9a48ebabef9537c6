//! Every model, through the real binary and real sockets: what all of them promise alike.

mod command_line;
mod crews;
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

fn holds(model: &running::Model) -> Holds {
    model.holds.parse().expect("one, workers or any")
}
