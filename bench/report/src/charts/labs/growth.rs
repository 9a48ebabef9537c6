//! Lines over a size, both axes logarithmic: throughput over the size of a message, starting over the
//! parent's state.

use record::{Lab, LabKind, Pages, Where};

use super::{colour, subtitles};
use crate::charts::canvas::{
    Canvas, Held, INK, MARGIN, RULE, SMALL, WIDTH, bold, fit, head_height, picture, plain, soft,
    width,
};
use crate::charts::lines::Scale;
use crate::charts::{labels, palette};
use crate::data::Data;
use crate::format;
use crate::labs::answers::is_of_the_line;

const HEIGHT: i32 = 1180;
const NAMES: i32 = 560;
/// Throughput is drawn in these, so that the ticks of its scale are round.
const MIB: f64 = 1024.0 * 1024.0;
/// More lines than this cannot be told apart.
const LINES: usize = 12;

struct Point {
    at: f64,
    value: f64,
    interval: Option<(f64, f64)>,
}

struct Line {
    /// The mechanism.
    who: String,
    name: String,
    /// By rank among all, whoever is shown: its colour and marker.
    index: usize,
    points: Vec<Point>,
}

/// What a chart of growth has of its own.
struct Chart {
    title: String,
    subtitles: Vec<String>,
    x: &'static str,
    y: &'static str,
    said: fn(f64) -> String,
    /// Of the scale of `y`.
    tick: fn(f64) -> String,
    lines: Vec<Line>,
}

/// Bytes a second over the size of a message, on one core.
pub(crate) fn throughput_by_size(data: &Data<'_>, title: &str) -> Option<String> {
    let is_here = |lab: &&Lab| lab.lab == LabKind::Ipc && lab.placement == Where::SameCore;
    let labs: Vec<&Lab> = data.labs().iter().filter(is_here).collect();
    let mut lines: Vec<Line> = data
        .everybody()
        .map(|entrant| {
            let size = |lab: &Lab| lab.bytes.unwrap_or(0) as f64;
            line(
                data,
                &entrant.name,
                &entrant.name,
                &labs,
                "bytes_per_s",
                size,
            )
        })
        .collect();
    lines.retain(|line| line.points.len() > 1);
    for point in lines.iter_mut().flat_map(|line| &mut line.points) {
        point.value /= MIB;
        point.interval = point.interval.map(|(low, high)| (low / MIB, high / MIB));
    }
    let left_out = keep_the_first(data, &mut lines);
    let mut conditions = "one way on one core, as many messages as fit".to_owned();
    if left_out > 0 {
        conditions.push_str(&format!("; {left_out} more left out, see the tables"));
    }
    draw(&Chart {
        title: title.to_owned(),
        subtitles: subtitles(data, &conditions),
        x: "bytes of a message (logarithmic)",
        y: "bytes of payload a second, more is better; logarithmic",
        said: |mib| format!("{}/s", format::bytes(mib * MIB)),
        tick: |mib| match mib < 1.0 {
            true => format!("{} MiB/s", format::tick(mib)),
            false => format!("{} MiB/s", format::count(mib)),
        },
        lines,
    })
}

/// Time to the first instruction over the parent's state.
pub(crate) fn spawn_by_state(data: &Data<'_>, title: &str) -> Option<String> {
    let mut lines = Vec::new();
    for pages in [Pages::Small, Pages::Huge] {
        let is_here = |lab: &&Lab| is_of_the_line(lab, pages) && lab.state_mib.unwrap_or(0) > 0;
        let mut labs: Vec<&Lab> = data.labs().iter().filter(is_here).collect();
        labs.sort_by_key(|lab| lab.state_mib);
        let state = |lab: &Lab| f64::from(lab.state_mib.unwrap_or(0)) * 1024.0 * 1024.0;
        for entrant in data.everybody() {
            let name = match pages {
                Pages::Small => entrant.name.clone(),
                Pages::Huge => format!("{}, huge pages", entrant.name),
            };
            lines.push(line(
                data,
                &entrant.name,
                &name,
                &labs,
                "spawn_ns_p50",
                state,
            ));
        }
    }
    lines.retain(|line| line.points.len() > 1);
    let left_out = keep_the_first(data, &mut lines);
    let mut conditions =
        "from before the call to the child's first instruction, medians".to_owned();
    if left_out > 0 {
        conditions.push_str(&format!("; {left_out} more left out, see the tables"));
    }
    draw(&Chart {
        title: title.to_owned(),
        subtitles: subtitles(data, &conditions),
        x: "state of the parent (logarithmic)",
        y: "time to the first instruction, less is better; logarithmic",
        said: format::time,
        tick: format::time_tick,
        lines,
    })
}

fn line(
    data: &Data<'_>,
    mechanism: &str,
    name: &str,
    labs: &[&Lab],
    metric: &str,
    at: fn(&Lab) -> f64,
) -> Line {
    let point = |lab: &&Lab| {
        let it = data.shown(mechanism, &lab.name, metric)?;
        Some(Point {
            at: at(lab),
            value: it.value.filter(|value| *value > 0.0)?,
            interval: it.low.zip(it.high),
        })
    };
    Line {
        who: mechanism.to_owned(),
        name: name.to_owned(),
        index: 0,
        points: labs.iter().filter_map(point).collect(),
    }
}

