//! Swim lanes: a lane for each client and each task, a box for each call in its client's colour, arrows for who
//! reached, woke or began whom. A part that is longer than a sheet is wide goes on below, as notes do.

use record::Trace;

use super::events::{events, signature};
use super::layout::{Layout, Look, Placed, layout};
use super::parts::{Part, parts};
use super::sequence::{busy, idle};
use super::slowed::slowed;
use super::wakes::{Wakes, wakes};
use super::words;
use crate::charts::canvas::{
    BODY, Canvas, Held, INK, MARGIN, PAPER, SMALL, SOFT, WIDTH, bold, described, fit, head_height,
    picture, plain, soft, width,
};
use crate::charts::palette::{CROWD, tint};
use crate::conditions;
use crate::format;
use plotters::style::RGBColor;

/// Room for the lanes' names.
const NAMES: i32 = 150;
/// From one lane of a task to the next, and how high its boxes are.
const TASK: i32 = 96;
const TASK_BOX: i32 = 68;
/// A task's lane in which it only sleeps, and its box.
const RESTING: i32 = 52;
const RESTING_BOX: i32 = 46;
/// The same of clients.
const CLIENT: i32 = 56;
const CLIENT_BOX: i32 = 38;
/// Above a strip, for instants.
const STAMPS: i32 = 40;
/// Between two strips.
const GAP: i32 = 26;
/// A part's title.
const TITLE: i32 = 70;
/// The signs.
const LEGEND: i32 = 64;

/// Okabe and Ito's, told apart by every kind of colour vision.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
];

/// A trace as an SVG.
pub fn trace_svg(trace: &Trace) -> String {
    let wakes = wakes(trace);
    let drawn: Vec<Drawn> = chosen(trace, &wakes)
        .into_iter()
        .map(|(part, title)| Drawn::of(trace, &wakes, &part, title))
        .collect();
    let title = format!(
        "{}: {} through the kernel",
        trace.contender,
        words::load(trace)
    );
    let subtitles = subtitles(trace);
    let parts: i32 = drawn.iter().map(Drawn::height).sum();
    let height = head_height(&subtitles) + LEGEND + parts + MARGIN;
    let svg = picture(height, |canvas| {
        let mut y = canvas.head(&title, &subtitles);
        legend(canvas, y + 20);
        y += LEGEND;
        for part in &drawn {
            y = part.draw(canvas, trace, y);
        }
    });
    described(svg, &title, &subtitles.join(" "))
}

fn subtitles(trace: &Trace) -> Vec<String> {
    let mut subtitles = vec![
        "Time runs to the right, and is not to scale: each thing is as wide as its name. Stamps count from the first connect of a part."
            .to_owned(),
        format!("{}.", words::startup(trace)),
        format!("{}.", slowed(trace)),
    ];
    if let Some(cause) = &trace.cause {
        subtitles.push(format!("It did not go well: {}.", cause.text));
    }
    subtitles.push(format!(
        "{}; fiveways {}",
        conditions::machine(&trace.host),
        trace.version
    ));
    subtitles
}

/// Of those who came alone, the last: whoever came first found a server that had served nobody yet. Then all at once.
fn chosen(trace: &Trace, wakes: &Wakes) -> Vec<(Part, String)> {
    let parts = parts(trace);
    let alone: Vec<&Part> = parts
        .iter()
        .filter(|part| part.clients.len() == 1)
        .collect();
    let mut chosen = Vec::new();
    if let Some((last, before)) = alone.split_last() {
        let of = |part: &Part| signature(trace, &events(trace, wakes, part));
        let alike = before.iter().filter(|part| of(part) == of(last));
        let names: Vec<String> = alike.map(|part| part.clients[0].clone()).collect();
        let like = match names.as_slice() {
            [] => String::new(),
            names => format!(" ({} before it: the same calls)", words::names(names)),
        };
        chosen.push(((*last).clone(), format!("{} alone{like}", last.clients[0])));
    }
    for part in parts.iter().filter(|part| part.clients.len() > 1) {
        chosen.push((
            part.clone(),
            format!("{} at once", words::names(&part.clients)),
        ));
    }
    chosen
}

/// A part and where it is cut.
struct Drawn {
    title: String,
    /// Who only sleeps.
    idle: String,
    layout: Layout,
    /// From where to where each strip goes.
    strips: Vec<(i32, i32)>,
    clients: usize,
}

