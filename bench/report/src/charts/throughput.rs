//! Throughput by connections: a line a contender over the scenarios that differ in connections alone.

use record::{Scenario, Workload};

use super::canvas::{
    Canvas, Held, INK, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, fit, head_height, picture, plain,
    soft, width,
};
use super::{labels, palette};
use crate::data::Data;
use crate::format;

const METRIC: &str = "throughput_per_s";
const HEIGHT: i32 = 1080;
/// More lines than this cannot be told apart.
const SERIES: usize = 8;
/// Space for labels at the lines' ends.
const LABELS: i32 = 590;

/// One contender's line.
struct Series<'a> {
    name: &'a str,
    colour: plotters::style::RGBColor,
    member: usize,
    points: Vec<Point>,
}

/// One figure of a line.
struct Point {
    /// Which of the scenarios: a line is not drawn across one that has no figure.
    place: usize,
    connections: f64,
    rate: f64,
    interval: Option<(f64, f64)>,
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

/// The line of rr scenarios with the most scenarios that have figures, by connections.
fn longest_line<'a>(data: &Data<'a>) -> Option<Vec<&'a Scenario>> {
    let mut lines: Vec<Vec<&Scenario>> = Vec::new();
    let with_figures = |scenario: &&Scenario| !data.ranking(&scenario.name, METRIC).is_empty();
    for scenario in data.at_once(Workload::Rr).filter(with_figures) {
        match lines
            .iter_mut()
            .find(|line| line[0].line() == scenario.line())
        {
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
        let point = |(place, scenario): (usize, &&Scenario)| {
            let it = data.shown(&entrant.name, &scenario.name, METRIC)?;
            Some(Point {
                place,
                connections: f64::from(scenario.connections),
                rate: it.value?,
                interval: it.low.zip(it.high),
            })
        };
        Series {
            name: &entrant.name,
            colour: palette::colour(&entrant.family),
            member: palette::member(data, &entrant.name, &entrant.family),
            points: scenarios.iter().enumerate().filter_map(point).collect(),
        }
    });
    all.filter(|line| !line.points.is_empty()).collect()
}

fn subtitles(data: &Data<'_>, scenarios: &[&Scenario], left_out: usize) -> Vec<String> {
    let first = scenarios[0];
    let bytes = format::bytes(first.message as f64);
    let mut load = format!(
        "{} connections, {bytes} a message, closed loop, {}; {}",
        scenarios
            .iter()
            .map(|scenario| scenario.connections.to_string())
            .collect::<Vec<_>>()
            .join(", "),
        format::cores(first.server_cpus),
        palette::rounds(data, first),
    );
    let absent = data
        .firsts_then_others()
        .into_iter()
        .flat_map(|entrant| absent(data, scenarios, &entrant.name));
    let absent: Vec<String> = absent.collect();
    if !absent.is_empty() {
        load.push_str(&format!("; not drawn: {}", absent.join(", ")));
    }
    if left_out > 0 {
        load.push_str(&format!("; {left_out} more left out, see the tables"));
    }
    vec![load, palette::machine(data)]
}

/// Where a contender has no point, and why.
fn absent(data: &Data<'_>, scenarios: &[&Scenario], name: &str) -> Vec<String> {
    let missing: Vec<&&Scenario> = scenarios
        .iter()
        .filter(|scenario| data.shown(name, &scenario.name, METRIC).is_none())
        .collect();
    if missing.len() == scenarios.len() {
        let served = scenarios
            .iter()
            .rev()
            .find_map(|scenario| data.served(name, &scenario.name));
        return served
            .map(|served| format!("{name} ({served})"))
            .into_iter()
            .collect();
    }
    let why = |scenario: &&&Scenario| {
        let it = data.estimate(name, &scenario.name, METRIC)?;
        Some(format!(
            "{name} at {} ({})",
            scenario.connections, it.verdict
        ))
    };
    missing.iter().filter_map(why).collect()
}

