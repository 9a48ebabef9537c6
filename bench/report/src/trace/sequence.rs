//! The sequence: a line an event, in 80 columns. On its left a lane for the clients and one for each task that
//! does anything, on its right who does what.

use std::collections::HashMap;

use record::Trace;

use super::events::{Event, What, asleep_at, events, origin, signature};
use super::parts::{Part, parts};
use super::slowed::slowed;
use super::wakes::wakes;
use super::words;
use crate::conditions;
use crate::terminal::text::{COLUMNS, wrap_to};

/// The lane of all clients.
const CLIENTS: &str = "C";
/// Lanes that leave room for words.
const MOST_LANES: usize = 10;
/// A pause that is shown as one.
const PAUSE_NS: u64 = 1_000_000;

/// A trace as text.
pub fn trace_text(trace: &Trace) -> String {
    let wakes = wakes(trace);
    let mut lines = head(trace);
    let mut drawn: Vec<(String, Vec<String>)> = Vec::new();
    for part in parts(trace) {
        let events = events(trace, &wakes, &part);
        let signature = signature(trace, &events);
        let who = words::names(&part.clients);
        lines.push(String::new());
        if let Some((like, _)) = drawn.iter().find(|(_, known)| *known == signature) {
            lines.push(format!("{who}: the same calls as {like}"));
            continue;
        }
        let how = match part.clients.len() {
            1 => "alone",
            _ => "at once",
        };
        lines.push(format!("{who}, {how}"));
        lines.extend(Sequence::of(trace, &part, &events).lines(&events));
        drawn.push((who, signature));
    }
    lines.extend(foot(trace));
    lines.join("\n") + "\n"
}

fn head(trace: &Trace) -> Vec<String> {
    let title = format!(
        "{}: {}, one after another, then all at once",
        trace.contender,
        words::load(trace)
    );
    let mut lines = wrap_to(&title, COLUMNS);
    lines.push(String::new());
    let mut say = |text: &str| lines.extend(wrap_to(text, COLUMNS));
    say(&format!("{}.", words::startup(trace)));
    say(&format!("{}.", slowed(trace)));
    say(&format!(
        "{}; fiveways {}.",
        conditions::machine(&trace.host),
        trace.version
    ));
    lines.push(String::new());
    lines.push(
        "┃ runs   ┊ asleep   ● does   ○ falls asleep   ─▶ reaches, wakes or begins".to_owned(),
    );
    lines.push("C the clients; µs since the part began; (…) housekeeping".to_owned());
    lines
}

fn foot(trace: &Trace) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(cause) = &trace.cause {
        lines.push(String::new());
        lines.extend(wrap_to(
            &format!("It did not go well: {}", cause.text),
            COLUMNS,
        ));
    }
    if trace.truncated {
        lines.push("More was called than is kept.".to_owned());
    }
    lines
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Runs,
    Asleep,
}

/// One part's lanes, and how they stand.
struct Sequence<'a> {
    trace: &'a Trace,
    part: &'a Part,
    /// In columns.
    lanes: Vec<String>,
    width: usize,
    states: HashMap<String, State>,
    /// Clients that are connected.
    here: usize,
}

impl<'a> Sequence<'a> {
    fn of(trace: &'a Trace, part: &'a Part, events: &[Event]) -> Self {
        let busy = busy(trace, events);
        let state = |name: &String| {
            let state = match asleep_at(trace, name, part.from_ns) {
                None => State::Absent,
                Some(true) => State::Asleep,
                Some(false) => State::Runs,
            };
            (name.clone(), state)
        };
        let states = busy.iter().map(state).collect();
        let widest = busy.iter().map(|name| name.len()).max().unwrap_or(2);
        let mut lanes = vec![CLIENTS.to_owned()];
        lanes.extend(busy.into_iter().take(MOST_LANES));
        Sequence {
            trace,
            part,
            width: (widest + 1).clamp(3, 6).min(46 / lanes.len()).max(3),
            lanes,
            states,
            here: 0,
        }
    }

    fn lines(mut self, events: &[Event]) -> Vec<String> {
        let idle = idle(self.trace, self.part, &self.lanes);
        let mut lines = Vec::new();
        if !idle.is_empty() {
            let text = format!("asleep all the while: {}", words::names(&idle));
            lines.extend(wrap_to(&text, COLUMNS));
        }
        let names: String = self
            .lanes
            .iter()
            .map(|name| format!("{name:<width$}", width = self.width))
            .collect();
        lines.push(format!("     µs  {}", names.trim_end()));
        let mut last_ns = self.part.from_ns;
        for event in events {
            if event.at_ns > last_ns + PAUSE_NS {
                lines.push(format!("         {}", self.graph(None).trim_end()));
            }
            last_ns = event.at_ns.max(event.to_ns);
            self.line(event, &mut lines);
        }
        lines
    }

