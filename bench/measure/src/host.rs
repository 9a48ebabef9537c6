//! What machine this is, and how it is just now. No name that tells whose it is.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};
use procfs::{Current, CurrentSI};
use record::pass::HostInstant;
use record::{Cpu, Host};

use crate::listening;
use crate::sys::{self, Fork};

/// Everything about the host that figures depend on; `cgroup` says whether servers get one of their own.
pub fn describe(cgroup: String, kernel_stack_bytes: u64) -> Host {
    let topology = topology();
    let cores: BTreeSet<(u32, u32)> = topology.iter().map(|cpu| (cpu.package, cpu.core)).collect();
    let kernel = nix::sys::utsname::uname();
    let kernel = kernel.map_or_else(
        |_| String::new(),
        |name| {
            format!(
                "{} {}",
                name.sysname().to_string_lossy(),
                name.release().to_string_lossy()
            )
        },
    );
    let limits = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE);
    Host {
        kernel,
        cpu: cpu_name(),
        cpus: topology.len() as u32,
        cores: cores.len() as u32,
        virtualisation: virtualisation(),
        memory_bytes: procfs::Meminfo::current().map_or(0, |memory| memory.mem_total),
        descriptors: limits.map_or(0, |(_, hard)| hard),
        somaxconn: read_number("/proc/sys/net/core/somaxconn"),
        port_range: port_range(),
        huge_pages: huge_pages(),
        kernel_stack_bytes,
        cgroup,
        topology,
    }
}

/// How the host is just now. `ours_ns` is of this process alone: itself, and whoever it has reaped.
pub fn now() -> HostInstant {
    let stat = procfs::KernelStats::current().ok();
    let ns = |ticks: u64| ticks * 1_000_000_000 / procfs::ticks_per_second();
    let (listen_overflows, listen_drops) = listening::turned_away().unzip();
    HostInstant {
        load_1m: procfs::LoadAverage::current()
            .ok()
            .map(|load| f64::from(load.one)),
        steal_ns: stat.as_ref().and_then(|stat| stat.total.steal).map(ns),
        busy_ns: stat.map(|stat| {
            let total = stat.total;
            ns(total.user
                + total.nice
                + total.system
                + total.irq.unwrap_or(0)
                + total.softirq.unwrap_or(0))
        }),
        at_ns: clock_gettime(ClockId::CLOCK_MONOTONIC)
            .ok()
            .and_then(|now| u64::try_from(Duration::from(now).as_nanos()).ok()),
        ours_ns: cpu_ns(UsageWho::RUSAGE_SELF)
            .zip(cpu_ns(UsageWho::RUSAGE_CHILDREN))
            .map(|(own, reaped)| own + reaped),
        listen_overflows,
        listen_drops,
    }
}

/// CPU time, user and system, of this process or of those that it has reaped and that those had.
pub fn cpu_ns(who: UsageWho) -> Option<u64> {
    let used = getrusage(who).ok()?;
    let microseconds = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    u64::try_from(microseconds).ok().map(|us| us * 1_000)
}

/// From where to where the kernel takes a client's ports.
pub fn port_range() -> Option<(u16, u16)> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = text.split_whitespace().map(str::parse);
    Some((ends.next()?.ok()?, ends.next()?.ok()?))
}

fn read_number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn huge_pages() -> Option<String> {
    let text = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").ok()?;
    let chosen = text.split('[').nth(1)?.split(']').next()?;
    Some(chosen.to_owned())
}

fn cpu_name() -> String {
    procfs::CpuInfo::current()
        .ok()
        .and_then(|info| info.model_name(0).map(str::to_owned))
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The hypervisor, as CPUID names it.
#[cfg(target_arch = "x86_64")]
fn virtualisation() -> String {
    let cpuid = raw_cpuid::CpuId::new();
    match cpuid.get_hypervisor_info() {
        Some(info) => format!("{:?}", info.identify()),
        None => "none".to_owned(),
    }
}

/// Other architectures have no CPUID to ask.
#[cfg(not(target_arch = "x86_64"))]
fn virtualisation() -> String {
    "unknown".to_owned()
}

/// Online CPUs, in order. Where sysfs does not say, each counts as a core of its own.
pub fn topology() -> Vec<Cpu> {
    let online = procfs::CpuInfo::current().map_or(1, |info| info.num_cores());
    let list = fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let numbers = cpu_list(list.trim()).unwrap_or_else(|| (0..online).collect());
    numbers
        .into_iter()
        .map(|cpu| {
            let read = |what: &str| {
                let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/{what}");
                read_number(&path).and_then(|number| u32::try_from(number).ok())
            };
            Cpu {
                cpu,
                package: read("physical_package_id").unwrap_or(0),
                core: read("core_id").unwrap_or(cpu as u32),
            }
        })
        .collect()
}

/// `0-3,8` as numbers.
fn cpu_list(list: &str) -> Option<Vec<usize>> {
    let mut numbers = Vec::new();
    for range in list.split(',') {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        numbers.extend(from.parse().ok()?..=to.parse::<usize>().ok()?);
    }
    Some(numbers)
}

/// The size of one kernel stack: by how much `KernelStack` of /proc/meminfo grows over a known number of
/// forks, to the nearest page (Linux on x86-64: 16 KiB; with KASAN more).
pub fn kernel_stack_bytes() -> u64 {
    const TASKS: u64 = 64;
    const PAGE: u64 = 4096;
    let total = || {
        procfs::Meminfo::current()
            .ok()
            .and_then(|memory| memory.kernel_stack)
            .unwrap_or(0)
    };
    let before = total();
    let Ok((barrier, release)) = nix::unistd::pipe() else {
        return 0;
    };
    let (mut barrier, release) = (fs::File::from(barrier), fs::File::from(release));
    for _ in 0..TASKS {
        if let Ok(Fork::Child) = sys::fork() {
            drop(release);
            // Until the parent closes its end.
            let _ = barrier.read(&mut [0]);
            sys::exit_now(0);
        }
    }
    let after = total();
    drop(release);
    loop {
        match sys::reap() {
            Ok(Some(_)) => {}
            Ok(None) => std::thread::yield_now(),
            Err(_) => break,
        }
    }
    ((after.saturating_sub(before)) / TASKS + PAGE / 2) / PAGE * PAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus_are_read() {
        assert_eq!(cpu_list("0-2,5"), Some(vec![0, 1, 2, 5]));
        assert_eq!(cpu_list("7"), Some(vec![7]));
        assert_eq!(cpu_list(""), None);
    }
}
