//! Curves: a line a contender over scenarios that differ in one thing, which stands below at equal distances; what
//! charts by work and by workers share.

use record::{Better, Scenario};

use super::canvas::{
    Canvas, Held, INK, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, fit, head_height, picture, plain,
    soft, taller, width,
};
use super::lines::{self, Chosen, Scale, Stroke, Style};
use super::{labels, palette};
use crate::data::Data;
use crate::format;

const HEIGHT: i32 = 1080;
/// Space for labels at the lines' ends.
const LABELS: i32 = 590;

/// A figure with its interval.
pub(crate) type Point = (f64, Option<(f64, f64)>);

/// One contender's line, a point a scenario.
pub(crate) struct Curve<'a> {
    /// How it looks.
    pub style: Style<'a>,
    /// In the order of the scenarios.
    pub points: Vec<Option<Point>>,
}

/// What stands about the curves.
pub(crate) struct Frame<'a> {
    /// On top.
    pub title: &'a str,
    /// Below it.
    pub subtitles: Vec<String>,
    /// What a scenario is called on the axis.
    pub places: Vec<String>,
    /// Below the places.
    pub axis: &'a str,
    /// Above the scale.
    pub hint: &'a str,
    /// Which curves are the best: who has a name among many is chosen by it.
    pub better: Better,
    /// How a figure of the scale is written.
    pub tick: fn(f64) -> String,
    /// How a figure beside a name is written.
    pub write: fn(f64) -> String,
    /// A bound that no curve is above, and what it is called.
    pub bound: Option<(Vec<f64>, String)>,
}

/// A metric of a contender under a scenario or a lab, as a point.
pub(crate) fn point(data: &Data<'_>, name: &str, under: &str, metric: &str) -> Option<Point> {
    let it = data.shown(name, under, metric)?;
    Some((it.value?, it.low.zip(it.high)))
}

/// A curve of each contender that `point` has two figures of; the firsts of families before the others.
pub(crate) fn curves<'a>(
    data: &Data<'a>,
    scenarios: &[&Scenario],
    point: impl Fn(&str, &Scenario) -> Option<Point>,
) -> Vec<Curve<'a>> {
    let entrants = data.firsts_then_others().into_iter();
    let curve = |entrant: &'a record::Entrant| {
        let points: Vec<Option<Point>> = scenarios
            .iter()
            .map(|scenario| point(&entrant.name, scenario))
            .collect();
        (points.iter().flatten().count() > 1).then(|| Curve {
            style: Style::of(data, &entrant.name, &entrant.family),
            points,
        })
    };
    entrants.filter_map(curve).collect()
}

/// The picture; `None` without a curve.
pub(crate) fn draw(
    data: &Data<'_>,
    curves: Vec<Curve<'_>>,
    mut frame: Frame<'_>,
) -> Option<String> {
    let curves = Chosen::of(
        data,
        curves,
        |curve| &curve.style,
        |curve| curve.merit(frame.better),
    );
    if curves.is_empty() {
        return None;
    }
    if let Some(first) = frame.subtitles.first_mut() {
        first.push_str(&curves.said("where its line ends"));
    }
    let height = taller(HEIGHT, &frame.subtitles);
    Some(picture(height, |canvas| {
        let top = canvas
            .head(frame.title, &frame.subtitles)
            .max(head_height(&frame.subtitles));
        let y = scale(&curves, &frame, (top, height));
        let x = |place: usize| x_of(place, frame.places.len());
        grid(canvas, &frame, &y);
        bound(canvas, &frame, &y);
        for curve in &curves.crowd {
            let name = curve.style.name;
            canvas.of(name, || lines::grey(canvas, &curve.places(&y, x)));
        }
        for (index, curve) in curves.named.iter().enumerate() {
            // Side by side, so that the whiskers of near curves do not cover each other.
            let aside = 8 * index as i32 - 4 * (curves.named.len() as i32 - 1);
            let name = curve.style.name;
            canvas.of(name, || trace(canvas, curve, &y, |place| x(place) + aside));
        }
        name_curves(canvas, &curves.named, &frame, &y);
    }))
}

impl Curve<'_> {
    /// Where it ends, and how good.
    fn merit(&self, better: Better) -> (f64, f64) {
        let sign = if better == Better::Less { -1.0 } else { 1.0 };
        let mut points = self.points.iter().enumerate().rev();
        let last = points.find_map(|(place, point)| Some((place as f64, sign * (*point)?.0)));
        last.unwrap_or((-1.0, 0.0))
    }

    fn places(&self, y: &Scale, x: impl Fn(usize) -> i32) -> Vec<Option<(i32, i32)>> {
        let points = self.points.iter().enumerate();
        points
            .map(|(place, point)| point.map(|(value, _)| (x(place), y.at(value))))
            .collect()
    }
}

fn x_of(place: usize, places: usize) -> i32 {
    let (from, to) = (MARGIN + 190, WIDTH - MARGIN - LABELS);
    from + (to - from) * place as i32 / (places as i32 - 1).max(1)
}

fn scale(curves: &Chosen<Curve<'_>>, frame: &Frame<'_>, (top, height): (i32, i32)) -> Scale {
    let points = curves.all().flat_map(|curve| curve.points.iter().flatten());
    let most =
        points.map(|(value, interval)| interval.map_or(*value, |(_, high)| high.max(*value)));
    let most = most.fold(0.0, f64::max);
    let bottom = height - if frame.axis.is_empty() { 80 } else { 130 };
    Scale::about(bottom, top + 60, (0.0, most), false)
}

