//! Latency by percentile: how long the slower of two, of ten, of a hundred, of a thousand requests took.

use record::Scenario;

use super::canvas::{
    Canvas, Held, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, fit, head_height, picture, plain, soft,
    taller, width,
};
use super::lines::{self, Chosen, Scale, Stroke, Style};
use super::{labels, palette};
use crate::cells::Cell;
use crate::conditions::{at_saturation, conditions, is_open};
use crate::data::Data;
use crate::format;
use crate::latency::{Merged, Span};
use crate::struck::strikes;

const HEIGHT: i32 = 1080;
/// Space for labels at the lines' ends.
const LABELS: i32 = 620;
/// Readings along a line.
const READINGS: usize = 160;
/// The axis begins at the median.
const FROM: f64 = 0.5;
/// Service times that are nowhere further off than this are not drawn again.
const SAME: f64 = 0.05;

/// One contender.
struct Line<'a> {
    style: Style<'a>,
    merged: Merged,
    /// (one in how many is slower, nanoseconds), one in two first.
    response: Vec<(f64, f64)>,
    /// Likewise; empty where it is the same.
    service: Vec<(f64, f64)>,
}

/// The picture: of scenarios with a rate, and of the one that stands for saturation.
pub(crate) fn draw(data: &Data<'_>, scenario: &Scenario, title: &str) -> Option<String> {
    // Percentiles of a window in which service was out are none of a server that serves.
    if strikes(scenario) {
        return None;
    }
    let typical = data.typical(record::Workload::Rr);
    if !is_open(scenario) && typical.is_none_or(|typical| typical.name != scenario.name) {
        return None;
    }
    let (drawn, absent) = lines(data, scenario);
    let drawn = Chosen::of(data, drawn, |line| &line.style, Line::merit);
    if drawn.is_empty() {
        return None;
    }
    let subtitles = subtitles(data, scenario, &absent, &drawn);
    let height = taller(HEIGHT, &subtitles);
    Some(picture(height, |canvas| {
        let top = canvas.head(title, &subtitles).max(head_height(&subtitles));
        let (x, y) = scales(&drawn, (top, height));
        let two = drawn.named.iter().any(|line| !line.service.is_empty());
        let hint = if two {
            "response time solid, service time dashed; logarithmic, less is better"
        } else {
            "response time; logarithmic, less is better"
        };
        grid(canvas, &x, &y, hint);
        for line in &drawn.crowd {
            let response = line.response.iter();
            let places = response.map(|point| Some((x.at(point.0), y.at(point.1))));
            lines::grey(canvas, &places.collect::<Vec<_>>());
        }
        for (index, line) in drawn.named.iter().enumerate() {
            trace(canvas, &x, &y, line, (index, drawn.named.len()));
        }
        name_lines(canvas, &x, &y, &drawn.named);
    }))
}

impl Line<'_> {
    /// How early its slowest hundredth ends.
    fn merit(&self) -> (f64, f64) {
        let last = || self.response.last().map_or(0.0, |point| point.1);
        (0.0, -self.merged.value(0.99).unwrap_or_else(|_| last()))
    }
}

/// Who can be drawn, and who cannot with the reason.
fn lines<'a>(data: &Data<'a>, scenario: &Scenario) -> (Vec<Line<'a>>, Vec<(String, String)>) {
    let (mut drawn, mut absent) = (Vec::new(), Vec::new());
    for entrant in data.firsts_then_others() {
        let name = entrant.name.as_str();
        let Some(cell) = data.cell(name, &scenario.name) else {
            continue;
        };
        match data.shown(name, &scenario.name, "response_ns_p50") {
            Some(_) => {
                let style = Style::of(data, name, &entrant.family);
                drawn.extend(line(cell, style));
            }
            None if cell.passes.is_empty() && cell.failed.is_none() => {}
            None => {
                let served = data.served(name, &scenario.name);
                let why = served.unwrap_or_else(|| cell.verdict_of_percentiles().word.clone());
                absent.push((name.to_owned(), why));
            }
        }
    }
    (drawn, absent)
}

