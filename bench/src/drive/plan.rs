//! The plan: every pass that shall be made, in order, before the first is.
//!
//! Rounds are outermost, so that a first, provisional answer to every scenario comes early and a drift of
//! the machine falls on all. Sliced scenarios deal their contenders into blocks that are alive together;
//! solo ones make a block of each, in an order drawn anew each round. Counter passes come after all timing
//! rounds, in rounds of their own, and are solo whatever the scenario is.

use super::labs;
use measure::derived_seed;
use record::{CONTROL, Entrant, Measure, PassKind, Planned, Scenario, Suite};

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
    let counters = suite.scenarios.iter().map(|scenario| scenario.counters);
    let counters = counters.max().unwrap_or(0);
    let servers = labs::servers(suite, contenders);
    let mut passes = Vec::new();
    for number in 1..=rounds {
        for (index, scenario) in suite.scenarios.iter().enumerate() {
            if number <= scenario.rounds && wanted(scenario) {
                passes.extend(round(suite, index, &servers, seed, number));
            }
        }
        for (index, lab) in suite.labs.iter().enumerate() {
            if number <= lab.rounds {
                let seed = round_seed(seed, suite.scenarios.len() + index, number);
                passes.extend(labs::planned(lab, contenders, number, seed));
            }
        }
    }
    for number in 1..=counters {
        for (index, scenario) in suite.scenarios.iter().enumerate() {
            if number <= scenario.counters && wanted(scenario) {
                passes.extend(counter_round(suite, index, &servers, seed, number));
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
    let contenders = taking_part(scenario, contenders, sliced);
    let blocks = if sliced {
        deal(scenario, contenders, &suite.reference, seed)
    } else {
        alone(contenders, seed)
    };
    planned(scenario, PassKind::Timing, round, &blocks)
}

/// The counter passes of one round of a scenario: one alive at a time, so that what instruments one slows
/// nobody else's system calls.
fn counter_round(
    suite: &Suite,
    scenario: usize,
    contenders: &[String],
    seed: u64,
    round: u32,
) -> Vec<Planned> {
    let seed = counter_seed(seed, scenario, round);
    let scenario = &suite.scenarios[scenario];
    let blocks = alone(taking_part(scenario, contenders, false), seed);
    planned(scenario, PassKind::Counter, round, &blocks)
}

/// Where each has a rate of its own, who has none takes no part.
fn taking_part(scenario: &Scenario, contenders: &[String], control: bool) -> Vec<String> {
    let has_rate = |name: &&String| scenario.rates.is_empty() || scenario.rates.contains_key(*name);
    let wanted = contenders.iter().filter(has_rate);
    let wanted = wanted.filter(|name| control || *name != CONTROL);
    let wanted = wanted.filter(|name| *name == CONTROL || scenario.asks(name));
    wanted.cloned().collect()
}

/// The seed of the round that a planned pass of a scenario belongs to.
pub fn seed_of(seed: u64, scenario: usize, planned: &Planned) -> u64 {
    match planned.pass {
        PassKind::Counter => counter_seed(seed, scenario, planned.round),
        _ => round_seed(seed, scenario, planned.round),
    }
}

fn round_seed(seed: u64, scenario: usize, round: u32) -> u64 {
    derived_seed(seed, &[scenario as u64, u64::from(round)])
}

fn counter_seed(seed: u64, scenario: usize, round: u32) -> u64 {
    derived_seed(seed, &[scenario as u64, u64::from(round), 1])
}

fn planned(
    scenario: &Scenario,
    pass: PassKind,
    round: u32,
    blocks: &[Vec<String>],
) -> Vec<Planned> {
    let mut passes = Vec::new();
    for (block, contenders) in (1..).zip(blocks) {
        for (order, contender) in (0..).zip(contenders) {
            passes.push(Planned {
                contender: contender.clone(),
                scenario: scenario.name.clone(),
                round,
                block,
                order,
                pass,
            });
        }
    }
    passes
}

/// A block each, in random order.
fn alone(mut contenders: Vec<String>, seed: u64) -> Vec<Vec<String>> {
    measure::shuffle(&mut contenders, seed);
    contenders.into_iter().map(|name| vec![name]).collect()
}

/// How many contenders of a scenario are alive together, if there are as many.
pub fn alive(scenario: &Scenario) -> usize {
    match scenario.measure {
        Measure::Solo => 1,
        Measure::Sliced => {
            (BLOCK_CONNECTIONS / scenario.connections.max(1) as usize).clamp(2, BLOCK_CONTENDERS)
        }
    }
}

/// Blocks of a sliced round. Where it needs several, the reference is in each.
fn deal(
    scenario: &Scenario,
    mut contenders: Vec<String>,
    reference: &str,
    seed: u64,
) -> Vec<Vec<String>> {
    measure::shuffle(&mut contenders, seed);
    let alive = alive(scenario);
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
        let rounds = suite().scenarios;
        let rounds: u32 = rounds.iter().map(|one| one.rounds + one.counters).sum();
        assert_eq!(passes.len(), 9 * rounds as usize);
        let mut keys: Vec<_> = passes
            .iter()
            .map(|pass| {
                let counts = pass.pass == PassKind::Counter;
                (&pass.contender, &pass.scenario, pass.round, counts)
            })
            .collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), passes.len());
    }

    #[test]
    fn counter_passes_come_last_each_alone_and_without_the_control() {
        let mut suite = suite();
        for scenario in &mut suite.scenarios {
            scenario.counters = 0;
        }
        let timing = passes(&suite, &names(8), 7).len();
        suite.scenarios[1].counters = 2;
        let mut contenders = names(8);
        contenders.push(CONTROL.to_owned());
        let planned = passes(&suite, &contenders, 7);
        let first = planned.iter().position(|it| it.pass == PassKind::Counter);
        let counters = &planned[first.expect("planned")..];
        assert!(
            planned.len() - counters.len() > timing,
            "the control is timed"
        );
        assert_eq!(counters.len(), 2 * 9);
        assert!(counters.iter().all(|it| it.pass == PassKind::Counter
            && it.scenario == suite.scenarios[1].name
            && it.contender != CONTROL
            && it.order == 0));
        let mut blocks: Vec<_> = counters.iter().map(|it| (it.round, it.block)).collect();
        blocks.dedup();
        assert_eq!(blocks.len(), counters.len());
        let order = |round| {
            let of_round = counters.iter().filter(move |it| it.round == round);
            of_round.map(|it| &it.contender).collect::<Vec<_>>()
        };
        assert_ne!(order(1), order(2));
    }

    #[test]
    fn large_fields_are_dealt_into_blocks_with_the_reference_in_each() {
        let suite = suite();
        let blocks = deal(&suite.scenarios[1], names(25), "event-loop", 3);
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
