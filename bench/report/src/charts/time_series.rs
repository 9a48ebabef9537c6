//! A solo window over time: panels under each other that share one clock.

use rayon::prelude::*;
use record::Scenario;

use super::canvas::{
    Canvas, Held, MARGIN, RULE, SMALL, SOFT, WIDTH, bold, head_height, picture, plain, soft,
};
use super::lines::{self, Chosen, Legend, Scale, Stroke, Style};
use super::{labels, palette};
use crate::cells::Cell;
use crate::conditions::conditions;
use crate::data::Data;
use crate::doubts;
use crate::format;
use crate::series::{self, Step};
use crate::struck::strikes;

/// Space for the ticks' labels.
const TICKS: i32 = 130;
/// Above a panel, for its title.
const TITLE: i32 = 44;
/// Between panels.
const GAP: i32 = 30;

/// A figure of a step.
type Read = fn(&Step) -> Option<f64>;

/// One panel: a row of [`PANELS`].
struct Panel {
    /// What it shows.
    title: &'static str,
    /// In which unit, and how it is read.
    hint: &'static str,
    height: i32,
    log: bool,
    /// Left out when it has nothing but zeros.
    only_if_any: bool,
    tick: fn(f64) -> String,
    lines: &'static [(Read, Stroke)],
}

#[rustfmt::skip]
const PANELS: &[Panel] = &[
    Panel {
        title: "replies/s", hint: "median over rounds", height: 190, log: false, only_if_any: false,
        tick: format::tick, lines: &[(|it| it.replies_per_s, Stroke::Thick)],
    },
    Panel {
        title: "response time", hint: "p99 thick, p50 thin, of all rounds merged; logarithmic", height: 430,
        log: true, only_if_any: false, tick: format::time_tick,
        lines: &[(|it| it.response_ns_p50, Stroke::Thin), (|it| it.response_ns_p99, Stroke::Thick)],
    },
    Panel {
        title: "connections in the accept queue", hint: "most of any round", height: 150, log: false,
        only_if_any: true, tick: format::tick, lines: &[(|it| it.accept_queue, Stroke::Thick)],
    },
    Panel {
        title: "connections turned away in a step", hint: "ListenOverflows or ListenDrops, most of any round",
        height: 150, log: false, only_if_any: true, tick: format::tick,
        lines: &[(|it| it.turned_away, Stroke::Thick)],
    },
    Panel {
        title: "CPU of the generator", hint: "share of one core, median over rounds", height: 150, log: false,
        only_if_any: false, tick: |cores| format!("{} %", format::tick(100.0 * cores)),
        lines: &[(|it| it.generator_cores, Stroke::Thick)],
    },
];

/// One contender.
struct Line<'a> {
    style: Style<'a>,
    steps: Vec<Step>,
}

/// The picture; `None` when nobody has a bin.
pub(crate) fn draw(data: &Data<'_>, scenario: &Scenario, title: &str) -> Option<String> {
    // It has a picture of its own.
    if strikes(scenario) {
        return None;
    }
    let cells = cells(data, scenario);
    let step_ns = series::step_ns(&cells);
    let drawn: Vec<Line<'_>> = cells
        .par_iter()
        .map(|cell| line(data, cell, step_ns))
        .collect();
    let p99 = |line: &Line<'_>| {
        let it = data.estimate(line.style.name, &scenario.name, "response_ns_p99");
        it.and_then(|it| it.value).unwrap_or(f64::INFINITY)
    };
    let is_sure = |line: &Line<'_>| f64::from(u8::from(line.style.verdict.is_none()));
    let drawn = Chosen::of(
        data,
        drawn,
        |line| &line.style,
        |line| (is_sure(line), -p99(line)),
    );
    let ends = drawn
        .all()
        .filter_map(|line| line.steps.last())
        .map(|step| step.at_s);
    let end = ends.fold(0.0, f64::max) + step_ns as f64 / 2e9;
    if drawn.all().all(|line| line.steps.is_empty()) {
        return None;
    }
    let panels: Vec<&Panel> = PANELS
        .iter()
        .filter(|panel| panel.is_shown(&drawn))
        .collect();
    let subtitles = subtitles(data, scenario, step_ns, &drawn);
    let styles: Vec<Style<'_>> = drawn.named.iter().map(|line| line.style.clone()).collect();
    let legend = Legend::new(&styles);
    let top = head_height(&subtitles) + 26;
    let first = top + legend.height + 10;
    let heights = panels.iter().map(|panel| TITLE + panel.height + GAP);
    let bottom = first + heights.sum::<i32>();
    let clock = Scale {
        from: MARGIN + TICKS,
        to: WIDTH - MARGIN,
        low: 0.0,
        high: end,
        log: false,
    };
    Some(picture(bottom + 90, |canvas| {
        canvas.head(title, &subtitles);
        legend.draw(canvas, &styles, top);
        let mut y = first;
        for panel in panels {
            panel.draw(canvas, &drawn, &clock, y);
            y += TITLE + panel.height + GAP;
        }
        seconds(canvas, &clock, bottom);
    }))
}

