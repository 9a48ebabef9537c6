//! Of the machine: what it has one of, what it hides, what it makes dear.

use record::Host;

use super::Limit;
use crate::data::Data;
use crate::{format, yardsticks};

/// More descriptors than any suite here asks for.
const DESCRIPTORS_MANY: u64 = 1 << 17;

fn host<'a>(data: &Data<'a>) -> &'a Host {
    &data.results.run.host
}

fn median(data: &Data<'_>, name: &str) -> Option<String> {
    yardsticks::median(&data.results.run.yardsticks, name).map(format::time)
}

fn is_virtual(host: &Host) -> bool {
    !matches!(host.virtualisation.as_str(), "" | "none" | "unknown")
}

pub(super) fn network(data: &Data<'_>) -> Option<Limit> {
    let from = &data.results.run.load_hosts;
    if !from.is_empty() && from.iter().all(|host| !host.is_servers) {
        return None;
    }
    if !from.is_empty() {
        return Some(Limit {
            what: "a network",
            text: format!(
                "Server and load are apart ({}), but on one machine: packets pass from one namespace to another \
                 without a wire or a card, and both sides share caches and memory.",
                format::plural(from.len(), "load host")
            ),
        });
    }
    let figure = match (
        median(data, "tcp-spinning"),
        host(data).value("loopback.mtu"),
    ) {
        (Some(time), _) => {
            format!("a round trip with both sides spinning takes {time}, all of it in system calls")
        }
        (None, Some(mtu)) => format!("loopback carries {mtu} B at once"),
        (None, None) => "client and server talk over loopback".to_owned(),
    };
    Some(Limit {
        what: "a network",
        text: format!(
            "Both ends are on this machine: {figure}. No wire, no card, no interrupt of one, no loss: what a user \
             waits for on the way is not in these figures, and what packets cost a server beyond loopback is not either."
        ),
    })
}

pub(super) fn bare_metal(data: &Data<'_>) -> Option<Limit> {
    let host = host(data);
    if !is_virtual(host) {
        return None;
    }
    let figure = match (median(data, "wake-up"), median(data, "tcp-spinning")) {
        (Some(wake_up), Some(spinning)) => format!(
            "waking a core that sleeps takes {wake_up} here, a whole round trip of two that do not takes {spinning}"
        ),
        (Some(wake_up), None) => format!("waking a core that sleeps takes {wake_up} here"),
        (None, _) => "what waking a core takes was not measured".to_owned(),
    };
    Some(Limit {
        what: "bare metal",
        text: format!(
            "This is a virtual machine ({}): {figure}. Where a server has time to sleep between requests, its latency is \
             the hypervisor's more than the model's.",
            host.virtualisation
        ),
    })
}

pub(super) fn cheap_pages(data: &Data<'_>) -> Option<Limit> {
    let host = host(data);
    if !is_virtual(host) {
        return None;
    }
    let touch = median(data, "first-touch")?;
    let copy = median(data, "copy-on-write");
    let copy = copy.map(|time| format!(", a copy after a fork {time}"));
    let fork = median(data, "fork").map(|time| format!(", a fork with its end {time}"));
    Some(Limit {
        what: "cheap pages",
        text: format!(
            "Page tables are nested here: a page's first touch takes {touch}{}{}. Models that fork pay all three for each \
             connection, and would pay less without a hypervisor.",
            copy.unwrap_or_default(),
            fork.unwrap_or_default()
        ),
    })
}

pub(super) fn hyper_threads(data: &Data<'_>) -> Option<Limit> {
    let host = host(data);
    let (cpus, cores) = (host.cpus, host.cores);
    let figure = format!(
        "{} on {}",
        format::plural(cpus as usize, "logical CPU"),
        format::plural(cores as usize, "core")
    );
    let text = if cpus > cores {
        format!(
            "{figure}: a server core is {} hyper-threads, used together, and one of them alone was not measured.",
            f64::from(cpus) / f64::from(cores.max(1))
        )
    } else if is_virtual(host) {
        format!(
            "{figure}, as the hypervisor shows it: whether two of them are threads of one core, so that generator and \
             server slow each other down, cannot be seen from inside."
        )
    } else {
        format!("{figure}: what a model gains from a second thread of its core was not measured.")
    };
    Some(Limit {
        what: "hyper-threads",
        text,
    })
}

