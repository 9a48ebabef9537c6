//! How sharp a run's comparisons are so far: what `drive` asks before it goes on. It ends at a number a scenario; when
//! that is sharp enough, and how long it may take, is `drive`'s business.

use record::{CONTROL, Results, Run, Scenario};

use crate::comparisons::{THROUGHPUT, family, is_comparable};
use crate::conditions::is_sliced;
use crate::doubts::UNSERVED;
use crate::{cells, cells::Cell};

/// For each sliced closed-loop scenario the widest half-width of its ratios of throughput, √(high / low) − 1: of
/// everybody against the reference, or of all pairs. `None` while an interval is missing, and where nobody can be
/// compared yet. Contenders whose figures are not valid (crashed, not served) are not waited for, the control neither;
/// a scenario in which further rounds would leave nobody to compare is left out.
pub fn half_widths(results: &Results, pairs_of_all: bool) -> Vec<(String, Option<f64>)> {
    let cells = cells::cells(results);
    let scenarios = results.run.suite.scenarios.iter();
    scenarios
        .filter(|scenario| is_sliced(scenario))
        .filter(|scenario| has_pair(&cells, scenario, &results.run.suite.reference, pairs_of_all))
        .map(|scenario| {
            let reference = results.run.suite.reference.as_str();
            let reference = (!pairs_of_all).then_some(reference);
            let widest = widest(&cells, scenario, reference, &results.run);
            (scenario.name.clone(), widest)
        })
        .collect()
}

/// Whether two who served everybody are there to compare, the reference among them where all are compared with it.
fn has_pair(cells: &[Cell<'_>], scenario: &Scenario, reference: &str, pairs_of_all: bool) -> bool {
    let able = |it: &&Cell<'_>| {
        it.scenario.name == scenario.name
            && it.contender != CONTROL
            && it.failed.is_none()
            && it.verdict.word != UNSERVED
    };
    let able: Vec<&str> = cells.iter().filter(able).map(|it| it.contender).collect();
    able.len() > 1 && (pairs_of_all || able.contains(&reference))
}

fn widest(
    cells: &[Cell<'_>],
    scenario: &Scenario,
    reference: Option<&str>,
    run: &Run,
) -> Option<f64> {
    let here = cells.iter().filter(|it| it.scenario.name == scenario.name);
    let here = here.filter(|it| it.contender != CONTROL && is_comparable(it, THROUGHPUT));
    let names: Vec<&str> = here.map(|it| it.contender).collect();
    let wanted = match reference {
        Some(reference) if names.contains(&reference) => names.len() - 1,
        Some(_) => return None,
        None => names.len() * names.len().saturating_sub(1) / 2,
    };
    let pairs = family(cells, scenario, THROUGHPUT, run);
    let among = |name: &str| reference.is_none_or(|reference| reference == name);
    let halves: Vec<f64> = pairs
        .iter()
        .filter(|it| among(&it.a) || among(&it.b))
        .filter_map(|it| Some((it.high? / it.low?).sqrt() - 1.0))
        .collect();
    (halves.len() == wanted).then(|| halves.into_iter().reduce(f64::max))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_widest_ratio_of_a_scenario_decides() {
        let results = fixture::results();
        let all = crate::pairs(&results);
        let half = |to_reference: bool| {
            let pairs = all.iter();
            let pairs = pairs.filter(|it| it.scenario == "rr-50" && it.metric == THROUGHPUT);
            pairs
                .filter(|it| !to_reference || it.a == "event-loop" || it.b == "event-loop")
                .filter_map(|it| Some((it.high? / it.low?).sqrt() - 1.0))
                .fold(0.0_f64, f64::max)
        };
        let found = |pairs_of_all| {
            let found = half_widths(&results, pairs_of_all);
            let mut found = found.into_iter();
            found
                .find(|(name, _)| name == "rr-50")
                .and_then(|(_, half)| half)
        };
        assert_eq!(found(false), Some(half(true)));
        assert_eq!(found(true), Some(half(false)));
        assert!(half(true) > 0.0 && half(true) < half(false));
        let named = half_widths(&results, true)
            .into_iter()
            .map(|(name, _)| name);
        assert!(!named.into_iter().any(|name| name.starts_with("idle")));
    }

    #[test]
    fn a_missing_interval_leaves_it_open() {
        let mut results = fixture::results();
        results
            .passes
            .retain(|pass| pass.round <= 2 || pass.contender != "prefork");
        let of = |results: &Results| half_widths(results, false)[1].clone();
        assert_eq!(
            of(&results),
            ("rr-50".to_owned(), None),
            "two rounds of one"
        );
        results.passes.retain(|pass| pass.contender != "prefork");
        assert_eq!(of(&results).1, None, "not measured yet");
        results.run.entrants.retain(|it| it.name != "prefork");
        assert!(of(&results).1.is_some());
        results.passes.retain(|pass| pass.contender != "event-loop");
        assert_eq!(of(&results).1, None, "no reference");
    }
}
