//! A session: the plan carried out block by block, each pass recorded as soon as it is made; then whoever asked
//! is shown the results and says what else shall be measured, until that is nothing. What `run`, `duel` and
//! `capacity` have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use measure::{AgentError, Bench, Contestant, Entry};
use record::{
    BrokenOff, Lab, LeftOut, Pass, PassKind, Placing, Planned, RUN_SCHEMA, Results, Run, Scenario,
    StoreError, Suite, Taken, Writer,
};

use super::entrants;
use super::failure::{Failure, note, of_a_limit};
use super::interrupt;
use super::labs;
use super::measured::{Broken, Measured};
use super::plan;
use super::progress::Progress;
use super::resume::{Resumed, missing};
use super::room;
use super::turn::{Doing, Turn, TurnArgs};

/// What else shall be measured: passes, and the suite that their scenarios stand in. Scenarios may be added at its
/// end, and those that are there may have more rounds; none goes, and none changes its place.
pub struct More {
    /// As it is from now on.
    pub suite: Suite,
    /// In order.
    pub passes: Vec<Planned>,
}

/// Asked when the plan is done, so long after the turn began: what else?
pub type GoOn = Box<dyn FnMut(&Results, Duration) -> Option<More> + Send>;

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
    /// A run that is gone on with: then suite, folder and seed are its own.
    pub resumed: Option<Resumed>,
    /// Whether somebody else's turn is waited for.
    pub turn: TurnArgs,
    /// From which every order and payload follows; else from the clock.
    pub seed: Option<u64>,
    /// What is added to the plan.
    pub go_on: GoOn,
    /// Whether progress is kept off the terminal.
    pub quiet: bool,
    /// Whether a first answer is shown, and drawn again after each round.
    pub provisional: bool,
    /// The lesson that it is, and what is predicted.
    pub lesson: Option<Taken>,
}

/// Measures what is asked for.
///
/// # Errors
/// When it cannot begin. What happens to a contender is a record, and what breaks a session off later is
/// told by [`Measured::exit`], when what was kept has been shown.
pub fn carry_out(mut asked: Asked) -> Result<Measured, Failure> {
    measure::adopt_orphans();
    let interrupt = watch()?;
    if let Some(resumed) = asked
        .resumed
        .take_if(|it| is_finished(&it.results, &mut asked.go_on))
    {
        return Ok(finished(resumed));
    }
    if let Some(resumed) = &asked.resumed {
        resumed.same_contestants(&asked.contestants)?;
    }
    let mut turn = Turn::take(asked.turn, doing(&asked), &interrupt)?;
    let bench = match asked.bench.take() {
        Some(bench) => bench,
        None => start_bench(&interrupt)?,
    };
    turn.say(&bench.agents());
    let (folder, results, writer) = match asked.resumed.take() {
        Some(resumed) => resumed.open(&bench)?,
        None => begin(&mut asked, &bench)?,
    };
    let missing = missing(&results);
    let mut session = Session {
        progress: Progress::new(
            missing.len() as u64,
            nominal(&results.run.suite, &missing),
            asked.quiet,
        ),
        results,
        folder: folder.clone(),
        turn,
        contestants: asked.contestants,
        provisional: asked.provisional,
        under_way: Vec::new(),
        writer,
        bench,
    };
    let ended = session.measure(asked.go_on);
    session.note_end(&ended);
    session.progress.finish();
    let (results, turn) = session.end();
    measure::end_orphans();
    Ok(Measured {
        folder,
        results,
        ended,
        turn: Some(turn),
    })
}

/// Whether nothing is left to measure.
fn is_finished(results: &Results, go_on: &mut GoOn) -> bool {
    let mut more = || report::on_threads_of_its_own(|| go_on(results, Duration::ZERO));
    missing(results).is_empty() && more().is_none()
}

