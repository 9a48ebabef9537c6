//! A session: the plan carried out block by block, each pass recorded as soon as it is made; then whoever asked
//! is shown the results and says what else shall be measured, until that is nothing. What `run`, `duel` and
//! `capacity` have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use measure::{AgentError, Bench, Contestant, Entry};
use record::{
    BrokenOff, Lab, LeftOut, Outcome, Pass, PassKind, Placing, Planned, RUN_SCHEMA, Results, Run,
    Scenario, Suite, Writer,
};

use super::entrants;
use super::failure::{Exit, Failure};
use super::interrupt;
use super::labs;
use super::plan;
use super::progress::Progress;

/// What else shall be measured: passes, and the suite that their scenarios stand in. Scenarios may be added at its
/// end, and those that are there may have more rounds; none goes, and none changes its place.
pub struct More {
    /// As it is from now on.
    pub suite: Suite,
    /// In order.
    pub passes: Vec<Planned>,
}

/// Asked when the plan is done: what else?
pub type GoOn = Box<dyn FnMut(&Results) -> Option<More>>;

/// What is to be measured, and where its records go.
pub struct Asked {
    /// Under what.
    pub suite: Suite,
    /// Its text, as it was read.
    pub suite_text: String,
    /// Who.
    pub contestants: Vec<Contestant>,
    /// Agents that have been started already, on hosts of the user's; else two are started here.
    pub bench: Option<Bench>,
    /// The results folder; else one below ./results, named after suite and time.
    pub out: Option<PathBuf>,
    /// From which every order and payload follows; else from the clock.
    pub seed: Option<u64>,
    /// What is added to the plan.
    pub go_on: GoOn,
    /// Whether progress is kept off the terminal.
    pub quiet: bool,
    /// Whether a first answer is shown, and drawn again after each round.
    pub provisional: bool,
}

/// What was measured, to its end or not.
pub struct Measured {
    /// The results folder.
    pub folder: PathBuf,
    /// Plan and passes.
    pub results: Results,
    ended: Result<(), Broken>,
}

/// What ended a session before its plan was done.
enum Broken {
    Agent(AgentError),
    Store(record::StoreError),
}

/// Measures what is asked for.
///
/// # Errors
/// When it cannot begin. What happens to a contender is a record, and what breaks a session off later is
/// told by [`Measured::exit`], when what was kept has been shown.
pub fn carry_out(mut asked: Asked) -> Result<Measured, Failure> {
    measure::adopt_orphans();
    let bench = match asked.bench.take() {
        Some(bench) => bench,
        None => start_bench(&watch()?)?,
    };
    let run = plan_of(&mut asked, &bench)?;
    let folder = asked.out.unwrap_or_else(|| folder(&run));
    let writer = Writer::create(&folder, &run)?;
    let mut session = Session {
        progress: Progress::new(
            run.passes.len() as u64,
            nominal(&run.suite, &run.passes),
            asked.quiet,
        ),
        results: Results {
            run,
            passes: Vec::new(),
            damage: Vec::new(),
        },
        contestants: asked.contestants,
        provisional: asked.provisional,
        under_way: Vec::new(),
        writer,
        bench,
    };
    let ended = session.measure(asked.go_on);
    session.note_end(&ended);
    session.progress.finish();
    let results = session.end();
    measure::end_orphans();
    Ok(Measured {
        folder,
        results,
        ended,
    })
}

/// Signals, as whoever waits sees them.
///
/// # Errors
/// When there is no descriptor or handler to be had.
pub fn watch() -> Result<Arc<std::os::fd::OwnedFd>, Failure> {
    interrupt::watch()
        .map_err(|error| Failure::tool("prepare", "signals cannot be watched", error.to_string()))
}

/// Starts both agents from this very program.
///
/// # Errors
/// When they cannot be started.
pub fn start_bench(interrupt: &Arc<std::os::fd::OwnedFd>) -> Result<Bench, Failure> {
    let failed = |cause: String| Failure::tool("prepare", "the agents cannot be started", cause);
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    Bench::start(&program, Some(Arc::clone(interrupt))).map_err(|error| failed(error.to_string()))
}

/// Takes out of the suite the scenarios that this machine has no room for, each with what it would need.
///
/// # Errors
/// When none is left.
fn leave_out(suite: &mut Suite, bench: &Bench) -> Result<Vec<LeftOut>, Failure> {
    let mut left_out = Vec::new();
    suite.scenarios.retain(|scenario| {
        match bench.place(scenario.server_cpus, scenario.placement) {
            Ok(_) => true,
            Err(reason) => {
                left_out.push(LeftOut {
                    scenario: scenario.name.clone(),
                    reason,
                });
                false
            }
        }
    });
    match left_out.first() {
        Some(LeftOut { scenario, reason })
            if suite.scenarios.is_empty() && suite.capacity.is_none() =>
        {
            Err(Failure::usage(
                format!("scenario {scenario} cannot be placed on this machine"),
                reason.clone(),
            ))
        }
        _ => Ok(left_out),
    }
}

