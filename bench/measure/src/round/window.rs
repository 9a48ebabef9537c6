//! A solo window: while the generator loads, the server's door is looked at ten times a second, and where the
//! scenario says so a process of the server is struck, and mended.
//!
//! Instants are told on the harness's clock from the moment at which it told the generator to begin: the two
//! agents may live on hosts of which neither knows the other's clock. It ends where the generator's reply comes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use record::pass::{Cause, Outcome, Phase};
use record::{Fault, FaultSignal, Struck};

use super::{Block, LOAD_MARGIN, nanos};
use crate::client::{AgentError, unexpected};
use crate::protocol::{Blow, Queued, Reply, Request};
use crate::strike;

/// Between two looks at a server's door.
const BIN: Duration = Duration::from_millis(100);

impl Block<'_> {
    /// A window of load; meanwhile, what waits at the server's door is looked at ten times a second, and a server that
    /// is to be struck is struck.
    pub(super) fn window(&mut self) -> Result<(), AgentError> {
        let (length_ns, seed) = (nanos(self.scenario.window), self.seed);
        // Before the generator is told: where both agents share a core, this look would put off its beginning, and the
        // strike with it.
        let mut looks = self.look_at_door()?;
        let start = self.bench.agree(&self.stand, None);
        let requests: Vec<Request> = start
            .told
            .into_iter()
            .map(|together| Request::Window {
                length_ns,
                seed,
                together,
            })
            .collect();
        self.bench.tell_load(&requests)?;
        // One that loads alone begins when it is told.
        let begun = start.begins.max(Instant::now());
        let deadline = begun + self.scenario.window * 2 + LOAD_MARGIN;
        let mut blows = blows(self.scenario.fault);
        let mut next_look = begun + BIN;
        let mut heard: Vec<Option<Reply>> = requests.iter().map(|_| None).collect();
        loop {
            let next_blow = blows.last().map(|(after, _)| begun + *after);
            let next = next_blow.map_or(next_look, |blow| blow.min(next_look));
            let patience = next.saturating_duration_since(Instant::now());
            if self.bench.hear_load(&mut heard, patience)? {
                break;
            }
            if let Some((_, blow)) = blows.pop_if(|(after, _)| begun.elapsed() >= *after) {
                self.strike(blow, begun)?;
            }
            if Instant::now() >= next_look {
                looks.extend(self.look_at_door()?);
                next_look = Instant::now() + BIN;
            }
            if Instant::now() > deadline {
                let seconds = self.scenario.window.as_secs();
                return Err(AgentError::Silent {
                    what: "a window".to_owned(),
                    seconds,
                });
            }
        }
        self.queues = looks;
        self.take_tallies(heard.into_iter().flatten().collect())
    }

    /// Sends everybody's victim the signal: the first chooses the victim, the second is for the same.
    fn strike(&mut self, blow: Blow, begun: Instant) -> Result<(), AgentError> {
        let Some(fault) = self.scenario.fault else {
            return Ok(());
        };
        for seat in self.seats.iter_mut().filter(|seat| seat.alive) {
            let seen = seat.holders.first().map_or(&[][..], Vec::as_slice);
            let Some((pid, role)) = strike::aim(fault.strike, seen, seat.root) else {
                let text = "nobody was seen who could be struck";
                seat.fail(Outcome::Partial, Cause::new(Phase::Load, text));
                continue;
            };
            let before = strike::members(seen, seat.root);
            let request = Request::Strike {
                id: seat.id,
                pid,
                blow,
            };
            let at_ns = nanos(begun.elapsed());
            match self.bench.servers.ask(&request) {
                Ok(Reply::Done) if blow == Blow::Continue => {
                    if let Some(struck) = &mut seat.pass.struck {
                        struck.mended_ns = Some(at_ns);
                    }
                }
                Ok(Reply::Done) => {
                    seat.pass.struck = Some(Struck {
                        pid,
                        role,
                        at_ns,
                        took_ns: nanos(begun.elapsed()) - at_ns,
                        mended_ns: None,
                        root_ended: None,
                        hit: BTreeMap::new(),
                        before,
                        after: Vec::new(),
                    });
                }
                // Somebody of its own has ended it meanwhile, which is a finding: it was never mended.
                Err(AgentError::Refused(_)) if blow == Blow::Continue => {}
                Ok(other) => return Err(unexpected(&other)),
                Err(error) => seat.tolerate::<()>(error).map(drop)?,
            }
        }
        Ok(())
    }

    fn look_at_door(&mut self) -> Result<Vec<Queued>, AgentError> {
        let mut looks = Vec::new();
        for seat in self.seats.iter_mut().filter(|seat| seat.alive) {
            match self.bench.servers.ask(&Request::Queue(seat.id)) {
                Ok(Reply::Queued(queued)) => looks.push(queued),
                Ok(other) => return Err(unexpected(&other)),
                Err(error) => seat.tolerate::<()>(error).map(drop)?,
            }
        }
        Ok(looks)
    }
}

/// What is to be sent, how long after the beginning of the window; the last is sent first.
fn blows(fault: Option<Fault>) -> Vec<(Duration, Blow)> {
    let Some(fault) = fault else {
        return Vec::new();
    };
    let strike = match fault.signal {
        FaultSignal::Kill => Blow::Kill,
        FaultSignal::Stop => Blow::Stop,
    };
    let mend = fault.mend.map(|mend| (fault.at + mend, Blow::Continue));
    mend.into_iter().chain([(fault.at, strike)]).collect()
}
