//! What machine this is, and how it is just now. No name that tells whose it is.

mod cpu;
mod facts;
mod groups;
mod process;
mod root;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};
use procfs::{Current, CurrentSI};
use record::Host;
use record::pass::HostInstant;

use crate::listening;
use crate::sys::{self, Fork};

pub use root::Root;

/// Everything about the host that figures depend on; `cgroup` says whether servers get one of their own.
pub fn describe(root: &Root, cgroup: String, kernel_stack_bytes: u64) -> Host {
    let topology = cpu::topology(root);
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
        cpu: cpu::name(root).unwrap_or_else(|_| std::env::consts::ARCH.to_owned()),
        cpus: topology.len() as u32,
        cores: cores.len() as u32,
        virtualisation: virtualisation(),
        memory_bytes: procfs::Meminfo::current().map_or(0, |memory| memory.mem_total),
        descriptors: limits.map_or(0, |(_, hard)| hard),
        somaxconn: root.number("/proc/sys/net/core/somaxconn").ok(),
        port_range: port_range(root),
        huge_pages: facts::chosen(root, "/sys/kernel/mm/transparent_hugepage/enabled").ok(),
        kernel_stack_bytes,
        cgroup,
        topology,
        facts: facts::facts(root),
    }
}

/// The logical CPUs of this host.
pub fn topology() -> Vec<record::Cpu> {
    cpu::topology(&Root::default())
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
        wall_offset_ns: ahead_ns(ClockId::CLOCK_REALTIME),
        suspended_ns: ahead_ns(ClockId::CLOCK_BOOTTIME),
        ours_ns: cpu_ns(UsageWho::RUSAGE_SELF)
            .zip(cpu_ns(UsageWho::RUSAGE_CHILDREN))
            .map(|(own, reaped)| own + reaped),
        listen_overflows,
        listen_drops,
    }
}

/// How far a clock is ahead of the monotonic one: read between two readings of that, the nearest of a few
/// pairs, because whoever is preempted between two clocks sees a step that nobody made.
fn ahead_ns(clock: ClockId) -> Option<i64> {
    let ns = |clock| -> Option<i128> {
        let now = clock_gettime(clock).ok()?;
        i128::try_from(Duration::from(now).as_nanos()).ok()
    };
    let readings = (0..5).filter_map(|_| {
        let (before, there, after) = (
            ns(ClockId::CLOCK_MONOTONIC)?,
            ns(clock)?,
            ns(ClockId::CLOCK_MONOTONIC)?,
        );
        Some((after - before, there - (before + after) / 2))
    });
    let (_, ahead) = readings.min_by_key(|(apart, _)| *apart)?;
    i64::try_from(ahead).ok()
}

/// CPU time, user and system, of this process or of those that it has reaped and that those had.
pub fn cpu_ns(who: UsageWho) -> Option<u64> {
    let used = getrusage(who).ok()?;
    let microseconds = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    u64::try_from(microseconds).ok().map(|us| us * 1_000)
}

/// From where to where the kernel takes a client's ports.
pub fn port_range(root: &Root) -> Option<(u16, u16)> {
    let text = root.text("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = text.split_whitespace().map(str::parse);
    Some((ends.next()?.ok()?, ends.next()?.ok()?))
}

/// Ports that clients of this host have, of an address each.
pub fn ports() -> Option<u64> {
    let (low, high) = port_range(&Root::default())?;
    Some(u64::from(high.checked_sub(low)?) + 1)
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

/// Which running kernel this is: it changes with each boot, and names nobody.
pub fn machine() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like a host with these files, and the root of it. It is gone with its guard.
    pub fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = Root::at(folder.path());
        for (path, text) in files {
            let path = root.path(path);
            fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        (folder, root)
    }

    #[test]
    fn a_host_without_proc_and_sys_is_described_all_the_same() {
        let (_folder, root) = tree(&[]);
        let host = describe(&root, "cgroup v2 is not mounted".to_owned(), 0);
        assert_eq!(
            (
                host.cpus,
                host.cores,
                host.somaxconn,
                host.port_range,
                host.huge_pages
            ),
            (1, 1, None, None, None)
        );
        assert!(host.facts.iter().all(|fact| fact.reason.is_some()));
    }

    #[test]
    fn hyper_threads_share_a_core() {
        let place =
            |cpu: u32, what: &str| format!("/sys/devices/system/cpu/cpu{cpu}/topology/{what}");
        let files: Vec<(String, &str)> = (0..4)
            .flat_map(|cpu| {
                let core = if cpu % 2 == 0 { "0\n" } else { "1\n" };
                [
                    (place(cpu, "core_id"), core),
                    (place(cpu, "physical_package_id"), "0\n"),
                ]
            })
            .chain([("/sys/devices/system/cpu/online".to_owned(), "0-3\n")])
            .collect();
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        let (_folder, root) = tree(&files);
        let host = describe(&root, String::new(), 0);
        assert_eq!((host.cpus, host.cores), (4, 2));
    }

    #[test]
    fn clocks_are_laid_beside_the_monotonic_one() {
        let now = now();
        assert!(now.wall_offset_ns.is_some_and(|ns| ns > 0), "after 1970");
        assert!(now.suspended_ns.is_some_and(|ns| ns > -1_000_000));
    }
}
