//! From an entrant and a scenario to a command: placeholders filled, no shell.

use std::collections::BTreeMap;

use record::{Entrant, Holds, Scenario, Workers};

/// An entrant of this run, and what its command needs beside the plan: an environment, and what `{dir}`,
/// `{root}` and `{echo-server}` stand for on this machine (the plan keeps no paths).
#[derive(Clone, Debug)]
pub struct Contestant {
    /// As the plan knows it.
    pub entrant: Entrant,
    /// Beside PATH, HOME and LANG.
    pub env: BTreeMap<String, String>,
    /// Placeholder (with braces) and what stands in its place.
    pub places: Vec<(String, String)>,
}

impl Contestant {
    /// The same command under another name.
    pub fn named(&self, name: &str, family: &str) -> Contestant {
        let mut twin = self.clone();
        name.clone_into(&mut twin.entrant.name);
        family.clone_into(&mut twin.entrant.family);
        twin
    }

    /// How many workers this scenario gives it: `"connections"` means one each to models whose workers own
    /// a connection, one a server CPU to the others.
    pub fn workers(&self, scenario: &Scenario) -> u32 {
        match (scenario.workers, self.entrant.holds) {
            (Workers::Number(number), _) => number,
            (Workers::Connections, Holds::Workers) => scenario.connections + scenario.idle,
            (Workers::Connections, Holds::One | Holds::Any) => scenario.server_cpus,
        }
    }

    /// Program and arguments under this scenario; `{port}` is left for the agent, which finds one.
    ///
    /// # Errors
    /// With the reason, when the scenario needs what the command cannot be told.
    pub fn argv(&self, scenario: &Scenario) -> Result<Vec<String>, String> {
        let takes = |place: &str| self.entrant.command.iter().any(|word| word.contains(place));
        let needs = [
            ("{work}", scenario.work != "none"),
            ("{message}", scenario.work != "none"),
            ("{state}", scenario.state.is_some()),
            ("{touch}", scenario.touch.is_some()),
        ];
        if let Some((place, _)) = needs
            .iter()
            .find(|(place, needed)| *needed && !takes(place))
        {
            return Err(format!(
                "its command takes no {place}, which this scenario needs"
            ));
        }
        let filled = [
            ("{workers}", self.workers(scenario).to_string()),
            ("{message}", scenario.message.to_string()),
            ("{work}", scenario.work.clone()),
            (
                "{state}",
                scenario.state.clone().unwrap_or_else(|| "0".to_owned()),
            ),
            (
                "{touch}",
                scenario.touch.clone().unwrap_or_else(|| "0%".to_owned()),
            ),
        ];
        Ok(self.fill(&self.entrant.command, &filled))
    }

    /// Replaces this machine's placeholders, and `more`, in every word.
    pub fn fill(&self, words: &[String], more: &[(&str, String)]) -> Vec<String> {
        let own = self
            .places
            .iter()
            .map(|(place, value)| (place.as_str(), value));
        let more = more.iter().map(|(place, value)| (*place, value));
        let all: Vec<(&str, &String)> = own.chain(more).collect();
        words
            .iter()
            .map(|word| {
                all.iter().fold(word.clone(), |word, (place, value)| {
                    word.replace(place, value)
                })
            })
            .collect()
    }

    /// The environment of its server beside PATH and HOME, which are those of the agent that starts it: LANG=C, and what it
    /// asks for.
    pub fn own_environment(&self) -> BTreeMap<String, String> {
        let mut env = self.env.clone();
        env.entry("LANG".to_owned()).or_insert("C".to_owned());
        env
    }

    /// The whole environment, of a server that is started here.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut env = self.own_environment();
        for name in ["PATH", "HOME"] {
            if let Ok(value) = std::env::var(name) {
                env.entry(name.to_owned()).or_insert(value);
            }
        }
        env
    }
}
