//! The table of what a scenario's counter passes counted: system calls by name, moves, switches, and what the
//! counting cost; ranked by system calls, the fewest first.

use record::{SYSTEM_CALLS, Scenario};

use super::{OTHERS, metric_of};
use crate::cells::Cell;
use crate::data::{Data, may_be_shown};
use crate::format;
use crate::stats::ROUNDS_MIN;
use crate::tables::{Figure, Row, Table};

/// More names than this are one column, and one piece of a bar.
const NAMES: usize = 8;
/// A name that nobody uses so often a request is among the others.
const SELDOM: f64 = 0.005;

/// What stands beside the calls.
const BESIDE: [(&str, &str); 4] = [
    ("moves to another CPU", "migrations_per_request"),
    ("switches", "switches_per_request"),
    ("requests/s then, of bare", "throughput_ratio_counted"),
    ("CPU then, of bare", "cpu_ratio_counted"),
];

/// The system calls that are shown by name under a scenario: the commonest over all contenders, those first.
pub(crate) fn commonest<'a>(data: &Data<'a>, scenario: &Scenario) -> Vec<&'a str> {
    let mut names: Vec<(&str, f64, f64)> = Vec::new();
    let all = data.summary.estimates.iter();
    for it in all.filter(|it| it.scenario == scenario.name && may_be_shown(it)) {
        let (Some(name), Some(value)) = (call(&it.metric), it.value) else {
            continue;
        };
        match names.iter_mut().find(|(other, ..)| *other == name) {
            Some((_, sum, most)) => (*sum, *most) = (*sum + value, most.max(value)),
            None => names.push((name, value, value)),
        }
    }
    names.retain(|(_, _, most)| *most >= SELDOM);
    names.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    names.truncate(NAMES);
    names.into_iter().map(|(name, ..)| name).collect()
}

/// The name of the system call that a metric is of.
fn call(metric: &str) -> Option<&str> {
    let name = metric.strip_prefix(SYSTEM_CALLS)?.strip_prefix('_')?;
    (name != OTHERS).then_some(name)
}

/// System calls of a contender a request beside those that it has a figure of among `names`; nothing where their
/// whole is not known.
pub(crate) fn others(
    data: &Data<'_>,
    contender: &str,
    scenario: &Scenario,
    names: &[&str],
) -> Option<f64> {
    let value = |metric: &str| data.estimate(contender, &scenario.name, metric)?.value;
    let named = names.iter().filter_map(|name| value(&metric_of(name)));
    let rest = value(SYSTEM_CALLS)? - named.sum::<f64>();
    // Medians do not add up to the last digit.
    Some(if rest < SELDOM { 0.0 } else { rest })
}

/// The table; `None` where nothing is counted.
pub(crate) fn table(data: &Data<'_>, scenario: &Scenario) -> Option<Table> {
    if scenario.counters == 0 {
        return None;
    }
    let names = commonest(data, scenario);
    let ranking = data.ranking(&scenario.name, SYSTEM_CALLS);
    let place = |name: &str| ranking.iter().position(|it| it.contender == name);
    let mut rows: Vec<Row> = cells(data, scenario)
        .map(|cell| row(data, cell, &names))
        .collect();
    rows.sort_by_key(|row| (!row.ranked, place(&row.contender).unwrap_or(usize::MAX)));
    let mut head = vec!["system calls".to_owned()];
    head.extend(names.iter().map(|name| (*name).to_owned()));
    head.push("the others".to_owned());
    head.extend(BESIDE.iter().map(|(head, _)| (*head).to_owned()));
    Some(Table::ranked(head, rows))
}

fn cells<'d, 'a>(data: &'d Data<'a>, scenario: &'d Scenario) -> impl Iterator<Item = &'d Cell<'a>> {
    let cells = data.cells.iter();
    cells.filter(|cell| cell.scenario.name == scenario.name)
}

