//! One round of one block: the method section of the paper, a line a step.
//!
//! All contenders of the block are alive at once. What happens to one of them is an outcome of its pass,
//! and the others go on; only what happens to an agent, or an interrupt, ends the round.

mod load;
mod window;

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::resource::UsageWho;
use record::pass::{
    Cause, Connections, Gauge, GaugeInstants, Generator, Histograms, HostInstant, HostInstants,
    Outcome, Pass, PassKind, Phase, RECORD_SCHEMA, Requests, Usage, UsageInstants,
};
use record::{HostMemory, HostMemoryInstants, Measure, Network, Planned, Scenario, Workload};

use crate::bench::Bench;
use crate::client::{AgentError, unexpected};
use crate::command::Contestant;
use crate::host;
use crate::host_memory;
use crate::placement::Placement;
use crate::protocol::{Launch, OfHost, Queued, Reply, Request, Tally};
use crate::seat::Seat;

/// How long a server may take to listen.
const LISTEN_DEADLINE_MS: u64 = 10_000;
/// Beyond the loaded time itself: what connecting and awaiting may take.
const LOAD_MARGIN: Duration = Duration::from_secs(60);
/// How long first answers are awaited where a server writes to its state first: children that copy a quarter of a GiB
/// each take seconds.
const TOUCHES: Duration = Duration::from_secs(20);
/// So much longer for each worker: their beginnings take turns on the server's cores, and a server listens before.
const BIRTH: Duration = Duration::from_millis(3);
/// The stretch in which nobody is loaded.
const QUIET: Duration = Duration::from_millis(50);
/// Connection numbers of two passes never meet: more than any server holds.
const CONNECTION_NUMBERS: u64 = 1 << 20;

/// A contender's place in a block.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Who.
    pub contestant: &'a Contestant,
    /// Its pass, as it is planned.
    pub planned: &'a Planned,
    /// The fewest clients that got a first answer in an earlier round of the same cell, where not all did.
    pub served: Option<u32>,
}

/// Takes every contender of a block through a scenario once, and returns a pass each, in their order; `seed` is the
/// round's. All are of one kind: in a counter pass each server is counted from before its first instruction, and
/// nothing else differs.
///
/// # Errors
/// When an agent is lost, or the harness is told to end.
pub fn round(
    bench: &mut Bench,
    scenario: &Scenario,
    placement: &Placement,
    entries: &[Entry<'_>],
    seed: u64,
) -> Result<Vec<Pass>, AgentError> {
    let pass = entries
        .first()
        .map(|it| it.planned.pass)
        .unwrap_or_default();
    let mut block = Block::new(bench, scenario, placement, seed, pass);
    let before = block.host_now()?;
    block.shape(scenario.network.as_ref())?;
    block.bench.look_at_ways()?;
    block.keep_awake(scenario.keep_awake)?;
    block.weigh_host(|host| &mut host.empty)?;
    block.launch(entries)?;
    block.read_usage(|usage| &mut usage.ready)?;
    block.weigh(|gauges| &mut gauges.ready)?;
    block.weigh_host(|host| &mut host.ready)?;
    block.connect()?;
    block.weigh_host(|host| &mut host.connected)?;
    block.weigh(|gauges| &mut gauges.connected)?;
    block.warm_up()?;
    block.stay_quiet()?;
    block.see_holders()?;
    block.read_usage(|usage| &mut usage.before)?;
    block.measure()?;
    block.read_usage(|usage| &mut usage.after)?;
    block.see_holders()?;
    block.close()?;
    block.stop()?;
    block.keep_awake(false)?;
    block.shape(None)?;
    let after = block.host_now()?;
    Ok(block.passes(&before, &after))
}

struct Block<'a> {
    bench: &'a mut Bench,
    scenario: &'a Scenario,
    placement: &'a Placement,
    seed: u64,
    pass: PassKind,
    seats: Vec<Seat>,
    /// Solo windows: looks at the door, one before and one after each bin.
    queues: Vec<Queued>,
    /// How the targets stand with each load host.
    stand: Vec<Vec<Tally>>,
    /// Why the network that the scenario asks for is not to be had.
    no_network: Option<Cause>,
    host_memory: HostMemoryInstants,
    /// Slab caches of the host as they were last seen.
    caches: BTreeMap<String, u64>,
}

impl<'a> Block<'a> {
    fn new(
        bench: &'a mut Bench,
        scenario: &'a Scenario,
        placement: &'a Placement,
        seed: u64,
        pass: PassKind,
    ) -> Self {
        Block {
            bench,
            scenario,
            placement,
            seed,
            pass,
            seats: Vec::new(),
            queues: Vec::new(),
            stand: Vec::new(),
            no_network: None,
            host_memory: HostMemoryInstants::default(),
            caches: BTreeMap::new(),
        }
    }

