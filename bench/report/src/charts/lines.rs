//! What charts of lines share: scales, who is drawn and how, lines with gaps.

use plotters::style::RGBColor;

use super::canvas::{Canvas, Held, MARGIN, SMALL, WIDTH, fit, plain, width};
use super::{labels, palette};
use crate::data::Data;
use crate::format;

/// More lines than this cannot be told apart.
const LINES: usize = 8;

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
        let powers = all.iter().copied();
        let powers: Vec<f64> = powers
            .filter(|tick| labels::is_power_of_ten(*tick))
            .collect();
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
    /// Of which family.
    pub family: &'a str,
    /// Of the family.
    pub colour: RGBColor,
    /// Which member of it: marker and dashes.
    pub member: usize,
    /// Why its figures are weak, if they are.
    pub verdict: Option<String>,
}

impl<'a> Style<'a> {
    /// How the lines of a contender look.
    pub fn of(data: &Data<'_>, name: &'a str, family: &'a str) -> Self {
        Style {
            name,
            family,
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
        match (stretch.as_slice(), dash(style.member)) {
            ([], _) => {}
            ([(x, y)], _) => canvas.line(&[(x - 3, *y), (x + 3, *y)], colour, wide),
            (stretch, None) => canvas.line(stretch, colour, wide),
            (stretch, Some(dash)) => canvas.dashes(stretch, colour, wide, dash),
        }
    }
}

/// How long the dashes of a member of a family are; the first has none.
pub(crate) fn dash(member: usize) -> Option<i32> {
    match member {
        0 => None,
        _ => Some([20, 8, 34][(member - 1) % 3]),
    }
}

/// Lines of which those that are too many to be told apart have no name.
pub(crate) struct Chosen<T> {
    /// In their colours, with their names.
    pub named: Vec<T>,
    /// Thin and grey behind them: how far the crowd reaches.
    pub crowd: Vec<T>,
}

impl<T> Chosen<T> {
    /// All of `lines` if there are few; else the best of each family, the reference, the last of those that go as far as
    /// any, and the next best if that leaves room. What is best `merit` says: first how far a line goes, then its figure.
    pub fn of<'a>(
        data: &Data<'_>,
        lines: Vec<T>,
        style: impl Fn(&T) -> &Style<'a>,
        merit: impl Fn(&T) -> (f64, f64),
    ) -> Self
    where
        T: 'a,
    {
        if lines.len() <= LINES {
            return Chosen {
                named: lines,
                crowd: Vec::new(),
            };
        }
        let mut ranked: Vec<&T> = lines.iter().collect();
        ranked.sort_by(|a, b| {
            let (a, b) = (merit(a), merit(b));
            b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
        });
        let reach = |line: &T| merit(line).0;
        let furthest = ranked.first().map_or(0.0, |line| reach(line));
        let last = ranked.iter().rposition(|line| reach(line) >= furthest);
        let mut names: Vec<&str> = Vec::new();
        let mut families: Vec<&str> = Vec::new();
        for (index, line) in ranked.iter().enumerate() {
            let style = style(line);
            let is_best = !families.contains(&style.family);
            let is_reference = style.name == data.results.run.suite.reference;
            if is_best || is_reference || Some(index) == last {
                names.push(style.name);
            }
            families.push(style.family);
        }
        // Few families leave room for more of each.
        let next = ranked.iter().map(|line| style(line).name);
        let next: Vec<&str> = next.filter(|name| !names.contains(name)).collect();
        names.extend(next.into_iter().take(LINES.saturating_sub(names.len())));
        let is_named = |line: &T| names.contains(&style(line).name);
        let named: Vec<bool> = lines.iter().map(is_named).collect();
        let mut chosen = Chosen {
            named: Vec::new(),
            crowd: Vec::new(),
        };
        for (line, named) in lines.into_iter().zip(named) {
            if named {
                chosen.named.push(line);
            } else {
                chosen.crowd.push(line);
            }
        }
        chosen
    }

    /// Whether there is nobody at all.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Everybody, the crowd first: in the order of drawing.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.crowd.iter().chain(&self.named)
    }

    /// What stands below the title where not everybody has a name; `by` says what is best.
    pub fn said(&self, by: &str) -> String {
        match self.crowd.len() {
            0 => String::new(),
            grey => format!(
                "; named: of each family the best {by}, the reference, the last of all; grey: {}, see the tables",
                format::plural_of(grey, "other", "others")
            ),
        }
    }
}

/// `; not drawn: iterative (1 of 50 served)`: who has no line and why, those of one reason together.
pub(crate) fn not_drawn(absent: &[(String, String)]) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, reason) in absent {
        match reasons.iter_mut().find(|(other, _)| other == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    let said = |(reason, names): &(&str, Vec<&str>)| format!("{} ({reason})", names.join(", "));
    match reasons.as_slice() {
        [] => String::new(),
        reasons => {
            let said: Vec<String> = reasons.iter().map(said).collect();
            format!("; not drawn: {}", said.join(", "))
        }
    }
}

/// A line of the crowd.
pub(crate) fn grey(canvas: &Canvas<'_>, places: &[Option<(i32, i32)>]) {
    for stretch in places.split(Option::is_none) {
        let stretch: Vec<(i32, i32)> = stretch.iter().copied().flatten().collect();
        match stretch.as_slice() {
            [] => {}
            [(x, y)] => canvas.line(&[(x - 4, *y), (x + 4, *y)], palette::CROWD, 2),
            stretch => canvas.line(stretch, palette::CROWD, 2),
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
