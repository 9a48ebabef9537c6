//! Around a strike: replies of each tenth of a second, a small panel a contender, all on one clock and one scale.

use plotters::style::RGBColor;
use record::Scenario;

use super::canvas::{
    Canvas, Held, INK, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, fit, head_height, picture, plain,
    soft, width,
};
use super::lines::Scale;
use super::{labels, palette};
use crate::cells::Cell;
use crate::conditions::conditions;
use crate::data::Data;
use crate::{format, stats, struck};

/// Panels side by side.
const COLUMNS: usize = 2;
/// Between them.
const GUTTER: i32 = 70;
/// Above a panel's bars.
const NAME: i32 = 44;
/// Of the bars.
const BARS: i32 = 84;
/// Below them.
const GAP: i32 = 28;
/// Of the rate before the strike: a burst beyond it is cut.
const MOST: f64 = 1.6;
const FAILED: RGBColor = RGBColor(0xc0, 0x1c, 0x28);

/// A tenth of a second: where it begins and ends in seconds, replies and failed requests a second.
struct Bar {
    from_s: f64,
    to_s: f64,
    replies_per_s: f64,
    failed_per_s: f64,
}

struct Panel<'a> {
    name: &'a str,
    colour: RGBColor,
    label: String,
    bars: Vec<Bar>,
    /// The strike and, where it was mended, that; seconds.
    marks: Vec<f64>,
}

/// The picture; `None` where nobody was struck.
pub(crate) fn draw(data: &Data<'_>, scenario: &Scenario, title: &str) -> Option<String> {
    let cells = data.firsts_then_others().into_iter();
    let cells = cells.filter_map(|entrant| data.cell(&entrant.name, &scenario.name));
    let panels: Vec<Panel<'_>> = cells.filter_map(|cell| panel(data, cell)).collect();
    if panels.is_empty() {
        return None;
    }
    let end = panels
        .iter()
        .flat_map(|panel| &panel.bars)
        .map(|bar| bar.to_s);
    let end = end.fold(0.0, f64::max);
    let usual = scenario.rate_per_s(panels[0].name).unwrap_or_default();
    let rounds = match data.rounds_made(scenario) {
        1 => "1 round".to_owned(),
        rounds => format!("medians of {}", format::plural(rounds, "round")),
    };
    let subtitles = [
        format!("{}: {}; {rounds}", scenario.name, conditions(scenario)),
        format!(
            "bars: replies in 100 ms, cut at {}/s; {}: failed requests; line: the strike, dashed: its end; beside \
             the name: requests lost, outage",
            format::tick(MOST * usual),
            if data.look.is_print() { "black" } else { "red" }
        ),
        palette::machine(data),
    ];
    let top = head_height(&subtitles) + 20;
    let rows = panels.len().div_ceil(COLUMNS);
    let row = NAME + BARS + GAP;
    let bottom = top + row * rows as i32;
    let room = (WIDTH - 2 * MARGIN - GUTTER * (COLUMNS as i32 - 1)) / COLUMNS as i32;
    Some(picture(bottom + 90, |canvas| {
        canvas.head(title, &subtitles);
        for column in 0..COLUMNS {
            let from = MARGIN + (room + GUTTER) * column as i32;
            let clock = Scale {
                from,
                to: from + room,
                low: 0.0,
                high: end,
                log: false,
            };
            let here = panels.iter().skip(column * rows).take(rows);
            for (index, panel) in here.enumerate() {
                let y = top + row * index as i32;
                canvas.of(panel.name, || panel.draw(canvas, &clock, y, MOST * usual));
            }
            if column * rows < panels.len() {
                seconds(canvas, &clock, bottom);
            }
        }
    }))
}

