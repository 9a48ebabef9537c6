//! Faults: what a scenario has done to a server while it serves, and what was there before and after.
//!
//! Records hold who was struck and who was alive; how long service was out, and who served then, is read from
//! them and from the pass's bins. A fault is of whole processes: threads cannot be struck from outside.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done to a server in the middle of its window:
/// `fault = { strike = "worker", signal = "STOP", at = "500ms", mend = "500ms" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which process of its tree.
    pub strike: Victim,
    /// With what.
    pub signal: FaultSignal,
    /// How long after the window's beginning: a multiple of 100 ms.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub at: Duration,
    /// STOP: how long after the strike it is continued (CONT).
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub mend: Option<Duration>,
}

/// Which process of a server is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Victim {
    /// Of the processes below the one that was launched, the one that holds most connections; of several the one
    /// that has used most CPU. Where there is none, the one that was launched.
    Worker,
    /// The process that was launched.
    Parent,
}

/// What a process is struck with. Neither can be caught, blocked or ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum FaultSignal {
    /// It ends.
    Kill,
    /// It stands still until it is continued.
    Stop,
}

/// What must be seen of a window before the strike, and after the outage at the least.
const SEEN: Duration = Duration::from_millis(300);

/// The grain in which replies are counted around a strike, nanoseconds: who is struck inside of it has replies from
/// before the strike among those after it.
const GRAIN_NS: u128 = 100_000_000;

impl Fault {
    /// What is wrong with it in a window of this length, if anything is.
    ///
    /// # Errors
    /// With what it is.
    pub fn check(&self, window: Duration) -> Result<(), &'static str> {
        match (self.signal, self.mend) {
            (FaultSignal::Stop, None) => {
                return Err("who is stopped is continued: say after how long, mend = \"500ms\"");
            }
            (FaultSignal::Kill, Some(_)) => {
                return Err("who is killed cannot be mended: mend belongs to signal = \"STOP\"");
            }
            _ => {}
        }
        if !self.at.as_nanos().is_multiple_of(GRAIN_NS) {
            return Err(
                "replies are counted by tenths of a second, and a strike falls between two of them: `at` is a multiple \
                 of 100ms, as in at = \"500ms\"",
            );
        }
        let mended = self.at + self.mend.unwrap_or_default();
        if self.at < SEEN || mended + SEEN > window {
            return Err(
                "at least 300ms of the window lie before `at`, and 300ms after it and `mend`: else there is nothing \
                 to compare the outage with",
            );
        }
        Ok(())
    }
}

/// What the struck process was to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// One of several processes, and not the one that was launched.
    Worker,
    /// The one that was launched; others stand below it.
    Parent,
    /// The only process: its workers, if it has any, are threads.
    Only,
}

/// A process of a server's tree at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Its process.
    pub pid: i32,
    /// Whether it is the one that was launched.
    pub root: bool,
    /// Connections of which it has a descriptor.
    pub connections: u32,
}

/// A strike, as it was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Struck {
    /// Whom the signal went to.
    pub pid: i32,
    /// What it was to its server.
    pub role: Role,
    /// Just before the signal was asked for, since the beginning of the window, nanoseconds.
    pub at_ns: u64,
    /// How long it took until the server's host said that it was done: how far off `at_ns` may be.
    pub took_ns: u64,
    /// STOP: when it was continued, since the beginning of the window, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended_ns: Option<u64>,
    /// How the process that was launched ended, if it did, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_ended: Option<String>,
    /// Connections that were lost at least once, by how the client first learnt of it.
    pub hit: BTreeMap<String, u64>,
    /// Who was alive just before the window, and held what.
    pub before: Vec<Member>,
    /// Likewise when the last reply of the window had come or was given up.
    pub after: Vec<Member>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strike_falls_between_two_tenths_of_a_second() {
        let check = |at_ms: u64| {
            let fault = Fault {
                strike: Victim::Worker,
                signal: FaultSignal::Kill,
                at: Duration::from_millis(at_ms),
                mend: None,
            };
            fault.check(Duration::from_millis(1_500))
        };
        assert_eq!(check(500), Ok(()));
        assert_eq!(check(1_200), Ok(()));
        assert!(check(550).is_err_and(|why| why.contains("multiple of 100ms")));
        assert!(check(200).is_err_and(|why| why.contains("300ms")));
    }
}