/// Those that are shown, the highest first, as many as can be told apart; how many more there are.
fn keep_the_first(data: &Data<'_>, lines: &mut Vec<Line>) -> usize {
    let last = |line: &Line| line.points.last().map_or(0.0, |it| it.value);
    lines.sort_by(|a, b| last(b).total_cmp(&last(a)));
    for (index, line) in lines.iter_mut().enumerate() {
        line.index = index;
    }
    lines.retain(|line| data.look.shows(&line.who));
    let left_out = lines.len().saturating_sub(LINES);
    lines.truncate(LINES);
    left_out
}

fn draw(chart: &Chart) -> Option<String> {
    if chart.lines.is_empty() {
        return None;
    }
    Some(picture(HEIGHT, |canvas| {
        let top = canvas
            .head(&chart.title, &chart.subtitles)
            .max(head_height(&chart.subtitles));
        let points = || chart.lines.iter().flat_map(|line| &line.points);
        let range = |read: fn(&Point) -> f64| {
            let values = points().map(read);
            values.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), it| {
                (low.min(it), high.max(it))
            })
        };
        let (low, high) = range(|it| it.at);
        let x = Scale {
            from: MARGIN + 190,
            to: WIDTH - MARGIN - NAMES,
            low,
            high,
            log: true,
        };
        let y = Scale::about(HEIGHT - 130, top + 70, range(|it| it.value), true);
        grid(canvas, &x, &y, chart);
        for line in &chart.lines {
            canvas.of(&line.who, || trace(canvas, &x, &y, line));
        }
        name_lines(canvas, &x, &y, chart);
    }))
}

fn grid(canvas: &Canvas<'_>, x: &Scale, y: &Scale, chart: &Chart) {
    canvas.text((MARGIN, y.to - 44), Held::Left, soft(SMALL), chart.y);
    for tick in y.ticks() {
        let at = y.at(tick);
        canvas.line(&[(x.from - 20, at), (x.to + 20, at)], RULE, 2);
        let label = (chart.tick)(tick);
        canvas.text((x.from - 34, at), Held::Right, soft(SMALL), &label);
    }
    let points = chart.lines.iter().flat_map(|line| &line.points);
    let mut sizes: Vec<f64> = points.map(|it| it.at).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    for size in sizes {
        let at = x.at(size);
        canvas.line(&[(at, y.to), (at, y.from)], RULE, 2);
        let label = whole(size);
        canvas.text((at, y.from + 36), Held::Middle, plain(SMALL), &label);
    }
    let middle = (i32::midpoint(x.from, x.to), y.from + 84);
    canvas.text(middle, Held::Middle, soft(SMALL), chart.x);
}

/// `4 KiB`: sizes of messages and states are whole.
fn whole(size: f64) -> String {
    let text = format::bytes(size);
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            let number = number.trim_end_matches('0').trim_end_matches('.');
            format!("{number} {unit}")
        }
        _ => text,
    }
}

fn trace(canvas: &Canvas<'_>, x: &Scale, y: &Scale, line: &Line) {
    let index = line.index;
    let places: Vec<(i32, i32)> = line
        .points
        .iter()
        .map(|it| (x.at(it.at), y.at(it.value)))
        .collect();
    match index < super::COLOURS.len() {
        true => canvas.line(&places, colour(index), 4),
        false => canvas.dashes(&places, colour(index), 4, 20),
    }
    for (point, place) in line.points.iter().zip(&places) {
        if let Some((low, high)) = point.interval {
            canvas.line(&[(place.0, y.at(low)), (place.0, y.at(high))], INK, 2);
        }
        palette::marker(canvas, *place, index, colour(index));
    }
}

fn name_lines(canvas: &Canvas<'_>, x: &Scale, y: &Scale, chart: &Chart) {
    let end = |line: &Line| line.points.last().map_or(y.from, |it| y.at(it.value));
    let wanted: Vec<i32> = chart.lines.iter().map(end).collect();
    let placed = labels::spread(&wanted, 40, y.to, y.from - 10);
    let left = x.to + 90;
    for (index, (line, place)) in chart.lines.iter().zip(placed).enumerate() {
        let from = line.points.last().map_or(x.to, |it| x.at(it.at));
        let guide = [(from + 14, wanted[index]), (left - 26, place)];
        let last = line.points.last();
        let figure = last.map_or(String::new(), |it| (chart.said)(it.value));
        canvas.of(&line.who, || name_line(canvas, line, guide, &figure));
    }
}

/// A name with its figure at the end of the way to it.
fn name_line(canvas: &Canvas<'_>, line: &Line, guide: [(i32, i32); 2], figure: &str) {
    let (colour, (x, place)) = (colour(line.index), guide[1]);
    canvas.line(&guide, palette::tint(colour, 55), 2);
    let left = x + 26;
    palette::marker(canvas, (left - 10, place), line.index, colour);
    let room = WIDTH - MARGIN - left - 26 - width(figure, bold(SMALL));
    let name = fit(&line.name, plain(SMALL), room);
    canvas.text((left + 12, place), Held::Left, plain(SMALL), &name);
    let after = left + 26 + width(&name, plain(SMALL));
    canvas.text((after, place), Held::Left, bold(SMALL), figure);
}
