//! What one more idle connection weighs: a line through memory over the connections that were served, across
//! scenarios that differ in connections alone. A slope drops what a server weighs empty.
//!
//! Parts that the kernel books to processes are of the server's tree. Sockets, slab and MemAvailable are changes of
//! the host: of both ends of a connection, since the client lives there, too.

use record::{Gauge, HostMemory, Pass, Scenario, Workload};

use crate::cells::Cell;
use crate::format;
use crate::stats::{self, Line};

/// What is weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// PSS, page tables and kernel stacks of the server.
    Whole,
    /// Heap, stacks and copied pages: the anonymous part of PSS.
    Anonymous,
    /// The rest of PSS: the server's share of the pages of files, of shared memory.
    Shared,
    /// Page tables of all its processes.
    PageTables,
    /// Kernel stacks of all its tasks.
    KernelStacks,
    /// Sockets and their buffers, both ends.
    Sockets,
    /// What else the kernel keeps in slab caches, both ends.
    Slab,
    /// Everything that the memory controller books to the server.
    Cgroup,
    /// The kernel's memory of that.
    CgroupKernel,
    /// What is no longer available on the host.
    Available,
}

/// The scenario of `scenario`'s line at which its slope stands: the one with the most connections.
pub(crate) fn stands_at<'a>(cells: &[Cell<'a>], scenario: &'a Scenario) -> &'a Scenario {
    let line = scenario.line();
    let scenarios = cells.iter().map(|cell| cell.scenario);
    let same = scenarios.filter(|other| other.line() == line);
    same.max_by_key(|other| other.connections)
        .unwrap_or(scenario)
}

