//! Horizontal bars of stacked parts, a contender a row: what memory, switches, CPU and system calls share. However
//! many contenders there are, each has its row: the picture grows.

use plotters::style::{RGBColor, WHITE};
use record::{Entrant, Scenario};

use super::canvas::{
    BODY, Canvas, Held, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, fit, head_height, picture, plain,
    soft, width,
};
use super::{labels, palette};
use crate::data::{Data, may_be_shown};
use crate::format;

/// From so many rows on the scale stands above them, too: below it is out of sight.
const TALL: usize = 15;
/// Room for names: at least so much, and more for long ones up to so much.
const NAMES: (i32, i32) = (400, 560);
const VALUES: i32 = 240;
const ROW: i32 = 68;
const BAR: i32 = 19;

/// One contender.
pub(crate) struct Row<'a> {
    /// Who.
    pub name: &'a str,
    /// In its family's colour.
    pub colour: RGBColor,
    /// Which member of its family.
    pub member: usize,
    /// Lengths, end to end.
    pub parts: Vec<f64>,
    /// Intervals, each from the beginning of the bar.
    pub intervals: Vec<(f64, f64)>,
    /// The value, or why there is no bar.
    pub label: String,
}

/// A row each for everybody under a scenario: those with a figure of `metric` by rank, in the pieces that `parts`
/// says, then the others with the reason why not. `None` when nobody has a figure.
pub(crate) fn ranked<'a>(
    data: &Data<'a>,
    scenario: &Scenario,
    metric: &str,
    parts: impl Fn(&str) -> Vec<f64>,
) -> Option<Vec<Row<'a>>> {
    let ranking = data.ranking(&scenario.name, metric);
    let shown = ranking.iter().filter(|it| data.look.shows(&it.contender));
    let with_bar = shown.filter_map(|it| {
        let label = format::figure(metric, it.value?);
        Some(Row {
            parts: parts(&it.contender),
            intervals: it.low.zip(it.high).into_iter().collect(),
            ..empty(data, &it.contender, &it.family, label)
        })
    });
    let mut rows: Vec<Row<'a>> = with_bar.collect();
    if rows.is_empty() {
        return None;
    }
    add_others(&mut rows, data, scenario, metric);
    Some(rows)
}

/// Below the rows of those who have a figure of a metric, one for each of the others: why they have none.
pub(crate) fn add_others<'a>(
    rows: &mut Vec<Row<'a>>,
    data: &Data<'a>,
    scenario: &Scenario,
    metric: &str,
) {
    for entrant in data.servers() {
        if rows.iter().all(|row| row.name != entrant.name) {
            rows.extend(instead(data, entrant, scenario, metric));
        }
    }
}

/// The row of who has no figure of a metric that may be shown: who was served, what is doubted, or why there is none.
pub(crate) fn instead<'a>(
    data: &Data<'a>,
    entrant: &'a Entrant,
    scenario: &Scenario,
    metric: &str,
) -> Option<Row<'a>> {
    let it = data.estimate(&entrant.name, &scenario.name, metric)?;
    let served = data.served(&entrant.name, &scenario.name);
    let label = served.unwrap_or_else(|| match may_be_shown(it) {
        true => it.reason.clone().unwrap_or_default(),
        false => it.verdict.clone(),
    });
    Some(empty(data, &entrant.name, &entrant.family, label))
}

/// A row without a bar.
pub(crate) fn empty<'a>(data: &Data<'_>, name: &'a str, family: &str, label: String) -> Row<'a> {
    Row {
        name,
        colour: palette::colour(family),
        member: palette::member(data, name, family),
        parts: Vec::new(),
        intervals: Vec::new(),
        label,
    }
}

