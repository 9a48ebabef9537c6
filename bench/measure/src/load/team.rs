//! A team: the threads that load one target together, and what they measured, put together again.
//!
//! Connections, rates and numbers of requests are split so that the parts sum to exactly what was asked;
//! histograms are merged without loss.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread::ScopedJoinHandle;

use record::{Encoded, Generator, Slice, Workload};

use super::clock::now_ns;
use super::connection::STRETCH;
use super::lane::Lane;
use super::plan::{LoadBin, LoadPlan, Loaded};
use super::schedule::Share;
use super::stretch::{Stretch, stretch};
use super::window::{Ended, Window, window};
use crate::protocol::{Measured, Tally};

/// The lanes of one target, a thread each.
#[derive(Debug)]
pub struct Team {
    plan: LoadPlan,
    lanes: Vec<(Lane, Vec<u8>)>,
    /// Who stays and says nothing beside those who are loaded.
    bystanders: Option<Lane>,
    measured: Measured,
    loaded: Loaded,
}

/// How a window goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Course {
    /// Whether it is recorded.
    pub recorded: bool,
    /// From which the schedule follows.
    pub seed: u64,
    /// Requests, at most.
    pub limit: Option<u64>,
    /// Which of the threads that can carry a rate are this team's, where several teams carry it.
    pub able: Option<Share>,
}

impl Team {
    /// A team with no connection open yet.
    ///
    /// # Errors
    /// When epoll_create1(2) is refused.
    pub fn new(plan: &LoadPlan) -> nix::Result<Self> {
        // A thread without a connection would have nothing to do with its share of a rate.
        let alone = Share {
            index: 0,
            of: plan.threads.clamp(1, plan.connections.max(1)),
        };
        let (first, own) = match plan.part {
            Some(part) => (part.threads, plan.threads.max(1)),
            None => (alone, alone.of),
        };
        let lane = |index| {
            let share = Share {
                index: first.index + index,
                ..first
            };
            Ok((Lane::new(plan, share)?, vec![0; STRETCH]))
        };
        Ok(Team {
            lanes: (0..own).map(lane).collect::<nix::Result<_>>()?,
            bystanders: bystanders(plan)?,
            plan: plan.clone(),
            measured: Measured::default(),
            loaded: Loaded::default(),
        })
    }

    /// Opens all connections, each with a first request.
    pub fn open(&mut self) {
        if let Some(lane) = &mut self.bystanders {
            lane.open(&mut self.lanes[0].1);
        }
        self.on_each(|lane, buffer| lane.open(buffer));
    }

    /// Waits for first answers; says who goes without.
    pub fn settle(&mut self) {
        if let Some(lane) = &mut self.bystanders {
            lane.settle(&mut self.lanes[0].1);
        }
        self.on_each(|lane, buffer| lane.settle(buffer));
    }

    /// Looks whether anybody who says nothing was hung up on meanwhile.
    fn look_after_bystanders(&mut self) {
        if let Some(lane) = &mut self.bystanders {
            while lane.turn(0, &mut self.lanes[0].1) {}
        }
    }

