//! System calls per request by name, of counter passes.

use plotters::style::RGBColor;
use record::{SYSTEM_CALLS, Scenario};

use super::bars::{self, Bars, Row};
use super::palette;
use crate::conditions::{at_saturation, conditions};
use crate::counters::tables::{commonest, others};
use crate::data::Data;
use crate::format;

/// One for each name that is shown, the commonest first. Not the families' colours: these are not contenders.
pub(crate) const COLOURS: [RGBColor; 8] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xf0, 0xe4, 0x42),
    RGBColor(0x4b, 0x3f, 0x72),
];
const OTHERS: RGBColor = RGBColor(0xb4, 0xb8, 0xbf);

/// The picture; `None` where nobody's system calls were counted.
pub(crate) fn draw(data: &Data<'_>, scenario: &Scenario, title: &str) -> Option<String> {
    let names = commonest(data, scenario);
    let rows = bars::ranked(data, scenario, SYSTEM_CALLS, |name| {
        let call = |call: &&str| {
            let metric = format!("{SYSTEM_CALLS}_{call}");
            let it = data.estimate(name, &scenario.name, &metric);
            it.and_then(|it| it.value).unwrap_or(0.0)
        };
        let mut parts: Vec<f64> = names.iter().map(call).collect();
        parts.push(others(data, name, scenario, &names).unwrap_or(0.0));
        parts
    })?;
    let has_others = |row: &Row<'_>| row.parts.last().is_some_and(|others| *others > 0.0);
    let last = match rows.iter().any(has_others) {
        true => "the others",
        false => "",
    };
    let cells = data.cells.iter();
    let here = cells.filter(|cell| cell.scenario.name == scenario.name);
    let rounds = here.map(|cell| cell.counters.len()).max().unwrap_or(0);
    let load = format!(
        "{}: {}{}, each server alone; {} of counter passes",
        scenario.name,
        conditions(scenario),
        at_saturation(scenario),
        format::plural(rounds, "round")
    );
    Some(bars::draw(&Bars {
        title,
        subtitles: vec![load, palette::machine(data)],
        axis: "system calls per request, less is better",
        tick: format::tick,
        parts: names
            .iter()
            .copied()
            .zip(COLOURS)
            .chain([(last, OTHERS)])
            .collect(),
        rows,
    }))
}
