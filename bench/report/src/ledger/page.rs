//! The ledger as a table: what was measured, what it is made of, what is left.

use record::Account;

use super::CLOSES;
use crate::data::Data;
use crate::format;
use crate::tables::{Figure, Row, Table};

/// What the section says of itself.
pub(crate) const MEANING: &str = "Counts of counter passes times prices of this run's labs, beside the CPU time that bare passes \
    measured. What is left over is caches, run queue, wake-ups of clients and the server's own instructions. The wait for a CPU is \
    no CPU time: it stands beside, and in no sum.";

const HEADS: [&str; 8] = [
    "CPU per request",
    "calls",
    "switches",
    "faults",
    "births and deaths",
    "accounted for",
    "caches, run queue",
    "wait for a CPU",
];

/// Scenarios that have accounts, in order.
pub(crate) fn scenarios(data: &Data<'_>) -> Vec<String> {
    let mut names: Vec<String> = data
        .summary
        .ledger
        .iter()
        .map(|it| it.scenario.clone())
        .collect();
    names.dedup();
    names
}

/// The accounts of one.
pub(crate) fn table(data: &Data<'_>, scenario: &str) -> Table {
    let accounts = of(data, scenario);
    let rows = accounts.iter().map(|account| row(account));
    let mut table = Table::ranked(HEADS.map(str::to_owned).to_vec(), rows.collect());
    table.notes.clear();
    for account in accounts {
        table.notes.extend(
            account
                .notes
                .iter()
                .map(|note| format!("{}: {note}", account.contender)),
        );
    }
    table
}

/// Those of a scenario.
pub(crate) fn of<'a>(data: &Data<'a>, scenario: &str) -> Vec<&'a Account> {
    data.summary
        .ledger
        .iter()
        .filter(|it| it.scenario == scenario)
        .collect()
}

/// Which kind of thing an item is.
fn column(item: &str) -> usize {
    match item {
        "switch" => 2,
        "minor fault" => 3,
        _ if item.ends_with("to its end") => 4,
        _ => 1,
    }
}

fn row(account: &Account) -> Row {
    let us = |value: f64| Figure {
        text: format!("{} µs", format::digits(value)).replace('-', "−"),
        value: Some(value),
        ..Figure::default()
    };
    let missing = || Figure {
        text: format::MISSING.to_owned(),
        ..Figure::default()
    };
    let sum = |index: usize| {
        let entries = account
            .entries
            .iter()
            .filter(|it| column(&it.item) == index);
        us(entries.filter_map(|it| it.cpu_us).sum())
    };
    let share = account.accounted_share.map(|share| Figure {
        text: format!("{} %", format::digits(100.0 * share)),
        value: Some(share),
        ..Figure::default()
    });
    let of = |value: Option<f64>| value.map_or_else(missing, us);
    let closes = account
        .accounted_share
        .is_some_and(|it| CLOSES.contains(&it));
    Row {
        contender: account.contender.clone(),
        family: account.family.clone(),
        verdict: if closes { "closes" } else { "open" }.to_owned(),
        reason: None,
        ranked: true,
        cells: vec![
            of(account.cpu_us),
            sum(1),
            sum(2),
            sum(3),
            sum(4),
            share.unwrap_or_else(missing),
            of(account.rest_us),
            of(account.run_queue_us),
        ],
    }
}

/// Every item of an account: item, count × price = time, from where.
pub(crate) fn items(account: &Account) -> Vec<[String; 5]> {
    let or = |value: Option<String>| value.unwrap_or_else(|| format::MISSING.to_owned());
    let item = |it: &record::Entry| {
        [
            it.item.clone(),
            or(it.count.map(format::digits)),
            or(it.price_ns.map(format::time)),
            or(it.cpu_us.map(|us| format!("{} µs", format::digits(us)))),
            it.reason.clone().unwrap_or_else(|| it.source.clone()),
        ]
    };
    account.entries.iter().map(item).collect()
}

/// How far the accounts close, in a sentence.
pub(crate) fn sentence(data: &Data<'_>) -> Option<String> {
    let shares = data
        .summary
        .ledger
        .iter()
        .filter_map(|it| it.accounted_share);
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for share in shares {
        (low, high) = (low.min(share), high.max(share));
    }
    let percent = |share: f64| format::digits(100.0 * share);
    (high > 0.0).then(|| {
        let scenarios = scenarios(data).join(", ");
        format!(
            "The ledger accounts for {} to {} % of a request's CPU time ({scenarios}).",
            percent(low),
            percent(high)
        )
    })
}
