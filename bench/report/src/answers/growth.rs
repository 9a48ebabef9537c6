//! What more of one thing does, in a sentence each: more tasks for the same load, more cores, more clients who say
//! nothing. From the least to the most of it.

use record::{Scenario, Workload};

use crate::conditions::asks_at_once;
use crate::data::Data;
use crate::format;
use crate::work::longest;

const THROUGHPUT: &str = "throughput_per_s";
/// Fewer points are no growth but a comparison, which the tables make.
const POINTS: usize = 4;
/// Of those who are told one by one.
const NAMED: usize = 6;

fn closed(data: &Data<'_>, scenario: &Scenario) -> bool {
    scenario.workload == Workload::Rr
        && asks_at_once(scenario)
        && !data.ranking(&scenario.name, THROUGHPUT).is_empty()
}

/// Scenarios that differ in their clients alone.
pub(crate) fn by_clients<'a>(data: &Data<'a>) -> Option<Vec<&'a Scenario>> {
    let able = data.sections().filter(|it| closed(data, it));
    let line = longest(able, Scenario::line, |it| f64::from(it.connections))?;
    (line.len() >= POINTS).then_some(line)
}

/// Scenarios that differ in the server's cores alone.
pub(crate) fn by_cores<'a>(data: &Data<'a>) -> Option<Vec<&'a Scenario>> {
    let able = data.sections().filter(|it| closed(data, it));
    longest(able, Scenario::cores_line, |it| f64::from(it.server_cpus))
}

/// What it costs to have a task for each client.
pub(super) fn tasks(data: &Data<'_>) -> Option<String> {
    let line = by_clients(data)?;
    let (first, last) = (line.first()?, line.last()?);
    let from_to = |name: &str, metric: &str| {
        let value = |scenario: &Scenario| {
            let it = data.shown(name, &scenario.name, metric)?;
            Some(format::figure(metric, it.value?))
        };
        Some((value(first)?, value(last)?))
    };
    let told = |it: &record::Entrant| {
        let (switches, then_switches) = from_to(&it.name, "switches_voluntary_per_request")?;
        let (cpu, then_cpu) = from_to(&it.name, "cpu_us_per_request")?;
        Some(format!(
            "{} {switches} → {then_switches} voluntary switches and {cpu} → {then_cpu} of CPU",
            it.name
        ))
    };
    let entrants = data.firsts_then_others().into_iter();
    let told: Vec<String> = entrants.filter_map(told).take(NAMED).collect();
    (!told.is_empty()).then(|| {
        format!(
            "From {} to {} clients a request costs {}.",
            format::count(f64::from(first.connections)),
            format::count(f64::from(last.connections)),
            told.join(", ")
        )
    })
}

/// Who turns more cores into more answers.
pub(super) fn cores(data: &Data<'_>) -> Option<String> {
    let line = by_cores(data)?;
    let (first, last) = (line.first()?, line.last()?);
    let times = ratios(data, first, last);
    let named = |(name, times): &(&str, f64)| format!("{name} {}\u{a0}×", format::digits(*times));
    let named: Vec<String> = times.iter().map(named).collect();
    (!named.is_empty()).then(|| {
        format!(
            "With {} instead of {}, they answer: {}.",
            format::cores(last.server_cpus),
            first.server_cpus,
            named.join(", ")
        )
    })
}

/// What clients who say nothing cost those who ask.
pub(super) fn bystanders(data: &Data<'_>) -> Option<String> {
    let able = data.sections().filter(|it| closed(data, it));
    let line = longest(able, Scenario::bystanders_line, |it| f64::from(it.idle))?;
    let (alone, beside) = (line.first()?, line.last()?);
    let shares = ratios(data, alone, beside);
    let named = |(name, share): &(&str, f64)| format!("{} of {name}", share_of(*share));
    let ends = match shares.as_slice() {
        [] => return None,
        [only] => named(only),
        [first, .., last] => format!("{} to {}", named(first), named(last)),
    };
    Some(format!(
        "Beside {} clients that say nothing, {} that ask get this share of the answers that they get alone: {ends}.",
        format::count(f64::from(beside.idle)),
        alone.connections
    ))
}

/// Everybody's throughput under one scenario by that under another, the most first.
fn ratios<'a>(data: &Data<'a>, from: &Scenario, to: &Scenario) -> Vec<(&'a str, f64)> {
    let ratio = |it: &'a record::Entrant| {
        let value = |scenario: &Scenario| data.shown(&it.name, &scenario.name, THROUGHPUT)?.value;
        Some((it.name.as_str(), value(to)? / value(from)?))
    };
    let mut ratios: Vec<(&str, f64)> = data.servers().filter_map(ratio).collect();
    ratios.sort_by(|a, b| b.1.total_cmp(&a.1));
    ratios
}

fn share_of(share: f64) -> String {
    format!("{}\u{a0}%", format::digits(100.0 * share))
}
