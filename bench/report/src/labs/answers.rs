//! The answers of the labs, in sentences.

use record::{Lab, LabKind, Pages, Where};

use super::{Part, merged, parts, tables};
use crate::data::{Data, may_be_shown};
use crate::format;
use crate::stats::{self, Interval};

/// p99 is on its floor up to so many times what it is at the lowest rate: "much" is twice, everywhere.
const LEFT: f64 = 2.0;

/// The answers to the questions of a suite's labs.
pub(crate) fn answers(data: &Data<'_>) -> Vec<String> {
    let labs = &data.results.run.suite.labs;
    let first = |kind: LabKind| labs.iter().find(|lab| lab.lab == kind);
    let mut said = Vec::new();
    for kind in LabKind::ALL {
        said.extend(
            typical(data, kind)
                .or(first(kind))
                .map(|lab| of_lab(data, lab)),
        );
    }
    let slopes = [Pages::Small, Pages::Huge].map(|pages| fork_by_state(data, pages));
    said.extend(slopes.into_iter().flatten());
    said.extend(page_tables(data));
    said.extend(whatever_the_state(data, "posix-spawn"));
    said.extend(rates(data));
    said
}

/// The lab that stands for the suite.
pub(crate) fn first<'a>(data: &Data<'a>) -> Option<&'a Lab> {
    let kind = data.labs().first()?.lab;
    typical(data, kind).or(data.labs().first())
}

/// The lab that stands for its kind: messages of 64 bytes on one core, else the first.
fn typical<'a>(data: &Data<'a>, kind: LabKind) -> Option<&'a Lab> {
    let mut labs = data.results.run.suite.labs.iter();
    labs.find(|lab| {
        lab.lab == kind
            && lab.bytes.is_none_or(|bytes| bytes == 64)
            && lab.placement == Where::SameCore
    })
}

/// Who is fastest and slowest under a lab.
pub(crate) fn of_lab(data: &Data<'_>, lab: &Lab) -> String {
    if lab.lab == LabKind::Evidence {
        return "What the kernel shows stands below the table.".to_owned();
    }
    let key = tables::columns(lab.lab)[0].1;
    let mut shown: Vec<(f64, &str)> = data
        .summary
        .estimates
        .iter()
        .filter(|it| it.scenario == lab.name && it.metric == key && may_be_shown(it))
        .filter_map(|it| Some((it.value?, it.contender.as_str())))
        .collect();
    shown.sort_by(|a, b| a.0.total_cmp(&b.0));
    let what = match lab.lab {
        LabKind::Spawn => "To the first instruction",
        LabKind::Ipc => "A round trip",
        LabKind::Switch => "A switch",
        LabKind::Call => "A call",
        LabKind::Share => "A stay on the CPU",
        LabKind::Evidence => "Nothing",
    };
    let time = |it: &(f64, &str)| format!("{} {}", it.1, format::time(it.0));
    match shown.as_slice() {
        [] => format!("No figure yet: {}.", tables::conditions(lab)),
        [only] => format!("{what}: {}; nobody else has a figure.", time(only)),
        [first, .., last] => format!(
            "{what}: from {} to {}, {} × ({}).",
            time(first),
            time(last),
            format::digits(last.0 / first.0),
            tables::conditions(lab)
        ),
    }
}

/// How fork's time grows with the parent's state.
pub(crate) fn fork_by_state(data: &Data<'_>, pages: Pages) -> Option<String> {
    let (slope, interval) = slope(data, "fork", pages)?;
    let called = match pages {
        Pages::Small => "pages of 4 KiB",
        Pages::Huge => "huge pages",
    };
    let spread = format::spread(
        "spawn_ns_p50",
        slope,
        interval.map(|it| it.low),
        interval.map(|it| it.high),
    );
    let spread = spread
        .map(|spread| format!(" ({spread})"))
        .unwrap_or_default();
    Some(format!(
        "fork takes {}{spread} more to the child's first instruction for each GiB of state in {called}.",
        format::time(slope)
    ))
}

