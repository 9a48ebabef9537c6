//! Everybody's throughput as a share of the best one's, by the CPU work of a request.

use record::{Better, Scenario};

use super::curves::{self, Frame, per_cent};
use super::palette;
use crate::data::Data;
use crate::{format, work};

/// The picture; `None` unless scenarios differ in their work alone.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let line = work::line(data)?;
    let point = |name: &str, scenario: &Scenario| {
        let share = work::share(data, name, scenario)?;
        Some((share.ratio, share.low.zip(share.high)))
    };
    let curves = curves::curves(data, &line, point);
    let first = line[0];
    let load = format!(
        "{} connections, {} a message, closed loop, {}; {}",
        format::count(f64::from(first.connections)),
        format::bytes(first.message as f64),
        format::cores(first.server_cpus),
        palette::rounds(data, first),
    );
    let frame = Frame {
        title,
        subtitles: vec![load, palette::machine(data)],
        places: line.iter().map(|scenario| work::called(scenario)).collect(),
        axis: "CPU work of a request beside the echo",
        hint: "requests/s as a share of the best one's; more is better, 100 % is as good as the best",
        better: Better::More,
        tick: per_cent,
        write: |share| format!("{} %", format::digits(100.0 * share)),
        bound: None,
    };
    curves::draw(data, curves, frame)
}
