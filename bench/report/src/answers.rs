//! The answer in sentences, made from estimates and comparisons: who is fastest, what connecting costs, what
//! a connection weighs. Every sentence says when it cannot say.

use record::{Answer, Comparison, Estimate, Scenario, Workload};

use crate::capacity;
use crate::comparisons;
use crate::conditions::{conditions, cores_of, is_open};
use crate::data::Data;
use crate::doubts::{self, Verdict};
use crate::format;
use crate::labs;
use crate::struck::{self, strikes};
use crate::work;
use crate::{claims, ledger};

pub(crate) mod blocking;
pub(crate) mod growth;
mod idle;
mod open;
mod spread;
pub(crate) mod state;

const THROUGHPUT: &str = "throughput_per_s";

/// The answers to the suite's question, a sentence each, for the workloads that it has.
pub(crate) fn answers(data: &Data<'_>) -> Vec<String> {
    let saturated = |workload| {
        let typical = data.typical(workload);
        typical.map(|scenario| answering(data, scenario))
    };
    let crr = data
        .typical(Workload::Crr)
        .map(|scenario| connecting(data, scenario));
    let idle = data.heaviest();
    let idle = idle.map(|scenario| idle::answering(data, scenario));
    let rate = data
        .typical_open()
        .map(|scenario| open::answering(data, scenario));
    let each = [
        capacity::sentence(data),
        work::sentence(data),
        work::pool_sentence(data),
        growth::tasks(data),
        growth::cores(data),
        growth::bystanders(data),
        spread::sentence(data),
        saturated(Workload::Rr),
        rate,
        saturated(Workload::Stream),
        crr,
    ];
    let mut answers: Vec<String> = claims::words::answer(data).into_iter().collect();
    answers.extend(ledger::page::sentence(data));
    answers.extend(blocking::sentences(data));
    let state = state::sentences(data);
    // Where a state is weighed, a slope over connections is nobody's question.
    let idle = idle.filter(|_| state.is_empty());
    answers.extend(state);
    answers.extend(each.into_iter().flatten());
    answers.extend(idle.into_iter().flatten());
    let struck = data.struck();
    answers.extend(struck.map(|it| format!("{}: {}", it.title, serving_on(data, it))));
    answers.extend(labs::answers::answers(data));
    if answers.is_empty() {
        return vec!["The suite has no scenario, hence no answer.".to_owned()];
    }
    answers
}

/// The answer to one scenario's question.
pub(crate) fn of_scenario(data: &Data<'_>, scenario: &Scenario) -> String {
    match scenario.workload {
        _ if strikes(scenario) => format::capital(&serving_on(data, scenario)),
        _ if is_open(scenario) => open::answering(data, scenario),
        Workload::Rr | Workload::Stream => answering(data, scenario),
        Workload::Crr => connecting(data, scenario),
        Workload::Idle => idle::of_scenario(data, scenario),
    }
}

/// Who goes on serving.
fn serving_on(data: &Data<'_>, scenario: &Scenario) -> String {
    struck::sentence(data, scenario).unwrap_or_else(|| nothing(data, scenario))
}

/// Who answers the most, and what that may not be taken for.
fn answering(data: &Data<'_>, scenario: &Scenario) -> String {
    let first = data
        .ranking(&scenario.name, THROUGHPUT)
        .first()
        .map(|it| it.contender.as_str());
    let mut cells = data.cells.iter();
    let cell =
        cells.find(|cell| cell.scenario.name == scenario.name && Some(cell.contender) == first);
    let said = fastest(data, scenario);
    match cell.and_then(doubts::waiting) {
        Some(waiting) => format!("{said} {waiting}"),
        None => said,
    }
}

