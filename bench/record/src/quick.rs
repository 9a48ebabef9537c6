//! `--quick`: less of a suite, for whoever has no time for the whole. Fewer rounds are wider intervals, so that
//! what was clear stays clear and the rest is undecided; what is left out is not judged at all.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::suite::Suite;

/// Rounds and counter rounds where a suite does not say: the fewest that have intervals.
const ROUNDS: u32 = 3;
const COUNTERS: u32 = 1;

/// What is left of a suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quick {
    /// At most so many rounds of each scenario and lab.
    #[serde(default = "rounds")]
    pub rounds: u32,
    /// At most so much load of a contender in a round; as it is, unless it is said.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub window: Option<Duration>,
    /// Scenarios and labs that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
}

fn rounds() -> u32 {
    ROUNDS
}

impl Suite {
    /// What is left of it.
    pub fn quickened(mut self) -> Suite {
        let quick = self.quick.clone().unwrap_or(Quick {
            rounds: ROUNDS,
            window: None,
            without: Vec::new(),
        });
        let stays = |name: &String| !quick.without.contains(name);
        self.scenarios.retain(|it| stays(&it.name));
        self.labs.retain(|it| stays(&it.name));
        for scenario in &mut self.scenarios {
            scenario.rounds = scenario.rounds.min(quick.rounds);
            scenario.counters = scenario.counters.min(COUNTERS);
            // A fault comes at an instant of its window.
            let window = quick.window.filter(|_| scenario.fault.is_none());
            scenario.window = scenario.window.min(window.unwrap_or(scenario.window));
        }
        for lab in &mut self.labs {
            lab.rounds = lab.rounds.min(quick.rounds);
            lab.window = lab.window.min(quick.window.unwrap_or(lab.window));
        }
        self
    }

    /// The first name among those that `--quick` leaves out which nothing of the suite has.
    pub(crate) fn quick_stranger(&self) -> Option<&String> {
        let scenarios = self.scenarios.iter().map(|it| &it.name);
        let names: Vec<&String> = scenarios
            .chain(self.labs.iter().map(|it| &it.name))
            .collect();
        let mut without = self.quick.iter().flat_map(|quick| &quick.without);
        without.find(|name| !names.contains(name))
    }
}
