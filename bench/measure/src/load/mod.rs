//! The load generator: one thread, event-driven, pinned away from the servers, every byte verified.
//!
//! It is told a block's whole plan at once and loads one lane at a time; nobody else learns of a slice's
//! edges. Goal: no dearer than a C generator that verifies nothing. Non-goal: HTTP, or any protocol but echo.

mod clock;
mod connection;
mod lane;

use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use crate::frame;
use crate::protocol::{Measured, Tally, Target};
use lane::Lane;

/// The lanes of a block, from `connect` to `close`.
#[derive(Debug, Default)]
pub struct Loader {
    lanes: Vec<Lane>,
    buffer: Vec<u8>,
}

impl Loader {
    /// Connects to every target and waits for first answers; whom nobody has answered for a second stays
    /// unserved. The waits of all targets overlap.
    pub fn connect(&mut self, targets: Vec<Target>) -> Vec<Tally> {
        self.buffer = vec![0; connection::STRETCH];
        self.lanes.clear();
        for target in targets {
            match Lane::new(target) {
                Ok(mut lane) => {
                    lane.open(&mut self.buffer);
                    self.lanes.push(lane);
                }
                Err(errno) => {
                    let problem = Some(format!("epoll_create1: {}", errno.desc()));
                    return vec![Tally {
                        problem,
                        ..Tally::default()
                    }];
                }
            }
        }
        for lane in &mut self.lanes {
            lane.settle(&mut self.buffer);
        }
        self.tallies()
    }

    /// One solid, unrecorded stretch for each lane: caches, branch predictors and compilers settle.
    pub fn warm_up(&mut self, length_ns: u64) -> Vec<Tally> {
        for lane in &mut self.lanes {
            if deserted() {
                break;
            }
            lane.stretch(length_ns, None, &mut self.buffer);
        }
        self.tallies()
    }

    /// A slice for each entry of `order`, of the lane that it names.
    pub fn slices(&mut self, order: &[u16], length_ns: u64) -> Vec<Tally> {
        let origin = clock::now_ns();
        for &index in order {
            if deserted() {
                break;
            }
            if let Some(lane) = self.lanes.get_mut(usize::from(index)) {
                lane.stretch(length_ns, Some(origin), &mut self.buffer);
            }
        }
        self.tallies()
    }

    /// Closes every connection and says what was measured.
    pub fn close(&mut self) -> Vec<Measured> {
        let resident_bytes = procfs::process::Process::myself()
            .and_then(|process| process.status())
            .map_or(0, |status| status.vmrss.unwrap_or(0) * 1024);
        let mut measured: Vec<Measured> = self.lanes.drain(..).map(Lane::close).collect();
        for measured in &mut measured {
            measured.generator.resident_bytes = resident_bytes;
        }
        measured
    }

    fn tallies(&self) -> Vec<Tally> {
        self.lanes.iter().map(Lane::tally).collect()
    }
}

/// Whether standard input, the lifeline, has ended: while a request is carried out nobody speaks on it.
fn deserted() -> bool {
    frame::wait_readable(&[io::stdin().as_fd()], Some(Instant::now())).is_ok_and(|ready| ready[0])
}
