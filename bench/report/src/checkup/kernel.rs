//! The kernel: what may be looked at, and what it does to memory and system calls.

use super::{Finding, Machine};
use crate::format;

pub(super) fn perf(machine: &Machine<'_>) -> Option<Finding> {
    let name = "kernel.perf_event_paranoid";
    let why = "migrations, faults and switches of a server's tree are counted by perf software events; who may not has \
               wait4 and /proc, and the rest is unavailable";
    let Some(level) = machine.number(name) else {
        let stands = format!("perf events are not known: {}", machine.reason(name));
        return Some(Finding::fixed(stands, why));
    };
    let stands = format!("{name} = {level}");
    // Counting the kernel's part of one's own processes takes 1; tracepoints take -1 or root.
    Some(match machine.is_root() || level <= 1.0 {
        true if machine.is_root() => Finding::well(format!("{stands}, and this is root"), why),
        true => Finding::well(stands, why),
        false => Finding::change(stands, why, &format!("sudo sysctl -w {name}=1")),
    })
}

pub(super) fn tracepoints(machine: &Machine<'_>) -> Option<Finding> {
    let name = "sched.switch_events";
    let why = "system calls by name are counted by tracepoints, whose numbers stand in the tracing file system";
    if machine.value(name).is_some() {
        return Some(Finding::well("tracepoints can be read", why));
    }
    let reason = machine.reason(name);
    let stands = format!("no tracepoints: {reason}");
    Some(match (machine.is_root(), reason.contains("there is no")) {
        (true, true) => {
            let apart = "no tracing file system is mounted; root mounts one for a child of its own";
            Finding::well(apart, why)
        }
        (true, false) => Finding::fixed(stands, why),
        (false, _) => Finding::change(stands, why, "sudo fiveways run    # only root may"),
    })
}

pub(super) fn huge_pages(machine: &Machine<'_>) -> Option<Finding> {
    let why = "at `always` a stack or a heap of a few KiB may get 2 MiB at once: what a connection weighs is then luck";
    let stands = |choice: &str| format!("transparent huge pages: {choice}");
    Some(match machine.host.huge_pages.as_deref() {
        None => Finding::fixed(stands(&machine.reason("huge_pages.enabled")), why),
        Some("always") => Finding::change(
            stands("always"),
            why,
            "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
        ),
        Some(choice) => Finding::well(stands(choice), why),
    })
}

pub(super) fn layout(machine: &Machine<'_>) -> Option<Finding> {
    let name = "kernel.randomize_va_space";
    let why = "fresh servers each round draw fresh address layouts, so their luck is in the interval; without, one \
               layout's luck is in every round";
    match machine.number(name)? {
        2.0 => Some(Finding::well(format!("{name} = 2"), why)),
        number => Some(Finding::change(
            format!("{name} = {number}"),
            why,
            &format!("sudo sysctl -w {name}=2"),
        )),
    }
}

pub(super) fn mitigations(machine: &Machine<'_>) -> Option<Finding> {
    let said = machine.value("cpu.mitigations")?;
    let why = "each system call and each switch pays for them: keep them as where your servers run, and compare with \
               no machine that has others";
    let off = machine
        .value("kernel.command_line")
        .is_some_and(|line| line.split(' ').any(|word| word == "mitigations=off"));
    let active = said.matches("Mitigation").count();
    Some(match (off, said) {
        (true, _) => Finding::fixed("mitigations are off (kernel command line)", why),
        (false, "none needed") => Finding::well("this CPU needs no mitigations", why),
        (false, _) => Finding::well(
            format!("{} at work", format::plural(active, "mitigation")),
            why,
        ),
    })
}

pub(super) fn balancing(machine: &Machine<'_>) -> Option<Finding> {
    let name = "kernel.numa_balancing";
    let nodes = machine.value("cpu.nodes")?.matches("node").count();
    let why = "the kernel unmaps pages to see who touches them, and moves them: faults that no server asked for";
    if nodes < 2 {
        return None;
    }
    match machine.number(name)? {
        0.0 => Some(Finding::well(format!("{name} = 0"), why)),
        number => Some(Finding::change(
            format!("{name} = {number}, with {nodes} nodes"),
            why,
            &format!("sudo sysctl -w {name}=0"),
        )),
    }
}

pub(super) fn merging(machine: &Machine<'_>) -> Option<Finding> {
    let why = "pages that are alike become one, in the background: what a process weighs depends on when it is weighed";
    match machine.number("memory.same_page_merging")? {
        1.0 => Some(Finding::change(
            "same pages are merged (KSM)",
            why,
            "echo 0 | sudo tee /sys/kernel/mm/ksm/run",
        )),
        _ => Some(Finding::well("no merging of same pages (KSM)", why)),
    }
}

pub(super) fn io_uring(machine: &Machine<'_>) -> Option<Finding> {
    let name = "kernel.io_uring_disabled";
    let why = "servers that use io_uring are skipped where they may not";
    match machine.number(name)? {
        0.0 => Some(Finding::well(format!("{name} = 0"), why)),
        1.0 if machine.is_root() => {
            Some(Finding::well(format!("{name} = 1, and this is root"), why))
        }
        number => Some(Finding::change(
            format!("{name} = {number}"),
            why,
            &format!("sudo sysctl -w {name}=0"),
        )),
    }
}
