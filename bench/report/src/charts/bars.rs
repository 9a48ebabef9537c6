//! Horizontal bars of stacked parts, a contender a row: what memory and switches share.

use plotters::style::{RGBColor, WHITE};

use super::canvas::{
    BODY, Canvas, Held, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, fit, head_height, picture, plain,
    soft, width,
};
use super::{labels, palette};

/// More rows than this are a table.
pub(crate) const ROWS: usize = 14;

const NAMES: i32 = 400;
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
    let top = head_height(&bars.subtitles) + 80;
    let bottom = top + ROW * bars.rows.len() as i32 + 10;
    picture(bottom + 130, |canvas| {
        canvas.head(bars.title, &bars.subtitles);
        legend(canvas, bars, top - 54);
        let ends = bars.rows.iter().map(|row| {
            let length: f64 = row.parts.iter().sum();
            row.intervals
                .iter()
                .fold(length, |end, (_, high)| end.max(*high))
        });
        let ticks = labels::ticks(ends.fold(0.0, f64::max));
        let most = ticks.last().copied().unwrap_or(1.0);
        let (left, right) = (MARGIN + NAMES, WIDTH - MARGIN - VALUES);
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
            canvas.text(
                (x, bottom + 30),
                Held::Middle,
                soft(SMALL),
                &(bars.tick)(tick),
            );
        }
        canvas.text(
            (i32::midpoint(left, right), bottom + 80),
            Held::Middle,
            soft(SMALL),
            bars.axis,
        );
        for (index, row) in bars.rows.iter().enumerate() {
            let y = top + ROW * index as i32 + ROW / 2 + 5;
            bar(canvas, bars, row, y, &at);
        }
    })
}

fn legend(canvas: &Canvas<'_>, bars: &Bars<'_>, y: i32) {
    let mut x = MARGIN + NAMES;
    for (name, colour) in bars.parts.iter().filter(|(name, _)| !name.is_empty()) {
        canvas.fill(x, y - 12, x + 24, y + 12, *colour);
        canvas.text((x + 36, y), Held::Left, plain(SMALL), name);
        x += 36 + width(name, plain(SMALL)) + 50;
    }
}

fn bar(canvas: &Canvas<'_>, bars: &Bars<'_>, row: &Row<'_>, y: i32, at: &dyn Fn(f64) -> i32) {
    palette::marker(canvas, (MARGIN + 12, y), row.member, row.colour);
    let name = fit(row.name, plain(BODY), NAMES - 56);
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
