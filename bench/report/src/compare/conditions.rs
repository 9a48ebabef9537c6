//! What differs between runs beside the servers' figures: a fact a row, its value a side. What is alike is not shown.

use record::{Results, Yardstick};

use super::Side;
use crate::format;

/// The value of a side.
type Read = fn(&Results) -> String;

/// What is looked at, in this order.
const FACTS: &[(&str, Read)] = &[
    ("kernel", |it| it.run.host.kernel.clone()),
    ("CPU", |it| it.run.host.cpu.clone()),
    ("CPUs", |it| it.run.host.cpus.to_string()),
    ("cores", |it| it.run.host.cores.to_string()),
    ("virtualisation", |it| it.run.host.virtualisation.clone()),
    ("memory", |it| {
        format::bytes(it.run.host.memory_bytes as f64)
    }),
    ("fiveways", |it| it.run.version.clone()),
    ("suite", |it| it.run.suite_name.clone()),
    ("seed", |it| it.run.seed.to_string()),
    ("begun", |it| it.run.started.clone()),
    ("unreadable lines", |it| it.damage.len().to_string()),
];

/// Facts of the host that move figures; the others of its hundred are in `run.json`.
const OF_HOST: &[&str] = &["cpu.governor", "cpu.mitigations", "clock.source"];

/// By name, for those that differ.
pub(super) fn differences(sides: &[Side<'_>]) -> Vec<(String, Vec<String>)> {
    let mut rows = Vec::new();
    let mut row = |name: String, values: Vec<String>| {
        if values.windows(2).any(|pair| pair[0] != pair[1]) {
            rows.push((name, values));
        }
    };
    for (name, read) in FACTS {
        row((*name).to_owned(), of(sides, read));
    }
    for name in host_facts(sides) {
        let value = |it: &Results| it.run.host.value(&name).unwrap_or("unknown").to_owned();
        row(name.clone(), of(sides, value));
    }
    for name in scenarios(sides) {
        row(
            format!("scenario {name}"),
            of(sides, |it| scenario(it, &name)),
        );
    }
    for name in entrants(sides) {
        row(
            format!("{name}: version"),
            of(sides, |it| entrant(it, &name, false)),
        );
        row(
            format!("{name}: command"),
            of(sides, |it| entrant(it, &name, true)),
        );
    }
    rows.extend(yardsticks(sides));
    rows
}

fn of(sides: &[Side<'_>], read: impl Fn(&Results) -> String) -> Vec<String> {
    let line = |side: &Side<'_>| {
        let value = read(side.results);
        format::without_paths(&if value.is_empty() {
            "unknown".to_owned()
        } else {
            value
        })
    };
    sides.iter().map(line).collect()
}

/// Names over all sides, each once, in the order in which they come.
fn names<'a>(sides: &'a [Side<'_>], of: impl Fn(&'a Results) -> Vec<&'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in sides.iter().flat_map(|side| of(side.results)) {
        if !names.iter().any(|it| it == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn host_facts(sides: &[Side<'_>]) -> Vec<String> {
    names(sides, |it| {
        let facts = it.run.host.facts.iter().map(|fact| fact.name.as_str());
        facts.filter(|name| OF_HOST.contains(name)).collect()
    })
}

fn scenarios(sides: &[Side<'_>]) -> Vec<String> {
    names(sides, |it| {
        it.run
            .suite
            .scenarios
            .iter()
            .map(|it| it.name.as_str())
            .collect()
    })
}

/// Two of one name that ask for something else are not the same scenario.
fn scenario(results: &Results, name: &str) -> String {
    let mut scenarios = results.run.suite.scenarios.iter();
    let found = scenarios.find(|it| it.name == name);
    found.map_or("–".to_owned(), |it| {
        let windows = format!(
            "{} of {:?}",
            format::plural(it.rounds as usize, "round"),
            it.window
        );
        format!("{}, {windows}", crate::conditions::conditions(it))
    })
}

fn entrants(sides: &[Side<'_>]) -> Vec<String> {
    names(sides, |it| {
        it.run.entrants.iter().map(|it| it.name.as_str()).collect()
    })
}

fn entrant(results: &Results, name: &str, command: bool) -> String {
    let mut entrants = results.run.entrants.iter();
    match entrants.find(|it| it.name == name) {
        None => "not in it".to_owned(),
        Some(it) if it.skipped.is_some() => "skipped".to_owned(),
        Some(it) if command => it.command.join(" "),
        Some(it) => it.version.clone(),
    }
}

/// Those by which the machines differ: further than both intervals reach, and than what is called equal.
fn yardsticks(sides: &[Side<'_>]) -> Vec<(String, Vec<String>)> {
    let named = names(sides, |it| {
        it.run
            .yardsticks
            .iter()
            .map(|it| it.name.as_str())
            .collect()
    });
    let median = |side: &Side<'_>, name: &str| {
        let mut all = side.results.run.yardsticks.iter();
        all.find(|it| it.name == name).and_then(middle)
    };
    let row = |name: String| {
        let medians: Vec<Option<f64>> = sides.iter().map(|side| median(side, &name)).collect();
        let known: Vec<f64> = medians.iter().flatten().copied().collect();
        let (least, most) = known.iter().fold((f64::MAX, 0.0_f64), |(low, high), it| {
            (low.min(*it), high.max(*it))
        });
        // A tenth of a second on one day and on another: less than a tenth apart is no other machine.
        let apart = known.len() == sides.len() && most > least * 1.1;
        let word = |it: &Option<f64>| it.map_or(format::MISSING.to_owned(), format::time);
        apart.then(|| {
            (
                format!("yardstick {name}"),
                medians.iter().map(word).collect(),
            )
        })
    };
    named.into_iter().filter_map(row).collect()
}

fn middle(yardstick: &Yardstick) -> Option<f64> {
    let told = crate::yardsticks::told(std::slice::from_ref(yardstick));
    told.into_iter()
        .find_map(|it| Some(it.figures.ok()?.median))
}
