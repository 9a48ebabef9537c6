//! What connections weigh, in sentences: the lightest and the heaviest, then the first of each family with its parts. The
//! table and the chart have everybody.

use record::{Answer, Estimate, Scenario, Workload};

use super::{compare, interval, nothing, times, value};
use crate::data::Data;
use crate::format;

const MEMORY: &str = "memory_bytes_per_connection";

/// The parts of the figure, the server's own.
const PARTS: [(&str, &str); 4] = [
    ("anonymous_bytes_per_connection", "own pages"),
    ("shared_bytes_per_connection", "shared pages"),
    ("page_table_bytes_per_connection", "page tables"),
    ("kernel_stack_bytes_per_connection", "kernel stacks"),
];
/// What comes beside it, of both ends.
const BESIDE: [(&str, &str); 2] = [
    ("socket_bytes_per_connection", "sockets"),
    ("slab_bytes_per_connection", "other slab"),
];

/// The ends, and where the suite asks for nothing else, each family.
pub(super) fn answering(data: &Data<'_>, scenario: &Scenario) -> Vec<String> {
    let mut answers = vec![weight(data, scenario)];
    let only_idle = data
        .scenarios()
        .iter()
        .all(|it| it.workload == Workload::Idle);
    if only_idle {
        let firsts = data.firsts();
        let mut ranking = data.ranking(&scenario.name, MEMORY);
        ranking.retain(|it| firsts.iter().any(|first| first.name == it.contender));
        answers.extend(ranking.iter().map(|it| in_parts(data, it)));
    }
    answers
}

/// The answer to one scenario's question.
pub(super) fn of_scenario(data: &Data<'_>, scenario: &Scenario) -> String {
    match data.ranking(&scenario.name, MEMORY).is_empty() {
        true => whole(data, scenario),
        false => weight(data, scenario),
    }
}

/// `One more connection costs prefork 93.0 KiB (92.1 to 93.9 KiB), of which 44.0 KiB page tables and …`.
fn in_parts(data: &Data<'_>, it: &Estimate) -> String {
    let part = |(metric, name): &(&str, &'static str)| {
        let part = data.estimate(&it.contender, &it.scenario, metric)?;
        // The host's changes are small differences of large figures: some cannot be told from none.
        let none = part.low.is_some_and(|it| it <= 0.0) && part.high.is_some_and(|it| it >= 0.0);
        part.value.filter(|_| !none).map(|bytes| (bytes, *name))
    };
    let total = it.value.unwrap_or(f64::NAN);
    // What is less than a hundredth of the whole says nothing.
    let mut parts: Vec<(f64, &str)> = PARTS.iter().filter_map(part).collect();
    parts.retain(|(bytes, _)| *bytes > total / 100.0);
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let beside: Vec<(f64, &str)> = BESIDE.iter().filter_map(part).collect();
    let mut said = format!("One more connection costs {} {}", it.contender, within(it));
    match parts.as_slice() {
        [] => {}
        [(_, only)] => said.push_str(&format!(", all of it {only}")),
        parts => said.push_str(&format!(", of which {}", list(parts))),
    }
    if !beside.is_empty() {
        said.push_str(&format!("; beside it, for both ends, {}", list(&beside)));
    }
    said + "."
}

/// `93.0 KiB (92.1 to 93.9 KiB)`.
fn within(it: &Estimate) -> String {
    match it.low.zip(it.high) {
        Some((low, high)) => {
            format!(
                "{} ({} to {})",
                value(it),
                format::bytes(low),
                format::bytes(high)
            )
        }
        None => value(it),
    }
}

fn list(parts: &[(f64, &str)]) -> String {
    let each = |(bytes, name): &(f64, &str)| format!("{} {name}", format::bytes(*bytes));
    let all: Vec<String> = parts.iter().map(each).collect();
    match all.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => all.concat(),
    }
}

fn weight(data: &Data<'_>, scenario: &Scenario) -> String {
    let ranking = data.ranking(&scenario.name, MEMORY);
    let (least, most) = match ranking.as_slice() {
        [] => return nothing(data, scenario),
        [only] => {
            return format!(
                "One more idle connection weighs {} in {}; nobody else has a figure.",
                value(only),
                only.contender
            );
        }
        [least, .., most] => (least, most),
    };
    let (a, b) = (&least.contender, &most.contender);
    let ends = match compare(data, scenario, most, least, MEMORY) {
        Some(it) if it.answer == Answer::Ahead => format!("{} as much", times(&it)),
        Some(it) if it.answer == Answer::Equal => "equal within 3 %".to_owned(),
        Some(it) => format!("undecided: {}", interval(&it)),
        None => format!("what it weighs in {a} is within the noise"),
    };
    format!(
        "One more idle connection weighs {} in {a} and {} in {b}: {ends}.",
        value(least),
        value(most)
    )
}

/// Where no slope stands: what the servers weigh as a whole.
fn whole(data: &Data<'_>, scenario: &Scenario) -> String {
    let ranking = data.ranking(&scenario.name, "pss_bytes");
    match ranking.as_slice() {
        [] => nothing(data, scenario),
        [only] => format!("{} weighs {} of PSS.", only.contender, value(only)),
        [least, .., most] => format!(
            "With {} idle connections {} weighs {} of PSS, {} {}; page tables and kernel stacks come on top.",
            format::count(f64::from(scenario.connections)),
            least.contender,
            value(least),
            most.contender,
            value(most)
        ),
    }
}