fn axes(series: &[Series<'_>], top: i32) -> Axes {
    let points = || series.iter().flat_map(|line| &line.points);
    let most = points().map(|it| it.interval.map_or(it.rate, |(_, high)| high.max(it.rate)));
    let most = labels::ticks(most.fold(0.0, f64::max))
        .last()
        .copied()
        .unwrap_or(1.0);
    let low = points()
        .map(|point| point.connections)
        .fold(f64::INFINITY, f64::min);
    let high = points().map(|point| point.connections).fold(0.0, f64::max);
    Axes {
        x: (MARGIN + 150, WIDTH - MARGIN - LABELS, low, high),
        y: (top + 60, HEIGHT - 130, most),
    }
}

fn grid(canvas: &Canvas<'_>, axes: &Axes, scenarios: &[&Scenario]) {
    let (left, right, low, high) = axes.x;
    let (top, bottom, most) = axes.y;
    canvas.text(
        (MARGIN, top - 44),
        Held::Left,
        soft(SMALL),
        "requests/s, more is better",
    );
    for tick in labels::ticks(most) {
        let y = axes.y(tick);
        canvas.line(
            &[(left - 40, y), (right + 20, y)],
            if tick == 0.0 { SOFT } else { RULE },
            2,
        );
        canvas.text(
            (left - 54, y),
            Held::Right,
            soft(SMALL),
            &format::tick(tick),
        );
    }
    for scenario in scenarios {
        let connections = f64::from(scenario.connections);
        if (low..=high).contains(&connections) {
            let x = axes.x(connections);
            canvas.line(&[(x, bottom), (x, bottom + 12)], SOFT, 2);
            canvas.text(
                (x, bottom + 36),
                Held::Middle,
                plain(SMALL),
                &scenario.connections.to_string(),
            );
        }
    }
    canvas.text(
        (i32::midpoint(left, right), bottom + 84),
        Held::Middle,
        soft(SMALL),
        "connections (logarithmic)",
    );
}

fn trace(canvas: &Canvas<'_>, axes: &Axes, line: &Series<'_>, index: usize, of: usize) {
    // Side by side, so that the whiskers of near lines do not cover each other.
    let aside = 8 * index as i32 - 4 * (of as i32 - 1);
    let at = |point: &Point| (axes.x(point.connections) + aside, axes.y(point.rate));
    for pair in line
        .points
        .windows(2)
        .filter(|pair| pair[0].place + 1 == pair[1].place)
    {
        let ends = [at(&pair[0]), at(&pair[1])];
        match line.member {
            0 => canvas.line(&ends, line.colour, 5),
            _ => canvas.dashes(&ends, line.colour, 4, 28),
        }
    }
    for point in &line.points {
        if let Some((low, high)) = point.interval {
            let (x, from, to) = (at(point).0, axes.y(high), axes.y(low));
            canvas.line(&[(x, from), (x, to)], INK, 2);
            for y in [from, to] {
                canvas.line(&[(x - 6, y), (x + 6, y)], INK, 2);
            }
        }
        palette::marker(canvas, at(point), line.member, line.colour);
    }
}

fn name_lines(canvas: &Canvas<'_>, axes: &Axes, series: &[Series<'_>]) {
    let end = |line: &Series<'_>| line.points.last().map_or(0, |point| axes.y(point.rate));
    let wanted: Vec<i32> = series.iter().map(end).collect();
    let placed = labels::spread(&wanted, 42, axes.y.0, axes.y.1 - 10);
    let x = axes.x.1 + 90;
    for ((line, y), wanted) in series.iter().zip(placed).zip(wanted) {
        let whole = line
            .points
            .last()
            .is_some_and(|point| point.connections >= axes.x.3);
        if whole {
            canvas.line(
                &[(axes.x.1 + 38, wanted), (x - 26, y)],
                palette::tint(line.colour, 40),
                2,
            );
        }
        palette::marker(canvas, (x - 10, y), line.member, line.colour);
        let rate = line
            .points
            .last()
            .map_or_else(String::new, |point| match whole {
                true => format::rate(point.rate),
                false => format!("{} at {}", format::rate(point.rate), point.connections),
            });
        let rate_width = width(&rate, bold(SMALL));
        let name = fit(
            line.name,
            plain(SMALL),
            WIDTH - MARGIN - x - 30 - rate_width,
        );
        canvas.text((x + 12, y), Held::Left, plain(SMALL), &name);
        canvas.text(
            (x + 26 + width(&name, plain(SMALL)), y),
            Held::Left,
            bold(SMALL),
            &rate,
        );
    }
}