fn grid(canvas: &Canvas<'_>, frame: &Frame<'_>, y: &Scale) {
    let (left, right) = (x_of(0, 2), x_of(1, 2));
    canvas.text((MARGIN, y.to - 44), Held::Left, soft(SMALL), frame.hint);
    for tick in y.ticks() {
        let at = y.at(tick);
        let colour = if tick == 0.0 { SOFT } else { RULE };
        canvas.line(&[(left - 40, at), (right + 40, at)], colour, 2);
        let label = (frame.tick)(tick);
        canvas.text((left - 54, at), Held::Right, soft(SMALL), &label);
    }
    for (index, name) in frame.places.iter().enumerate() {
        let x = x_of(index, frame.places.len());
        canvas.line(&[(x, y.from), (x, y.from + 12)], SOFT, 2);
        canvas.text((x, y.from + 36), Held::Middle, plain(SMALL), name);
    }
    let middle = (i32::midpoint(left, right), y.from + 84);
    canvas.text(middle, Held::Middle, soft(SMALL), frame.axis);
}

/// The bound, as far as it is on the sheet.
fn bound(canvas: &Canvas<'_>, frame: &Frame<'_>, y: &Scale) {
    let Some((values, name)) = &frame.bound else {
        return;
    };
    let on_sheet = values.iter().take_while(|value| **value <= y.high).count();
    let mut at: Vec<(i32, i32)> = (0..on_sheet)
        .map(|place| (x_of(place, values.len()), y.at(values[place])))
        .collect();
    // Up to the edge of the sheet, on the way to the next.
    if let (Some(last), Some(next)) = (on_sheet.checked_sub(1), values.get(on_sheet)) {
        let share = (y.high - values[last]) / (next - values[last]);
        let (from, to) = (x_of(last, values.len()), x_of(on_sheet, values.len()));
        at.push((from + (f64::from(to - from) * share) as i32, y.to));
    }
    canvas.dashes(&at, SOFT, 3, 14);
    if let Some((x, y)) = at.last() {
        canvas.text((x - 16, y + 20), Held::Right, soft(SMALL), name);
    }
}

fn trace(canvas: &Canvas<'_>, curve: &Curve<'_>, y: &Scale, x: impl Fn(usize) -> i32) {
    let style = &curve.style;
    lines::line(canvas, &curve.places(y, &x), style, Stroke::Thick);
    for (place, point) in curve.points.iter().enumerate() {
        let Some((value, interval)) = point else {
            continue;
        };
        let at = (x(place), y.at(*value));
        if let Some((low, high)) = interval {
            let (from, to) = (y.at(*high), y.at(*low));
            canvas.line(&[(at.0, from), (at.0, to)], INK, 2);
            for end in [from, to] {
                canvas.line(&[(at.0 - 6, end), (at.0 + 6, end)], INK, 2);
            }
        }
        palette::marker(canvas, at, style.member, style.colour);
    }
}

fn name_curves(canvas: &Canvas<'_>, curves: &[Curve<'_>], frame: &Frame<'_>, y: &Scale) {
    let places = frame.places.len();
    let last = |curve: &Curve<'_>| {
        let mut points = curve.points.iter().enumerate().rev();
        points.find_map(|(place, point)| point.map(|(value, _)| (place, value)))
    };
    let ends: Vec<(usize, f64)> = curves
        .iter()
        .map(|it| last(it).unwrap_or((0, 0.0)))
        .collect();
    let wanted: Vec<i32> = ends.iter().map(|(_, value)| y.at(*value)).collect();
    let placed = labels::spread(&wanted, 42, y.to, y.from - 10);
    let left = x_of(1, 2) + 90;
    for (index, (curve, at)) in curves.iter().zip(placed).enumerate() {
        let (place, value) = ends[index];
        let whole = place + 1 == places;
        let figure = match whole {
            true => (frame.write)(value),
            false => format!("{} at {}", (frame.write)(value), frame.places[place]),
        };
        let from = whole.then_some((left - 52, wanted[index]));
        canvas.of(curve.style.name, || {
            name_curve(canvas, &curve.style, from, (left, at), &figure);
        });
    }
}

/// A name with its figure, and the way to it where the line ends beside it.
fn name_curve(
    canvas: &Canvas<'_>,
    style: &Style<'_>,
    from: Option<(i32, i32)>,
    (left, at): (i32, i32),
    figure: &str,
) {
    if let Some(from) = from {
        let guide = [from, (left - 26, at)];
        canvas.line(&guide, palette::tint(style.colour, 40), 2);
    }
    palette::marker(canvas, (left - 10, at), style.member, style.colour);
    let room = WIDTH - MARGIN - left - 30 - width(figure, bold(SMALL));
    let name = fit(style.name, plain(SMALL), room);
    canvas.text((left + 12, at), Held::Left, plain(SMALL), &name);
    let after = left + 26 + width(&name, plain(SMALL));
    canvas.text((after, at), Held::Left, bold(SMALL), figure);
}

/// `36 %`, of a share.
pub(crate) fn per_cent(share: f64) -> String {
    format!("{} %", format::tick(100.0 * share))
}
