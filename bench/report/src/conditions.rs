//! What a scenario was run under, in words: what stands in every head and subtitle.

use std::time::Duration;

use record::{Fault, FaultSignal, Measure, Network, Pace, Placing, Scenario, Victim, Workload};

use crate::format;

/// Whether requests are due by a schedule, whatever the server does.
pub(crate) fn is_open(scenario: &Scenario) -> bool {
    scenario.pace != Pace::Closed
}

/// Whether its contenders are loaded in turns, slice by slice, and can be paired so.
pub(crate) fn is_sliced(scenario: &Scenario) -> bool {
    scenario.measure == Measure::Sliced && !is_open(scenario)
}

/// Whether everybody asks again as soon as the last reply is in.
pub(crate) fn asks_at_once(scenario: &Scenario) -> bool {
    !is_open(scenario) && scenario.think.is_zero() && scenario.workload != Workload::Idle
}

/// Whether the server always has somebody to answer: with one client it sleeps between two requests.
pub(crate) fn is_saturating(scenario: &Scenario) -> bool {
    asks_at_once(scenario) && (scenario.connections > 1 || scenario.workload == Workload::Stream)
}

/// `, at saturation`, where it is.
pub(crate) fn at_saturation(scenario: &Scenario) -> &'static str {
    if is_saturating(scenario) {
        ", at saturation"
    } else {
        ""
    }
}

/// `2,000 requests a second`.
pub(crate) fn rate(per_second: f64) -> String {
    let number = if per_second.fract() == 0.0 {
        format::count(per_second)
    } else {
        format::digits(per_second)
    };
    format!("{number} requests a second")
}

/// What a scenario was run under, for a head: load, connections, bytes, pace, server cores.
pub(crate) fn conditions(scenario: &Scenario) -> String {
    under(scenario, &pace(scenario))
}

/// Likewise of scenarios that differ in their rate alone: what all of them share.
pub(crate) fn conditions_but_rate(scenario: &Scenario) -> String {
    under(scenario, distances(scenario.pace))
}

fn under(scenario: &Scenario, pace: &str) -> String {
    let clients = format::count(f64::from(scenario.connections));
    let cores = cores_of(scenario);
    let bytes = format::bytes(scenario.message as f64);
    let load = match scenario.workload {
        Workload::Rr if scenario.idle > 0 => format!(
            "{clients} connections beside {} that say nothing, {bytes} a message",
            format::count(f64::from(scenario.idle))
        ),
        Workload::Rr => format!("{clients} connections, {bytes} a message"),
        Workload::Crr => match scenario.per_connection {
            1 => format!("{clients} at once, a connection for each request, {bytes} a message"),
            requests => format!(
                "{clients} at once, a connection for every {requests} requests, {bytes} a message"
            ),
        },
        Workload::Stream => format!(
            "{clients} connections, {bytes} a message, {} of each on their way at once",
            scenario.depth
        ),
        Workload::Idle => format!("{clients} idle connections"),
    };
    let mut text = match scenario.workload {
        Workload::Idle => format!("{load}, {cores}"),
        _ => format!("{load}, {pace}, {cores}"),
    };
    if scenario.keep_awake {
        text.push_str(", idle cores kept awake");
    }
    if scenario.work != "none" {
        text.push_str(&format!(", work {}", scenario.work));
    }
    if scenario.timeout != record::scenario::TIMEOUT {
        let timeout = format::time_tick(scenario.timeout.as_nanos() as f64);
        text.push_str(&format!(", clients give up after {timeout}"));
    }
    if let Some(fault) = scenario.fault {
        text.push_str(&format!(", {}", struck(fault)));
    }
    if let Some(network) = &scenario.network {
        text.push_str(&on_the_way(network));
    }
    if let Some(state) = &scenario.state {
        text.push_str(&format!(", state {state}"));
    }
    if let Some(touch) = &scenario.touch {
        text.push_str(&format!(", of which a connection writes to {touch}"));
    }
    text
}

/// `, the server's packets delayed by 1 ms`.
fn on_the_way(network: &Network) -> String {
    let delayed = match network.delay.is_zero() {
        true => String::new(),
        false => format!(
            ", the server's packets delayed by {}",
            format::time_tick(network.delay.as_nanos() as f64)
        ),
    };
    let lost = network
        .loss
        .as_ref()
        .map(|loss| format!(", {loss} of the server's packets lost"));
    delayed + &lost.unwrap_or_default()
}