/// A metric of a mechanism over the state in pages of 4 KiB, by state.
fn by_state(data: &Data<'_>, mechanism: &str, metric: &str) -> Vec<(f64, f64)> {
    let labs = data.labs().iter();
    let line = labs.filter(|lab| is_of_the_line(lab, Pages::Small));
    let point = |lab: &Lab| {
        let it = data.shown(mechanism, &lab.name, metric)?;
        Some((f64::from(lab.state_mib.unwrap_or(0)), it.value?))
    };
    let mut points: Vec<(f64, f64)> = line.filter_map(point).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

fn mebibytes(mib: f64) -> String {
    format::bytes(mib * 1024.0 * 1024.0)
}

/// What is copied at once, by state.
fn page_tables(data: &Data<'_>) -> Option<String> {
    let mut points = by_state(data, "fork", "child_page_table_bytes");
    // A suite may ask for one state twice, under other conditions: the first stands for it.
    points.dedup_by_key(|(state, _)| *state);
    let of = |(state, bytes): &(f64, f64)| {
        format!("{} with {}", format::bytes(*bytes), mebibytes(*state))
    };
    let said: Vec<String> = points.iter().map(of).collect();
    (said.len() > 1).then(|| {
        format!(
            "Page tables of a child of fork, by its parent's state in pages of 4 KiB: {}.",
            said.join(", ")
        )
    })
}

/// How little, or how much, a mechanism minds the state.
fn whatever_the_state(data: &Data<'_>, mechanism: &str) -> Option<String> {
    let points = by_state(data, mechanism, "spawn_ns_p50");
    let (first, last) = (points.first()?, points.last()?);
    let times = points.iter().map(|it| it.1);
    let (low, high) = times.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), it| {
        (low.min(it), high.max(it))
    });
    (points.len() > 2).then(|| {
        format!(
            "{mechanism} takes {} to {} to the first instruction, whatever the state from {} to {}.",
            format::time(low),
            format::time(high),
            mebibytes(first.0),
            mebibytes(last.0)
        )
    })
}

/// Nanoseconds a GiB: least squares over the states of each round, the median over rounds.
pub(crate) fn slope(
    data: &Data<'_>,
    mechanism: &str,
    pages: Pages,
) -> Option<(f64, Option<Interval>)> {
    let all = parts(data.results);
    let line: Vec<&Part<'_>> = all
        .iter()
        .filter(|part| part.mechanism == mechanism && is_of_the_line(part.lab, pages))
        .collect();
    if line.len() < 3 {
        return None;
    }
    let mut by_round = std::collections::BTreeMap::<u32, Vec<(f64, f64)>>::new();
    for part in &line {
        let gib = f64::from(part.lab.state_mib.unwrap_or(0)) / 1024.0;
        for pass in &part.passes {
            let stored = pass.lab.as_ref()?.histograms.get("spawn_ns")?;
            let middle = stored.decode().ok()?.value_at_quantile(0.5) as f64;
            by_round.entry(pass.round).or_default().push((gib, middle));
        }
    }
    let slopes: Vec<f64> = by_round
        .values()
        .filter(|points| points.len() == line.len())
        .filter_map(|points| least_squares(points))
        .collect();
    let seed = stats::seed(data.results.run.seed, &[mechanism, "slope"]);
    Some((
        stats::median(&slopes)?,
        stats::median_interval(&slopes, seed),
    ))
}

/// Labs that differ in state alone: the parent has one thread and few descriptors, and no rate.
pub(crate) fn is_of_the_line(lab: &Lab, pages: Pages) -> bool {
    lab.lab == LabKind::Spawn
        && lab.rate.is_none()
        && lab.threads.unwrap_or(1) == 1
        && lab.descriptors.unwrap_or(0) <= 10
        && lab.placement == Where::SameCore
        && (lab.pages.unwrap_or_default() == pages || lab.state_mib.unwrap_or(0) == 0)
}

fn least_squares(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let (mean_x, mean_y) = points.iter().fold((0.0, 0.0), |(x, y), point| {
        (x + point.0 / n, y + point.1 / n)
    });
    let (mut over, mut under) = (0.0, 0.0);
    for (x, y) in points {
        over += (x - mean_x) * (y - mean_y);
        under += (x - mean_x).powi(2);
    }
    (under > 0.0).then(|| over / under)
}

/// Up to which rate p99 stays on its floor, for those who were asked at several rates.
fn rates(data: &Data<'_>) -> Vec<String> {
    let all = parts(data.results);
    let mut lines = std::collections::BTreeMap::<&str, Vec<(f64, f64)>>::new();
    let mut unknown = std::collections::BTreeSet::new();
    for part in &all {
        let Some(rate) = part.lab.rate else {
            continue;
        };
        match merged(part, "spawn_ns").and_then(|merged| merged.value(0.99)) {
            Ok(p99) => lines.entry(part.mechanism).or_default().push((rate, p99)),
            Err(_) => {
                unknown.insert(part.mechanism);
            }
        }
    }
    // Where a rate has too few samples for a p99, nobody knows the floor.
    lines.retain(|mechanism, _| !unknown.contains(mechanism));
    let said = lines.into_iter().filter_map(|(mechanism, mut points)| {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let floor = points.iter().map(|(_, p99)| *p99).fold(f64::INFINITY, f64::min);
        let kept = points.iter().take_while(|(_, p99)| *p99 <= LEFT * floor).last()?;
        let left = points.iter().find(|(_, p99)| *p99 > LEFT * floor);
        let floor = format::time(floor);
        Some(match left {
            Some((rate, p99)) => format!(
                "{mechanism} keeps its p99 within twice its floor ({floor}) up to {} starts/s; at {} it is {}.",
                format::count(kept.0),
                format::count(*rate),
                format::time(*p99)
            ),
            None => format!(
                "{mechanism} keeps its p99 within twice its floor ({floor}) at every rate asked for, up to {} starts/s.",
                format::count(kept.0)
            ),
        })
    });
    said.collect()
}
