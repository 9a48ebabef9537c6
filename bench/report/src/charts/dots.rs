//! Rows of dots: a row each, a mark in it for each of a few conditions, on a logarithmic axis; the figures stand
//! beside it in the order of the marks.

use super::canvas::{
    Canvas, Held, MARGIN, RULE, SMALL, WIDTH, bold, fit, head_height, picture, plain, soft, width,
};
use super::curves::Point;
use super::labs::colour;
use super::lines::Scale;
use super::{labels, palette};
use crate::format;

const NAMES: i32 = 380;
/// Of one figure beside a row.
const VALUE: i32 = 160;
const ROW: i32 = 44;
/// Between the marks of a row, where there are so many that their whiskers would cover each other.
const STEP: i32 = 22;
/// Between two labels of the scale, middle to middle.
const TICK: i32 = 100;
/// Of a row of the legend.
const LEGEND: i32 = 38;

/// What is drawn.
pub(crate) struct Dots<'a> {
    /// On top.
    pub title: &'a str,
    /// Below it.
    pub subtitles: Vec<String>,
    /// What each mark of a row stands for.
    pub marks: Vec<String>,
    /// In this order from the top.
    pub rows: Vec<Row<'a>>,
    /// Below the scale, of nanoseconds.
    pub axis: &'a str,
}

/// One row.
pub(crate) struct Row<'a> {
    /// Before it.
    pub name: &'a str,
    /// Its figures, one for each mark.
    pub figures: Vec<Option<Point>>,
}

/// The picture; `None` without a figure.
pub(crate) fn draw(dots: &Dots<'_>) -> Option<String> {
    let scale = scale(dots)?;
    let legend = legend(dots);
    let legend_rows = legend.last().map_or(0, |(_, row)| row + 1);
    let top = head_height(&dots.subtitles) + 52 + LEGEND * legend_rows;
    let row_height = ROW + step(dots) * (dots.marks.len() as i32 - 1);
    let bottom = top + row_height * dots.rows.len() as i32 + 10;
    Some(picture(bottom + 130, |canvas| {
        canvas.head(dots.title, &dots.subtitles);
        for (index, ((x, row), name)) in legend.iter().zip(&dots.marks).enumerate() {
            let y = top - 16 - LEGEND * (legend_rows - row);
            palette::marker(canvas, (*x, y), index, colour(index));
            canvas.text((x + 24, y), Held::Left, plain(SMALL), name);
        }
        grid(canvas, dots, &scale, (top, bottom));
        for (index, row) in (0..).zip(&dots.rows) {
            let middle = top + row_height * index + row_height / 2 + 5;
            canvas.of(row.name, || mark(canvas, dots, &scale, row, middle));
        }
    }))
}

/// How far apart the marks of a row stand: two are told apart on one line.
fn step(dots: &Dots<'_>) -> i32 {
    if dots.marks.len() > 2 { STEP } else { 0 }
}

fn values(dots: &Dots<'_>) -> i32 {
    30 + VALUE * dots.marks.len() as i32
}

fn scale(dots: &Dots<'_>) -> Option<Scale> {
    let figures = dots
        .rows
        .iter()
        .flat_map(|row| row.figures.iter().flatten());
    let values_of = figures.flat_map(|(value, interval)| {
        let (low, high) = interval.unwrap_or((*value, *value));
        [*value, low, high]
    });
    let positive: Vec<f64> = values_of.filter(|it| *it > 0.0).collect();
    let least = positive.iter().copied().reduce(f64::min)?;
    let most = positive.iter().copied().reduce(f64::max)?;
    let (from, to) = (MARGIN + NAMES, WIDTH - MARGIN - values(dots));
    Some(Scale::about(from, to, (least, most), true))
}

/// Where each entry stands: how far from the left, and in which row.
fn legend(dots: &Dots<'_>) -> Vec<(i32, i32)> {
    let (mut x, mut row) = (MARGIN + NAMES, 0);
    let mut places = Vec::new();
    for name in &dots.marks {
        let wide = 24 + width(name, plain(SMALL));
        if x > MARGIN + NAMES && x + wide > WIDTH - MARGIN {
            (x, row) = (MARGIN + NAMES, row + 1);
        }
        places.push((x, row));
        x += wide + 60;
    }
    places
}

fn grid(canvas: &Canvas<'_>, dots: &Dots<'_>, scale: &Scale, (top, bottom): (i32, i32)) {
    let ticks = scale.ticks();
    let mut pairs = ticks.windows(2);
    let all = pairs.all(|pair| scale.at(pair[1]) - scale.at(pair[0]) >= TICK);
    let shown = |tick: &f64| all || labels::is_power_of_ten(*tick);
    for tick in ticks.into_iter().filter(shown) {
        let x = scale.at(tick);
        canvas.line(&[(x, top), (x, bottom)], RULE, 2);
        let label = format::time_tick(tick);
        canvas.text((x, bottom + 30), Held::Middle, soft(SMALL), &label);
    }
    let middle = (i32::midpoint(scale.from, scale.to), bottom + 80);
    canvas.text(middle, Held::Middle, soft(SMALL), dots.axis);
}

fn mark(canvas: &Canvas<'_>, dots: &Dots<'_>, scale: &Scale, row: &Row<'_>, middle: i32) {
    let name = fit(row.name, plain(SMALL), NAMES - 30);
    canvas.text((MARGIN, middle), Held::Left, plain(SMALL), &name);
    let step = step(dots);
    if step == 0 {
        between(canvas, scale, row, middle);
    }
    let left = WIDTH - MARGIN - values(dots) + 30;
    for (index, figure) in (0..).zip(&row.figures) {
        let y = middle + step * index - step * (row.figures.len() as i32 - 1) / 2;
        let series = index as usize;
        if let Some((value, interval)) = figure {
            if let Some((low, high)) = interval {
                canvas.whisker_across(scale.at(*low), scale.at(*high), y, 7);
            }
            palette::marker_of(canvas, (scale.at(*value), y), series, colour(series), 9);
        }
        let word = figure.map_or(format::MISSING.to_owned(), |it| format::time(it.0));
        let at = (left + VALUE * index, middle);
        palette::marker_of(canvas, at, series, colour(series), 5);
        canvas.text((at.0 + 14, middle), Held::Left, bold(SMALL), &word);
    }
}

/// From the first mark of a row to the last.
fn between(canvas: &Canvas<'_>, scale: &Scale, row: &Row<'_>, y: i32) {
    let places = row.figures.iter().flatten().map(|it| scale.at(it.0));
    let (from, to) = places.fold((i32::MAX, i32::MIN), |(low, high), x| {
        (low.min(x), high.max(x))
    });
    if from < to {
        canvas.line(&[(from, y), (to, y)], palette::tint(colour(1), 60), 3);
    }
}
