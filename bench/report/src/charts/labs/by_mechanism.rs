//! A round trip by mechanism: a row each, a mark for one core and one for two, on a logarithmic axis.

use record::{Lab, LabKind, Where};

use super::{colour, subtitles};
use crate::charts::canvas::{
    Canvas, Held, MARGIN, RULE, SMALL, WIDTH, bold, fit, head_height, picture, plain, soft, width,
};
use crate::charts::lines::Scale;
use crate::charts::palette;
use crate::data::Data;
use crate::format;

const METRIC: &str = "round_trip_ns_p50";
/// The size that most mechanisms have.
const BYTES: usize = 64;
const NAMES: i32 = 380;
const VALUES: i32 = 330;
const ROW: i32 = 44;

/// A figure with its interval.
type Figure = (f64, Option<(f64, f64)>);

struct Row<'a> {
    name: &'a str,
    figures: [Option<Figure>; 2],
}

const PLACES: [(Where, &str); 2] = [
    (Where::SameCore, "on one core"),
    (Where::TwoCores, "across two cores"),
];

/// The picture; `None` when nobody has a figure.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let labs = PLACES.map(|(place, _)| lab(data, place));
    let mut rows: Vec<Row<'_>> = data
        .measured()
        .map(|entrant| Row {
            name: &entrant.name,
            figures: labs.map(|lab| figure(data, &entrant.name, lab?)),
        })
        .filter(|row| row.figures.iter().any(Option::is_some))
        .collect();
    let rank = |row: &Row<'_>| row.figures[0].or(row.figures[1]).map_or(0.0, |it| it.0);
    rows.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    if rows.is_empty() {
        return None;
    }
    let subtitles = subtitles(
        data,
        &format!("{BYTES} bytes a message, medians of round trips"),
    );
    let top = head_height(&subtitles) + 90;
    let bottom = top + ROW * rows.len() as i32 + 10;
    Some(picture(bottom + 130, |canvas| {
        canvas.head(title, &subtitles);
        let scale = scale(&rows);
        legend(canvas, top - 54);
        grid(canvas, &scale, top, bottom);
        for (index, row) in (0..).zip(&rows) {
            mark(canvas, &scale, row, top + ROW * index + ROW / 2 + 5);
        }
    }))
}

fn lab<'a>(data: &Data<'a>, place: Where) -> Option<&'a Lab> {
    let mut labs = data.labs().iter();
    labs.find(|lab| lab.lab == LabKind::Ipc && lab.placement == place && lab.bytes == Some(BYTES))
}

fn figure(data: &Data<'_>, name: &str, lab: &Lab) -> Option<Figure> {
    let it = data.shown(name, &lab.name, METRIC)?;
    Some((it.value?, it.low.zip(it.high)))
}

fn scale(rows: &[Row<'_>]) -> Scale {
    let figures = rows
        .iter()
        .flat_map(|row| row.figures.into_iter().flatten());
    let values: Vec<f64> = figures.map(|it| it.0).collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    Scale::about(MARGIN + NAMES, WIDTH - MARGIN - VALUES, (least, most), true)
}

fn legend(canvas: &Canvas<'_>, y: i32) {
    let mut x = MARGIN + NAMES;
    for (index, (_, name)) in PLACES.iter().enumerate() {
        palette::marker(canvas, (x, y), index, colour(index));
        canvas.text((x + 24, y), Held::Left, plain(SMALL), name);
        x += 24 + width(name, plain(SMALL)) + 60;
    }
}

fn grid(canvas: &Canvas<'_>, scale: &Scale, top: i32, bottom: i32) {
    for tick in scale.ticks() {
        let x = scale.at(tick);
        canvas.line(&[(x, top), (x, bottom)], RULE, 2);
        let label = format::time_tick(tick);
        canvas.text((x, bottom + 30), Held::Middle, soft(SMALL), &label);
    }
    let middle = i32::midpoint(scale.from, scale.to);
    let axis = "a round trip (logarithmic), less is better";
    canvas.text((middle, bottom + 80), Held::Middle, soft(SMALL), axis);
}

fn mark(canvas: &Canvas<'_>, scale: &Scale, row: &Row<'_>, y: i32) {
    let name = fit(row.name, plain(SMALL), NAMES - 30);
    canvas.text((MARGIN, y), Held::Left, plain(SMALL), &name);
    let places: Vec<i32> = row
        .figures
        .iter()
        .flatten()
        .map(|it| scale.at(it.0))
        .collect();
    if let [from, to] = places[..] {
        canvas.line(&[(from, y), (to, y)], palette::tint(colour(1), 60), 3);
    }
    for (index, figure) in row.figures.iter().enumerate() {
        let Some((value, interval)) = figure else {
            continue;
        };
        if let Some((low, high)) = interval {
            canvas.whisker_across(scale.at(*low), scale.at(*high), y, 7);
        }
        palette::marker_of(canvas, (scale.at(*value), y), index, colour(index), 9);
    }
    let words = row
        .figures
        .map(|it| it.map_or(format::MISSING.to_owned(), |it| format::time(it.0)));
    let x = WIDTH - MARGIN - VALUES + 30;
    canvas.text((x, y), Held::Left, bold(SMALL), &words[0]);
    canvas.text((x + 160, y), Held::Left, bold(SMALL), &words[1]);
}
