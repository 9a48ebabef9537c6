//! Where in its lane each event of a part stands. Time runs to the right and decides the order of everything; how
//! wide a thing is, its name decides. Calls do not overlap unless they did, sleepers lie under what others do.

use std::collections::HashMap;

use record::Trace;
use record::trace::MomentKind;

use super::events::{Event, What, asleep_at, origin};
use super::parts::Part;
use super::words;
use crate::charts::canvas::{SMALL, plain, width};

/// Between two boxes, and between two instants.
const STEP: i32 = 6;
/// On either side of a box's text.
const PADDING: i32 = 10;
/// No box is wider for its text.
const WIDEST: i32 = 420;

/// How a box looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// What a client does or sees.
    Client,
    /// In the kernel.
    Call,
    /// Asleep in the kernel.
    Asleep,
    /// Calls that serve no client.
    Aside,
    /// A birth, an end, a signal.
    Mark,
}

/// A box, in its part's own measure: 0 is the part's beginning.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// By place in [`Layout::lanes`].
    pub lane: usize,
    /// Left edge.
    pub x0: i32,
    /// Right edge.
    pub x1: i32,
    /// How it looks.
    pub look: Look,
    /// Two lines.
    pub text: (String, String),
    /// The client that it is about.
    pub client: Option<String>,
    /// When it began, after the part's beginning.
    pub at_ns: u64,
}

/// From one box to the beginning of another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrow {
    /// Where it comes from.
    pub from: usize,
    /// Where it leads.
    pub to: usize,
}

/// A part, laid out.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Clients, then tasks.
    pub lanes: Vec<String>,
    /// In the order of their beginnings.
    pub boxes: Vec<Placed>,
    /// Between them.
    pub arrows: Vec<Arrow>,
    /// Of each lane: from where to where there is somebody.
    pub lives: Vec<(i32, i32)>,
    /// Where it ends.
    pub width: i32,
}

/// An instant of an event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Instant {
    End,
    Begin,
}

/// Lays a part out.
pub(super) fn layout(trace: &Trace, part: &Part, events: &[Event], tasks: Vec<String>) -> Layout {
    let mut lanes = part.clients.clone();
    lanes.extend(tasks);
    let mut builder = Builder {
        trace,
        part,
        free: vec![0; lanes.len()],
        asleep: vec![None; lanes.len()],
        boxes_of: HashMap::new(),
        begins: vec![0; lanes.len()],
        ends: vec![None; lanes.len()],
        layout: Layout {
            lanes,
            ..Layout::default()
        },
        now: 0,
    };
    builder.already_asleep();
    let mut instants: Vec<(u64, Instant, usize)> = Vec::new();
    for (at, event) in events.iter().enumerate() {
        instants.push((event.at_ns, Instant::Begin, at));
        // What is aside is no longer than its name.
        if event.to_ns > event.at_ns && !matches!(event.what, What::Aside(_)) {
            instants.push((event.to_ns, Instant::End, at));
        }
    }
    instants.sort_by_key(|(at_ns, instant, at)| (*at_ns, *instant, *at));
    for (_, instant, at) in instants {
        match instant {
            Instant::Begin => builder.begin(at, &events[at]),
            Instant::End => builder.end(at),
        }
    }
    builder.finish(events)
}

struct Builder<'a> {
    trace: &'a Trace,
    part: &'a Part,
    /// Up to where each lane is taken.
    free: Vec<i32>,
    /// The box in which a lane sleeps.
    asleep: Vec<Option<usize>>,
    /// By event.
    boxes_of: HashMap<usize, usize>,
    begins: Vec<i32>,
    ends: Vec<Option<i32>>,
    layout: Layout,
    now: i32,
}