/// Leaves out parts that are nowhere wide enough to be seen; which of `parts` are left.
pub(crate) fn keep_used(rows: &mut [Row<'_>], parts: usize) -> Vec<usize> {
    let lengths = rows.iter().map(|row| row.parts.iter().sum::<f64>());
    let seen = lengths.fold(0.0, f64::max) / 500.0;
    let is_used = |part: &usize| {
        let mut rows = rows.iter();
        rows.any(|row| row.parts.get(*part).is_some_and(|length| *length > seen))
    };
    let used: Vec<usize> = (0..parts).filter(is_used).collect();
    for row in rows.iter_mut().filter(|row| !row.parts.is_empty()) {
        row.parts = used.iter().map(|part| row.parts[*part]).collect();
    }
    used
}

/// A chart of bars.
pub(crate) struct Bars<'a> {
    /// Title.
    pub title: &'a str,
    /// Conditions, machine.
    pub subtitles: Vec<String>,
    /// What the axis measures, with its unit.
    pub axis: &'a str,
    /// How a tick is written.
    pub tick: fn(f64) -> String,
    /// Names and colours of the parts; one without a name is not in the legend.
    pub parts: Vec<(&'a str, RGBColor)>,
    /// From top to bottom.
    pub rows: Vec<Row<'a>>,
}

/// The picture.
pub(crate) fn draw(bars: &Bars<'_>) -> String {
    let keys = keys(bars);
    let tall = bars.rows.len() >= TALL;
    let first_key = head_height(&bars.subtitles) + 26;
    let scale = if tall { KEY } else { 0 };
    let top = first_key + keys.last().map_or(0, |(_, y)| *y) + scale + 54;
    let bottom = top + ROW * bars.rows.len() as i32 + 10;
    picture(bottom + 130, |canvas| {
        canvas.head(bars.title, &bars.subtitles);
        legend(canvas, bars, &keys, first_key);
        let ends = bars.rows.iter().map(|row| {
            let length: f64 = row.parts.iter().sum();
            row.intervals
                .iter()
                .fold(length, |end, (_, high)| end.max(*high))
        });
        let ticks = labels::ticks(ends.fold(0.0, f64::max));
        let most = ticks.last().copied().unwrap_or(1.0);
        let (left, right) = (MARGIN + names(bars), WIDTH - MARGIN - VALUES);
        let at = |value: f64| {
            left + (f64::from(right - left) * (value / most).clamp(0.0, 1.0)).round() as i32
        };
        for &tick in &ticks {
            let x = at(tick);
            canvas.line(
                &[(x, top), (x, bottom)],
                if tick == 0.0 { SOFT } else { RULE },
                2,
            );
            let label = (bars.tick)(tick);
            canvas.text((x, bottom + 30), Held::Middle, soft(SMALL), &label);
            if tall {
                canvas.text((x, top - 20), Held::Middle, soft(SMALL), &label);
            }
        }
        canvas.text(
            (i32::midpoint(left, right), bottom + 80),
            Held::Middle,
            soft(SMALL),
            bars.axis,
        );
        for (index, row) in bars.rows.iter().enumerate() {
            let y = top + ROW * index as i32 + ROW / 2 + 5;
            canvas.of(row.name, || bar(canvas, bars, row, y, &at));
        }
    })
}

/// Room for the names of these rows.
fn names(bars: &Bars<'_>) -> i32 {
    let longest = bars.rows.iter().map(|row| width(row.name, plain(BODY)));
    (longest.max().unwrap_or(0) + 72).clamp(NAMES.0, NAMES.1)
}

/// Between two rows of the legend.
const KEY: i32 = 40;

/// Where the keys of the parts that have a name stand, row by row from the top.
fn keys(bars: &Bars<'_>) -> Vec<(i32, i32)> {
    let from = MARGIN + names(bars);
    let (mut x, mut y) = (from, 0);
    let mut keys = Vec::new();
    for (name, _) in bars.parts.iter().filter(|(name, _)| !name.is_empty()) {
        let wide = 36 + width(name, plain(SMALL));
        if x > from && x + wide > WIDTH - MARGIN {
            (x, y) = (from, y + KEY);
        }
        keys.push((x, y));
        x += wide + 50;
    }
    keys
}

fn legend(canvas: &Canvas<'_>, bars: &Bars<'_>, keys: &[(i32, i32)], top: i32) {
    let named = bars.parts.iter().filter(|(name, _)| !name.is_empty());
    for ((name, colour), (x, y)) in named.zip(keys) {
        let (x, y) = (*x, top + y);
        canvas.fill(x, y - 12, x + 24, y + 12, *colour);
        canvas.text((x + 36, y), Held::Left, plain(SMALL), name);
    }
}

fn bar(canvas: &Canvas<'_>, bars: &Bars<'_>, row: &Row<'_>, y: i32, at: &dyn Fn(f64) -> i32) {
    palette::marker(canvas, (MARGIN + 12, y), row.member, row.colour);
    let name = fit(row.name, plain(BODY), names(bars) - 56);
    canvas.text((MARGIN + 36, y), Held::Left, plain(BODY), &name);
    let mut from = 0.0;
    for (length, (_, colour)) in row.parts.iter().zip(&bars.parts) {
        let to = from + length.max(0.0);
        if at(to) > at(from) {
            canvas.fill(at(from), y - BAR, at(to), y + BAR, *colour);
        }
        from = to;
    }
    let mut end = at(from);
    for &(low, high) in &row.intervals {
        canvas.whisker_across(at(low), at(high), y, 9);
        end = end.max(at(high));
    }
    let type_ = if row.parts.is_empty() {
        soft(SMALL)
    } else {
        bold(BODY)
    };
    let room = WIDTH - MARGIN - end - 18;
    let label = fit(&row.label, type_, room);
    // Paper behind the label, so that no line of the grid runs through it.
    let wide = width(&label, type_);
    canvas.fill(end + 12, y - 17, end + 24 + wide, y + 17, WHITE);
    canvas.text((end + 18, y), Held::Left, type_, &label);
}
