//! Load hosts, as the harness knows them: what each is told so that all load together, and what the way to each is like.
//!
//! A load is split by threads, over the threads of all hosts, and so sums exactly. It begins at one instant, which each is
//! told in the time of its own clock: that clock's offset is found as NTP finds it, by the quickest of some questions.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use record::hosts::LoadHost as Entry;
use record::{Host, LoadPart, LoadedFrom};

use crate::bench::Bench;
use crate::client::{Agent, AgentError, hear_any, unexpected};
use crate::load::{Part, Share, Together, now_ns};
use crate::protocol::{OfHost, Reply, Request, Tally};

/// Questions about a clock, of which the one that was answered soonest tells most.
const QUESTIONS: u32 = 8;
/// Handshakes that are timed before each cell.
const ROUND_TRIPS: u32 = 10;
/// Before a common start, beside what the way takes: for those who pass messages on.
const LEAD: Duration = Duration::from_millis(2);

/// One of them.
#[derive(Debug)]
pub(crate) struct LoadHost {
    pub agent: Agent,
    /// `load-1`, `load-2` …
    pub name: String,
    pub host: Host,
    /// Whether it is the very machine of the servers.
    pub is_servers: bool,
    /// Logical CPUs of its generator, where the placement does not say.
    pub cpus: Option<Vec<usize>>,
    /// Addresses that its connections come from.
    pub sources: Vec<Ipv4Addr>,
    pub clock: Clock,
    /// Handshakes with the server's host, nanoseconds, or why there are none.
    pub round_trips: Result<Vec<u64>, String>,
}

/// A host's monotonic clock, as seen from the harness's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    /// It less the harness's.
    pub offset_ns: i64,
    /// By how much that may be wrong.
    pub error_ns: u64,
}

impl Clock {
    /// From when a question was asked, what was answered, and when the answer had come.
    fn of(asked_ns: u64, says_ns: u64, heard_ns: u64) -> Self {
        let middle = i128::from(asked_ns) + i128::from(heard_ns.saturating_sub(asked_ns) / 2);
        Clock {
            offset_ns: i64::try_from(i128::from(says_ns) - middle).unwrap_or(0),
            error_ns: heard_ns.saturating_sub(asked_ns).div_ceil(2),
        }
    }

    /// What it says when the harness's says this.
    fn at(self, harness_ns: u64) -> u64 {
        harness_ns.saturating_add_signed(self.offset_ns)
    }
}

impl LoadHost {
    /// The one of a bench on one machine.
    pub fn here(agent: Agent) -> Self {
        LoadHost {
            agent,
            name: "load-1".to_owned(),
            host: Host::default(),
            is_servers: true,
            cpus: None,
            sources: Vec::new(),
            clock: Clock::default(),
            round_trips: Ok(Vec::new()),
        }
    }

    pub fn new(name: String, agent: Agent, host: Host, is_servers: bool, entry: &Entry) -> Self {
        let all = || host.topology.iter().map(|cpu| cpu.cpu).collect();
        let cpus = if entry.cpus.is_empty() {
            all()
        } else {
            entry.cpus.clone()
        };
        LoadHost {
            name,
            is_servers,
            cpus: Some(cpus),
            host,
            sources: entry.sources.clone(),
            ..LoadHost::here(agent)
        }
    }

    /// What stands in a record of it, the load apart.
    pub fn recorded(&self) -> LoadPart {
        LoadPart {
            name: self.name.clone(),
            round_trips_ns: self.round_trips.clone().unwrap_or_default(),
            no_round_trips: self.round_trips.as_ref().err().cloned(),
            clock_offset_ns: self.clock.offset_ns,
            clock_error_ns: self.clock.error_ns,
            ..LoadPart::default()
        }
    }

    fn read_clock(&mut self) -> Result<(), AgentError> {
        let mut best: Option<Clock> = None;
        for _ in 0..QUESTIONS {
            let asked_ns = now_ns();
            let clock = match self.agent.ask(&Request::OfHost(OfHost::Clock))? {
                Reply::Clock(says_ns) => Clock::of(asked_ns, says_ns, now_ns()),
                other => return Err(unexpected(&other)),
            };
            if best.is_none_or(|best| clock.error_ns < best.error_ns) {
                best = Some(clock);
            }
        }
        self.clock = best.unwrap_or_default();
        Ok(())
    }

