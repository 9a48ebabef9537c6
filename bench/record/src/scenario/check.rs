//! What may not be asked for, each with the reason.

use super::{MESSAGE_MAX, Measure, Scenario, TIMEOUT};
use crate::contender::is_name;
use crate::workers::Workers;
use crate::workload::{Pace, Workload};

impl Scenario {
    /// The first mistake, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
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
