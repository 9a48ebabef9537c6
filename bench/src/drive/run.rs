//! `run`: a suite of scenarios over the contenders; at the end, or at the first Ctrl-C, a report of what
//! there is.

use std::process::ExitCode;
use std::time::Duration;

use measure::{Bench, Contestant};
use record::{CONTROL, Measure, Results, Scenario, Suite, Summary};

use super::capacity;
use super::entrants;
use super::failure::{Exit, Failure, print};
use super::labs;
use super::measured::Measured;
use super::resume::Resumed;
use super::saved;
use super::session::{self, Asked};
use super::site::Site;
use super::stopping::Stopping;
use super::suites;
use super::trace;
use super::turn::{Doing, Turn, TurnArgs};
use crate::{RunArgs, Who};

/// What a precision may cost unless it is said.
const BUDGET: Duration = Duration::from_secs(600);
/// About what a trace takes, as others are told who wait for their turn.
const TRACE: Duration = Duration::from_secs(1);

/// The verb.
///
/// # Errors
/// When the run cannot begin, or its results cannot be written. What happens to a contender is no error
/// but a record, and an exit code.
pub fn run(args: &RunArgs, resumed: Option<Resumed>) -> Result<ExitCode, Failure> {
    let (suite, suite_text) = match &resumed {
        Some(resumed) => resumed.suite(&args.suite)?,
        None => chosen_suite(args)?,
    };
    let mut bench = args.there.bench()?;
    let only = args.only.as_deref();
    let mut contestants = contestants(&args.who, only, &suite, bench.as_mut())?;
    add_control(&mut contestants, &suite);
    let budget = args.budget.unwrap_or(BUDGET);
    let stopping = args
        .precision
        .map(|precision| Stopping::new(precision, budget, false).after(resumed.as_ref()));
    let traced = contestants.clone();
    let mut measured = session::carry_out(Asked {
        suite,
        suite_text,
        contestants,
        bench,
        out: args.out.clone(),
        resumed,
        turn: args.turn,
        seed: args.seed,
        go_on: Box::new(move |results, spent| {
            let further = || stopping.as_ref()?.more(results, spent);
            capacity::more(results).or_else(further)
        }),
        quiet: args.json,
        provisional: !args.json,
        lesson: None,
    })?;
    if args.traces && measured.is_whole() {
        draw_traces(&mut measured, traced, args.turn)?;
    }
    conclude(args, measured)
}

/// Everybody who serves, once, and the control not again; in the turn of the run, or in one of its own where there was
/// nothing left to measure.
fn draw_traces(
    measured: &mut Measured,
    mut contestants: Vec<Contestant>,
    turn: TurnArgs,
) -> Result<(), Failure> {
    contestants.retain(|one| {
        let entrant = &one.entrant;
        entrant.skipped.is_none() && !entrant.is_part() && entrant.name != CONTROL
    });
    let interrupt = session::watch()?;
    if measured.turn.is_none() {
        let about = TRACE * contestants.len() as u32;
        measured.turn = Some(Turn::take(turn, Doing::typed(about), &interrupt)?);
    }
    trace::into(&measured.folder, &contestants, &interrupt)?;
    measured.results.traces = record::read_results(&measured.folder)?.traces;
    Ok(())
}

/// Servers, and whatever the labs of the suite name.
///
/// # Errors
/// When a suite names what there is none of, or two have one name.
pub fn contestants(
    who: &Who,
    only: Option<&str>,
    suite: &Suite,
    bench: Option<&mut Bench>,
) -> Result<Vec<Contestant>, Failure> {
    let parts = labs::mechanisms(suite)?;
    if suite.scenarios.is_empty() && suite.capacity.is_none() {
        return entrants::select(parts, only);
    }
    let mut site = Site::of(bench);
    let mut all = entrants::for_suite(who, only, suite, &mut site)?;
    for part in parts {
        if all.iter().any(|one| one.entrant.name == part.entrant.name) {
            return Err(Failure::usage(
                format!("two contenders are called `{}`", part.entrant.name),
                "a lab of the suite measures something of that name",
            )
            .hint("another name for yours"));
        }
        all.push(part);
    }
    Ok(all)
}

