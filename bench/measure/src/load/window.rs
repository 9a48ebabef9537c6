//! A window: load of any pace from one instant to another, told in tenths of a second.
//!
//! Open loop: never early, and late by as little as a sleeping thread can be: it sleeps until shortly before
//! the next request is due and spins for the rest. (Timer slack is one nanosecond; on a virtual machine a
//! halted core wakes some tens of microseconds late.)

use std::cmp::Reverse;

use nix::sys::prctl::set_timerslack;

use super::clock::{now_ns, thread_cpu_ns};
use super::lane::Lane;
use super::moves::Moves;
use super::plan::LoadBin;
use super::recorder::Counting;
use super::schedule::{Schedule, Share};

/// The last stretch before a request is due, which is spun.
const SPIN_NS: u64 = 60_000;
/// Of a bin.
const BIN_NS: u64 = 100_000_000;
/// Between two looks for requests that have waited too long.
const LOOK_NS: u64 = 50_000_000;

/// From when to when, and what is due meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The first instant.
    pub from_ns: u64,
    /// No request is due from this instant on.
    pub until_ns: u64,
    /// Whether it is recorded.
    pub recorded: bool,
    /// From which the schedule follows.
    pub seed: u64,
    /// Requests over all threads.
    pub limit: Option<u64>,
    /// This thread's part.
    pub share: Share,
}

/// How a window went.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The end of the window or, if that was sooner, of the last of as many requests as were asked for.
    pub at_ns: u64,
    /// CPU time of this thread, awaiting the last replies included.
    pub cpu_ns: u64,
    /// How often this thread was moved from one CPU to another; `None` where the kernel does not tell.
    pub migrations: Option<u64>,
}

/// Loads a lane; `tick` gets each bin after its end.
pub fn window(
    lane: &mut Lane,
    window: &Window,
    buffer: &mut [u8],
    tick: &mut dyn FnMut(LoadBin),
) -> Ended {
    // Refused nowhere: a thread may always ask for less slack.
    let _ = set_timerslack(1);
    let mut running = Running::begin(lane, window);
    running.lane.begin_all(window.from_ns, buffer);
    loop {
        let now = now_ns();
        running.send_due(now, buffer);
        running.take_up_later(now, buffer);
        running.turn_of_bin(now, tick);
        if running.is_over(now) {
            break;
        }
        let patience = running.wake_ns(now).saturating_sub(now);
        running.lane.turn(patience, buffer);
    }
    running.end(tick)
}

struct Running<'a> {
    lane: &'a mut Lane,
    window: &'a Window,
    schedule: Schedule,
    bin_ends_ns: u64,
    begun_cpu_ns: u64,
    moves: Moves,
    bin_cpu_ns: u64,
    looked_ns: u64,
    ended_ns: u64,
}

impl<'a> Running<'a> {
    fn begin(lane: &'a mut Lane, window: &'a Window) -> Self {
        let span = (window.from_ns, window.until_ns);
        let limit = window.limit.unwrap_or(u64::MAX);
        lane.closes_ns = window.until_ns;
        lane.budget = window
            .limit
            .map_or(u64::MAX, |limit| window.share.part(limit));
        let members = lane.members().map(|index| index as u32);
        lane.pool.refill(members);
        if window.recorded {
            lane.recorder.counting = Counting::Dues(window.from_ns, window.until_ns);
            lane.recorder.bin = Some(LoadBin::empty(0, BIN_NS));
        }
        Running {
            schedule: Schedule::new(lane.plan.pace, window.seed, span, limit, window.share),
            lane,
            window,
            bin_ends_ns: window.from_ns + BIN_NS,
            moves: Moves::begin(),
            begun_cpu_ns: thread_cpu_ns(),
            bin_cpu_ns: thread_cpu_ns(),
            looked_ns: window.from_ns,
            ended_ns: window.until_ns,
        }
    }

