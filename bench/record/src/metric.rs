//! The metrics: one table of names, units and directions. A name is quantity_unit_per_x_part.

use crate::lab::LabKind;
use crate::scenario::Scenario;
use crate::workload::Workload;

/// One figure that a cell may have.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As in `summary.json`.
    pub name: &'static str,
    /// Of the value.
    pub unit: &'static str,
    /// In a table's head.
    pub title: &'static str,
    /// Which direction is better.
    pub better: Better,
    workloads: &'static [Workload],
    /// Which of those scenarios have it.
    asked: Asked,
    labs: &'static [LabKind],
}

/// What a scenario must ask for, for its cells to have a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Nothing.
    Always,
    /// Who served whom: `by_worker`.
    ByWorker,
    /// What the kernel counts: `counters`.
    Counters,
    /// What became of a server that was struck: `fault`.
    Fault,
}

/// Which direction of a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Throughput.
    More,
    /// Latency, costs, memory.
    Less,
    /// Neither: a description.
    Neither,
}

impl Metric {
    /// Whether cells of this scenario have it.
    pub fn applies(&self, scenario: &Scenario) -> bool {
        let is_asked = match self.asked {
            Asked::Always => true,
            Asked::ByWorker => scenario.by_worker,
            Asked::Counters => scenario.counters > 0,
            Asked::Fault => scenario.fault.is_some(),
        };
        self.workloads.contains(&scenario.workload) && is_asked
    }

    /// Whether passes of this lab have it.
    pub fn applies_to_lab(&self, lab: LabKind) -> bool {
        self.labs.contains(&lab)
    }
}

/// System calls of all names. Those of one name are `system_calls_per_request_NAME`, the rest
/// `system_calls_per_request_others`: which there are, the records say.
pub const SYSTEM_CALLS: &str = "system_calls_per_request";

/// The metric of this name; of system calls of one name, that of all.
pub fn metric(name: &str) -> Option<&'static Metric> {
    let is_of_calls = name.strip_prefix(SYSTEM_CALLS);
    let of_calls = is_of_calls.is_some_and(|rest| rest.starts_with('_'));
    let name = if of_calls { SYSTEM_CALLS } else { name };
    let mut all = METRICS.iter().chain(LAB_METRICS);
    all.find(|metric| metric.name == name)
}

const LOADED: &[Workload] = &[Workload::Rr, Workload::Crr, Workload::Stream];
const CRR: &[Workload] = &[Workload::Crr];
const IDLE: &[Workload] = &[Workload::Idle];
const ALL: &[Workload] = &[
    Workload::Rr,
    Workload::Crr,
    Workload::Stream,
    Workload::Idle,
];

const fn row(
    name: &'static str,
    unit: &'static str,
    title: &'static str,
    better: Better,
    workloads: &'static [Workload],
) -> Metric {
    Metric {
        name,
        unit,
        title,
        better,
        workloads,
        asked: Asked::Always,
        labs: &[],
    }
}

/// One that is known where a scenario asks who served whom.
const fn by_worker(row: Metric) -> Metric {
    Metric {
        asked: Asked::ByWorker,
        ..row
    }
}

/// One of what became of a server that was struck.
const fn struck(row: Metric) -> Metric {
    Metric {
        asked: Asked::Fault,
        ..row
    }
}

/// One that counter passes have.
const fn counted(row: Metric) -> Metric {
    Metric {
        asked: Asked::Counters,
        ..row
    }
}

const fn lab(
    name: &'static str,
    unit: &'static str,
    title: &'static str,
    better: Better,
    labs: &'static [LabKind],
) -> Metric {
    Metric {
        name,
        unit,
        title,
        better,
        workloads: &[],
        asked: Asked::Always,
        labs,
    }
}

const SPAWN: &[LabKind] = &[LabKind::Spawn];
const IPC: &[LabKind] = &[LabKind::Ipc];
const SWITCH: &[LabKind] = &[LabKind::Switch];
const CALL: &[LabKind] = &[LabKind::Call];
const SHARE: &[LabKind] = &[LabKind::Share];
const EVIDENCE: &[LabKind] = &[LabKind::Evidence];
const MESSAGES: &[LabKind] = &[LabKind::Ipc, LabKind::Spawn];