fn plan_of(asked: &mut Asked, bench: &Bench) -> Result<Run, Failure> {
    let left_out = leave_out(&mut asked.suite, bench)?;
    let started = SystemTime::now();
    let since_1970 = started
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seed = asked.seed.unwrap_or(since_1970.as_nanos() as u64);
    let entrants: Vec<_> = asked
        .contestants
        .iter()
        .map(|contestant| contestant.entrant.clone())
        .collect();
    let mut command = vec!["fiveways".to_owned()];
    command.extend(entrants::without_paths(std::env::args().skip(1)));
    Ok(Run {
        schema: RUN_SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        command,
        seed,
        suite_name: asked.suite.name.clone(),
        passes: plan::passes(&asked.suite, &plan::present(&entrants), seed),
        suite: asked.suite.clone(),
        suite_text: asked.suite_text.clone(),
        entrants,
        host: bench.host.clone(),
        yardsticks: Vec::new(),
        left_out,
        load_hosts: bench.load_hosts(),
        broken_off: None,
    })
}

fn folder(run: &Run) -> PathBuf {
    let time: String = run.started.chars().filter(char::is_ascii_digit).collect();
    Path::new("results").join(format!("{}-{time}", run.suite_name))
}

/// What passes will take, as far as their plan says: load, and some margin for starting, connecting and ending.
pub fn nominal(suite: &Suite, passes: &[Planned]) -> Duration {
    let scenario_of = |planned: &Planned| {
        let mut scenarios = suite.scenarios.iter();
        scenarios.find(|one| one.name == planned.scenario)
    };
    passes
        .iter()
        .filter_map(scenario_of)
        .map(|scenario| scenario.window + scenario.warmup + Duration::from_millis(100))
        .chain(labs::nominal(suite, passes))
        .sum()
}

struct Session {
    contestants: Vec<Contestant>,
    provisional: bool,
    results: Results,
    writer: Writer,
    bench: Bench,
    progress: Progress,
    /// Passes that have begun and are not recorded.
    under_way: Vec<Planned>,
}

impl Session {
    /// The plan, and what is added to it.
    fn measure(&mut self, mut go_on: GoOn) -> Result<(), Broken> {
        self.yardsticks()?;
        let mut done = 0;
        loop {
            self.passes(done)?;
            done = self.results.run.passes.len();
            match go_on(&self.results) {
                Some(more) => self.add(more)?,
                None => return Ok(()),
            }
        }
    }

    /// What the machine's parts take, in the plan before the first pass: where the first scenario's sides are.
    fn yardsticks(&mut self) -> Result<(), Broken> {
        let run = &mut self.results.run;
        let first = run.suite.scenarios.first();
        let cpus = first.map_or(1, |it| it.server_cpus);
        let placement = self.bench.place(cpus, Placing::Apart).ok();
        let Some(placement) = placement else {
            return Ok(());
        };
        run.yardsticks = self.bench.yardsticks(&placement).map_err(Broken::Agent)?;
        self.writer.write_plan(run).map_err(Broken::Store)
    }

    /// The planned passes from this one on.
    fn passes(&mut self, from: usize) -> Result<(), Broken> {
        let passes = self.results.run.passes[from..].to_vec();
        let same_block = |a: &Planned, b: &Planned| {
            let key = |it: &Planned| (it.pass, it.round, it.block);
            key(a) == key(b) && a.scenario == b.scenario
        };
        let mut blocks = passes.chunk_by(same_block).peekable();
        while let Some(block) = blocks.next() {
            self.under_way = block.to_vec();
            self.block(block)?;
            self.under_way.clear();
            let round_ends = blocks
                .peek()
                .is_some_and(|next| next[0].round != block[0].round);
            // Counter passes change no answer.
            let timing = block[0].pass != PassKind::Counter;
            if round_ends && timing && self.provisional {
                let summary = report::summarise(&self.results);
                self.progress
                    .provisional(report::terminal(&self.results, &summary, None));
            }
        }
        Ok(())
    }

    /// What is added stands in the plan before it is made: resuming is plan minus records.
    fn add(&mut self, more: More) -> Result<(), Broken> {
        let run = &mut self.results.run;
        run.suite = more.suite;
        self.progress.more(more.passes.len() as u64);
        run.passes.extend(more.passes);
        self.writer
            .write_plan(&self.results.run)
            .map_err(Broken::Store)
    }

