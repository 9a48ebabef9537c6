//! Suites: TOML files of scenarios that are read together.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contender::{Contender, is_name};
use crate::fault::Fault;
use crate::lab::Lab;
use crate::network::Network;
use crate::quick::Quick;
use crate::search::Search;
use crate::toml_file::{self, FileError};
pub use crate::workers::Workers;
pub use crate::workload::{Pace, Workload};

/// Where the two sides of a pass run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Placing {
    /// The server on cores of its own, the generator on the others.
    #[default]
    Apart,
    /// Both on the same `server_cpus` cores: no figure of such a pass stands beside one of the other kind.
    Shared,
}

impl Placing {
    fn is_apart(&self) -> bool {
        *self == Placing::Apart
    }
}

/// How the contenders of a round share its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// All alive, loaded one at a time in short slices in a balanced order.
    Sliced,
    /// One after another, alone, in random order.
    Solo,
}

/// What is run: complete in itself, with the question it asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// `[a-z0-9-]+`: the key everywhere.
    pub name: String,
    /// What the reader sees.
    pub title: String,
    /// What is asked of it.
    pub question: String,
    /// What a connection does.
    pub workload: Workload,
    /// When the next request is due.
    #[serde(default = "closed")]
    pub pace: Pace,
    /// Clients at once.
    pub connections: u32,
    /// Bytes of a request, and of its reply.
    #[serde(default = "message")]
    pub message: usize,
    /// stream: requests of a connection that are on their way at once.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub depth: u32,
    /// crr: requests of a connection before it is closed.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub per_connection: u32,
    /// Closed loop: a client's pause between a reply and its next request.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Duration::is_zero"
    )]
    #[schemars(with = "String")]
    pub think: Duration,
    /// Keep idle cores from halting by spinners of the lowest priority: on a virtual machine a wake-up
    /// costs more than a request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_awake: bool,
    /// What a request costs the server beside the echo, in the words of `echo-server --work`.
    #[serde(default = "none")]
    pub work: String,
    /// Whether it is told which worker holds which connection, and how each of them was served.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_worker: bool,
    /// Bytes that the server holds before it starts (`256MiB`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The share of the state that a connection writes to (`10%`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touch: Option<String>,
    /// How many workers, said and never assumed.
    pub workers: Workers,
    /// Whole physical cores of the server; the generator gets the rest.
    pub server_cpus: u32,
    /// Slices or solo passes.
    pub measure: Measure,
    /// One stretch of load of a sliced round.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Duration::is_zero"
    )]
    #[schemars(with = "String")]
    pub slice: Duration,
    /// Load before the first measured instant, per contender and round.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Duration::is_zero"
    )]
    #[schemars(with = "String")]
    pub warmup: Duration,
    /// Loaded time of a contender in a round.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Duration::is_zero"
    )]
    #[schemars(with = "String")]
    pub window: Duration,
    /// Solo passes of load: how long a client waits for a reply before it gives up.
    #[serde(
        default = "timeout",
        with = "humantime_serde",
        skip_serializing_if = "is_usual"
    )]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// What is done to the server in the middle of its window. Clients whose connection is lost then come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Passes of every contender, each with fresh servers.
    pub rounds: u32,
    /// Rounds of counter passes after those, each contender alone; 0: none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub counters: u32,
    /// Connections beside those, each answered once and then silent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub idle: u32,
    /// Where the two sides run.
    #[serde(default, skip_serializing_if = "Placing::is_apart")]
    pub placement: Placing,
    /// What is done to the way between load hosts and server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// A look of a search for capacity, read with the others of that search.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// Who takes part, where not everybody of the suite does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contenders: Vec<String>,
    /// `of-own`: requests a second of each contender, once they are known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<String, f64>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn closed() -> Pace {
    Pace::Closed
}

fn message() -> usize {
    64
}

