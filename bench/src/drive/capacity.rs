//! `capacity`: the highest rate that each contender sustains within a promise, by bracketing and bisection. Every look
//! at a rate is a pass like any other; which is made next, `report` says from those that were made.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use measure::{Bench, Contestant, derived_seed, shuffle};
use record::search::round_of;
use record::{Pace, PassKind, Planned, Results, Scenario, Search, Slo, Suite};

use super::entrants;
use super::failure::{Exit, Failure, print};
use super::hosts::HostsArgs;
use super::measured::Measured;
use super::plan;
use super::resume::Resumed;
use super::session::{self, Asked, More};
use super::turn::TurnArgs;
use crate::Who;

/// Columns of the answer where nobody says how wide the terminal is.
const WIDTH: usize = 80;

/// Whose capacity, within which promise.
#[derive(Args, Clone)]
pub struct CapacityArgs {
    /// Contenders by name [default: all]
    #[arg(value_name = "CONTENDER")]
    names: Vec<String>,
    /// The promise that a sustained rate keeps, of response times
    #[arg(long, value_name = "PERCENTILE=TIME", default_value = "p99=10ms")]
    slo: Slo,
    /// Clients at once
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// What a request costs the server beside the echo, as in cpu:200us
    #[arg(long, value_name = "SPEC", default_value = "none")]
    work: String,
    /// Whole searches of each contender; from three on a capacity has an interval
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// One look at a rate; longer where the rate is too low for the percentile
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    window: Duration,
    /// Only contenders whose name matches
    #[arg(long, value_name = "REGEX", conflicts_with = "names")]
    only: Option<String>,
    /// The results folder [default: ./results/capacity-TIME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// From which every order and payload follows [default: from the clock]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    pub who: Who,
    #[command(flatten)]
    pub there: HostsArgs,
    #[command(flatten)]
    pub turn: TurnArgs,
    /// Print one JSON object: the capacities
    #[arg(long)]
    pub json: bool,
}

/// The verb.
///
/// # Errors
/// When it cannot begin, or its results cannot be written.
pub fn capacity(args: &CapacityArgs, resumed: Option<Resumed>) -> Result<ExitCode, Failure> {
    let search = Search {
        slo: args.slo,
        connections: args.connections,
        rounds: args.rounds,
        window: args.window,
        work: args.work.clone(),
        ..Search::default()
    };
    search.check().map_err(|problem| {
        Failure::usage("there is nothing to search for", problem)
            .hint("fiveways capacity --help, for what a promise may say")
    })?;
    let mut bench = args.there.bench()?;
    let contestants = chosen(args, bench.as_mut())?;
    let suite_text = toml_of(&search);
    let measured = session::carry_out(Asked {
        suite: Suite {
            claims: false,
            papers: false,
            quick: None,
            contenders: Vec::new(),
            name: "capacity".to_owned(),
            question: "What is the highest rate that each sustains?".to_owned(),
            reference: reference(&contestants),
            only: None,
            capacity: Some(search),
            scenarios: Vec::new(),
            labs: Vec::new(),
        },
        suite_text,
        contestants,
        bench,
        out: args.out.clone(),
        resumed,
        turn: args.turn,
        seed: args.seed,
        go_on: Box::new(|results, _| more(results)),
        quiet: args.json,
        provisional: false,
        lesson: None,
    })?;
    conclude(args, measured)
}

/// The search as a suite file has it.
fn toml_of(search: &Search) -> String {
    format!(
        "[capacity]\nslo = \"{}\"\nconnections = {}\nrounds = {}\nwindow = \"{}\"\nwork = \"{}\"\n",
        search.slo,
        search.connections,
        search.rounds,
        humantime::format_duration(search.window),
        search.work
    )
}

fn chosen(args: &CapacityArgs, bench: Option<&mut Bench>) -> Result<Vec<Contestant>, Failure> {
    if args.names.is_empty() {
        return entrants::matching(&args.who, args.only.as_deref(), bench);
    }
    let is_named = |name: &str| args.names.iter().any(|it| it == name);
    let all = entrants::gather(&args.who, is_named, bench)?;
    let known: Vec<String> = all.iter().map(|one| one.entrant.name.clone()).collect();
    let of_name = |name: &String| {
        let mut all = all.iter();
        let found = all.find(|one| one.entrant.name == *name);
        found
            .cloned()
            .ok_or_else(|| Failure::unknown("contender", name, &known))
    };
    args.names.iter().map(of_name).collect()
}