impl Drawn {
    fn of(trace: &Trace, wakes: &Wakes, part: &Part, title: String) -> Self {
        let events = events(trace, wakes, part);
        let layout = layout(trace, part, &events, busy(trace, &events));
        let idle = idle(trace, part, &layout.lanes);
        Drawn {
            title,
            idle: match idle.is_empty() {
                true => String::new(),
                false => format!("asleep all the while: {}", words::names(&idle)),
            },
            strips: strips(&layout),
            clients: part.clients.len(),
            layout,
        }
    }

    /// The lanes in which there is somebody between two places.
    fn alive(&self, from: i32, to: i32) -> Vec<usize> {
        let lives = self.layout.lives.iter().enumerate();
        let alive = lives.filter(|(_, (begins, ends))| *begins < to && *ends > from);
        alive.map(|(lane, _)| lane).collect()
    }

    fn strip_height(&self, from: i32, to: i32) -> i32 {
        let lanes = self.alive(from, to);
        let heights = lanes.iter().map(|lane| self.lane_height(*lane, from, to));
        STAMPS + heights.sum::<i32>() + GAP
    }

    fn lane_height(&self, lane: usize, from: i32, to: i32) -> i32 {
        match lane < self.clients {
            true => CLIENT,
            false if self.rests(lane, from, to) => RESTING,
            false => TASK,
        }
    }

    /// Whether a lane has nothing but sleep between two places.
    fn rests(&self, lane: usize, from: i32, to: i32) -> bool {
        let mut boxes = self.layout.boxes.iter();
        !boxes.any(|placed| {
            placed.lane == lane && placed.look != Look::Asleep && placed.x0 < to && placed.x1 > from
        })
    }

    fn height(&self) -> i32 {
        let strips = self
            .strips
            .iter()
            .map(|(from, to)| self.strip_height(*from, *to));
        TITLE + strips.sum::<i32>()
    }

    fn draw(&self, canvas: &Canvas<'_>, trace: &Trace, top: i32) -> i32 {
        canvas.text((MARGIN, top + 36), Held::Left, bold(BODY), &self.title);
        let right = MARGIN + width(&self.title, bold(BODY)) + 30;
        let idle = fit(&self.idle, soft(SMALL), WIDTH - MARGIN - right);
        canvas.text((right, top + 36), Held::Left, soft(SMALL), &idle);
        let mut y = top + TITLE;
        for &(from, to) in &self.strips {
            let strip = Strip {
                part: self,
                trace,
                from,
                to,
                top: y,
                lanes: self.alive(from, to),
            };
            strip.draw(canvas);
            y += self.strip_height(from, to);
        }
        y
    }
}

/// Cuts where as little as may be is cut in two but sleep, into strips of about the same width.
fn strips(layout: &Layout) -> Vec<(i32, i32)> {
    let room = WIDTH - 2 * MARGIN - NAMES;
    let solid = || {
        let boxes = layout.boxes.iter();
        boxes.filter(|placed| placed.look != Look::Asleep)
    };
    let torn = |x: i32| solid().filter(|it| it.x0 < x && it.x1 > x).count();
    let mut strips = Vec::new();
    let mut from = 0;
    while layout.width - from > room {
        let left = layout.width - from;
        let fair = left / (left / room + 1);
        let edges = solid().map(|placed| placed.x0 - 2);
        let fitting = edges.filter(|x| *x > from + room / 3 && *x <= from + room);
        let cut = fitting.min_by_key(|x| (torn(*x), (from + fair - *x).abs()));
        let cut = cut.unwrap_or(from + room);
        strips.push((from, cut));
        from = cut;
    }
    strips.push((from, layout.width));
    strips
}

/// One width of a sheet.
struct Strip<'a> {
    part: &'a Drawn,
    trace: &'a Trace,
    from: i32,
    to: i32,
    top: i32,
    /// Those that are drawn.
    lanes: Vec<usize>,
}

