//! Choosing: who meets a need, with how much to spare, and what excluded the others; from the records of one scenario
//! at the rate that is needed and, where it was made, of a search for the highest rate.
//!
//! It pays for an answer in a sentence by ranking on headroom alone, then memory, then CPU; it ends at this need on
//! this machine: what a programmer can maintain is not measured.

use record::{CONTROL, Results, Slo};
use serde::Serialize;

use crate::cells::{Cell, cells};
use crate::doubts::{OVERLOAD, UNSERVED, VALID};
use crate::latency::{Merged, Span};
use crate::{capacity, doubts, estimates, format, stats};

mod words;

pub use words::choice_text;

/// The name of the scenario that is a need.
pub const NEED: &str = "need";
/// Headrooms closer than this are alike where no interval tells them apart: two steps of a search's ladder.
const ALIKE: f64 = record::search::STEP * record::search::STEP;
/// Memory that differs by less decides nothing.
const ALIKE_MEMORY: f64 = 1.05;

/// Where a contender stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stand {
    /// It keeps the promise at the rate, with the whole interval.
    Meets,
    /// Its interval lies across the promise, or there is none.
    TooCloseToCall,
    /// The generator was the limit.
    CannotSay,
    /// It does not, for the reason beside it.
    Excluded,
}

/// By how much the rate may grow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Headroom {
    /// The highest rate over the needed one.
    pub ratio: f64,
    /// Lower end of the 95 % interval; `None` when searches are too few to tell, or none was made.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Whether it was searched for, or is said by CPU use: the cores of the server over those it took.
    pub searched: bool,
}

/// One contender before the need.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// Who.
    pub contender: String,
    /// Of which family.
    pub family: String,
    /// Where it stands.
    pub stand: Stand,
    /// Why it does not meet the need, or what weakens that it does.
    pub reason: Option<String>,
    /// The promised percentile of response times, nanoseconds.
    pub response_ns: Option<f64>,
    /// Lower end of its 95 % interval.
    pub response_low_ns: Option<f64>,
    /// Upper end.
    pub response_high_ns: Option<f64>,
    /// Replies a second.
    pub throughput_per_s: Option<f64>,
    /// Of the server with everybody connected: PSS, page tables, kernel stacks.
    pub memory_bytes: Option<f64>,
    /// Cores that the server took at the rate.
    pub cpu_cores: Option<f64>,
    /// Of those who meet the need.
    pub headroom: Option<Headroom>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// What must hold.
    pub slo: String,
    /// Requests a second that are needed.
    pub rate_per_s: f64,
    /// Who is to be taken: the first, and those who cannot be told apart from it; empty when nobody is.
    pub take: Vec<String>,
    /// In words.
    pub answer: String,
    /// Everybody: who meets it first, the best before the others.
    pub contenders: Vec<Standing>,
    /// Who took no part, and why.
    pub skipped: Vec<(String, String)>,
}

/// Who meets the need that the scenario [`NEED`] of `results` is, within `slo`.
pub fn choice(results: &Results, slo: &Slo) -> Choice {
    let cells = cells(results);
    let cells: Vec<&Cell<'_>> = cells
        .iter()
        .filter(|cell| cell.scenario.name == NEED && cell.contender != CONTROL)
        .collect();
    let mut contenders: Vec<Standing> = cells
        .iter()
        .map(|cell| standing(cell, slo, results))
        .collect();
    let rate_per_s = cells
        .first()
        .and_then(|cell| cell.scenario.rate_per_s(cell.contender));
    let rate_per_s = rate_per_s.unwrap_or(f64::NAN);
    add_headroom(&mut contenders, results, rate_per_s);
    contenders.sort_by(order);
    let take = alike(&contenders);
    let entrants = results.run.entrants.iter();
    let skipped = entrants.filter_map(|it| Some((it.name.clone(), it.skipped.clone()?)));
    let mut choice = Choice {
        slo: slo.to_string(),
        rate_per_s,
        take,
        answer: String::new(),
        contenders,
        skipped: skipped.collect(),
    };
    choice.answer = words::answer(&choice);
    choice
}

