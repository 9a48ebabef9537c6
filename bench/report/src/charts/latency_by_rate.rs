//! Latency by rate: a line a contender over the scenarios that differ in their rate alone. Flat while the server
//! has time to spare, bent where requests begin to wait for each other.

use record::Scenario;

use super::canvas::{
    Canvas, Held, INK, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, fit, head_height, picture, plain,
    soft, taller, width,
};
use super::lines::{self, Chosen, Scale, Stroke, Style};
use super::{labels, palette};
use crate::capacity;
use crate::conditions::{conditions_but_rate, is_open};
use crate::data::{Data, is_unserved, may_be_shown};
use crate::format;
use crate::stats::ROUNDS_MIN;

const RESPONSE: &str = "response_ns_p99";
const SERVICE: &str = "service_ns_p99";
/// What stands beside it where capacities were searched for: half of all users wait no longer.
const MIDDLE: &str = "response_ns_p50";
/// More rates than this are told by their ends.
const NAMED: usize = 8;
const HEIGHT: i32 = 1180;
/// Space for labels at the lines' ends.
const LABELS: i32 = 640;
/// Between a name and the words below it.
const BELOW: i32 = 30;
/// Between the labels of the rates.
const RATES: i32 = 90;
/// An interval that goes further than this factor from its figure leaves open of what size it is: the figure is drawn hollow, and the
/// interval not at all, since it would make the others' scale.
const KNOWN: f64 = 10.0;
/// Service times that are nowhere further off than this are not drawn again.
const SAME: f64 = 0.05;

/// One contender.
struct Line<'a> {
    style: Style<'a>,
    /// In the order of the rates, one for each of them.
    points: Vec<Option<Point>>,
    /// Why figures are not valid, or what stands in their place, and at which rates.
    doubts: Vec<String>,
}

/// Its figures at one rate.
struct Point {
    rate: f64,
    response: f64,
    interval: Option<(f64, f64)>,
    /// Service p99, or response p50: what is drawn beside it.
    beside: Option<f64>,
    /// Whether it is not valid.
    weak: bool,
}

/// The picture; `None` unless somebody has figures at two rates.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let scenarios = longest_line(data)?;
    let (drawn, absent) = lines_of(data, &scenarios);
    let drawn = Chosen::of(data, drawn, |line| &line.style, Line::merit);
    let subtitles = subtitles(data, &scenarios, &absent, &drawn);
    let height = taller(HEIGHT, &subtitles);
    Some(picture(height, |canvas| {
        let top = canvas.head(title, &subtitles).max(head_height(&subtitles));
        let (x, y) = scales(&drawn, &scenarios, (top, height));
        grid(canvas, &x, &y, &scenarios, beside(data));
        for line in &drawn.crowd {
            let points = line.points.iter();
            let place = |it: &Point| (x.at(it.rate), y.at(it.response));
            let places = points.map(|point| point.as_ref().map(place));
            lines::grey(canvas, &places.collect::<Vec<_>>());
        }
        for (index, line) in drawn.named.iter().enumerate() {
            trace(canvas, &x, &y, line, aside(index, drawn.named.len()));
        }
        name_lines(canvas, &x, &y, &drawn.named, data.search().is_some());
    }))
}

/// The line with the most rates at which somebody has a figure, by rate.
pub(crate) fn longest_line<'a>(data: &Data<'a>) -> Option<Vec<&'a Scenario>> {
    let entrants = data.firsts_then_others();
    let has_figures = |scenario: &&Scenario| {
        let mut names = entrants.iter().map(|entrant| entrant.name.as_str());
        is_open(scenario) && names.any(|name| point(data, name, scenario).is_some())
    };
    let mut found: Vec<Vec<&Scenario>> = Vec::new();
    for scenario in data.scenarios().iter().filter(has_figures) {
        let key = scenario.rate_line();
        match found.iter_mut().find(|line| line[0].rate_line() == key) {
            Some(line) => line.push(scenario),
            None => found.push(vec![scenario]),
        }
    }
    for line in &mut found {
        line.sort_by(|a, b| rate_of(a).total_cmp(&rate_of(b)));
        line.dedup_by_key(|scenario| rate_of(scenario));
    }
    found.reverse(); // of equally long ones max_by_key takes the last, hence the first of the suite
    let line = found.into_iter().max_by_key(Vec::len)?;
    (line.len() > 1).then_some(line)
}

