//! What came of a load, and what it is worth: the figures that are shown, and one word of verdict.

use std::collections::BTreeMap;

use measure::load::{LoadBin, LoadPlan, Loaded, Span};
use record::{Connections, Pace, Workload};

use crate::drive::failure::Exit;

/// The percentiles of a spectrum.
pub const QUANTILES: [f64; 8] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999];
/// Samples that must lie beyond a percentile before it is shown.
const BEYOND: f64 = 10.0;
/// A generator that is busy for more of its threads' time is the limit of a closed loop. (In an open loop it
/// spins before each request is due, and its lag tells.)
const BUSY: f64 = 0.98;
/// A schedule whose lag has a larger p99 was not kept.
const LATE_NS: u64 = 1_000_000;
/// Of the requests that were due, so many must have been sent.
const SENT_IN_TIME: f64 = 0.99;

/// A distribution, as far as its samples carry.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// At [`QUANTILES`].
    values: [Option<u64>; QUANTILES.len()],
    /// The largest.
    pub max: Option<u64>,
}

impl Shape {
    fn new(samples: u64, max: u64, read: impl Fn(f64) -> u64) -> Self {
        // 1e-6: a tenth of 100 is not quite 10 in binary.
        let enough = |quantile: f64| (1.0 - quantile) * samples as f64 + 1e-6 >= BEYOND;
        Shape {
            values: QUANTILES.map(|quantile| enough(quantile).then(|| read(quantile))),
            max: (samples > 0).then_some(max),
        }
    }

    /// One of [`QUANTILES`], when enough samples lie beyond it.
    pub fn at(&self, quantile: f64) -> Option<u64> {
        let index = QUANTILES.iter().position(|one| *one == quantile)?;
        self.values[index]
    }
}

/// Everything that is shown.
#[derive(Clone, Debug)]
pub struct Findings {
    /// Requests begun; unknown when the load was interrupted.
    pub sent: Option<u64>,
    /// Replies complete and verified.
    pub ok: u64,
    /// The others, by kind.
    pub errors: BTreeMap<String, u64>,
    /// Of the recorded load.
    pub elapsed_ns: u64,
    /// A second.
    pub throughput_per_s: Option<f64>,
    /// received − due.
    pub response: Shape,
    /// received − sent.
    pub service: Shape,
    /// connected − connect started (crr).
    pub connect: Option<Shape>,
    /// sent − due (open loop).
    pub lag: Option<Shape>,
    /// CPU time of the generator.
    pub generator_cpu_ns: u64,
    /// Unknown when the load was interrupted.
    pub connections: Option<Connections>,
    /// Latencies beyond the histograms' range.
    pub clamped: Option<u64>,
    /// Memory of the generator.
    pub resident_bytes: Option<u64>,
    /// The first thing that went wrong.
    pub problem: Option<String>,
    /// One word.
    pub verdict: &'static str,
    /// Why, and what to do about it.
    pub reason: String,
}

impl Findings {
    /// Of a load that ended by itself.
    pub fn new(plan: &LoadPlan, span: &Span, loaded: &Loaded) -> Self {
        let [response, service, connect, lag] = [
            &loaded.response,
            &loaded.service,
            &loaded.connect,
            &loaded.lag,
        ]
        .map(|histogram| {
            Shape::new(histogram.len(), histogram.max(), |quantile| {
                histogram.value_at_quantile(quantile)
            })
        });
        let (verdict, reason) = verdict(plan, span, loaded);
        Findings {
            sent: Some(loaded.requests.sent),
            ok: loaded.requests.ok,
            errors: loaded.requests.errors.clone(),
            elapsed_ns: loaded.elapsed_ns,
            throughput_per_s: per_second(loaded.replies, loaded.elapsed_ns),
            response,
            service,
            connect: (plan.workload == Workload::Crr).then_some(connect),
            lag: (plan.pace != Pace::Closed).then_some(lag),
            generator_cpu_ns: loaded.generator_cpu_ns,
            connections: Some(loaded.connections),
            clamped: Some(loaded.clamped),
            resident_bytes: Some(loaded.resident_bytes),
            problem: loaded.problem.clone(),
            verdict,
            reason,
        }
    }

