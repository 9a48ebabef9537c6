//! Workers that are processes: made in advance, and made again when one is gone.
//!
//! One that leaves (exit status 0, or [`tally::leave`] while it finishes what it has) is replaced at once.
//! One that dies is replaced after a pause that grows from 100 ms to 5 s for as long as workers die young:
//! a worker that cannot live must not make its parent spin. After QUIT nobody is replaced.
//!
//! It pays a descriptor that is readable when there is something to tend, so that a parent with other things
//! to do can wait for it along with them. SIGCHLD is blocked and read as data, never ignored.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::patience;
use crate::signals;
use crate::sys::{self, Fork};
use crate::tally;

/// Between two replacements of workers that died, at least and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// A worker that dies sooner has hardly worked.
const YOUNG: Duration = Duration::from_secs(1);

/// The workers of a parent that has a single thread.
pub struct Crew {
    /// By place.
    workers: Vec<Option<Worker>>,
    /// Places to fill: at once, and with pauses.
    vacant: Vec<usize>,
    mourned: Vec<usize>,
    /// Children that are not reaped, those that leave included.
    living: usize,
    pause: Duration,
    not_before: Instant,
    deaths: SignalFd,
    alarm: TimerFd,
    armed: bool,
    news: Epoll,
}

struct Worker {
    pid: Pid,
    born: Instant,
}

/// Keeps `workers` processes that call `work` with their place, until QUIT has ended them all.
///
/// # Errors
/// Those of the calls that watch over children.
pub fn keep(workers: usize, work: impl Fn(usize)) -> io::Result<()> {
    let mut crew = Crew::of(workers)?;
    while crew.tend(|place| start(place, || work(place)))? {
        crew.wait()?;
    }
    Ok(())
}

/// Forks the worker of a place: it calls `work`, and leaves when that returns.
///
/// # Errors
/// Those of `fork`.
pub fn start(place: usize, work: impl FnOnce()) -> io::Result<Pid> {
    match sys::fork()? {
        Fork::Parent(worker) => Ok(worker),
        Fork::Child => {
            let _ = sigchld().thread_unblock();
            tally::work_at(place);
            work();
            sys::exit_now(0);
        }
    }
}

/// A worker's `accept`, until it has accepted so many: then it leaves, and finishes what it has. Errors: those
/// of `accept`; EINVAL, as at the end of a listener, once it has left.
pub fn until_recycled<T>(
    most: usize,
    mut accept: impl FnMut() -> io::Result<T>,
) -> impl FnMut() -> io::Result<T> {
    let mut left = most;
    move || {
        if left == 0 {
            return Err(Errno::EINVAL.into());
        }
        let connection = accept()?;
        left -= 1;
        if left == 0 {
            tally::leave();
        }
        Ok(connection)
    }
}

impl Crew {
    /// One with all places vacant.
    ///
    /// # Errors
    /// Those of `signalfd`, `timerfd_create` and `epoll_create1`.
    pub fn of(workers: usize) -> io::Result<Self> {
        let signals = sigchld();
        signals.thread_block()?;
        let deaths =
            SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let alarm = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        let news = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for source in [deaths.as_fd(), alarm.as_fd()] {
            news.add(source, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        }
        Ok(Crew {
            workers: (0..workers).map(|_| None).collect(),
            vacant: (0..workers).rev().collect(),
            mourned: Vec::new(),
            living: 0,
            pause: PAUSES.0,
            not_before: Instant::now(),
            deaths,
            alarm,
            armed: false,
            news,
        })
    }

    /// Reaps who has ended and fills places by `start`; false once QUIT has ended all.
    ///
    /// # Errors
    /// Those of `timerfd_settime`.
    pub fn tend(&mut self, start: impl FnMut(usize) -> io::Result<Pid>) -> io::Result<bool> {
        let mut calm = !self.armed && self.vacant.is_empty();
        // Whatever was read is seen below: one signal may stand for several children.
        while matches!(self.deaths.read_signal(), Ok(Some(_))) {
            calm = false;
        }
        if calm && !signals::quitting() {
            return Ok(true);
        }
        self.disarm();
        self.reap();
        if tally::somebody_leaves() {
            for place in (0..self.workers.len()).filter(|&place| tally::leaves(place)) {
                // One that has ended since has left its place already.
                if self.workers[place].take().is_some() {
                    self.vacant.push(place);
                }
            }
        }
        if signals::quitting() {
            return Ok(self.living > 0);
        }
        self.fill(start)?;
        Ok(true)
    }

    /// Waits until there is something to tend, or a signal came.
    ///
    /// # Errors
    /// Those of `epoll_wait`.
    pub fn wait(&self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 2];
        match self.news.wait(&mut events, EpollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn reap(&mut self) {
        let any = Pid::from_raw(-1);
        while let Ok(ended) = waitpid(any, Some(WaitPidFlag::WNOHANG)) {
            let (pid, died) = match ended {
                WaitStatus::Exited(pid, status) => (pid, status != 0),
                WaitStatus::Signaled(pid, ..) => (pid, true),
                _ => break,
            };
            self.living -= 1;
            let has = |worker: &Option<Worker>| worker.as_ref().is_some_and(|it| it.pid == pid);
            // One that left has its place no more.
            let Some(place) = self.workers.iter().position(has) else {
                continue;
            };
            let worker = self.workers[place].take();
            tally::bury(place, died && !signals::quitting());
            if !died {
                self.vacant.push(place);
                continue;
            }
            self.mourned.push(place);
            if worker.is_some_and(|worker| worker.born.elapsed() >= YOUNG) {
                self.pause = PAUSES.0;
            }
        }
    }

    fn fill(&mut self, mut start: impl FnMut(usize) -> io::Result<Pid>) -> io::Result<()> {
        while let Some((place, mourned)) = self.next_place() {
            match start(place) {
                Ok(pid) => {
                    let born = Instant::now();
                    self.workers[place] = Some(Worker { pid, born });
                    self.living += 1;
                    let places = if mourned {
                        &mut self.mourned
                    } else {
                        &mut self.vacant
                    };
                    places.pop();
                    if mourned {
                        self.not_before = born + self.pause;
                        self.pause = (2 * self.pause).min(PAUSES.1);
                    }
                }
                Err(error) => {
                    patience::say_once("fork a worker", &error);
                    return self.wake_in(patience::PAUSE);
                }
            }
        }
        match self.mourned.is_empty() {
            true => Ok(()),
            false => self.wake_in(self.not_before.saturating_duration_since(Instant::now())),
        }
    }

    /// A place to fill now, and whether somebody died there.
    fn next_place(&self) -> Option<(usize, bool)> {
        let mourned = self
            .mourned
            .last()
            .filter(|_| self.not_before <= Instant::now());
        let vacant = self.vacant.last().map(|&place| (place, false));
        vacant.or(mourned.map(|&place| (place, true)))
    }

    fn wake_in(&mut self, time: Duration) -> io::Result<()> {
        // Zero would mean never.
        let time = TimeSpec::from_duration(time.max(Duration::from_millis(1)));
        let once = Expiration::OneShot(time);
        self.armed = true;
        Ok(self.alarm.set(once, TimerSetTimeFlags::empty())?)
    }

    fn disarm(&mut self) {
        if std::mem::take(&mut self.armed) {
            // It stays armed at worst: then this is called once more.
            let _ = self.alarm.unset();
        }
    }
}

impl AsFd for Crew {
    /// Readable when there is something to tend.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.news.0.as_fd()
    }
}

fn sigchld() -> SigSet {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals
}