    /// How the target stands.
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for (lane, _) in &self.lanes {
            sum.served += lane.served();
            sum.able += u32::from(lane.served() > 0);
            sum.add(&lane.tally);
        }
        if let Some(lane) = &self.bystanders {
            sum.idle = lane.served();
            sum.add(&lane.tally);
        }
        sum
    }

    /// A closed loop at full speed; with `origin_ns` a slice that is kept, its start told from there.
    pub fn stretch(&mut self, length_ns: u64, origin_ns: Option<u64>) {
        let start_ns = now_ns();
        let stretches = self.on_each(|lane, buffer| {
            stretch(lane, (start_ns, length_ns), origin_ns.is_some(), buffer)
        });
        let sum = |of: fn(&Stretch) -> u64| stretches.iter().map(of).sum::<u64>();
        if let Some(origin_ns) = origin_ns {
            let cpu_ns = sum(|one| one.cpu_ns);
            self.measured.slices.push(Slice {
                start_ns: start_ns.saturating_sub(origin_ns),
                length_ns: length_ns - length_ns / 10,
                replies: sum(|one| one.counted),
                generator_cpu_ns: cpu_ns,
            });
            let generator = &mut self.measured.generator;
            generator.cpu_ns += cpu_ns;
            generator.migrations = added(
                generator.migrations,
                stretches.iter().map(|one| one.migrations),
            );
            generator.replies += sum(|one| one.replies);
            generator.loaded_ns += stretches.iter().map(|one| one.loaded_ns).max().unwrap_or(0);
        }
    }

    /// A window of any pace; `tick` sees its bins, on the calling thread.
    pub fn window(&mut self, length_ns: u64, course: Course, tick: &mut dyn FnMut(LoadBin)) {
        let Course {
            recorded,
            seed,
            limit,
            ..
        } = course;
        let from_ns = now_ns();
        let replies_before = self.tally().requests.ok;
        // Who has no connection can carry no part of a rate, or of a number of requests.
        let able = self.lanes.iter_mut().filter(|(lane, _)| lane.served() > 0);
        let mut able: Vec<_> = able.map(|(lane, buffer)| (lane, &mut buffer[..])).collect();
        let alone = Share {
            index: 0,
            of: able.len() as u32,
        };
        let whole = course.able.unwrap_or(alone);
        let span = |index| Window {
            from_ns,
            until_ns: from_ns.saturating_add(length_ns),
            recorded,
            seed,
            limit,
            share: Share {
                index: whole.index + index,
                ..whole
            },
        };
        let ends = match &mut able[..] {
            // On this very thread: a second one would share the table of descriptors, and every system call
            // on a socket then pays two atomic operations more.
            [(lane, buffer)] => vec![window(lane, &span(0), buffer, tick)],
            _ => on_threads(able, span, tick),
        };
        if recorded {
            let ended_ns = ends.iter().map(|end| end.at_ns).max().unwrap_or(from_ns);
            self.loaded.elapsed_ns = ended_ns - from_ns;
            self.loaded.generator_cpu_ns = ends.iter().map(|end| end.cpu_ns).sum();
            let generator = &mut self.measured.generator;
            generator.cpu_ns += self.loaded.generator_cpu_ns;
            generator.migrations =
                added(generator.migrations, ends.iter().map(|end| end.migrations));
            generator.loaded_ns += now_ns() - from_ns;
            generator.replies += self
                .lanes
                .iter()
                .map(|(lane, _)| lane.tally.requests.ok)
                .sum::<u64>()
                - replies_before;
        }
    }

    /// What was recorded, for the tool.
    pub fn loaded(mut self) -> Loaded {
        let tally = self.tally();
        let mut loaded = std::mem::take(&mut self.loaded);
        loaded.connections.asked = self.plan.connections;
        loaded.problem = tally.problem;
        loaded.resident_bytes = super::resident_bytes();
        for (lane, _) in &self.lanes {
            let recorder = &lane.recorder;
            add(&mut loaded.requests, &recorder.requests);
            loaded.replies += recorder.replies;
            loaded.clamped += recorder.clamped;
            // All histograms have the same bounds.
            let _ = loaded.service.add(&recorder.service);
            let _ = loaded
                .response
                .add(recorder.response.as_ref().unwrap_or(&recorder.service));
            for (sum, part) in [
                (&mut loaded.connect, &recorder.connect),
                (&mut loaded.lag, &recorder.lag),
            ] {
                if let Some(part) = part {
                    let _ = sum.add(part);
                }
            }
        }
        loaded
    }

    /// Closes every connection, the client first, and says what was measured.
    pub fn close(mut self) -> Measured {
        self.look_after_bystanders();
        let tally = self.tally();
        let mut measured = std::mem::take(&mut self.measured);
        let crr = self.plan.workload == Workload::Crr;
        let loaded = measured.generator.loaded_ns > 0;
        let open = self.lanes[0].0.recorder.lag.is_some();
        measured.generator = Generator {
            threads: self.lanes.len() as u32,
            sources: came_from(&self.plan),
            resident_bytes: super::resident_bytes(),
            ..measured.generator
        };
        let lanes = self.lanes.iter();
        measured.by_connection = lanes.flat_map(|(lane, _)| lane.by_connection()).collect();
        let asked = self.lanes.iter().map(|(lane, _)| lane.asked()).sum();
        let all = self.loaded();
        measured.generator.clamped = all.clamped;
        measured.tally = tally;
        measured.asked = asked;
        if loaded {
            measured.service = Some(Encoded::new(&all.service));
            measured.response = (crr || open).then(|| Encoded::new(&all.response));
            measured.connect = crr.then(|| Encoded::new(&all.connect));
            measured.lag = open.then(|| Encoded::new(&all.lag));
        }
        measured
    }

    /// Bins of the recorded window, for the record.
    pub fn keep(&mut self, bin: &LoadBin) {
        self.measured.bins.push(record::Bin {
            start_ns: bin.start_ns,
            length_ns: bin.length_ns,
            replies: bin.replies,
            errors: bin.errors,
            generator_cpu_ns: bin.generator_cpu_ns,
            response: Encoded::new(&bin.response),
            accept_queue: None,
            listen_overflows: None,
            listen_drops: None,
        });
    }

    /// Whether a warm-up is a stretch at full speed: a rate, or clients that think, are a window.
    pub fn is_full_speed(&self) -> bool {
        self.plan.pace == record::Pace::Closed && self.plan.think.is_zero()
    }

    /// The same on every lane, each in a thread of its own if there are several.
    fn on_each<T: Send>(&mut self, act: impl Fn(&mut Lane, &mut [u8]) -> T + Sync) -> Vec<T> {
        if let [(lane, buffer)] = &mut self.lanes[..] {
            return vec![act(lane, buffer)];
        }
        std::thread::scope(|threads| {
            let running: Vec<_> = self
                .lanes
                .iter_mut()
                .map(|(lane, buffer)| threads.spawn(|| act(lane, buffer)))
                .collect();
            running.into_iter().map(joined).collect()
        })
    }
}

