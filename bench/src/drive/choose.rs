//! `choose`: who meets a need. The need is written as a suite and run at its rate on everybody; then those who meet it
//! are searched for the highest rate at which they still would, as far as a budget goes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use nix::sys::resource::{Resource, getrlimit};
use record::{Results, Search, Workload, read_suite};

use super::capacity;
use super::entrants;
use super::failure::{self, Exit, Failure, print};
use super::hosts::HostsArgs;
use super::measured::Measured;
use super::resume::Resumed;
use super::session::{self, Asked, More};
use super::turn::TurnArgs;
use crate::Who;

mod need;

use need::{Need, NeedArgs};

/// Columns of the answer where nobody says how wide the terminal is.
const WIDTH: usize = 80;
/// Looks of a whole search, as it usually goes: where to begin, up or down, the bisection, its repeats, the flat part.
const LOOKS: u32 = 15;
/// What a look takes beside its window: a server's start, connections, warm-up, its end.
const ABOUT_A_LOOK: Duration = Duration::from_millis(500);

/// What is needed, and of whom.
#[derive(Args, Clone)]
pub struct ChooseArgs {
    #[command(flatten)]
    need: NeedArgs,
    /// Rounds at the needed rate; an interval takes three
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(3..=1_000))]
    rounds: u32,
    /// Load of one round, and of one look for headroom
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = humantime::parse_duration)]
    window: Duration,
    /// What the search for headroom may take
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = humantime::parse_duration)]
    budget: Duration,
    /// Say headroom by CPU use, and search for none
    #[arg(long)]
    quick: bool,
    /// Only contenders whose name matches
    #[arg(long, value_name = "REGEX")]
    only: Option<String>,
    /// The results folder [default: ./results/need-TIME]
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
    /// Print one JSON object: the answer and where everybody stands
    #[arg(long)]
    pub json: bool,
}

/// The verb.
///
/// # Errors
/// When the need cannot be meant or not be measured here, or its results cannot be written.
pub fn choose(args: &ChooseArgs, resumed: Option<Resumed>) -> Result<ExitCode, Failure> {
    let need = args.need.need(args.window)?;
    if args.there.hosts.is_none() {
        // Limits are known of this host, and load hosts have their own.
        need.fits(descriptors(), measure::ports().unwrap_or(u64::MAX))?;
    }
    let mut bench = args.there.bench()?;
    let contestants = entrants::matching(&args.who, args.only.as_deref(), bench.as_mut())?;
    let suite_text = need.toml(args.rounds, &capacity::reference(&contestants));
    let suite = read_suite(&suite_text, &PathBuf::from("need.toml")).map_err(|error| {
        Failure::usage("the need makes no suite", error.to_string())
            .hint("fiveways choose --help, for what a need may say")
    })?;
    if !args.json {
        note(&need);
    }
    let mut headroom = SearchFor::new(args, &need);
    let measured = session::carry_out(Asked {
        suite,
        suite_text: suite_text.clone(),
        contestants,
        bench,
        out: args.out.clone(),
        resumed,
        turn: args.turn,
        seed: args.seed,
        go_on: Box::new(move |results, _| headroom.more(results)),
        quiet: args.json,
        provisional: false,
        lesson: None,
    })?;
    conclude(args, &need, &suite_text, measured)
}

/// What of the need is measured otherwise than it was said.
fn note(need: &Need) {
    if need.under.workload == Workload::Crr {
        let requests = need.under.per_connection;
        failure::note(&format!(
            "every connection is closed after {requests} requests and opened anew (crr): the generator does not mix \
             those with connections that stay"
        ));
    }
}

/// The most descriptors that a process may have here.
fn descriptors() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(_, hard)| hard)
}

/// The second stage: whose headroom is searched for, until when.
struct SearchFor {
    search: Option<Search>,
    budget: Duration,
    begun: Option<Instant>,
}

impl SearchFor {
    fn new(args: &ChooseArgs, need: &Need) -> Self {
        SearchFor {
            search: (!args.quick).then(|| need.under.clone()),
            budget: args.budget,
            begun: None,
        }
    }

    /// The next looks at those who meet the need, while there is time.
    fn more(&mut self, results: &Results) -> Option<More> {
        let search = self.search.as_ref()?;
        let begun = match self.begun {
            Some(begun) => begun,
            None => {
                let mut search = search.clone();
                search.contenders = self.affordable(report::meeting(results, &search.slo));
                if search.contenders.is_empty() {
                    self.search = None;
                    return None;
                }
                self.search = Some(search);
                *self.begun.insert(Instant::now())
            }
        };
        if begun.elapsed() >= self.budget {
            return None;
        }
        let mut results = results.clone();
        results.run.suite.capacity = self.search.clone();
        capacity::looks(&results)
    }

    /// As many of them as a whole search each has time for, the most promising first.
    fn affordable(&self, mut meeting: Vec<String>) -> Vec<String> {
        let window = self.search.as_ref().map_or(Duration::ZERO, |it| it.window);
        let one = (window + ABOUT_A_LOOK) * LOOKS;
        let most = (self.budget.as_secs_f64() / one.as_secs_f64().max(1e-3)) as usize;
        meeting.truncate(most);
        meeting
    }
}

fn conclude(
    args: &ChooseArgs,
    need: &Need,
    suite: &str,
    measured: Measured,
) -> Result<ExitCode, Failure> {
    let (results, folder) = (&measured.results, &measured.folder);
    let path = folder.join("suite.toml");
    std::fs::write(&path, suite).map_err(|error| {
        Failure::tool(
            "results",
            format!("{} cannot be written", path.display()),
            error.to_string(),
        )
        .hint("--out with a folder on a disk that has room")
    })?;
    measured.write_report(report::Language::English)?;
    let choice = report::choice(results, &need.under.slo);
    if args.json {
        let mut object = serde_json::to_value(&choice).unwrap_or_default();
        object["seed"] = results.run.seed.into();
        object["suite"] = path.display().to_string().into();
        object["results"] = folder.display().to_string().into();
        print(&object);
    } else {
        print(&report::choice_text(&choice, WIDTH));
        print(&format!(
            "suite: {}\nreport: {}",
            path.display(),
            folder.join("report.html").display()
        ));
    }
    // Who fails under a need is excluded by it: that is an answer. Wrong bytes are more than that.
    Ok(match measured.exit()? {
        Exit::CellsFailed => Exit::Well,
        exit => exit,
    }
    .into())
}
