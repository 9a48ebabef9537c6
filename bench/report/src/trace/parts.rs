//! A trace's parts: each client that came alone, and those that came all at once.

use record::Trace;
use record::trace::{Moment, MomentKind};

/// A stretch of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Whose it is.
    pub clients: Vec<String>,
    /// From the first client's coming.
    pub from_ns: u64,
    /// To the next part, or the end.
    pub to_ns: u64,
}

/// Whether an instant is in it.
impl Part {
    pub(super) fn has(&self, at_ns: u64) -> bool {
        at_ns >= self.from_ns && at_ns < self.to_ns
    }
}

/// Of those who came one after another, one each; then of those who came at once.
pub(super) fn parts(trace: &Trace) -> Vec<Part> {
    let comes = |moment: &&Moment| moment.what == MomentKind::Connect;
    let at_once = trace.at_once_ns.unwrap_or(u64::MAX);
    let mut parts: Vec<Part> = Vec::new();
    for moment in trace.clients.iter().filter(comes) {
        let together = moment.at_ns >= at_once;
        match parts.last_mut() {
            Some(part) if together && part.from_ns >= at_once => {
                part.clients.push(moment.client.clone());
            }
            before => {
                if let Some(before) = before {
                    before.to_ns = moment.at_ns;
                }
                parts.push(Part {
                    clients: vec![moment.client.clone()],
                    from_ns: moment.at_ns,
                    to_ns: u64::MAX,
                });
            }
        }
    }
    parts
}
