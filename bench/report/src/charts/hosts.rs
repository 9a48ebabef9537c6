//! A dot a host: each contender a row, its ratio to the reference on every machine, the median as a stroke.

use super::canvas::{
    Canvas, Held, INK, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, described, fit, head_height,
    picture, plain, soft,
};
use super::labs::colour;
use super::lines::Scale;
use crate::compare::{ByHost, Row};
use crate::format;
use crate::stats::median;

const NAMES: i32 = 380;
const VALUES: i32 = 360;
const ROW: i32 = 64;
/// Figures that differ by more than this stand on a logarithmic scale.
const FAR: f64 = 30.0;
const MEANING: &str = "Where the dots of a row lie together, the machine does not matter to the answer; where they \
                       spread over 1, it decides. Do not read the row of one host as another's.";

/// The picture.
pub(crate) fn hosts(found: &ByHost) -> String {
    let subtitles = [
        found.subtitle.clone(),
        "The stroke is their median; beside it the median and the range".to_owned(),
    ];
    let top = head_height(&subtitles) + 20;
    let bottom = top + ROW * found.rows.len() as i32 + 10;
    let all = || {
        found
            .rows
            .iter()
            .flat_map(|row| row.ratios.iter().copied())
            .chain([1.0])
    };
    let (least, most) = (
        all().fold(f64::MAX, f64::min),
        all().fold(f64::MIN, f64::max),
    );
    // Predictions go far astray: then equal ratios are equally wide.
    let log = least > 0.0 && most / least > FAR;
    let scale = Scale::about(MARGIN + NAMES, WIDTH - MARGIN - VALUES, (least, most), log);
    let svg = picture(bottom + 130, |canvas| {
        canvas.head(&found.title, &subtitles);
        for tick in scale.ticks() {
            let x = scale.at(tick);
            canvas.line(&[(x, top), (x, bottom)], RULE, 2);
            canvas.text(
                (x, bottom + 30),
                Held::Middle,
                soft(SMALL),
                &format!("{}{}", format::tick(tick), found.unit),
            );
        }
        canvas.line(&[(scale.at(1.0), top), (scale.at(1.0), bottom)], SOFT, 3);
        for (index, row) in (0..).zip(&found.rows) {
            draw(canvas, &scale, row, top + ROW * index + ROW / 2);
        }
        let middle = (i32::midpoint(scale.from, scale.to), bottom + 80);
        canvas.text(middle, Held::Middle, soft(SMALL), found.axis);
    });
    described(svg, &found.title, MEANING)
}

/// Dots that would cover each other stand in three heights.
fn draw(canvas: &Canvas<'_>, scale: &Scale, row: &Row, y: i32) {
    let name = fit(&row.contender, plain(SMALL), NAMES - 30);
    canvas.text((MARGIN, y), Held::Left, plain(SMALL), &name);
    for (index, ratio) in (0..).zip(&row.ratios) {
        let height = [0, -13, 13][index % 3];
        canvas.ring((scale.at(*ratio), y + height), 6, colour(0), 3);
    }
    let Some(middle) = median(&row.ratios) else {
        return;
    };
    let x = scale.at(middle);
    canvas.line(&[(x, y - 26), (x, y + 26)], INK, 4);
    let left = WIDTH - MARGIN - VALUES + 30;
    canvas.text((left, y), Held::Left, bold(SMALL), &format::digits(middle));
    let (low, high) = (row.ratios[0], row.ratios[row.ratios.len() - 1]);
    let range = format!("{} to {}", format::digits(low), format::digits(high));
    canvas.text((left + 110, y), Held::Left, soft(SMALL), &range);
}