/// Those who meet the need so far, who takes the least CPU first.
pub fn meeting(results: &Results, slo: &Slo) -> Vec<String> {
    let choice = choice(results, slo);
    let meets = choice
        .contenders
        .into_iter()
        .filter(|it| it.stand == Stand::Meets);
    meets.map(|it| it.contender).collect()
}

fn standing(cell: &Cell<'_>, slo: &Slo, results: &Results) -> Standing {
    let one = std::slice::from_ref(cell);
    let figures = estimates::estimates(one, results.run.seed);
    let value = |metric: &str| figures.iter().find(|it| it.metric == metric)?.value;
    let response = Merged::of(cell, Span::Response).ok();
    let seed = stats::seed(results.run.seed, &[cell.contender, NEED, "choice"]);
    let interval = response
        .as_ref()
        .and_then(|it| it.interval(slo.quantile, seed));
    let response_ns = response.as_ref().and_then(|it| it.value(slo.quantile).ok());
    let throughput = value("throughput_per_s");
    let cpu = value("cpu_us_per_request").zip(throughput);
    let mut standing = Standing {
        contender: cell.contender.to_owned(),
        family: cell.family.to_owned(),
        stand: Stand::Excluded,
        reason: None,
        response_ns,
        response_low_ns: interval.map(|it| it.low),
        response_high_ns: interval.map(|it| it.high),
        throughput_per_s: throughput,
        memory_bytes: memory(cell),
        cpu_cores: cpu.map(|(us, per_s)| us * per_s / 1e6),
        headroom: None,
    };
    (standing.stand, standing.reason) = judge(cell, &standing, slo);
    standing
}

/// Whether it meets the need. A late generator only lengthens response times: who keeps the promise in spite of it does.
fn judge(cell: &Cell<'_>, it: &Standing, slo: &Slo) -> (Stand, Option<String>) {
    let verdict = cell.verdict_of_percentiles();
    let reason = || verdict.reason.clone();
    if cell.failed.is_some() {
        let why = reason().unwrap_or_default();
        return (Stand::Excluded, Some(format!("{}: {why}", verdict.word)));
    }
    if let Some((served, asked)) = cell.served().filter(|(served, asked)| served < asked) {
        let text = format!(
            "{} of {asked} connections not served: {} is all it serves at once",
            asked - served,
            format::count(f64::from(served))
        );
        return (Stand::Excluded, Some(text));
    }
    let limit = slo.limit.as_nanos() as f64;
    let Some(response) = it.response_ns else {
        return (
            Stand::CannotSay,
            Some(format!(
                "{} is not known: {}",
                slo.percentile(),
                reason().unwrap_or_else(|| "too few replies".to_owned())
            )),
        );
    };
    let over = format!(
        "{} was {}, {} % over",
        slo.percentile(),
        format::time(response),
        format::digits(100.0 * (response / limit - 1.0))
    );
    let low = it.response_low_ns.unwrap_or(f64::NEG_INFINITY);
    let high = it.response_high_ns.unwrap_or(f64::INFINITY);
    // Judged by what was due: of a Poisson load a short window may hold fewer requests than its rate says.
    let overloaded = verdict.word == OVERLOAD;
    let kept = high <= limit && !overloaded;
    if !kept && verdict.word == "client-bound" {
        return (Stand::CannotSay, reason());
    }
    if overloaded {
        let text = not_achieved(cell, it);
        let late = response > limit;
        let reason = if late {
            format!("{text}; {over}")
        } else {
            text
        };
        return (Stand::Excluded, Some(reason));
    }
    match (kept, low > limit) {
        (true, _) => (Stand::Meets, doubt(cell)),
        (false, true) => (Stand::Excluded, Some(over)),
        (false, false) => (Stand::TooCloseToCall, Some(across(it, slo))),
    }
}

/// What came of the rate.
fn not_achieved(cell: &Cell<'_>, it: &Standing) -> String {
    let rate = cell.scenario.rate_per_s(cell.contender).unwrap_or(f64::NAN);
    let got = it.throughput_per_s.unwrap_or(f64::NAN);
    format!(
        "rate not achieved: {} of {} ({} %)",
        format::rate(got),
        format::rate(rate),
        format::digits(100.0 * got / rate)
    )
}