impl Builder<'_> {
    /// Who sleeps when the part begins.
    fn already_asleep(&mut self) {
        for lane in 0..self.layout.lanes.len() {
            let name = self.layout.lanes[lane].clone();
            match asleep_at(self.trace, &name, self.part.from_ns) {
                Some(true) => {
                    let from_ns = self.part.from_ns;
                    let inside = |call: &&record::trace::Call| {
                        call.task == name
                            && call.from_ns < from_ns
                            && call.to_ns.is_none_or(|to| to > from_ns)
                    };
                    let call = self.trace.calls.iter().find(inside);
                    let text = call.map(|call| call.name.clone()).unwrap_or_default();
                    self.asleep[lane] = Some(self.layout.boxes.len());
                    self.put(
                        lane,
                        0,
                        0,
                        Look::Asleep,
                        (text, "asleep".to_owned()),
                        None,
                        0,
                    );
                }
                Some(false) => {}
                None => self.begins[lane] = i32::MAX,
            }
        }
    }

    fn begin(&mut self, at: usize, event: &Event) {
        let Some(lane) = self
            .layout
            .lanes
            .iter()
            .position(|name| *name == event.lane)
        else {
            return;
        };
        let text = words::short(self.trace, event);
        let client = client(self.trace, event);
        let at_ns = event.at_ns.saturating_sub(self.part.from_ns);
        let look = match event.what {
            What::Moment(_) => Look::Client,
            What::Calls(_) | What::Wakes(_) => Look::Call,
            What::Sleeps(_) => Look::Asleep,
            What::Aside(_) => Look::Aside,
            What::Born(_) | What::Ends(_) | What::Signal(_) => Look::Mark,
        };
        let x0 = (self.now + STEP).max(self.free[lane] + STEP);
        if let Some(sleeper) = self.asleep[lane].take() {
            self.layout.boxes[sleeper].x1 = x0 - STEP / 2;
        }
        if matches!(event.what, What::Born(_)) {
            self.begins[lane] = x0;
        }
        let widest = [&text.0, &text.1].map(|line| width(line, plain(SMALL)));
        let wide = widest[0].max(widest[1]).min(WIDEST) + 2 * PADDING;
        self.boxes_of.insert(at, self.layout.boxes.len());
        if look == Look::Asleep {
            self.asleep[lane] = Some(self.layout.boxes.len());
        }
        match event.what {
            What::Ends(_) => self.ends[lane] = Some(x0 + wide),
            What::Moment(at) => match self.trace.clients[at].what {
                MomentKind::Connect => self.begins[lane] = x0,
                MomentKind::Close | MomentKind::Failed => self.ends[lane] = Some(x0 + wide),
                _ => {}
            },
            _ => {}
        }
        self.put(lane, x0, x0 + wide, look, text, client, at_ns);
        self.now = x0;
        self.free[lane] = x0 + wide;
        // An end that is not told is now: what comes after a wake-up comes after its box.
        if matches!(event.what, What::Wakes(_)) {
            self.now = x0 + wide / 2;
        }
    }

    fn end(&mut self, at: usize) {
        if let Some(placed) = self.boxes_of.get(&at).map(|at| &mut self.layout.boxes[*at]) {
            placed.x1 = placed.x1.max(self.now + STEP);
            self.now = placed.x1;
            self.free[placed.lane] = placed.x1;
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of a box")]
    fn put(
        &mut self,
        lane: usize,
        x0: i32,
        x1: i32,
        look: Look,
        text: (String, String),
        client: Option<String>,
        at_ns: u64,
    ) {
        self.layout.boxes.push(Placed {
            lane,
            x0,
            x1,
            look,
            text,
            client,
            at_ns,
        });
    }

    fn finish(mut self, events: &[Event]) -> Layout {
        // Whoever falls asleep at the end sleeps for ever: a glimpse of it will do.
        let ends = self.layout.boxes.iter().map(|placed| match placed.look {
            Look::Asleep => placed.x0 + 2 * STEP * STEP,
            _ => placed.x1 + STEP,
        });
        let last = ends.max().unwrap_or(0);
        self.layout.width = last;
        for sleeper in self.asleep.iter().flatten() {
            self.layout.boxes[*sleeper].x1 = last;
        }
        for (at, event) in events.iter().enumerate() {
            let Some(cause) = event.cause else { continue };
            let (lane, at_ns) = origin(self.trace, cause);
            // Of what happened at that instant, the first: a call is told before what came of it.
            let from = events.iter().position(|other| {
                other.lane == lane && other.at_ns <= at_ns && other.to_ns >= at_ns
            });
            let ends = [from, Some(at)].map(|at| at.and_then(|at| self.boxes_of.get(&at)).copied());
            if let [Some(from), Some(to)] = ends {
                self.layout.arrows.push(Arrow { from, to });
            }
        }
        let ends = self.ends.iter().map(|end| end.unwrap_or(last));
        self.layout.lives = self.begins.iter().copied().zip(ends).collect();
        self.layout
    }
}

/// The client that an event is about, if it is about one.
fn client(trace: &Trace, event: &Event) -> Option<String> {
    let known = |name: &String| trace.clients.iter().any(|moment| moment.client == *name);
    match &event.what {
        What::Moment(_) => Some(event.lane.clone()),
        What::Calls(at) | What::Wakes(at) | What::Sleeps(at) => {
            let call = &trace.calls[*at];
            let told = call
                .gave
                .iter()
                .chain(&call.got)
                .filter_map(|told| told.on.clone());
            let mut about: Vec<String> = call
                .on
                .iter()
                .chain(&call.made)
                .cloned()
                .chain(told)
                .filter(known)
                .collect();
            about.dedup();
            // Of several it is about none.
            (about.len() == 1).then(|| about.remove(0))
        }
        _ => None,
    }
}
