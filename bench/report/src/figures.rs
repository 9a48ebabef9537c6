//! What each metric is, for one pass: the formulas, a line each where a line is enough.
//!
//! A figure is a number or a sentence why there is none; unavailable is never 0.

use record::{Pass, Usage, Workload};

use crate::distribution;
use crate::latency::Span;
use crate::memory::Part;
use crate::stats::Interval;
use crate::struck;

/// A figure of one pass.
pub(crate) type Figure = Result<f64, &'static str>;

/// How a metric comes out of a cell.
#[derive(Clone, Copy)]
pub(crate) enum How {
    /// One figure a round; the median of them.
    Round(fn(&Pass, Workload) -> Figure),
    /// A percentile of the rounds' distributions, merged.
    Percentile(Span, f64),
    /// The slope of a part of memory over connections, across the scenarios of a line.
    Slope(Part),
    /// A count, added up over rounds.
    Total(fn(&Pass) -> u64),
    /// A count, the largest of any round.
    Largest(fn(&Pass) -> u64),
    /// One figure a round of counter passes; the median of them.
    Counter,
    /// A metric that this version does not know.
    Unknown,
}

/// The figures of those rounds that have one.
///
/// # Errors
/// With the first reason when no round has it.
pub(crate) fn of_rounds<E: Into<String>>(
    rounds: impl Iterator<Item = (u32, Result<f64, E>)>,
) -> Result<Vec<(u32, f64)>, String> {
    let (mut good, mut reason) = (Vec::new(), None);
    for (round, figure) in rounds {
        match figure {
            Ok(value) => good.push((round, value)),
            Err(why) => reason = reason.or(Some(why)),
        }
    }
    match reason {
        Some(reason) if good.is_empty() => Err(reason.into()),
        _ => Ok(good),
    }
}

/// The formula of a metric of [`record::METRICS`].
#[rustfmt::skip]
pub(crate) fn how(metric: &str) -> How {
    match metric {
        "throughput_per_s" => How::Round(throughput),
        "response_ns_p50" => How::Percentile(Span::Response, 0.5),
        "response_ns_p90" => How::Percentile(Span::Response, 0.9),
        "response_ns_p99" => How::Percentile(Span::Response, 0.99),
        "response_ns_p999" => How::Percentile(Span::Response, 0.999),
        "service_ns_p50" => How::Percentile(Span::Service, 0.5),
        "service_ns_p90" => How::Percentile(Span::Service, 0.9),
        "service_ns_p99" => How::Percentile(Span::Service, 0.99),
        "service_ns_p999" => How::Percentile(Span::Service, 0.999),
        "schedule_lag_ns_p50" => How::Percentile(Span::Lag, 0.5),
        "schedule_lag_ns_p99" => How::Percentile(Span::Lag, 0.99),
        "connect_ns_p50" => How::Percentile(Span::Connect, 0.5),
        "cpu_us_per_request" => How::Round(cpu),
        "cpu_us_per_request_user" => How::Round(|pass, load| split(pass, load, |usage| usage.cpu_user_ns)),
        "cpu_us_per_request_system" => How::Round(|pass, load| split(pass, load, |usage| usage.cpu_system_ns)),
        "switches_voluntary_per_request" => How::Round(|pass, load| count(pass, load, |usage| usage.switches_voluntary)),
        "switches_involuntary_per_request" => How::Round(|pass, load| count(pass, load, |usage| usage.switches_involuntary)),
        "run_queue_us_per_request" => How::Round(run_queue),
        "faults_minor_per_request" => How::Round(|pass, load| count(pass, load, |usage| usage.faults_minor)),
        "faults_major_per_request" => How::Round(|pass, load| count(pass, load, |usage| usage.faults_major)),
        "generator_cpu_us_per_request" => How::Round(generator_cpu),
        "jain_connections" => How::Round(|pass, _| distribution::evenness(pass, |worker| f64::from(worker.connections))),
        "jain_requests" => How::Round(|pass, _| distribution::evenness(pass, |worker| worker.replies as f64)),
        "listening_workers" => How::Round(|pass, _| distribution::listening(pass)),
        "share_of_busiest_worker" => How::Round(|pass, _| distribution::busiest(pass)),
        "service_ns_p99_of_fastest_worker" => How::Round(|pass, _| distribution::fastest(pass)),
        "service_ns_p99_of_slowest_worker" => How::Round(|pass, _| distribution::slowest(pass)),
        "requests_lost" => How::Round(|pass, _| struck::lost(pass)),
        "connections_hit" => How::Round(|pass, _| struck::hit(pass)),
        "outage_ms" => How::Round(|pass, _| struck::outage(pass)),
        "response_ns_max_after" => How::Round(|pass, _| struck::longest_wait(pass)),
        "served_after_share" => How::Round(|pass, _| struck::served_after(pass)),
        "errors" => How::Total(errors),
        "rss_bytes" => How::Round(|pass, _| gauge(pass, |gauge| gauge.rss_bytes)),
        "pss_bytes" => How::Round(|pass, _| gauge(pass, |gauge| gauge.pss_bytes)),
        "page_table_bytes" => How::Round(|pass, _| gauge(pass, |gauge| gauge.page_table_bytes)),
        "kernel_stack_bytes" => How::Round(|pass, _| gauge(pass, |gauge| gauge.kernel_stack_bytes)),
        "memory_bytes_per_connection" => How::Slope(Part::Whole),
        "anonymous_bytes_per_connection" => How::Slope(Part::Anonymous),
        "shared_bytes_per_connection" => How::Slope(Part::Shared),
        "page_table_bytes_per_connection" => How::Slope(Part::PageTables),
        "kernel_stack_bytes_per_connection" => How::Slope(Part::KernelStacks),
        "socket_bytes_per_connection" => How::Slope(Part::Sockets),
        "slab_bytes_per_connection" => How::Slope(Part::Slab),
        "cgroup_bytes_per_connection" => How::Slope(Part::Cgroup),
        "cgroup_kernel_bytes_per_connection" => How::Slope(Part::CgroupKernel),
        "available_bytes_per_connection" => How::Slope(Part::Available),
        "processes" => How::Round(|pass, _| gauge(pass, |gauge| u64::from(gauge.processes))),
        "tasks" => How::Round(|pass, _| gauge(pass, |gauge| u64::from(gauge.tasks))),
        "startup_ms" => How::Round(|pass, _| pass.startup_ns.map(|ns| ns as f64 / 1e6).ok_or("start-up was not recorded")),
        "unserved" => How::Largest(|pass| u64::from(pass.connections.asked.saturating_sub(pass.connections.served))),
        "migrations_per_request" | "switches_per_request" | "task_clock_us_per_request" => How::Counter,
        "throughput_ratio_counted" | "cpu_ratio_counted" => How::Counter,
        calls if calls.starts_with(record::SYSTEM_CALLS) => How::Counter,
        _ => How::Unknown,
    }
}