/// Why nothing is sure.
fn across(it: &Standing, slo: &Slo) -> String {
    match it.response_low_ns.zip(it.response_high_ns) {
        Some((low, high)) => format!(
            "{} is between {} and {}",
            slo.percentile(),
            format::time(low),
            format::time(high)
        ),
        None => "too few rounds for an interval".to_owned(),
    }
}

fn doubt(cell: &Cell<'_>) -> Option<String> {
    let verdict = cell.verdict_of_percentiles();
    let is_weak =
        verdict.word != VALID && verdict.word != UNSERVED && doubts::is_doubt(&verdict.word);
    is_weak.then(|| {
        format!(
            "{}: {}",
            verdict.word,
            verdict.reason.clone().unwrap_or_default()
        )
    })
}

fn memory(cell: &Cell<'_>) -> Option<f64> {
    let gauges = cell.figures().iter().filter_map(|pass| {
        let gauges = &pass.gauges;
        gauges.connected.as_ref().or(gauges.ready.as_ref())
    });
    let bytes: Vec<f64> = gauges.map(|gauge| gauge.memory_bytes() as f64).collect();
    stats::median(&bytes)
}

fn add_headroom(contenders: &mut [Standing], results: &Results, rate: f64) {
    let capacities = capacity::capacities(results);
    for it in contenders.iter_mut().filter(|it| it.stand == Stand::Meets) {
        let found = capacities.iter().find(|one| one.contender == it.contender);
        let found = found.and_then(|one| Some((one, one.value?)));
        it.headroom = match (found, it.cpu_cores) {
            (Some((one, value)), _) => Some(Headroom {
                ratio: value / rate,
                low: one.low.map(|low| low / rate),
                high: one.high.map(|high| high / rate),
                searched: true,
            }),
            (None, Some(cores)) if cores > 0.0 => Some(Headroom {
                ratio: 1.0 / cores,
                low: None,
                high: None,
                searched: false,
            }),
            _ => None,
        };
    }
}

/// Who meets it first; of them, those whose headroom was searched for first; then by headroom; the others by how long
/// they let wait.
fn order(a: &Standing, b: &Standing) -> std::cmp::Ordering {
    let key = |it: &Standing| {
        let place = match it.stand {
            Stand::Meets => 0,
            Stand::TooCloseToCall => 1,
            Stand::CannotSay => 2,
            Stand::Excluded => 3,
        };
        let searched = it.headroom.is_some_and(|it| it.searched);
        (place, !searched)
    };
    let headroom = |it: &Standing| it.headroom.map_or(0.0, |it| it.ratio);
    let wait = |it: &Standing| it.response_ns.unwrap_or(f64::INFINITY);
    key(a)
        .cmp(&key(b))
        .then(headroom(b).total_cmp(&headroom(a)))
        .then(wait(a).total_cmp(&wait(b)))
}

/// The best, and who cannot be told apart from it by headroom, the lightest of them first.
fn alike(contenders: &[Standing]) -> Vec<String> {
    let meets: Vec<&Standing> = contenders
        .iter()
        .filter(|it| it.stand == Stand::Meets)
        .collect();
    let Some(best) = meets.first().and_then(|it| it.headroom) else {
        return meets
            .first()
            .map(|it| it.contender.clone())
            .into_iter()
            .collect();
    };
    let is_alike = |it: &&&Standing| {
        let own = it.headroom.filter(|own| own.searched == best.searched);
        own.is_some_and(|own| match own.high.zip(best.low) {
            Some((high, low)) => high >= low,
            None => own.ratio * ALIKE >= best.ratio,
        })
    };
    let mut alike: Vec<&Standing> = meets.iter().filter(is_alike).copied().collect();
    let bytes = |it: &Standing| it.memory_bytes.unwrap_or(f64::INFINITY);
    let lightest = alike
        .iter()
        .map(|it| bytes(it))
        .fold(f64::INFINITY, f64::min);
    let weight = |it: &Standing| match bytes(it) <= lightest * ALIKE_MEMORY {
        true => 0.0,
        false => bytes(it),
    };
    let cpu = |it: &Standing| it.cpu_cores.unwrap_or(f64::INFINITY);
    alike.sort_by(|a, b| {
        weight(a)
            .total_cmp(&weight(b))
            .then(cpu(a).total_cmp(&cpu(b)))
    });
    alike.into_iter().map(|it| it.contender.clone()).collect()
}
