//! Context switches per request, voluntary and involuntary.

use plotters::style::RGBColor;
use record::{Entrant, Scenario, Workload};

use super::bars::{self, Bars, Row};
use super::palette;
use crate::data::Data;
use crate::format;

const VOLUNTARY: &str = "switches_voluntary_per_request";
const INVOLUNTARY: &str = "switches_involuntary_per_request";

/// The picture, of the rr scenario in which the most contenders have figures; `None` when none has.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let scenario = fullest(data)?;
    let rows: Vec<Row<'_>> = data
        .servers()
        .filter_map(|entrant| {
            let row = row(data, entrant, scenario);
            row.or_else(|| bars::instead(data, entrant, scenario, VOLUNTARY))
        })
        .collect();
    if rows.iter().all(|row| row.parts.is_empty()) {
        return None;
    }
    Some(bars::draw(&Bars {
        title,
        subtitles: palette::of_one(data, scenario),
        axis: "context switches per request, less is better",
        tick: format::tick,
        parts: vec![
            ("voluntary: it waited", RGBColor(0x00, 0x72, 0xb2)),
            ("involuntary: it was preempted", RGBColor(0xd5, 0x5e, 0x00)),
        ],
        rows,
    }))
}

fn row<'a>(data: &Data<'a>, entrant: &'a Entrant, scenario: &Scenario) -> Option<Row<'a>> {
    let (name, scenario) = (entrant.name.as_str(), scenario.name.as_str());
    let voluntary = data.shown(name, scenario, VOLUNTARY)?;
    let waited = voluntary.value?;
    let mut row = bars::empty(data, name, &entrant.family, format::digits(waited));
    row.parts.push(waited);
    row.intervals.extend(voluntary.low.zip(voluntary.high));
    if let Some(involuntary) = data.shown(name, scenario, INVOLUNTARY) {
        let preempted = involuntary.value?;
        row.parts.push(preempted);
        let ends = involuntary.low.zip(involuntary.high);
        row.intervals
            .extend(ends.map(|(low, high)| (waited + low, waited + high)));
        row.label = format!("{} + {}", format::digits(waited), format::digits(preempted));
    }
    Some(row)
}

/// The rr scenario in which the most contenders have figures: the typical one, if it is among them.
pub(crate) fn fullest<'a>(data: &Data<'a>) -> Option<&'a Scenario> {
    let typical = data.typical(Workload::Rr)?;
    let with_data = |name: &str| data.ranking(name, VOLUNTARY).len();
    let fullest = data
        .at_once(Workload::Rr)
        .map(|scenario| with_data(&scenario.name))
        .max()?;
    Some(typical)
        .filter(|scenario| with_data(&scenario.name) == fullest)
        .or_else(|| {
            data.at_once(Workload::Rr)
                .find(|scenario| with_data(&scenario.name) == fullest)
        })
}
