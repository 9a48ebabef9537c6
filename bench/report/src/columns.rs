//! Which figures a scenario's table has, in which order, and by which of them it is ranked.

use record::{Scenario, Workload};

use crate::conditions::is_open;
use crate::data::Data;

/// A column: its head, its metric, and the scenarios whose tables have it.
pub(crate) struct Column {
    /// Above it.
    pub head: &'static str,
    /// Of its figures.
    pub metric: &'static str,
    applies: fn(&Scenario) -> bool,
}

const fn column(
    head: &'static str,
    metric: &'static str,
    applies: fn(&Scenario) -> bool,
) -> Column {
    Column {
        head,
        metric,
        applies,
    }
}

fn idle(scenario: &Scenario) -> bool {
    scenario.workload == Workload::Idle
}

fn loaded(scenario: &Scenario) -> bool {
    !idle(scenario)
}

fn closed(scenario: &Scenario) -> bool {
    loaded(scenario) && !is_open(scenario)
}

fn crr(scenario: &Scenario) -> bool {
    scenario.workload == Workload::Crr
}

#[rustfmt::skip]
const COLUMNS: &[Column] = &[
    column("requests/s", "throughput_per_s", closed),
    column("p50", "response_ns_p50", closed),
    column("p99", "response_ns_p99", closed),
    column("p99.9", "response_ns_p999", |it| closed(it) && !crr(it)),
    column("response p50", "response_ns_p50", is_open),
    column("response p99", "response_ns_p99", is_open),
    column("response p99.9", "response_ns_p999", is_open),
    column("service p99", "service_ns_p99", is_open),
    column("achieved of asked", ACHIEVED, is_open),
    column("connect p50", "connect_ns_p50", crr),
    column("Jain's index of connections", "jain_connections", |it| it.by_worker),
    column("… of requests", "jain_requests", |it| it.by_worker),
    column("busiest worker's share", "share_of_busiest_worker", |it| it.by_worker),
    column("service p99, fastest worker", "service_ns_p99_of_fastest_worker", |it| it.by_worker),
    column("… slowest worker", "service_ns_p99_of_slowest_worker", |it| it.by_worker),
    column("CPU per request", "cpu_us_per_request", loaded),
    column("switches per request, voluntary", "switches_voluntary_per_request", loaded),
    column("involuntary", "switches_involuntary_per_request", loaded),
    column("minor faults", "faults_minor_per_request", crr),
    column("wait for a CPU", "run_queue_us_per_request", |it| closed(it) && !crr(it)),
    column("system calls", record::SYSTEM_CALLS, |it| it.counters > 0),
    column("per connection", "memory_bytes_per_connection", idle),
    column("beside it: sockets, both ends", "socket_bytes_per_connection", idle),
    column("slab, both ends", "slab_bytes_per_connection", idle),
    column("kernel memory by its cgroup", "cgroup_kernel_bytes_per_connection", idle),
    column("MemAvailable taken", "available_bytes_per_connection", idle),
    column("RSS: shared pages once a process", "rss_bytes", |it| idle(it) && it.state.is_some()),
    column("PSS", "pss_bytes", idle),
    column("page tables", "page_table_bytes", idle),
    column("kernel stacks", "kernel_stack_bytes", idle),
    column("tasks", "tasks", idle),
    column("start-up", "startup_ms", idle),
];

/// The metric of which, with a rate, the share of what was asked is shown.
pub(crate) const ACHIEVED: &str = "throughput_per_s";

/// The columns of a scenario's table.
pub(crate) fn columns(scenario: &Scenario) -> Vec<&'static Column> {
    let columns = COLUMNS.iter();
    columns.filter(|it| (it.applies)(scenario)).collect()
}

/// Where the ratio stands: beside the figure it is of, under load after the latencies, so that who was
/// served stands in one stretch of columns.
pub(crate) fn before_ratio(scenario: &Scenario) -> usize {
    let columns = columns(scenario);
    let costs = columns
        .iter()
        .position(|it| it.metric == "cpu_us_per_request");
    costs.unwrap_or(1)
}

/// The metric whose ratio to the reference is shown, and what it is called in the head.
pub(crate) fn compared(scenario: &Scenario) -> (&'static str, &'static str) {
    match scenario.workload {
        Workload::Idle => ("memory_bytes_per_connection", "ratio to"),
        _ if is_open(scenario) => ("response_ns_p99", "response p99, ratio to"),
        _ => ("throughput_per_s", "ratio to"),
    }
}

/// The metric by which a scenario's table is ranked. With a rate throughput is what was asked, and whoever
/// answers later is worse.
pub(crate) fn ranked_by(data: &Data<'_>, scenario: &Scenario) -> &'static str {
    match compared(scenario).0 {
        metric if idle(scenario) && data.ranking(&scenario.name, metric).is_empty() => "pss_bytes",
        metric => metric,
    }
}