pub(crate) fn rate_of(scenario: &Scenario) -> f64 {
    scenario.pace.rate_per_s().unwrap_or(0.0)
}

/// Who can be drawn, and who cannot with the reason.
fn lines_of<'a>(
    data: &Data<'a>,
    scenarios: &[&Scenario],
) -> (Vec<Line<'a>>, Vec<(String, String)>) {
    let (mut drawn, mut absent) = (Vec::new(), Vec::new());
    for entrant in data.firsts_then_others() {
        let name = entrant.name.as_str();
        // What a search did not look at is no gap.
        let asked = scenarios
            .iter()
            .filter(|it| data.cell(name, &it.name).is_some());
        let points: Vec<Option<Point>> = asked.map(|it| point(data, name, it)).collect();
        let doubts = match data.search() {
            Some(_) => capacity::chart_label(data, name).into_iter().collect(),
            None => doubts(data, name, scenarios),
        };
        if points.iter().any(Option::is_some) {
            drawn.push(Line {
                style: Style::of(data, name, &entrant.family),
                points,
                doubts,
            });
        } else if !doubts.is_empty() {
            absent.push((name.to_owned(), doubts.join("; ")));
        }
    }
    (drawn, absent)
}

/// A figure stands for who was served, so that where not everybody was there is none.
fn point(data: &Data<'_>, name: &str, scenario: &Scenario) -> Option<Point> {
    let it = data.estimate(name, &scenario.name, RESPONSE)?;
    let response = it.value.filter(|ns| *ns > 0.0 && !is_unserved(it))?;
    let beside = data.estimate(name, &scenario.name, beside(data));
    let interval = it.low.zip(it.high);
    let known = |(low, high): &(f64, f64)| *low * KNOWN >= response && *high <= response * KNOWN;
    Some(Point {
        rate: rate_of(scenario),
        response,
        interval: interval.filter(known),
        beside: beside.and_then(|it| it.value).filter(|ns| *ns > 0.0),
        weak: !may_be_shown(it) || interval.is_some_and(|it| !known(&it)),
    })
}