impl Strip<'_> {
    fn draw(&self, canvas: &Canvas<'_>) {
        self.lanes(canvas);
        let (asleep, solid): (Vec<&Placed>, Vec<&Placed>) = self
            .inside()
            .partition(|placed| placed.look == Look::Asleep);
        asleep.iter().for_each(|placed| self.asleep(canvas, placed));
        self.arrows(canvas);
        solid.iter().for_each(|placed| self.solid(canvas, placed));
        self.stamps(canvas);
    }

    fn inside(&self) -> impl Iterator<Item = &Placed> {
        let boxes = self.part.layout.boxes.iter();
        boxes.filter(|placed| placed.x0 < self.to && placed.x1 > self.from)
    }

    fn x(&self, x: i32) -> i32 {
        MARGIN + NAMES + x.clamp(self.from, self.to) - self.from
    }

    /// The middle of a lane.
    fn y(&self, lane: usize) -> i32 {
        let height = |lane: usize| self.part.lane_height(lane, self.from, self.to);
        let above = self.lanes.iter().filter(|other| **other < lane);
        let above: i32 = above.map(|other| height(*other)).sum();
        self.top + STAMPS + above + height(lane) / 2
    }

    fn half(&self, lane: usize) -> i32 {
        let height = match lane < self.part.clients {
            true => CLIENT_BOX,
            false if self.part.rests(lane, self.from, self.to) => RESTING_BOX,
            false => TASK_BOX,
        };
        height / 2
    }

    fn lanes(&self, canvas: &Canvas<'_>) {
        for &lane in &self.lanes {
            let name = &self.part.layout.lanes[lane];
            let y = self.y(lane);
            let client = lane < self.part.clients;
            let ink = if client { colour(name) } else { INK };
            let mut type_ = bold(SMALL);
            type_.colour = ink;
            if client {
                canvas.text((MARGIN, y), Held::Left, type_, &format!("client {name}"));
            } else if self.part.rests(lane, self.from, self.to) {
                canvas.text((MARGIN, y), Held::Left, type_, name);
            } else {
                canvas.text((MARGIN, y - 15), Held::Left, type_, name);
                let kind = self.kind(name);
                canvas.text((MARGIN, y + 15), Held::Left, soft(SMALL), kind);
            }
            let (born, ends) = self.part.layout.lives[lane];
            let line = [(self.x(born), y), (self.x(ends), y)];
            canvas.line(&line, if client { tint(ink, 50) } else { SOFT }, 2);
        }
    }

    fn kind(&self, name: &str) -> &'static str {
        let task = self.trace.tasks.iter().find(|task| task.name == name);
        match task.is_some_and(record::trace::Task::is_thread) {
            true => "thread",
            false => "process",
        }
    }

    fn asleep(&self, canvas: &Canvas<'_>, placed: &Placed) {
        let (x0, x1, y) = (self.x(placed.x0), self.x(placed.x1), self.y(placed.lane));
        let half = self.half(placed.lane) - 8;
        let (top, bottom) = (y - half, y + half);
        let pale = tint(SOFT, 90);
        canvas.fill(x0, top, x1, bottom, pale);
        canvas.line(&[(x0, top), (x1, top)], CROWD, 2);
        canvas.line(&[(x0, bottom), (x1, bottom)], CROWD, 2);
        let room = x1 - x0 - 12;
        let words = [
            format!("asleep in {}", placed.text.0),
            placed.text.0.clone(),
        ];
        let fits = |words: &&String| width(words, soft(SMALL)) <= room;
        if let Some(words) = words.iter().find(fits) {
            canvas.text((x0 + 8, y), Held::Left, soft(SMALL), words);
        }
    }

    fn solid(&self, canvas: &Canvas<'_>, placed: &Placed) {
        let (x0, x1, y) = (self.x(placed.x0), self.x(placed.x1), self.y(placed.lane));
        let half = self.half(placed.lane);
        let ink = placed.client.as_deref().map_or(SOFT, colour);
        let (fill, stroke) = match placed.look {
            Look::Client => (tint(ink, 88), 2),
            Look::Mark => (PAPER, 3),
            Look::Aside => (tint(SOFT, 92), 1),
            Look::Call | Look::Asleep => (tint(ink, 78), 2),
        };
        canvas.fill(x0, y - half, x1, y + half, fill);
        canvas.outline(x0, y - half, x1, y + half, ink, stroke);
        let room = x1 - x0 - 8;
        let middle = i32::midpoint(x0, x1);
        let (first, second) = (
            fit(&placed.text.0, plain(SMALL), room),
            fit(&placed.text.1, plain(SMALL), room),
        );
        match second.is_empty() {
            true => canvas.text((middle, y), Held::Middle, plain(SMALL), &first),
            false => {
                canvas.text((middle, y - 15), Held::Middle, plain(SMALL), &first);
                canvas.text((middle, y + 15), Held::Middle, soft(SMALL), &second);
            }
        }
    }

    fn arrows(&self, canvas: &Canvas<'_>) {
        let boxes = &self.part.layout.boxes;
        for arrow in &self.part.layout.arrows {
            let (from, to) = (&boxes[arrow.from], &boxes[arrow.to]);
            if to.x0 < self.from || to.x0 >= self.to || from.lane == to.lane {
                continue;
            }
            let ink = to
                .client
                .as_deref()
                .or(from.client.as_deref())
                .map_or(INK, colour);
            let down = to.lane > from.lane;
            let side = |lane: usize, below: bool| {
                let half = self.half(lane);
                self.y(lane) + if below { half } else { -half }
            };
            let end = (self.x(to.x0) + 12, side(to.lane, !down));
            // From right above or below where it leads, if its box is there.
            let x = end.0.clamp(
                self.x(from.x0) + 6,
                (self.x(from.x1) - 6).max(self.x(from.x0) + 6),
            );
            let begin = (x, side(from.lane, down));
            canvas.line(&[begin, end], ink, 3);
            head(canvas, begin, end, ink);
        }
    }

    /// When clients did what, where there is room.
    fn stamps(&self, canvas: &Canvas<'_>) {
        let mut free = MARGIN + NAMES;
        let clients = self
            .inside()
            .filter(|placed| placed.look == Look::Client && placed.x0 >= self.from);
        for placed in clients {
            let x = self.x(placed.x0);
            if x < free {
                continue;
            }
            let text = match placed.at_ns {
                0 => "0".to_owned(),
                ns => format::time(ns as f64),
            };
            canvas.text((x, self.top + STAMPS / 2), Held::Left, soft(SMALL), &text);
            free = x + width(&text, soft(SMALL)) + 24;
        }
    }
}