fn panel<'a>(data: &Data<'_>, cell: &Cell<'a>) -> Option<Panel<'a>> {
    let passes = cell.figures();
    let struck: Vec<_> = passes
        .iter()
        .filter_map(|pass| pass.struck.as_ref())
        .collect();
    let seconds = |ns: Vec<u64>| {
        let ns: Vec<f64> = ns.into_iter().map(|ns| ns as f64 / 1e9).collect();
        stats::median(&ns)
    };
    let strike = seconds(struck.iter().map(|it| it.at_ns).collect())?;
    let mended = seconds(struck.iter().filter_map(|it| it.mended_ns).collect());
    Some(Panel {
        name: cell.contender,
        colour: match data.look.is_print() {
            true => palette::CROWD,
            false => palette::colour(cell.family),
        },
        label: struck::label(data, cell),
        bars: bars(cell),
        marks: std::iter::once(strike).chain(mended).collect(),
    })
}

/// Medians over rounds.
fn bars(cell: &Cell<'_>) -> Vec<Bar> {
    let passes = cell.figures();
    let most = passes.iter().map(|pass| pass.bins.len()).max().unwrap_or(0);
    let bar = |index: usize| {
        let bins: Vec<_> = passes
            .iter()
            .filter_map(|pass| pass.bins.get(index))
            .collect();
        let first = bins.first().filter(|bin| bin.length_ns > 0)?;
        let seconds = |ns: u64| ns as f64 / 1e9;
        let rate = |count: fn(&record::Bin) -> u64| {
            let rates = bins
                .iter()
                .map(|bin| count(bin) as f64 / seconds(bin.length_ns.max(1)));
            stats::median(&rates.collect::<Vec<_>>())
        };
        Some(Bar {
            from_s: seconds(first.start_ns),
            to_s: seconds(first.start_ns.saturating_add(first.length_ns)),
            replies_per_s: rate(|bin| bin.replies)?,
            failed_per_s: rate(|bin| bin.errors)?,
        })
    };
    (0..most).filter_map(bar).collect()
}

impl Panel<'_> {
    fn draw(&self, canvas: &Canvas<'_>, clock: &Scale, y: i32, most: f64) {
        let room = clock.to - clock.from;
        let name = fit(self.name, bold(SMALL), room * 2 / 3);
        let left = room - width(&name, bold(SMALL)) - 24;
        let label = fit(&self.label, soft(SMALL), left);
        canvas.text((clock.from, y + 16), Held::Left, bold(SMALL), &name);
        canvas.text((clock.to, y + 16), Held::Right, soft(SMALL), &label);
        let bottom = y + NAME + BARS;
        let scale = Scale {
            from: bottom,
            to: y + NAME,
            low: 0.0,
            high: most.max(1.0),
            log: false,
        };
        let usual = scale.at(most / MOST);
        canvas.line(&[(clock.from, usual), (clock.to, usual)], RULE, 2);
        for bar in &self.bars {
            let (from, to) = (clock.at(bar.from_s) + 2, clock.at(bar.to_s) - 2);
            let middle = i32::midpoint(from, to);
            if bar.replies_per_s > 0.0 {
                canvas.fill(from, scale.at(bar.replies_per_s), to, bottom, self.colour);
            }
            if bar.failed_per_s > 0.0 {
                // One of many is to be seen, too.
                let top = scale.at(bar.failed_per_s).min(bottom - 8);
                canvas.fill(middle - 6, top, middle + 6, bottom, FAILED);
            }
        }
        canvas.line(&[(clock.from, bottom), (clock.to, bottom)], SOFT, 2);
        for (index, mark) in self.marks.iter().enumerate() {
            let x = clock.at(*mark);
            let ends = [(x, y + NAME - 8), (x, bottom + 8)];
            match index {
                0 => canvas.line(&ends, INK, 4),
                _ => canvas.dashes(&ends, INK, 3, 10),
            }
        }
    }
}

fn seconds(canvas: &Canvas<'_>, clock: &Scale, y: i32) {
    let ticks = labels::ticks(clock.high);
    for tick in ticks.into_iter().filter(|tick| *tick <= clock.high) {
        let x = clock.at(tick);
        canvas.line(&[(x, y - GAP + 10), (x, y - GAP + 20)], SOFT, 2);
        canvas.text((x, y + 8), Held::Middle, plain(SMALL), &format::tick(tick));
    }
    canvas.text(
        (i32::midpoint(clock.from, clock.to), y + 50),
        Held::Middle,
        soft(SMALL),
        "seconds since the window began",
    );
}
