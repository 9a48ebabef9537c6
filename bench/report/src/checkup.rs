//! The checkup of a machine: what stands, why it matters to these figures, and the command that changes it.
//!
//! A finding is a row of [`RULES`] and one small function of host and yardsticks. It pays with opinions, each with
//! its reason beside it; it ends at the machine: what weakens a figure is `doubts`', what a run cannot show `limits`'.

mod cores;
mod kernel;
mod network;
mod page;
mod room;

use record::{Host, Yardstick};

use crate::yardsticks;

pub use page::{Ink, Style, checkup, checkup_object};

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// As it should be.
    Well,
    /// A command changes it for the better.
    Change,
    /// Not from inside this machine.
    Fixed,
}

impl State {
    /// In a JSON object.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Well => "ok",
            State::Change => "worth changing",
            State::Fixed => "cannot be changed here",
        }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How it stands.
    pub state: State,
    /// What stands, in a few words with its figure.
    pub stands: String,
    /// Why it matters to these figures.
    pub why: String,
    /// What to type.
    pub command: Option<String>,
}

impl Finding {
    fn well(stands: impl Into<String>, why: impl Into<String>) -> Self {
        Finding {
            state: State::Well,
            stands: stands.into(),
            why: why.into(),
            command: None,
        }
    }

    fn fixed(stands: impl Into<String>, why: impl Into<String>) -> Self {
        Finding {
            state: State::Fixed,
            ..Finding::well(stands, why)
        }
    }

    fn change(stands: impl Into<String>, why: impl Into<String>, command: &str) -> Self {
        Finding {
            state: State::Change,
            command: Some(command.to_owned()),
            ..Finding::well(stands, why)
        }
    }
}

/// What is looked over.
pub(crate) struct Machine<'a> {
    host: &'a Host,
    yardsticks: &'a [Yardstick],
}

impl<'a> Machine<'a> {
    fn value(&self, name: &str) -> Option<&'a str> {
        self.host.value(name)
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.host.number(name)
    }

    /// Why a fact is not known.
    fn reason(&self, name: &str) -> String {
        let reason = self.host.fact(name).and_then(|fact| fact.reason.clone());
        reason.unwrap_or_else(|| "it was not asked for".to_owned())
    }

    fn median(&self, name: &str) -> Option<f64> {
        yardsticks::median(self.yardsticks, name)
    }

    fn is_virtual(&self) -> bool {
        !matches!(self.host.virtualisation.as_str(), "none" | "" | "unknown")
    }

    fn is_root(&self) -> bool {
        self.value("process.user") == Some("root")
    }

    /// A setting that should be at least so much.
    fn at_least(&self, name: &str, least: f64, why: &str) -> Finding {
        match self.number(name) {
            None => Finding::fixed(format!("{name} is not known: {}", self.reason(name)), why),
            Some(number) if number >= least => Finding::well(format!("{name} = {number}"), why),
            Some(number) => Finding::change(
                format!("{name} = {number}"),
                why,
                &format!("sudo sysctl -w {name}={least}"),
            ),
        }
    }
}

/// A row: what is asked, and how it is answered; `None` where the question makes no sense.
type Rule = (&'static str, fn(&Machine<'_>) -> Option<Finding>);

/// Every question, in the order in which answers are read.
const RULES: &[Rule] = &[
    ("cores", cores::cores),
    ("hyper-threads", cores::threads),
    ("virtualisation", cores::virtualisation),
    ("wake-up", cores::wake_up),
    ("pages", cores::pages),
    ("governor", cores::governor),
    ("boost", cores::boost),
    ("clock source", cores::clock),
    ("steal", cores::steal),
    ("load", cores::load),
    ("accept queue", network::accept_queue),
    ("SYN queue", network::syn_queue),
    ("overflow", network::overflow),
    ("local ports", network::ports),
    ("TIME_WAIT reuse", network::reuse),
    ("TIME_WAIT room", network::buckets),
    ("congestion control", network::congestion),
    ("connection tracking", network::tracking),
    ("descriptors", room::descriptors),
    ("tasks", room::tasks),
    ("mappings", room::mappings),
    ("memory", room::memory),
    ("swap", room::swap),
    ("cgroup", room::cgroup),
    ("CPU limit", room::cpu_limit),
    ("perf", kernel::perf),
    ("tracepoints", kernel::tracepoints),
    ("huge pages", kernel::huge_pages),
    ("address layout", kernel::layout),
    ("mitigations", kernel::mitigations),
    ("NUMA balancing", kernel::balancing),
    ("page merging", kernel::merging),
    ("io_uring", kernel::io_uring),
];

/// Each answer with its question.
pub(crate) fn findings(host: &Host, yardsticks: &[Yardstick]) -> Vec<(&'static str, Finding)> {
    let machine = Machine { host, yardsticks };
    let answers = RULES
        .iter()
        .filter_map(|(about, rule)| Some((*about, rule(&machine)?)));
    answers.collect()
}

#[cfg(test)]
mod tests;
