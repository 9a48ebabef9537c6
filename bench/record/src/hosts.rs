//! Hosts: which machine serves and which ones load, as a file of the user's says it, and what is recorded of them.
//!
//! Records name a host by its part (`server`, `load-1`, `load-2`), never by a name that tells whose it is.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::pass::{Connections, Generator, Histograms, Requests};
use crate::toml_file::{self, FileError};

/// A host that is not heard of for so long is lost, unless the file says otherwise.
const LEASE: Duration = Duration::from_secs(3);
/// What stands for the host's name in a launcher.
const HOST: &str = "{host}";

/// A file of hosts: `fiveways run SUITE --hosts FILE`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    /// Starts `fiveways agent` on a host: program and arguments, without a shell; `{host}` is replaced.
    #[serde(default)]
    pub launcher: Vec<String>,
    /// Without a sign of life for so long, each side takes the other for lost.
    #[serde(default = "lease", with = "humantime_serde")]
    pub lease: Duration,
    /// Where the servers run.
    pub server: ServerHost,
    /// Where the load comes from.
    #[serde(default)]
    pub load: Vec<LoadHost>,
}

/// The host of the servers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerHost {
    /// What the launcher knows it by.
    pub host: String,
    /// Where load hosts reach its services, a name or an address; else `host` itself.
    pub address: Option<String>,
    /// Its own launcher, where it is not everybody's.
    #[serde(default)]
    pub launcher: Vec<String>,
    /// Logical CPUs that may be used on it; else all.
    #[serde(default)]
    pub cpus: Vec<usize>,
}

/// A host that load comes from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadHost {
    /// What the launcher knows it by.
    pub host: String,
    /// Its own launcher, where it is not everybody's.
    #[serde(default)]
    pub launcher: Vec<String>,
    /// Logical CPUs of its generator; else all.
    #[serde(default)]
    pub cpus: Vec<usize>,
    /// Addresses of it that connections come from, in turn; else the one that the kernel chooses. Each has some
    /// 28,000 ports.
    #[serde(default)]
    pub sources: Vec<Ipv4Addr>,
}

fn lease() -> Duration {
    LEASE
}

impl Hosts {
    /// The command that starts the agent of the server's host.
    pub fn server_command(&self) -> Vec<String> {
        filled(&self.launcher, &self.server.launcher, &self.server.host)
    }

    /// The command that starts the agent of a load host.
    pub fn load_command(&self, load: &LoadHost) -> Vec<String> {
        filled(&self.launcher, &load.launcher, &load.host)
    }

    fn check(&self) -> Result<(), String> {
        if self.load.is_empty() {
            return Err("there is no [[load]] host: nobody would load the server".to_owned());
        }
        if !(Duration::from_millis(300)..=Duration::from_secs(60)).contains(&self.lease) {
            return Err("lease is 300ms to 60s".to_owned());
        }
        let server = (&self.server.host, &self.server.launcher);
        let load = self.load.iter().map(|load| (&load.host, &load.launcher));
        for (host, own) in std::iter::once(server).chain(load) {
            if host.is_empty() || host.starts_with('-') {
                // ssh(1) would read it as an option.
                return Err(format!("`{host}` is no host"));
            }
            let launcher = if own.is_empty() { &self.launcher } else { own };
            if launcher.is_empty() {
                return Err(format!(
                    "nothing says how the agent of {host} is started: \
                     launcher = [\"ssh\", \"{HOST}\", \"fiveways\", \"agent\"]"
                ));
            }
        }
        Ok(())
    }
}

fn filled(everybodys: &[String], own: &[String], host: &str) -> Vec<String> {
    let launcher = if own.is_empty() { everybodys } else { own };
    launcher
        .iter()
        .map(|word| word.replace(HOST, host))
        .collect()
}

/// Reads a file of hosts; `path` is for messages.
///
/// # Errors
/// With file, line, column and, for a misspelt field, the nearest known one.
pub fn read_hosts(text: &str, path: &Path) -> Result<Hosts, FileError> {
    let hosts: Hosts = toml_file::parse(text, path)?;
    match hosts.check() {
        Ok(()) => Ok(hosts),
        Err(problem) => Err(toml_file::entry_error(text, path, "load", 0, problem)),
    }
}

