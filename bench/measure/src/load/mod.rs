//! The load generator: event-driven threads, pinned away from the servers, every byte verified.
//!
//! Goals: no dearer than a C generator that verifies nothing; a request is timed from when it was due; what
//! is asked, in connections, rates and requests, is what is done, to the unit. Non-goals: HTTP, or any
//! protocol but echo; io_uring, which was 0 to 5 % cheaper in trials, within their noise.
//!
//! | what | where |
//! |---|---|
//! | one client's conversation, and its requests on their way | `connection`, `flights` |
//! | one thread's connections | `lane` |
//! | when requests are due, and on which connection | `schedule`, `pool` |
//! | a slice; a window of any pace | `stretch`; `window` |
//! | what counts | `recorder` |
//! | the threads of one target | `team` |
//! | how often a thread changed its CPU | `moves` |

mod clock;
mod connection;
mod flights;
mod lane;
mod moves;
mod plan;
mod pool;
mod recorder;
mod schedule;
mod stretch;
mod team;
mod window;

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::frame;
use crate::protocol::{Measured, Tally};
use team::{Course, Team};

pub use clock::now_ns;
pub use plan::{LoadBin, LoadError, LoadPlan, Loaded, PATIENCE, Part, Span, Together};
pub use schedule::{Schedule, Share};

/// Descriptors that a process needs beside its connections.
pub const OTHER_DESCRIPTORS: u64 = 64;

/// Addresses that clients come from where connections are short; each has the host's range of ports to itself.
pub fn sources() -> Vec<Ipv4Addr> {
    (1..=8).map(|last| Ipv4Addr::new(127, 0, 1, last)).collect()
}

/// A warm-up follows another schedule than the window after it.
const WARM_UP_SEED: u64 = 0x57A4_0000_0000_0000;

/// Loads one target in this process: connects, proves each connection by an echo, warms up, loads, awaits
/// last replies. `tick` sees each tenth of a second soon after its end, on the calling thread.
///
/// # Errors
/// When the plan cannot be carried out here, or nobody answers.
pub fn load(
    plan: &LoadPlan,
    span: &Span,
    tick: &mut dyn FnMut(LoadBin),
) -> Result<Loaded, LoadError> {
    allow_descriptors(u64::from(plan.connections + plan.idle))?;
    let mut team = Team::new(plan).map_err(|errno| LoadError::System {
        what: "epoll_create1",
        error: errno.into(),
    })?;
    team.open();
    team.settle();
    let tally = team.tally();
    if tally.served == 0 {
        let nobody = "nobody got an answer within a second".to_owned();
        return Err(LoadError::NobodyServed {
            wrong: tally.requests.errors.contains_key("wrong"),
            problem: tally.problem.unwrap_or(nobody),
        });
    }
    if !span.warmup.is_zero() {
        let seed = plan.seed ^ WARM_UP_SEED;
        let course = Course {
            seed,
            ..Course::default()
        };
        team.window(nanos(span.warmup), course, &mut |_| {});
    }
    let course = Course {
        recorded: true,
        seed: plan.seed,
        limit: span.requests,
        able: None,
    };
    team.window(nanos(span.length), course, tick);
    let mut loaded = team.loaded();
    loaded.connections.served = tally.served;
    Ok(loaded)
}

