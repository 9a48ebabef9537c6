//! A strike as pages show it: a table, a sentence, the words for who was struck, who noticed and who serves.

use std::collections::BTreeMap;

use record::pass::Pass;
use record::{Member, Role, Scenario, Struck};

use super::{NEVER, hit, outage};
use crate::cells::Cell;
use crate::data::{Data, may_be_shown};
use crate::doubts::TOO_FEW_ROUNDS;
use crate::format;
use crate::stats::ROUNDS_MIN;
use crate::tables::{Figure, Row, Table};

const LOST: &str = "requests_lost";
const SHARE: &str = "served_after_share";
const WAIT: &str = "response_ns_max_after";

/// Those who were struck, whoever serves most afterwards first, of equals whoever lost least.
fn cells<'d, 'a>(data: &'d Data<'a>, scenario: &Scenario) -> Vec<&'d Cell<'a>> {
    let here = data.cells.iter();
    let mut cells: Vec<&Cell<'_>> = here
        .filter(|cell| cell.scenario.name == scenario.name)
        .collect();
    let key = |cell: &Cell<'_>, metric| {
        let it = data.estimate(cell.contender, &scenario.name, metric);
        it.and_then(|it| it.value)
    };
    // To a per cent: a reply more or less is no order.
    let share =
        |cell: &Cell<'_>| key(cell, SHARE).map_or(-1.0, |share| (100.0 * share).round().min(100.0));
    let lost = |cell: &Cell<'_>| key(cell, LOST).unwrap_or(f64::INFINITY);
    cells.sort_by(|a, b| {
        let by_share = share(b).total_cmp(&share(a));
        by_share.then(lost(a).total_cmp(&lost(b)))
    });
    cells
}

/// The table of a scenario with a fault.
pub(crate) fn table(data: &Data<'_>, scenario: &Scenario) -> Table {
    let head = [
        "struck",
        "connections hit",
        "requests lost",
        "outage",
        "longest wait",
        "served after the strike",
        "who serves at the end",
    ];
    let cells = cells(data, scenario);
    let rows = cells.iter().map(|cell| row(data, cell)).collect();
    let mut table = Table::ranked(head.map(str::to_owned).to_vec(), rows);
    let rounds = data.rounds_made(scenario);
    if rounds < ROUNDS_MIN {
        table.notes.push(format!(
            "{}: it shows what happened and no interval; --rounds 5 shows whether it always does",
            format::plural(rounds, "round")
        ));
    }
    table
}

fn row(data: &Data<'_>, cell: &Cell<'_>) -> Row {
    let verdict = &cell.verdict;
    let said = |words: fn(&Pass) -> Option<String>| Figure {
        text: in_rounds(cell, words).unwrap_or_else(|| format::MISSING.to_owned()),
        ..Figure::default()
    };
    let mut lost = figure(data, cell, LOST);
    if let Some(kinds) = in_rounds(cell, |pass| kinds(&pass.requests.errors)) {
        lost.text = format!("{}: {kinds}", lost.text);
    }
    Row {
        contender: cell.contender.to_owned(),
        family: cell.family.to_owned(),
        ranked: verdict.word == crate::doubts::VALID || verdict.word == TOO_FEW_ROUNDS,
        verdict: verdict.word.clone(),
        reason: verdict
            .reason
            .clone()
            .filter(|_| verdict.word != TOO_FEW_ROUNDS),
        cells: vec![
            said(|pass| Some(victim(pass.struck.as_ref()?))),
            said(connections),
            lost,
            Figure {
                text: outage_of(data, cell),
                ..Figure::default()
            },
            figure(data, cell, WAIT),
            figure(data, cell, SHARE),
            said(|pass| Some(servers(pass.struck.as_ref()?))),
        ],
    }
}

/// A row of the terminal's table: hit, lost, outage, longest wait, served after.
pub(crate) fn terminal_row(data: &Data<'_>, cell: &Cell<'_>) -> Vec<String> {
    let missing = || format::MISSING.to_owned();
    let hit = in_rounds(cell, |pass| {
        Some(format!(
            "{} of {}",
            hit(pass).ok()?,
            pass.connections.served
        ))
    });
    vec![
        hit.unwrap_or_else(missing),
        figure(data, cell, LOST).text,
        outage_of(data, cell),
        figure(data, cell, WAIT).text,
        figure(data, cell, SHARE).text,
    ]
}

