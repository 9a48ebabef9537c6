//! The noise floor: by how much two copies of the reference, alive in the same rounds, seem to differ. Nothing but the
//! measurement told them apart, so what a run says about others is worth no more than what it says about these.
//!
//! It pays with one more contender a round. It ends at what strikes both copies alike: a bias of the instrument
//! towards one model does not show here.

use record::{CONTROL, NoiseFloor, Run, Scenario};

use crate::cells::{self, Cell};
use crate::comparisons::{EQUAL, PAIRED, THROUGHPUT, control};
use crate::conditions::is_sliced;
use crate::data::Data;
use crate::format;

/// control / reference of each sliced scenario, by throughput, CPU per request, service p50 and p99.
pub(crate) fn noise_floor(cells: &[Cell<'_>], run: &Run) -> Vec<NoiseFloor> {
    let scenarios = run.suite.scenarios.iter().filter(|it| is_sliced(it));
    let metrics = |scenario| PAIRED.iter().map(move |metric| (scenario, *metric));
    scenarios
        .flat_map(metrics)
        .filter_map(|(scenario, metric)| control(cells, scenario, metric, run))
        .map(|it| NoiseFloor {
            scenario: it.scenario,
            metric: it.metric,
            ratio: it.ratio,
            low: it.low,
            high: it.high,
        })
        .collect()
}

/// What a report opens with; nothing for a run without control.
pub(crate) fn sentences(data: &Data<'_>) -> Vec<String> {
    let entrants = &data.results.run.entrants;
    let Some(entrant) = entrants.iter().find(|it| it.name == CONTROL) else {
        return Vec::new();
    };
    if let Some(reason) = &entrant.skipped {
        let reason = format::without_paths(reason);
        return vec![format!(
            "No noise floor: the control was skipped, {reason}."
        )];
    }
    let floors = data.summary.noise_floor.iter();
    let loud = floors.filter(|it| is_loud(it)).map(|it| {
        format!(
            "Under {} the {} of these two copies of one program differed by {}: in this run differences of that \
             size are noise.",
            it.scenario,
            words(&it.metric),
            format::apart(it.ratio, it.low, it.high)
        )
    });
    worst(data)
        .into_iter()
        .chain(loud)
        .chain(missing(data))
        .collect()
}

/// The scenario in which throughput says most about what is nothing: by the far end of its interval, because a
/// ratio near 1 may be luck.
fn worst(data: &Data<'_>) -> Option<String> {
    let floors = data.summary.noise_floor.iter();
    let floors = floors.filter(|it| it.metric == THROUGHPUT);
    let worst = floors.max_by(|a, b| far(a).ln().abs().total_cmp(&far(b).ln().abs()))?;
    let interval = match worst.low.zip(worst.high) {
        Some((low, high)) => format!("{low:.3} to {high:.3}"),
        None => "too few rounds for an interval".to_owned(),
    };
    Some(format!(
        "Noise floor of this run: two copies of {} differed by at most {} in throughput ({}: {interval}).",
        data.results.run.suite.reference,
        format::apart(far(worst), None, None),
        worst.scenario
    ))
}

/// The end of the interval that is farther from 1; the ratio, where rounds are too few for one.
fn far(it: &NoiseFloor) -> f64 {
    let Some((low, high)) = it.low.zip(it.high) else {
        return it.ratio;
    };
    if low.ln().abs() > high.ln().abs() {
        low
    } else {
        high
    }
}

/// Told apart by more than what is called equal.
fn is_loud(it: &NoiseFloor) -> bool {
    it.low.is_some_and(|low| low > 1.0 + EQUAL) || it.high.is_some_and(|high| high < 1.0 - EQUAL)
}

/// Why a scenario has none.
fn missing(data: &Data<'_>) -> Vec<String> {
    let cells = cells::cells(data.results); // a page's own cells lack the control
    let reference = &data.results.run.suite.reference;
    let has = |scenario: &str| {
        let mut floors = data.summary.noise_floor.iter();
        floors.any(|it| it.scenario == scenario && it.metric == THROUGHPUT)
    };
    let scenarios = data.scenarios().iter();
    let without = scenarios.filter(|it| is_sliced(it) && !has(&it.name));
    let why = |scenario: &Scenario| {
        let mut here = cells.iter().filter(|it| it.scenario.name == scenario.name);
        here.find_map(|cell| {
            let twin = cell.contender == CONTROL || cell.contender == reference;
            let verdict = &cell.verdict;
            let reason = verdict.reason.as_ref().filter(|_| twin)?;
            Some(format!("{}, {}: {reason}", cell.contender, verdict.word))
        })
    };
    without
        .map(|scenario| {
            let why = why(scenario).unwrap_or_else(|| "no round has both copies".to_owned());
            format!("No noise floor for {} ({why}).", scenario.name)
        })
        .collect()
}

/// A small table: its head, and a scenario a row.
pub(crate) fn table(data: &Data<'_>) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let floors = &data.summary.noise_floor;
    if floors.is_empty() {
        return None;
    }
    let head = PAIRED
        .iter()
        .map(|metric| words(metric).to_owned())
        .collect();
    let figure = |scenario: &str, metric: &str| {
        let mut here = floors.iter();
        here.find(|it| it.scenario == scenario && it.metric == metric)
            .map_or(format::MISSING.to_owned(), |it| match it.low.zip(it.high) {
                Some((low, high)) => format!("{:.3} ({low:.3} to {high:.3})", it.ratio),
                None => format!("{:.3}", it.ratio),
            })
    };
    let has = |it: &&Scenario| floors.iter().any(|floor| floor.scenario == it.name);
    let rows = data.scenarios().iter().filter(has).map(|scenario| {
        let name = scenario.name.as_str();
        let figures = PAIRED.iter().map(|metric| figure(name, metric));
        std::iter::once(name.to_owned()).chain(figures).collect()
    });
    Some((head, rows.collect()))
}

/// A metric of [`PAIRED`] in a sentence.
pub(crate) fn words(metric: &str) -> &str {
    match metric {
        THROUGHPUT => "throughput",
        "cpu_us_per_request" => "CPU per request",
        "service_ns_p50" => "service p50",
        "service_ns_p99" => "service p99",
        other => other,
    }
}
