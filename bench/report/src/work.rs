//! From how much work of a request on the model matters no more: scenarios that differ in their work alone, and
//! in each everybody's throughput as a share of the best one's.

use std::time::Duration;

use record::{Comparison, Scenario, Workers, Workload};

use crate::comparisons;
use crate::conditions::asks_at_once;
use crate::data::Data;
use crate::format;

const THROUGHPUT: &str = "throughput_per_s";
/// Within this share of the best, a model may be chosen for other reasons.
const NEAR: f64 = 0.95;

/// Of what workers could answer if a request cost them nothing but the time for which it blocks.
const KEEPS: f64 = 0.75;

/// CPU time of a request beside the echo: `none` and `cpu:` alone are amounts of one thing.
pub(crate) fn cpu_time(scenario: &Scenario) -> Option<Duration> {
    match scenario.work.strip_prefix("cpu:") {
        Some(time) if !time.contains('@') => {
            humantime::parse_duration(&time.replace('µ', "u")).ok()
        }
        None if scenario.work == "none" => Some(Duration::ZERO),
        _ => None,
    }
}

/// Time for which a request blocks its worker, where all requests do.
pub(crate) fn blocked_time(scenario: &Scenario) -> Option<Duration> {
    let time = scenario.work.strip_prefix("sleep:")?;
    humantime::parse_duration(&time.replace('µ', "u")).ok()
}

/// The longest line of scenarios that differ in their CPU work alone, by work; at least two with figures.
pub(crate) fn line<'a>(data: &Data<'a>) -> Option<Vec<&'a Scenario>> {
    let able = |scenario: &&Scenario| {
        asks_at_once(scenario)
            && scenario.workload == Workload::Rr
            && cpu_time(scenario).is_some()
            && data.ranking(&scenario.name, THROUGHPUT).len() > 1
    };
    longest(data.sections().filter(able), Scenario::work_line, |it| {
        cpu_time(it).unwrap_or_default().as_secs_f64()
    })
}

/// The longest of the lines into which `key` puts scenarios, in the order of `place`; none of a single one.
pub(crate) fn longest<'a>(
    scenarios: impl Iterator<Item = &'a Scenario>,
    key: fn(&Scenario) -> String,
    place: fn(&Scenario) -> f64,
) -> Option<Vec<&'a Scenario>> {
    let mut line = largest(scenarios, key)?;
    line.sort_by(|a, b| place(a).total_cmp(&place(b)));
    line.dedup_by_key(|scenario| place(scenario).to_bits());
    (line.len() > 1).then_some(line)
}

/// The largest of the groups into which `key` puts scenarios, in the order of the suite.
pub(crate) fn largest<'a>(
    scenarios: impl Iterator<Item = &'a Scenario>,
    key: fn(&Scenario) -> String,
) -> Option<Vec<&'a Scenario>> {
    let mut lines: Vec<Vec<&Scenario>> = Vec::new();
    for scenario in scenarios {
        match lines.iter_mut().find(|line| key(line[0]) == key(scenario)) {
            Some(line) => line.push(scenario),
            None => lines.push(vec![scenario]),
        }
    }
    lines.reverse(); // of equally long ones max_by_key takes the last, hence the first of the suite
    lines.into_iter().max_by_key(Vec::len)
}

/// A contender's throughput as a share of the best one's, with its interval: paired by slice and round where both
/// may be compared. The best one's share is 1.
pub(crate) fn share(data: &Data<'_>, contender: &str, scenario: &Scenario) -> Option<Comparison> {
    let ranking = data.ranking(&scenario.name, THROUGHPUT);
    let best = ranking.first()?;
    let own = ranking.iter().find(|it| it.contender == contender)?;
    if best.contender == contender {
        return Some(Comparison {
            a: contender.to_owned(),
            b: contender.to_owned(),
            scenario: scenario.name.clone(),
            metric: THROUGHPUT.to_owned(),
            ratio: 1.0,
            low: None,
            high: None,
            rounds: own.rounds,
            p: None,
            answer: record::Answer::Equal,
        });
    }
    let (a, b) = (contender, best.contender.as_str());
    comparisons::find(&data.pairs, a, b, &scenario.name, THROUGHPUT)
}

/// A scenario's number of workers; 0 where it is no number.
pub(crate) fn workers(scenario: &Scenario) -> f64 {
    match scenario.workers {
        Workers::Number(number) => f64::from(number),
        Workers::Connections => 0.0,
    }
}

