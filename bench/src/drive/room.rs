//! Whether this machine has room for a scenario at all, by the limits that stand among its facts. What is needed is put
//! at the least that it can be, so that nothing is refused that might go well; how much more a server takes, only
//! measuring shows. A refusal says what is needed, what is allowed, and how many are missing.

use measure::Contestant;
use measure::load::{OTHER_DESCRIPTORS, sources};
use record::{Host, Scenario, Workload};

use super::load::size;
use super::plan;

/// Harness, agents and keepers, and the generator's threads, at the least.
const OTHER_TASKS: u64 = 8;

/// One thing that there must be enough of.
struct Need {
    what: &'static str,
    needed: u64,
    allowed: u64,
    by: String,
}

/// What it lacks for these contenders under this scenario, if it lacks anything.
pub fn lacks(scenario: &Scenario, contestants: &[Contestant], host: &Host) -> Option<String> {
    let servers = || contestants.iter().filter(|it| takes_part(it, scenario));
    let alive = plan::alive(scenario).min(servers().count());
    let needs = [
        descriptors(scenario, alive, host),
        ports(scenario, host),
        tasks(scenario, alive, servers(), host),
        memory(scenario, alive, host),
    ];
    let short = needs
        .into_iter()
        .flatten()
        .find(|it| it.needed > it.allowed);
    short.map(|it| {
        let Need {
            what,
            needed,
            allowed,
            by,
        } = it;
        let missing = needed - allowed;
        format!("it needs {needed} {what}, and {allowed} are allowed ({by}): {missing} are missing")
    })
}

fn takes_part(it: &Contestant, scenario: &Scenario) -> bool {
    it.entrant.skipped.is_none() && !it.entrant.is_part() && scenario.asks(&it.entrant.name)
}

fn clients(scenario: &Scenario) -> u64 {
    u64::from(scenario.connections) + u64::from(scenario.idle)
}

/// The generator has a descriptor of every connection to everybody who is alive.
fn descriptors(scenario: &Scenario, alive: usize, host: &Host) -> Option<Need> {
    (host.descriptors > 0).then(|| Need {
        what: "descriptors in one process",
        needed: clients(scenario) * alive as u64 + OTHER_DESCRIPTORS,
        allowed: host.descriptors,
        by: "the hard limit, ulimit -Hn".to_owned(),
    })
}

/// Each connection to one server has a port of its own, of each address that clients come from.
fn ports(scenario: &Scenario, host: &Host) -> Option<Need> {
    let (low, high) = host.port_range?;
    let range = (u64::from(high) + 1).saturating_sub(u64::from(low));
    let addresses = match scenario.workload {
        Workload::Crr => sources().len() as u64,
        _ => 1,
    };
    Some(Need {
        what: "local ports",
        needed: clients(scenario),
        allowed: range * addresses,
        by: format!("net.ipv4.ip_local_port_range, {low} to {high}"),
    })
}

/// Models that are known to have a task for each connection have that many; of the others one is known.
fn tasks<'a>(
    scenario: &Scenario,
    alive: usize,
    servers: impl Iterator<Item = &'a Contestant>,
    host: &Host,
) -> Option<Need> {
    let of_one = |it: &Contestant| match it.entrant.family.as_str() {
        "fork-per-connection" | "thread-per-connection" => clients(scenario) + 1,
        _ => u64::from(it.workers(scenario)).max(1),
    };
    let mut each: Vec<u64> = servers.map(of_one).collect();
    each.sort_unstable_by(|a, b| b.cmp(a));
    let last = |name: &str| -> Option<u64> {
        let text = host.value(name)?;
        text.rsplit(' ').next()?.parse().ok()
    };
    // It does not bind root.
    let is_root = host.value("process.user").is_some_and(|it| it == "root");
    let limits = [
        ("pids of the cgroup", last("cgroup.task_limit")),
        ("kernel.pid_max", last("kernel.pid_max")),
        ("kernel.threads-max", last("kernel.threads-max")),
        ("ulimit -Hu", last("limit.processes").filter(|_| !is_root)),
    ];
    let known = limits.iter().filter_map(|(by, most)| Some((*by, (*most)?)));
    let (by, allowed) = known.min_by_key(|(_, most)| *most)?;
    Some(Need {
        what: "processes and threads",
        needed: each.iter().take(alive).sum::<u64>() + OTHER_TASKS,
        allowed,
        by: by.to_owned(),
    })
}