fn fastest(data: &Data<'_>, scenario: &Scenario) -> String {
    let ranking = data.ranking(&scenario.name, THROUGHPUT);
    let cores = place(scenario);
    let clients = format::count(f64::from(scenario.connections));
    let (first, second) = match ranking.as_slice() {
        [] => return nothing(data, scenario),
        [only] => {
            let rate = value(only);
            return format!(
                "{} answers {rate} with {clients} clients on {cores}; nobody else has a figure.",
                only.contender
            );
        }
        [first, second, ..] => (first, second),
    };
    let (a, b) = (&first.contender, &second.contender);
    let (rate_a, rate_b) = (value(first), value(second));
    let with = format!("with {clients} clients on {cores}");
    match compare(data, scenario, first, second, THROUGHPUT) {
        Some(it) if it.answer == Answer::Ahead => {
            format!(
                "{a} answers the most {with}: {rate_a}, {} the next, {b} ({rate_b}).",
                format::ratio(&it)
            )
        }
        Some(it) if it.answer == Answer::Equal => {
            format!(
                "{a} and {b} are equal within 3 % {with}: {rate_a} and {rate_b}, the most of all."
            )
        }
        Some(it) => format!(
            "Undecided who answers the most {with}: {a} {rate_a}, {b} {rate_b}; their ratio is {}.",
            interval(&it)
        ),
        None => format!(
            "{a} answers {rate_a} {with}, {b} {rate_b}; they cannot be compared round by round."
        ),
    }
}

/// `one server core (work sleep:2ms)`.
fn place(scenario: &Scenario) -> String {
    let cores = cores_of(scenario);
    match scenario.work.as_str() {
        "none" => cores,
        work => format!("{cores} (work {work})"),
    }
}

fn connecting(data: &Data<'_>, scenario: &Scenario) -> String {
    let ranking = data.ranking(&scenario.name, THROUGHPUT);
    let (first, last) = match ranking.as_slice() {
        [] => return nothing(data, scenario),
        [only] => {
            return format!(
                "With a connection for each request {} answers {}; nobody else has a figure.",
                only.contender,
                value(only)
            );
        }
        [first, .., last] => (first, last),
    };
    let cpu = |it: &Estimate| {
        let cpu = data.shown(&it.contender, &scenario.name, "cpu_us_per_request");
        cpu.map(|cpu| format!(", {} of CPU each", value(cpu)))
            .unwrap_or_default()
    };
    let ends = match compare(data, scenario, first, last, THROUGHPUT) {
        Some(it) if it.answer == Answer::Ahead => format!("{} apart", format::ratio(&it)),
        Some(it) if it.answer == Answer::Equal => "equal within 3 %".to_owned(),
        Some(it) => format!("undecided: {}", interval(&it)),
        None => "not compared round by round".to_owned(),
    };
    format!(
        "With a connection for each request the ends are {} ({}{}) and {} ({}{}): {ends}.",
        first.contender,
        value(first),
        cpu(first),
        last.contender,
        value(last),
        cpu(last)
    )
}

/// A ratio too large to be read to three digits is read to one.
fn times(comparison: &Comparison) -> String {
    if comparison.ratio < 20.0 {
        return format::ratio(comparison);
    }
    format!("{}\u{a0}×", format::count(comparison.ratio))
}

fn interval(comparison: &Comparison) -> String {
    match comparison.low {
        Some(_) => format::ratio(comparison),
        None => format!(
            "{}, too few rounds for an interval",
            format::ratio(comparison)
        ),
    }
}

fn value(estimate: &Estimate) -> String {
    estimate.value.map_or(format::MISSING.to_owned(), |value| {
        match estimate.metric.as_str() {
            THROUGHPUT => format!("{} requests/s", format::plain_rate(value)),
            metric => format::figure(metric, value),
        }
    })
}

fn compare(
    data: &Data<'_>,
    scenario: &Scenario,
    a: &Estimate,
    b: &Estimate,
    metric: &str,
) -> Option<Comparison> {
    comparisons::find(
        &data.pairs,
        &a.contender,
        &b.contender,
        &scenario.name,
        metric,
    )
}

fn nothing(data: &Data<'_>, scenario: &Scenario) -> String {
    let cells = data.cells.iter();
    let mut cells = cells.filter(|cell| cell.scenario.name == scenario.name);
    let conditions = conditions(scenario);
    if cells
        .clone()
        .all(|cell| cell.passes.is_empty() && cell.failed.is_none())
    {
        return format!("Not measured yet: {conditions}.");
    }
    let reason = cells.find_map(|cell| {
        let mut verdicts = std::iter::once(&cell.verdict).chain(&cell.of_percentiles);
        let why = |it: &Verdict| Some((it.word.clone(), it.reason.clone()?));
        let (word, reason) = verdicts.find_map(why)?;
        Some(format!(" ({}: {word}, {reason})", cell.contender))
    });
    let reason = reason.unwrap_or_default();
    format!("No answer for {conditions}: no contender has a valid figure{reason}.")
}