fn one() -> u32 {
    1
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

/// How long a client waits for a reply, unless a scenario says otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(2);

fn timeout() -> Duration {
    TIMEOUT
}

fn is_usual(timeout: &Duration) -> bool {
    *timeout == TIMEOUT
}

fn none() -> String {
    "none".to_owned()
}

/// The largest message, 1 MiB: the contract that every model is tested for.
pub const MESSAGE_MAX: usize = 1 << 20;

impl Scenario {
    /// Slices of a contender in one round.
    pub fn slices(&self) -> u32 {
        let slices = self.window.as_nanos() / self.slice.as_nanos().max(1);
        u32::try_from(slices).unwrap_or(u32::MAX)
    }

    /// Whether this contender is taken through it, as far as the suite says.
    pub fn asks(&self, contender: &str) -> bool {
        self.contenders.is_empty() || self.contenders.iter().any(|name| name == contender)
    }

    /// The key under which scenarios that differ in `connections` alone are one line of a chart.
    pub fn line(&self) -> String {
        let Scenario { work, workers, .. } = self;
        format!("{:?} {work} {workers:?} {}", self.pace, self.conditions())
    }

    /// The key under which scenarios that differ in `work` alone are one line of a chart.
    pub fn work_line(&self) -> String {
        let Scenario { pace, workers, .. } = self;
        let clients = self.connections;
        format!("{pace:?} {clients} {workers:?} {}", self.conditions())
    }

    /// The key under which scenarios that differ in `workers` alone are one line of a chart.
    pub fn workers_line(&self) -> String {
        let Scenario { pace, work, .. } = self;
        format!("{pace:?} {} {work} {}", self.connections, self.conditions())
    }

    /// Whether some of its requests are not to be answered (`missing@`): who asks one loses the connection, and
    /// comes back, which only windows provide for.
    pub fn withholds(&self) -> bool {
        self.work.contains("missing@") && self.measure == Measure::Solo
    }

    /// Requests a second that are due of a contender.
    pub fn rate_per_s(&self, contender: &str) -> Option<f64> {
        self.pace
            .rate_per_s()
            .or_else(|| self.rates.get(contender).copied())
    }

    /// Whether a rate is still to be found before it can be measured.
    pub fn is_unresolved(&self) -> bool {
        self.pace.share().is_some() && self.rates.is_empty()
    }

    /// The scenario as one contender is taken through it.
    pub fn as_of(&self, contender: &str) -> Scenario {
        match self.rate_per_s(contender) {
            Some(rate) if self.pace.share().is_some() => Scenario {
                pace: Pace::Poisson(rate),
                ..self.clone()
            },
            _ => self.clone(),
        }
    }

    /// The key under which scenarios that differ in their rate alone are one line of a chart.
    pub fn rate_line(&self) -> String {
        let pace = match self.pace {
            Pace::Closed => "closed",
            Pace::Constant(_) => "constant",
            Pace::Poisson(_) => "poisson",
            Pace::OfSlowest(_) => "of-slowest",
            Pace::OfOwn(_) => "of-own",
        };
        let Scenario { work, workers, .. } = self;
        let clients = self.connections;
        format!("{pace} {clients} {work} {workers:?} {}", self.conditions())
    }

    /// The key under which scenarios that differ in `touch` alone are one line of a chart.
    pub fn touch_line(&self) -> String {
        let other = Scenario {
            touch: None,
            ..self.clone()
        };
        other.alike()
    }

    /// The key under which scenarios that differ in `server_cpus` alone are one line of a chart.
    pub fn cores_line(&self) -> String {
        let other = Scenario {
            server_cpus: 1,
            ..self.clone()
        };
        other.alike()
    }

    /// The key under which scenarios that differ in `idle` alone belong together.
    pub fn bystanders_line(&self) -> String {
        let other = Scenario {
            idle: 0,
            ..self.clone()
        };
        other.alike()
    }

    /// Everything that a server is asked for.
    fn alike(&self) -> String {
        format!("{} {}", self.connections, self.line())
    }

    /// Everything that two scenarios of any line have in common.
    fn conditions(&self) -> String {
        let Scenario {
            workload,
            message,
            depth,
            per_connection,
            think,
            keep_awake,
            ..
        } = self;
        let Scenario {
            state,
            touch,
            server_cpus,
            idle,
            placement,
            timeout,
            fault,
            network,
            ..
        } = self;
        format!(
            "{workload:?} {message} {depth} {per_connection} {think:?} {keep_awake} {state:?} {touch:?} \
             {server_cpus} {idle} {placement:?} {timeout:?} {fault:?} {network:?}"
        )
    }

    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if !is_name(name) {
            return Err(format!("name `{name}` may hold only a-z, 0-9 and -"));
        }
        let wrong = |what: &str| Err(format!("scenario `{name}`: {what}"));
        if self.connections == 0 || self.server_cpus == 0 || self.rounds == 0 {
            return wrong("connections, server_cpus and rounds are at least 1");
        }
        if self.workers == Workers::Number(0) {
            return wrong("workers is at least 1, or \"connections\"");
        }
        if !(1..=MESSAGE_MAX).contains(&self.message) {
            return wrong("message is 1 to 1048576 bytes");
        }
        if self
            .pace
            .rate_per_s()
            .is_some_and(|rate| !(rate > 0.0 && rate <= 1e7))
        {
            return wrong("a rate is more than 0 and at most 10000000 requests a second");
        }
        if self
            .pace
            .share()
            .is_some_and(|share| !(share > 0.0 && share <= 2.0))
        {
            return wrong("a share of a capacity is more than 0 and at most 2: 0.8 is 80 %");
        }
        if self.idle > 0 && !matches!(self.workload, Workload::Rr | Workload::Stream) {
            return wrong("idle bystanders stand beside rr and stream");
        }
        let open = self.pace != Pace::Closed;
        if open && !matches!(self.workload, Workload::Rr | Workload::Crr) {
            return wrong("only rr and crr have a rate");
        }
        if self.depth == 0 || (self.depth > 1 && self.workload != Workload::Stream) {
            return wrong("depth is at least 1, and more than 1 only for stream");
        }
        if self.per_connection == 0 || (self.per_connection > 1 && self.workload != Workload::Crr) {
            return wrong("per_connection is at least 1, and more than 1 only for crr");
        }
        if self.by_worker && self.workload != Workload::Rr {
            return wrong(
                "by_worker belongs to rr: other connections are gone before anybody looks, or say nothing",
            );
        }
        if self.counters > 0 && self.workload == Workload::Idle {
            return wrong("who is idle asks for nothing that could be counted a request");
        }
        if open && !self.think.is_zero() {
            return wrong("with a rate nobody thinks: think belongs to pace = \"closed\"");
        }
        let in_windows = self.measure == Measure::Solo && self.workload != Workload::Idle;
        if self.timeout.is_zero() || (self.timeout != TIMEOUT && !in_windows) {
            return wrong("timeout is more than 0, and belongs to solo scenarios of load");
        }
        if let Some(fault) = self.fault {
            if self.workload != Workload::Rr || !in_windows || self.pace.rate_per_s().is_none() {
                return wrong(
                    "a fault shows in kept connections and requests that are due all the same: workload = \"rr\", \
                     measure = \"solo\", pace = { constant = 2000 }",
                );
            }
            if self.counters > 0 {
                return wrong(
                    "a server that is struck is not counted: take out counters, or fault",
                );
            }
            fault.check(self.window).or_else(wrong)?;
        }
        if let Some(network) = &self.network {
            network.check().or_else(wrong)?;
        }
        match self.measure {
            Measure::Solo if self.workload != Workload::Idle && self.window.is_zero() => {
                wrong("a solo scenario of load says its window")
            }
            Measure::Solo => Ok(()),
            Measure::Sliced
                if matches!(self.workload, Workload::Idle | Workload::Stream) || open =>
            {
                wrong("idle, stream and every rate are measured solo")
            }
            Measure::Sliced if self.connections + self.idle > 500 || !self.think.is_zero() => {
                wrong("sliced rounds hold at most 500 connections a contender, and nobody thinks")
            }
            Measure::Sliced if self.slice.is_zero() || self.window < self.slice => {
                wrong("a sliced scenario says slice, and a window of at least one slice")
            }
            Measure::Sliced => Ok(()),
        }
    }
}

