//! One run against another: what changed, by how much, how sure, and what differs between the two that no server did.
//!
//! Two runs share no instant, so what the machine did between them cannot be seen; but it did it to all contenders.
//! So a change is a contender's own only beyond what all of them show, and only beyond how far contenders scatter
//! between these two runs (`change`). It pays with blindness to what changed all alike, and ends at a verdict for CI.

use record::{Answer, Results};
use serde_json::{Value, json};

mod by_host;
mod change;
mod conditions;
mod gate;
mod page;

pub use by_host::by_host;
pub(crate) use by_host::{ByHost, Row};
pub use change::Change;
pub use gate::Gate;

use change::Shift;

/// Metrics that are compared wherever both runs have them; a gate adds its own.
const METRICS: &[&str] = &[
    "throughput_per_s",
    "response_ns_p50",
    "response_ns_p99",
    "service_ns_p50",
    "service_ns_p99",
    "connect_ns_p50",
    "cpu_us_per_request",
    "system_calls_per_request",
    "memory_bytes_per_connection",
];

/// A run under the name that its reader gave it.
pub struct Side<'a> {
    /// Folder or saved name.
    pub name: String,
    /// The records.
    pub results: &'a Results,
}

/// Everything that a comparison says.
pub struct Compared {
    names: Vec<String>,
    /// What differs beside the servers: the facts, by side.
    differences: Vec<(String, Vec<String>)>,
    changes: Vec<Change>,
    shifts: Vec<Shift>,
    left_out: Vec<String>,
    gates: Vec<Gate>,
}

/// The first of `sides` against each of the others, by the usual metrics and those of `gates`. Two at least.
pub fn compare(sides: &[Side<'_>], gates: &[Gate]) -> Compared {
    let mut metrics = METRICS.to_vec();
    let asked = gates.iter().map(|gate| gate.metric.as_str());
    metrics.extend(asked.filter(|metric| !METRICS.contains(metric)));
    let found = change::changes(sides, &metrics);
    Compared {
        names: sides.iter().map(|side| side.name.clone()).collect(),
        differences: conditions::differences(sides),
        changes: found.changes,
        shifts: found.shifts,
        left_out: found.left_out,
        gates: gates.to_vec(),
    }
}

impl Compared {
    /// What broke a gate, surely.
    pub fn regressions(&self) -> Vec<(&Gate, &Change)> {
        let of = |gate| {
            let changes = self.changes.iter();
            changes.filter_map(move |it| Gate::is_broken_by(gate, it).then_some((gate, it)))
        };
        self.gates.iter().flat_map(of).collect()
    }

    /// Everything that was compared.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// For a terminal of so many columns (60 at least).
    pub fn terminal(&self, columns: usize) -> String {
        page::terminal(self, columns.max(60))
    }

    /// For a pull request.
    pub fn markdown(&self) -> String {
        page::markdown(self)
    }

    /// `fiveways-compare/1`.
    pub fn object(&self) -> Value {
        let changes = self.changes.iter().map(Change::object);
        let regressions = self.regressions().into_iter().map(|(gate, change)| {
            let mut object = change.object();
            object["gate"] = gate.to_string().into();
            object
        });
        json!({
            "schema": "fiveways-compare/1",
            "sides": self.names,
            "differences": self.differences.iter().map(|(name, values)| json!({"name": name, "values": values})).collect::<Vec<_>>(),
            "changes": changes.collect::<Vec<_>>(),
            "shifts": self.shifts.iter().map(Shift::object).collect::<Vec<_>>(),
            "not_compared": self.left_out,
            "regressions": regressions.collect::<Vec<_>>(),
        })
    }

    fn count(&self, answer: Answer) -> usize {
        self.changes.iter().filter(|it| it.answer == answer).count()
    }
}
