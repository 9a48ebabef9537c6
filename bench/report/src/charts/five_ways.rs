//! Five ways at a glance: a column a model, its drawing on top, its figures below. Made for a slide.

use plotters::style::RGBColor;
use record::{Entrant, Estimate, Scenario, Workload};

use super::canvas::{
    Canvas, Held, MARGIN, RULE, SMALL, SOFT, Type, WIDTH, bold, fit, picture, plain, soft, width,
};
use super::drawings::{self, Glyph};
use super::palette;
use crate::conditions::conditions;
use crate::data::Data;
use crate::format;

/// Left of the columns.
const NAMES: i32 = 286;
/// Of one row of bars.
const ROW: i32 = 96;

/// A row of bars.
struct Measure {
    title: &'static str,
    hint: &'static str,
    metrics: &'static [&'static str],
    workload: Workload,
    write: fn(f64) -> String,
}

#[rustfmt::skip]
const ROWS: [Measure; 5] = [
    Measure { title: "requests/s", hint: "more is better", metrics: &["throughput_per_s"], workload: Workload::Rr, write: format::plain_rate },
    Measure { title: "p99 at saturation", hint: "less is better", metrics: &["response_ns_p99"], workload: Workload::Rr, write: format::time },
    Measure { title: "memory/connection", hint: "less is better", metrics: &["memory_bytes_per_connection"], workload: Workload::Idle, write: format::bytes },
    Measure { title: "switches/request", hint: "less is better", metrics: &["switches_voluntary_per_request", "switches_involuntary_per_request"], workload: Workload::Rr, write: format::digits },
    Measure { title: "CPU time/request", hint: "less is better", metrics: &["cpu_us_per_request"], workload: Workload::Rr, write: |us| format!("{} µs", format::digits(us)) },
];

/// The metrics of all rows.
pub(crate) fn metrics() -> Vec<&'static str> {
    ROWS.iter().flat_map(|row| row.metrics).copied().collect()
}

/// What stands in a column of a row.
enum Shown {
    Bar {
        value: f64,
        interval: Option<(f64, f64)>,
    },
    Instead(String),
}

/// The picture; `None` when no column has a bar.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let columns = data.firsts();
    let rr = data.typical(Workload::Rr);
    let idle = data.heaviest();
    let figures: Vec<(&Measure, Vec<Shown>)> = ROWS
        .iter()
        .filter_map(|row| {
            let scenario = if row.workload == Workload::Idle {
                idle?
            } else {
                rr?
            };
            Some((
                row,
                columns
                    .iter()
                    .map(|entrant| shown(data, row, entrant, scenario))
                    .collect(),
            ))
        })
        .collect();
    let any = figures
        .iter()
        .any(|(_, row)| row.iter().any(|it| matches!(it, Shown::Bar { .. })));
    if !any {
        return None;
    }
    let subtitles = subtitles(data, rr, idle);
    let top = super::canvas::head_height(&subtitles) + 16;
    let bars = top + 84 + drawings::SIZE.1 + 30;
    let height = bars + ROW * figures.len() as i32 + 36;
    let room = (WIDTH - 2 * MARGIN - NAMES) / columns.len().max(1) as i32;
    let left = |index: usize| MARGIN + NAMES + room * index as i32;
    Some(picture(height, |canvas| {
        canvas.head(title, &subtitles);
        legend(canvas, top + 110);
        for (index, entrant) in columns.iter().enumerate() {
            canvas.of(&entrant.name, || {
                column_head(canvas, entrant, (left(index), top), room);
            });
        }
        for (index, (row, shown)) in figures.iter().enumerate() {
            let y = bars + ROW * index as i32;
            canvas.line(&[(MARGIN, y - 8), (WIDTH - MARGIN, y - 8)], RULE, 2);
            canvas.text((MARGIN, y + 24), Held::Left, bold(SMALL), row.title);
            canvas.text((MARGIN, y + 58), Held::Left, soft(SMALL), row.hint);
            bar_row(canvas, row, &columns, shown, (y, room), &left);
        }
    }))
}

fn subtitles(data: &Data<'_>, rr: Option<&Scenario>, idle: Option<&Scenario>) -> Vec<String> {
    let mut load = Vec::new();
    if let Some(rr) = rr {
        load.push(format!("{}, at saturation", conditions(rr)));
    }
    if let Some(idle) = idle {
        load.push(format!(
            "memory: slope up to {}",
            format::plural(idle.connections as usize, "idle connection")
        ));
    }
    if let Some(scenario) = rr.or(idle) {
        load.push(palette::rounds(data, scenario));
    }
    vec![load.join("; "), palette::machine(data)]
}

