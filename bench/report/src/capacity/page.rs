//! Capacities as pages show them: a table, its caption, a sentence.

use record::{Capacity, Search};

use super::is_ranked;
use crate::data::Data;
use crate::doubts::by_reason;
use crate::format;

/// The head of the table, after the contender.
pub(crate) fn head(data: &Data<'_>) -> Vec<String> {
    let percentile = data.search().map(|it| it.slo.percentile());
    let mut head = vec!["capacity".to_owned()];
    if has_intervals(data) {
        head.push("95 % interval".to_owned());
    }
    head.push(format!("{} there", percentile.unwrap_or_default()));
    head.push("what broke beyond it".to_owned());
    head
}

/// One search has none.
fn has_intervals(data: &Data<'_>) -> bool {
    let mut all = data.summary.capacities.iter();
    all.any(|it| it.low.is_some())
}

/// A row a contender: its name, then a cell a column; the best first, those who are not ranked last.
pub(crate) fn rows(data: &Data<'_>) -> Vec<(String, bool, Vec<String>)> {
    let mut all: Vec<&Capacity> = data.summary.capacities.iter().collect();
    let key = |it: &Capacity| (is_ranked(it), it.value.unwrap_or(0.0));
    all.sort_by(|a, b| {
        let ((ranked_a, a), (ranked_b, b)) = (key(a), key(b));
        ranked_b.cmp(&ranked_a).then(b.total_cmp(&a))
    });
    let intervals = has_intervals(data);
    all.into_iter().map(|it| row(it, intervals)).collect()
}

fn row(it: &Capacity, intervals: bool) -> (String, bool, Vec<String>) {
    let missing = || format::MISSING.to_owned();
    let value = it.value.map_or_else(missing, format::rate);
    let at_least = if it.verdict == "client-bound" {
        "≥ "
    } else {
        ""
    };
    let interval = it.low.zip(it.high).map_or_else(missing, |(low, high)| {
        format!(
            "{} to {}",
            format::plain_rate(low),
            format::plain_rate(high)
        )
    });
    let there = it.response_ns.map_or_else(missing, format::time);
    let beyond = match (&it.beyond, &it.reason) {
        (None, Some(reason)) => reason.clone(),
        (beyond, _) => beyond.clone().unwrap_or_else(missing),
    };
    let beyond = match it.served < it.connections && it.value.is_some() {
        true => format!("{}; {beyond}", format::served(it.served, it.connections)),
        false => beyond,
    };
    let mut cells = vec![format!("{at_least}{value}")];
    cells.extend(Some(interval).filter(|_| intervals));
    cells.extend([there, beyond]);
    (it.contender.clone(), is_ranked(it), cells)
}

/// What the table is of.
pub(crate) fn caption(search: &Search) -> String {
    let work = match search.work.as_str() {
        "none" => String::new(),
        work => format!(", work {work}"),
    };
    let limit = format::time_tick(search.slo.limit.as_nanos() as f64);
    format!(
        "The highest rate with response {} ≤ {limit} and 99 % of it answered: {} clients, poisson, one server core{work}, {}",
        search.slo.percentile(),
        format::count(f64::from(search.connections)),
        match search.rounds {
            1 => "one search".to_owned(),
            rounds => format!("{rounds} whole searches"),
        }
    )
}

/// Why capacities are weak or missing.
pub(crate) fn notes(data: &Data<'_>) -> Vec<String> {
    let why = |it: &Capacity| Some(format!("{}: {}", it.verdict, it.reason.as_ref()?));
    let all = data.summary.capacities.iter();
    let all: Vec<(&str, Option<String>)> = all.map(|it| (it.contender.as_str(), why(it))).collect();
    by_reason(&all)
}

/// Who sustains the most, and who the least.
pub(crate) fn sentence(data: &Data<'_>) -> Option<String> {
    let search = data.search()?;
    let mut ranked: Vec<&Capacity> = data
        .summary
        .capacities
        .iter()
        .filter(|it| is_ranked(it))
        .collect();
    ranked.sort_by(|a, b| b.value.unwrap_or(0.0).total_cmp(&a.value.unwrap_or(0.0)));
    let under = format!(
        "With {} ≤ {} for {} clients",
        search.slo.percentile(),
        format::time_tick(search.slo.limit.as_nanos() as f64),
        format::count(f64::from(search.connections))
    );
    let said = |it: &Capacity| {
        let rate = format::plain_rate(it.value.unwrap_or(f64::NAN));
        match it.low.zip(it.high) {
            Some((low, high)) => format!(
                "{rate} requests/s ({} to {})",
                format::plain_rate(low),
                format::plain_rate(high)
            ),
            None => format!("{rate} requests/s"),
        }
    };
    Some(match ranked.as_slice() {
        [] => return None,
        [only] => format!("{under} {} sustains {}.", only.contender, said(only)),
        [first, .., last] => {
            let apart = |(low, _): (f64, f64), (_, high): (f64, f64)| low > high;
            let ends = first.low.zip(first.high).zip(last.low.zip(last.high));
            let sure = match ends {
                Some((a, b)) if apart(a, b) => "",
                Some(_) => "; their intervals meet",
                None => "; too few searches to tell how sure that is",
            };
            format!(
                "{under} {} sustains the most, {}, and {} the least, {}{sure}.",
                first.contender,
                said(first),
                last.contender,
                said(last)
            )
        }
    })
}

/// What stands beside a contender's line of a chart.
pub(crate) fn chart_label(data: &Data<'_>, contender: &str) -> Option<String> {
    let mut all = data.summary.capacities.iter();
    let value = all.find(|it| it.contender == contender)?.value?;
    Some(format::rate(value))
}