    /// Requests that are due, each on the connection that has been free for longest.
    #[inline]
    fn send_due(&mut self, mut now: u64, buffer: &mut [u8]) {
        while let Some(due) = self.schedule.due()
            && due <= now
        {
            self.schedule.take();
            if let Some(index) = self.lane.pool.due(due) {
                now = now_ns();
                self.lane.recorder.late(now - due);
                self.lane.begin(index as usize, due);
                self.lane.flush(index as usize, buffer);
            }
        }
    }

    fn take_up_later(&mut self, now: u64, buffer: &mut [u8]) {
        while let Some(&Reverse((when, index))) = self.lane.later.peek()
            && when <= now
        {
            self.lane.later.pop();
            self.lane.take_up(index as usize, now, buffer);
        }
    }

    /// Closes bins whose time is over, and looks for requests that have waited too long.
    fn turn_of_bin(&mut self, now: u64, tick: &mut dyn FnMut(LoadBin)) {
        while now >= self.bin_ends_ns && self.lane.recorder.bin.is_some() {
            self.close_bin(self.bin_ends_ns, tick);
        }
        if now >= self.looked_ns + LOOK_NS {
            self.looked_ns = now;
            let timeout = u64::try_from(self.lane.plan.timeout.as_nanos()).unwrap_or(u64::MAX);
            self.lane.time_out(now.saturating_sub(timeout));
            if now >= self.window.until_ns.saturating_add(timeout) {
                self.lane.abandon_waiting();
            }
        }
    }

    fn close_bin(&mut self, end_ns: u64, tick: &mut dyn FnMut(LoadBin)) {
        let cpu_ns = thread_cpu_ns();
        if let Some(mut bin) = self.lane.recorder.bin.take() {
            bin.generator_cpu_ns = cpu_ns - self.bin_cpu_ns;
            bin.length_ns = end_ns - (self.window.from_ns + bin.start_ns);
            tick(bin);
        }
        self.bin_cpu_ns = cpu_ns;
        if end_ns < self.window.until_ns {
            let length = BIN_NS.min(self.window.until_ns - end_ns);
            self.bin_ends_ns = end_ns + length;
            self.lane.recorder.bin = Some(LoadBin::empty(end_ns - self.window.from_ns, length));
        }
    }

    fn is_over(&mut self, now: u64) -> bool {
        let idle = self.lane.busy == 0 && self.lane.pool.is_idle();
        let exhausted = self.window.limit.is_some()
            && self.schedule.due().is_none()
            && (self.lane.budget == 0 || self.lane.plan.pace != record::Pace::Closed);
        if idle && exhausted && now < self.window.until_ns {
            self.ended_ns = now;
            return true;
        }
        idle && now >= self.window.until_ns
    }

    /// The next instant at which something is to be done without an event.
    #[inline]
    fn wake_ns(&self, now: u64) -> u64 {
        let due = self.schedule.due().unwrap_or(u64::MAX);
        // Spun, when it is near; slept until it is.
        let due = if due < now + SPIN_NS {
            now
        } else {
            due - SPIN_NS
        };
        let later = self
            .lane
            .later
            .peek()
            .map_or(u64::MAX, |Reverse((when, _))| *when);
        let over = if now < self.window.until_ns {
            self.window.until_ns
        } else {
            now + LOOK_NS
        };
        let bin = match self.lane.recorder.bin {
            Some(_) => self.bin_ends_ns,
            None => u64::MAX,
        };
        due.min(later)
            .min(over)
            .min(bin)
            .min(self.looked_ns + LOOK_NS)
    }

    fn end(mut self, tick: &mut dyn FnMut(LoadBin)) -> Ended {
        if self.lane.recorder.bin.is_some() {
            self.close_bin(self.ended_ns, tick);
        }
        self.lane.recorder.bin = None;
        self.lane.recorder.counting = Counting::Nothing;
        self.lane.pool.drain();
        self.lane.forget_later();
        Ended {
            at_ns: self.ended_ns,
            cpu_ns: thread_cpu_ns() - self.begun_cpu_ns,
            migrations: self.moves.end(),
        }
    }
}