/// A load host of a run, in `run.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadedFrom {
    /// `load-1`, `load-2` …, in the order of the file.
    pub name: String,
    /// The machine.
    pub host: Host,
    /// Logical CPUs of its generator.
    pub cpus: Vec<usize>,
    /// Whether it is the very machine of the server (another namespace or container of it).
    pub is_servers: bool,
}

/// What one load host had of a pass: the parts of all sum to the pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadPart {
    /// `load-1`, `load-2` …
    pub name: String,
    /// Its clients.
    pub connections: Connections,
    /// Its requests.
    pub requests: Requests,
    /// Its distributions, each latency taken on its own clock.
    pub histograms: Histograms,
    /// Its generator.
    pub generator: Generator,
    /// TCP handshakes with the server's host just before the cell, kernel to kernel, nanoseconds.
    pub round_trips_ns: Vec<u64>,
    /// Why there are none, where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_round_trips: Option<String>,
    /// Its monotonic clock less the harness's, nanoseconds.
    pub clock_offset_ns: i64,
    /// By how much that may be wrong at most: half of the quickest question and answer.
    pub clock_error_ns: u64,
    /// How late it began at the worst, after the instant on which all load hosts had agreed.
    pub late_ns: u64,
}

/// What ended a run before its plan was done, and whom it left without a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrokenOff {
    /// What happened.
    pub cause: String,
    /// Under what.
    pub scenario: String,
    /// In which round.
    pub round: u32,
    /// Who was alive.
    pub contenders: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "launcher = [\"ssh\", \"{host}\", \"fiveways\", \"agent\"]\n[server]\nhost = \"a\"\n\
                       [[load]]\nhost = \"b\"\n";

    fn problem(text: &str) -> String {
        let read = read_hosts(text, Path::new("hosts.toml"));
        read.expect_err("it has a mistake").to_string()
    }

    #[test]
    fn two_machines_are_five_lines() {
        assert_eq!(TWO.lines().count(), 5);
        let hosts = read_hosts(TWO, Path::new("hosts.toml")).expect("good");
        assert_eq!(hosts.server_command(), ["ssh", "a", "fiveways", "agent"]);
        let load = &hosts.load[0];
        assert_eq!(hosts.load_command(load), ["ssh", "b", "fiveways", "agent"]);
        assert_eq!(hosts.lease, LEASE);
    }

    #[test]
    fn a_host_may_have_a_launcher_of_its_own() {
        let text =
            format!("{TWO}launcher = [\"srun\", \"-w\", \"{{host}}\", \"fiveways\", \"agent\"]\n");
        let hosts = read_hosts(&text, Path::new("hosts.toml")).expect("good");
        assert_eq!(hosts.load_command(&hosts.load[0])[..3], ["srun", "-w", "b"]);
        assert_eq!(hosts.server_command()[0], "ssh");
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let misspelt = problem(&TWO.replace("[[load]]\nhost", "[[load]]\nhots"));
        assert!(
            misspelt.contains("hosts.toml:5:1") && misspelt.contains("did you mean `host`"),
            "{misspelt}"
        );
        let nobody = problem(TWO.split("[[load]]").next().unwrap_or_default());
        assert!(nobody.contains("no [[load]] host"), "{nobody}");
        let silent = problem(&TWO.replace(
            "launcher = [\"ssh\", \"{host}\", \"fiveways\", \"agent\"]\n",
            "",
        ));
        assert!(silent.contains("how the agent of a is started"), "{silent}");
        let option = problem(&TWO.replace("\"b\"", "\"-oProxyCommand=x\""));
        assert!(option.contains("is no host"), "{option}");
        let hasty = problem(&format!("lease = \"1ms\"\n{TWO}"));
        assert!(hasty.contains("300ms to 60s"), "{hasty}");
    }
}