/// The head of an arrow.
fn head(canvas: &Canvas<'_>, from: (i32, i32), to: (i32, i32), ink: RGBColor) {
    let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let corner = |side: f64| {
        let (x, y) = (
            f64::from(to.0) - 15.0 * ux - side * uy,
            f64::from(to.1) - 15.0 * uy + side * ux,
        );
        (x.round() as i32, y.round() as i32)
    };
    canvas.polygon(&[to, corner(7.0), corner(-7.0)], ink);
}

/// A client's colour.
fn colour(client: &str) -> RGBColor {
    let number: usize = client.trim_start_matches('c').parse().unwrap_or(1);
    COLOURS[number.saturating_sub(1) % COLOURS.len()]
}

/// What the signs mean.
fn legend(canvas: &Canvas<'_>, y: i32) {
    let mut x = MARGIN;
    let say = |x: &mut i32, words: &str| {
        canvas.text((*x, y), Held::Left, plain(SMALL), words);
        *x += width(words, plain(SMALL)) + 44;
    };
    let ink = colour("c1");
    canvas.fill(x, y - 15, x + 40, y + 15, tint(ink, 78));
    canvas.outline(x, y - 15, x + 40, y + 15, ink, 2);
    x += 52;
    say(&mut x, "a call, in its client's colour");
    canvas.fill(x, y - 13, x + 40, y + 13, tint(SOFT, 90));
    canvas.line(&[(x, y - 13), (x + 40, y - 13)], CROWD, 2);
    canvas.line(&[(x, y + 13), (x + 40, y + 13)], CROWD, 2);
    x += 52;
    say(&mut x, "asleep in a call");
    canvas.line(&[(x, y), (x + 40, y)], SOFT, 2);
    x += 52;
    say(&mut x, "its own code");
    canvas.line(&[(x, y), (x + 40, y)], INK, 3);
    head(canvas, (x, y), (x + 40, y), INK);
    x += 52;
    say(&mut x, "reaches, wakes, begins");
    canvas.fill(x, y - 15, x + 40, y + 15, tint(SOFT, 92));
    canvas.outline(x, y - 15, x + 40, y + 15, SOFT, 1);
    canvas.text((x + 20, y), Held::Middle, plain(SMALL), "+n");
    x += 52;
    say(&mut x, "n calls of housekeeping");
}