    fn walk(&mut self, to: SocketAddr) -> Result<(), AgentError> {
        let request = Request::OfHost(OfHost::RoundTrips {
            to,
            from: self.sources.first().copied(),
            times: ROUND_TRIPS,
        });
        self.round_trips = match self.agent.ask(&request) {
            Ok(Reply::RoundTrips(taken)) => Ok(taken),
            Err(AgentError::Refused(cause)) => Err(cause.text),
            Ok(other) => return Err(unexpected(&other)),
            Err(error) => return Err(error),
        };
        Ok(())
    }
}

/// One start for all: when that is, and what each load host is told of it.
pub(crate) struct Start {
    pub begins: Instant,
    /// The same, on the harness's clock.
    pub at_ns: u64,
    pub told: Vec<Together>,
}

impl Bench {
    /// Reads the clocks of load hosts, and times the way from each to the servers' host; nothing on one machine.
    ///
    /// # Errors
    /// When an agent is gone. What cannot be timed says why.
    pub fn look_at_ways(&mut self) -> Result<(), AgentError> {
        if !self.is_apart() {
            return Ok(());
        }
        let door = match self.servers.ask(&Request::OfHost(OfHost::OpenDoor)) {
            Ok(Reply::Door(port)) => Ok(SocketAddr::new(self.address, port)),
            Err(AgentError::Refused(cause)) => Err(cause.text),
            Ok(other) => return Err(unexpected(&other)),
            Err(error) => return Err(error),
        };
        for load in &mut self.load {
            load.read_clock()?;
            match &door {
                Ok(door) => load.walk(*door)?,
                Err(reason) => load.round_trips = Err(reason.clone()),
            }
        }
        match self.servers.ask(&Request::OfHost(OfHost::CloseDoor))? {
            Reply::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Load hosts that do not reach the servers' host, each with the reason.
    pub fn without_way(&self) -> Vec<String> {
        let reason = |load: &LoadHost| {
            Some(format!(
                "{}: {}",
                load.name,
                load.round_trips.as_ref().err()?
            ))
        };
        self.load.iter().filter_map(reason).collect()
    }

    /// Load hosts as they are recorded; none where the load is the servers' host's own.
    pub fn load_hosts(&self) -> Vec<LoadedFrom> {
        let loads = self.load.iter().filter(|_| self.is_apart());
        loads
            .map(|load| LoadedFrom {
                name: load.name.clone(),
                host: load.host.clone(),
                cpus: load.cpus.clone().unwrap_or_default(),
                is_servers: load.is_servers,
            })
            .collect()
    }

    /// The part of each load host, whose threads these are; none of one that loads alone.
    pub(crate) fn parts(threads: &[u32]) -> Vec<Option<Part>> {
        if threads.len() == 1 {
            return vec![None];
        }
        let (hosts, all) = (threads.len() as u32, threads.iter().sum());
        let mut before = 0;
        let part = |(host, own): (u32, &u32)| {
            let index = before;
            before += own;
            Some(Part {
                hosts: Share {
                    index: host,
                    of: hosts,
                },
                threads: Share { index, of: all },
            })
        };
        (0..).zip(threads).map(part).collect()
    }

    /// An instant that all load hosts will have been told before it comes. `stand` is how the targets stand with each of
    /// them, `origin_ns` where slices are told from, on the harness's clock.
    pub(crate) fn agree(&self, stand: &[Vec<Tally>], origin_ns: Option<u64>) -> Start {
        let begins = Instant::now();
        let at_ns = now_ns();
        if self.load.len() == 1 {
            return Start {
                begins,
                at_ns,
                told: vec![Together::default()],
            };
        }
        let slowest = self
            .load
            .iter()
            .map(|load| load.clock.error_ns)
            .max()
            .unwrap_or(0);
        let lead = LEAD + Duration::from_nanos(4 * slowest);
        let at_ns = at_ns + lead.as_nanos() as u64;
        let able = able(stand);
        let told = self.load.iter().enumerate().map(|(host, load)| Together {
            at_ns: Some(load.clock.at(at_ns)),
            origin_ns: Some(load.clock.at(origin_ns.unwrap_or(at_ns))),
            able: able.get(host).cloned().unwrap_or_default(),
        });
        Start {
            begins: begins + lead,
            at_ns,
            told: told.collect(),
        }
    }

    /// Tells each load host its request; the replies are still to be heard.
    pub(crate) fn tell_load(&mut self, requests: &[Request]) -> Result<(), AgentError> {
        let mut both = self.load.iter_mut().zip(requests);
        both.try_for_each(|(load, request)| load.agent.tell(request))
    }

    /// Hears what has come of load hosts within `patience`; true once each has replied. Whoever is lost meanwhile, the
    /// servers' agent too, is an error at once.
    pub(crate) fn hear_load(
        &mut self,
        heard: &mut [Option<Reply>],
        patience: Duration,
    ) -> Result<bool, AgentError> {
        let deadline = Instant::now() + patience;
        while heard.iter().any(Option::is_none) {
            let loads = self.load.iter_mut().map(|load| &mut load.agent);
            let mut agents: Vec<&mut Agent> =
                std::iter::once(&mut self.servers).chain(loads).collect();
            let left = deadline.saturating_duration_since(Instant::now());
            match hear_any(&mut agents, left)? {
                None => return Ok(false),
                Some((0, reply)) => return Err(unexpected(&reply)),
                Some((index, reply)) => heard[index - 1] = Some(reply),
            }
        }
        Ok(true)
    }

    /// Asks each load host its request, and hears all.
    pub(crate) fn ask_load(
        &mut self,
        requests: &[Request],
        patience: Duration,
    ) -> Result<Vec<Reply>, AgentError> {
        self.tell_load(requests)?;
        let mut heard: Vec<Option<Reply>> = requests.iter().map(|_| None).collect();
        if self.hear_load(&mut heard, patience)? {
            return Ok(heard.into_iter().flatten().collect());
        }
        let silent = self
            .load
            .iter()
            .zip(&heard)
            .find(|(_, heard)| heard.is_none());
        let what: String = format!("{:?}", requests.first()).chars().take(40).collect();
        Err(AgentError::Silent {
            what: format!("{what} ({})", silent.map_or("", |(load, _)| &load.name)),
            seconds: patience.as_secs(),
        })
    }
}

/// For each host and target, which of the threads that have a connection are its own.
fn able(stand: &[Vec<Tally>]) -> Vec<Vec<Share>> {
    let targets = stand.iter().map(Vec::len).min().unwrap_or(0);
    let share = |host: usize, target: usize| Share {
        index: stand[..host]
            .iter()
            .map(|tallies| tallies[target].able)
            .sum(),
        of: stand.iter().map(|tallies| tallies[target].able).sum(),
    };
    let of_host = |host| (0..targets).map(|target| share(host, target)).collect();
    (0..stand.len()).map(of_host).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_sum_exactly(threads in proptest::collection::vec(1u32..5, 2..5), connections in 1u32..1000) {
            let parts = Bench::parts(&threads);
            let of_host = |(part, own): (&Option<Part>, &u32)| {
                let part = part.expect("several");
                let lane = |index| Share { index: part.threads.index + index, ..part.threads }.part(connections.into());
                (0..*own).map(lane).sum::<u64>()
            };
            let sum: u64 = parts.iter().zip(&threads).map(of_host).sum();
            prop_assert_eq!(sum, u64::from(connections));
            let idle: u64 = parts.iter().map(|it| it.expect("several").hosts.part(connections.into())).sum();
            prop_assert_eq!(idle, u64::from(connections));
        }

        #[test]
        fn a_clock_is_known_to_half_of_a_question(ahead in -1_000_000_000i64..1_000_000_000, there in 0u64..1_000_000, back in 0u64..1_000_000) {
            let asked = 10_000_000_000u64;
            let says = (asked + there).saturating_add_signed(ahead);
            let clock = Clock::of(asked, says, asked + there + back);
            prop_assert!(clock.offset_ns.abs_diff(ahead) <= clock.error_ns);
            prop_assert!(clock.at(asked).abs_diff(asked.saturating_add_signed(ahead)) <= clock.error_ns);
        }
    }

    #[test]
    fn threads_without_a_connection_carry_nothing() {
        let tally = |able| Tally {
            able,
            ..Tally::default()
        };
        let stand = [vec![tally(2), tally(0)], vec![tally(1), tally(1)]];
        let share = |index, of| Share { index, of };
        assert_eq!(
            able(&stand),
            [
                vec![share(0, 3), share(0, 1)],
                vec![share(2, 3), share(0, 1)]
            ]
        );
        assert_eq!(Bench::parts(&[1]), [None], "alone, it needs no part");
    }
}