/// The addresses that connections came from, and who closed them first.
fn came_from(plan: &LoadPlan) -> String {
    let sources: Vec<String> = plan.sources.iter().map(ToString::to_string).collect();
    let from = match (plan.target.ip().is_loopback(), sources.is_empty()) {
        (true, true) => "127.0.0.1".to_owned(),
        (true, false) => "127.0.1.1-8".to_owned(),
        (false, true) => "an address of the load host".to_owned(),
        (false, false) => format!("{} addresses of the load host", sources.len()),
    };
    format!("{from}, the client closes first")
}

/// A lane of those who stay and say nothing, numbered after the others.
fn bystanders(plan: &LoadPlan) -> nix::Result<Option<Lane>> {
    if plan.idle == 0 {
        return Ok(None);
    }
    let silent = LoadPlan {
        workload: Workload::Idle,
        pace: record::Pace::Closed,
        connections: plan.idle,
        enough: None,
        idle: 0,
        first_connection: plan.first_connection + u64::from(plan.connections),
        ..plan.clone()
    };
    let whole = Share { index: 0, of: 1 };
    Lane::new(&silent, plan.part.map_or(whole, |part| part.hosts)).map(Some)
}

/// A count and its further parts, if every part is known.
fn added(so_far: Option<u64>, parts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    parts
        .sum::<Option<u64>>()
        .map(|more| so_far.unwrap_or(0) + more)
}

impl Tally {
    /// Adds the requests of a lane, or of another generator, and what went wrong first.
    pub(crate) fn add(&mut self, lane: &Tally) {
        add(&mut self.requests, &lane.requests);
        count(&mut self.hit, &lane.hit);
        if self.problem.is_none() {
            self.problem.clone_from(&lane.problem);
        }
    }
}

fn add(sum: &mut record::Requests, part: &record::Requests) {
    sum.sent += part.sent;
    sum.ok += part.ok;
    count(&mut sum.errors, &part.errors);
}

/// Numbers by kind.
fn count(sum: &mut BTreeMap<String, u64>, part: &BTreeMap<String, u64>) {
    for (kind, number) in part {
        *sum.entry(kind.clone()).or_default() += number;
    }
}

/// A window of each lane, on a thread of its own.
fn on_threads(
    lanes: Vec<(&mut Lane, &mut [u8])>,
    span: impl Fn(u32) -> Window,
    tick: &mut dyn FnMut(LoadBin),
) -> Vec<Ended> {
    let of = lanes.len() as u32;
    let (told, bins) = mpsc::channel();
    std::thread::scope(|threads| {
        let running: Vec<_> = (0..of)
            .zip(lanes)
            .map(|(index, (lane, buffer))| {
                let (told, span) = (told.clone(), span(index));
                threads.spawn(move || {
                    // Nobody listens only when the calling thread has panicked.
                    let mut tell = |bin| drop(told.send((index, Some(bin))));
                    let ended = window(lane, &span, buffer, &mut tell);
                    drop(told.send((index, None)));
                    ended
                })
            })
            .collect();
        drop(told);
        put_together(bins, of, tick);
        running.into_iter().map(joined).collect()
    })
}

/// Bins of `of` threads, put together as soon as every thread that still runs has told its own; a thread
/// tells `None` at its end.
fn put_together(
    told: mpsc::Receiver<(u32, Option<LoadBin>)>,
    of: u32,
    tick: &mut dyn FnMut(LoadBin),
) {
    let mut open: BTreeMap<u64, LoadBin> = BTreeMap::new();
    let mut told_until = vec![None; of as usize];
    for (index, bin) in told {
        let until = bin.as_ref().map_or(u64::MAX, |bin| bin.start_ns);
        told_until[index as usize] = Some(until);
        if let Some(bin) = bin {
            let sum = open
                .entry(bin.start_ns)
                .or_insert_with(|| LoadBin::empty(bin.start_ns, 0));
            sum.length_ns = sum.length_ns.max(bin.length_ns);
            sum.replies += bin.replies;
            sum.errors += bin.errors;
            sum.generator_cpu_ns += bin.generator_cpu_ns;
            // Same bounds: nothing is lost.
            let _ = sum.response.add(&bin.response);
        }
        let Some(Some(complete)) = told_until.iter().min().copied() else {
            continue;
        };
        while let Some(first) = open.first_entry()
            && *first.key() <= complete
        {
            tick(first.remove());
        }
    }
}

/// The outcome of a thread; its panic goes on in the calling one: a part of a load that is lost silently
/// would be a wrong figure.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