/// The longest line of scenarios that differ in a number of workers alone.
pub(crate) fn workers_line<'a>(data: &Data<'a>) -> Option<Vec<&'a Scenario>> {
    let able = |scenario: &&Scenario| {
        asks_at_once(scenario)
            && scenario.workers != Workers::Connections
            && !data.ranking(&scenario.name, THROUGHPUT).is_empty()
    };
    longest(
        data.sections().filter(able),
        Scenario::workers_line,
        workers,
    )
}

/// How far pools keep to Little's law, and with how many workers the most is answered.
pub(crate) fn pool_sentence(data: &Data<'_>) -> Option<String> {
    let line = workers_line(data)?;
    let blocked = blocked_time(line[0])?;
    let best = |scenario: &&&Scenario| {
        let rate = data.ranking(&scenario.name, THROUGHPUT).first()?.value?;
        Some((workers(scenario), rate))
    };
    let points: Vec<(f64, f64)> = line.iter().filter_map(|it| best(&it)).collect();
    let keeps = |(workers, rate): &&(f64, f64)| *rate >= KEEPS * workers / blocked.as_secs_f64();
    let last = points.iter().take_while(keeps).last();
    let (most, rate) = points.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let law = format!(
        "Little's law, workers ÷ {}, ",
        format::time_tick(blocked.as_nanos() as f64)
    );
    let said = match last {
        Some((workers, _)) => format!(
            "is kept to within {:.0} % up to {} workers",
            100.0 * (1.0 - KEEPS),
            format::count(*workers)
        ),
        None => format!(
            "is not kept to within {:.0} % by anybody",
            100.0 * (1.0 - KEEPS)
        ),
    };
    Some(format!(
        "{law}{said}; the most is answered with {}: {} requests/s.",
        format::count(*most),
        format::plain_rate(*rate)
    ))
}

/// How a scenario's work is called: `no work`, `20 µs`.
pub(crate) fn called(scenario: &Scenario) -> String {
    match cpu_time(scenario) {
        Some(Duration::ZERO) | None => "no work".to_owned(),
        Some(time) => format::time_tick(time.as_nanos() as f64),
    }
}

/// From which work on all are near the best.
pub(crate) fn sentence(data: &Data<'_>) -> Option<String> {
    let line = line(data)?;
    let furthest: Vec<(&Scenario, Comparison)> = line
        .iter()
        .filter_map(|scenario| Some((*scenario, furthest(data, &line, scenario)?)))
        .collect();
    let (first, apart) = furthest.first()?;
    let near = |(_, it): &&(&Scenario, Comparison)| it.low.unwrap_or(it.ratio) >= NEAR;
    let far = furthest.iter().rev().take_while(near).count();
    let from = furthest.len() - far;
    let ends = format!(
        "With {} {} answers {} of what the best does",
        called(first),
        apart.a,
        percent(apart)
    );
    Some(match furthest.get(from) {
        Some((scenario, it)) if from > 0 => format!(
            "{ends}; from {} of CPU work a request on, all are within 5 % of the best (there the furthest, {}, \
             answers {}).",
            called(scenario),
            it.a,
            percent(it)
        ),
        Some(_) => {
            format!("{ends}: within 5 % even so, and the model matters at no amount of work tried.")
        }
        None => {
            let (scenario, it) = furthest.last()?;
            format!(
                "{ends}; even with {} of CPU work a request not all are surely within 5 % of the best: {} answers {}.",
                called(scenario),
                it.a,
                percent(it)
            )
        }
    })
}

/// Who can be followed along a line: whoever has figures at one of its scenarios alone tells nothing of the others.
pub(crate) fn is_followed(data: &Data<'_>, contender: &str, line: &[&Scenario]) -> bool {
    let shown = |it: &&&Scenario| data.shown(contender, &it.name, THROUGHPUT).is_some();
    line.iter().filter(shown).count() > 1
}

/// Who is furthest from the best.
fn furthest(data: &Data<'_>, line: &[&Scenario], scenario: &Scenario) -> Option<Comparison> {
    let ranking = data.ranking(&scenario.name, THROUGHPUT);
    let others = ranking.iter().skip(1);
    let shares = others
        .filter(|it| is_followed(data, &it.contender, line))
        .filter_map(|it| share(data, &it.contender, scenario));
    shares.min_by(|a, b| a.ratio.total_cmp(&b.ratio))
}

/// `64 % (62 to 66 %)`.
fn percent(it: &Comparison) -> String {
    let whole = |ratio: f64| format::digits(100.0 * ratio);
    match it.low.zip(it.high) {
        Some((low, high)) => format!(
            "{}\u{a0}% ({} to {}\u{a0}%)",
            whole(it.ratio),
            whole(low),
            whole(high)
        ),
        None => format!("{}\u{a0}%", whole(it.ratio)),
    }
}
