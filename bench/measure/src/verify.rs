//! Verifying: a contender under its keeper, taken through the contract, untimed.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};

use record::pass::Cause;
use record::{Measure, Pace, Scenario, Workers, Workload};

use crate::bench::Bench;
use crate::client::{AgentError, unexpected};
use crate::command::Contestant;
use crate::contract::{CHECKS, Target, Violation};
use crate::protocol::{Launch, Reply, Request, Stopped};

/// Clients that a model of as many workers must serve at once.
const WORKERS: u32 = 64;

/// What the contract found, a line a check, or why it could not be checked.
#[derive(Debug)]
pub enum Verified {
    /// Every check, in order: its promise, and how it was broken, if it was.
    Checked(Vec<(&'static str, Option<Violation>)>),
    /// The server could not be started, or ended by itself.
    Failed(Cause),
    /// It cannot be started here, for a stated reason.
    Skipped(String),
}

/// Takes one contestant through every check of the contract.
///
/// # Errors
/// When an agent is lost, or the harness is told to end.
pub fn verify(bench: &mut Bench, contestant: &Contestant) -> Result<Verified, AgentError> {
    if let Some(reason) = &contestant.entrant.skipped {
        return Ok(Verified::Skipped(reason.clone()));
    }
    let argv = match contestant.argv(&plain(WORKERS)) {
        Ok(argv) => argv,
        Err(reason) => return Ok(Verified::Skipped(reason)),
    };
    let id = bench.next_id();
    let launch = Launch {
        id,
        argv,
        env: contestant.environment(),
        cpus: bench.host.topology.iter().map(|cpu| cpu.cpu).collect(),
        listeners: 1,
        deadline_ms: 10_000,
        weighed: false,
        counted: false,
    };
    let port = match bench.servers.ask(&Request::Launch(launch)) {
        Ok(Reply::Ready { port, .. }) => port,
        Ok(Reply::Failed { cause, .. }) | Err(AgentError::Refused(cause)) => {
            return Ok(Verified::Failed(cause));
        }
        Ok(other) => return Err(unexpected(&other)),
        Err(error) => return Err(error),
    };
    let servers = RefCell::new(&mut bench.servers);
    let memory_bytes = || match servers.borrow_mut().ask(&Request::Gauge(id)) {
        Ok(Reply::Gauged(gauge)) => Some(gauge.memory_bytes()),
        _ => None,
    };
    let target = Target {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        holds: contestant.entrant.holds,
        workers: WORKERS,
        memory_bytes: Some(&memory_bytes),
    };
    let checked = CHECKS
        .iter()
        .map(|check| (check.promise, (check.run)(&target).err()))
        .collect();
    match bench.servers.ask(&Request::Stop(id))? {
        Reply::Stopped(stopped) => {
            Ok(ended(stopped).map_or(Verified::Checked(checked), Verified::Failed))
        }
        other => Err(unexpected(&other)),
    }
}

/// A server that ended by itself kept no promise.
fn ended(stopped: Stopped) -> Option<Cause> {
    let ended = stopped.ended?;
    let mut cause = Cause::new(
        record::pass::Phase::Load,
        format!("it {ended} while it was checked"),
    );
    ended.note(&mut cause);
    cause.stderr = stopped.stderr;
    Some(cause)
}

/// A scenario that asks for nothing but workers.
pub(crate) fn plain(workers: u32) -> Scenario {
    Scenario {
        name: "verify".to_owned(),
        title: String::new(),
        question: String::new(),
        workload: Workload::Rr,
        pace: Pace::Closed,
        connections: workers,
        message: 64,
        depth: 1,
        per_connection: 1,
        think: std::time::Duration::ZERO,
        keep_awake: false,
        by_worker: false,
        contenders: Vec::new(),
        work: "none".to_owned(),
        state: None,
        touch: None,
        workers: Workers::Number(workers),
        server_cpus: 1,
        measure: Measure::Solo,
        slice: std::time::Duration::ZERO,
        warmup: std::time::Duration::ZERO,
        window: std::time::Duration::ZERO,
        timeout: record::scenario::TIMEOUT,
        fault: None,
        rounds: 1,
        counters: 0,
        idle: 0,
        placement: record::Placing::Apart,
        network: None,
        probe: false,
        rates: std::collections::BTreeMap::new(),
    }
}