/// The metric that is drawn beside response p99.
fn beside(data: &Data<'_>) -> &'static str {
    match data.search() {
        Some(_) => MIDDLE,
        None => SERVICE,
    }
}

/// `overload at 50k, 100k`: each word once.
fn doubts(data: &Data<'_>, name: &str, scenarios: &[&Scenario]) -> Vec<String> {
    let mut words: Vec<(String, Vec<String>)> = Vec::new();
    for scenario in scenarios {
        let it = data.estimate(name, &scenario.name, RESPONSE);
        let Some(it) = it.filter(|it| !may_be_shown(it)) else {
            continue;
        };
        let served = data.served(name, &scenario.name);
        let word = served
            .filter(|_| is_unserved(it))
            .unwrap_or_else(|| it.verdict.clone());
        let rate = format::tick(rate_of(scenario));
        match words.iter_mut().find(|(other, _)| *other == word) {
            Some((_, rates)) => rates.push(rate),
            None => words.push((word, vec![rate])),
        }
    }
    let said = |(word, rates): (String, Vec<String>)| match rates.len() == scenarios.len() {
        true => word,
        false => format!("{word} at {}", rates.join(", ")),
    };
    words.into_iter().map(said).collect()
}

fn subtitles(
    data: &Data<'_>,
    scenarios: &[&Scenario],
    absent: &[(String, String)],
    drawn: &Chosen<Line<'_>>,
) -> Vec<String> {
    let made = || scenarios.iter().map(|it| data.rounds_made(it));
    let (least, most) = (made().min().unwrap_or(0), made().max().unwrap_or(0));
    let rounds = match least == most {
        true => format::plural(most, "round"),
        false => format!("{least} to {}", format::plural(most, "round")),
    };
    let rates: Vec<String> = scenarios
        .iter()
        .map(|it| format::tick(rate_of(it)))
        .collect();
    let rates = match rates.as_slice() {
        [first, .., last] if rates.len() > NAMED => format!("{first} to {last}"),
        _ => rates.join(", "),
    };
    let mut load = format!(
        "{rates} requests a second, {}; {rounds}, merged, {}",
        conditions_but_rate(scenarios[0]),
        match (least < ROUNDS_MIN, most < ROUNDS_MIN) {
            (true, true) => "too few for intervals",
            (true, false) => "with 95 % intervals where there are enough",
            _ => "with 95 % intervals",
        }
    );
    load.push_str(&drawn.said("at the highest rate that it keeps"));
    load.push_str(&lines::not_drawn(absent));
    vec![load, palette::machine(data)]
}

fn scales(
    drawn: &Chosen<Line<'_>>,
    scenarios: &[&Scenario],
    (top, height): (i32, i32),
) -> (Scale, Scale) {
    let points = || drawn.all().flat_map(|line| line.points.iter().flatten());
    let times = || {
        points().flat_map(|it| {
            let (low, high) = it.interval.unwrap_or((it.response, it.response));
            [low, high, it.beside.unwrap_or(it.response)]
        })
    };
    let x = Scale {
        from: MARGIN + 150,
        to: WIDTH - MARGIN - LABELS,
        low: rate_of(scenarios[0]),
        high: rate_of(scenarios[scenarios.len() - 1]),
        log: true,
    };
    let range = (
        times().fold(f64::INFINITY, f64::min),
        times().fold(0.0, f64::max),
    );
    (x, Scale::about(height - 130, top + 60, range, true))
}

fn grid(canvas: &Canvas<'_>, x: &Scale, y: &Scale, scenarios: &[&Scenario], beside: &str) {
    let beside = match beside {
        MIDDLE => "response p50",
        _ => "service p99",
    };
    let hint = format!(
        "response p99 solid, {beside} dashed, hollow: not valid or too vague; logarithmic, less is better"
    );
    canvas.text((MARGIN, y.to - 44), Held::Left, soft(SMALL), &hint);
    for tick in y.ticks() {
        let at = y.at(tick);
        canvas.line(&[(x.from - 40, at), (x.to + 40, at)], RULE, 2);
        let label = format::time_tick(tick);
        canvas.text((x.from - 54, at), Held::Right, soft(SMALL), &label);
    }
    let rates: Vec<f64> = scenarios.iter().map(|it| rate_of(it)).collect();
    for &rate in &rates {
        let at = x.at(rate);
        if rates.len() <= NAMED {
            canvas.line(&[(at, y.to), (at, y.from)], RULE, 2);
        }
        canvas.line(&[(at, y.from), (at, y.from + 12)], SOFT, 2);
    }
    for rate in labels::apart(&rates, RATES, |rate| x.at(rate)) {
        let at = (x.at(rate), y.from + 36);
        canvas.text(at, Held::Middle, plain(SMALL), &format::tick(rate));
    }
    let middle = (i32::midpoint(x.from, x.to), y.from + 84);
    let axis = "requests asked for, 1/s (logarithmic)";
    canvas.text(middle, Held::Middle, soft(SMALL), axis);
}

/// Lines stand side by side, so that the whiskers of near ones do not cover each other.
fn aside(index: usize, of: usize) -> i32 {
    8 * index as i32 - 4 * (of as i32 - 1)
}

fn trace(canvas: &Canvas<'_>, x: &Scale, y: &Scale, line: &Line<'_>, aside: i32) {
    let at = |point: &Point, ns: f64| (x.at(point.rate) + aside, y.at(ns));
    let places = |read: fn(&Point) -> Option<f64>| -> Vec<Option<(i32, i32)>> {
        let points = line.points.iter();
        let place = |point: &Point| Some(at(point, read(point)?));
        points.map(|point| place(point.as_ref()?)).collect()
    };
    // Dashes say service here, so members of a family are told apart by their markers alone.
    let solid = Style {
        member: 0,
        ..line.style.clone()
    };
    if line.hides_something() {
        let beside = places(|point| point.beside);
        for stretch in beside.split(Option::is_none) {
            let stretch: Vec<(i32, i32)> = stretch.iter().copied().flatten().collect();
            canvas.dashes(&stretch, palette::tint(line.style.colour, 30), 2, 12);
        }
    }
    lines::line(
        canvas,
        &places(|point| Some(point.response)),
        &solid,
        Stroke::Thin,
    );
    let sure = places(|point| (!point.weak).then_some(point.response));
    lines::line(canvas, &sure, &solid, Stroke::Thick);
    for point in line.points.iter().flatten() {
        let place = at(point, point.response);
        if let Some((low, high)) = point.interval {
            whisker(canvas, place.0, (y.at(low), y.at(high)), point.weak);
        }
        let (member, colour) = (line.style.member, line.style.colour);
        match point.weak {
            true => palette::hollow_marker(canvas, place, member, colour),
            false => palette::marker(canvas, place, member, colour),
        }
    }
}

fn whisker(canvas: &Canvas<'_>, x: i32, (from, to): (i32, i32), weak: bool) {
    let colour = if weak { palette::tint(INK, 60) } else { INK };
    canvas.line(&[(x, from), (x, to)], colour, 2);
    for y in [from, to] {
        canvas.line(&[(x - 6, y), (x + 6, y)], colour, 2);
    }
}

impl Line<'_> {
    /// Whether what is drawn beside response times tells something else than they do.
    fn hides_something(&self) -> bool {
        let points = self.points.iter().flatten();
        let mut pairs = points.filter_map(|it| Some(it.response / it.beside?));
        pairs.any(|ratio| (ratio - 1.0).abs() > SAME)
    }

    /// The highest rate at which it is valid; of two with the same, who answers earlier there is better.
    fn merit(&self) -> (f64, f64) {
        let mut points = self.points.iter().flatten();
        let last = points.rfind(|point| !point.weak);
        let figure = last.map_or(0.0, |point| point.rate - point.response * 1e-12);
        (0.0, figure)
    }

    fn last(&self) -> Option<&Point> {
        self.points.iter().flatten().next_back()
    }

    /// Its figure at the highest rate at which it is valid; that rate is said where it is not the highest of all.
    fn figure(&self, highest: f64) -> String {
        let mut points = self.points.iter().flatten();
        match points.rfind(|point| !point.weak) {
            None => String::new(),
            Some(point) if point.rate >= highest => format::time(point.response),
            Some(point) => format!(
                "{} at {}",
                format::time(point.response),
                format::tick(point.rate)
            ),
        }
    }
}