/// Bytes per connection, per round.
///
/// # Errors
/// With the reason why there is no slope here.
pub(crate) fn slopes(
    cells: &[Cell<'_>],
    cell: &Cell<'_>,
    part: Part,
) -> Result<Vec<(u32, f64)>, String> {
    let rounds = rounds(cells, cell, part)?;
    let slopes = rounds.iter();
    let slopes = slopes.filter_map(|(round, points)| Some((*round, stats::slope(points)?)));
    Ok(slopes.collect())
}

/// The line through all rounds.
///
/// # Errors
/// With the reason why there is no slope here.
pub(crate) fn line(cells: &[Cell<'_>], cell: &Cell<'_>, part: Part) -> Result<Line, String> {
    let rounds = rounds(cells, cell, part)?;
    let points: Vec<Vec<(f64, f64)>> = rounds.into_iter().map(|(_, points)| points).collect();
    stats::line(&points).ok_or_else(|| ONE_PLACE.to_owned())
}

/// Where the points of a line lie off it, as a sentence.
pub(crate) fn bent(line: &Line) -> Option<String> {
    let bend = line.bend?;
    Some(format!(
        "memory is no line over connections: at {} it is {} % of the whole rise {} it; read the slope as an average",
        format::count(bend.x),
        format::digits(100.0 * bend.share.abs()),
        if bend.share > 0.0 { "above" } else { "below" }
    ))
}

const ONE_PLACE: &str = "no round gauged two scenarios of the line";

/// Connections served, and bytes.
type Points = Vec<(f64, f64)>;

/// The points of every scenario of the line, round by round; rounds without two of them are left out.
fn rounds(cells: &[Cell<'_>], cell: &Cell<'_>, part: Part) -> Result<Vec<(u32, Points)>, String> {
    let end = stands_at(cells, cell.scenario);
    if end.name != cell.scenario.name {
        return Err(format!(
            "stands at {}: it is a slope over connections",
            end.name
        ));
    }
    let line: Vec<&Cell<'_>> = cells
        .iter()
        .filter(|other| other.contender == cell.contender)
        .filter(|other| other.scenario.line() == end.line())
        .collect();
    if line.len() < 2 || cell.scenario.workload != Workload::Idle {
        return Err("a slope needs two scenarios that differ in connections alone".to_owned());
    }
    let mut missing = None;
    let mut found = Vec::new();
    for round in cell.figures().iter().map(|pass| pass.round) {
        match points(&line, round, part) {
            Ok(points) if stats::slope(&points).is_some() => found.push((round, points)),
            Ok(_) => {}
            Err(reason) => missing = Some(reason),
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    Err(match (cell.served(), missing) {
        (Some((served, asked)), _) if served < asked => {
            format!("{}: nobody more to weigh", format::served(served, asked))
        }
        (_, Some(missing)) => missing,
        _ => ONE_PLACE.to_owned(),
    })
}

/// The points of one round.
///
/// Where a server has as many workers however many connections come, what this very process weighed when
/// it was ready is taken off: the luck of its layout (a page table more or less, pages of libraries shared
/// with whoever else is alive) would drown a few dozen bytes a connection.
///
/// # Errors
/// With the reason why a pass of the round has no such figure.
fn points(line: &[&Cell<'_>], round: u32, part: Part) -> Result<Vec<(f64, f64)>, String> {
    let passes: Vec<&Pass> = line
        .iter()
        .filter_map(|cell| {
            cell.figures()
                .iter()
                .copied()
                .find(|pass| pass.round == round)
        })
        .collect();
    let same_workers = passes
        .windows(2)
        .all(|two| two[0].workers == two[1].workers);
    let point = |pass: &&Pass| {
        let bytes = grown(pass, part, same_workers)?;
        Ok((f64::from(pass.connections.served), bytes))
    };
    passes.iter().map(point).collect()
}

/// Bytes of a part with everybody connected: beyond those when the server was ready, if its workers were all there then.
fn grown(pass: &Pass, part: Part, from_ready: bool) -> Result<f64, String> {
    let gauges = &pass.gauges;
    if let Some(of) = of_host(part) {
        let host = &gauges.host;
        let before = if from_ready { &host.ready } else { &host.empty };
        let both = before
            .as_ref()
            .and_then(of)
            .zip(host.connected.as_ref().and_then(of));
        return both
            .map(|(before, after)| after - before)
            .ok_or_else(|| reason(pass, part));
    }
    let of = |gauge: &Gauge| of_gauge(gauge, part).ok_or_else(|| reason(pass, part));
    let connected = gauges.connected.as_ref();
    let connected = of(connected.ok_or("memory was not gauged")?)?;
    match &gauges.ready {
        Some(ready) if from_ready => Ok(connected - of(ready)?),
        _ => Ok(connected),
    }
}

/// Why a pass has no such figure.
fn reason(pass: &Pass, part: Part) -> String {
    let keys: &[&str] = match part {
        Part::Sockets => &["sockets"],
        Part::Slab => &["slab", "caches"],
        Part::Cgroup | Part::CgroupKernel => &["cgroup"],
        Part::Available => &["available"],
        _ => &[],
    };
    let unavailable = &pass.gauges.host.unavailable;
    let known = keys.iter().find_map(|key| unavailable.get(*key));
    known.map_or_else(
        || "was not recorded by the version that made this run".to_owned(),
        |reason| format::without_paths(reason),
    )
}

fn of_gauge(gauge: &Gauge, part: Part) -> Option<f64> {
    let bytes = match part {
        Part::Whole => gauge.memory_bytes(),
        Part::Anonymous => gauge.pss_anonymous_bytes,
        Part::Shared => gauge.pss_bytes.saturating_sub(gauge.pss_anonymous_bytes),
        Part::PageTables => gauge.page_table_bytes,
        Part::KernelStacks => gauge.kernel_stack_bytes,
        Part::Cgroup => gauge.cgroup?.total_bytes,
        Part::CgroupKernel => gauge.cgroup?.kernel_bytes,
        Part::Sockets | Part::Slab | Part::Available => return None,
    };
    Some(bytes as f64)
}

fn of_host(part: Part) -> Option<fn(&HostMemory) -> Option<f64>> {
    match part {
        // Without /proc/slabinfo the sockets themselves are in the slab.
        Part::Sockets => Some(|host| {
            Some((host.socket_buffer_bytes? + host.socket_object_bytes.unwrap_or(0)) as f64)
        }),
        Part::Slab => Some(|host| Some(host.slab_object_bytes.or(host.slab_bytes)? as f64)),
        // What is taken from it; free pages that a CPU keeps at hand are not taken.
        Part::Available => {
            Some(|host| Some(-((host.available_bytes? + host.at_hand_bytes.unwrap_or(0)) as f64)))
        }
        _ => None,
    }
}