/// Every metric, in the order of tables.
#[rustfmt::skip]
pub const METRICS: &[Metric] = &[
    row("throughput_per_s", "1/s", "requests/s", Better::More, LOADED),
    row("response_ns_p50", "ns", "response p50", Better::Less, LOADED),
    row("response_ns_p90", "ns", "response p90", Better::Less, LOADED),
    row("response_ns_p99", "ns", "response p99", Better::Less, LOADED),
    row("response_ns_p999", "ns", "response p99.9", Better::Less, LOADED),
    row("service_ns_p50", "ns", "service p50", Better::Less, LOADED),
    row("service_ns_p90", "ns", "service p90", Better::Less, LOADED),
    row("service_ns_p99", "ns", "service p99", Better::Less, LOADED),
    row("service_ns_p999", "ns", "service p99.9", Better::Less, LOADED),
    row("connect_ns_p50", "ns", "connect p50", Better::Less, CRR),
    row("cpu_us_per_request", "µs", "CPU per request", Better::Less, LOADED),
    row("cpu_us_per_request_user", "µs", "CPU per request, user", Better::Less, LOADED),
    row("cpu_us_per_request_system", "µs", "CPU per request, system", Better::Less, LOADED),
    row("switches_voluntary_per_request", "1", "switches per request, voluntary", Better::Less, LOADED),
    row("switches_involuntary_per_request", "1", "switches per request, involuntary", Better::Less, LOADED),
    row("run_queue_us_per_request", "µs", "wait for a CPU per request", Better::Less, &[Workload::Rr, Workload::Stream]),
    row("faults_minor_per_request", "1", "minor faults per request", Better::Less, LOADED),
    row("faults_major_per_request", "1", "major faults per request", Better::Less, LOADED),
    counted(row(SYSTEM_CALLS, "1", "system calls per request", Better::Less, LOADED)),
    counted(row("migrations_per_request", "1", "moves to another CPU per request", Better::Less, LOADED)),
    counted(row("switches_per_request", "1", "switches per request, by perf", Better::Less, LOADED)),
    counted(row("task_clock_us_per_request", "µs", "CPU per request, by perf", Better::Less, LOADED)),
    counted(row("throughput_ratio_counted", "1", "requests/s while counted, of bare", Better::Neither, LOADED)),
    counted(row("cpu_ratio_counted", "1", "CPU per request while counted, of bare", Better::Neither, LOADED)),
    row("generator_cpu_us_per_request", "µs", "generator CPU per request", Better::Neither, LOADED),
    row("schedule_lag_ns_p50", "ns", "schedule lag p50", Better::Neither, LOADED),
    row("schedule_lag_ns_p99", "ns", "schedule lag p99", Better::Neither, LOADED),
    by_worker(row("jain_connections", "1", "Jain's index of connections", Better::More, LOADED)),
    by_worker(row("jain_requests", "1", "Jain's index of requests", Better::More, LOADED)),
    by_worker(row("listening_workers", "1", "workers that hold the listening socket", Better::Neither, LOADED)),
    by_worker(row("share_of_busiest_worker", "1", "requests of the busiest worker", Better::Less, LOADED)),
    by_worker(row("service_ns_p99_of_fastest_worker", "ns", "service p99, fastest worker", Better::Less, LOADED)),
    by_worker(row("service_ns_p99_of_slowest_worker", "ns", "service p99, slowest worker", Better::Less, LOADED)),
    struck(row("requests_lost", "1", "requests lost", Better::Less, LOADED)),
    struck(row("connections_hit", "1", "connections hit", Better::Less, LOADED)),
    struck(row("outage_ms", "ms", "outage", Better::Less, LOADED)),
    struck(row("response_ns_max_after", "ns", "longest wait after the strike", Better::Less, LOADED)),
    struck(row("served_after_share", "1", "served after the strike", Better::More, LOADED)),
    row("errors", "1", "errors", Better::Less, LOADED),
    row("rss_bytes", "B", "RSS: shared pages once for each process", Better::Neither, IDLE),
    row("pss_bytes", "B", "PSS", Better::Less, IDLE),
    row("page_table_bytes", "B", "page tables", Better::Less, IDLE),
    row("kernel_stack_bytes", "B", "kernel stacks", Better::Less, IDLE),
    row("memory_bytes_per_connection", "B", "memory per connection", Better::Less, IDLE),
    row("anonymous_bytes_per_connection", "B", "own pages per connection", Better::Less, IDLE),
    row("shared_bytes_per_connection", "B", "shared pages per connection, its part", Better::Less, IDLE),
    row("page_table_bytes_per_connection", "B", "page tables per connection", Better::Less, IDLE),
    row("kernel_stack_bytes_per_connection", "B", "kernel stacks per connection", Better::Less, IDLE),
    row("socket_bytes_per_connection", "B", "sockets per connection, both ends", Better::Less, IDLE),
    row("slab_bytes_per_connection", "B", "slab per connection, both ends", Better::Less, IDLE),
    row("cgroup_bytes_per_connection", "B", "cgroup's memory per connection", Better::Less, IDLE),
    row("cgroup_kernel_bytes_per_connection", "B", "cgroup's kernel memory per connection", Better::Less, IDLE),
    row("available_bytes_per_connection", "B", "MemAvailable taken per connection, both ends", Better::Less, IDLE),
    row("tasks", "1", "tasks", Better::Neither, IDLE),
    row("processes", "1", "processes", Better::Neither, IDLE),
    row("startup_ms", "ms", "start-up", Better::Less, ALL),
    row("unserved", "1", "unserved connections", Better::Less, ALL),
];

