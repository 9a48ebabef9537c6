//! A strike as pages show it: a table, a sentence, the words for who was struck, who noticed and who serves.

use std::collections::BTreeMap;

use record::pass::Pass;
use record::{Member, Role, Scenario, Struck};

use super::{hit, outage};
use crate::cells::Cell;
use crate::data::{Data, may_be_shown};
use crate::doubts::TOO_FEW_ROUNDS;
use crate::format;
use crate::stats::{self, ROUNDS_MIN};
use crate::tables::{Figure, Row, Table};

const LOST: &str = "requests_lost";
const SHARE: &str = "served_after_share";
const WAIT: &str = "response_ns_max_after";
const NONE_SEEN: &str = "none seen";
const NEVER_BACK: &str = "never back";

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
                text: outage_of(cell),
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
    // The column is narrow: `0.4 s in 1 of 5`.
    let out = outage_of(cell);
    vec![
        hit.unwrap_or_else(missing),
        figure(data, cell, LOST).text,
        out.trim_end_matches(" rounds").to_owned(),
        figure(data, cell, WAIT).text,
        figure(data, cell, SHARE).text,
    ]
}

/// What stands beside a contender's panel of the chart: `3 lost, no outage`.
pub(crate) fn label(data: &Data<'_>, cell: &Cell<'_>) -> String {
    let lost = figure(data, cell, LOST).text;
    let out = match outage_of(cell) {
        out if out == NONE_SEEN => "no outage".to_owned(),
        out if out.starts_with(NEVER_BACK) => out,
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
            reason: it
                .filter(|it| may_be_shown(it))
                .and_then(|it| it.reason.clone()),
            ..Figure::default()
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
        value: Some(value),
    }
}

/// What became of service where it went worst: who is out in one round of three is not unharmed.
struct Worst<'a> {
    /// The first round that went so.
    pass: &'a Pass,
    /// Its outage, milliseconds; the median of those that are out and back.
    ms: f64,
    /// Rounds that went so: without an outage, out and back, or never back.
    alike: usize,
    /// Of so many.
    rounds: usize,
}

impl<'a> Worst<'a> {
    fn of(cell: &'a Cell<'_>) -> Option<Self> {
        let passes = cell.figures().iter();
        let rounds: Vec<(&Pass, f64)> = passes
            .filter_map(|pass| Some((*pass, outage(pass).ok()?)))
            .collect();
        // Of equals `max_by` takes the last.
        let worst = rounds.iter().rev().max_by(|a, b| a.1.total_cmp(&b.1));
        let (pass, most) = *worst?;
        let kind = |ms: f64| (ms > 0.0, ms.is_finite());
        let all = rounds.iter().map(|(_, ms)| *ms);
        let alike: Vec<f64> = all.filter(|ms| kind(*ms) == kind(most)).collect();
        Some(Worst {
            pass,
            ms: stats::median(&alike)?,
            alike: alike.len(),
            rounds: rounds.len(),
        })
    }

    /// ` in 1 of 5 rounds`; nothing where all of them went so.
    fn how_often(&self) -> String {
        match self.rounds - self.alike {
            0 => String::new(),
            _ => format!(" in {} of {} rounds", self.alike, self.rounds),
        }
    }
}

/// `none seen`, `0.5 s`, `never back`; `0.4 s in 1 of 5 rounds` where the others went better.
fn outage_of(cell: &Cell<'_>) -> String {
    let Some(worst) = Worst::of(cell) else {
        return format::MISSING.to_owned();
    };
    let out = match worst.ms {
        0.0 => NONE_SEEN.to_owned(),
        ms if ms.is_finite() => tenths(ms),
        _ => NEVER_BACK.to_owned(),
    };
    format!("{out}{}", worst.how_often())
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

fn became(worst: &Worst<'_>) -> Option<Became> {
    let struck = worst.pass.struck.as_ref()?;
    Some(match struck.role {
        _ if worst.ms == 0.0 => Became::Unharmed,
        _ if worst.ms.is_finite() => Became::Back,
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
    let mut struck = cell.figures().iter().filter_map(|it| it.struck.as_ref());
    let serves = |it: &Struck| it.after.iter().any(|member| member.connections > 0);
    struck.any(|it| is_orphaned(it) && serves(it))
}

/// Who goes on, who is out for a while, who never comes back, without a capital at its beginning; `None` when nobody was
/// struck.
pub(crate) fn sentence(data: &Data<'_>, scenario: &Scenario) -> Option<String> {
    let (mut unharmed, mut back) = (Vec::new(), Vec::new());
    let mut gone: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for cell in cells(data, scenario) {
        let (name, lost) = (cell.contender, figure(data, cell, LOST).text);
        let Some(worst) = Worst::of(cell) else {
            continue;
        };
        match became(&worst) {
            Some(Became::Unharmed) => unharmed.push(format!("{name} ({lost})")),
            Some(Became::Back) => back.push(format!("{name} ({}, {lost})", outage_of(cell))),
            Some(Became::Gone(why)) => {
                let gone = gone.entry(why).or_default();
                gone.push(format!("{name}{}", worst.how_often()));
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    /// The words of `prefork`, of which a worker is killed, after `change` to its first round.
    fn words(change: fn(&mut Pass)) -> (String, String) {
        let mut results = fixture::struck();
        let mut passes = results.passes.iter_mut();
        let first = passes.find(|it| it.contender == "prefork" && it.scenario == "worker-killed");
        change(first.expect("five rounds"));
        let summary = crate::summarise(&results);
        let data = Data::new(&results, &summary);
        let cell = data.cell("prefork", "worker-killed").expect("measured");
        let said = sentence(&data, cell.scenario).expect("somebody was struck");
        (outage_of(cell), said)
    }

    #[test]
    fn who_is_out_in_one_round_is_not_unharmed_and_it_is_said_in_how_many() {
        let (out, said) = words(|_| {});
        assert_eq!(out, "none seen");
        let unharmed = "served on without an outage (requests lost): ";
        let all = said.contains(unharmed) && !said.contains("out and back");
        assert!(all && said.contains("prefork (1)"), "{said}");

        let (out, said) = words(|pass| pass.bins[5..9].iter_mut().for_each(|it| it.replies = 0));
        assert_eq!(out, "0.4 s in 1 of 5 rounds");
        let back = "out and back (outage, requests lost): prefork (0.4 s in 1 of 5 rounds, 1)";
        assert!(said.contains(back), "{said}");

        let (out, said) = words(|pass| pass.bins[5..].iter_mut().for_each(|it| it.replies = 0));
        assert_eq!(out, "never back in 1 of 5 rounds");
        let gone = "never back, the others did not make up for it: prefork in 1 of 5 rounds";
        assert!(said.contains(gone), "{said}");
    }

    #[test]
    fn orphans_without_a_client_serve_nobody() {
        let orphans = "orphans serve the clients that they have";
        let (_, said) = words(|pass| orphan(pass, 1));
        assert!(said.contains(orphans), "{said}");
        let (_, said) = words(|pass| orphan(pass, 0));
        assert!(!said.contains(orphans), "{said}");
    }

    /// The parent is gone, and those who are left hold so many connections each.
    fn orphan(pass: &mut Pass, connections: u32) {
        let struck = pass.struck.as_mut().expect("a strike");
        struck.after.retain(|member| !member.root);
        for member in &mut struck.after {
            member.connections = connections;
        }
    }
}