fn chosen_suite(args: &RunArgs) -> Result<(Suite, String), Failure> {
    let (mut suite, text) = suites::find(&args.suite)?;
    if args.quick {
        suite = suite.quickened();
    }
    if let Some(pattern) = &args.scenario {
        let regex = entrants::regex(pattern)?;
        let names: Vec<String> = suite
            .scenarios
            .iter()
            .map(|scenario| scenario.name.clone())
            .chain(suite.labs.iter().map(|lab| lab.name.clone()))
            .collect();
        suite
            .scenarios
            .retain(|scenario| regex.is_match(&scenario.name));
        suite.labs.retain(|lab| regex.is_match(&lab.name));
        if suite.scenarios.is_empty() && suite.labs.is_empty() {
            return Err(Failure::usage(
                format!("no scenario of {} matches `{pattern}`", suite.name),
                format!("there are {}", names.join(", ")),
            )
            .hint("--scenario with one of these, or without it for all"));
        }
    }
    if let Some(rounds) = args.rounds {
        suite
            .scenarios
            .iter_mut()
            .for_each(|scenario| scenario.rounds = rounds);
        suite.labs.iter_mut().for_each(|lab| lab.rounds = rounds);
        if let Some(search) = &mut suite.capacity {
            search.rounds = rounds;
        }
    }
    if !suite.scenarios.iter().any(Scenario::is_unresolved) {
        // Nobody asks for a share of what would be found.
        suite.capacity = None;
    }
    Ok((suite, text))
}

/// The reference once more, under another name: what two copies of one program differ by is what this run
/// cannot tell apart. Without anybody to compare it would say nothing.
fn add_control(contestants: &mut Vec<Contestant>, suite: &Suite) {
    let takes_part = |one: &&Contestant| one.entrant.skipped.is_none() && !one.entrant.is_part();
    let compared = contestants.iter().filter(takes_part).count() > 1;
    let sliced = suite
        .scenarios
        .iter()
        .any(|scenario| scenario.measure == Measure::Sliced);
    let mut present = contestants.iter().filter(takes_part);
    let reference = present.find(|one| one.entrant.name == suite.reference);
    if let (Some(reference), true, true) = (reference, sliced, compared) {
        contestants.push(reference.named(CONTROL, CONTROL));
    }
}

fn conclude(args: &RunArgs, measured: Measured) -> Result<ExitCode, Failure> {
    let (results, folder) = (&measured.results, &measured.folder);
    let summary = measured.write_report(args.lang)?;
    if let Some(name) = &args.save {
        saved::keep(name, folder)?;
    }
    if args.json {
        let mut object = serde_json::to_value(&summary).unwrap_or_default();
        object["results"] = folder.display().to_string().into();
        print(&object);
    } else {
        let page = folder.join("report.html");
        print(&report::terminal_in(
            results,
            &summary,
            Some(&page),
            args.lang,
        ));
    }
    let doubted = is_doubted(&summary, results);
    let exit = measured.exit()?;
    let refused = args.strict && exit == Exit::Well && doubted;
    Ok(if refused { Exit::Refused } else { exit }.into())
}

/// Whether the figures of any cell are weak; a search goes where they are.
fn is_doubted(summary: &Summary, results: &Results) -> bool {
    let scenarios = results.run.suite.scenarios.iter();
    let probes: Vec<&str> = scenarios
        .filter(|scenario| scenario.probe)
        .map(|scenario| scenario.name.as_str())
        .collect();
    let mut estimates = summary.estimates.iter();
    estimates.any(|it| report::is_doubt(&it.verdict) && !probes.contains(&it.scenario.as_str()))
}
