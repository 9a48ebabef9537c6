//! CPU time per request, the user's part and the kernel's where somebody knows them apart.

use plotters::style::RGBColor;
use record::Scenario;

use super::bars::{self, Bars};
use super::palette;
use crate::data::Data;
use crate::format;

const CPU: &str = "cpu_us_per_request";
const PARTS: [(&str, RGBColor); 3] = [
    ("user", RGBColor(0x56, 0xb4, 0xe9)),
    ("system", RGBColor(0x00, 0x72, 0xb2)),
    ("user or system, not known", RGBColor(0x8a, 0x90, 0x99)),
];

/// The picture, of the scenario that stands for its workload; `None` when nobody has a figure.
pub(crate) fn draw(data: &Data<'_>, scenario: &Scenario, title: &str) -> Option<String> {
    data.typical(scenario.workload)
        .filter(|typical| typical.name == scenario.name)?;
    let mut rows = bars::ranked(data, scenario, CPU, |name| {
        let value = |metric: &str| data.estimate(name, &scenario.name, metric)?.value;
        let whole = value(CPU).unwrap_or(0.0);
        let user = value("cpu_us_per_request_user");
        match user.zip(value("cpu_us_per_request_system")) {
            // Medians of parts do not add up to the median of the whole: the bar is the whole.
            Some((user, system)) if user + system > 0.0 => {
                let user = whole * user / (user + system);
                vec![user, whole - user, 0.0]
            }
            _ => vec![0.0, 0.0, whole],
        }
    })?;
    let shown = bars::keep_used(&mut rows, PARTS.len());
    Some(bars::draw(&Bars {
        title,
        subtitles: palette::of_one(data, scenario),
        axis: "CPU time per request, less is better",
        tick: |us| format!("{} µs", format::tick(us)),
        parts: shown.into_iter().map(|part| PARTS[part]).collect(),
        rows,
    }))
}