    /// Of a load that was interrupted: what its bins hold.
    pub fn so_far(bins: &LoadBin) -> Self {
        let errors = (bins.errors > 0).then(|| ("failed".to_owned(), bins.errors));
        let (samples, max) = (bins.response.len(), bins.response.max());
        Findings {
            sent: None,
            ok: bins.replies,
            errors: errors.into_iter().collect(),
            elapsed_ns: bins.length_ns,
            throughput_per_s: per_second(bins.replies, bins.length_ns),
            response: Shape::new(samples, max, |quantile| {
                bins.response.value_at_quantile(quantile)
            }),
            service: Shape::default(),
            connect: None,
            lag: None,
            generator_cpu_ns: bins.generator_cpu_ns,
            connections: None,
            clamped: None,
            resident_bytes: None,
            problem: None,
            verdict: "interrupted",
            reason: "this is what there was until then, response times within 1 %".to_owned(),
        }
    }

    /// CPU time of the generator for each request.
    pub fn generator_cpu_us_per_request(&self) -> Option<f64> {
        let requests = self.sent.unwrap_or(self.ok);
        (requests > 0).then(|| self.generator_cpu_ns as f64 / 1e3 / requests as f64)
    }

    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self.verdict {
            "wrong" => Exit::WrongBytes,
            "errors" | "unserved" => Exit::CellsFailed,
            "interrupted" => Exit::Interrupted,
            _ => Exit::Well,
        }
    }
}

/// How many of something happen in a second.
pub fn per_second(number: u64, elapsed_ns: u64) -> Option<f64> {
    (elapsed_ns > 0).then(|| number as f64 * 1e9 / elapsed_ns as f64)
}

fn verdict(plan: &LoadPlan, span: &Span, loaded: &Loaded) -> (&'static str, String) {
    let requests = &loaded.requests;
    let errors: u64 = requests.errors.values().sum();
    let wrong = requests.errors.get("wrong").copied().unwrap_or(0);
    let Connections { asked, served } = loaded.connections;
    let capacity_ns = loaded.elapsed_ns as f64 * f64::from(plan.threads);
    let busy = loaded.generator_cpu_ns as f64 / capacity_ns.max(1.0);
    if wrong > 0 {
        let reason = format!("{wrong} replies were not what was sent: it is no echo server");
        ("wrong", reason)
    } else if errors > 0 {
        let hint = match requests.errors.contains_key("unfinished") {
            true => "; some were never sent: a lower --rate, or a larger -c",
            false => "",
        };
        let reason = format!("{errors} of {} requests failed{hint}", requests.sent);
        ("errors", reason)
    } else if plan.workload == Workload::Idle && loaded.problem.is_some() {
        let reason = "a connection did not stay open".to_owned();
        ("errors", reason)
    } else if served < asked {
        let silent = asked - served;
        let reason = format!("{silent} of {asked} connections got no answer to their first echo");
        ("unserved", reason)
    } else if plan.pace == Pace::Closed && busy > BUSY {
        let reason = format!(
            "the generator was busy {:.0} % of its time: the figures are its own; -t {}",
            (busy * 100.0).min(100.0),
            plan.threads.saturating_add(1)
        );
        ("client-bound", reason)
    } else if let Some(reason) = late(plan, span, loaded) {
        ("late", reason)
    } else if plan.workload != Workload::Idle && loaded.response.len() < 1000 {
        let reason = format!(
            "{} replies are too few for a p99: a longer -d, or a larger -n",
            loaded.response.len()
        );
        ("few-samples", reason)
    } else {
        ("valid", String::new())
    }
}