fn line<'a>(cell: &Cell<'_>, style: Style<'a>) -> Option<Line<'a>> {
    let merged = Merged::of(cell, Span::Response).ok()?;
    let response = readings(&merged);
    let service = Merged::of(cell, Span::Service).map(|merged| readings(&merged));
    let service = service.unwrap_or_default();
    let pairs = response.iter().zip(&service);
    let mut ratios = pairs.map(|(response, service)| response.1 / service.1.max(1.0));
    let differs = ratios.any(|ratio| (ratio - 1.0).abs() > SAME);
    (response.len() > 1).then_some(Line {
        style,
        merged,
        response,
        service: if differs { service } else { Vec::new() },
    })
}

/// Readings at equal steps of the axis, as far as the samples allow.
pub(crate) fn readings(merged: &Merged) -> Vec<(f64, f64)> {
    let rarest = 1.0 / (1.0 - merged.furthest()).max(f64::MIN_POSITIVE);
    let first = 1.0 / (1.0 - FROM);
    let at = |index: usize| {
        let share = index as f64 / (READINGS - 1) as f64;
        let rarity = first * (rarest / first).max(1.0).powf(share);
        let value = merged.value(1.0 - 1.0 / rarity).ok()?;
        Some((rarity, value))
    };
    (0..READINGS).filter_map(at).collect()
}

fn subtitles(
    data: &Data<'_>,
    scenario: &Scenario,
    absent: &[(String, String)],
    drawn: &Chosen<Line<'_>>,
) -> Vec<String> {
    let mut load = format!(
        "{}: {}{}; {}, merged",
        scenario.name,
        conditions(scenario),
        at_saturation(scenario),
        format::plural(data.rounds_made(scenario), "round")
    );
    load.push_str(&drawn.said("by p99"));
    load.push_str(&lines::not_drawn(absent));
    vec![load, palette::machine(data)]
}

fn scales(drawn: &Chosen<Line<'_>>, (top, height): (i32, i32)) -> (Scale, Scale) {
    let points = || {
        let lines = drawn.all();
        lines.flat_map(|line| line.response.iter().chain(&line.service))
    };
    let rarest = points().map(|point| point.0).fold(0.0, f64::max);
    let slowest = points().map(|point| point.1).fold(0.0, f64::max);
    let quickest = points().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let x = Scale {
        from: MARGIN + 150,
        to: WIDTH - MARGIN - LABELS,
        low: 1.0 / (1.0 - FROM),
        high: rarest,
        log: true,
    };
    let y = Scale::about(height - 130, top + 60, (quickest, slowest), true);
    (x, y)
}

/// Axes of times over percentiles; `hint` says what is drawn, and which way is better.
pub(super) fn grid(canvas: &Canvas<'_>, x: &Scale, y: &Scale, hint: &str) {
    canvas.text((MARGIN, y.to - 44), Held::Left, soft(SMALL), hint);
    for tick in y.ticks() {
        let at = y.at(tick);
        canvas.line(&[(x.from - 20, at), (x.to + 20, at)], RULE, 2);
        canvas.text(
            (x.from - 34, at),
            Held::Right,
            soft(SMALL),
            &format::time_tick(tick),
        );
    }
    // A hair of tolerance: the rarest is where exactly ten samples lie beyond.
    for rarity in ticks().take_while(|rarity| *rarity <= x.high * 1.001) {
        let at = x.at(rarity);
        canvas.line(&[(at, y.to), (at, y.from)], RULE, 2);
        canvas.line(&[(at, y.from), (at, y.from + 12)], SOFT, 2);
        canvas.text(
            (at, y.from + 36),
            Held::Middle,
            plain(SMALL),
            &percent(rarity),
        );
    }
    canvas.text(
        (i32::midpoint(x.from, x.to), y.from + 84),
        Held::Middle,
        soft(SMALL),
        "percentile",
    );
}

