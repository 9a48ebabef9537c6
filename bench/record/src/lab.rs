//! Labs: parts measured by themselves, in suites beside (or instead of) scenarios, and what a pass of one
//! found.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contender::is_name;
use crate::histogram::Encoded;

/// Which lab: the family of its mechanisms.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LabKind {
    /// What starting something costs.
    Spawn,
    /// What a message costs.
    Ipc,
    /// What going from one task to the next costs.
    Switch,
    /// What a system call costs.
    Call,
    /// How tasks share a CPU.
    Share,
    /// What the kernel shows: no timing.
    Evidence,
}

impl LabKind {
    /// All of them, in the order of pages.
    pub const ALL: [LabKind; 6] = [
        LabKind::Spawn,
        LabKind::Ipc,
        LabKind::Switch,
        LabKind::Call,
        LabKind::Share,
        LabKind::Evidence,
    ];

    /// The lab of which this is the family.
    pub fn of_family(family: &str) -> Option<Self> {
        LabKind::ALL.into_iter().find(|it| it.as_str() == family)
    }

    /// As it is written in records and summaries.
    pub const fn as_str(self) -> &'static str {
        match self {
            LabKind::Spawn => "spawn",
            LabKind::Ipc => "ipc",
            LabKind::Switch => "switch",
            LabKind::Call => "call",
            LabKind::Share => "share",
            LabKind::Evidence => "evidence",
        }
    }
}

/// Where the tasks of a lab run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// All on one logical CPU.
    SameCore,
    /// One on each of two physical cores.
    TwoCores,
    /// Wherever the scheduler likes.
    Free,
}

impl Where {
    /// As it is written in suites.
    pub const fn as_str(self) -> &'static str {
        match self {
            Where::SameCore => "same-core",
            Where::TwoCores => "two-cores",
            Where::Free => "free",
        }
    }
}

/// The pages that a process's state stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pages {
    /// Of 4 KiB (of the machine's base size).
    #[default]
    Small,
    /// Transparent huge pages, as far as the kernel grants them.
    Huge,
}

/// One set of conditions, and the mechanisms that are measured under it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// `[a-z0-9-]+`: the key everywhere, as a scenario's.
    pub name: String,
    /// What the reader sees.
    pub title: String,
    /// What is asked of it.
    pub question: String,
    /// spawn, ipc, switch, call, share or evidence.
    pub lab: LabKind,
    /// Who takes part; `all` stands for every mechanism of the lab.
    pub mechanisms: Vec<String>,
    /// Where.
    #[serde(rename = "where")]
    pub placement: Where,
    /// spawn: MiB that the parent holds and has written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_mib: Option<u32>,
    /// spawn: in which pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<Pages>,
    /// spawn: threads of the parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// spawn: descriptors that the parent has open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<u32>,
    /// spawn: starts a second that are due, whatever the machine does; else one after another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// ipc: bytes of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// switch: tasks of the ring; share: tasks that have work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u32>,
    /// switch: KiB that each task sums up while it has the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_set_kib: Option<u32>,
    /// Before the first measured instant, per mechanism and round.
    #[serde(default, with = "humantime_serde")]
    #[schemars(with = "String")]
    pub warmup: Duration,
    /// Measured time of a mechanism in a round.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub window: Duration,
    /// Fresh processes each.
    pub rounds: u32,
}

/// The word for every mechanism of a lab.
pub const ALL: &str = "all";

impl Lab {
    /// What is wrong with it.
    ///
    /// # Errors
    /// As a sentence.
    pub(crate) fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if !is_name(name) {
            return Err(format!("name `{name}` may hold only a-z, 0-9 and -"));
        }
        let wrong = |what: &str| Err(format!("lab `{name}`: {what}"));
        if self.rounds == 0 || self.window.is_zero() || self.mechanisms.is_empty() {
            return wrong(
                "rounds is at least 1, window is not zero, and mechanisms names at least one (or \"all\")",
            );
        }
        let spawn = [
            ("state_mib", self.state_mib.is_some()),
            ("pages", self.pages.is_some()),
            ("threads", self.threads.is_some()),
            ("descriptors", self.descriptors.is_some()),
            ("rate", self.rate.is_some()),
        ];
        let ipc = [("bytes", self.bytes.is_some())];
        let shares = self.lab == LabKind::Share;
        let switch = [
            ("tasks", self.tasks.is_some() && !shares),
            ("working_set_kib", self.working_set_kib.is_some()),
        ];
        let of = |kind, fields: &[(&'static str, bool)]| {
            let mut said = fields.iter().filter(|(_, said)| *said);
            let stray = said.next().filter(|_| self.lab != kind);
            stray.map(|(field, _)| {
                let (kind, own): (LabKind, _) = (kind, self.lab.as_str());
                format!(
                    "lab `{name}`: {field} belongs to lab = \"{}\", not to \"{own}\"",
                    kind.as_str()
                )
            })
        };
        let stray = of(LabKind::Spawn, &spawn)
            .or_else(|| of(LabKind::Ipc, &ipc))
            .or_else(|| of(LabKind::Switch, &switch));
        if let Some(stray) = stray {
            return Err(stray);
        }
        self.check_figures().or_else(wrong)
    }

    fn check_figures(&self) -> Result<(), &'static str> {
        let is_rate = |rate: f64| rate > 0.0 && rate <= 1e6;
        match self.lab {
            LabKind::Spawn if self.state_mib.is_some_and(|mib| mib > 64 << 10) => {
                Err("state_mib is at most 65536")
            }
            LabKind::Spawn if self.threads == Some(0) || self.threads > Some(4096) => {
                Err("threads is 1 to 4096")
            }
            LabKind::Spawn if self.descriptors > Some(1 << 20) => {
                Err("descriptors is at most 1048576")
            }
            LabKind::Spawn if !self.rate.is_none_or(is_rate) => {
                Err("rate is more than 0 and at most 1000000 starts a second")
            }
            LabKind::Ipc
                if !self
                    .bytes
                    .is_some_and(|bytes| (1..=1 << 20).contains(&bytes)) =>
            {
                Err("bytes is said, 1 to 1048576")
            }
            LabKind::Switch | LabKind::Share
                if !self.tasks.is_some_and(|tasks| (2..=4096).contains(&tasks)) =>
            {
                Err("tasks is said, 2 to 4096")
            }
            LabKind::Switch if self.working_set_kib > Some(1 << 20) => {
                Err("working_set_kib is at most 1048576")
            }
            _ => Ok(()),
        }
    }
}

/// What a pass of a lab found. Names of distributions and figures are those of [`crate::LAB_METRICS`], a
/// distribution's without `_p50` and so on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Findings {
    /// Starts, round trips, laps: what the distributions count.
    pub times: u64,
    /// How many of them, or of their messages, were checked to be what they should be.
    pub verified: u64,
    /// By name, in nanoseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub histograms: BTreeMap<String, Encoded>,
    /// By name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, f64>,
    /// Why a figure is missing that others have, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub missing: BTreeMap<String, String>,
    /// What was seen beside figures: the system calls that start the child (`calls`), say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<String, String>,
}
