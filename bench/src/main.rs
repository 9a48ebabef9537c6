//! fiveways: measures concurrency models of TCP servers. Verbs only; what they do stands in `drive`.

mod drive;

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand};

use drive::failure::Failure;

/// The same TCP echo server in every concurrency model, and one instrument that measures them alike.
///
/// On the first day: `fiveways run` measures all and says who is fastest, at what cost; `fiveways duel A B`
/// compares two closely, `fiveways compare A B` two runs; `fiveways capacity` searches for the highest rate that each
/// sustains; `fiveways choose` says who meets a need of yours; `fiveways list` shows what there is to run; `fiveways
/// verify` checks that every server answers as it must; `fiveways trace` draws a few requests through the kernel;
/// `fiveways doctor` looks this machine over; `fiveways report` draws the newest results again; `fiveways explain` says
/// what a word of it means; `fiveways load` loads a server of your own; `fiveways lesson` asks you first and measures then;
/// `fiveways papers` puts published results to the test; `fiveways resume` goes on where a run was broken off.
#[derive(Parser)]
#[command(
    name = "fiveways",
    version,
    arg_required_else_help = true,
    max_term_width = 80
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    color: colorchoice_clap::Color,
}

#[derive(Subcommand)]
enum Verb {
    /// Measure the contenders under a suite of scenarios; records, charts and a report land in a folder
    Run(RunArgs),
    /// Who is ahead, by how much, how sure: two contenders or more, in turns until the answer is narrow
    Duel(drive::duel::DuelArgs),
    /// The highest rate that each contender sustains within a promise (an SLO), searched for by bisection
    Capacity(drive::capacity::CapacityArgs),
    /// What changed from one run to another: ratios with intervals, and a gate for CI (`--fail-if`)
    Compare(drive::compare::CompareArgs),
    /// Who meets a need (connections, rate, work, state, an SLO), with what headroom, and what excludes the others
    Choose(drive::choose::ChooseArgs),
    /// Go on with a run that was broken off: what is missing is its plan less its records
    Resume(drive::resume::ResumeArgs),
    /// Make the report of a results folder again (default: the newest below ./results)
    Report {
        /// A folder that a run has written
        dir: Option<PathBuf>,
        /// The claims in this language
        #[arg(long, value_name = "en|zh", default_value = "en", value_parser = drive::explain::language)]
        lang: report::Language,
        /// Write it, and the records, into a new folder that can be handed on: nothing tells whose machine it was
        #[arg(long, value_name = "COPY")]
        redact: Option<PathBuf>,
        /// Print the summary as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// The answers and figures of a results folder in this terminal, with bars; of one scenario, or of one metric
    Show(drive::show::ShowArgs),
    /// One picture of a results folder, for a slide: SVG or PNG, of whom and how wide you like
    Chart(drive::chart::ChartArgs),
    /// The figures of every round for other tools: CSV, JSON lines, HdrHistogram percentile files
    Export(drive::export::ExportArgs),
    /// List suites and contenders, and what would be skipped
    List {
        #[command(flatten)]
        who: Who,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Check that contenders answer as every server must: the contract, untimed
    Verify {
        /// A regular expression of names (default: all)
        contender: Option<String>,
        #[command(flatten)]
        who: Who,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// The JSON Schema of what is written: of a record, a run, a summary, or an observation of `export`
    Schema {
        /// Of what
        #[arg(value_parser = drive::schema::names())]
        name: String,
    },
    /// The completions of a shell, to be sourced by it: bash, zsh, fish, elvish, powershell
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Look this machine over: what stands, what to change and why, and what it cannot show
    Doctor(drive::doctor::DoctorArgs),
    /// What a word means that fiveways prints: a model, a metric, a doubt, a claim of the textbook, an exit code
    Explain(drive::explain::ExplainArgs),
    /// Predict first, then measure: ten lessons on how a server serves more than one client
    Lesson(drive::lesson::LessonArgs),
    /// Published results put to the test on this machine, each by its shape: list them, or run one
    Papers(drive::papers::PapersArgs),
    /// Draw a few requests through the kernel: who calls what, wakes whom, waits for what
    Trace(drive::trace::TraceArgs),
    /// Load one echo server of anybody's, and verify every byte of its replies
    Load(drive::load::LoadArgs),
    /// The far end of the instrument, on standard input and output
    #[command(hide = true)]
    Agent,
}

/// Which contenders there are.
#[derive(Args, Clone, Default)]
struct Who {
    /// More contenders, in a file of [[contender]]s
    #[arg(long, value_name = "FILE")]
    contenders: Vec<PathBuf>,
    /// One more contender, without a file: NAME='./mine {port}' (split into arguments, no shell)
    #[arg(long, value_name = "NAME=COMMAND")]
    with: Vec<String>,
}

/// What is run, and where its results go.
#[derive(Args, Clone)]
struct RunArgs {
    /// A suite's name or file
    #[arg(default_value = "quick")]
    suite: String,
    /// The results folder [default: ./results/SUITE-TIME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    there: drive::hosts::HostsArgs,
    /// Keep a name for this run's folder, for `compare --against NAME`
    #[arg(long, value_name = "NAME", value_parser = drive::saved::name)]
    save: Option<String>,
    /// Only contenders whose name matches
    #[arg(long, value_name = "REGEX")]
    only: Option<String>,
    /// Only scenarios whose name matches
    #[arg(long, value_name = "REGEX")]
    scenario: Option<String>,
    /// Rounds of each scenario, whatever the suite says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: Option<u32>,
    /// Fewer rounds, and without what takes longest: wider intervals, sooner
    #[arg(long)]
    quick: bool,
    /// Draw a few requests of each contender as well, traced after the last round: they stand in the page
    #[arg(long, conflicts_with = "hosts")]
    traces: bool,
    /// The textbook's claims in this language
    #[arg(long, value_name = "en|zh", default_value = "en", value_parser = drive::explain::language)]
    lang: report::Language,
    /// Add rounds until throughput ratios are known within so much: 1%; below 0.1% none ever is
    #[arg(long, value_name = "PERCENT", value_parser = drive::stopping::percent)]
    precision: Option<f64>,
    /// … or so much time is spent [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, requires = "precision")]
    budget: Option<Duration>,
    /// End with exit code 5 when a cell's figures are weak (its doubt is in the table)
    #[arg(long)]
    strict: bool,
    /// From which every order and payload follows [default: from the clock]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    turn: drive::turn::TurnArgs,
    /// Print the summary as one JSON object on standard output
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    // Before anything else: as a child of the spawn lab this program is measured to its first instruction.
    if primitives::spawn::is_the_child() {
        primitives::spawn::say_when_it_began();
        return ExitCode::SUCCESS;
    }
    let cli = Cli::parse();
    cli.color.write_global();
    // A mistake of ours unwinds, so that agents end; what it was, the panic has said by then.
    let done = std::panic::catch_unwind(|| carry_out(cli.verb));
    done.unwrap_or_else(|_| Failure::mistake().tell(false))
}

fn carry_out(verb: Verb) -> ExitCode {
    let (json, done) = match verb {
        Verb::Agent => return agent(),
        Verb::Run(args) => (args.json, drive::run::run(&args, None)),
        Verb::Capacity(args) => (args.json, drive::capacity::capacity(&args, None)),
        Verb::Choose(args) => (args.json, drive::choose::choose(&args, None)),
        Verb::Duel(args) => (args.json, drive::duel::duel(&args, None)),
        Verb::Resume(args) => (args.json, drive::resume::resume(&args)),
        Verb::Compare(args) => (args.json, drive::compare::compare(&args)),
        Verb::Show(args) => (false, drive::show::show(&args)),
        Verb::Schema { name } => (false, drive::schema::schema(&name)),
        Verb::Completions { shell } => (false, completions(shell)),
        Verb::Export(args) => (false, drive::export::export(&args)),
        Verb::Chart(args) => (false, drive::chart::chart(&args)),
        Verb::Doctor(args) => (args.json, drive::doctor::doctor(&args)),
        Verb::Explain(args) => (args.json, drive::explain::explain(&args)),
        Verb::Lesson(args) => (args.json, drive::lesson::lesson(&args, None)),
        Verb::Papers(args) => (args.json, drive::papers::papers(&args, None)),
        Verb::Trace(args) => (args.json, drive::trace::trace(&args)),
        Verb::Load(args) => (args.json, drive::load::load(&args)),
        Verb::Report {
            dir,
            lang,
            redact,
            json,
        } => (json, drive::report::report(dir, lang, redact, json)),
        Verb::List { who, json } => (json, drive::list::list(&who, json)),
        Verb::Verify {
            contender,
            who,
            json,
        } => (
            json,
            drive::verify::verify(contender.as_deref(), &who, json),
        ),
    };
    match done {
        Ok(code) => code,
        Err(failure) => failure.tell(json),
    }
}

/// Made from the very verbs and flags above.
fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let whole = Cli::command();
    // What is hidden is nobody's to type.
    let shown = whole.get_subcommands().filter(|verb| !verb.is_hide_set());
    let mut shown = clap::Command::new("fiveways")
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments().cloned())
        .subcommands(shown.cloned());
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut shown, "fiveways", &mut script);
    drive::failure::print(&String::from_utf8_lossy(&script).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// A harness that is gone is its end, however that is noticed. Of what else ends it a launcher's harness repeats the last
/// line: it is told in one.
fn agent() -> ExitCode {
    match measure::serve(primitives::look) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let told =
                format!("the agent cannot go on: {error}; fiveways run starts its agents itself");
            Failure::tool("agent", told, String::new()).tell(false)
        }
    }
}