/// The state of everybody who is alive; what else a server weighs is not known before.
fn memory(scenario: &Scenario, alive: usize, host: &Host) -> Option<Need> {
    let state = size(scenario.state.as_deref()?).ok()? as u64;
    let mib = |name: &str, bytes: f64| -> Option<u64> {
        let all = host.number(name)? * bytes;
        Some((all as u64) >> 20)
    };
    let limits = [
        ("what is available", mib("memory.available_kib", 1024.0)),
        ("the cgroup's limit", mib("cgroup.memory_limit", 1.0)),
    ];
    let known = limits.iter().filter_map(|(by, most)| Some((*by, (*most)?)));
    let (by, allowed) = known.min_by_key(|(_, most)| *most)?;
    Some(Need {
        what: "MiB of memory for the state that servers hold",
        needed: (state >> 20) * alive as u64,
        allowed,
        by: by.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use record::{Entrant, Fact, Holds};

    use super::*;

    fn scenario(more: &str) -> Scenario {
        let text = format!(
            "question = \"?\"\nreference = \"a\"\n[[scenario]]\nname = \"s\"\ntitle = \"t\"\nquestion = \"q\"\n\
             workload = \"idle\"\nconnections = 1000\nworkers = \"connections\"\nserver_cpus = 1\nmeasure = \"solo\"\n\
             rounds = 1\n{more}"
        );
        let suite = record::read_suite(&text, Path::new("s.toml"));
        suite.expect("a suite").scenarios.remove(0)
    }

    fn contestant(family: &str) -> Contestant {
        Contestant {
            entrant: Entrant {
                name: "a".to_owned(),
                family: family.to_owned(),
                holds: Holds::Any,
                version: String::new(),
                command: Vec::new(),
                skipped: None,
            },
            env: Default::default(),
            places: Vec::new(),
        }
    }

    fn host(facts: &[(&str, &str)]) -> Host {
        let facts = facts.iter().map(|(name, value)| Fact {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
            reason: None,
        });
        Host {
            descriptors: 20_000,
            port_range: Some((32_768, 60_999)),
            facts: facts.collect(),
            ..Host::default()
        }
    }

    #[test]
    fn what_is_missing_is_said_with_its_number_and_who_limits_it() {
        let forks = [contestant("fork-per-connection")];
        let tight = host(&[("cgroup.task_limit", "500"), ("kernel.pid_max", "32768")]);
        let lacks_tasks = lacks(&scenario(""), &forks, &tight).expect("too few");
        assert_eq!(
            lacks_tasks,
            "it needs 1009 processes and threads, and 500 are allowed (pids of the cgroup): 509 are missing"
        );
        assert_eq!(
            lacks(&scenario(""), &[contestant("event-driven")], &tight),
            None
        );
        assert_eq!(
            lacks(&scenario(""), &forks, &host(&[])),
            None,
            "unknown limits refuse nobody"
        );
        let small = host(&[("memory.available_kib", "1048576")]);
        for state in ["4096MiB", "4GiB"] {
            let heavy = scenario(&format!("state = \"{state}\"\n"));
            let lacks_memory = lacks(&heavy, &forks, &small).expect("too little");
            assert!(
                lacks_memory.contains("4096 MiB") && lacks_memory.contains("3072 are missing"),
                "{lacks_memory}"
            );
        }
        let limit = [("limit.processes", "64 100"), ("process.user", "not root")];
        assert!(
            lacks(&scenario(""), &forks, &host(&limit)).is_some_and(|it| it.contains("ulimit -Hu"))
        );
        let root = [("limit.processes", "64 100"), ("process.user", "root")];
        assert_eq!(
            lacks(&scenario(""), &forks, &host(&root)),
            None,
            "it does not bind root"
        );
    }
}