pub(super) fn caches(data: &Data<'_>) -> Option<Limit> {
    let host = host(data);
    let shared = host.value("cpu.caches").unwrap_or_default();
    let shared: Vec<&str> = shared
        .split(", ")
        .filter(|cache| cache.contains("(CPUs"))
        .collect();
    let figure = match shared.as_slice() {
        [] => format!("{} of main memory", format::bytes(host.memory_bytes as f64)),
        caches => format!(
            "{} and {} of main memory",
            caches.join(", "),
            format::bytes(host.memory_bytes as f64)
        ),
    };
    Some(Limit {
        what: "caches of one's own",
        text: format!(
            "Generator and server share {figure}: what one side reads it takes from the other's, and a message \
             arrives in a cache that a card would have missed."
        ),
    })
}

pub(super) fn nodes(data: &Data<'_>) -> Option<Limit> {
    let nodes = host(data).value("cpu.nodes")?;
    (nodes.matches("node").count() == 1).then(|| Limit {
        what: "memory of another node",
        text: format!(
            "There is one memory node ({nodes}): what it costs when a task wakes far from its memory is not here."
        ),
    })
}

pub(super) fn frequency(data: &Data<'_>) -> Option<Limit> {
    let host = host(data);
    let governor = host.fact("cpu.governor")?;
    let text = match (&governor.value, host.value("cpu.boost")) {
        (None, _) => format!(
            "How fast the cores ran is not told ({}): it may have differed from round to round.",
            governor.reason.as_deref().unwrap_or("no reason given")
        ),
        (Some(name), boost) if name != "performance" || boost == Some("on") => format!(
            "The clock of the cores was not fixed (governor {name}, boost {}): rounds may differ by it, and light load \
             is served by slower cores.",
            boost.unwrap_or("unknown")
        ),
        _ => return None,
    };
    Some(Limit {
        what: "a fixed clock frequency",
        text,
    })
}

pub(super) fn mitigations(data: &Data<'_>) -> Option<Limit> {
    let said = host(data).value("cpu.mitigations")?;
    let active: Vec<&str> = said
        .split("; ")
        .filter(|one| one.contains("Mitigation"))
        .filter_map(|one| Some(one.split_once(':')?.0))
        .collect();
    let text = match active.as_slice() {
        [] => "No mitigation of a CPU's weakness is at work here: where some are, each system call and each switch costs \
               more than these figures say."
            .to_owned(),
        names => format!(
            "{} of CPU weaknesses at work ({}): each system call and each switch pays for them, and pays another \
             price on another CPU.",
            match names.len() {
                1 => "One mitigation".to_owned(),
                many => format!("{many} mitigations"),
            },
            names.join(", ")
        ),
    };
    Some(Limit {
        what: "other CPUs' system calls",
        text,
    })
}

pub(super) fn clock(data: &Data<'_>) -> Option<Limit> {
    let source = host(data).value("clock.source")?;
    (!matches!(source, "tsc" | "arch_sys_counter")).then(|| Limit {
        what: "nanoseconds",
        text: format!(
            "The clock source is {source}, not the CPU's own counter: each reading costs more, and each request is timed \
             by two or three."
        ),
    })
}

pub(super) fn connections(data: &Data<'_>) -> Option<Limit> {
    let most = host(data).descriptors;
    (0 < most && most < DESCRIPTORS_MANY).then(|| Limit {
        what: "very many connections",
        text: format!(
            "A process may open {} descriptors at most: nothing is known here of servers that hold more connections \
             than that.",
            format::count(most as f64)
        ),
    })
}
