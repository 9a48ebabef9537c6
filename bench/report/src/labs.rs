//! Labs: their passes as cells, and every figure of them with its interval or the reason why there is none.
//! There is no server and no load: a distribution is what a mechanism took, a figure is one of a pass.

pub(crate) mod answers;
pub(crate) mod tables;

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use rayon::prelude::*;
use record::{Estimate, LAB_METRICS, Lab, Metric, Outcome, Pass, PassKind, Results};

use crate::doubts::{self, HOST_NOISY, TOO_FEW_ROUNDS, VALID};
use crate::format;
use crate::latency::{self, Merged};
use crate::stats::{self, ROUNDS_MIN};

/// One mechanism under one lab.
pub(crate) struct Part<'a> {
    /// Which mechanism.
    pub mechanism: &'a str,
    /// Under which conditions.
    pub lab: &'a Lab,
    /// Passes that went well, by round.
    pub passes: Vec<&'a Pass>,
    /// The first that did not.
    pub failed: Option<&'a Pass>,
}

impl Part<'_> {
    /// `valid`, or what became of it instead.
    pub fn verdict(&self) -> (&'static str, Option<String>) {
        let said = |pass: &Pass| {
            let cause = pass.cause.as_ref()?;
            Some(format::without_paths(&cause.text))
        };
        match self.failed {
            Some(pass) if self.passes.is_empty() || pass.outcome != Outcome::Skipped => {
                (pass.outcome.as_str(), said(pass))
            }
            _ if self.passes.is_empty() => ("unmeasured", Some("no pass was made yet".to_owned())),
            _ if self.passes.len() < ROUNDS_MIN => {
                let why = format!(
                    "{} of it; an interval needs {ROUNDS_MIN}: --rounds",
                    format::plural(self.passes.len(), "round")
                );
                (TOO_FEW_ROUNDS, Some(why))
            }
            _ => match doubts::beside(&self.passes) {
                Some(why) => (HOST_NOISY, Some(why)),
                None => (VALID, None),
            },
        }
    }
}

/// Every mechanism under every lab that it was planned for, in the order of suite and entrants.
pub(crate) fn parts(results: &Results) -> Vec<Part<'_>> {
    let mut passes: BTreeMap<(&str, &str), Vec<&Pass>> = BTreeMap::new();
    for pass in results
        .passes
        .iter()
        .filter(|pass| pass.pass == PassKind::Lab)
    {
        let key = (pass.scenario.as_str(), pass.contender.as_str());
        passes.entry(key).or_default().push(pass);
    }
    let planned: std::collections::BTreeSet<(&str, &str)> = results
        .run
        .passes
        .iter()
        .map(|planned| (planned.scenario.as_str(), planned.contender.as_str()))
        .collect();
    let mut parts = Vec::new();
    for lab in &results.run.suite.labs {
        for entrant in &results.run.entrants {
            let key = (lab.name.as_str(), entrant.name.as_str());
            if !planned.contains(&key) {
                continue;
            }
            let all = passes.remove(&key).unwrap_or_default();
            let (good, bad): (Vec<_>, Vec<_>) = all
                .into_iter()
                .partition(|pass| pass.outcome == Outcome::Ok);
            // A round that was made again after an interruption stands twice: the later one counts.
            let good: BTreeMap<u32, &Pass> =
                good.into_iter().map(|pass| (pass.round, pass)).collect();
            parts.push(Part {
                mechanism: &entrant.name,
                lab,
                passes: good.into_values().collect(),
                failed: bad.first().copied(),
            });
        }
    }
    parts
}

/// Every metric of every part.
pub(crate) fn estimates(results: &Results) -> Vec<Estimate> {
    let parts = parts(results);
    let of_part = |part: &Part<'_>| {
        let metrics = LAB_METRICS
            .iter()
            .filter(|metric| metric.applies_to_lab(part.lab.lab));
        let merged = Distributions::of(part);
        metrics
            .map(|metric| estimate(part, metric, &merged, results.run.seed))
            .collect::<Vec<_>>()
    };
    // An indexed parallel map keeps the order: the same records give the same bytes.
    parts.par_iter().map(of_part).collect::<Vec<_>>().concat()
}

