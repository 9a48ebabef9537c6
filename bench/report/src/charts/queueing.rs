//! Queueing theory over what was measured: percentiles of response times at a rate, and the curves that follow from the
//! times that requests took on the idle server.

use plotters::style::RGBColor;
use record::Scenario;

use super::canvas::{Canvas, Held, MARGIN, SMALL, WIDTH, bold, fit, head_height, picture, taller};
use super::lines::{self, Scale, Stroke, Style};
use super::percentiles::{grid, percent, readings};
use super::{labels, palette};
use crate::conditions::conditions;
use crate::data::Data;
use crate::format;
use crate::latency::{Merged, Span};
use crate::queueing::measured::{Expected, expected};

const HEIGHT: i32 = 980;
/// Space for labels at the lines' ends.
const LABELS: i32 = 620;
/// Readings along a curve.
const READINGS: usize = 40;
const MARKOV: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
const GENERAL: RGBColor = RGBColor(0x00, 0x72, 0xb2);

/// (one in how many is slower, nanoseconds), one in two first.
type Points = Vec<(f64, f64)>;

/// One curve of theory.
struct Curve {
    name: String,
    colour: RGBColor,
    dash: i32,
    points: Points,
}

/// The picture: of a scenario with a rate whose idle twin was measured, where papers are judged.
pub(crate) fn draw(data: &Data<'_>, scenario: &Scenario, title: &str) -> Option<String> {
    if !data.results.run.suite.papers {
        return None;
    }
    let mut cells = data
        .cells
        .iter()
        .filter(|it| it.scenario.name == scenario.name);
    let (cell, theory) = cells.find_map(|cell| Some((cell, expected(&data.cells, cell).ok()?)))?;
    data.shown(cell.contender, &scenario.name, "response_ns_p50")?;
    let merged = Merged::of(cell, Span::Response).ok()?;
    let measured = readings(&merged);
    let furthest = measured.last()?.0;
    let curves = curves(&theory, furthest);
    let style = Style::of(data, cell.contender, cell.family);
    let subtitles = [
        format!(
            "{}: {}; {}",
            scenario.name,
            conditions(scenario),
            palette::rounds(data, scenario)
        ),
        format!(
            "{}: by its times on the idle server it is busy for {:.0} % of the time",
            cell.contender,
            100.0 * theory.load
        ),
        palette::machine(data),
    ];
    let height = taller(HEIGHT, &subtitles);
    Some(picture(height, |canvas| {
        let top = canvas.head(title, &subtitles).max(head_height(&subtitles));
        let all = || {
            curves
                .iter()
                .flat_map(|it| &it.points)
                .chain(&measured)
                .map(|it| it.1)
        };
        let (least, most) = (
            all().fold(f64::INFINITY, f64::min),
            all().fold(0.0, f64::max),
        );
        let x = Scale {
            from: MARGIN + 150,
            to: WIDTH - MARGIN - LABELS,
            low: 2.0,
            high: furthest,
            log: true,
        };
        let y = Scale::about(height - 130, top + 60, (least, most), true);
        let hint = "response time: measured solid, expected dashed; logarithmic, less is better";
        grid(canvas, &x, &y, hint);
        for curve in &curves {
            let places: Vec<(i32, i32)> = curve
                .points
                .iter()
                .map(|it| (x.at(it.0), y.at(it.1)))
                .collect();
            canvas.dashes(&places, curve.colour, 3, curve.dash);
        }
        let places = measured.iter().map(|it| Some((x.at(it.0), y.at(it.1))));
        lines::line(canvas, &places.collect::<Vec<_>>(), &style, Stroke::Thick);
        name_lines(canvas, &x, &y, &style, &measured, &curves);
    }))
}

/// M/M/c, and for one server M/G/1, at equal steps of the axis.
fn curves(theory: &Expected, furthest: f64) -> Vec<Curve> {
    let rarities: Vec<f64> = (0..READINGS)
        .map(|index| {
            2.0 * (furthest / 2.0)
                .max(1.0)
                .powf(index as f64 / (READINGS - 1) as f64)
        })
        .collect();
    let shares: Vec<f64> = rarities.iter().map(|rarity| 1.0 - 1.0 / rarity).collect();
    let points = |found: Vec<Option<f64>>| -> Points {
        rarities
            .iter()
            .zip(found)
            .filter_map(|(rarity, found)| Some((*rarity, found?)))
            .collect()
    };
    let markov = Curve {
        name: format!("M/M/{}", theory.servers),
        colour: MARKOV,
        dash: 24,
        points: points(theory.markov(&shares)),
    };
    let general = theory.general(&shares).map(|found| Curve {
        name: "M/G/1".to_owned(),
        colour: GENERAL,
        dash: 10,
        points: points(found),
    });
    let drawn = std::iter::once(markov).chain(general);
    drawn.filter(|curve| curve.points.len() > 1).collect()
}

/// Names in the order of the lines' ends, each with its figure there.
fn name_lines(
    canvas: &Canvas<'_>,
    x: &Scale,
    y: &Scale,
    style: &Style<'_>,
    measured: &[(f64, f64)],
    curves: &[Curve],
) {
    let own = (style.name, style.colour, measured);
    let all = std::iter::once(own).chain(
        curves
            .iter()
            .map(|it| (it.name.as_str(), it.colour, it.points.as_slice())),
    );
    let ends: Vec<(&str, RGBColor, (f64, f64))> = all
        .filter_map(|(name, colour, points)| Some((name, colour, *points.last()?)))
        .collect();
    let wanted: Vec<i32> = ends.iter().map(|it| y.at(it.2.1)).collect();
    let placed = labels::spread(&wanted, 42, y.to, y.from - 10);
    let left = x.to + 90;
    for (((name, colour, (rarity, value)), place), wanted) in ends.iter().zip(placed).zip(wanted) {
        let guide = [
            (x.at(*rarity) + 12, wanted),
            (x.to + 24, wanted),
            (left - 26, place),
        ];
        canvas.line(&guide, palette::tint(*colour, 55), 2);
        let said = format!("{name}, {} at {}", format::time(*value), percent(*rarity));
        let text = fit(&said, bold(SMALL), WIDTH - MARGIN - left);
        canvas.text((left, place), Held::Left, bold(SMALL), &text);
    }
}