/// `a worker killed (SIGKILL) after 500 ms`.
fn struck(fault: Fault) -> String {
    let who = match fault.strike {
        Victim::Worker => "a worker",
        Victim::Parent => "the parent",
    };
    let time = |it: Duration| format::time_tick(it.as_nanos() as f64);
    let at = time(fault.at);
    match (fault.signal, fault.mend) {
        (FaultSignal::Kill, _) => format!("{who} killed (SIGKILL) after {at}"),
        (FaultSignal::Stop, mend) => format!(
            "{who} stopped (SIGSTOP) after {at} and continued {} later",
            time(mend.unwrap_or_default())
        ),
    }
}

/// `one server core`; `2 server cores, shared with the generator`.
pub(crate) fn cores_of(scenario: &Scenario) -> String {
    let cores = format::cores(scenario.server_cpus);
    match scenario.placement {
        Placing::Apart => cores,
        Placing::Shared => format!("{cores}, shared with the generator"),
    }
}

/// When requests are due.
fn pace(scenario: &Scenario) -> String {
    match scenario.pace {
        Pace::Closed if scenario.think.is_zero() => distances(scenario.pace).to_owned(),
        Pace::Closed => format!(
            "closed loop, {} of thought before each request",
            format::time(scenario.think.as_nanos() as f64)
        ),
        Pace::Constant(per_second) | Pace::Poisson(per_second) => {
            format!("{}, {}", rate(per_second), distances(scenario.pace))
        }
        Pace::OfSlowest(_) | Pace::OfOwn(_) => {
            let asked = asked(scenario).unwrap_or_default();
            format!("{asked}, {}", distances(scenario.pace))
        }
    }
}

/// How many requests a rate asks for: of everybody alike, or of each a share of what it can do.
pub(crate) fn asked(scenario: &Scenario) -> Option<String> {
    let percent = |share: f64| format::digits(100.0 * share);
    match scenario.pace {
        Pace::Closed => None,
        Pace::Constant(per_second) | Pace::Poisson(per_second) => Some(rate(per_second)),
        Pace::OfSlowest(share) => Some(format!("{} % of the slowest capacity", percent(share))),
        Pace::OfOwn(share) => Some(format!("{} % of each one's own capacity", percent(share))),
    }
}

/// How requests that are due by a schedule follow one another.
fn distances(pace: Pace) -> &'static str {
    match pace {
        Pace::Closed => "closed loop",
        Pace::Constant(_) => "evenly spaced (constant), whatever the server does",
        Pace::Poisson(_) | Pace::OfSlowest(_) | Pace::OfOwn(_) => {
            "at exponential distances (poisson), whatever the server does"
        }
    }
}

/// How a table's latencies are to be read, wherever they stand in one.
pub(crate) fn reading(scenario: &Scenario) -> &'static str {
    match scenario.workload {
        Workload::Idle => "",
        _ if scenario.fault.is_some() => {
            "; an outage lasts from the strike to the first of two tenths of a second in a row with 90 % of the replies before"
        }
        _ if is_open(scenario) => {
            "; response = received − due: what a user waits; service = received − sent: hides stalls"
        }
        _ if !scenario.think.is_zero() => {
            "; in a closed loop connections = throughput × (response time + thought)"
        }
        Workload::Stream => {
            "; in a closed loop connections × requests on their way = throughput × response time"
        }
        Workload::Rr | Workload::Crr => {
            "; in a closed loop connections = throughput × response time"
        }
    }
}

/// When a run was gone on with, if it was.
pub(crate) fn breaks(run: &record::Run) -> Option<String> {
    let each = run.resumed.iter();
    let each: Vec<String> = each
        .map(|it| {
            format!(
                "{} (after {})",
                it.at,
                format::plural_of(it.recorded as usize, "pass", "passes")
            )
        })
        .collect();
    (!each.is_empty()).then(|| format!("Broken off and gone on with: {}.", each.join(", ")))
}

/// The machine, in a line.
pub(crate) fn machine(host: &record::Host) -> String {
    let or = |text: &str, other: &str| {
        if text.is_empty() {
            other.to_owned()
        } else {
            text.to_owned()
        }
    };
    let virtualisation = match host.virtualisation.as_str() {
        "" => "virtualisation unknown".to_owned(),
        "none" => "bare metal".to_owned(),
        name => format!("virtual machine ({name})"),
    };
    let cpu = or(&host.cpu, "unknown CPU");
    let kernel = or(&host.kernel, "unknown kernel");
    format!(
        "{cpu}, {}, {virtualisation}, {kernel}",
        format::plural(host.cores as usize, "core")
    )
}
