//! What the parts of this machine take: a row a part, a logarithmic axis of time, because a fork and a page lie
//! three decades apart.

use plotters::style::RGBColor;

use super::canvas::{
    BODY, Canvas, Held, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, fit, head_height, picture, plain,
    soft,
};
use super::{labels, palette};
use crate::data::Data;
use crate::format;
use crate::yardsticks::{self, Figures, Told};

const NAMES: i32 = 620;
const VALUES: i32 = 150;
const ROW: i32 = 64;
/// No contender's.
const COLOUR: RGBColor = RGBColor(0x00, 0x72, 0xb2);

/// The picture; `None` for records without yardsticks.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let run = &data.results.run;
    let rows = yardsticks::told(&run.yardsticks);
    let known: Vec<&Figures> = rows
        .iter()
        .filter_map(|it| it.figures.as_ref().ok())
        .collect();
    let least = known.iter().map(|it| it.spread.0).reduce(f64::min)?;
    let most = known.iter().map(|it| it.spread.1).reduce(f64::max)?;
    let subtitles = vec![
        format!(
            "Measured {}; the dot is the median, the bar holds four fifths of the samples",
            yardsticks::place(&run.yardsticks, &run.host)
        ),
        palette::machine_alone(data),
    ];
    let top = head_height(&subtitles) + 20;
    let bottom = top + ROW * rows.len() as i32 + 10;
    Some(picture(bottom + 130, |canvas| {
        canvas.head(title, &subtitles);
        let axis = Axis::new(least, most);
        axis.draw(canvas, top, bottom);
        for (index, it) in rows.iter().enumerate() {
            row(canvas, &axis, it, top + ROW * index as i32 + ROW / 2 + 5);
        }
    }))
}

/// Time, from left to right.
struct Axis {
    ticks: Vec<f64>,
}

impl Axis {
    const LEFT: i32 = MARGIN + NAMES;
    const RIGHT: i32 = WIDTH - MARGIN - VALUES;

    fn new(least: f64, most: f64) -> Self {
        Axis {
            ticks: labels::log_ticks(least, most),
        }
    }

    fn at(&self, ns: f64) -> i32 {
        let ends = self.ticks.first().zip(self.ticks.last());
        let (low, high) = ends.map_or((1.0, 10.0), |(low, high)| (*low, *high));
        let share = (ns / low).ln() / (high / low).ln();
        let wide = f64::from(Self::RIGHT - Self::LEFT);
        Self::LEFT + (wide * share.clamp(0.0, 1.0)).round() as i32
    }

    fn draw(&self, canvas: &Canvas<'_>, top: i32, bottom: i32) {
        for tick in labels::apart(&self.ticks, 110, |tick| self.at(tick)) {
            let x = self.at(tick);
            canvas.line(&[(x, top), (x, bottom)], RULE, 2);
            let text = format::time_tick(tick);
            canvas.text((x, bottom + 30), Held::Middle, soft(SMALL), &text);
        }
        let middle = i32::midpoint(Self::LEFT, Self::RIGHT);
        let words = "time for one, logarithmic, less is better";
        canvas.text((middle, bottom + 80), Held::Middle, soft(SMALL), words);
    }
}

fn row(canvas: &Canvas<'_>, axis: &Axis, it: &Told<'_>, y: i32) {
    let name = fit(&it.title, plain(BODY), NAMES - 30);
    canvas.text((MARGIN, y), Held::Left, plain(BODY), &name);
    match &it.figures {
        Ok(figures) => {
            let (from, to) = figures.spread;
            let (from, to) = (axis.at(from), axis.at(to).max(axis.at(from) + 2));
            canvas.fill(from, y - 8, to, y + 8, palette::tint(COLOUR, 60));
            canvas.dot((axis.at(figures.median), y), 11, COLOUR);
            let text = format::time(figures.median);
            canvas.text((WIDTH - MARGIN, y), Held::Right, bold(BODY), &text);
        }
        Err(reason) => {
            canvas.line(&[(Axis::LEFT, y), (Axis::LEFT + 30, y)], SOFT, 2);
            let reason = fit(reason, soft(SMALL), WIDTH - MARGIN - Axis::LEFT - 50);
            canvas.text((Axis::LEFT + 48, y), Held::Left, soft(SMALL), &reason);
        }
    }
}