fn finished(resumed: Resumed) -> Measured {
    note(&format!(
        "{} is finished: all {} passes of its plan are recorded; nothing is left to measure",
        resumed.folder.display(),
        resumed.results.run.passes.len()
    ));
    Measured {
        folder: resumed.folder,
        results: resumed.results,
        ended: Ok(()),
        turn: None,
    }
}

/// What others are told who wait for their turn.
fn doing(asked: &Asked) -> Doing {
    let entrants: Vec<_> = asked
        .contestants
        .iter()
        .map(|it| it.entrant.clone())
        .collect();
    let passes = match &asked.resumed {
        Some(resumed) => missing(&resumed.results),
        None => plan::passes(&asked.suite, &plan::present(&entrants), 0),
    };
    Doing::typed(nominal(&asked.suite, &passes))
}

/// A new folder, with a new plan in it.
fn begin(asked: &mut Asked, bench: &Bench) -> Result<(PathBuf, Results, Writer), Failure> {
    let run = plan_of(asked, bench)?;
    let folder = asked.out.take().unwrap_or_else(|| folder(&run));
    let writer = Writer::create(&folder, &run)?;
    let results = Results {
        run,
        passes: Vec::new(),
        damage: Vec::new(),
        traces: Vec::new(),
    };
    Ok((folder, results, writer))
}

/// Signals, as whoever waits sees them.
///
/// # Errors
/// When there is no descriptor or handler to be had.
pub fn watch() -> Result<Arc<std::os::fd::OwnedFd>, Failure> {
    interrupt::watch().map_err(|error| {
        Failure::tool("prepare", "signals cannot be watched", error.to_string())
            .hint("the same after `ulimit -n` with a higher number")
    })
}

/// Starts both agents from this very program.
///
/// # Errors
/// When they cannot be started.
pub fn start_bench(interrupt: &Arc<std::os::fd::OwnedFd>) -> Result<Bench, Failure> {
    const WHAT: &str = "the agents cannot be started";
    let hint = |cause: &str| {
        let when = of_a_limit(cause)
            .unwrap_or("again; `ulimit -n` and `ulimit -u` say what this user may have");
        format!("the same {when}")
    };
    let program = std::env::current_exe().map_err(|error| {
        let cause = error.to_string();
        Failure::tool("prepare", WHAT, cause.as_str()).hint(hint(&cause))
    })?;
    Bench::start(&program, Some(Arc::clone(interrupt))).map_err(|error| {
        let hint = hint(&error.to_string());
        Failure::agent("prepare", WHAT, &error, hint)
    })
}

/// Takes out of the suite the scenarios that this machine has no room for, each with what it would need.
///
/// # Errors
/// When none is left.
fn leave_out(
    suite: &mut Suite,
    contestants: &[Contestant],
    bench: &Bench,
) -> Result<Vec<LeftOut>, Failure> {
    let mut left_out = Vec::new();
    // Limits are known of this host, and load hosts have their own.
    let is_here = bench.load_hosts().is_empty();
    let fits = |scenario: &Scenario| {
        bench.place(scenario.server_cpus, scenario.placement)?;
        let lacks = is_here.then(|| room::lacks(scenario, contestants, &bench.host));
        lacks.flatten().map_or(Ok(()), Err)
    };
    suite.scenarios.retain(|scenario| match fits(scenario) {
        Ok(()) => true,
        Err(reason) => {
            let scenario = scenario.name.clone();
            left_out.push(LeftOut { scenario, reason });
            false
        }
    });
    match left_out.first() {
        Some(LeftOut { scenario, reason })
            if suite.scenarios.is_empty() && suite.capacity.is_none() =>
        {
            Err(Failure::usage(
                format!("scenario {scenario} cannot be placed on this machine"),
                reason.clone(),
            )
            .hint("fiveways doctor, for what to change on this machine"))
        }
        _ => Ok(left_out),
    }
}

