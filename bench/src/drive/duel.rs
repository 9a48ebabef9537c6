//! `duel`: contenders in turns under one scenario until the answer is narrow: who is ahead, by how much, how
//! sure. A run of one scenario, told by its pairs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use measure::Contestant;
use record::{Measure, Results, Scenario, Suite};

use super::entrants;
use super::failure::{Exit, Failure, print};
use super::hosts::HostsArgs;
use super::measured::Measured;
use super::resume::Resumed;
use super::session::{self, Asked};
use super::stopping::{Stopping, percent};
use super::suites;
use super::turn::TurnArgs;
use crate::Who;

/// Rounds before the first look at an interval: with fewer, a lucky start could end it.
const ROUNDS: u32 = 5;
/// The shortest turn: a shorter one measures little but its own beginning.
const SHORTEST: Duration = Duration::from_millis(5);
/// Columns of the answer where nobody says how wide the terminal is.
const WIDTH: usize = 80;

/// Who, under what, and how narrow the answer shall be.
#[derive(Args, Clone)]
pub struct DuelArgs {
    /// Contenders by name; one that is named twice runs against itself
    #[arg(required = true, num_args = 2.., value_name = "CONTENDER")]
    names: Vec<String>,
    /// A scenario, of any suite
    #[arg(long, value_name = "NAME", default_value = "rr-50")]
    scenario: String,
    /// The suite of the scenario, a name or a file [default: the first that has it]
    #[arg(long, value_name = "SUITE")]
    suite: Option<String>,
    /// Take turns of so much time [default: the scenario's]; short ones tell two of one kind apart best, long ones do
    /// justice to who has many processes
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    slice: Option<Duration>,
    /// Add rounds until throughput ratios are known within so much; below 0.1% none ever is
    #[arg(long, value_name = "PERCENT", default_value = "0.5%", value_parser = percent)]
    precision: f64,
    /// … or so much time is spent
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    budget: Duration,
    /// The results folder [default: ./results/duel-TIME]
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
    /// Print one JSON object: the pairs
    #[arg(long)]
    pub json: bool,
}

/// The verb.
///
/// # Errors
/// When it cannot begin, or its results cannot be written.
pub fn duel(args: &DuelArgs, resumed: Option<Resumed>) -> Result<ExitCode, Failure> {
    let (suite, suite_text) = one_scenario(args)?;
    let is_named = |name: &str| args.names.iter().any(|it| it == name);
    let mut bench = args.there.bench()?;
    let all = entrants::gather(&args.who, is_named, bench.as_mut())?;
    let contestants = chosen(all, &args.names)?;
    let stopping = Stopping::new(args.precision, args.budget, true).after(resumed.as_ref());
    let measured = session::carry_out(Asked {
        suite: Suite {
            claims: false,
            papers: false,
            quick: None,
            contenders: Vec::new(),
            reference: contestants[0].entrant.name.clone(),
            ..suite
        },
        suite_text,
        contestants,
        bench,
        out: args.out.clone(),
        resumed,
        turn: args.turn,
        seed: args.seed,
        go_on: Box::new(move |results, spent| stopping.more(results, spent)),
        quiet: args.json,
        provisional: false,
        lesson: None,
    })?;
    conclude(args, measured)
}

/// The suite that has the scenario, without the others.
fn one_scenario(args: &DuelArgs) -> Result<(Suite, String), Failure> {
    let names: Vec<&str> = match &args.suite {
        Some(name) => vec![name],
        None => suites::SUITES.iter().map(|(name, _)| *name).collect(),
    };
    let mut known = Vec::new();
    for name in names {
        let (mut suite, text) = suites::find(name)?;
        known.extend(suite.scenarios.iter().map(|one| one.name.clone()));
        suite.scenarios.retain(|one| one.name == args.scenario);
        if let Some(scenario) = suite.scenarios.first_mut() {
            scenario.rounds = ROUNDS;
            scenario.slice = slice_of(scenario, args.slice)?;
            // Nobody is ahead by what is counted.
            scenario.counters = 0;
            "duel".clone_into(&mut suite.name);
            return Ok((suite, text));
        }
    }
    Err(Failure::unknown("scenario", &args.scenario, &known))
}

/// What was asked for, where the scenario has slices and its window holds two.
fn slice_of(scenario: &Scenario, asked: Option<Duration>) -> Result<Duration, Failure> {
    let Some(slice) = asked else {
        return Ok(scenario.slice);
    };
    let unfit = |cause: String| Failure::usage("--slice does not fit the scenario", cause);
    let Scenario { name, window, .. } = scenario;
    if scenario.measure != Measure::Sliced {
        return Err(unfit(format!("{name} is not measured in slices")).hint("leave --slice out"));
    }
    if slice < SHORTEST || slice > *window / 2 {
        let cause = format!("{name} takes {SHORTEST:?} to {:?}", *window / 2);
        return Err(unfit(cause).hint("--slice 10ms"));
    }
    Ok(slice)
}

/// Those of these names, in this order; who is named again gets a number.
fn chosen(all: Vec<Contestant>, names: &[String]) -> Result<Vec<Contestant>, Failure> {
    let known: Vec<String> = all.iter().map(|one| one.entrant.name.clone()).collect();
    let mut chosen: Vec<Contestant> = Vec::new();
    for name in names {
        let Some(found) = all.iter().find(|one| one.entrant.name == *name) else {
            return Err(Failure::unknown("contender", name, &known));
        };
        if let Some(reason) = &found.entrant.skipped {
            return Err(
                Failure::usage(format!("{name} cannot take part"), reason.clone())
                    .hint("fiveways list, for those that can"),
            );
        }
        let before = chosen
            .iter()
            .filter(|one| one.entrant.command == found.entrant.command);
        chosen.push(match before.count() {
            0 => found.clone(),
            copies => found.named(&format!("{name}-{}", copies + 1), &found.entrant.family),
        });
    }
    Ok(chosen)
}

fn conclude(args: &DuelArgs, measured: Measured) -> Result<ExitCode, Failure> {
    measured.write_report(report::Language::English)?;
    let pairs = report::pairs(&measured.results);
    if args.json {
        print(&object(&measured, &pairs));
    } else {
        let page = measured.folder.join("report.html");
        let text = report::duel(&measured.results, &pairs, WIDTH);
        print(&format_args!("{text}\nreport: {}", page.display()));
    }
    let exit: Exit = measured.exit()?;
    Ok(exit.into())
}

fn object(measured: &Measured, pairs: &[record::Comparison]) -> serde_json::Value {
    let Results { run, .. } = &measured.results;
    let scenario = run.suite.scenarios.first();
    serde_json::json!({
        "scenario": scenario.map(|one| &one.name),
        "rounds": scenario.map(|one| one.rounds),
        "seed": run.seed,
        "pairs": report::duel_pairs(&measured.results, pairs),
        "results": measured.folder.display().to_string(),
    })
}