/// Every metric of the labs, in the order of tables.
#[rustfmt::skip]
pub const LAB_METRICS: &[Metric] = &[
    lab("spawn_ns_p50", "ns", "first instruction p50", Better::Less, SPAWN),
    lab("spawn_ns_p90", "ns", "first instruction p90", Better::Less, SPAWN),
    lab("spawn_ns_p99", "ns", "first instruction p99", Better::Less, SPAWN),
    lab("reap_ns_p50", "ns", "reaped p50", Better::Less, SPAWN),
    lab("reap_ns_p90", "ns", "reaped p90", Better::Less, SPAWN),
    lab("reap_ns_p99", "ns", "reaped p99", Better::Less, SPAWN),
    lab("starts_per_s", "1/s", "starts/s", Better::More, SPAWN),
    lab("first_write_ns", "ns", "first write to a page", Better::Less, SPAWN),
    lab("child_page_table_bytes", "B", "page tables of the child", Better::Less, SPAWN),
    lab("both_rss_bytes", "B", "RSS of both", Better::Neither, SPAWN),
    lab("both_pss_bytes", "B", "PSS of both", Better::Less, SPAWN),
    lab("both_pss_bytes_written", "B", "PSS of both, once written to", Better::Less, SPAWN),
    lab("node_spawn_entries_per_call", "1", "entries into node's spawn per call", Better::Neither, SPAWN),
    lab("round_trip_ns_p50", "ns", "round trip p50", Better::Less, IPC),
    lab("round_trip_ns_p90", "ns", "round trip p90", Better::Less, IPC),
    lab("round_trip_ns_p99", "ns", "round trip p99", Better::Less, IPC),
    lab("messages_per_s", "1/s", "messages/s", Better::More, IPC),
    lab("bytes_per_s", "B/s", "bytes/s", Better::More, IPC),
    lab("switch_ns_p50", "ns", "switch p50", Better::Less, SWITCH),
    lab("switch_ns_p90", "ns", "switch p90", Better::Less, SWITCH),
    lab("overhead_ns", "ns", "overhead, subtracted", Better::Neither, SWITCH),
    lab("call_ns_p50", "ns", "call p50", Better::Less, CALL),
    lab("call_ns_p90", "ns", "call p90", Better::Less, CALL),
    lab("clock_ns", "ns", "clock, subtracted", Better::Neither, CALL),
    lab("jain_cpu", "1", "Jain's index of CPU time", Better::More, SHARE),
    lab("jain_cpu_per_100ms", "1", "Jain's index of CPU time in 100 ms", Better::More, SHARE),
    lab("stay_ns_p50", "ns", "stay on the CPU p50", Better::Neither, SHARE),
    lab("stay_ns_p90", "ns", "stay on the CPU p90", Better::Neither, SHARE),
    lab("work_ns_p50", "ns", "5 ms of work, p50", Better::Less, SHARE),
    lab("work_ns_p99", "ns", "5 ms of work, p99", Better::Less, SHARE),
    lab("ctrl_c_signal", "1", "signal of Ctrl-C", Better::Neither, EVIDENCE),
    lab("ctrl_c_from_kernel", "1", "sent by the kernel", Better::Neither, EVIDENCE),
    lab("kill_signal", "1", "number of KILL", Better::Neither, EVIDENCE),
    lab("kill_handler_errno", "1", "errno of a handler for KILL", Better::Neither, EVIDENCE),
    lab("channel_domain_parent", "1", "domain of the channel, parent", Better::Neither, EVIDENCE),
    lab("channel_domain_child", "1", "domain of the channel, child", Better::Neither, EVIDENCE),
    lab("faults_minor_per_time", "1", "minor faults", Better::Less, SPAWN),
    lab("cpu_ns_per_time", "ns", "CPU", Better::Less, MESSAGES),
    lab("switches_voluntary_per_time", "1", "switches, voluntary", Better::Less, MESSAGES),
    lab("switches_involuntary_per_time", "1", "switches, involuntary", Better::Less, MESSAGES),
];
