//! Queues, ports and what is left of ended connections.

use super::{Finding, Machine};
use crate::format;

/// As long as the longest backlog that servers here ask for.
const QUEUE: f64 = 4096.0;
/// The kernel's own range has 28,232.
const PORTS: f64 = 28_000.0;
/// A minute of churn over eight source addresses leaves more ended connections than this.
const BUCKETS: f64 = 65_536.0;

pub(super) fn accept_queue(machine: &Machine<'_>) -> Option<Finding> {
    let why = "a listener's queue is cut to this: when a thousand clients connect at once, whoever finds it full comes \
               again a second later";
    Some(machine.at_least("net.core.somaxconn", QUEUE, why))
}

pub(super) fn syn_queue(machine: &Machine<'_>) -> Option<Finding> {
    let why = "half-open connections beyond it are dropped or answered by cookies: a second more for some clients";
    Some(machine.at_least("net.ipv4.tcp_max_syn_backlog", 1024.0, why))
}

pub(super) fn overflow(machine: &Machine<'_>) -> Option<Finding> {
    let name = "net.ipv4.tcp_abort_on_overflow";
    let why = "at 1 a full accept queue resets its clients instead of letting them come again: the same overload \
               shows as errors, not as latency";
    match machine.number(name)? {
        0.0 => Some(Finding::well(format!("{name} = 0"), why)),
        number => Some(Finding::change(
            format!("{name} = {number}"),
            why,
            &format!("sudo sysctl -w {name}=0"),
        )),
    }
}

pub(super) fn ports(machine: &Machine<'_>) -> Option<Finding> {
    let why = "each connection that the client closes holds its port for a minute; servers listen below the range";
    let name = "net.ipv4.ip_local_port_range";
    let Some((low, high)) = machine.host.port_range else {
        return Some(Finding::fixed(
            format!("{name} is not known: {}", machine.reason(name)),
            why,
        ));
    };
    let ports = f64::from(high.saturating_sub(low)) + 1.0;
    let stands = format!("{} local ports ({low} to {high})", format::count(ports));
    Some(match ports >= PORTS {
        true => Finding::well(stands, why),
        false => Finding::change(
            stands,
            why,
            &format!("sudo sysctl -w {name}=\"32768 60999\""),
        ),
    })
}

pub(super) fn reuse(machine: &Machine<'_>) -> Option<Finding> {
    let name = "net.ipv4.tcp_tw_reuse";
    let why = "a client may take a port again a second after its connection ended: without, churn (crr) meets its own \
               leftovers";
    match machine.number(name)? {
        0.0 => Some(Finding::change(
            format!("{name} = 0"),
            why,
            &format!("sudo sysctl -w {name}=2"),
        )),
        number => Some(Finding::well(format!("{name} = {number}"), why)),
    }
}

pub(super) fn buckets(machine: &Machine<'_>) -> Option<Finding> {
    let why = "ended connections beyond it are forgotten at once instead of held for a minute: churn looks cheaper than \
               it is";
    Some(machine.at_least("net.ipv4.tcp_max_tw_buckets", BUCKETS, why))
}

pub(super) fn tracking(machine: &Machine<'_>) -> Option<Finding> {
    let why = "a firewall's table is looked up for every packet, and when it is full connections are dropped";
    // The table may be there and nobody use it.
    match machine.number("net.netfilter.nf_conntrack_count")? {
        0.0 => Some(Finding::well("connections are not tracked", why)),
        count => Some(Finding::change(
            format!(
                "{} are tracked",
                format::plural(count as usize, "connection")
            ),
            why,
            "sudo iptables -t raw -I OUTPUT -o lo -j NOTRACK && sudo iptables -t raw -I PREROUTING -i lo -j NOTRACK",
        )),
    }
}

pub(super) fn congestion(machine: &Machine<'_>) -> Option<Finding> {
    let name = "net.ipv4.tcp_congestion_control";
    let why = "bbr spaces packets by a timer each: on loopback it costs CPU for a network that is not there; measure \
               with it if your servers have it";
    match machine.value(name)? {
        "bbr" => Some(Finding::change(
            format!("{name} = bbr"),
            why,
            &format!("sudo sysctl -w {name}=cubic"),
        )),
        other => Some(Finding::well(format!("{name} = {other}"), why)),
    }
}