/// Scenarios that are read together, and the question they answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The file's stem.
    #[serde(skip)]
    pub name: String,
    /// What the whole suite asks.
    pub question: String,
    /// The contender that ratios refer to.
    pub reference: String,
    /// A regular expression of the contenders that it is about, where it is not about all; who is added by hand
    /// takes part all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// Whether the textbook's claims are judged by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub claims: bool,
    /// Whether published results are judged by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub papers: bool,
    /// What `--quick` leaves of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quick: Option<Quick>,
    /// Contenders that take part in this suite alone.
    #[serde(default, rename = "contender", skip_serializing_if = "Vec::is_empty")]
    pub contenders: Vec<Contender>,
    /// The search for capacities that goes before everything else, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Search>,
    /// In the order of the file.
    #[serde(default, rename = "scenario", skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<Scenario>,
    /// Parts that are measured by themselves, in the order of the file.
    #[serde(default, rename = "lab", skip_serializing_if = "Vec::is_empty")]
    pub labs: Vec<Lab>,
}

impl Suite {
    /// What is wrong with the whole.
    fn problem(&self) -> Option<String> {
        let taken = |one: &&Scenario| one.name == Search::FIRST || one.name.starts_with("rate-");
        if let (Some(_), Some(one)) = (&self.capacity, self.scenarios.iter().find(taken)) {
            return Some(format!(
                "scenario `{}` has the name of a look of the search",
                one.name
            ));
        }
        if let Some(Err(problem)) = self.capacity.as_ref().map(Search::check) {
            return Some(problem);
        }
        if let Some(name) = self.quick_stranger() {
            return Some(format!(
                "[quick] leaves out `{name}`, which the suite has not"
            ));
        }
        let share = |one: &&Scenario| one.pace.share().is_some();
        let asking = self.scenarios.iter().find(share)?;
        self.capacity.is_none().then(|| {
            format!(
                "scenario `{}` asks for a share of a capacity, and the suite has no [capacity] search",
                asking.name
            )
        })
    }
}

