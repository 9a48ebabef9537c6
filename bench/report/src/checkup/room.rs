//! Room: descriptors, tasks, mappings, memory, and what a cgroup leaves of them.

use super::{Finding, Machine};
use crate::format;

/// A connection each of 10,000 clients, and what else a process holds open.
const DESCRIPTORS: f64 = 10_500.0;
/// A task each of 10,000 clients beside what runs anyway.
const TASKS: f64 = 12_000.0;
/// Two mappings (stack and guard) each of 10,000 threads, and room.
const MAPPINGS: f64 = 32_768.0;
/// What 10,000 processes weigh with both ends' sockets, and room for the page cache.
const MEMORY: f64 = 4.0 * 1024.0 * 1024.0 * 1024.0;

pub(super) fn descriptors(machine: &Machine<'_>) -> Option<Finding> {
    let most = machine.host.descriptors as f64;
    let stands = format!("{} descriptors a process", format::count(most));
    let why = "a connection is one on either side: scenarios of 10,000 connections need that many, and a few";
    Some(match most >= DESCRIPTORS {
        true => Finding::well(stands, why),
        false => Finding::change(
            stands,
            why,
            "sudo prlimit --pid $$ --nofile=65536:65536    # for this shell",
        ),
    })
}

/// The least of all that limit tasks decides.
pub(super) fn tasks(machine: &Machine<'_>) -> Option<Finding> {
    let hard = |name: &str| -> Option<f64> {
        let text = machine.value(name)?;
        text.rsplit(' ').next()?.parse().ok()
    };
    let limits = [
        ("kernel.pid_max", machine.number("kernel.pid_max")),
        ("kernel.threads-max", machine.number("kernel.threads-max")),
        // It does not bind root.
        (
            "ulimit -u",
            hard("limit.processes").filter(|_| !machine.is_root()),
        ),
        ("pids of the cgroup", machine.number("cgroup.task_limit")),
    ];
    let known = limits
        .iter()
        .filter_map(|(name, most)| Some((*name, (*most)?)));
    let (name, most) = known.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let stands = format!("{} tasks ({name})", format::count(most));
    let why = "models with a task for each of 10,000 connections need that many: fewer, and fork or clone fails";
    Some(match (most >= TASKS, name.starts_with("kernel.")) {
        (true, _) => Finding::well(stands, why),
        (false, true) => Finding::change(stands, why, &format!("sudo sysctl -w {name}=131072")),
        (false, false) if name == "ulimit -u" => Finding::change(
            stands,
            why,
            "sudo prlimit --pid $$ --nproc=131072    # for this shell",
        ),
        (false, false) => Finding::fixed(stands, why),
    })
}

pub(super) fn mappings(machine: &Machine<'_>) -> Option<Finding> {
    let why = "a thread's stack is two mappings of its process: at 10,000 threads 20,000";
    Some(machine.at_least("vm.max_map_count", MAPPINGS, why))
}

pub(super) fn memory(machine: &Machine<'_>) -> Option<Finding> {
    let free = machine.number("memory.available_kib")? * 1024.0;
    let allowed = machine
        .number("cgroup.memory_limit")
        .unwrap_or(f64::INFINITY);
    let (room, whose) = match allowed < free {
        true => (allowed, "the cgroup's"),
        false => (free, "available"),
    };
    let stands = format!("{} of memory ({whose})", format::bytes(room));
    let why = "10,000 processes with their sockets weigh more than a gibibyte; short of it the kernel takes pages back, \
               and times it";
    Some(match room >= MEMORY {
        true => Finding::well(stands, why),
        false => Finding::fixed(stands, why),
    })
}

pub(super) fn swap(machine: &Machine<'_>) -> Option<Finding> {
    let all = machine.number("memory.swap_kib")?;
    let used = all - machine.number("memory.swap_free_kib")?;
    let why = "a page that was swapped out is read from a disk in the midst of a request, and is no part of what a \
               process weighs";
    Some(match (all > 0.0, used > 0.0) {
        (false, _) => Finding::well("no swap", why),
        (true, false) => Finding::well("swap is not in use", why),
        (true, true) => Finding::change(
            format!("{} of swap in use", format::bytes(used * 1024.0)),
            why,
            "sudo swapoff -a    # and swapon -a afterwards",
        ),
    })
}

pub(super) fn cgroup(machine: &Machine<'_>) -> Option<Finding> {
    let said = machine.host.cgroup.as_str();
    let why = "a cgroup v2 of each server's own splits its CPU time into user and system, and ends its tree at one stroke";
    if said == "one a server" {
        return Some(Finding::well("servers get a cgroup v2 of their own", why));
    }
    let stands = format!("no cgroup v2 for servers: {said}");
    let is_mounted = machine
        .value("cgroup.version")
        .is_some_and(|it| it.contains('2'));
    Some(match is_mounted && !machine.is_root() {
        true => Finding::change(
            stands,
            why,
            "systemd-run --user --scope -p Delegate=yes fiveways run",
        ),
        false => Finding::fixed(stands, why),
    })
}

pub(super) fn cpu_limit(machine: &Machine<'_>) -> Option<Finding> {
    let why = "a quota stops everybody when it is used up, for the rest of a tenth of a second";
    match machine.value("cgroup.cpu_limit")? {
        "none" => Some(Finding::well("no quota of CPU time", why)),
        limit => Some(Finding::fixed(format!("a quota of {limit} (cgroup)"), why)),
    }
}