/// Raises the soft limit of descriptors to the hard one, if that is enough.
fn allow_descriptors(connections: u64) -> Result<(), LoadError> {
    let system = |errno: nix::Error| LoadError::System {
        what: "the limit of descriptors",
        error: errno.into(),
    };
    let (_, limit) = getrlimit(Resource::RLIMIT_NOFILE).map_err(system)?;
    let needed = connections + OTHER_DESCRIPTORS;
    if needed > limit {
        return Err(LoadError::Descriptors {
            needed: connections as u32,
            limit,
            missing: needed - limit,
        });
    }
    setrlimit(Resource::RLIMIT_NOFILE, limit, limit).map_err(system)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn resident_bytes() -> u64 {
    procfs::process::Process::myself()
        .and_then(|process| process.status())
        .map_or(0, |status| status.vmrss.unwrap_or(0) * 1024)
}

/// The teams of a block, from `connect` to `close`: what an agent does.
#[derive(Debug, Default)]
pub struct Loader {
    teams: Vec<Team>,
    /// The latest beginning of a load that was recorded, after the instant that was agreed on.
    late_ns: u64,
}

impl Loader {
    /// Connects to every target and waits for first answers; whom nobody has answered for as long as the plan
    /// says stays unserved. The waits of all targets overlap.
    ///
    /// # Errors
    /// When this process may not open so many connections.
    pub fn connect(&mut self, plans: &[LoadPlan]) -> Result<Vec<Tally>, LoadError> {
        allow_descriptors(plans.iter().map(own_connections).sum())?;
        self.teams.clear();
        self.late_ns = 0;
        for plan in plans {
            let mut team = Team::new(plan).map_err(|errno| LoadError::System {
                what: "epoll_create1",
                error: errno.into(),
            })?;
            team.open();
            self.teams.push(team);
        }
        self.teams.iter_mut().for_each(Team::settle);
        Ok(self.tallies())
    }

    /// Solid, unrecorded load of each target: caches, branch predictors and compilers settle.
    pub fn warm_up(&mut self, length_ns: u64, seed: u64, together: &Together) -> Vec<Tally> {
        together.at_ns.map(clock::wait_until);
        for (index, team) in self.teams.iter_mut().enumerate() {
            if deserted() {
                break;
            }
            if team.is_full_speed() {
                team.stretch(length_ns, None);
            } else {
                let course = Course {
                    seed: seed ^ WARM_UP_SEED,
                    able: together.able.get(index).copied(),
                    ..Course::default()
                };
                team.window(length_ns, course, &mut |_| {});
            }
        }
        self.tallies()
    }

    /// A slice for each entry of `order`, of the target that it names.
    pub fn slices(&mut self, order: &[u16], length_ns: u64, together: &Together) -> Vec<Tally> {
        self.begin(together);
        let origin = together.origin_ns.unwrap_or_else(clock::now_ns);
        for &index in order.iter().take_while(|_| !deserted()) {
            if let Some(team) = self.teams.get_mut(usize::from(index)) {
                team.stretch(length_ns, Some(origin));
            }
        }
        self.tallies()
    }

    /// A recorded window of each target, one after another.
    pub fn window(&mut self, length_ns: u64, seed: u64, together: &Together) -> Vec<Tally> {
        self.begin(together);
        for (index, team) in self.teams.iter_mut().enumerate() {
            if deserted() {
                break;
            }
            let course = Course {
                recorded: true,
                seed,
                limit: None,
                able: together.able.get(index).copied(),
            };
            let mut bins = Vec::new();
            team.window(length_ns, course, &mut |bin| bins.push(bin));
            bins.iter().for_each(|bin| team.keep(bin));
        }
        self.tallies()
    }

    /// Closes every connection and says what was measured.
    pub fn close(&mut self) -> Vec<Measured> {
        let late_ns = self.late_ns;
        let measured = self.teams.drain(..).map(Team::close);
        measured.map(|it| Measured { late_ns, ..it }).collect()
    }

    fn begin(&mut self, together: &Together) {
        if let Some(at_ns) = together.at_ns {
            self.late_ns = self.late_ns.max(clock::wait_until(at_ns));
        }
    }

    fn tallies(&self) -> Vec<Tally> {
        self.teams.iter().map(Team::tally).collect()
    }
}

/// How many this process is to open, of a plan's.
fn own_connections(plan: &LoadPlan) -> u64 {
    let (all, idle) = (u64::from(plan.connections), u64::from(plan.idle));
    let Some(part) = plan.part else {
        return all + idle;
    };
    let lanes = part.threads.index..part.threads.index + plan.threads.max(1);
    let own = |index| {
        Share {
            index,
            ..part.threads
        }
        .part(all)
    };
    lanes.map(own).sum::<u64>() + part.hosts.part(idle)
}

/// Whether standard input, the lifeline, has ended: while a request is carried out nobody speaks on it.
fn deserted() -> bool {
    frame::wait_readable(&[io::stdin().as_fd()], Some(Instant::now())).is_ok_and(|ready| ready[0])
}
