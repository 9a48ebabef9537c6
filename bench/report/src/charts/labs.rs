//! Charts of the labs: mechanisms by placement, throughput by size, starting by state, copy-on-write.

mod by_mechanism;
mod copies;
mod growth;

pub(crate) use by_mechanism::draw as latency_by_mechanism;
pub(crate) use copies::draw as copy_on_write;
pub(crate) use growth::{spawn_by_state, throughput_by_size};

use plotters::style::RGBColor;

use super::palette;
use crate::data::Data;
use crate::format;
use crate::stats::ROUNDS_MIN;

/// Colours that every kind of colour vision tells apart (Okabe and Ito's); mechanisms have no family's.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x55, 0x55, 0x55),
];

pub(crate) fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

/// The subtitles: conditions and rounds, machine.
fn subtitles(data: &Data<'_>, conditions: &str) -> Vec<String> {
    let rounds = format::plural(data.rounds() as usize, "round");
    let intervals = match (data.rounds() as usize) < ROUNDS_MIN {
        true => "too few for intervals",
        false => "intervals of 95 %",
    };
    vec![
        format!("{conditions}; {rounds}, {intervals}"),
        palette::machine(data),
    ]
}
