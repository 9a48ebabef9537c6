//! A trace: one server under ptrace(2) while a few clients are served, and the same clients without a tracer, so
//! that it can be said how much that slowed it. Facts only: who woke whom is read from the record elsewhere.
//!
//! It needs no privilege, pays two stops for every system call, and ends where the kernel refuses to let a
//! process trace its own child.

mod calls;
mod clients;
mod memory;
mod objects;
mod refusal;
mod rings;
mod stops;
mod tasks;
mod tracer;

use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use record::pass::{Cause, Outcome, Phase};
use record::trace::{Startup, TRACE_SCHEMA, Trace, TraceAsked, Untraced};
use record::{Host, Placing};

use crate::bench::Bench;
use crate::client::{AgentError, unexpected};
use crate::command::Contestant;
use crate::host;
use crate::keeper;
use crate::listening::Ports;
use crate::placement::{Placement, place_as};
use crate::protocol::{Launch, Reply, Request};
use crate::verify;
use clients::{Served, Shared};
pub use refusal::Refusal;
pub use tracer::TraceError;
use tracer::Tracer;

/// A server that has listened opens what else it opens within a pause of this length …
const OPENED: Duration = Duration::from_millis(20);
/// … and at most so long is waited for one.
const OPENED_AT_MOST: Duration = Duration::from_secs(2);
/// The longest trace: whatever hangs, hangs no longer.
const LONGEST: Duration = Duration::from_secs(60);

/// Traces a contestant, which may take so long to listen. It must be called by a process of one thread that has no
/// other children.
///
/// # Errors
/// When there is no trace at all; what goes wrong while the clients are there is a trace's outcome.
pub fn trace(
    contestant: &Contestant,
    asked: TraceAsked,
    patience: Duration,
    interrupt: BorrowedFd<'_>,
) -> Result<Trace, TraceError> {
    let placement = placement(&asked)?;
    let first = host::port_range(&host::Root::default()).map_or(32768, |(start, _)| start);
    let claim = Ports::new(first).claim();
    let claim = claim.ok_or_else(|| std::io::Error::other("no port is free"))?;
    let mut launch = launch(contestant, &asked, patience, &placement).map_err(not_launched)?;
    for word in &mut launch.argv {
        *word = word.replace("{port}", &claim.port.to_string());
    }
    let begun = Instant::now();
    let shared = Arc::new(Shared {
        traced: true,
        ..Shared::default()
    });
    let mut tracer = Tracer::start(&launch, claim.port, begun, &shared, interrupt)?;
    tracer.await_ready(&launch, claim.port)?;
    tracer.rest(OPENED, OPENED_AT_MOST)?;
    let took_ns = nanoseconds(begun.elapsed());
    tracer.watcher.record();
    let served = serve(&mut tracer, asked, claim.port, begun, &shared, &placement)?;
    tracer.rest(OPENED, OPENED_AT_MOST)?;
    let ended = tracer.watcher.root_ended;
    tracer.watcher.end_recording();
    let mut trace = blank(contestant, asked);
    note(&mut trace, &mut tracer, took_ns);
    (trace.clients, trace.at_once_ns) = (served.moments, served.at_once_ns);
    if let Some((outcome, cause)) = served.failed {
        (trace.outcome, trace.cause) = (outcome, Some(cause));
    }
    if let Some(ended) = ended {
        let mut cause = Cause::new(Phase::Load, format!("it {ended} while it was traced"));
        ended.note(&mut cause);
        (trace.outcome, trace.cause) = (Outcome::Crashed, Some(cause));
    }
    if let Some(cause) = &mut trace.cause {
        cause.stderr = String::from_utf8_lossy(&tracer.stderr_kept).into_owned();
    }
    tracer.end()?;
    Ok(trace)
}

/// The clients in a thread of their own, the server under this one's eyes.
fn serve(
    tracer: &mut Tracer<'_>,
    asked: TraceAsked,
    port: u16,
    begun: Instant,
    shared: &Arc<Shared>,
    placement: &Placement,
) -> Result<Served, TraceError> {
    let (done, theirs) = UnixStream::pair()?;
    let cpus = placement.generator.clone();
    let known = Arc::clone(shared);
    let clients = std::thread::spawn(move || {
        // Where they may not be moved they stay, and the trace is as true.
        let _ = keeper::pin(&cpus);
        let served = clients::be_served(&asked, port, begun, &known);
        drop(theirs);
        served
    });
    let watched = tracer.watch(Instant::now() + LONGEST, Some(&done));
    // An interruption is waited for by nobody; else they end now, or find that it is all over.
    shared.over.store(true, Relaxed);
    watched?;
    let panicked = |_| std::io::Error::other("the clients' thread has panicked");
    Ok(clients.join().map_err(panicked)?)
}