/// What stands beside a contender's panel of the chart: `3 lost, no outage`.
pub(crate) fn label(data: &Data<'_>, cell: &Cell<'_>) -> String {
    let lost = figure(data, cell, LOST).text;
    let out = match outage_of(data, cell).as_str() {
        "none seen" => "no outage".to_owned(),
        "never back" => "never back".to_owned(),
        out => format!("out {out}"),
    };
    let served = data.served(cell.contender, &cell.scenario.name);
    let served = served.map_or_else(String::new, |served| format!("{served}; "));
    format!("{served}{lost} lost, {out}")
}

/// What happened, in the words of the first round; that another went otherwise is said.
fn in_rounds(cell: &Cell<'_>, words: fn(&Pass) -> Option<String>) -> Option<String> {
    let mut rounds = cell.figures().iter().filter_map(|pass| words(pass));
    let first = rounds.next()?;
    let others = rounds.filter(|other| *other != first).count();
    Some(match others {
        0 => first,
        n => format!("{first}; otherwise in {}", format::plural(n, "round")),
    })
}

fn figure(data: &Data<'_>, cell: &Cell<'_>, metric: &str) -> Figure {
    let it = data.estimate(cell.contender, &cell.scenario.name, metric);
    let Some((it, value)) = it.and_then(|it| Some((it, it.value?))) else {
        return Figure {
            text: format::MISSING.to_owned(),
            interval: None,
            reason: it
                .filter(|it| may_be_shown(it))
                .and_then(|it| it.reason.clone()),
        };
    };
    let text = match metric {
        // Replies that were owed from before the strike are made up for after it.
        SHARE => format!("{:.0} %", 100.0 * value),
        metric => format::figure(metric, value),
    };
    Figure {
        text,
        interval: format::spread(metric, value, it.low, it.high),
        reason: None,
    }
}

/// `none seen`, `0.5 s`, `never back`.
fn outage_of(data: &Data<'_>, cell: &Cell<'_>) -> String {
    let it = data.estimate(cell.contender, &cell.scenario.name, "outage_ms");
    match it.map(|it| (it.value, it.reason.as_deref())) {
        Some((Some(0.0), _)) => "none seen".to_owned(),
        Some((Some(ms), _)) => tenths(ms),
        Some((None, Some(NEVER))) => "never back".to_owned(),
        _ => format::MISSING.to_owned(),
    }
}

/// To the grain in which it is told: `0.5 s`.
fn tenths(ms: f64) -> String {
    format!("{:.1} s", (ms / 1e3).max(0.1))
}

/// `a worker of 8, 1 connection`.
fn victim(struck: &Struck) -> String {
    let below = struck.before.iter().filter(|member| !member.root).count();
    let who = match struck.role {
        Role::Worker => format!("a worker of {below}"),
        Role::Parent => format!("the parent of {below}"),
        Role::Only => "the only process".to_owned(),
    };
    let mut before = struck.before.iter();
    let held = before.find(|member| member.pid == struck.pid);
    let held = held.map_or(0, |member| member.connections as usize);
    match held {
        0 => who,
        held => format!("{who}, {}", format::plural(held, "connection")),
    }
}

/// `1 of 8: closed 1`.
fn connections(pass: &Pass) -> Option<String> {
    let hit = hit(pass).ok()?;
    let of = format!("{hit} of {}", pass.connections.served);
    Some(match kinds(&pass.struck.as_ref()?.hit) {
        Some(kinds) => format!("{of}: {kinds}"),
        None => of,
    })
}