    fn block(&mut self, block: &[Planned]) -> Result<(), Broken> {
        let run = &self.results.run;
        let mut labs = run.suite.labs.iter();
        if let Some(lab) = labs.find(|lab| lab.name == block[0].scenario).cloned() {
            return block.iter().try_for_each(|planned| self.lab(&lab, planned));
        }
        let Some(index) = run
            .suite
            .scenarios
            .iter()
            .position(|one| one.name == block[0].scenario)
        else {
            return Ok(());
        };
        let scenario: Scenario = run.suite.scenarios[index].as_of(&block[0].contender);
        let Ok(placement) = self.bench.place(scenario.server_cpus, scenario.placement) else {
            return Ok(());
        };
        let entry = |planned| entry(&self.contestants, &self.results.passes, planned);
        let entries: Vec<Entry<'_>> = block.iter().filter_map(entry).collect();
        self.progress.block(&scenario, &block[0], entries.len());
        let seed = plan::seed_of(run.seed, index, &block[0]);
        self.bench
            .pin(&placement.generator)
            .map_err(Broken::Agent)?;
        let passes = measure::round(&mut self.bench, &scenario, &placement, &entries, seed)
            .map_err(Broken::Agent)?;
        for pass in passes {
            self.writer.append(&pass).map_err(Broken::Store)?;
            self.results.passes.push(pass);
        }
        self.progress.done(block.len() as u64);
        Ok(())
    }

    fn lab(&mut self, lab: &Lab, planned: &Planned) -> Result<(), Broken> {
        self.progress.lab(lab, planned);
        let seed = self.results.run.seed;
        let pass = labs::pass(&mut self.bench, lab, planned, seed).map_err(Broken::Agent)?;
        self.writer.append(&pass).map_err(Broken::Store)?;
        self.results.passes.push(pass);
        self.progress.done(1);
        Ok(())
    }

    /// Notes in the plan what broke it off, and whom it left without a record. What the user has interrupted is
    /// whole as far as it goes.
    fn note_end(&mut self, ended: &Result<(), Broken>) {
        let Err(Broken::Agent(error)) = ended else {
            return;
        };
        if matches!(error, AgentError::Interrupted) {
            return;
        }
        let alive = self.under_way.clone();
        self.results.run.broken_off = Some(BrokenOff {
            cause: error.without_names(),
            scenario: alive
                .first()
                .map_or(String::new(), |it| it.scenario.clone()),
            round: alive.first().map_or(0, |it| it.round),
            contenders: alive.into_iter().map(|it| it.contender).collect(),
        });
        // That the agent is lost is told all the same.
        let _ = self.writer.write_plan(&self.results.run);
    }

    /// Ends the agents, and hands on what was measured.
    fn end(self) -> Results {
        drop(self.bench);
        self.results
    }
}

/// A contender's place in a block, with what earlier rounds of the cell have shown.
fn entry<'a>(
    contestants: &'a [Contestant],
    passes: &[Pass],
    planned: &'a Planned,
) -> Option<Entry<'a>> {
    let mut all = contestants.iter();
    let contestant = all.find(|one| one.entrant.name == planned.contender)?;
    let same =
        |pass: &&Pass| (&pass.contender, &pass.scenario) == (&planned.contender, &planned.scenario);
    let served = passes.iter().filter(same).map(|pass| pass.connections);
    let served = served.filter(|it| (1..it.asked).contains(&it.served));
    Some(Entry {
        contestant,
        planned,
        served: served.map(|it| it.served).min(),
    })
}

impl Measured {
    /// How the program ends: by what broke the session off, else by what happened to the passes.
    ///
    /// # Errors
    /// When the tool itself could not go on: what it is, and what was kept.
    pub fn exit(self) -> Result<Exit, Failure> {
        let kept = format!(
            "{} of {} passes are kept in {}",
            self.results.passes.len(),
            self.results.run.passes.len(),
            self.folder.display()
        );
        let broke_off = |phase, cause: String| {
            Failure::tool(phase, format!("the run broke off; {kept}"), cause)
        };
        match self.ended {
            Ok(()) => Ok(strongest(&self.results)),
            Err(Broken::Agent(AgentError::Interrupted)) => {
                eprintln!("fiveways: interrupted; {kept}");
                Ok(Exit::Interrupted)
            }
            Err(Broken::Agent(error)) => Err(broke_off("measure", error.to_string())
                .hint("the same command again; if it happens again, fiveways verify")),
            Err(Broken::Store(error)) => Err(broke_off("results", error.to_string())
                .hint("--out with a folder on a disk that has room")),
        }
    }
}

/// The strongest of what happened to the passes. That a rate was too high for a server is what a search looks for.
fn strongest(results: &Results) -> Exit {
    let probes = results.run.suite.scenarios.iter().filter(|it| it.probe);
    let probes: Vec<&str> = probes.map(|it| it.name.as_str()).collect();
    let found = |pass: &&Pass| {
        let ended = matches!(pass.outcome, Outcome::Wrong | Outcome::Crashed);
        ended || !probes.contains(&pass.scenario.as_str())
    };
    let any = |outcome: fn(Outcome) -> bool| {
        let mut passes = results.passes.iter().filter(found);
        passes.any(|pass| outcome(pass.outcome))
    };
    if any(|outcome| outcome == Outcome::Wrong) {
        Exit::WrongBytes
    } else if any(|outcome| !outcome.is_good() && outcome != Outcome::Skipped) {
        Exit::CellsFailed
    } else {
        Exit::Well
    }
}
