//! What a server weighs as connections write to more of its state: copies for processes, none for threads.

use record::{Better, Scenario};

use super::curves::{self, Frame};
use super::palette;
use crate::answers::state;
use crate::data::Data;
use crate::format;

/// Of the scale, so that its ticks are round.
const MIB: f64 = 1024.0 * 1024.0;
const PARTS: [&str; 3] = ["pss_bytes", "page_table_bytes", "kernel_stack_bytes"];

/// The picture; `None` unless scenarios differ in what is touched alone.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let line = state::line(data)?;
    let point = |name: &str, scenario: &Scenario| {
        let part = |metric: &&str| data.shown(name, &scenario.name, metric)?.value;
        let parts: Option<Vec<f64>> = PARTS.iter().map(part).collect();
        Some((parts?.iter().sum::<f64>() / MIB, None))
    };
    let curves = curves::curves(data, &line, point);
    let first = line[0];
    let size = state::bytes(first);
    let load = format!(
        "{} idle connections, state {}, {}; {}",
        format::count(f64::from(first.connections)),
        format::bytes(size),
        format::cores(first.server_cpus),
        medians(data.rounds_made(first)),
    );
    let copies = |scenario: &&Scenario| {
        let copies = 1.0 + f64::from(scenario.connections) * state::touched(scenario);
        size / MIB * copies
    };
    let frame = Frame {
        title,
        subtitles: vec![load, palette::machine(data)],
        places: line
            .iter()
            .map(|it| curves::per_cent(state::touched(it)))
            .collect(),
        axis: "of the state that each connection writes to",
        hint: "PSS, page tables and kernel stacks together, less is better; dashed: a copy of what is written for each connection",
        better: Better::Less,
        tick: |mib| format!("{} MiB", format::count(mib)),
        write: |mib| format::bytes(mib * MIB),
        // What it is called stands above the scale: its end has no room beside the curves.
        bound: Some((line.iter().map(copies).collect(), String::new())),
    };
    curves::draw(data, curves, frame)
}

fn medians(rounds: usize) -> String {
    match rounds {
        1 => "1 round".to_owned(),
        _ => format!("{rounds} rounds, medians"),
    }
}
