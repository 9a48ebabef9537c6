//! Ways: where the load of a scenario came from, and how far away that is. Nothing where both sides were one host.

use record::{LoadPart, Pass, Scenario};

use crate::data::Data;
use crate::{format, stats};

/// `load from 2 hosts, a handshake away: load-1 52 µs, load-2 61 µs; begun together within 12 µs`.
pub(crate) fn sentence(data: &Data<'_>, scenario: &Scenario) -> Option<String> {
    let passes = data.results.passes.iter();
    let passes: Vec<&Pass> = passes
        .filter(|pass| pass.scenario == scenario.name && !pass.load.is_empty())
        .collect();
    let hosts = &passes.first()?.load;
    let parts = |name: &str| -> Vec<&LoadPart> {
        let all = passes.iter().flat_map(|pass| &pass.load);
        all.filter(|part| part.name == name).collect()
    };
    let ways: Vec<String> = hosts
        .iter()
        .map(|host| away(&host.name, &parts(&host.name)))
        .collect();
    let late_ns = passes
        .iter()
        .flat_map(|pass| &pass.load)
        .map(|part| part.late_ns + part.clock_error_ns);
    let within = match hosts.len() {
        1 => String::new(),
        _ => format!(
            "; begun together within {}",
            format::time(late_ns.max().unwrap_or(0) as f64)
        ),
    };
    Some(format!(
        "load from {}, a handshake with the server's away: {}{within}",
        format::plural(hosts.len(), "host"),
        ways.join(", ")
    ))
}

/// A host's name, and the median over passes of what a handshake took before them.
fn away(name: &str, parts: &[&LoadPart]) -> String {
    let of_pass = |part: &&LoadPart| {
        let taken: Vec<f64> = part.round_trips_ns.iter().map(|ns| *ns as f64).collect();
        stats::median(&taken)
    };
    let medians: Vec<f64> = parts.iter().filter_map(of_pass).collect();
    match stats::median(&medians) {
        Some(ns) => format!("{name} {}", format::time(ns)),
        None => {
            let why = parts.iter().find_map(|part| part.no_round_trips.as_deref());
            format!("{name} unknown ({})", why.unwrap_or("not asked"))
        }
    }
}

/// `; ` and that sentence, for the end of a caption.
pub(crate) fn appended(data: &Data<'_>, scenario: &Scenario) -> String {
    sentence(data, scenario).map_or_else(String::new, |it| format!("; {it}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_way_stands_beside_the_figures_and_an_unknown_one_is_not_nought() {
        let mut results = fixture::results();
        let scenario = results.run.suite.scenarios[0].clone();
        let told = |results: &record::Results| {
            let summary = crate::summarise(results);
            sentence(&Data::new(results, &summary), &scenario)
        };
        assert_eq!(told(&results), None, "one machine");
        let part = |name: &str, ns: Vec<u64>| LoadPart {
            name: name.to_owned(),
            round_trips_ns: ns,
            late_ns: 9_000,
            clock_error_ns: 3_000,
            ..LoadPart::default()
        };
        for pass in &mut results.passes {
            pass.load = vec![
                part("load-1", vec![50_000, 52_000, 90_000]),
                part("load-2", Vec::new()),
            ];
        }
        let said = told(&results).expect("two hosts");
        assert!(said.starts_with("load from 2 hosts"), "{said}");
        assert!(said.contains("load-1 52.0 µs, load-2 unknown"), "{said}");
        assert!(said.ends_with("within 12.0 µs"), "{said}");
    }
}
