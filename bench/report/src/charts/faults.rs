//! Page faults per request, minor and major.

use plotters::style::RGBColor;
use record::Scenario;

use super::bars::{self, Bars};
use super::palette;
use crate::data::Data;
use crate::format;

const MINOR: &str = "faults_minor_per_request";
const MAJOR: &str = "faults_major_per_request";
const PARTS: [(&str, RGBColor); 2] = [
    ("minor: a page of memory", RGBColor(0x00, 0x72, 0xb2)),
    ("major: read from a device", RGBColor(0xd5, 0x5e, 0x00)),
];
/// Where nobody has so many, there is nothing to compare: a server that stands touches no new page.
const SOME: f64 = 0.01;

/// The picture, of the scenario that stands for its workload; `None` where hardly anybody has a fault.
pub(crate) fn draw(data: &Data<'_>, scenario: &Scenario, title: &str) -> Option<String> {
    data.typical(scenario.workload)
        .filter(|typical| typical.name == scenario.name)?;
    let most = data.ranking(&scenario.name, MINOR);
    most.last()
        .filter(|it| it.value.is_some_and(|most| most >= SOME))?;
    let value = |name: &str, metric: &str| data.estimate(name, &scenario.name, metric)?.value;
    let mut rows = bars::ranked(data, scenario, MINOR, |name| {
        [MINOR, MAJOR]
            .map(|metric| value(name, metric).unwrap_or(0.0))
            .to_vec()
    })?;
    let shown = bars::keep_used(&mut rows, PARTS.len());
    Some(bars::draw(&Bars {
        title,
        subtitles: palette::of_one(data, scenario),
        axis: "page faults per request, less is better",
        tick: format::tick,
        parts: shown.into_iter().map(|part| PARTS[part]).collect(),
        rows,
    }))
}
