//! Throughput by connections: a line a contender over the scenarios that differ in connections alone.

use record::{Scenario, Workload};

use super::canvas::{
    Canvas, Held, INK, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, fit, head_height, picture, plain,
    soft, taller, width,
};
use super::lines::{self, Chosen, Style};
use super::{labels, palette};
use crate::data::Data;
use crate::format;

const METRIC: &str = "throughput_per_s";
const HEIGHT: i32 = 1080;
/// Space for labels at the lines' ends.
const LABELS: i32 = 590;

/// One contender's line.
struct Series<'a> {
    style: Style<'a>,
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
    let series = series(data, &scenarios);
    let series = Chosen::of(data, series, |line| &line.style, Series::merit);
    if series.is_empty() {
        return None;
    }
    let subtitles = subtitles(data, &scenarios, &series);
    let height = taller(HEIGHT, &subtitles);
    Some(picture(height, |canvas| {
        let top = canvas.head(title, &subtitles).max(head_height(&subtitles));
        let axes = axes(&series, (top, height));
        grid(canvas, &axes, &scenarios);
        for line in &series.crowd {
            lines::grey(canvas, &line.places(&axes, scenarios.len()));
        }
        for (index, line) in series.named.iter().enumerate() {
            trace(canvas, &axes, line, index, series.named.len());
        }
        name_lines(canvas, &axes, &series.named);
    }))
}

impl Series<'_> {
    /// Where it ends, and how high.
    fn merit(&self) -> (f64, f64) {
        let last = self.points.last();
        last.map_or((-1.0, 0.0), |point| (point.place as f64, point.rate))
    }

    /// A place for each of so many scenarios.
    fn places(&self, axes: &Axes, scenarios: usize) -> Vec<Option<(i32, i32)>> {
        let mut places = vec![None; scenarios];
        for point in &self.points {
            places[point.place] = Some((axes.x(point.connections), axes.y(point.rate)));
        }
        places
    }
}

/// The line of rr scenarios with the most scenarios that have figures, by connections.
pub(crate) fn longest_line<'a>(data: &Data<'a>) -> Option<Vec<&'a Scenario>> {
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
            style: Style::of(data, &entrant.name, &entrant.family),
            points: scenarios.iter().enumerate().filter_map(point).collect(),
        }
    });
    all.filter(|line| !line.points.is_empty()).collect()
}

fn subtitles(data: &Data<'_>, scenarios: &[&Scenario], series: &Chosen<Series<'_>>) -> Vec<String> {
    let first = scenarios[0];
    let bytes = format::bytes(first.message as f64);
    let mut load = format!(
        "{} connections, {bytes} a message, closed loop, {}; {}",
        scenarios
            .iter()
            .map(|scenario| format::count(f64::from(scenario.connections)))
            .collect::<Vec<_>>()
            .join(", "),
        format::cores(first.server_cpus),
        palette::rounds(data, first),
    );
    let absent = data
        .firsts_then_others()
        .into_iter()
        .flat_map(|entrant| absent(data, scenarios, &entrant.name));
    load.push_str(&series.said("where its line ends"));
    load.push_str(&lines::not_drawn(&absent.collect::<Vec<_>>()));
    vec![load, palette::machine(data)]
}

/// Where a contender has no point, and why.
fn absent(data: &Data<'_>, scenarios: &[&Scenario], name: &str) -> Vec<(String, String)> {
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
            .map(|served| (name.to_owned(), served))
            .into_iter()
            .collect();
    }
    // Each reason once, with all the places where it stands.
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for scenario in missing {
        let Some(it) = data.estimate(name, &scenario.name, METRIC) else {
            continue;
        };
        let at = format::count(f64::from(scenario.connections));
        match reasons.iter_mut().find(|(word, _)| *word == it.verdict) {
            Some((_, places)) => places.push(at),
            None => reasons.push((&it.verdict, vec![at])),
        }
    }
    let said = |(word, places): (&str, Vec<String>)| {
        let places = places.join(" and ");
        (format!("{name} at {places}"), word.to_owned())
    };
    reasons.into_iter().map(said).collect()
}

fn axes(series: &Chosen<Series<'_>>, (top, height): (i32, i32)) -> Axes {
    let points = || series.all().flat_map(|line| &line.points);
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
        y: (top + 60, height - 130, most),
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
                &format::count(connections),
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
        match lines::dash(line.style.member) {
            None => canvas.line(&ends, line.style.colour, 5),
            Some(dash) => canvas.dashes(&ends, line.style.colour, 4, dash),
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
        palette::marker(canvas, at(point), line.style.member, line.style.colour);
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
                palette::tint(line.style.colour, 40),
                2,
            );
        }
        palette::marker(canvas, (x - 10, y), line.style.member, line.style.colour);
        let rate = line
            .points
            .last()
            .map_or_else(String::new, |point| match whole {
                true => format::rate(point.rate),
                false => format!(
                    "{} at {}",
                    format::rate(point.rate),
                    format::count(point.connections)
                ),
            });
        let rate_width = width(&rate, bold(SMALL));
        let name = fit(
            line.style.name,
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
