//! What more clients, or more cores, do: a line a contender.

use record::{Better, Scenario};

use super::curves::{self, Frame};
use super::palette;
use crate::answers::growth;
use crate::data::Data;
use crate::format;

/// CPU time of a request by the number of clients.
pub(crate) fn cpu_by_clients(data: &Data<'_>, title: &str) -> Option<String> {
    let line = growth::by_clients(data)?;
    let curves = curves::curves(data, &line, |name, it| {
        curves::point(data, name, &it.name, "cpu_us_per_request")
    });
    let frame = Frame {
        title,
        subtitles: vec![load(data, line[0]), palette::machine(data)],
        places: line
            .iter()
            .map(|it| format::count(f64::from(it.connections)))
            .collect(),
        axis: "clients that ask and wait",
        hint: "µs of CPU a request, less is better",
        better: Better::Less,
        tick: format::tick,
        write: |us| format!("{} µs", format::digits(us)),
        bound: None,
    };
    curves::draw(data, curves, frame)
}

/// Throughput by the number of the server's cores.
pub(crate) fn throughput_by_cores(data: &Data<'_>, title: &str) -> Option<String> {
    let line = growth::by_cores(data)?;
    let curves = curves::curves(data, &line, |name, it| {
        curves::point(data, name, &it.name, "throughput_per_s")
    });
    let frame = Frame {
        title,
        subtitles: vec![
            format!(
                "{} connections, {}",
                format::count(f64::from(line[0].connections)),
                load(data, line[0])
            ),
            palette::machine(data),
        ],
        places: line.iter().map(|it| it.server_cpus.to_string()).collect(),
        axis: "server cores",
        hint: "requests/s, more is better",
        better: Better::More,
        tick: format::tick,
        write: format::rate,
        bound: None,
    };
    curves::draw(data, curves, frame)
}

fn load(data: &Data<'_>, scenario: &Scenario) -> String {
    format!(
        "{} a message, closed loop; {}",
        format::bytes(scenario.message as f64),
        palette::rounds(data, scenario)
    )
}