/// A part's distributions, decoded once for all percentiles.
struct Distributions(BTreeMap<String, Result<Merged, String>>);

impl Distributions {
    fn of(part: &Part<'_>) -> Self {
        let names = part.passes.iter().filter_map(|pass| pass.lab.as_ref());
        let names = names.flat_map(|lab| lab.histograms.keys().cloned());
        let names: std::collections::BTreeSet<String> = names.collect();
        let merged = names.into_iter().map(|name| {
            let merged = merged(part, &name);
            (name, merged)
        });
        Distributions(merged.collect())
    }
}

/// The distribution of this name over the rounds of a part.
///
/// # Errors
/// When one cannot be read.
pub(crate) fn merged(part: &Part<'_>, name: &str) -> Result<Merged, String> {
    let mut rows = Vec::new();
    for pass in &part.passes {
        let found = pass.lab.as_ref().and_then(|lab| lab.histograms.get(name));
        if let Some(found) = found {
            let filled = found.filled().map_err(|error| error.to_string())?;
            rows.push((pass.round, filled));
        }
    }
    Ok(Merged::of_rounds(&rows))
}

/// The distributions of a part over its rounds, each merged.
pub(crate) fn whole(part: &Part<'_>) -> BTreeMap<String, Result<Histogram<u64>, String>> {
    let mut all: BTreeMap<String, Result<Histogram<u64>, String>> = BTreeMap::new();
    let labs = part.passes.iter().filter_map(|pass| pass.lab.as_ref());
    for (name, stored) in labs.flat_map(|lab| &lab.histograms) {
        let found = stored.decode().map_err(|error| error.to_string());
        let merged = match (all.remove(name), found) {
            (Some(Ok(mut whole)), Ok(found)) => latency::add(&mut whole, &found).map(|()| whole),
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (None, found) => found,
        };
        all.insert(name.clone(), merged);
    }
    all
}

/// `spawn_ns_p99` is a percentile of `spawn_ns`.
fn percentile(metric: &str) -> Option<(&str, f64)> {
    let (name, quantile) = metric.rsplit_once("_p")?;
    let quantile = match quantile {
        "50" => 0.5,
        "90" => 0.9,
        "99" => 0.99,
        _ => return None,
    };
    Some((name, quantile))
}

/// A metric of each round by itself: of a distribution its middle or a percentile, whatever the number of samples; or
/// (`call_ns_mean`) its mean.
///
/// # Errors
/// When no round has it.
pub(crate) fn by_round(part: &Part<'_>, metric: &str) -> Result<Vec<(u32, f64)>, String> {
    let mut rounds = Vec::new();
    let mut missing = None;
    for pass in &part.passes {
        let Some(lab) = &pass.lab else { continue };
        match of_pass(lab, metric)? {
            Some(figure) => rounds.push((pass.round, figure)),
            None => missing = lab.missing.get(metric).cloned().or(missing),
        }
    }
    match rounds.is_empty() {
        true => Err(missing.unwrap_or_else(|| format!("it has no {metric}"))),
        false => Ok(rounds),
    }
}

fn of_pass(lab: &record::Findings, metric: &str) -> Result<Option<f64>, String> {
    let mean = metric.strip_suffix("_mean");
    let Some(name) = mean.or(percentile(metric).map(|(name, _)| name)) else {
        return Ok(lab.figures.get(metric).copied());
    };
    let Some(stored) = lab.histograms.get(name) else {
        return Ok(None);
    };
    let stored = stored.decode().map_err(|error| error.to_string())?;
    Ok(match percentile(metric) {
        Some((_, quantile)) => Some(stored.value_at_quantile(quantile) as f64),
        None => mean_within(&stored),
    })
}

