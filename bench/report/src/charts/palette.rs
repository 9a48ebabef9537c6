//! A colour a family (Okabe and Ito's, told apart by every kind of colour vision), a dash and a marker a
//! member; and what every subtitle says.

use plotters::style::RGBColor;
use record::Scenario;

use super::canvas::{Canvas, INK, PAPER};
use crate::conditions::{self, at_saturation, conditions};
use crate::data::Data;
use crate::format;
use crate::stats::ROUNDS_MIN;

/// The colour of a family.
pub(crate) fn colour(family: &str) -> RGBColor {
    match family {
        "iterative" => RGBColor(0x7f, 0x7f, 0x7f),
        "fork-per-connection" => RGBColor(0xd5, 0x5e, 0x00),
        "prefork" => RGBColor(0xe6, 0x9f, 0x00),
        "thread-per-connection" => RGBColor(0x00, 0x72, 0xb2),
        "thread-pool" => RGBColor(0x56, 0xb4, 0xe9),
        "event-driven" => RGBColor(0x00, 0x9e, 0x73),
        "foreign" => RGBColor(0xcc, 0x79, 0xa7),
        _ => INK,
    }
}

/// Of lines that are drawn for their crowd, not for themselves.
pub(crate) const CROWD: RGBColor = RGBColor(0xc6, 0xca, 0xd1);

/// A colour with so much white in it, 0 to 100.
pub(crate) fn tint(colour: RGBColor, white: u32) -> RGBColor {
    let mix = |part: u8| {
        u8::try_from((u32::from(part) * (100 - white) + 255 * white) / 100).unwrap_or(255)
    };
    RGBColor(mix(colour.0), mix(colour.1), mix(colour.2))
}

/// Which member of its family an entrant is, from 0, whoever is shown; in print, where no colour tells families apart,
/// which of all.
pub(crate) fn member(data: &Data<'_>, name: &str, family: &str) -> usize {
    let all = data.everybody().filter(|entrant| !entrant.is_part());
    let family = all.filter(|entrant| entrant.family == family || data.look.is_print());
    family.take_while(|entrant| entrant.name != name).count()
}

/// The marker of a member of a family.
pub(crate) fn marker(canvas: &Canvas<'_>, at: (i32, i32), member: usize, colour: RGBColor) {
    marker_of(canvas, at, member, colour, 10);
}

/// The marker of a member of a family, hollow and pale: a figure that is not valid.
pub(crate) fn hollow_marker(canvas: &Canvas<'_>, at: (i32, i32), member: usize, colour: RGBColor) {
    marker_of(canvas, at, member, tint(colour, 40), 11);
    marker_of(canvas, at, member, PAPER, 7);
}

/// The marker of a member of a family, of a size.
pub(crate) fn marker_of(
    canvas: &Canvas<'_>,
    (x, y): (i32, i32),
    member: usize,
    colour: RGBColor,
    r: i32,
) {
    let d = r * 7 / 5;
    match member % 8 {
        0 => canvas.dot((x, y), r, colour),
        1 => canvas.polygon(
            &[
                (x - r, y - r),
                (x + r, y - r),
                (x + r, y + r),
                (x - r, y + r),
            ],
            colour,
        ),
        2 => canvas.polygon(&[(x, y - d), (x + d, y + r), (x - d, y + r)], colour),
        3 => canvas.polygon(&[(x, y - d), (x + d, y), (x, y + d), (x - d, y)], colour),
        4 => canvas.polygon(&[(x, y + d), (x + d, y - r), (x - d, y - r)], colour),
        5 => canvas.polygon(&star((x, y), d, 4), colour),
        6 => canvas.polygon(&[(x - d, y - r), (x + r, y), (x - d, y + r)], colour),
        _ => canvas.polygon(&star((x, y), d, 5), colour),
    }
    // Beyond the eighth the shapes come again, with something in them.
    let (long, short) = (r / 2 + 1, r / 5);
    match member / 8 {
        0 => {}
        1 => canvas.dot((x, y), r / 3 + 1, PAPER),
        2 => canvas.fill(x - short, y - long, x + short, y + long, PAPER),
        _ => canvas.fill(x - long, y - short, x + long, y + short, PAPER),
    }
}

/// A star of so many points, the first of them on top.
fn star((x, y): (i32, i32), r: i32, points: u32) -> Vec<(i32, i32)> {
    let corner = |index: u32| {
        let angle = std::f64::consts::PI * f64::from(index) / f64::from(points);
        let share = if index.is_multiple_of(2) { 1.15 } else { 0.5 };
        let from_middle = f64::from(r) * share;
        let (sin, cos) = angle.sin_cos();
        (
            x + (from_middle * sin).round() as i32,
            y - (from_middle * cos).round() as i32,
        )
    };
    (0..2 * points).map(corner).collect()
}

/// The last subtitle of charts of contenders: who is shown, machine, version.
pub(crate) fn machine(data: &Data<'_>) -> String {
    format!("{}{}", only(data), machine_alone(data))
}

/// The last subtitle of a chart of no contenders.
pub(crate) fn machine_alone(data: &Data<'_>) -> String {
    let run = &data.results.run;
    let made = data
        .provisional()
        .map(|made| format!("{made}; "))
        .unwrap_or_default();
    format!(
        "{made}{}; fiveways {}, suite {}",
        conditions::machine(&run.host),
        run.version,
        run.suite_name
    )
}

/// `only event-loop, tokio, of 9; `, where not everybody is shown.
fn only(data: &Data<'_>) -> String {
    let all = data.everybody().count();
    let shown: Vec<&str> = data
        .measured()
        .map(|entrant| entrant.name.as_str())
        .collect();
    match shown.len() < all {
        true => format!("only {}, of {all}; ", shown.join(", ")),
        false => String::new(),
    }
}

/// `5 rounds, medians with 95 % intervals`: of the rounds that were made.
pub(crate) fn rounds(data: &Data<'_>, scenario: &Scenario) -> String {
    let made = data.rounds_made(scenario);
    let rounds = format::plural(made, "round");
    match made < ROUNDS_MIN {
        true => format!("{rounds}, too few for intervals"),
        false => format!("{rounds}, medians with 95 % intervals"),
    }
}

/// The subtitles of a chart of one scenario: what was asked and how often, then on which machine.
pub(crate) fn of_one(data: &Data<'_>, scenario: &Scenario) -> Vec<String> {
    let load = format!(
        "{}: {}{}; {}",
        scenario.name,
        conditions(scenario),
        at_saturation(scenario),
        rounds(data, scenario)
    );
    vec![load, machine(data)]
}