    /// The servers' host as its agent sees it; what is ours is the sum over the agents, and the harness, that run there.
    fn host_now(&mut self) -> Result<HostInstant, AgentError> {
        let mut seen = match self.bench.servers.ask(&Request::HostNow)? {
            Reply::HostNow(instant) => instant,
            other => return Err(unexpected(&other)),
        };
        for load in self.bench.load.iter_mut().filter(|load| load.is_servers) {
            match load.agent.ask(&Request::HostNow)? {
                Reply::HostNow(instant) => seen.ours_ns = sum(seen.ours_ns, instant.ours_ns),
                other => return Err(unexpected(&other)),
            }
        }
        if self.bench.machines.0 == self.bench.machines.1 {
            seen.ours_ns = sum(seen.ours_ns, host::cpu_ns(UsageWho::RUSAGE_SELF));
        }
        Ok(seen)
    }

    /// Spinners on every core of both sides, or none.
    fn keep_awake(&mut self, wanted: bool) -> Result<(), AgentError> {
        if !self.scenario.keep_awake {
            return Ok(());
        }
        let both = [&self.placement.server[..], &self.placement.generator].concat();
        let loads = self.bench.load.iter_mut();
        let loads = loads.filter_map(|load| Some((load.cpus.clone()?, &mut load.agent)));
        for (cpus, agent) in std::iter::once((both, &mut self.bench.servers)).chain(loads) {
            let cpus = if wanted { cpus } else { Vec::new() };
            match agent.ask(&Request::KeepAwake(cpus))? {
                Reply::Done => {}
                other => return Err(unexpected(&other)),
            }
        }
        Ok(())
    }

    /// Delays and loses what the servers' host sends, where the scenario says so: or nobody is measured under it.
    fn shape(&mut self, network: Option<&Network>) -> Result<(), AgentError> {
        if self.scenario.network.is_none() {
            return Ok(());
        }
        if !self.bench.is_apart() {
            let text = "a network is delayed between hosts: --hosts FILE";
            self.no_network = Some(Cause::new(Phase::Prepare, text));
            return Ok(());
        }
        let request = Request::OfHost(OfHost::Shape(network.cloned()));
        match self.bench.servers.ask(&request) {
            Ok(Reply::Done) => Ok(()),
            Err(AgentError::Refused(cause)) => {
                self.no_network = Some(cause);
                Ok(())
            }
            Ok(other) => Err(unexpected(&other)),
            Err(error) => Err(error),
        }
    }