/// What they take on average: costs add up, so a price is a mean. The slowest hundredth is left out, for it holds what
/// somebody else did meanwhile.
fn mean_within(all: &Histogram<u64>) -> Option<f64> {
    let most = all.value_at_quantile(0.99);
    let (mut sum, mut count) = (0.0, 0.0);
    for step in all
        .iter_recorded()
        .filter(|step| step.value_iterated_to() <= most)
    {
        let times = step.count_at_value() as f64;
        sum += step.value_iterated_to() as f64 * times;
        count += times;
    }
    (count > 0.0).then(|| sum / count)
}

type Found = (f64, Option<stats::Interval>, usize);

fn found(
    part: &Part<'_>,
    metric: &str,
    merged: &Distributions,
    seed: u64,
) -> Result<Found, String> {
    let missing = |name: &str| {
        let mut labs = part.passes.iter().filter_map(|pass| pass.lab.as_ref());
        let said = labs.find_map(|lab| lab.missing.get(name).cloned());
        said.unwrap_or_else(|| "it has no such figure".to_owned())
    };
    if let Some((name, quantile)) = percentile(metric) {
        let distribution = merged.0.get(name).ok_or_else(|| missing(name))?;
        let distribution = distribution.as_ref().map_err(Clone::clone)?;
        let value = distribution.value(quantile)?;
        return Ok((
            value,
            distribution.interval(quantile, seed),
            distribution.rounds(),
        ));
    }
    let labs = part.passes.iter().filter_map(|pass| pass.lab.as_ref());
    let values: Vec<f64> = labs
        .filter_map(|lab| lab.figures.get(metric).copied())
        .collect();
    let value = stats::median(&values).ok_or_else(|| missing(metric))?;
    Ok((value, stats::median_interval(&values, seed), values.len()))
}

fn estimate(part: &Part<'_>, metric: &Metric, merged: &Distributions, seed: u64) -> Estimate {
    let seed = stats::seed(seed, &[part.mechanism, &part.lab.name, metric.name]);
    let (verdict, why) = part.verdict();
    let found = match part.passes.is_empty() {
        true => Err(why.clone().unwrap_or_default()),
        false => found(part, metric.name, merged, seed),
    };
    let finite = |value: f64| value.is_finite().then_some(value);
    let (value, interval, rounds, reason) = match found {
        Ok((value, interval, rounds)) => (finite(value), interval, rounds, why),
        Err(reason) => (None, None, 0, Some(reason)),
    };
    Estimate {
        contender: part.mechanism.to_owned(),
        family: part.lab.lab.as_str().to_owned(),
        scenario: part.lab.name.clone(),
        metric: metric.name.to_owned(),
        unit: metric.unit.to_owned(),
        value,
        low: interval.and_then(|interval| finite(interval.low)),
        high: interval.and_then(|interval| finite(interval.high)),
        rounds: u32::try_from(rounds).unwrap_or(u32::MAX),
        source: source(metric.name).to_owned(),
        verdict: verdict.to_owned(),
        reason,
    }
}

/// Who said it: the lab's own clock and counters, getrusage(2), or /proc.
fn source(metric: &str) -> &'static str {
    match metric {
        "child_page_table_bytes"
        | "both_rss_bytes"
        | "both_pss_bytes"
        | "both_pss_bytes_written" => "proc",
        "cpu_ns_per_time"
        | "faults_minor_per_time"
        | "switches_voluntary_per_time"
        | "switches_involuntary_per_time" => "getrusage",
        _ => "lab",
    }
}

/// Parts with a pass that went wrong: who, under what, which outcome, why.
pub(crate) fn failed(results: &Results) -> Vec<(&str, &str, String, String)> {
    let parts = parts(results).into_iter();
    let wrong = parts.filter(|part| {
        part.failed
            .is_some_and(|pass| pass.outcome != Outcome::Skipped)
    });
    wrong
        .map(|part| {
            let (word, why) = part.verdict();
            (
                part.mechanism,
                part.lab.name.as_str(),
                word.to_owned(),
                why.unwrap_or_default(),
            )
        })
        .collect()
}
