//! Everything about a host that figures may depend on: a row a fact. What cannot be read says why.
//!
//! It pays some hundred small files once an agent. It judges nothing: what to change, and why, is `report`'s.

use record::Fact;

use super::root::{Root, Told};
use super::{cpu, groups, process};

/// How a fact is read.
type Reader = fn(&Root) -> Told;

/// Facts that take more than reading a file.
#[rustfmt::skip]
const READ: &[(&str, Reader)] = &[
    ("kernel.command_line", process::command_line),
    ("cpu.caches", cpu::caches),
    ("cpu.nodes", cpu::nodes),
    ("cpu.governor", |root| cpu::of_each(root, "cpufreq/scaling_governor")),
    ("cpu.frequency_driver", |root| cpu::of_each(root, "cpufreq/scaling_driver")),
    ("cpu.frequency_most_khz", |root| cpu::of_each(root, "cpufreq/cpuinfo_max_freq")),
    ("cpu.boost", cpu::boost),
    ("cpu.mitigations", cpu::mitigations),
    ("cpu.allowed", |root| process::status(root, "Cpus_allowed_list")),
    ("memory.allowed_nodes", |root| process::status(root, "Mems_allowed_list")),
    ("huge_pages.enabled", |root| chosen(root, "/sys/kernel/mm/transparent_hugepage/enabled")),
    ("huge_pages.defrag", |root| chosen(root, "/sys/kernel/mm/transparent_hugepage/defrag")),
    ("memory.available_kib", |root| meminfo(root, "MemAvailable")),
    ("memory.swap_kib", |root| meminfo(root, "SwapTotal")),
    ("memory.swap_free_kib", |root| meminfo(root, "SwapFree")),
    ("limit.open_files", |root| process::limit(root, "Max open files")),
    ("limit.processes", |root| process::limit(root, "Max processes")),
    ("limit.locked_memory", |root| process::limit(root, "Max locked memory")),
    ("limit.stack", |root| process::limit(root, "Max stack size")),
    ("limit.address_space", |root| process::limit(root, "Max address space")),
    ("cgroup.version", groups::version),
    ("cgroup.controllers", groups::controllers),
    ("cgroup.cpu_limit", groups::cpu),
    ("cgroup.memory_limit", groups::memory),
    ("cgroup.task_limit", groups::tasks),
    ("process.user", process::user),
    ("process.seccomp", process::seccomp),
    ("process.capabilities", |root| process::status(root, "CapEff")),
    ("process.container", process::container),
    ("sched.switch_events", switch_events),
    ("load.steal_percent", steal),
];

