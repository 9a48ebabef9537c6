//! What the parties do, alike for every mechanism: warm up, go to and fro, pour.
//!
//! Who answers sends back what it has received, so one comparison by who asked verifies both directions. The
//! clock of a round trip stops before it is verified.

use std::time::Duration;

use hdrhistogram::Histogram;
use record::histogram::latencies;

use super::board::{Board, Party, Stage, Trouble, Used};
use super::end::End;
use super::message::Messages;
use crate::sys::ipc::now_ns;

/// What both parties have agreed upon.
pub struct Plan<'a> {
    /// Where they talk about it.
    pub board: &'a Board,
    /// What is said.
    pub messages: &'a Messages,
    /// Bytes of a message.
    pub bytes: usize,
    /// Of the first two stages, and of the third; none of it when zero.
    pub lengths: [Duration; 3],
    /// Messages one way until who pours waits for a word; 0: never.
    pub in_flight: u64,
    /// Nobody answers but the kernel.
    pub alone: bool,
}

impl Plan<'_> {
    fn deadline(&self, stage: Stage) -> u64 {
        let length = self.lengths[stage as usize].as_nanos();
        now_ns() + u64::try_from(length).unwrap_or(u64::MAX / 2)
    }

    fn pours(&self) -> bool {
        !self.lengths[Stage::OneWay as usize].is_zero()
    }

    fn is_due(&self, number: u64) -> bool {
        self.in_flight > 0 && number.is_multiple_of(self.in_flight)
    }

    /// A word takes as much of a message as the mechanism must have.
    fn word(&self) -> usize {
        if self.bytes == 8 {
            8
        } else {
            self.bytes.min(1)
        }
    }
}

/// Asks, through all stages; the round trips' times.
///
/// # Errors
/// What went wrong here.
pub fn ask(end: &mut dyn End, plan: &Plan<'_>) -> Result<Histogram<u64>, Trouble> {
    let mut times = latencies();
    to_and_fro(end, plan, Stage::WarmUp, &mut times)?;
    times.reset();
    let before = Used::now()?;
    to_and_fro(end, plan, Stage::RoundTrips, &mut times)?;
    plan.board.has_used(Party::Asker, before, Used::now()?);
    plan.board.has_compared(times.len());
    if plan.pours() {
        pour(end, plan)?;
        plan.board.wait_until_taken();
    }
    plan.board.asker_is_done();
    Ok(times)
}

fn to_and_fro(
    end: &mut dyn End,
    plan: &Plan<'_>,
    stage: Stage,
    times: &mut Histogram<u64>,
) -> Result<(), Trouble> {
    let mut buffer = vec![0; plan.bytes];
    let deadline = plan.deadline(stage);
    for number in 1.. {
        end.prepare()?;
        let message = plan.messages.of(number);
        let is_last = now_ns() >= deadline;
        if is_last {
            plan.board.last_is(stage, number);
        }
        let begun = now_ns();
        end.send(message)?;
        end.receive(&mut buffer)?;
        times.saturating_record(now_ns() - begun);
        if !plan.alone && buffer != message {
            return Err(Trouble::Differs(number));
        }
        if is_last {
            break;
        }
    }
    Ok(())
}

fn pour(end: &mut dyn End, plan: &Plan<'_>) -> Result<(), Trouble> {
    let mut word = vec![0; plan.word()];
    let deadline = plan.deadline(Stage::OneWay);
    // Two at least, so that there is a time between them.
    for number in 1.. {
        let is_last = number > 1 && now_ns() >= deadline;
        if is_last {
            plan.board.last_is(Stage::OneWay, number);
        }
        end.send(plan.messages.of(number))?;
        if is_last {
            break;
        }
        if plan.is_due(number) {
            end.receive(&mut word)?;
        }
    }
    Ok(())
}

/// Answers, through all stages.
///
/// # Errors
/// What went wrong here.
pub fn answer(end: &mut dyn End, plan: &Plan<'_>) -> Result<(), Trouble> {
    // One for all stages: what is fetched from this memory must lie there until it has been fetched.
    let mut buffer = vec![0; plan.bytes];
    echo(end, plan, Stage::WarmUp, &mut buffer)?;
    let before = Used::now()?;
    echo(end, plan, Stage::RoundTrips, &mut buffer)?;
    plan.board.has_used(Party::Answerer, before, Used::now()?);
    if plan.pours() {
        take(end, plan)?;
    }
    plan.board.wait_for_the_asker();
    Ok(())
}

