//! Throughput by workers, under work that blocks them: Little's law is the bound.

use record::{Better, Scenario, Workload};

use super::curves::{self, Frame};
use super::palette;
use crate::data::Data;
use crate::{format, work};

const THROUGHPUT: &str = "throughput_per_s";

/// The picture; `None` unless scenarios differ in their workers alone.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let line = work::workers_line(data)?;
    let point =
        |name: &str, scenario: &Scenario| curves::point(data, name, &scenario.name, THROUGHPUT);
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
        let of = |scenario: &&Scenario| work::workers(scenario) / blocked.as_secs_f64();
        let name = format!("workers ÷ {}", format::time_tick(blocked.as_nanos() as f64));
        (line.iter().map(of).collect(), name)
    });
    let frame = Frame {
        title,
        subtitles: vec![load, palette::machine(data)],
        places: line
            .iter()
            .map(|it| format::count(work::workers(it)))
            .collect(),
        axis: "workers",
        hint: "requests/s, more is better; dashed: Little's law",
        better: Better::More,
        tick: format::tick,
        write: format::rate,
        bound,
    };
    curves::draw(data, curves, frame)
}