/// Facts that are what one file says.
const FILES: &[(&str, &str)] = &[
    ("kernel.build", "/proc/sys/kernel/version"),
    ("kernel.tainted", "/proc/sys/kernel/tainted"),
    ("cpu.smt", "/sys/devices/system/cpu/smt/control"),
    ("cpu.isolated", "/sys/devices/system/cpu/isolated"),
    ("cpu.nohz_full", "/sys/devices/system/cpu/nohz_full"),
    (
        "cpu.idle_driver",
        "/sys/devices/system/cpu/cpuidle/current_driver",
    ),
    (
        "cpu.idle_governor",
        "/sys/devices/system/cpu/cpuidle/current_governor",
    ),
    (
        "cpu.idle_poll_ns",
        "/sys/module/haltpoll/parameters/guest_halt_poll_ns",
    ),
    (
        "clock.source",
        "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    ),
    (
        "clock.available",
        "/sys/devices/system/clocksource/clocksource0/available_clocksource",
    ),
    ("memory.same_page_merging", "/sys/kernel/mm/ksm/run"),
    ("sched.slice_ns", "/sys/kernel/debug/sched/base_slice_ns"),
    ("sched.preemption", "/sys/kernel/debug/sched/preempt"),
    ("loopback.mtu", "/sys/class/net/lo/mtu"),
    ("load.average", "/proc/loadavg"),
    ("load.cpu_pressure", "/proc/pressure/cpu"),
];

/// Settings by the names that sysctl(8) gives them; `kernel.sched_*` come on top, whichever there are.
const SYSCTLS: &[&str] = &[
    "net.core.somaxconn",
    "net.core.netdev_max_backlog",
    "net.core.rmem_max",
    "net.core.wmem_max",
    "net.core.busy_poll",
    "net.core.busy_read",
    "net.core.default_qdisc",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_abort_on_overflow",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_autocorking",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_fastopen",
    "net.netfilter.nf_conntrack_count",
    "net.netfilter.nf_conntrack_max",
    "kernel.perf_event_paranoid",
    "kernel.perf_event_mlock_kb",
    "kernel.kptr_restrict",
    "kernel.randomize_va_space",
    "kernel.pid_max",
    "kernel.threads-max",
    "kernel.numa_balancing",
    "kernel.nmi_watchdog",
    "kernel.timer_migration",
    "kernel.io_uring_disabled",
    "kernel.yama.ptrace_scope",
    "fs.file-max",
    "fs.nr_open",
    "fs.epoll.max_user_watches",
    "vm.max_map_count",
    "vm.overcommit_memory",
    "vm.swappiness",
    "vm.nr_hugepages",
];

/// Each of them, known or not, in the order of their names.
pub fn facts(root: &Root) -> Vec<Fact> {
    let read = READ.iter().map(|(name, read)| fact(name, read(root)));
    let files = FILES
        .iter()
        .map(|(name, path)| fact(name, root.text(path).map(|text| one_line(&text))));
    let scheduler = root.names("/proc/sys/kernel").unwrap_or_default();
    let scheduler = scheduler.iter().filter(|name| name.starts_with("sched_"));
    let settings = SYSCTLS
        .iter()
        .map(|name| (*name).to_owned())
        .chain(scheduler.map(|name| format!("kernel.{name}")))
        .map(|name| fact(&name, setting(root, &name)));
    let mut facts: Vec<Fact> = read.chain(files).chain(settings).collect();
    facts.sort_by(|a, b| a.name.cmp(&b.name));
    facts
}

fn fact(name: &str, told: Told) -> Fact {
    let (value, reason) = match told {
        Ok(value) => (Some(value), None),
        Err(reason) => (None, Some(reason)),
    };
    Fact {
        name: name.to_owned(),
        value,
        reason,
    }
}

fn setting(root: &Root, name: &str) -> Told {
    let path = format!("/proc/sys/{}", name.replace('.', "/"));
    root.text(&path).map(|text| one_line(&text))
}

/// Columns and lines apart by one space; an empty file lists nothing.
fn one_line(text: &str) -> String {
    match text {
        "" => "none".to_owned(),
        _ => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// The word in brackets of `always [madvise] never`.
pub fn chosen(root: &Root, path: &str) -> Told {
    let text = root.text(path)?;
    let word = text
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'));
    word.map(|(word, _)| word.to_owned())
        .ok_or_else(|| format!("{path} marks no choice in {text:?}"))
}

/// A line of /proc/meminfo, in KiB.
fn meminfo(root: &Root, name: &str) -> Told {
    let path = "/proc/meminfo";
    let text = root.text(path)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next());
    let number = number.filter(|word| word.parse::<u64>().is_ok());
    number
        .map(str::to_owned)
        .ok_or_else(|| format!("{path} has no line {name}"))
}

/// What the hypervisor has taken of all CPU time since the machine was started, in per cent.
fn steal(root: &Root) -> Told {
    let path = "/proc/stat";
    let text = root.text(path)?;
    let share = text.lines().next().and_then(steal_of);
    let share = share.ok_or_else(|| format!("{path} does not tell it"))?;
    Ok(format!("{share:.2}"))
}

/// Of the line `cpu user nice system idle iowait irq softirq steal guest …`; guests are in user already.
fn steal_of(line: &str) -> Option<f64> {
    let ticks = line.strip_prefix("cpu ")?.split_whitespace().take(8);
    let ticks: Vec<u64> = ticks.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    let all = ticks
        .iter()
        .try_fold(0_u64, |all, ticks| all.checked_add(*ticks))?;
    let stolen = *ticks.get(7)?;
    (all > 0).then(|| 100.0 * stolen as f64 / all as f64)
}

/// Whether the tracepoint of context switches can be read by this process.
fn switch_events(root: &Root) -> Told {
    let id = |folder: &str| root.number(&format!("{folder}/events/sched/sched_switch/id"));
    // Newer kernels have it at the first, older ones at the second only.
    let told = id("/sys/kernel/tracing");
    let told = told.or_else(|why| id("/sys/kernel/debug/tracing").map_err(|_| why));
    told.map(|_| "readable".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::host::tests::tree;

    fn find<'a>(facts: &'a [Fact], name: &str) -> &'a Fact {
        facts.iter().find(|fact| fact.name == name).expect(name)
    }

    #[test]
    fn names_are_their_own() {
        let (_folder, root) = tree(&[]);
        let facts = facts(&root);
        let names: BTreeSet<&str> = facts.iter().map(|fact| fact.name.as_str()).collect();
        assert_eq!(names.len(), facts.len());
    }

    #[test]
    fn without_any_file_every_fact_says_which_it_misses() {
        let (_folder, root) = tree(&[]);
        for fact in facts(&root) {
            assert_eq!(fact.value, None, "{fact:?}");
            let reason = fact.reason.expect("a reason");
            assert!(
                reason.contains("/proc/") || reason.contains("/sys/") || reason.contains("cgroup"),
                "{}: {reason}",
                fact.name
            );
        }
    }

    #[test]
    fn what_stands_in_a_file_is_told_in_one_line() {
        let (_folder, root) = tree(&[
            ("/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n"),
            ("/proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
            (
                "/sys/kernel/mm/transparent_hugepage/enabled",
                "always [madvise] never\n",
            ),
            (
                "/proc/meminfo",
                "MemTotal: 9 kB\nMemAvailable:   1024 kB\nSwapTotal: many kB\n",
            ),
            (
                "/sys/kernel/debug/tracing/events/sched/sched_switch/id",
                "316\n",
            ),
        ]);
        let facts = facts(&root);
        let value = |name: &str| find(&facts, name).value.clone();
        assert_eq!(
            value("net.ipv4.tcp_rmem").as_deref(),
            Some("4096 131072 6291456")
        );
        assert_eq!(
            value("kernel.sched_rt_runtime_us").as_deref(),
            Some("950000")
        );
        assert_eq!(value("huge_pages.enabled").as_deref(), Some("madvise"));
        assert_eq!(value("memory.available_kib").as_deref(), Some("1024"));
        assert_eq!(value("sched.switch_events").as_deref(), Some("readable"));
        assert_eq!(value("memory.swap_kib"), None, "no number");
    }

    #[test]
    fn cpus_that_differ_are_told_apart() {
        let governor =
            |cpu: u32| format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
        let (zero, one) = (governor(0), governor(1));
        let online = ("/sys/devices/system/cpu/online", "0-1\n");
        let (_folder, root) = tree(&[online, (&zero, "performance\n"), (&one, "powersave\n")]);
        let told = find(&facts(&root), "cpu.governor").value.clone();
        assert_eq!(
            told.as_deref(),
            Some("performance (1 CPUs), powersave (1 CPUs)")
        );
    }

    #[test]
    fn a_file_that_may_not_be_read_is_told_with_the_reason() {
        let (_folder, root) = tree(&[(
            "/sys/devices/system/cpu/smt/control/a",
            "a folder in its place",
        )]);
        let reason = find(&facts(&root), "cpu.smt")
            .reason
            .clone()
            .expect("a reason");
        assert!(reason.contains("EISDIR"), "{reason}");
    }

    proptest! {
        #[test]
        fn steal_is_a_share_of_all_or_not_told(
            ticks in prop::collection::vec(0..u64::MAX, 0..12),
            odd in "\\PC{0,60}",
        ) {
            let words: Vec<String> = ticks.iter().map(ToString::to_string).collect();
            let share = steal_of(&format!("cpu  {}", words.join(" ")));
            prop_assert!(share.is_none_or(|share| (0.0..=100.0).contains(&share)));
            prop_assert!(ticks.len() >= 8 || share.is_none());
            let _ = steal_of(&odd);
        }
    }

    #[test]
    fn steal_is_the_eighth_column() {
        assert_eq!(steal_of("cpu  10 0 20 60 0 0 0 10 99 0"), Some(10.0));
        assert_eq!(steal_of("cpu0 1 2 3 4 5 6 7 8"), None);
    }
}