/// `99.9 %`, of which one in a thousand is slower.
pub(crate) fn percent(rarity: f64) -> String {
    let decimals = (rarity.log10().round() as usize).saturating_sub(2);
    format!("{:.decimals$} %", 100.0 * (1.0 - 1.0 / rarity))
}

fn trace(canvas: &Canvas<'_>, x: &Scale, y: &Scale, line: &Line<'_>, which: (usize, usize)) {
    let at = |point: &(f64, f64)| (x.at(point.0), y.at(point.1));
    let service: Vec<(i32, i32)> = line.service.iter().map(at).collect();
    canvas.dashes(&service, line.style.colour, 3, 12);
    let response: Vec<Option<(i32, i32)>> = line.response.iter().map(at).map(Some).collect();
    // Dashes say service here, so members of a family are told apart by their markers alone.
    let solid = Style {
        member: 0,
        ..line.style.clone()
    };
    lines::line(canvas, &response, &solid, Stroke::Thick);
    lines::markers(canvas, &response, &line.style, which);
}

/// Names in the order of the lines' ends, each with its figure at a percentile that all of them have.
fn name_lines(canvas: &Canvas<'_>, x: &Scale, y: &Scale, drawn: &[Line<'_>]) {
    let end = |line: &Line<'_>| line.response.last().copied().unwrap_or((0.0, 0.0));
    let wanted: Vec<i32> = drawn.iter().map(|line| y.at(end(line).1)).collect();
    let placed = labels::spread(&wanted, 42, y.to, y.from - 10);
    let left = x.to + 90;
    let rarity = shared(drawn.iter().map(|line| end(line).0));
    let head = format!("response at {}", percent(rarity));
    canvas.text((left + 12, y.to - 44), Held::Left, soft(SMALL), &head);
    for ((line, place), wanted) in drawn.iter().zip(placed).zip(wanted) {
        let guide = [
            (x.at(end(line).0) + 12, wanted),
            (x.to + 24, wanted),
            (left - 26, place),
        ];
        canvas.line(&guide, palette::tint(line.style.colour, 55), 2);
        let at = (left - 10, place);
        palette::marker(canvas, at, line.style.member, line.style.colour);
        let value = line.merged.value(1.0 - 1.0 / rarity);
        let value = value.map_or(format::MISSING.to_owned(), format::time);
        let room = WIDTH - MARGIN - left - 30 - width(&value, bold(SMALL));
        let name = fit(line.style.name, plain(SMALL), room);
        canvas.text((left + 12, place), Held::Left, plain(SMALL), &name);
        let after = left + 26 + width(&name, plain(SMALL));
        canvas.text((after, place), Held::Left, bold(SMALL), &value);
    }
}

/// The rarest of the axis's ticks that all lines reach.
fn shared(rarest: impl Iterator<Item = f64>) -> f64 {
    let least = rarest.fold(f64::INFINITY, f64::min);
    let reached = ticks().take_while(|rarity| *rarity <= least * 1.001);
    reached.last().unwrap_or(2.0)
}

/// 50 %, 90 %, 99 % and on, as one in how many.
pub(crate) fn ticks() -> impl Iterator<Item = f64> {
    let nines = std::iter::successors(Some(10.0), |rarity| Some(rarity * 10.0));
    std::iter::once(2.0).chain(nines.take(9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_written_as_far_as_they_say_something() {
        let written: Vec<String> = [2.0, 10.0, 100.0, 1e3, 1e4].map(percent).to_vec();
        assert_eq!(written, ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
    }

    #[test]
    fn labels_are_read_where_all_lines_are() {
        assert_eq!(shared([5_000.0, 1_200.0].into_iter()), 1_000.0);
        assert_eq!(shared([5_000.0, 12.0].into_iter()), 10.0);
        assert_eq!(shared([1.5].into_iter()), 2.0);
    }
}