fn row(data: &Data<'_>, cell: &Cell<'_>, names: &[&str]) -> Row {
    let (contender, scenario) = (cell.contender, cell.scenario);
    let all = data.estimate(contender, &scenario.name, SYSTEM_CALLS);
    let figure = |metric: &str| figure(data, contender, scenario, metric);
    let mut figures = vec![figure(SYSTEM_CALLS)];
    figures.extend(names.iter().map(|name| figure(&metric_of(name))));
    let rest = others(data, contender, scenario, names);
    figures.push(Figure {
        text: rest.map_or(format::MISSING.to_owned(), format::digits),
        // A difference of medians has none.
        interval: None,
        reason: all
            .and_then(|it| it.reason.clone())
            .filter(|_| rest.is_none()),
        value: rest,
    });
    figures.extend(BESIDE.iter().map(|(_, metric)| figure(metric)));
    Row {
        contender: contender.to_owned(),
        family: cell.family.to_owned(),
        verdict: cell.verdict.word.clone(),
        // Why the cell is weak stands under the scenario's own table.
        reason: None,
        ranked: all.is_some_and(may_be_shown),
        cells: figures,
    }
}

fn figure(data: &Data<'_>, contender: &str, scenario: &Scenario, metric: &str) -> Figure {
    let it = data.estimate(contender, &scenario.name, metric);
    let (value, low, high) = it.map_or((None, None, None), |it| (it.value, it.low, it.high));
    Figure {
        text: value.map_or(format::MISSING.to_owned(), |value| {
            format::figure(metric, value)
        }),
        interval: value.and_then(|value| format::spread(metric, value, low, high)),
        reason: it
            .and_then(|it| it.reason.clone())
            .filter(|_| value.is_none()),
        value,
    }
}

/// What the table's figures are, who asks the kernel the least and the most, and what the counting cost.
pub(crate) fn caption(data: &Data<'_>, scenario: &Scenario) -> String {
    let rounds = cells(data, scenario).map(|cell| cell.counters.len()).max();
    let rounds = rounds.unwrap_or(0);
    let few = match rounds {
        0 => ": none was made",
        few if few < ROUNDS_MIN => ", too few for intervals",
        _ => "",
    };
    let mut text = format!(
        "What the kernel counted of each server alone, per request; {} of counter passes{few}.",
        format::plural(rounds, "round")
    );
    if let [least, .., most] = data.ranking(&scenario.name, SYSTEM_CALLS).as_slice() {
        let calls = |it: &record::Estimate| {
            let calls = it.value.map_or(format::MISSING.to_owned(), format::digits);
            format!("{} ({calls})", it.contender)
        };
        text.push_str(&format!(
            " Fewest system calls: {}; most: {}.",
            calls(least),
            calls(most)
        ));
    }
    let costs: Vec<String> = COSTS
        .iter()
        .filter_map(|cost| cost_of(data, scenario, cost))
        .collect();
    if !costs.is_empty() {
        let costs = costs.join(", ");
        text.push_str(&format!(
            " The counting itself: {costs} of what bare passes have."
        ));
    }
    text
}

/// What counting changes, and in which words.
const COSTS: [(&str, &str); 2] = [
    ("throughput_ratio_counted", "requests/s"),
    ("cpu_ratio_counted", "CPU per request"),
];

/// `requests/s 93 to 98 %`: from the least to the most of all valid cells.
fn cost_of(data: &Data<'_>, scenario: &Scenario, (metric, what): &(&str, &str)) -> Option<String> {
    let valid = data
        .estimates(&scenario.name, metric)
        .filter(|it| may_be_shown(it));
    let ratios: Vec<f64> = valid.filter_map(|it| it.value).collect();
    let least = ratios.iter().copied().reduce(f64::min)?;
    let most = ratios.iter().copied().reduce(f64::max)?;
    let percent = |ratio: f64| format::digits(100.0 * ratio);
    let (least, most) = (percent(least), percent(most));
    Some(match least == most {
        true => format!("{what} {least} %"),
        false => format!("{what} {least} to {most} %"),
    })
}
