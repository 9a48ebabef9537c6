//! Labs of a suite: who takes part, in which order, and a pass of one as a record. There is no server: the
//! agent measures in a process of its own.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use measure::{AgentError, Bench, Contestant, LabAsked, derived_seed};
use record::lab::ALL;
use record::pass::RECORD_SCHEMA;
use record::{
    Connections, Entrant, GaugeInstants, Histograms, Holds, HostInstants, Lab, LabKind, Pass,
    PassKind, Planned, Requests, Suite, UsageInstants,
};

use super::failure::Failure;

/// What a pass may take beyond its window and warm-up: making the state, a few starts of a large parent.
const MARGIN: Duration = Duration::from_secs(60);
/// What it takes beside them, as a rule.
const NOMINAL: Duration = Duration::from_millis(30);

/// Everybody that the labs of a suite name, in the order of their lab's table.
///
/// # Errors
/// When a suite names a mechanism that there is none of.
pub fn mechanisms(suite: &Suite) -> Result<Vec<Contestant>, Failure> {
    let mut all = Vec::new();
    let node = node_version();
    for kind in LabKind::ALL {
        let labs = || suite.labs.iter().filter(|lab| lab.lab == kind);
        let known = primitives::mechanisms(kind);
        check_names(labs(), &known)?;
        for (name, _) in &known {
            if labs().any(|lab| takes_part(lab, name)) {
                all.push(contestant(name, kind, &node));
            }
        }
    }
    Ok(all)
}

/// Those of `contenders` who are no mechanism of the suite's labs.
pub fn servers(suite: &Suite, contenders: &[String]) -> Vec<String> {
    let is_part = |name: &&String| {
        let mut labs = suite.labs.iter();
        labs.any(|lab| {
            let known = primitives::mechanisms(lab.lab);
            takes_part(lab, name) && known.iter().any(|(known, _)| known == name)
        })
    };
    let servers = contenders.iter().filter(|name| !is_part(name));
    servers.cloned().collect()
}

fn takes_part(lab: &Lab, mechanism: &str) -> bool {
    let mut named = lab.mechanisms.iter();
    named.any(|name| name == mechanism || name == ALL)
}

fn check_names<'a>(
    labs: impl Iterator<Item = &'a Lab>,
    known: &[(&str, &str)],
) -> Result<(), Failure> {
    for lab in labs {
        for name in lab.mechanisms.iter().filter(|name| *name != ALL) {
            if !known.iter().any(|(known, _)| known == name) {
                let known: Vec<String> = known.iter().map(|(name, _)| (*name).to_owned()).collect();
                let what = format!("mechanism of the {} lab", lab.lab.as_str());
                return Err(Failure::unknown(&what, name, &known));
            }
        }
    }
    Ok(())
}

fn contestant(name: &str, kind: LabKind, node: &Result<String, String>) -> Contestant {
    let (version, skipped) = match (name.starts_with("node-"), node) {
        (false, _) => (env!("CARGO_PKG_VERSION").to_owned(), None),
        (true, Ok(version)) => (version.clone(), None),
        (true, Err(reason)) => (String::new(), Some(reason.clone())),
    };
    Contestant {
        entrant: Entrant {
            name: name.to_owned(),
            family: kind.as_str().to_owned(),
            holds: Holds::Any,
            version,
            command: Vec::new(),
            skipped,
        },
        env: BTreeMap::new(),
        places: Vec::new(),
    }
}

fn node_version() -> Result<String, String> {
    let told = Command::new("node").arg("--version").output();
    match told {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(output) => Err(format!("node --version: {}", output.status)),
        Err(_) => Err("node is not installed".to_owned()),
    }
}

/// The passes of a lab in one round, in an order drawn anew each round.
pub fn planned(lab: &Lab, contenders: &[String], round: u32, seed: u64) -> Vec<Planned> {
    let own = primitives::mechanisms(lab.lab);
    let mut mechanisms: Vec<&String> = contenders
        .iter()
        .filter(|name| takes_part(lab, name) && own.iter().any(|(own, _)| own == name))
        .collect();
    measure::shuffle(&mut mechanisms, seed);
    let numbered = (1..).zip(mechanisms);
    numbered
        .map(|(block, mechanism)| Planned {
            contender: mechanism.clone(),
            scenario: lab.name.clone(),
            round,
            block,
            order: 0,
            pass: PassKind::Lab,
        })
        .collect()
}

/// What the planned passes of labs will take, as a rule.
pub fn nominal<'a>(suite: &'a Suite, passes: &'a [Planned]) -> impl Iterator<Item = Duration> + 'a {
    passes.iter().filter_map(|planned| {
        let mut labs = suite.labs.iter();
        let lab = labs.find(|lab| lab.name == planned.scenario)?;
        Some(lab.window + lab.warmup + NOMINAL)
    })
}

/// Makes a pass.
///
/// # Errors
/// When the agent is gone, or the user has interrupted. What happens to a mechanism is a record.
pub fn pass(
    bench: &mut Bench,
    lab: &Lab,
    planned: &Planned,
    seed: u64,
) -> Result<Pass, AgentError> {
    let cpus = cpus(bench);
    let before = bench.host_now()?;
    let found = bench.lab(LabAsked {
        lab: lab.clone(),
        mechanism: planned.contender.clone(),
        cpus: cpus.clone(),
        times: None,
        deadline_ms: (lab.warmup + 2 * lab.window + MARGIN).as_millis() as u64,
    })?;
    let after = bench.host_now()?;
    Ok(Pass {
        schema: RECORD_SCHEMA.to_owned(),
        contender: planned.contender.clone(),
        family: lab.lab.as_str().to_owned(),
        scenario: planned.scenario.clone(),
        round: planned.round,
        block: planned.block,
        order: planned.order,
        seed: derived_seed(seed, &[u64::from(planned.round)]),
        pass: PassKind::Lab,
        outcome: found.outcome,
        cause: found.cause,
        workers: 0,
        server_cpus: cpus,
        connections: Connections::default(),
        idle: Connections::default(),
        requests: Requests::default(),
        slices: Vec::new(),
        bins: Vec::new(),
        histograms: Histograms::default(),
        startup_ns: None,
        usage: UsageInstants::default(),
        gauges: GaugeInstants::default(),
        by_worker: Vec::new(),
        struck: None,
        generator: record::pass::Generator::default(),
        load: Vec::new(),
        host: HostInstants {
            before,
            after,
            beside: false,
        },
        lab: found.findings,
    })
}

/// A logical CPU of each of two physical cores: the last, which interrupts prefer least, then the first.
/// One, where there is one.
pub fn cpus(bench: &Bench) -> Vec<usize> {
    let Ok(placement) = bench.place(1, record::Placing::Apart) else {
        return vec![0];
    };
    let sides = [&placement.server, &placement.generator];
    let mut cpus: Vec<usize> = sides
        .iter()
        .filter_map(|side| side.first().copied())
        .collect();
    cpus.dedup();
    cpus
}
