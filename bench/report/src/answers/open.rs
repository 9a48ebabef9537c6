//! The answer of a scenario with a rate: who keeps users waiting least, who most, who cannot keep up, and
//! whose stalls only the due times show.

use record::{Answer, Estimate, Scenario};

use super::{compare, interval, nothing, place, value};
use crate::conditions::asked;
use crate::data::Data;
use crate::doubts::OVERLOAD;
use crate::format;

const RESPONSE: &str = "response_ns_p99";
const SERVICE: &str = "service_ns_p99";

/// Service times this many times shorter than response times hide what users waited for.
const HIDDEN: f64 = 2.0;

/// The sentences.
pub(crate) fn answering(data: &Data<'_>, scenario: &Scenario) -> String {
    let ranking = data.ranking(&scenario.name, RESPONSE);
    let Some(asked) = asked(scenario) else {
        return nothing(data, scenario);
    };
    let under = format!(
        "At {asked} from {} on {}",
        format::plural(scenario.connections as usize, "client"),
        place(scenario)
    );
    let said = match ranking.as_slice() {
        [] => nothing(data, scenario),
        [only] => format!(
            "{under} the response p99 of {} is {}; nobody else has a figure.",
            only.contender,
            with_interval(only)
        ),
        [first, second] => {
            format!("{under} {}.", lowest(data, scenario, first, second))
        }
        [first, second, .., last] => {
            format!(
                "{under} {}; {}.",
                lowest(data, scenario, first, second),
                highest(data, scenario, first, last)
            )
        }
    };
    let more = [overloaded(data, scenario), hidden(data, scenario, &ranking)];
    let more = more.into_iter().flatten();
    more.fold(said, |said, more| format!("{said} {more}"))
}

fn lowest(data: &Data<'_>, scenario: &Scenario, first: &Estimate, second: &Estimate) -> String {
    let (a, b) = (&first.contender, &second.contender);
    let (p99_a, p99_b) = (with_interval(first), with_interval(second));
    match compare(data, scenario, second, first, RESPONSE) {
        Some(it) if it.answer == Answer::Ahead => format!(
            "{a} has the lowest response p99, {p99_a}; the next, {b}, {p99_b}, is {}",
            format::ratio(&it)
        ),
        Some(it) if it.answer == Answer::Equal => format!(
            "{a} and {b} are equal within 3 % and have the lowest response p99, {p99_a} and {p99_b}"
        ),
        Some(it) => format!(
            "it is undecided who has the lowest response p99: {a} {p99_a}, {b} {p99_b}, ratio {}",
            interval(&it)
        ),
        None => {
            format!("{a} reads a response p99 of {p99_a}, {b} {p99_b}: not compared round by round")
        }
    }
}

fn highest(data: &Data<'_>, scenario: &Scenario, first: &Estimate, last: &Estimate) -> String {
    let p99 = with_interval(last);
    let named = format!("{} has the highest, {p99}", last.contender);
    match compare(data, scenario, last, first, RESPONSE) {
        Some(it) if it.answer == Answer::Ahead => {
            format!(
                "{named}: {} that of {}",
                format::ratio(&it),
                first.contender
            )
        }
        Some(it) if it.answer == Answer::Equal => {
            format!(
                "{} ends the ranking with {p99}, equal within 3 %",
                last.contender
            )
        }
        Some(it) => format!(
            "{} ends the ranking with {p99}: undecided, {} that of {}",
            last.contender,
            interval(&it),
            first.contender
        ),
        None => format!("{} ends the ranking with {p99}", last.contender),
    }
}

/// `152 µs (149 µs to 155 µs)`.
fn with_interval(it: &Estimate) -> String {
    match it.low.zip(it.high) {
        Some((low, high)) => format!(
            "{} ({} to {})",
            value(it),
            format::figure(RESPONSE, low),
            format::figure(RESPONSE, high)
        ),
        None => value(it),
    }
}

fn overloaded(data: &Data<'_>, scenario: &Scenario) -> Option<String> {
    let here = data.estimates(&scenario.name, RESPONSE);
    let names: Vec<&str> = here
        .filter(|it| it.verdict == OVERLOAD)
        .map(|it| it.contender.as_str())
        .collect();
    (!names.is_empty()).then(|| format!("Did not keep up: {}.", names.join(", ")))
}

/// The contender whose service times hide the most.
fn hidden(data: &Data<'_>, scenario: &Scenario, ranking: &[&Estimate]) -> Option<String> {
    let hides = |response: &&Estimate| {
        let service = data.shown(&response.contender, &scenario.name, SERVICE)?;
        let ratio = response.value? / service.value.filter(|ns| *ns > 0.0)?;
        Some((response.contender.clone(), service, ratio))
    };
    let most = ranking
        .iter()
        .filter_map(hides)
        .max_by(|a, b| a.2.total_cmp(&b.2));
    let (name, service, _) = most.filter(|(_, _, ratio)| *ratio >= HIDDEN)?;
    Some(format!(
        "Timed from the moment of sending, {name} would have shown a p99 of {}: that hides its stalls.",
        value(service)
    ))
}
