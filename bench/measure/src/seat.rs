//! One contender's place in a block: what is known of its server, and its pass as it grows.
//!
//! What happens to it is an outcome of its pass: the first failure is kept, but for what weighs more than
//! whatever was believed before (wrong bytes, a crash). It asks nobody; it ends at the record.

use std::time::Duration;

use record::pass::{Bin, Cause, Generator, Histograms, Outcome, Pass, Phase, Usage};

use crate::client::AgentError;
use crate::holders;
use crate::load::PATIENCE;
use crate::protocol::{Holder, Id, Measured, Queued, Stopped, Tally};
use crate::strike;

/// A seat.
#[derive(Debug)]
pub struct Seat {
    /// Of its server, for the agent.
    pub id: Id,
    /// Where it listens, once it does.
    pub port: u16,
    /// The process that was launched, once it listens.
    pub root: i32,
    /// How long its clients wait for first answers.
    pub patience: Duration,
    /// How many of them have ever got one: once so many have, nobody waits long for the others.
    pub enough: Option<u32>,
    /// Whether it is running, as far as is known.
    pub alive: bool,
    /// Requests since the first echo.
    pub tally: Tally,
    /// Connections of each load host that got a first answer.
    pub served_by_host: Vec<u32>,
    /// Who held its connections, before and after the load.
    pub holders: Vec<Vec<Holder>>,
    /// Its record.
    pub pass: Pass,
}

impl Seat {
    /// With what is known of its pass before anything has happened; it is not running yet.
    pub fn new(id: Id, pass: Pass) -> Self {
        Seat {
            id,
            port: 0,
            root: 0,
            patience: PATIENCE,
            enough: None,
            alive: false,
            tally: Tally::default(),
            served_by_host: Vec::new(),
            holders: Vec::new(),
            pass,
        }
    }

    /// Its pass has failed; the first failure is kept.
    pub fn fail(&mut self, outcome: Outcome, cause: Cause) {
        if self.pass.outcome == Outcome::Ok {
            self.pass.outcome = outcome;
            self.pass.cause = Some(cause);
        }
    }

    /// What an agent cannot do for this seat is this seat's failure; anything else is the round's.
    pub fn tolerate<T>(&mut self, error: AgentError) -> Result<Option<T>, AgentError> {
        match error {
            AgentError::Refused(cause) => {
                self.fail(Outcome::Partial, cause);
                Ok(None)
            }
            other => Err(other),
        }
    }

    /// What the generator measured of it, by worker too where that is wanted, and what was seen at its door.
    pub fn keep(&mut self, measured: Measured, cpus: &[usize], looks: &[Queued], by_worker: bool) {
        self.tally = measured.tally;
        self.pass.idle.served = self.tally.idle;
        self.pass.requests = self.tally.requests.clone();
        self.pass.slices = measured.slices;
        self.pass.bins = measured.bins;
        note_queues(&mut self.pass.bins, looks);
        if by_worker && let [before, after] = &self.holders[..] {
            self.pass.by_worker = holders::workers(before, after, &measured.by_connection);
        }
        self.pass.histograms = Histograms {
            service: measured.service,
            response: measured.response,
            connect: measured.connect,
            lag: measured.lag,
        };
        self.pass.generator = Generator {
            cpus: cpus.to_vec(),
            ..measured.generator
        };
    }

    /// Who of a struck server is left, and whose connections it cost.
    pub fn note_survivors(&mut self) {
        let Some(struck) = &mut self.pass.struck else {
            return;
        };
        if let [_, after] = &self.holders[..] {
            struck.after = strike::members(after, self.root);
        }
        struck.hit.clone_from(&self.tally.hit);
    }

    /// What a server said belongs to why it failed, and to why it served only some: it alone knows what it lacked.
    fn note_words(&mut self, stderr: &str) {
        let asked = self.pass.connections.asked;
        let served = self.pass.connections.served;
        match &mut self.pass.cause {
            Some(cause) if cause.stderr.is_empty() => stderr.clone_into(&mut cause.stderr),
            None if served < asked && !stderr.is_empty() => {
                let text = format!("{served} of {asked} clients got a first answer");
                self.pass.cause = Some(Cause {
                    stderr: stderr.to_owned(),
                    ..Cause::new(Phase::Connect, text)
                });
            }
            _ => {}
        }
    }

    /// Judges the pass, once everything is known of it. Wrong bytes weigh most: whatever else happened,
    /// no figure of such a pass may be believed. Where the scenario withholds replies, who lost a connection was to.
    pub fn conclude(&mut self, stopped: Stopped, withholds: bool) {
        self.note_words(&stopped.stderr);
        self.pass.usage.exit = stopped.usage.map(|usage| Usage {
            replies: self.tally.requests.ok,
            ..usage
        });
        let text = self.tally.problem.clone().unwrap_or_default();
        let mut cause = Cause {
            stderr: stopped.stderr,
            ..Cause::new(Phase::Load, text)
        };
        let errors = &self.tally.requests.errors;
        let outcome = if errors.contains_key("wrong") {
            Outcome::Wrong
        } else if let Some(struck) = self
            .pass
            .struck
            .as_mut()
            .filter(|_| stopped.problem.is_none())
        {
            // What it was struck for is what is measured, and no failure of it.
            struck.root_ended = stopped.ended.map(|ended| ended.to_string());
            if self.pass.outcome == Outcome::Ok {
                self.pass.outcome = Outcome::Struck;
            }
            return;
        } else if let Some(ended) = stopped.ended
            && self.pass.struck.is_none()
        {
            cause.text = format!("it {ended} under load; {}", cause.text);
            ended.note(&mut cause);
            Outcome::Crashed
        } else if let Some(problem) = stopped.problem {
            cause = Cause {
                phase: Phase::Stop,
                text: problem,
                ..cause
            };
            Outcome::Partial
        } else if errors.contains_key("timeout") {
            Outcome::Hung
        } else if errors.keys().any(|kind| !is_meant(kind, withholds)) {
            Outcome::Refused
        } else {
            return;
        };
        if outcome == Outcome::Wrong || outcome == Outcome::Crashed {
            // Stronger than what was believed while it ran.
            self.pass.outcome = Outcome::Ok;
        }
        self.fail(outcome, cause);
    }
}

/// Whether failed requests of this kind are no failure of the server's: who is slow is not broken, and what was due and never
/// sent for want of a free connection is told as an overload.
fn is_meant(kind: &str, withholds: bool) -> bool {
    matches!(kind, "unserved" | "unfinished") || withholds && matches!(kind, "closed" | "reset")
}

/// Gives each bin what was seen at the door at its end, and how many were turned away in it.
fn note_queues(bins: &mut [Bin], looks: &[Queued]) {
    for (bin, two) in bins.iter_mut().zip(looks.windows(2)) {
        let since =
            |of: fn(&Queued) -> Option<u64>| Some(of(&two[1])?.saturating_sub(of(&two[0])?));
        bin.accept_queue = two[1].accept_queue;
        bin.listen_overflows = since(|look| look.listen_overflows);
        bin.listen_drops = since(|look| look.listen_drops);
    }
}
