//! Looking at a living tree from outside: what it has used, what it weighs.
//!
//! Both read /proc for every task or process; nothing is asked of the server. It pays some 20 µs a task.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use procfs::process::{MMapPath, Process};
use record::pass::{Gauge, Source, Usage};

use crate::cgroup::Cgroup;
use crate::tree::Tree;

/// The counters of all living tasks below `keeper`. CPU comes from the cgroup where there is one, which
/// also knows the dead; switches and faults are of the living alone, and `tasks_hash` tells whether two
/// looks saw the same ones.
pub fn usage(keeper: i32, cgroup: Option<&Cgroup>, born: Instant) -> Usage {
    let mut usage = Usage {
        at_ns: elapsed_ns(born),
        replies: 0,
        tasks: 0,
        tasks_hash: 0,
        cpu_ns: 0,
        cpu_source: Source::Proc,
        cpu_user_ns: None,
        cpu_system_ns: None,
        switches_voluntary: 0,
        switches_involuntary: 0,
        faults_minor: 0,
        faults_major: 0,
        source: Source::Proc,
        run_queue_ns: Some(0),
        counted: None,
    };
    let mut ids = Vec::new();
    for task in Tree::now()
        .descendants(keeper)
        .into_iter()
        .filter_map(|pid| Process::new(pid).ok()?.tasks().ok())
        .flatten()
        .flatten()
    {
        let (Ok(status), Ok(stat), Ok(sched)) = (task.status(), task.stat(), task.schedstat())
        else {
            continue;
        };
        ids.push(task.tid);
        usage.cpu_ns += sched.sum_exec_runtime;
        usage.run_queue_ns = usage.run_queue_ns.map(|sum| sum + sched.run_delay);
        usage.switches_voluntary += status.voluntary_ctxt_switches.unwrap_or(0);
        usage.switches_involuntary += status.nonvoluntary_ctxt_switches.unwrap_or(0);
        usage.faults_minor += stat.minflt;
        usage.faults_major += stat.majflt;
    }
    ids.sort_unstable();
    usage.tasks = ids.len() as u32;
    usage.tasks_hash = hash(&ids);
    if let Some(cpu) = cgroup.and_then(|group| group.cpu().ok()) {
        usage.cpu_ns = cpu.total_ns;
        usage.cpu_source = Source::Cgroup;
        usage.cpu_user_ns = Some(cpu.user_ns);
        usage.cpu_system_ns = Some(cpu.system_ns);
    }
    usage
}

/// Nanoseconds since `born`.
pub fn elapsed_ns(born: Instant) -> u64 {
    u64::try_from(born.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn hash(ids: &[i32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    ids.hash(&mut hasher);
    hasher.finish()
}

/// What all processes below `keeper` weigh, `kernel_stack_bytes` being the size of one kernel stack here.
///
/// # Errors
/// With what cannot be read, of which process: a gauge that misses a part is no gauge.
pub fn gauge(
    keeper: i32,
    cgroup: Option<&Cgroup>,
    kernel_stack_bytes: u64,
) -> Result<Gauge, String> {
    let booked = cgroup.and_then(Cgroup::memory).transpose();
    let mut gauge = Gauge {
        processes: 0,
        tasks: 0,
        rss_bytes: 0,
        pss_bytes: 0,
        pss_anonymous_bytes: 0,
        page_table_bytes: 0,
        kernel_stack_bytes: 0,
        cgroup: booked.map_err(|error| format!("its cgroup's memory: {error}"))?,
    };
    for pid in Tree::now().descendants(keeper) {
        let weigh = || -> Result<(), procfs::ProcError> {
            let process = Process::new(pid)?;
            let status = process.status()?;
            let rollup = process.smaps_rollup()?;
            let sum = |key: &str| -> u64 {
                rollup
                    .memory_map_rollup
                    .iter()
                    .filter(|map| map.pathname == MMapPath::Rollup)
                    .filter_map(|map| map.extension.map.get(key))
                    .sum()
            };
            gauge.processes += 1;
            gauge.tasks += u32::try_from(status.threads).unwrap_or(u32::MAX);
            gauge.rss_bytes += sum("Rss");
            gauge.pss_bytes += sum("Pss");
            gauge.pss_anonymous_bytes += sum("Pss_Anon");
            gauge.page_table_bytes += status.vmpte.unwrap_or(0) * 1024;
            Ok(())
        };
        let mut weigh = weigh;
        weigh().map_err(|error| format!("process {pid}: {error}"))?;
    }
    gauge.kernel_stack_bytes = u64::from(gauge.tasks) * kernel_stack_bytes;
    Ok(gauge)
}