    /// One after another: a start-up is timed alone.
    fn launch(&mut self, entries: &[Entry<'_>]) -> Result<(), AgentError> {
        for entry in entries {
            let contestant = entry.contestant;
            let mut seat = Seat::new(self.bench.next_id(), self.blank(contestant, entry.planned));
            seat.enough = entry.served;
            seat.patience += BIRTH * seat.pass.workers;
            if self.scenario.touch.is_some() {
                seat.patience = TOUCHES;
            }
            match (self.no_network.clone(), contestant.argv(self.scenario)) {
                (Some(cause), _) => seat.fail(Outcome::Skipped, cause),
                (None, Err(reason)) => {
                    seat.fail(Outcome::Skipped, Cause::new(Phase::Prepare, reason))
                }
                (None, Ok(argv)) => self.launch_one(&mut seat, contestant, argv)?,
            }
            self.seats.push(seat);
        }
        Ok(())
    }

    fn launch_one(
        &mut self,
        seat: &mut Seat,
        contestant: &Contestant,
        argv: Vec<String>,
    ) -> Result<(), AgentError> {
        let launch = Launch {
            id: seat.id,
            argv,
            env: contestant.own_environment(),
            cpus: self.placement.server.clone(),
            listeners: 1,
            deadline_ms: LISTEN_DEADLINE_MS,
            weighed: self.scenario.workload == Workload::Idle,
            counted: self.pass == PassKind::Counter,
        };
        match self.bench.servers.ask(&Request::Launch(launch)) {
            Ok(Reply::Ready {
                pid,
                port,
                startup_ns,
            }) => {
                seat.alive = true;
                (seat.root, seat.port) = (pid, port);
                seat.pass.startup_ns = Some(startup_ns);
            }
            Ok(Reply::Failed { cause, ended }) => {
                seat.fail(
                    if ended {
                        Outcome::Crashed
                    } else {
                        Outcome::Hung
                    },
                    cause,
                );
            }
            Err(AgentError::Refused(cause)) => seat.fail(Outcome::Partial, cause),
            Ok(other) => return Err(unexpected(&other)),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// A snapshot of everybody's counters, kept where `instant` says.
    fn read_usage(
        &mut self,
        instant: fn(&mut UsageInstants) -> &mut Option<Usage>,
    ) -> Result<(), AgentError> {
        for seat in self.seats.iter_mut().filter(|seat| seat.alive) {
            let usage = match self.bench.servers.ask(&Request::Usage(seat.id)) {
                Ok(Reply::Used(usage)) => Some(Usage {
                    replies: seat.tally.requests.ok,
                    ..usage
                }),
                Ok(other) => return Err(unexpected(&other)),
                Err(error) => seat.tolerate(error)?,
            };
            *instant(&mut seat.pass.usage) = usage;
        }
        Ok(())
    }

    /// A stretch in which everybody is warm and nobody is loaded, between two looks at what everybody has
    /// used: in slices, whoever is not at rest then takes from the one that is loaded.
    fn stay_quiet(&mut self) -> Result<(), AgentError> {
        if self.scenario.measure != Measure::Sliced || self.pass == PassKind::Counter {
            return Ok(());
        }
        self.read_usage(|usage| &mut usage.quiet)?;
        std::thread::sleep(QUIET);
        Ok(())
    }

    /// Who of everybody's processes holds which connection, where the scenario asks for it, or one is to be struck.
    fn see_holders(&mut self) -> Result<(), AgentError> {
        if !self.scenario.by_worker && self.scenario.fault.is_none() {
            return Ok(());
        }
        for seat in self.seats.iter_mut().filter(|seat| seat.alive) {
            match self.bench.servers.ask(&Request::Holders(seat.id)) {
                Ok(Reply::Held(holders)) => seat.holders.push(holders),
                Ok(other) => return Err(unexpected(&other)),
                Err(error) => seat.tolerate::<()>(error).map(drop)?,
            }
        }
        Ok(())
    }

    /// What everybody weighs, in solo passes only: servers that are alive together share pages.
    fn weigh(
        &mut self,
        instant: fn(&mut GaugeInstants) -> &mut Option<Gauge>,
    ) -> Result<(), AgentError> {
        if self.scenario.measure != Measure::Solo || self.pass == PassKind::Counter {
            return Ok(());
        }
        for seat in self.seats.iter_mut().filter(|seat| seat.alive) {
            let gauge = match self.bench.servers.ask(&Request::Gauge(seat.id)) {
                Ok(Reply::Gauged(gauge)) => Some(gauge),
                Ok(other) => return Err(unexpected(&other)),
                Err(error) => seat.tolerate(error)?,
            };
            *instant(&mut seat.pass.gauges) = gauge;
        }
        Ok(())
    }

    /// What the host holds, before and after anybody is idle: looking at processes makes it hold more, so the last
    /// look before connections come, and the first after them.
    fn weigh_host(
        &mut self,
        instant: fn(&mut HostMemoryInstants) -> &mut Option<HostMemory>,
    ) -> Result<(), AgentError> {
        if self.scenario.workload != Workload::Idle {
            return Ok(());
        }
        let look = match self.bench.servers.ask(&Request::HostMemory)? {
            Reply::HostMemory(look) => *look,
            other => return Err(unexpected(&other)),
        };
        *instant(&mut self.host_memory) = Some(look.memory);
        self.host_memory.unavailable.extend(look.unavailable);
        self.host_memory.caches = host_memory::growth(&self.caches, &look.caches);
        self.caches = look.caches;
        Ok(())
    }

    fn stop(&mut self) -> Result<(), AgentError> {
        for seat in self.seats.iter_mut().filter(|seat| seat.alive) {
            match self.bench.servers.ask(&Request::Stop(seat.id)) {
                Ok(Reply::Stopped(stopped)) => {
                    seat.conclude(stopped, self.scenario.withholds());
                }
                Ok(other) => return Err(unexpected(&other)),
                Err(error) => seat.tolerate::<()>(error).map(drop)?,
            }
        }
        Ok(())
    }

    fn passes(self, before: &HostInstant, after: &HostInstant) -> Vec<Pass> {
        let host = HostInstants {
            before: before.clone(),
            after: after.clone(),
            beside: false,
        };
        self.seats
            .into_iter()
            .map(|seat| Pass {
                host: host.clone(),
                gauges: GaugeInstants {
                    host: self.host_memory.clone(),
                    ..seat.pass.gauges
                },
                ..seat.pass
            })
            .collect()
    }

    /// The pass as it is planned.
    fn blank(&self, contestant: &Contestant, planned: &Planned) -> Pass {
        Pass {
            schema: RECORD_SCHEMA.to_owned(),
            contender: contestant.entrant.name.clone(),
            family: contestant.entrant.family.clone(),
            scenario: self.scenario.name.clone(),
            round: planned.round,
            block: planned.block,
            order: planned.order,
            seed: self.seed,
            pass: self.pass,
            outcome: Outcome::Ok,
            cause: None,
            workers: contestant.workers(self.scenario),
            server_cpus: self.placement.server.clone(),
            connections: Connections {
                asked: self.scenario.connections,
                served: 0,
            },
            idle: Connections {
                asked: self.scenario.idle,
                served: 0,
            },
            requests: Requests::default(),
            slices: Vec::new(),
            bins: Vec::new(),
            histograms: Histograms::default(),
            startup_ns: None,
            usage: UsageInstants::default(),
            gauges: GaugeInstants::default(),
            by_worker: Vec::new(),
            struck: None,
            generator: Generator::default(),
            load: Vec::new(),
            host: HostInstants::default(),
            lab: None,
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Known only where both are.
fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    Some(one? + other?)
}