fn echo(
    end: &mut dyn End,
    plan: &Plan<'_>,
    stage: Stage,
    buffer: &mut [u8],
) -> Result<(), Trouble> {
    for number in 1.. {
        end.receive(buffer)?;
        // Looked at before the answer: afterwards the other may be a stage ahead.
        let is_last = plan.board.is_last(stage, number);
        end.send(buffer)?;
        if is_last {
            break;
        }
    }
    Ok(())
}

fn take(end: &mut dyn End, plan: &Plan<'_>) -> Result<(), Trouble> {
    let mut buffer = vec![0; plan.bytes];
    let word = vec![b'!'; plan.word()];
    let mut first = 0;
    for number in 1.. {
        end.receive(&mut buffer)?;
        if number == 1 {
            first = now_ns();
        }
        if buffer != plan.messages.of(number) {
            return Err(Trouble::Differs(number));
        }
        if plan.board.is_last(Stage::OneWay, number) {
            plan.board.has_taken(number, now_ns() - first);
            break;
        }
        if plan.is_due(number) {
            end.send(&word)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::super::streams;
    use super::*;

    /// Falsifies one message.
    struct Corrupting<'a> {
        end: Box<dyn End>,
        number: u64,
        how: &'a (dyn Fn(&mut Vec<u8>, &[u8]) + Sync),
        before: Vec<u8>,
    }

    impl End for Corrupting<'_> {
        fn send(&mut self, message: &[u8]) -> Result<(), Errno> {
            self.number += 1;
            let mut changed = message.to_vec();
            if self.number == 5 {
                (self.how)(&mut changed, &self.before);
            }
            self.before = message.to_vec();
            self.end.send(&changed)
        }

        fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
            self.end.receive(buffer)
        }
    }

    fn played(
        corrupts: Party,
        how: &(dyn Fn(&mut Vec<u8>, &[u8]) + Sync),
        lengths: [Duration; 3],
    ) -> [Option<Trouble>; 2] {
        let board = Board::new().unwrap();
        let plan = Plan {
            board: &board,
            messages: &Messages::new(64),
            bytes: 64,
            lengths,
            in_flight: 0,
            alone: false,
        };
        let pair = streams::pipes(64).unwrap();
        let wrap = |end, party| -> Box<dyn End + '_> {
            match party == corrupts {
                true => Box::new(Corrupting {
                    end,
                    number: 0,
                    how,
                    before: Vec::new(),
                }),
                false => end,
            }
        };
        let mut asker = Some(wrap(pair.asker, Party::Asker));
        let mut answerer = Some(wrap(pair.answerer, Party::Answerer));
        std::thread::scope(|scope| {
            let answers = scope.spawn(|| {
                let trouble = answer(answerer.as_mut().unwrap().as_mut(), &plan).err();
                answerer = None;
                if trouble.is_some() {
                    board.has_taken(1, 1);
                }
                trouble
            });
            let trouble = ask(asker.as_mut().unwrap().as_mut(), &plan).err();
            asker = None;
            if trouble.is_some() {
                board.asker_is_done();
            }
            [trouble, answers.join().unwrap()]
        })
    }

    const LONG: Duration = Duration::from_secs(5);
    const BEGIN: Duration = Duration::ZERO;

    #[test]
    fn a_changed_and_a_repeated_message_are_noticed_whoever_sends_them() {
        let flip = |message: &mut Vec<u8>, _: &[u8]| message[63] ^= 1;
        let repeat = |message: &mut Vec<u8>, before: &[u8]| message.copy_from_slice(before);
        for party in [Party::Asker, Party::Answerer] {
            for how in [&flip as &(dyn Fn(&mut Vec<u8>, &[u8]) + Sync), &repeat] {
                let [asked, _] = played(party, how, [LONG, BEGIN, BEGIN]);
                assert_eq!(asked, Some(Trouble::Differs(5)));
            }
        }
    }

    #[test]
    fn a_changed_message_among_those_that_are_poured_is_noticed() {
        // One to warm up, one round trip, and the third of those that are poured.
        let flip = |message: &mut Vec<u8>, _: &[u8]| message[0] ^= 1;
        let [_, answered] = played(Party::Asker, &flip, [BEGIN, BEGIN, LONG]);
        assert_eq!(answered, Some(Trouble::Differs(3)));
    }

    #[test]
    fn what_is_not_changed_passes() {
        let nothing = |_: &mut Vec<u8>, _: &[u8]| {};
        let short = Duration::from_millis(2);
        assert_eq!(played(Party::Asker, &nothing, [short; 3]), [None, None]);
    }
}
