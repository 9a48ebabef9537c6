//! What charts of lines share: scales, who is drawn and how, lines with gaps.

use plotters::style::RGBColor;

use super::canvas::{Canvas, Held, MARGIN, SMALL, WIDTH, fit, plain, width};
use super::{labels, palette};
use crate::data::Data;

/// More lines than this cannot be told apart.
pub(crate) const LINES: usize = 8;

/// Between the labels of a scale.
const LABEL: i32 = 44;

/// From values to units of the sheet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Where the lowest value stands.
    pub from: i32,
    /// Where the highest stands.
    pub to: i32,
    /// The lowest value.
    pub low: f64,
    /// The highest value.
    pub high: f64,
    /// Equal ratios are equally wide.
    pub log: bool,
}

impl Scale {
    /// Where a value stands; beyond the ends, at the end.
    pub fn at(&self, value: f64) -> i32 {
        let share = if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        let share = if share.is_finite() { share } else { 0.0 };
        self.from + (f64::from(self.to - self.from) * share.clamp(0.0, 1.0)).round() as i32
    }

    /// A scale over round numbers about the values from `least` to `most`; from 0 unless it is logarithmic.
    pub fn about(from: i32, to: i32, (least, most): (f64, f64), log: bool) -> Self {
        let ticks = match log {
            true => labels::log_ticks(least, most),
            false => labels::ticks(most),
        };
        Scale {
            from,
            to,
            low: ticks.first().copied().unwrap_or(0.0),
            high: ticks.last().copied().unwrap_or(1.0),
            log,
        }
    }

    /// Round numbers of the scale, as many as have room for a label.
    pub fn ticks(&self) -> Vec<f64> {
        let all = match self.log {
            true => labels::log_ticks(self.low, self.high),
            false => labels::ticks(self.high),
        };
        let is_power = |tick: &f64| (tick.log10() - tick.log10().round()).abs() < 1e-9;
        let powers: Vec<f64> = all.iter().copied().filter(is_power).collect();
        let roomy = |ticks: &[f64]| {
            let mut pairs = ticks.windows(2);
            pairs.all(|pair| (self.at(pair[0]) - self.at(pair[1])).abs() >= LABEL)
        };
        if roomy(&all) {
            return all;
        }
        match self.log && powers.len() > 1 {
            true => labels::apart(&powers, LABEL, |tick| self.at(tick)),
            false => labels::apart(&all, LABEL, |tick| self.at(tick)),
        }
    }
}

/// Who a line is of, and how it looks.
#[derive(Clone)]
pub(crate) struct Style<'a> {
    /// Who.
    pub name: &'a str,
    /// Of the family.
    pub colour: RGBColor,
    /// Which member of it: marker and dashes.
    pub member: usize,
    /// Why its figures are weak, if they are.
    pub verdict: Option<String>,
}

impl<'a> Style<'a> {
    /// How the lines of a contender look.
    pub fn of(data: &Data<'_>, name: &'a str, family: &str) -> Self {
        Style {
            name,
            colour: palette::colour(family),
            member: palette::member(data, name, family),
            verdict: None,
        }
    }

    /// Its name, and in brackets why its figures are weak.
    fn label(&self) -> String {
        match &self.verdict {
            Some(verdict) => format!("{} ({verdict})", self.name),
            None => self.name.to_owned(),
        }
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stroke {
    /// The one that is read.
    Thick,
    /// One beside it.
    Thin,
}

/// A line through places on the sheet, broken where there is none; members of a family by their dashes.
pub(crate) fn line(
    canvas: &Canvas<'_>,
    places: &[Option<(i32, i32)>],
    style: &Style<'_>,
    stroke: Stroke,
) {
    let (colour, wide) = match stroke {
        Stroke::Thick => (style.colour, 4),
        Stroke::Thin => (palette::tint(style.colour, 30), 2),
    };
    for stretch in places.split(Option::is_none) {
        let stretch: Vec<(i32, i32)> = stretch.iter().copied().flatten().collect();
        match (stretch.as_slice(), style.member) {
            ([], _) => {}
            ([(x, y)], _) => canvas.line(&[(x - 3, *y), (x + 3, *y)], colour, wide),
            (stretch, 0) => canvas.line(stretch, colour, wide),
            (stretch, _) => canvas.dashes(stretch, colour, wide, 20),
        }
    }
}

/// Where the entries of a legend stand, row by row from the top, and how high it is.
pub(crate) struct Legend {
    entries: Vec<(i32, i32, String)>,
    /// Of all rows together.
    pub height: i32,
}

const SAMPLE: i32 = 70;
const ROW: i32 = 40;

impl Legend {
    /// Laid out over the width of the sheet.
    pub fn new(styles: &[Style<'_>]) -> Self {
        let room = WIDTH - 2 * MARGIN;
        let (mut x, mut y) = (0, 0);
        let mut entries = Vec::new();
        for style in styles {
            let label = fit(&style.label(), plain(SMALL), room / 2 - SAMPLE - 60);
            let wide = SAMPLE + 14 + width(&label, plain(SMALL)) + 44;
            if x > 0 && x + wide > room {
                (x, y) = (0, y + ROW);
            }
            entries.push((MARGIN + x, y, label));
            x += wide;
        }
        Legend {
            entries,
            height: y + ROW,
        }
    }

    /// Draws it, its first row at `top`.
    pub fn draw(&self, canvas: &Canvas<'_>, styles: &[Style<'_>], top: i32) {
        for ((x, y, label), style) in self.entries.iter().zip(styles) {
            let y = top + y;
            let ends = [Some((*x, y)), Some((x + SAMPLE, y))];
            line(canvas, &ends, style, Stroke::Thick);
            palette::marker_of(
                canvas,
                (x + SAMPLE / 2, y),
                style.member,
                style.colour,
                MARK,
            );
            canvas.text((x + SAMPLE + 14, y), Held::Left, plain(SMALL), label);
        }
    }
}

/// The size of markers on a line of many points.
pub(crate) const MARK: i32 = 8;

/// Markers along a line, so that it can be told from those it crosses: a few, those of `index` beside the
/// others'.
pub(crate) fn markers(
    canvas: &Canvas<'_>,
    places: &[Option<(i32, i32)>],
    style: &Style<'_>,
    (index, of): (usize, usize),
) {
    let every = (places.len() / 5).max(1);
    let first = every * (2 * index + 1) / (2 * of.max(1));
    let marked = places.iter().skip(first).step_by(every).flatten();
    for &at in marked {
        palette::marker_of(canvas, at, style.member, style.colour, MARK);
    }
}
