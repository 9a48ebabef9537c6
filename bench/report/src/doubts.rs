//! Doubts: what makes the figures of a cell weak. Each is a pure function of the cell's records and a row of
//! [`DOUBTS`]; the first that answers is the cell's verdict, and says what to type next. That there are few replies
//! weakens percentiles alone: counts, CPU time and memory do not rest on the tail of a distribution.
//!
//! | what weakens it | where |
//! |---|---|
//! | the server did not do what was asked | `server` |
//! | the generator was the limit | `client` |
//! | too few replies or rounds, rounds that disagree or drift | `rounds` |
//! | somebody else used the host | `host` |
//! | the hypervisor took a round: it does not count | `stolen` |
//! | a slice was too short, or the others' were used | `slices` |
//! | not everybody's waiting was counted | `little` |

mod client;
mod host;
mod listed;
pub(crate) mod little;
mod rounds;
mod server;
mod slices;
pub(crate) mod stolen;
#[cfg(test)]
mod tests;

use record::Pass;

use crate::cells::Cell;
use crate::format;

pub(crate) use client::{LATE_NS, waiting};
pub(crate) use host::beside;
pub(crate) use listed::{by_reason, listed};
pub(crate) use server::kept_pace;

/// `valid`, or why not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The word in `summary.json`.
    pub word: String,
    /// Why, and what to do.
    pub reason: Option<String>,
}

/// One way in which figures may be weak.
struct Doubt {
    word: &'static str,
    look: fn(&Cell<'_>) -> Option<String>,
}

/// In order of precedence: what running it again would not mend goes before what chance may have done.
#[rustfmt::skip]
const DOUBTS: &[Doubt] = &[
    Doubt { word: UNSERVED, look: server::unserved },
    Doubt { word: "client-bound", look: client::client_bound },
    Doubt { word: HOST_NOISY, look: client::robbed },
    Doubt { word: "client-bound", look: client::late },
    Doubt { word: OVERLOAD, look: server::overload },
    Doubt { word: FEW_SAMPLES, look: rounds::few_samples },
    Doubt { word: TOO_FEW_ROUNDS, look: rounds::too_few_rounds },
    Doubt { word: "slice-too-short", look: slices::too_few_turns },
    Doubt { word: "restless", look: slices::restless },
    Doubt { word: HOST_NOISY, look: host::noisy },
    Doubt { word: "slice-too-short", look: little::in_slices },
    Doubt { word: UNSTABLE, look: little::in_windows },
    Doubt { word: UNSTABLE, look: client::moved_about },
    Doubt { word: UNSTABLE, look: rounds::drift },
    Doubt { word: UNSTABLE, look: rounds::spread },
];

/// The verdict of a cell in which not everybody was served.
pub(crate) const UNSERVED: &str = "unserved";
/// The verdict of a cell that did not answer what was asked of it.
pub(crate) const OVERLOAD: &str = "overload";
/// The verdict of percentiles that rest on too few replies; no other figure has it.
pub(crate) const FEW_SAMPLES: &str = "few-samples";
/// The verdict of a cell beside which somebody else was at work.
pub(crate) const HOST_NOISY: &str = "host-noisy";
/// The verdict of a cell whose rounds disagree.
pub(crate) const UNSTABLE: &str = "unstable";
/// The verdict of a cell that rests on too few rounds: what every cell of an unfinished run starts as.
pub(crate) const TOO_FEW_ROUNDS: &str = "too-few-rounds";
/// The verdict of a cell that may be ranked.
pub(crate) const VALID: &str = "valid";

impl Verdict {
    fn valid() -> Self {
        Verdict {
            word: VALID.to_owned(),
            reason: None,
        }
    }
}

/// The verdict of a cell that is complete but for it, and that of its percentiles where it is another: an outcome that is
/// not ok goes before every doubt.
pub(crate) fn verdicts(cell: &Cell<'_>) -> (Verdict, Option<Verdict>) {
    if let Some(pass) = cell.failed {
        let failed = Verdict {
            word: pass.outcome.as_str().to_owned(),
            reason: Some(failure(pass)),
        };
        return (failed, None);
    }
    let mut raised = DOUBTS.iter().filter_map(|doubt| {
        Some(Verdict {
            word: doubt.word.to_owned(),
            reason: Some((doubt.look)(cell)?),
        })
    });
    let first = raised.next().unwrap_or_else(Verdict::valid);
    if first.word == FEW_SAMPLES {
        (raised.next().unwrap_or_else(Verdict::valid), Some(first))
    } else {
        (first, None)
    }
}

/// Whether a verdict is a doubt: neither `valid` nor what happened to a pass that is not ok.
pub fn is_doubt(word: &str) -> bool {
    DOUBTS.iter().any(|doubt| doubt.word == word)
}

/// The words of all doubts.
#[cfg(test)]
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    DOUBTS.iter().map(|doubt| doubt.word)
}

/// The last line that a server wrote to its standard error, where that was recorded.
pub(crate) fn said(pass: &Pass) -> Option<&str> {
    let cause = pass.cause.as_ref()?;
    let mut lines = cause.stderr.lines().rev().map(str::trim);
    lines.find(|line| !line.is_empty())
}

/// Why a pass is not ok, as one line without paths.
pub(crate) fn failure(pass: &Pass) -> String {
    let Some(cause) = &pass.cause else {
        return format!("round {}: no cause was recorded", pass.round);
    };
    let mut text = format!("round {}: {}", pass.round, cause.text.trim());
    let numbers = [
        ("errno", cause.errno),
        ("signal", cause.signal),
        ("exit", cause.exit),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            text.push_str(&format!(", {name} {number}"));
        }
    }
    if let Some(line) = said(pass) {
        text.push_str(&format!("; it said: {line}"));
    }
    // A server's words may be orders to a terminal.
    format::printable(&format::without_paths(&text))
}
