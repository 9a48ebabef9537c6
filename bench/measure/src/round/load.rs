//! The load of a block, by one generator or by several together: what each is told, and what all say put together.
//!
//! Several begin each stretch at one instant, and slices one by one: who waits for a last reply delays the next slice for
//! all, so that no slice is loaded by a part of the hosts.

use std::net::SocketAddr;
use std::time::Duration;

use record::hosts::LoadPart;
use record::pass::{Cause, Connections, Generator, Outcome, Phase};
use record::{Measure, Workload};

use super::{Block, CONNECTION_NUMBERS, LOAD_MARGIN, nanos};
use crate::client::{AgentError, PATIENCE, unexpected};
use crate::load::{self, LoadPlan, Part};
use crate::load_host::Start;
use crate::protocol::{Measured, Reply, Request, Tally};
use crate::seat::Seat;
use crate::{merge, order};

impl Block<'_> {
    pub(super) fn connect(&mut self) -> Result<(), AgentError> {
        let threads = self.threads();
        let parts = crate::bench::Bench::parts(&threads);
        let plans = |(host, part): (usize, &Option<Part>)| {
            let living = self.seats.iter().filter(|seat| seat.alive);
            let plan = |seat| self.plan(seat, host, threads[host], *part);
            Request::Connect(living.map(plan).collect())
        };
        let requests: Vec<Request> = parts.iter().enumerate().map(plans).collect();
        // One after another.
        let arrivals = requests.iter().map(|request| match request {
            Request::Connect(plans) => plans.iter().map(LoadPlan::arrival).sum(),
            _ => Duration::ZERO,
        });
        let longest = arrivals.max().unwrap_or_default();
        self.load(&requests, longest)?;
        let living = self.seats.iter_mut().filter(|seat| seat.alive);
        for (index, seat) in living.enumerate() {
            let of_host = |tallies: &Vec<Tally>| tallies.get(index).map_or(0, |it| it.served);
            seat.served_by_host = self.stand.iter().map(of_host).collect();
            seat.pass.connections.served = seat.tally.served;
            seat.pass.idle.served = seat.tally.idle;
            if seat.tally.served == 0 {
                let text = seat.tally.problem.clone();
                let text = text
                    .unwrap_or_else(|| format!("nobody got an answer within {:?}", seat.patience));
                seat.fail(Outcome::Hung, Cause::new(Phase::Connect, text));
            }
        }
        Ok(())
    }

    fn plan(&self, seat: &Seat, host: usize, threads: u32, part: Option<Part>) -> LoadPlan {
        let sources = match (self.bench.is_apart(), self.scenario.workload) {
            (true, _) => self.bench.load[host].sources.clone(),
            (false, Workload::Crr) => load::sources(),
            (false, _) => Vec::new(),
        };
        LoadPlan {
            target: SocketAddr::new(self.bench.address, seat.port),
            workload: self.scenario.workload,
            pace: self.scenario.pace,
            connections: self.scenario.connections,
            message: self.scenario.message,
            depth: self.scenario.depth,
            per_connection: self.scenario.per_connection,
            think: self.scenario.think,
            threads,
            patience: seat.patience,
            enough: seat.enough,
            timeout: self.scenario.timeout,
            reconnect: self.scenario.fault.is_some() || self.scenario.withholds(),
            sources,
            by_connection: self.scenario.by_worker,
            seed: self.seed,
            first_connection: u64::from(seat.id) * CONNECTION_NUMBERS,
            idle: self.scenario.idle,
            part,
        }
    }

    pub(super) fn warm_up(&mut self) -> Result<(), AgentError> {
        if self.scenario.workload == Workload::Idle {
            return Ok(());
        }
        let length_ns = nanos(self.scenario.warmup);
        let seed = self.seed;
        let loaded = self.scenario.warmup * self.seats.len() as u32;
        let start = self.bench.agree(&self.stand, None);
        let requests: Vec<Request> = start
            .told
            .into_iter()
            .map(|together| Request::WarmUp {
                length_ns,
                seed,
                together,
            })
            .collect();
        self.load(&requests, loaded)
    }

    pub(super) fn measure(&mut self) -> Result<(), AgentError> {
        if self.scenario.workload == Workload::Idle {
            return Ok(());
        }
        if self.scenario.measure == Measure::Solo {
            return self.window();
        }
        let lanes = self.seats.iter().filter(|seat| seat.alive).count() as u16;
        let order = order::slices(lanes, self.scenario.slices(), self.seed);
        if self.bench.load.len() == 1 {
            let start = self.bench.agree(&self.stand, None);
            return self.slices(order, start);
        }
        let mut origin_ns = None;
        for lane in order {
            let start = self.bench.agree(&self.stand, origin_ns);
            origin_ns = origin_ns.or(Some(start.at_ns));
            self.slices(vec![lane], start)?;
        }
        Ok(())
    }

    fn slices(&mut self, order: Vec<u16>, start: Start) -> Result<(), AgentError> {
        let loaded = self.scenario.slice * order.len() as u32;
        let length_ns = nanos(self.scenario.slice);
        let requests: Vec<Request> = start
            .told
            .into_iter()
            .map(|together| Request::Slices {
                order: order.clone(),
                length_ns,
                together,
            })
            .collect();
        self.load(&requests, loaded)
    }

    /// Threads of each load host's generator: as many as the server has cores, if the host has them. One side is not to
    /// be the other's limit.
    fn threads(&self) -> Vec<u32> {
        let of = |cpus: &[usize]| self.scenario.server_cpus.min(cpus.len() as u32).max(1);
        let loads = self.bench.load.iter();
        loads
            .map(|load| of(load.cpus.as_deref().unwrap_or(&self.placement.generator)))
            .collect()
    }

    /// Asks the load hosts; their tallies are of the living seats, in their order.
    fn load(&mut self, requests: &[Request], loaded: Duration) -> Result<(), AgentError> {
        let replies = self.bench.ask_load(requests, loaded * 2 + LOAD_MARGIN)?;
        self.take_tallies(replies)
    }

    pub(super) fn take_tallies(&mut self, replies: Vec<Reply>) -> Result<(), AgentError> {
        self.stand.clear();
        for reply in replies {
            match reply {
                Reply::Loaded(tallies) => self.stand.push(tallies),
                other => return Err(unexpected(&other)),
            }
        }
        let names: Vec<&str> = self.bench.load.iter().map(|load| &*load.name).collect();
        let living = self.seats.iter_mut().filter(|seat| seat.alive);
        for (index, seat) in living.enumerate() {
            let of_seat: Vec<&Tally> = self
                .stand
                .iter()
                .filter_map(|tallies| tallies.get(index))
                .collect();
            match of_seat[..] {
                [] => {}
                [alone] => seat.tally = alone.clone(),
                _ => {
                    seat.tally = merge::tallies(names.iter().copied().zip(of_seat.iter().copied()))
                }
            }
        }
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), AgentError> {
        let requests: Vec<Request> = self.bench.load.iter().map(|_| Request::Close).collect();
        let mut by_host = Vec::new();
        for reply in self.bench.ask_load(&requests, PATIENCE)? {
            match reply {
                Reply::Closed(measured) => by_host.push(measured.into_iter()),
                other => return Err(unexpected(&other)),
            }
        }
        let cpus: Vec<&[usize]> = self
            .bench
            .load
            .iter()
            .map(|load| load.cpus.as_deref().unwrap_or(&self.placement.generator))
            .collect();
        for seat in self.seats.iter_mut().filter(|seat| seat.alive) {
            let names = self.bench.load.iter().map(|load| &*load.name);
            let parts = names.zip(&mut by_host);
            let parts: Vec<(&str, Measured)> = parts
                .filter_map(|(name, each)| Some((name, each.next()?)))
                .collect();
            if self.bench.is_apart() {
                let hosts = self.bench.load.iter().zip(&cpus);
                let recorded = hosts.zip(&seat.served_by_host).zip(&parts).map(
                    |(((load, cpus), served), (_, measured))| LoadPart {
                        connections: Connections {
                            asked: measured.asked,
                            served: *served,
                        },
                        requests: measured.tally.requests.clone(),
                        histograms: merge::histograms(measured),
                        generator: Generator {
                            cpus: cpus.to_vec(),
                            ..measured.generator.clone()
                        },
                        late_ns: measured.late_ns,
                        ..load.recorded()
                    },
                );
                seat.pass.load = recorded.collect();
            }
            // Numbers of different machines' CPUs say nothing together.
            let own = if let [one] = cpus[..] { one } else { &[] };
            seat.keep(
                merge::measured(&parts),
                own,
                &self.queues,
                self.scenario.by_worker,
            );
            seat.note_survivors();
        }
        Ok(())
    }
}