/// An interval as far as the metric can reach: that of three rounds may end above the most that an index can be.
pub(crate) fn within_reach(metric: &str, interval: Interval) -> Interval {
    let most = match metric.starts_with("jain_") {
        true => 1.0,
        false => f64::INFINITY,
    };
    Interval {
        high: interval.high.min(most),
        ..interval
    }
}

/// Whether a metric is a percentile, which few samples make uncertain: of everybody, or of one of the workers.
pub(crate) fn is_percentile(metric: &str) -> bool {
    metric.contains("_ns_p")
}

/// Who said a metric, in the words of [`record::Source`].
pub(crate) fn source(metric: &str, pass: Option<&Pass>, workload: Workload) -> String {
    let usage = pass
        .and_then(|pass| window(pass, workload).ok())
        .map(|(_, after)| after);
    let source = if metric.starts_with("cpu_") {
        usage.map(|usage| usage.cpu_source)
    } else if metric.starts_with("throughput") {
        Some(record::Source::Generator)
    } else if matches!(how(metric), How::Counter) {
        Some(record::Source::Perf)
    } else if ["switches", "faults", "run_queue"]
        .iter()
        .any(|part| metric.starts_with(part))
    {
        usage.map(|usage| usage.source)
    } else if metric.starts_with("cgroup_") {
        Some(record::Source::Cgroup)
    } else if how_is_gauged(metric) {
        Some(record::Source::Proc)
    } else {
        Some(record::Source::Generator)
    };
    source.map_or("", record::Source::as_str).to_owned()
}

fn how_is_gauged(metric: &str) -> bool {
    metric.contains("_bytes")
        || ["tasks", "processes", "startup_ms", "listening_workers"].contains(&metric)
}

/// Replies a second.
pub(crate) fn throughput(pass: &Pass, _: Workload) -> Figure {
    match counted(pass) {
        (_, 0) => Err("neither a slice nor a bin was recorded"),
        (replies, length_ns) => Ok(replies as f64 * 1e9 / length_ns as f64),
    }
}

/// Replies that count for throughput, and the nanoseconds in which they came: of slices, or of solo bins.
pub(crate) fn counted(pass: &Pass) -> (u64, u64) {
    let slices = pass.slices.iter().map(|it| (it.replies, it.length_ns));
    let bins = pass.bins.iter().map(|it| (it.replies, it.length_ns));
    let add = |(replies, length): (u64, u64), it: (u64, u64)| (replies + it.0, length + it.1);
    match pass.slices.is_empty() {
        false => slices.fold((0, 0), add),
        true => bins.fold((0, 0), add),
    }
}

/// The two instants between which a request's cost is counted. They enclose the recorded load; under crr
/// tasks come and go, so only wait4 at the end has seen them all.
fn window(pass: &Pass, workload: Workload) -> Result<(&Usage, &Usage), &'static str> {
    let usage = &pass.usage;
    let (from, to) = match workload {
        Workload::Crr => (&usage.ready, &usage.exit),
        _ => (&usage.before, &usage.after),
    };
    from.as_ref().zip(to.as_ref()).ok_or("usage was not read")
}

