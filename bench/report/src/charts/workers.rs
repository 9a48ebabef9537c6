//! Throughput by workers, under work that blocks them: Little's law is the bound.

use record::{Scenario, Workers, Workload};

use super::curves::{self, Frame};
use super::palette;
use crate::conditions::asks_at_once;
use crate::data::Data;
use crate::{format, work};

const THROUGHPUT: &str = "throughput_per_s";

/// The picture; `None` unless scenarios differ in their workers alone.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let line = line(data)?;
    let point = |name: &str, scenario: &Scenario| {
        let it = data.shown(name, &scenario.name, THROUGHPUT)?;
        Some((it.value?, it.low.zip(it.high)))
    };
    let curves = curves::curves(data, &line, point);
    let first = line[0];
    let load = match first.workload {
        Workload::Crr => format!(
            "{} at once, a connection for each request",
            first.connections
        ),
        _ => format!("{} connections", first.connections),
    };
    let load = format!(
        "{load}, {} a message, work {}, closed loop, {}; {}",
        format::bytes(first.message as f64),
        first.work,
        format::cores(first.server_cpus),
        palette::rounds(data, first),
    );
    let bound = work::blocked_time(first).map(|blocked| {
        let of = |scenario: &&Scenario| number(scenario) / blocked.as_secs_f64();
        let name = format!("workers ÷ {}", format::time_tick(blocked.as_nanos() as f64));
        (line.iter().map(of).collect(), name)
    });
    let frame = Frame {
        title,
        subtitles: vec![load, palette::machine(data)],
        places: line.iter().map(|it| format::count(number(it))).collect(),
        axis: "workers",
        hint: "requests/s, more is better; dashed: Little's law",
        tick: format::tick,
        write: format::rate,
        bound,
    };
    curves::draw(curves, frame)
}

fn number(scenario: &Scenario) -> f64 {
    match scenario.workers {
        Workers::Number(number) => f64::from(number),
        Workers::Connections => 0.0,
    }
}

/// The longest line of scenarios that differ in a number of workers alone.
fn line<'a>(data: &Data<'a>) -> Option<Vec<&'a Scenario>> {
    let able = |scenario: &&Scenario| {
        asks_at_once(scenario)
            && scenario.workers != Workers::Connections
            && !data.ranking(&scenario.name, THROUGHPUT).is_empty()
    };
    work::longest(data.sections().filter(able), Scenario::workers_line, number)
}