/// The same clients before the same contestant, under a keeper and without a tracer.
///
/// # Errors
/// When an agent is lost, or the harness is told to end.
pub fn untraced(
    bench: &mut Bench,
    contestant: &Contestant,
    asked: TraceAsked,
    patience: Duration,
) -> Result<Untraced, AgentError> {
    let without = |reason: String| Untraced {
        clients: Vec::new(),
        reason: Some(reason),
    };
    let placement = place_as(&bench.host.topology, asked.server_cpus, Placing::Apart);
    let launch = placement.and_then(|placement| {
        let mut launch = launch(contestant, &asked, patience, &placement)?;
        launch.id = bench.next_id();
        Ok(launch)
    });
    let launch = match launch {
        Ok(launch) => launch,
        Err(reason) => return Ok(without(reason)),
    };
    let id = launch.id;
    let port = match bench.servers.ask(&Request::Launch(launch)) {
        Ok(Reply::Ready { port, .. }) => port,
        Ok(Reply::Failed { cause, .. }) | Err(AgentError::Refused(cause)) => {
            return Ok(without(cause.text));
        }
        Ok(other) => return Err(unexpected(&other)),
        Err(error) => return Err(error),
    };
    let served = clients::be_served(&asked, port, Instant::now(), &Shared::default());
    match bench.servers.ask(&Request::Stop(id))? {
        Reply::Stopped(_) => {}
        other => return Err(unexpected(&other)),
    }
    Ok(match served.failed {
        None => Untraced {
            clients: served.moments,
            reason: None,
        },
        Some((_, cause)) => without(cause.text),
    })
}

fn placement(asked: &TraceAsked) -> Result<Placement, TraceError> {
    let topology = host::topology();
    place_as(&topology, asked.server_cpus, Placing::Apart).map_err(not_launched)
}

fn launch(
    contestant: &Contestant,
    asked: &TraceAsked,
    patience: Duration,
    placement: &Placement,
) -> Result<Launch, String> {
    let mut scenario = verify::plain(asked.workers);
    scenario.message = asked.message as usize;
    Ok(Launch {
        id: 0,
        argv: contestant.argv(&scenario)?,
        env: contestant.environment(),
        cpus: placement.server.clone(),
        listeners: 1,
        deadline_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
        weighed: false,
        counted: false,
    })
}

fn not_launched(reason: String) -> TraceError {
    TraceError::NotReady(Cause::new(Phase::Launch, reason))
}

/// What was seen, in the record's order.
fn note(trace: &mut Trace, tracer: &mut Tracer<'_>, took_ns: u64) {
    let watcher = &mut tracer.watcher;
    let mut calls = std::mem::take(&mut watcher.calls);
    calls.sort_by_key(|call| call.from_ns);
    trace.calls = calls;
    trace.startup = Startup {
        took_ns,
        calls: std::mem::take(&mut watcher.counted),
        opening: watcher.opened(),
    };
    trace.tasks.clone_from(&watcher.tasks.record);
    trace.objects.clone_from(&watcher.world.objects.record);
    trace.signals = std::mem::take(&mut watcher.signals);
    trace.truncated = watcher.truncated;
}

fn blank(contestant: &Contestant, asked: TraceAsked) -> Trace {
    let entrant = &contestant.entrant;
    Trace {
        schema: TRACE_SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        contender: entrant.name.clone(),
        family: entrant.family.clone(),
        contender_version: entrant.version.clone(),
        command: entrant.command.clone(),
        host: Host::default(),
        asked,
        outcome: Outcome::Ok,
        cause: None,
        startup: Startup::default(),
        tasks: Vec::new(),
        objects: Vec::new(),
        calls: Vec::new(),
        signals: Vec::new(),
        clients: Vec::new(),
        at_once_ns: None,
        truncated: false,
        untraced: Untraced::default(),
        source: None,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
