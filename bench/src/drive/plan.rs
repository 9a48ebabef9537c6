//! The plan: every pass that shall be made, in order, before the first is.
//!
//! Rounds are outermost, so that a first, provisional answer to every scenario comes early and a drift of
//! the machine falls on all. Sliced scenarios deal their contenders into blocks that are alive together;
//! solo ones make a block of each, in an order drawn anew each round.

use super::labs;
use measure::derived_seed;
use record::{CONTROL, Entrant, Measure, Planned, Scenario, Suite};

/// At most so many contenders are alive together …
const BLOCK_CONTENDERS: usize = 10;
/// … with at most so many connections.
const BLOCK_CONNECTIONS: usize = 15_000;

/// Those who can take part.
pub fn present(entrants: &[Entrant]) -> Vec<String> {
    let present = entrants.iter().filter(|entrant| entrant.skipped.is_none());
    present.map(|entrant| entrant.name.clone()).collect()
}

/// All passes that can be planned before anything was measured: none of a search, which finds its own way, and
/// none of what rests on its outcome.
pub fn passes(suite: &Suite, contenders: &[String], seed: u64) -> Vec<Planned> {
    let known = |scenario: &Scenario| !scenario.probe && !scenario.is_unresolved();
    passes_of(suite, contenders, seed, known)
}

/// All passes of the scenarios that are `wanted`.
pub fn passes_of(
    suite: &Suite,
    contenders: &[String],
    seed: u64,
    wanted: impl Fn(&Scenario) -> bool,
) -> Vec<Planned> {
    let scenarios = suite.scenarios.iter();
    let rounds = scenarios
        .map(|scenario| scenario.rounds)
        .chain(suite.labs.iter().map(|lab| lab.rounds))
        .max()
        .unwrap_or(0);
    let mut passes = Vec::new();
    for number in 1..=rounds {
        for (index, scenario) in suite.scenarios.iter().enumerate() {
            if number <= scenario.rounds && wanted(scenario) {
                passes.extend(round(suite, index, contenders, seed, number));
            }
        }
        for (index, lab) in suite.labs.iter().enumerate() {
            if number <= lab.rounds {
                let seed = round_seed(seed, suite.scenarios.len() + index, number);
                passes.extend(labs::planned(lab, contenders, number, seed));
            }
        }
    }
    passes
}

/// The passes of one round of a scenario. The control takes part where it is compared by slices.
pub fn round(
    suite: &Suite,
    scenario: usize,
    contenders: &[String],
    seed: u64,
    round: u32,
) -> Vec<Planned> {
    let seed = round_seed(seed, scenario, round);
    let scenario = &suite.scenarios[scenario];
    let sliced = scenario.measure == Measure::Sliced;
    // Where each has a rate of its own, who has none takes no part.
    let has_rate = |name: &&String| scenario.rates.is_empty() || scenario.rates.contains_key(*name);
    let contenders = contenders
        .iter()
        .filter(|name| sliced || *name != CONTROL)
        .filter(has_rate);
    let contenders: Vec<String> = contenders.cloned().collect();
    let blocks = deal(scenario, &contenders, &suite.reference, seed);
    planned(scenario, round, &blocks)
}

/// The seed of a scenario's round.
pub fn round_seed(seed: u64, scenario: usize, round: u32) -> u64 {
    derived_seed(seed, &[scenario as u64, u64::from(round)])
}

fn planned(scenario: &Scenario, round: u32, blocks: &[Vec<String>]) -> Vec<Planned> {
    let mut passes = Vec::new();
    for (block, contenders) in (1..).zip(blocks) {
        for (order, contender) in (0..).zip(contenders) {
            passes.push(Planned {
                contender: contender.clone(),
                scenario: scenario.name.clone(),
                round,
                block,
                order,
            });
        }
    }
    passes
}

/// Blocks of a round. Where a sliced round needs several, the reference is in each.
fn deal(
    scenario: &Scenario,
    contenders: &[String],
    reference: &str,
    seed: u64,
) -> Vec<Vec<String>> {
    let mut contenders = contenders.to_vec();
    measure::shuffle(&mut contenders, seed);
    if scenario.measure == Measure::Solo {
        return contenders
            .into_iter()
            .map(|contender| vec![contender])
            .collect();
    }
    let alive =
        (BLOCK_CONNECTIONS / scenario.connections.max(1) as usize).clamp(2, BLOCK_CONTENDERS);
    if contenders.len() <= alive {
        return vec![contenders];
    }
    let has_reference = contenders.iter().any(|contender| contender == reference);
    contenders.retain(|contender| contender != reference);
    contenders
        .chunks(if has_reference { alive - 1 } else { alive })
        .map(|chunk| {
            let mut block = chunk.to_vec();
            if has_reference {
                block.push(reference.to_owned());
            }
            block
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite() -> Suite {
        crate::drive::suites::find("quick")
            .unwrap_or_else(|_| unreachable!())
            .0
    }

    fn names(count: usize) -> Vec<String> {
        (0..count)
            .map(|n| format!("c{n}"))
            .chain(["event-loop".to_owned()])
            .collect()
    }

    #[test]
    fn everybody_is_planned_once_a_scenario_and_round() {
        let contenders = names(8);
        let passes = passes(&suite(), &contenders, 7);
        let rounds: u32 = suite().scenarios.iter().map(|one| one.rounds).sum();
        assert_eq!(passes.len(), 9 * rounds as usize);
        let mut keys: Vec<_> = passes
            .iter()
            .map(|pass| (&pass.contender, &pass.scenario, pass.round))
            .collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), passes.len());
    }

    #[test]
    fn large_fields_are_dealt_into_blocks_with_the_reference_in_each() {
        let suite = suite();
        let blocks = deal(&suite.scenarios[1], &names(25), "event-loop", 3);
        assert_eq!(blocks.len(), 3);
        assert!(
            blocks
                .iter()
                .all(|block| block.len() <= 10 && block.contains(&"event-loop".to_owned()))
        );
        assert_eq!(blocks.iter().map(Vec::len).sum::<usize>(), 25 + 3);
    }

    #[test]
    fn the_order_is_drawn_anew_each_round_and_again_from_the_same_seed() {
        let (suite, contenders) = (suite(), names(8));
        assert_eq!(
            passes(&suite, &contenders, 1),
            passes(&suite, &contenders, 1)
        );
        assert_ne!(
            passes(&suite, &contenders, 1),
            passes(&suite, &contenders, 2)
        );
    }
}