/// Whoever has bins and was served, the firsts of families before the others. Weak cells are drawn, and
/// named so: over time is where one sees why.
/// Those of a scenario that have a window to show.
pub(crate) fn cells<'d, 'a>(data: &'d Data<'a>, scenario: &Scenario) -> Vec<&'d Cell<'a>> {
    let entrants = data.firsts_then_others().into_iter();
    let cells = entrants.filter_map(|entrant| data.cell(&entrant.name, &scenario.name));
    let has_bins = |cell: &&Cell<'_>| cell.figures().iter().any(|pass| !pass.bins.is_empty());
    cells
        .filter(has_bins)
        .filter(|cell| data.served(cell.contender, &scenario.name).is_none())
        .collect()
}

fn line<'a>(data: &Data<'_>, cell: &Cell<'a>, step_ns: u64) -> Line<'a> {
    let word = cell.verdict_of_percentiles().word.clone();
    let weak = word != doubts::VALID && word != doubts::TOO_FEW_ROUNDS;
    Line {
        style: Style {
            verdict: weak.then_some(word),
            ..Style::of(data, cell.contender, cell.family)
        },
        steps: series::steps(cell, step_ns),
    }
}

fn subtitles(
    data: &Data<'_>,
    scenario: &Scenario,
    step_ns: u64,
    drawn: &Chosen<Line<'_>>,
) -> Vec<String> {
    let mut load = format!(
        "{}: {}; {}, steps of {}",
        scenario.name,
        conditions(scenario),
        format::plural(data.rounds_made(scenario), "round"),
        format::time_tick(step_ns as f64)
    );
    let unserved = data.servers().filter_map(|entrant| {
        let served = data.served(&entrant.name, &scenario.name)?;
        Some((entrant.name.clone(), served))
    });
    load.push_str(&drawn.said("by p99"));
    load.push_str(&lines::not_drawn(&unserved.collect::<Vec<_>>()));
    vec![load, palette::machine(data)]
}

impl Panel {
    fn values<'a>(&'a self, drawn: &'a Chosen<Line<'_>>) -> impl Iterator<Item = f64> + 'a {
        let steps = drawn.all().flat_map(|line| &line.steps);
        steps.flat_map(|step| self.lines.iter().filter_map(|(read, _)| read(step)))
    }

    fn is_shown(&self, drawn: &Chosen<Line<'_>>) -> bool {
        self.values(drawn)
            .any(|value| value > 0.0 || !self.only_if_any)
    }

    fn draw(&self, canvas: &Canvas<'_>, drawn: &Chosen<Line<'_>>, clock: &Scale, y: i32) {
        canvas.text((MARGIN, y + 14), Held::Left, bold(SMALL), self.title);
        let hint = MARGIN + super::canvas::width(self.title, bold(SMALL)) + 24;
        canvas.text((hint, y + 14), Held::Left, soft(SMALL), self.hint);
        let most = self.values(drawn).fold(0.0, f64::max);
        let least = self.values(drawn).fold(f64::INFINITY, f64::min);
        let (bottom, top) = (y + TITLE + self.height, y + TITLE);
        let scale = Scale::about(bottom, top, (least, most), self.log);
        for tick in scale.ticks() {
            let y = scale.at(tick);
            canvas.line(&[(clock.from, y), (clock.to, y)], RULE, 2);
            let text = (self.tick)(tick);
            canvas.text((clock.from - 14, y), Held::Right, soft(SMALL), &text);
        }
        canvas.line(&[(clock.from, bottom), (clock.to, bottom)], SOFT, 2);
        for (read, stroke) in self.lines {
            let places = |line: &Line<'_>| -> Vec<Option<(i32, i32)>> {
                let place = |step: &Step| Some((clock.at(step.at_s), scale.at(read(step)?)));
                line.steps.iter().map(place).collect()
            };
            if *stroke == Stroke::Thick {
                for line in &drawn.crowd {
                    lines::grey(canvas, &places(line));
                }
            }
            for (index, line) in drawn.named.iter().enumerate() {
                let places = places(line);
                lines::line(canvas, &places, &line.style, *stroke);
                if *stroke == Stroke::Thick {
                    lines::markers(canvas, &places, &line.style, (index, drawn.named.len()));
                }
            }
        }
    }
}

fn seconds(canvas: &Canvas<'_>, clock: &Scale, y: i32) {
    let ticks = labels::ticks(clock.high);
    for tick in ticks.into_iter().filter(|tick| *tick <= clock.high) {
        let x = clock.at(tick);
        canvas.line(&[(x, y - GAP), (x, y - GAP + 12)], SOFT, 2);
        canvas.text((x, y + 6), Held::Middle, plain(SMALL), &format::tick(tick));
    }
    canvas.text(
        (i32::midpoint(clock.from, clock.to), y + 52),
        Held::Middle,
        soft(SMALL),
        "seconds since the window began",
    );
}
