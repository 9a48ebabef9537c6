//! Throughput by connections: a line a contender over the scenarios that differ in connections alone.

use record::{Scenario, Workload};

use super::canvas::{Canvas, Held, INK, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, fit, head_height, picture, plain, soft, width};
use super::{labels, palette};
use crate::data::Data;
use crate::format;

const METRIC: &str = "throughput_per_s";
const HEIGHT: i32 = 1080;
/// More lines than this cannot be told apart.
const SERIES: usize = 8;
/// Space for labels at the lines' ends.
const LABELS: i32 = 460;

/// One contender's line.
struct Series<'a> {
    name: &'a str,
    colour: plotters::style::RGBColor,
    member: usize,
    /// Connections, requests/s, interval.
    points: Vec<(f64, f64, Option<(f64, f64)>)>,
}

/// Where data stand on the sheet.
struct Axes {
    x: (i32, i32, f64, f64),
    y: (i32, i32, f64),
}

impl Axes {
    fn x(&self, connections: f64) -> i32 {
        let (from, to, low, high) = self.x;
        if high <= low {
            return i32::midpoint(from, to);
        }
        from + (f64::from(to - from) * (connections / low).ln() / (high / low).ln()).round() as i32
    }

    fn y(&self, rate: f64) -> i32 {
        let (top, bottom, most) = self.y;
        bottom - (f64::from(bottom - top) * (rate / most).clamp(0.0, 1.0)).round() as i32
    }
}

/// The picture; `None` when no line has a point.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let scenarios = longest_line(data)?;
    let mut series = series(data, &scenarios);
    if series.is_empty() {
        return None;
    }
    let left_out = series.len().saturating_sub(SERIES);
    series.truncate(SERIES);
    let subtitles = subtitles(data, &scenarios, left_out);
    Some(picture(HEIGHT, |canvas| {
        let top = canvas.head(title, &subtitles).max(head_height(&subtitles));
        let axes = axes(&series, top);
        grid(canvas, &axes, &scenarios);
        for (index, line) in series.iter().enumerate() {
            trace(canvas, &axes, line, index, series.len());
        }
        name_lines(canvas, &axes, &series);
    }))
}

/// The line of rr scenarios with the most scenarios, by connections.
fn longest_line<'a>(data: &Data<'a>) -> Option<Vec<&'a Scenario>> {
    let mut lines: Vec<Vec<&Scenario>> = Vec::new();
    for scenario in data.scenarios_of(Workload::Rr) {
        match lines.iter_mut().find(|line| line[0].line() == scenario.line()) {
            Some(line) => line.push(scenario),
            None => lines.push(vec![scenario]),
        }
    }
    lines.reverse(); // of equally long ones max_by_key takes the last, hence the first of the suite
    let mut line = lines.into_iter().max_by_key(Vec::len)?;
    line.sort_by_key(|scenario| scenario.connections);
    Some(line)
}

fn series<'a>(data: &Data<'a>, scenarios: &[&Scenario]) -> Vec<Series<'a>> {
    let all = data.firsts_then_others().into_iter().map(|entrant| {
        let points = scenarios.iter().filter_map(|scenario| {
            let it = data.shown(&entrant.name, &scenario.name, METRIC)?;
            Some((f64::from(scenario.connections), it.value?, it.low.zip(it.high)))
        });
        Series {
            name: &entrant.name,
            colour: palette::colour(&entrant.family),
            member: palette::member(data, &entrant.name, &entrant.family),
            points: points.collect(),
        }
    });
    all.filter(|line| !line.points.is_empty()).collect()
}

fn subtitles(data: &Data<'_>, scenarios: &[&Scenario], left_out: usize) -> Vec<String> {
    let first = scenarios[0];
    let bytes = format::bytes(first.message as f64);
    let mut load = format!(
        "{} connections, {bytes} a message, closed loop, at saturation, {}; {}",
        scenarios.iter().map(|scenario| scenario.connections.to_string()).collect::<Vec<_>>().join(", "),
        format::cores(first.server_cpus),
        palette::rounds(first.rounds),
    );
    let mut absent: Vec<String> = Vec::new();
    for entrant in data.firsts_then_others() {
        let served = scenarios.iter().rev().find_map(|scenario| data.served(&entrant.name, &scenario.name));
        let drawn = scenarios.iter().any(|scenario| data.shown(&entrant.name, &scenario.name, METRIC).is_some());
        if let Some(served) = served.filter(|_| !drawn) {
            absent.push(format!("{} ({served})", entrant.name));
        }
    }
    if !absent.is_empty() {
        load.push_str(&format!("; without {}", absent.join(", ")));
    }
    if left_out > 0 {
        load.push_str(&format!("; {left_out} more left out, see the tables"));
    }
    vec![load, palette::machine(data)]
}

