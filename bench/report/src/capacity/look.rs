//! One look at a rate: whether the promise was kept, and what broke if it was not.

use record::{Outcome, Pass, Scenario, Slo};

use crate::doubts;
use crate::{figures, format};

/// What a look saw.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Look {
    /// Whether the rate was sustained.
    pub kept: bool,
    /// The promised percentile of response times.
    pub response_ns: Option<f64>,
    /// What broke.
    pub why: Option<String>,
    /// Whether the generator broke, and not the server.
    pub is_client: bool,
}

impl Look {
    fn broke(why: String, response_ns: Option<f64>) -> Self {
        Look {
            kept: false,
            response_ns,
            why: Some(why),
            is_client: false,
        }
    }
}

/// Judges a pass of a probe.
pub(crate) fn look(pass: &Pass, scenario: &Scenario, slo: &Slo) -> Look {
    if pass.outcome != Outcome::Ok {
        let cause = pass.cause.as_ref().map(|cause| cause.text.trim());
        let text = format!(
            "{}: {}",
            pass.outcome.as_str(),
            cause.unwrap_or("no cause was recorded")
        );
        return Look::broke(format::without_paths(&text), None);
    }
    let response_ns = quantile(pass, slo.quantile);
    let Some(response) = response_ns else {
        return Look::broke("nobody was answered".to_owned(), None);
    };
    let why = if !doubts::kept_pace(pass, scenario, service_p50(pass)) {
        let (replies, ns) = figures::counted(pass);
        let asked = scenario.rate_per_s(&pass.contender).unwrap_or(f64::NAN) * ns as f64 / 1e9;
        let share = format::digits(100.0 * replies as f64 / asked);
        format!("only {share} % of it was answered")
    } else if response > slo.limit.as_nanos() as f64 {
        format!("{} was {}", slo.percentile(), format::time(response))
    } else {
        return Look {
            kept: true,
            response_ns,
            why: None,
            is_client: false,
        };
    };
    let lag = lag_p99(pass).filter(|lag| *lag > doubts::LATE_NS);
    Look {
        is_client: lag.is_some(),
        ..Look::broke(why, response_ns)
    }
}

fn quantile(pass: &Pass, quantile: f64) -> Option<f64> {
    of(pass.histograms.response.as_ref(), quantile)
}

fn service_p50(pass: &Pass) -> f64 {
    of(pass.histograms.service.as_ref(), 0.5).unwrap_or(0.0)
}

fn lag_p99(pass: &Pass) -> Option<f64> {
    of(pass.histograms.lag.as_ref(), 0.99)
}

fn of(histogram: Option<&record::Encoded>, quantile: f64) -> Option<f64> {
    let histogram = histogram?.decode().ok()?;
    (!histogram.is_empty()).then(|| histogram.value_at_quantile(quantile) as f64)
}