/// Reads a suite; `path` is for messages, its stem becomes the name.
///
/// # Errors
/// With file, line, column and, for a misspelt field, the nearest known one.
pub fn read_suite(text: &str, path: &Path) -> Result<Suite, FileError> {
    let mut suite: Suite = toml_file::parse(text, path)?;
    suite.name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    if let Some(problem) = suite.problem() {
        return Err(toml_file::entry_error(text, path, "scenario", 0, problem));
    }
    let mut names = std::collections::HashSet::new();
    for (index, scenario) in suite.scenarios.iter().enumerate() {
        let known = names.insert(&scenario.name);
        let problem = match scenario.check() {
            Ok(()) if known => continue,
            Ok(()) => format!("scenario `{}` stands twice", scenario.name),
            Err(problem) => problem,
        };
        return Err(toml_file::entry_error(
            text, path, "scenario", index, problem,
        ));
    }
    for (index, lab) in suite.labs.iter().enumerate() {
        let known = names.insert(&lab.name);
        let problem = match lab.check() {
            Ok(()) if known => continue,
            Ok(()) => format!("lab `{}` stands twice", lab.name),
            Err(problem) => problem,
        };
        return Err(toml_file::entry_error(text, path, "lab", index, problem));
    }
    if suite.scenarios.is_empty() && suite.labs.is_empty() {
        let problem = "it has neither a [[scenario]] nor a [[lab]]".to_owned();
        return Err(toml_file::entry_error(text, path, "scenario", 0, problem));
    }
    Ok(suite)
}