/// `refused 800, timeout 8`; nothing where there is nothing.
fn kinds(counts: &BTreeMap<String, u64>) -> Option<String> {
    let counts = counts.iter().filter(|(kind, _)| *kind != "unserved");
    let said: Vec<String> = counts
        .map(|(kind, count)| format!("{kind} {}", format::count(*count as f64)))
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// `7 other workers, 1 new`.
fn servers(struck: &Struck) -> String {
    if struck.after.is_empty() {
        return match &struck.root_ended {
            Some(_) => "nobody: no process is left".to_owned(),
            None => "not seen".to_owned(),
        };
    }
    let serving = || struck.after.iter().filter(|member| member.connections > 0);
    if serving().next().is_none() {
        let left = format::plural_of(struck.after.len(), "process is", "processes are");
        return format!("nobody: {left} left, without a client");
    }
    let knew = |member: &Member| struck.before.iter().any(|it| it.pid == member.pid);
    let orphaned = is_orphaned(struck);
    let is_victim = |member: &&Member| member.pid == struck.pid;
    let others = serving()
        .filter(|it| !is_victim(it) && !it.root && knew(it))
        .count();
    let new = serving().filter(|it| !knew(it)).count();
    let mut said = Vec::new();
    if serving().any(|it| is_victim(&it)) {
        said.push("who was struck".to_owned());
    }
    if serving().any(|it| it.root && !is_victim(&it)) {
        said.push("the parent".to_owned());
    }
    match orphaned {
        true if others > 0 => said.push(format::plural(others, "orphan")),
        _ if others > 0 => said.push(format::plural(others, "other worker")),
        _ => {}
    }
    if new > 0 {
        said.push(format!("{new} new"));
    }
    let spare = struck
        .after
        .iter()
        .filter(|it| !knew(it) && it.connections == 0)
        .count();
    if spare > 0 {
        said.push(format!("{spare} new without a client"));
    }
    said.join(", ")
}

/// Whether the process that was launched is gone, and others are left.
fn is_orphaned(struck: &Struck) -> bool {
    !struck.after.is_empty() && !struck.after.iter().any(|member| member.root)
}

/// What a scenario's answer says of one contender.
enum Became {
    Unharmed,
    Back,
    Gone(&'static str),
}

fn became(cell: &Cell<'_>) -> Option<Became> {
    let pass = cell.figures().first()?;
    let struck = pass.struck.as_ref()?;
    let out = outage(pass).ok()?;
    Some(match struck.role {
        _ if out == 0.0 => Became::Unharmed,
        _ if out.is_finite() => Became::Back,
        Role::Only if struck.after.is_empty() => {
            Became::Gone("the process that was struck is all there is")
        }
        Role::Only => Became::Gone("it lives, and has no time for those who ask"),
        Role::Parent if struck.after.is_empty() => {
            Became::Gone("the workers ended with their parent")
        }
        Role::Parent => Became::Gone("workers are left, and nobody who serves all that is asked"),
        Role::Worker => Became::Gone("the others did not make up for it"),
    })
}

fn serves_as_orphan(cell: &Cell<'_>) -> bool {
    let first = cell.figures().first();
    let struck = first.and_then(|pass| pass.struck.as_ref());
    struck.is_some_and(is_orphaned)
}

/// Who goes on, who is out for a while, who never comes back, without a capital at its beginning; `None` when nobody was
/// struck.
pub(crate) fn sentence(data: &Data<'_>, scenario: &Scenario) -> Option<String> {
    let (mut unharmed, mut back) = (Vec::new(), Vec::new());
    let mut gone: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for cell in cells(data, scenario) {
        let (name, lost) = (cell.contender, figure(data, cell, LOST).text);
        match became(cell) {
            Some(Became::Unharmed) => unharmed.push(format!("{name} ({lost})")),
            Some(Became::Back) => {
                back.push(format!("{name} ({}, {lost})", outage_of(data, cell)));
            }
            Some(Became::Gone(why)) => gone.entry(why).or_default().push(name),
            None => {}
        }
    }
    let mut said = Vec::new();
    if !unharmed.is_empty() {
        said.push(format!(
            "served on without an outage (requests lost): {}",
            unharmed.join(", ")
        ));
    }
    if !back.is_empty() {
        said.push(format!(
            "out and back (outage, requests lost): {}",
            back.join(", ")
        ));
    }
    let gone = gone.iter();
    said.extend(gone.map(|(why, names)| format!("never back, {why}: {}", names.join(", "))));
    if cells(data, scenario)
        .iter()
        .any(|cell| serves_as_orphan(cell))
    {
        said.push(
            "orphans serve the clients that they have: whether anybody would accept a new one was not asked"
                .to_owned(),
        );
    }
    let said = (!said.is_empty()).then(|| said.join("; "))?;
    Some(format!("{said}."))
}
