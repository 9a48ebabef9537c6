//! Cores: how many, how fast, how quick to wake, and who else uses them.

use super::{Finding, Machine};
use crate::format;

/// A wake-up that takes longer than this is a halted core's, and mostly a hypervisor's.
const SLOW_WAKE_UP_NS: f64 = 15e3;
/// What clearing a page of memory takes on bare metal, and room for a fault beside it.
const DEAR_PAGE_NS: f64 = 700.0;
/// What others may have of one CPU before it is told.
const LOAD: f64 = 0.3;
/// A share that a hypervisor takes, in per cent of all CPU time.
const STEAL: f64 = 1.0;

pub(super) fn cores(machine: &Machine<'_>) -> Option<Finding> {
    let cores = machine.host.cores;
    let stands = format::plural(cores as usize, "physical core");
    Some(match cores {
        0 | 1 => Finding::fixed(
            stands,
            "server and generator share it: each figure holds both, and switches between them",
        ),
        2 => Finding::fixed(
            stands,
            "one for the server, one for the generator: no scenario of more server cores can be run, and \
             whatever else runs here runs on one of the two",
        ),
        _ => Finding::well(
            stands,
            "room for servers of several cores beside the generator",
        ),
    })
}

pub(super) fn threads(machine: &Machine<'_>) -> Option<Finding> {
    let (cpus, cores) = (machine.host.cpus, machine.host.cores.max(1));
    let why = "two hyper-threads of one core share its units: a server gets whole cores, so one server core is then \
               more than one CPU, and no machine without them is comparable";
    if cpus > cores {
        let stands = format!(
            "{} of {}",
            format::plural(cpus as usize, "hyper-thread"),
            format::plural(cores as usize, "core")
        );
        return Some(match machine.value("cpu.smt") {
            Some("on") => Finding::change(
                stands,
                why,
                "echo off | sudo tee /sys/devices/system/cpu/smt/control",
            ),
            _ => Finding::fixed(stands, why),
        });
    }
    let stands = match machine.is_virtual() {
        true => "one thread a core, as the hypervisor shows it",
        false => "one thread a core",
    };
    Some(Finding::well(
        stands,
        "no CPU shares its units with another that is known here",
    ))
}

pub(super) fn virtualisation(machine: &Machine<'_>) -> Option<Finding> {
    let name = machine.host.virtualisation.as_str();
    match name {
        "" | "unknown" => None,
        "none" => Some(Finding::well(
            "bare metal",
            "no hypervisor between the kernel and its cores",
        )),
        _ => Some(Finding::fixed(
            format!("a virtual machine ({name})"),
            "a core that halts is woken by the hypervisor, page tables are nested, and others share the hardware: \
             ratios travel to other machines, figures do not",
        )),
    }
}

pub(super) fn wake_up(machine: &Machine<'_>) -> Option<Finding> {
    let wake_up = machine.median("wake-up")?;
    let spinning = machine.median("tcp-spinning");
    let beside = spinning.map(|ns| format!(" (a spinning TCP round trip: {})", format::time(ns)));
    let stands = format!(
        "a wake-up across cores takes {}{}",
        format::time(wake_up),
        beside.unwrap_or_default()
    );
    let why = "with few clients a server sleeps between requests: then this, twice, is most of a response";
    if wake_up <= SLOW_WAKE_UP_NS {
        return Some(Finding::well(stands, why));
    }
    // The guest polls before it halts, where it has that driver.
    let polls = machine.number("cpu.idle_poll_ns");
    Some(match polls {
        Some(0.0) => Finding::change(
            stands,
            format!(
                "{why}; the guest may poll for a while before it halts a core, or a scenario may say keep_awake = true"
            ),
            "echo 200000 | sudo tee /sys/module/haltpoll/parameters/guest_halt_poll_ns",
        ),
        _ if !machine.is_virtual() => Finding::change(
            stands,
            format!(
                "{why}; deep idle states may be kept out (a scenario may say keep_awake = true, too)"
            ),
            "sudo cpupower idle-set -D 10",
        ),
        _ => Finding::fixed(
            stands,
            format!("{why}; a scenario may say keep_awake = true"),
        ),
    })
}

pub(super) fn pages(machine: &Machine<'_>) -> Option<Finding> {
    let touch = machine.median("first-touch")?;
    let copy = machine.median("copy-on-write");
    let copy = copy.map(|ns| format!(", a copy after a fork {}", format::time(ns)));
    let stands = format!(
        "a page's first touch takes {}{}",
        format::time(touch),
        copy.unwrap_or_default()
    );
    let why = "what forks touches and copies pages: models that do pay for this";
    Some(match touch > DEAR_PAGE_NS {
        true => Finding::fixed(stands, why),
        false => Finding::well(stands, why),
    })
}

pub(super) fn governor(machine: &Machine<'_>) -> Option<Finding> {
    let why = "a core that clocks down between requests answers the first of them slowly, and never equally";
    Some(match machine.value("cpu.governor") {
        None => Finding::fixed(
            "the clock of the cores is not ours to set",
            format!("{why} ({})", machine.reason("cpu.governor")),
        ),
        Some("performance") => Finding::well("frequency governor: performance", why),
        Some(other) => Finding::change(
            format!("frequency governor: {other}"),
            why,
            "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        ),
    })
}

pub(super) fn boost(machine: &Machine<'_>) -> Option<Finding> {
    let why =
        "a core runs faster while the others rest, and slower when it is warm: rounds differ by it";
    let intel = machine.value("cpu.frequency_driver") == Some("intel_pstate");
    let command = match intel {
        true => "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo",
        false => "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost",
    };
    match machine.value("cpu.boost")? {
        "on" => Some(Finding::change("boost (turbo) is on", why, command)),
        _ => Some(Finding::well("boost (turbo) is off", why)),
    }
}

pub(super) fn clock(machine: &Machine<'_>) -> Option<Finding> {
    let why = "each request is timed by two or three readings: by tsc some 20 ns each, by others up to microseconds";
    let Some(source) = machine.value("clock.source") else {
        let reason = machine.reason("clock.source");
        return Some(Finding::fixed(
            format!("the clock source is not known: {reason}"),
            why,
        ));
    };
    let stands = format!("clock source: {source}");
    // Both are read without a system call.
    if matches!(
        source,
        "tsc" | "kvm-clock" | "arch_sys_counter" | "hyperv_clocksource_tsc_page"
    ) {
        return Some(Finding::well(stands, why));
    }
    let available = machine.value("clock.available").unwrap_or_default();
    Some(match available.split(' ').any(|name| name == "tsc") {
        true => Finding::change(
            stands,
            why,
            "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource",
        ),
        false => Finding::fixed(stands, why),
    })
}

pub(super) fn steal(machine: &Machine<'_>) -> Option<Finding> {
    let taken = machine.number("load.steal_percent")?;
    if !machine.is_virtual() && taken == 0.0 {
        return None;
    }
    let stands = format!("steal: {taken} % of all CPU time since the start");
    let why = "what the hypervisor gives to others is missing here, at moments of its choice; each pass records its own";
    Some(match taken > STEAL {
        true => Finding::fixed(stands, why),
        false => Finding::well(stands, why),
    })
}

pub(super) fn load(machine: &Machine<'_>) -> Option<Finding> {
    let load = machine.number("load.average")?;
    let stands = format!("load average: {load}");
    let why = "who else runs here runs on a core of ours, and in some rounds only";
    Some(match load > LOAD {
        true => Finding::change(
            stands,
            why,
            "top    # and end, or wait for, what stands on top",
        ),
        false => Finding::well(stands, why),
    })
}
