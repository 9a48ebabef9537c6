//! `run`: measures a round, records it, and goes on; at the end, or at the first Ctrl-C, a report of what there is.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use measure::{AgentError, Bench, Contestant, place};
use record::{Outcome, Pass, Planned, RUN_SCHEMA, Results, Run, Suite, Writer};

use super::entrants;
use super::failure::{Exit, Failure, print};
use super::interrupt;
use super::plan;
use super::progress::Progress;
use super::suites;
use crate::RunArgs;

/// The verb.
///
/// # Errors
/// When the run cannot begin, or its results cannot be written. What happens to a contender is no error
/// but a record, and an exit code.
pub fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let (suite, suite_text) = chosen_suite(args)?;
    let contestants = entrants::select(entrants::gather(&args.who)?, args.only.as_deref())?;
    measure::adopt_orphans();
    let interrupt = interrupt::watch().map_err(|error| {
        Failure::tool("prepare", "signals cannot be watched", error.to_string())
    })?;
    let bench = start_bench(&interrupt)?;
    let run = plan_of(args, suite, suite_text, &contestants, &bench)?;
    let folder = folder(args, &run);
    let writer = Writer::create(&folder, &run)?;
    let mut session = Session {
        progress: Progress::new(run.passes.len() as u64, nominal(&run), args.json),
        results: Results {
            run,
            passes: Vec::new(),
            damage: Vec::new(),
        },
        contestants,
        writer,
        bench,
    };
    let ended = session.measure();
    session.progress.finish();
    let results = session.end();
    measure::end_orphans();
    conclude(args, &folder, &results, ended)
}

/// Starts both agents from this very program.
///
/// # Errors
/// When they cannot be started.
pub fn start_bench(interrupt: &Arc<OwnedFd>) -> Result<Bench, Failure> {
    let failed = |cause: String| Failure::tool("prepare", "the agents cannot be started", cause);
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    Bench::start(&program, Some(Arc::clone(interrupt))).map_err(|error| failed(error.to_string()))
}

fn chosen_suite(args: &RunArgs) -> Result<(Suite, String), Failure> {
    let (mut suite, text) = suites::find(&args.suite)?;
    if let Some(pattern) = &args.scenario {
        let regex = entrants::regex(pattern)?;
        let names: Vec<String> = suite
            .scenarios
            .iter()
            .map(|scenario| scenario.name.clone())
            .collect();
        suite
            .scenarios
            .retain(|scenario| regex.is_match(&scenario.name));
        if suite.scenarios.is_empty() {
            return Err(Failure::usage(
                format!("no scenario of {} matches `{pattern}`", suite.name),
                format!("there are {}", names.join(", ")),
            ));
        }
    }
    if let Some(rounds) = args.rounds {
        suite
            .scenarios
            .iter_mut()
            .for_each(|scenario| scenario.rounds = rounds);
    }
    Ok((suite, text))
}

fn plan_of(
    args: &RunArgs,
    suite: Suite,
    suite_text: String,
    contestants: &[Contestant],
    bench: &Bench,
) -> Result<Run, Failure> {
    for scenario in &suite.scenarios {
        place(&bench.host.topology, scenario.server_cpus).map_err(|cause| {
            Failure::usage(
                format!(
                    "scenario {} cannot be placed on this machine",
                    scenario.name
                ),
                cause,
            )
        })?;
    }
    let started = SystemTime::now();
    let since_1970 = started
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seed = args.seed.unwrap_or(since_1970.as_nanos() as u64);
    let present: Vec<String> = contestants
        .iter()
        .filter(|contestant| contestant.entrant.skipped.is_none())
        .map(|contestant| contestant.entrant.name.clone())
        .collect();
    let mut command = vec!["fiveways".to_owned()];
    command.extend(entrants::without_paths(std::env::args().skip(1)));
    Ok(Run {
        schema: RUN_SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        command,
        seed,
        suite_name: suite.name.clone(),
        passes: plan::passes(&suite, &present, seed),
        suite,
        suite_text,
        entrants: contestants
            .iter()
            .map(|contestant| contestant.entrant.clone())
            .collect(),
        host: bench.host.clone(),
    })
}

fn folder(args: &RunArgs, run: &Run) -> PathBuf {
    args.out.clone().unwrap_or_else(|| {
        let time: String = run.started.chars().filter(char::is_ascii_digit).collect();
        Path::new("results").join(format!("{}-{time}", run.suite_name))
    })
}