fn shown(data: &Data<'_>, row: &Measure, entrant: &Entrant, scenario: &Scenario) -> Shown {
    if let Some(served) = data.served(&entrant.name, &scenario.name) {
        return Shown::Instead(served);
    }
    let found: Option<Vec<&Estimate>> = row
        .metrics
        .iter()
        .map(|metric| data.shown(&entrant.name, &scenario.name, metric))
        .collect();
    let Some(found) = found else {
        return Shown::Instead(absent(data, entrant, scenario, row.metrics[0]));
    };
    let value = found.iter().filter_map(|it| it.value).sum();
    // The interval of a sum is not the sum of intervals: a row of two metrics shows none.
    let interval = match found.as_slice() {
        [it] => it.low.zip(it.high),
        _ => None,
    };
    Shown::Bar { value, interval }
}

/// What stands where there is no figure: the verdict, if that is why.
fn absent(data: &Data<'_>, entrant: &Entrant, scenario: &Scenario, metric: &str) -> String {
    let cell = data.cell(&entrant.name, &scenario.name);
    if cell.is_some_and(|cell| cell.passes.is_empty() && cell.failed.is_none()) {
        return "not measured yet".to_owned();
    }
    let it = data.estimate(&entrant.name, &scenario.name, metric);
    let verdict = it.filter(|it| !crate::data::may_be_shown(it));
    verdict.map_or(format::MISSING.to_owned(), |it| it.verdict.clone())
}

fn legend(canvas: &Canvas<'_>, y: i32) {
    let glyphs = [
        (Glyph::Client, "client"),
        (Glyph::Process, "process"),
        (Glyph::Thread, "thread"),
    ];
    for (index, (glyph, name)) in (0..).zip(glyphs) {
        let y = y + 58 * index;
        drawings::glyph(canvas, glyph, (MARGIN + 18, y));
        canvas.text((MARGIN + 50, y), Held::Left, soft(SMALL), name);
    }
}

fn column_head(canvas: &Canvas<'_>, entrant: &Entrant, (left, top): (i32, i32), room: i32) {
    let middle = left + room / 2;
    let lines = two_lines(&entrant.name, room - 16);
    let first = if lines.len() == 1 { top + 46 } else { top + 14 };
    for (index, line) in (0..).zip(&lines) {
        canvas.text((middle, first + 34 * index), Held::Middle, bold(27), line);
    }
    drawings::draw(
        canvas,
        &entrant.family,
        (middle, top + 84),
        palette::colour(&entrant.family),
    );
}

/// A name in one line, or broken after a hyphen into two.
fn two_lines(name: &str, room: i32) -> Vec<String> {
    let type_ = bold(27);
    if width(name, type_) <= room {
        return vec![name.to_owned()];
    }
    let breaks = name.match_indices('-').map(|(at, _)| at + 1);
    let best = breaks.min_by_key(|&at| width(&name[..at], type_).max(width(&name[at..], type_)));
    let (first, second) = name.split_at(best.unwrap_or(name.len()));
    let lines = [first, second].into_iter().filter(|line| !line.is_empty());
    lines.map(|line| fit(line, type_, room)).collect()
}

fn bar_row(
    canvas: &Canvas<'_>,
    row: &Measure,
    columns: &[&Entrant],
    shown: &[Shown],
    (y, room): (i32, i32),
    left: &dyn Fn(usize) -> i32,
) {
    let ends = shown.iter().map(|it| match it {
        Shown::Bar { value, interval } => interval.map_or(*value, |(_, high)| high.max(*value)),
        Shown::Instead(_) => 0.0,
    });
    let most = ends.fold(f64::MIN_POSITIVE, f64::max);
    for (index, (it, entrant)) in shown.iter().zip(columns).enumerate() {
        let place = (left(index) + 12, y, room);
        canvas.of(&entrant.name, || {
            bar(
                canvas,
                row,
                it,
                palette::colour(&entrant.family),
                place,
                most,
            );
        });
    }
}

/// A figure above its bar, or what stands there instead.
fn bar(
    canvas: &Canvas<'_>,
    row: &Measure,
    it: &Shown,
    colour: RGBColor,
    (x, y, room): (i32, i32, i32),
    most: f64,
) {
    let length = room - 24;
    match it {
        Shown::Bar { value, interval } => {
            let at = |value: f64| {
                x + (f64::from(length) * (value / most).clamp(0.0, 1.0)).round() as i32
            };
            let figure = fit(&(row.write)(*value), bold(28), room - 20);
            canvas.text((x, y + 22), Held::Left, bold(28), &figure);
            canvas.fill(x, y + 45, x + length, y + 69, palette::tint(SOFT, 92));
            canvas.fill(x, y + 45, at(*value).max(x + 3), y + 69, colour);
            if let Some((low, high)) = interval {
                canvas.whisker_across(at(*low), at(*high), y + 57, 8);
            }
        }
        Shown::Instead(text) => {
            let type_ = Type {
                colour: SOFT,
                ..plain(SMALL)
            };
            canvas.text((x, y + 40), Held::Left, type_, &fit(text, type_, room - 20));
        }
    }
}