fn requests(from: &Usage, to: &Usage) -> Result<f64, &'static str> {
    match to.replies.saturating_sub(from.replies) {
        0 => Err("no reply was counted between the two instants"),
        replies => Ok(replies as f64),
    }
}

fn steady(from: &Usage, to: &Usage, workload: Workload) -> Result<(), &'static str> {
    if workload != Workload::Crr && from.tasks_hash != to.tasks_hash {
        return Err("tasks began or ended in the window");
    }
    Ok(())
}

/// CPU time of a request, microseconds.
pub(crate) fn cpu(pass: &Pass, workload: Workload) -> Figure {
    let (from, to) = window(pass, workload)?;
    // A cgroup keeps the time of tasks that ended; the sum over living ones does not.
    if to.cpu_source != record::Source::Cgroup {
        steady(from, to, workload)?;
    }
    Ok(to.cpu_ns.saturating_sub(from.cpu_ns) as f64 / 1e3 / requests(from, to)?)
}

fn split(pass: &Pass, workload: Workload, part: fn(&Usage) -> Option<u64>) -> Figure {
    const NO_CGROUP: &str = "the user/system split needs a cgroup v2 of the server's own";
    let (from, to) = window(pass, workload)?;
    let before = part(from).ok_or(NO_CGROUP)?;
    let after = part(to).ok_or(NO_CGROUP)?;
    Ok(after.saturating_sub(before) as f64 / 1e3 / requests(from, to)?)
}

fn count(pass: &Pass, workload: Workload, counter: fn(&Usage) -> u64) -> Figure {
    let (from, to) = window(pass, workload)?;
    steady(from, to, workload)?;
    Ok(counter(to).saturating_sub(counter(from)) as f64 / requests(from, to)?)
}

/// How long its tasks could have run and got no CPU.
fn run_queue(pass: &Pass, workload: Workload) -> Figure {
    const NOT_READ: &str = "the time tasks wait for a CPU was not recorded";
    let (from, to) = window(pass, workload)?;
    steady(from, to, workload)?;
    let (from_ns, to_ns) = from.run_queue_ns.zip(to.run_queue_ns).ok_or(NOT_READ)?;
    Ok(to_ns.saturating_sub(from_ns) as f64 / 1e3 / requests(from, to)?)
}

fn generator_cpu(pass: &Pass, _: Workload) -> Figure {
    match pass.generator.replies {
        0 => Err("the generator counted no reply"),
        replies => Ok(pass.generator.cpu_ns as f64 / 1e3 / replies as f64),
    }
}

/// Requests that failed, but for those of clients who were never served.
pub(crate) fn errors(pass: &Pass) -> u64 {
    let kinds = pass.requests.errors.iter();
    kinds
        .filter(|(kind, _)| *kind != "unserved")
        .map(|(_, count)| count)
        .sum()
}

fn gauge(pass: &Pass, part: fn(&record::Gauge) -> u64) -> Figure {
    let connected = pass.gauges.connected.as_ref();
    connected
        .map(|gauge| part(gauge) as f64)
        .ok_or("memory was not gauged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Merged;
    use crate::{cells, fixture};

    #[test]
    fn no_interval_reaches_beyond_what_an_index_can() {
        let interval = Interval {
            low: 0.2,
            high: 2.5,
        };
        let high = |metric| within_reach(metric, interval).high;
        assert_eq!(
            (high("jain_connections"), high("throughput_per_s")),
            (1.0, 2.5)
        );
    }

    #[test]
    fn how_late_the_generator_was_is_known_where_there_is_a_schedule() {
        let How::Percentile(span, quantile) = how("schedule_lag_ns_p99") else {
            panic!("a percentile");
        };
        let p99 = |results: &record::Results| {
            let cells = cells::cells(results);
            let cell = cells.iter().find(|cell| cell.contender == "event-loop");
            Merged::of(cell.expect("in the fixture"), span).and_then(|lag| lag.value(quantile))
        };
        assert!(p99(&fixture::steady_of(6)).is_ok_and(|ns| (12e3..40e3).contains(&ns)));
        assert!(p99(&fixture::results_of(6)).is_err_and(|it| it.contains("only with a rate")));
        let pass = &fixture::steady_of(6).passes[0];
        let source = source("schedule_lag_ns_p99", Some(pass), Workload::Rr);
        assert_eq!(source, "generator");
    }

    #[test]
    fn throughput_is_of_slices_or_else_of_bins() {
        let results = fixture::steady_of(2);
        let mut pass = results.passes[1].clone();
        let figure = throughput(&pass, Workload::Rr).expect("bins");
        assert!((1_900.0..2_100.0).contains(&figure), "{figure}");
        pass.bins.clear();
        assert!(throughput(&pass, Workload::Rr).is_err());
    }
}