    fn line(&mut self, event: &Event, lines: &mut Vec<String>) {
        let client = matches!(event.what, What::Moment(_));
        let lane = if client { CLIENTS } else { event.lane.as_str() };
        let from = event.cause.map(|cause| origin(self.trace, cause).0);
        let from = from.map(|from| {
            if self.part.clients.iter().any(|it| it == from) {
                CLIENTS
            } else {
                from
            }
        });
        if matches!(event.what, What::Born(_)) {
            self.states.insert(event.lane.clone(), State::Runs);
        }
        let graph = self.graph(Some((lane, mark(event), from)));
        let micros = event.at_ns.saturating_sub(self.part.from_ns) / 1000;
        let text = format!("{} {}", event.lane, words::sentence(self.trace, event));
        let left = 9 + self.width * self.lanes.len();
        let mut text = wrap_to(&text, COLUMNS - left).into_iter();
        lines.push(format!(
            "{micros:>7}  {graph}{}",
            text.next().unwrap_or_default()
        ));
        self.go_on(event);
        lines.extend(text.map(|more| format!("         {}{more}", self.graph(None))));
    }

    fn go_on(&mut self, event: &Event) {
        let mut is = |state: State| {
            self.states.insert(event.lane.clone(), state);
        };
        match &event.what {
            What::Sleeps(_) => is(State::Asleep),
            What::Ends(_) => is(State::Absent),
            What::Moment(at) => match self.trace.clients[*at].what {
                record::trace::MomentKind::Connect => self.here += 1,
                record::trace::MomentKind::Close | record::trace::MomentKind::Failed => {
                    self.here = self.here.saturating_sub(1);
                }
                _ => {}
            },
            _ => is(State::Runs),
        }
    }

    /// The lanes as they stand, with a mark in one and an arrow to it.
    fn graph(&self, event: Option<(&str, char, Option<&str>)>) -> String {
        let rest = |name: &String| match self.states.get(name) {
            _ if name == CLIENTS && self.here > 0 => '│',
            _ if name == CLIENTS => ' ',
            Some(State::Runs) => '┃',
            Some(State::Asleep) => '┊',
            _ => ' ',
        };
        let mut cells: Vec<char> = Vec::new();
        for name in &self.lanes {
            cells.push(rest(name));
            cells.extend(std::iter::repeat_n(' ', self.width - 1));
        }
        let column =
            |wanted: &str| Some(self.lanes.iter().position(|name| name == wanted)? * self.width);
        let Some((lane, mark, from)) = event else {
            return cells.into_iter().collect();
        };
        let to = column(lane);
        if let (Some(to), Some(from)) = (to, from.and_then(column))
            && to != from
        {
            arrow(&mut cells, from, to);
        }
        if let Some(to) = to {
            cells[to] = mark;
        }
        cells.into_iter().collect()
    }
}

fn arrow(cells: &mut [char], from: usize, to: usize) {
    let (low, high) = (from.min(to), from.max(to));
    for cell in &mut cells[low + 1..high] {
        *cell = match *cell {
            ' ' => '─',
            _ => '┼',
        };
    }
    if from < to {
        cells[from] = '├';
        cells[to - 1] = '▶';
    } else {
        cells[from] = '┤';
        cells[to + 1] = '◀';
    }
}

fn mark(event: &Event) -> char {
    match event.what {
        What::Sleeps(_) => '○',
        What::Aside(_) => '·',
        What::Ends(_) => '╳',
        What::Signal(_) => '!',
        _ => '●',
    }
}

/// Tasks that do anything in these events, in the order of their births.
pub(super) fn busy(trace: &Trace, events: &[Event]) -> Vec<String> {
    let does = |name: &str| {
        let mut own = events.iter().filter(|event| event.lane == name);
        own.any(|event| !matches!(event.what, What::Sleeps(_) | What::Aside(_)))
    };
    let tasks = trace.tasks.iter().filter(|task| does(&task.name));
    tasks.map(|task| task.name.clone()).collect()
}

/// Tasks that sleep all the time, and have no lane.
pub(super) fn idle(trace: &Trace, part: &Part, lanes: &[String]) -> Vec<String> {
    let sleeps =
        |name: &String| !lanes.contains(name) && asleep_at(trace, name, part.from_ns) == Some(true);
    let names = trace.tasks.iter().map(|task| task.name.clone());
    names.filter(sleeps).collect()
}