fn plan_of(asked: &mut Asked, bench: &Bench) -> Result<Run, Failure> {
    let left_out = leave_out(&mut asked.suite, &asked.contestants, bench)?;
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
        lesson: asked.lesson.take(),
        resumed: Vec::new(),
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

/// Whether two planned passes are of contenders that are alive together.
pub fn same_block(a: &Planned, b: &Planned) -> bool {
    let key = |it: &Planned| (it.pass, it.round, it.block);
    key(a) == key(b) && a.scenario == b.scenario
}

struct Session {
    folder: PathBuf,
    contestants: Vec<Contestant>,
    provisional: bool,
    results: Results,
    writer: Writer,
    bench: Bench,
    progress: Progress,
    turn: Turn,
    /// Passes that have begun and are not recorded.
    under_way: Vec<Planned>,
}

impl Session {
    /// The plan, and what is added to it.
    fn measure(&mut self, mut go_on: GoOn) -> Result<(), Broken> {
        if self.results.run.yardsticks.is_empty() {
            self.yardsticks()?;
        }
        let mut passes = missing(&self.results);
        loop {
            self.passes(&passes)?;
            let spent = self.turn.spent();
            match report::on_threads_of_its_own(|| go_on(&self.results, spent)) {
                Some(more) => passes = self.add(more)?,
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

    /// These passes, block by block.
    fn passes(&mut self, passes: &[Planned]) -> Result<(), Broken> {
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
            let round = block[0].round;
            if round_ends && timing && self.provisional && self.progress.wants_answer(round) {
                let results = &self.results;
                let table = report::on_threads_of_its_own(|| {
                    report::terminal(results, &report::summarise(results), None)
                });
                self.progress.provisional(round, &table);
            }
        }
        Ok(())
    }

    /// What is added stands in the plan before it is made: resuming is plan minus records.
    fn add(&mut self, more: More) -> Result<Vec<Planned>, Broken> {
        let run = &mut self.results.run;
        run.suite = more.suite;
        self.progress.more(more.passes.len() as u64);
        run.passes.extend(more.passes.iter().cloned());
        self.writer.write_plan(run).map_err(Broken::Store)?;
        Ok(more.passes)
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
        let shared = self.turn.is_shared();
        let passes = measure::round(&mut self.bench, &scenario, &placement, &entries, seed)
            .map_err(Broken::Agent)?;
        self.keep(passes, shared)
    }

    fn lab(&mut self, lab: &Lab, planned: &Planned) -> Result<(), Broken> {
        self.progress.lab(lab, planned);
        let seed = self.results.run.seed;
        let shared = self.turn.is_shared();
        let pass = labs::pass(&mut self.bench, lab, planned, seed).map_err(Broken::Agent)?;
        self.keep(vec![pass], shared)
    }

    /// Records what was measured, with whether somebody else did so meanwhile.
    fn keep(&mut self, mut passes: Vec<Pass>, shared: bool) -> Result<(), Broken> {
        let beside = shared || self.turn.is_shared();
        passes.iter_mut().for_each(|pass| pass.host.beside = beside);
        let (before, made) = (self.results.passes.len(), passes.len() as u64);
        let written = self.writer.append(&passes);
        self.results.passes.extend(passes);
        let written = match written {
            Err(gone @ StoreError::Vanished(_)) => self.write_again(&gone),
            other => other,
        };
        match written {
            Ok(()) => self.progress.done(made),
            // What is said to be kept is kept.
            Err(_) => self.results.passes.truncate(before),
        }
        written.map_err(Broken::Store)
    }

    /// Everything that was recorded is known here: a folder that somebody has removed is made again.
    fn write_again(&mut self, gone: &StoreError) -> Result<(), StoreError> {
        self.writer = Writer::create(&self.folder, &self.results.run)?;
        self.writer.append(&self.results.passes)?;
        let passes = self.results.passes.len();
        note(&format!(
            "{gone}; it is made again, with all {passes} passes"
        ));
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

    /// Ends the agents, and hands on what was measured, and the turn.
    fn end(self) -> (Results, Turn) {
        drop(self.bench);
        (self.results, self.turn)
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