/// Ratios refer to the one that suites refer to, if it takes part.
pub fn reference(contestants: &[Contestant]) -> String {
    let mut names = contestants.iter().map(|one| one.entrant.name.as_str());
    let usual = names.clone().find(|name| *name == "event-loop");
    usual
        .or_else(|| names.next())
        .unwrap_or_default()
        .to_owned()
}

/// The next looks of a suite's search, and when it is over what rests on it; nothing when all of that is planned.
pub fn more(results: &Results) -> Option<More> {
    looks(results).or_else(|| resolved(results))
}

/// One look at everybody whose search is not over, in an order drawn anew each time.
pub fn looks(results: &Results) -> Option<More> {
    let run = &results.run;
    let mut suite = run.suite.clone();
    let search = suite.capacity.clone()?;
    let mut passes = Vec::new();
    for probe in report::next_probes(results) {
        let scenario = match probe.rung {
            None => search.first(),
            Some(rung) => search.probe(rung),
        };
        let planned = Planned {
            contender: probe.contender,
            scenario: scenario.name.clone(),
            round: round_of(probe.search, probe.vote),
            block: 0,
            order: 0,
            pass: PassKind::Timing,
        };
        let key = |it: &Planned| (it.contender.clone(), it.scenario.clone(), it.round);
        // What was planned and left no record will leave none the next time.
        if run.passes.iter().any(|it| key(it) == key(&planned)) {
            continue;
        }
        if !suite.scenarios.iter().any(|it| it.name == scenario.name) {
            suite.scenarios.push(scenario);
        }
        passes.push(planned);
    }
    shuffle(
        &mut passes,
        derived_seed(run.seed, &[run.passes.len() as u64]),
    );
    for (block, planned) in (1..).zip(&mut passes) {
        planned.block = block;
    }
    (!passes.is_empty()).then_some(More { suite, passes })
}

/// Scenarios that ask for a share of a capacity, with the rates that this makes, of those who served everybody.
fn resolved(results: &Results) -> Option<More> {
    let run = &results.run;
    let mut suite = run.suite.clone();
    let capacities = report::serving_all(&report::capacities(results));
    let (_, slowest) = capacities.first()?;
    let mut names = Vec::new();
    for scenario in suite.scenarios.iter_mut().filter(|it| it.is_unresolved()) {
        resolve(scenario, &capacities, *slowest);
        names.push(scenario.name.clone());
    }
    let present = plan::present(&run.entrants);
    let wanted = |scenario: &Scenario| names.contains(&scenario.name);
    let passes = plan::passes_of(&suite, &present, run.seed, wanted);
    (!passes.is_empty()).then_some(More { suite, passes })
}

fn resolve(scenario: &mut Scenario, capacities: &[(String, f64)], slowest: f64) {
    let (share, same) = match scenario.pace {
        Pace::OfSlowest(share) => (share, true),
        Pace::OfOwn(share) => (share, false),
        Pace::Closed | Pace::Constant(_) | Pace::Poisson(_) => return,
    };
    let rate = |capacity: f64| (share * capacity).round().max(1.0);
    if same {
        scenario.pace = Pace::Poisson(rate(slowest));
    }
    let rates = capacities.iter().map(|(name, own)| {
        let of = if same { slowest } else { *own };
        (name.clone(), rate(of))
    });
    scenario.rates = rates.collect();
}

fn conclude(args: &CapacityArgs, measured: Measured) -> Result<ExitCode, Failure> {
    let (results, folder) = (&measured.results, &measured.folder);
    let summary = measured.write_report(report::Language::English)?;
    if args.json {
        print(&serde_json::json!({
            "slo": args.slo,
            "connections": args.connections,
            "rounds": args.rounds,
            "seed": results.run.seed,
            "capacities": summary.capacities,
            "results": folder.display().to_string(),
        }));
    } else {
        let page = folder.join("report.html");
        let table = report::capacity_table(results, &summary, &page, WIDTH);
        print(&table.trim_end());
    }
    let exit: Exit = measured.exit()?;
    Ok(exit.into())
}