/// Why the schedule of an open loop was not kept, when it was not.
fn late(plan: &LoadPlan, span: &Span, loaded: &Loaded) -> Option<String> {
    let rate = plan.pace.rate_per_s()?;
    let lag_ns = loaded.lag.value_at_quantile(0.99);
    if lag_ns > LATE_NS {
        return Some(format!(
            "1 % of the requests went out {:.1} ms late or more: a lower --rate, or a larger -t",
            lag_ns as f64 / 1e6
        ));
    }
    let by_schedule = rate * span.length.as_secs_f64();
    let due = span
        .requests
        .map_or(by_schedule, |limit| by_schedule.min(limit as f64));
    // How many a Poisson schedule has is itself random; three deviations are no lateness.
    let luck = match plan.pace {
        Pace::Poisson(_) => 3.0 * due.sqrt(),
        Pace::Constant(_) | Pace::Closed | Pace::OfSlowest(_) | Pace::OfOwn(_) => 0.0,
    };
    let sent = loaded.requests.sent;
    ((sent as f64) < due * SENT_IN_TIME - luck).then(|| {
        format!("{sent} of {due:.0} due requests were sent: a lower --rate, or a larger -c")
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_percentile_needs_ten_samples_beyond_it() {
        let of = |samples| Shape::new(samples, 7, |_| 5);
        assert_eq!((of(19).at(0.5), of(20).at(0.5)), (None, Some(5)));
        assert_eq!((of(999).at(0.99), of(1000).at(0.99)), (None, Some(5)));
        assert_eq!((of(9999).at(0.999), of(10_000).at(0.999)), (None, Some(5)));
        assert_eq!((of(0).max, of(1).max), (None, Some(7)));
    }

    fn plan(pace: Pace) -> LoadPlan {
        LoadPlan {
            target: ([127, 0, 0, 1], 8080).into(),
            workload: Workload::Rr,
            pace,
            connections: 5,
            message: 64,
            depth: 1,
            per_connection: 1,
            think: Duration::ZERO,
            threads: 1,
            patience: measure::load::PATIENCE,
            enough: None,
            timeout: Duration::from_secs(2),
            reconnect: true,
            sources: Vec::new(),
            seed: 1,
            by_connection: false,
            first_connection: 0,
            idle: 0,
            part: None,
        }
    }

    /// A thousand good requests in a second.
    fn good() -> Loaded {
        let connections = Connections {
            asked: 5,
            served: 5,
        };
        let mut loaded = Loaded {
            connections,
            elapsed_ns: 1_000_000_000,
            generator_cpu_ns: 500_000_000,
            ..Loaded::default()
        };
        (loaded.requests.sent, loaded.requests.ok) = (1000, 1000);
        loaded.response.saturating_record_n(50_000, 1000);
        loaded.lag.saturating_record_n(900, 1000);
        loaded
    }

    fn verdict_of(pace: Pace, change: impl Fn(&mut Loaded)) -> &'static str {
        let span = Span {
            length: Duration::from_secs(1),
            ..Span::default()
        };
        let mut loaded = good();
        change(&mut loaded);
        verdict(&plan(pace), &span, &loaded).0
    }

    fn fail(loaded: &mut Loaded, kind: &str) {
        loaded.requests.ok -= 1;
        *loaded.requests.errors.entry(kind.to_owned()).or_default() += 1;
    }

    #[test]
    fn the_first_verdict_that_applies_is_given() {
        let (closed, open) = (Pace::Closed, Pace::Constant(1000.0));
        let busy = |loaded: &mut Loaded| loaded.generator_cpu_ns = 990_000_000;
        let silent = |loaded: &mut Loaded| loaded.connections.served = 4;
        let behind = |loaded: &mut Loaded| loaded.lag.saturating_record_n(1_100_000, 11);
        assert_eq!(verdict_of(closed, |_| {}), "valid");
        assert_eq!(verdict_of(open, |_| {}), "valid");
        assert_eq!(verdict_of(closed, |l| l.response.reset()), "few-samples");
        assert_eq!(verdict_of(open, behind), "late");
        assert_eq!(verdict_of(open, |l| l.requests.sent = 989), "late");
        assert_eq!(verdict_of(open, |l| l.requests.sent = 991), "valid");
        let luck = Pace::Poisson(1000.0);
        assert_eq!(verdict_of(luck, |l| l.requests.sent = 900), "valid");
        assert_eq!(verdict_of(luck, |l| l.requests.sent = 890), "late");
        assert_eq!(verdict_of(closed, busy), "client-bound");
        assert_eq!(verdict_of(open, busy), "valid", "it spins");
        let both = |l: &mut Loaded| (busy(l), silent(l)).1;
        assert_eq!(verdict_of(closed, both), "unserved");
        let both = |l: &mut Loaded| (silent(l), fail(l, "reset")).1;
        assert_eq!(verdict_of(closed, both), "errors");
        let both = |l: &mut Loaded| (fail(l, "reset"), fail(l, "wrong")).1;
        assert_eq!(verdict_of(closed, both), "wrong");
    }
}