fn axes(series: &[Series<'_>], top: i32) -> Axes {
    let points = || series.iter().flat_map(|line| &line.points);
    let most = points().map(|(_, rate, interval)| interval.map_or(*rate, |(_, high)| high.max(*rate)));
    let most = labels::ticks(most.fold(0.0, f64::max)).last().copied().unwrap_or(1.0);
    let low = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let high = points().map(|point| point.0).fold(0.0, f64::max);
    Axes { x: (MARGIN + 150, WIDTH - MARGIN - LABELS, low, high), y: (top + 60, HEIGHT - 130, most) }
}

fn grid(canvas: &Canvas<'_>, axes: &Axes, scenarios: &[&Scenario]) {
    let (left, right, low, high) = axes.x;
    let (top, bottom, most) = axes.y;
    canvas.text((MARGIN, top - 44), Held::Left, soft(SMALL), "requests/s, higher is better");
    for tick in labels::ticks(most) {
        let y = axes.y(tick);
        canvas.line(&[(left - 40, y), (right + 20, y)], if tick == 0.0 { SOFT } else { RULE }, 2);
        canvas.text((left - 54, y), Held::Right, soft(SMALL), &format::plain_rate(tick));
    }
    for scenario in scenarios {
        let connections = f64::from(scenario.connections);
        if (low..=high).contains(&connections) {
            let x = axes.x(connections);
            canvas.line(&[(x, bottom), (x, bottom + 12)], SOFT, 2);
            canvas.text((x, bottom + 36), Held::Middle, plain(SMALL), &scenario.connections.to_string());
        }
    }
    canvas.text((i32::midpoint(left, right), bottom + 84), Held::Middle, soft(SMALL), "connections (logarithmic)");
}

fn trace(canvas: &Canvas<'_>, axes: &Axes, line: &Series<'_>, index: usize, of: usize) {
    // Side by side, so that the whiskers of near lines do not cover each other.
    let aside = 8 * index as i32 - 4 * (of as i32 - 1);
    let at = |point: &(f64, f64, _)| (axes.x(point.0) + aside, axes.y(point.1));
    let points: Vec<(i32, i32)> = line.points.iter().map(at).collect();
    match line.member {
        0 => canvas.line(&points, line.colour, 5),
        _ => canvas.dashes(&points, line.colour, 4),
    }
    for (point, (_, _, interval)) in points.iter().zip(&line.points) {
        if let Some((low, high)) = interval {
            let (x, from, to) = (point.0, axes.y(*high), axes.y(*low));
            canvas.line(&[(x, from), (x, to)], INK, 2);
            for y in [from, to] {
                canvas.line(&[(x - 6, y), (x + 6, y)], INK, 2);
            }
        }
        palette::marker(canvas, *point, line.member, line.colour);
    }
}

fn name_lines(canvas: &Canvas<'_>, axes: &Axes, series: &[Series<'_>]) {
    let end = |line: &Series<'_>| line.points.last().map_or(0, |point| axes.y(point.1));
    let wanted: Vec<i32> = series.iter().map(end).collect();
    let placed = labels::spread(&wanted, 42, axes.y.0, axes.y.1 - 10);
    let x = axes.x.1 + 90;
    for ((line, y), wanted) in series.iter().zip(placed).zip(wanted) {
        let last = line.points.last().map_or(0, |point| axes.x(point.0));
        canvas.line(&[(last.max(axes.x.1) + 38, wanted), (x - 26, y)], palette::tint(line.colour, 40), 2);
        palette::marker(canvas, (x - 10, y), line.member, line.colour);
        let rate = line.points.last().map_or_else(String::new, |point| format::rate(point.1));
        let rate_width = width(&rate, bold(SMALL));
        let name = fit(line.name, plain(SMALL), WIDTH - MARGIN - x - 30 - rate_width);
        canvas.text((x + 12, y), Held::Left, plain(SMALL), &name);
        canvas.text((x + 26 + width(&name, plain(SMALL)), y), Held::Left, bold(SMALL), &rate);
    }
}