/// What the plan will take, as far as it says: load, and some margin for starting, connecting and ending.
fn nominal(run: &Run) -> Duration {
    let scenario_of = |planned: &Planned| {
        run.suite
            .scenarios
            .iter()
            .find(|one| one.name == planned.scenario)
    };
    run.passes
        .iter()
        .filter_map(scenario_of)
        .map(|scenario| scenario.window + scenario.warmup + Duration::from_millis(200))
        .sum()
}

struct Session {
    contestants: Vec<Contestant>,
    results: Results,
    writer: Writer,
    bench: Bench,
    progress: Progress,
}

/// What ended a run before its plan was done.
enum Broken {
    Agent(AgentError),
    Store(record::StoreError),
}

impl Session {
    fn measure(&mut self) -> Result<(), Broken> {
        let passes = self.results.run.passes.clone();
        let same_block = |a: &Planned, b: &Planned| {
            (a.round, &a.scenario, a.block) == (b.round, &b.scenario, b.block)
        };
        let mut blocks = passes.chunk_by(same_block).peekable();
        while let Some(block) = blocks.next() {
            self.block(block)?;
            let round_ends = blocks
                .peek()
                .is_some_and(|next| next[0].round != block[0].round);
            if round_ends {
                let summary = report::summarise(&self.results);
                self.progress
                    .provisional(report::terminal(&self.results, &summary, None));
            }
        }
        Ok(())
    }

    fn block(&mut self, block: &[Planned]) -> Result<(), Broken> {
        let run = &self.results.run;
        let Some(index) = run
            .suite
            .scenarios
            .iter()
            .position(|one| one.name == block[0].scenario)
        else {
            return Ok(());
        };
        let scenario = &run.suite.scenarios[index];
        let Ok(placement) = place(&self.bench.host.topology, scenario.server_cpus) else {
            return Ok(());
        };
        let contestants: Vec<&Contestant> = block
            .iter()
            .filter_map(|planned| {
                self.contestants
                    .iter()
                    .find(|one| one.entrant.name == planned.contender)
            })
            .collect();
        self.progress
            .block(scenario, block[0].round, contestants.len());
        let seed = plan::round_seed(run.seed, index, block[0].round);
        self.bench
            .pin(&placement.generator)
            .map_err(Broken::Agent)?;
        let passes = measure::round(
            &mut self.bench,
            scenario,
            &placement,
            &contestants,
            block,
            seed,
        )
        .map_err(Broken::Agent)?;
        for pass in passes {
            self.writer.append(&pass).map_err(Broken::Store)?;
            self.results.passes.push(pass);
        }
        self.progress.done(block.len() as u64);
        Ok(())
    }

    /// Ends the agents, and hands on what was measured.
    fn end(self) -> Results {
        drop(self.bench);
        self.results
    }
}

fn conclude(
    args: &RunArgs,
    folder: &Path,
    results: &Results,
    ended: Result<(), Broken>,
) -> Result<ExitCode, Failure> {
    report::write(folder, results)?;
    let summary = report::summarise(results);
    if args.json {
        let mut object = serde_json::to_value(&summary).unwrap_or_default();
        object["results"] = folder.display().to_string().into();
        print(&object);
    } else {
        print(&report::terminal(
            results,
            &summary,
            Some(&folder.join("report.html")),
        ));
    }
    let kept = format!(
        "{} of {} passes are kept in {}",
        results.passes.len(),
        results.run.passes.len(),
        folder.display()
    );
    match ended {
        Ok(()) => Ok(exit(&results.passes).into()),
        Err(Broken::Agent(AgentError::Interrupted)) => {
            eprintln!("fiveways: interrupted; {kept}");
            Ok(Exit::Interrupted.into())
        }
        Err(Broken::Agent(error)) => Err(Failure::tool(
            "measure",
            format!("the run broke off; {kept}"),
            error.to_string(),
        )
        .hint("the same command again; if it happens again, fiveways verify")),
        Err(Broken::Store(error)) => Err(Failure::tool(
            "results",
            format!("the run broke off; {kept}"),
            error.to_string(),
        )
        .hint("--out with a folder on a disk that has room")),
    }
}

/// The strongest of what happened to the passes.
fn exit(passes: &[Pass]) -> Exit {
    let any = |outcome: fn(Outcome) -> bool| passes.iter().any(|pass| outcome(pass.outcome));
    if any(|outcome| outcome == Outcome::Wrong) {
        Exit::WrongBytes
    } else if any(|outcome| !matches!(outcome, Outcome::Ok | Outcome::Skipped)) {
        Exit::CellsFailed
    } else {
        Exit::Well
    }
}