/// Names in the order of the lines' ends, each with its figure and, below, why others are not valid.
fn name_lines(canvas: &Canvas<'_>, x: &Scale, y: &Scale, drawn: &[Line<'_>], searched: bool) {
    let end = |line: &Line<'_>| line.last().map_or(y.from, |point| y.at(point.response));
    let wanted: Vec<i32> = drawn.iter().map(end).collect();
    let below = match searched || drawn.iter().all(|line| line.doubts.is_empty()) {
        true => 0,
        false => BELOW,
    };
    let placed = labels::spread(&wanted, 42 + below, y.to, y.from - 10 - below);
    let left = x.to + 100;
    let head = match searched {
        true => "capacity",
        false => "p99 at the highest valid rate",
    };
    canvas.text((left + 12, y.to - 44), Held::Left, soft(SMALL), head);
    for (index, (line, place)) in drawn.iter().zip(placed).enumerate() {
        let colour = line.style.colour;
        let from = line.last().map_or(x.to, |point| x.at(point.rate));
        let from = from + aside(index, drawn.len()) + 14;
        let guide = [
            (from, wanted[index]),
            (from.max(x.to + 44), wanted[index]),
            (left - 26, place),
        ];
        canvas.line(&guide, palette::tint(colour, 55), 2);
        palette::marker(canvas, (left - 10, place), line.style.member, colour);
        let room = WIDTH - MARGIN - left - 12;
        let figure = match searched {
            true => line.doubts.join("; "),
            false => line.figure(x.high),
        };
        let rest = room - 14 - width(&figure, bold(SMALL));
        let name = fit(line.style.name, plain(SMALL), rest);
        canvas.text((left + 12, place), Held::Left, plain(SMALL), &name);
        let after = left + 26 + width(&name, plain(SMALL));
        canvas.text((after, place), Held::Left, bold(SMALL), &figure);
        if searched {
            continue;
        }
        let doubts = fit(&line.doubts.join("; "), soft(SMALL), room);
        canvas.text((left + 12, place + BELOW), Held::Left, soft(SMALL), &doubts);
    }
}
