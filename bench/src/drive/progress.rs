//! Progress on standard error: what runs, how long it will take, and a provisional answer. Drawn between
//! blocks only; nothing is drawn while anything is measured.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use record::{Lab, PassKind, Planned, Scenario};

/// The progress of a run.
pub struct Progress {
    bar: ProgressBar,
    nominal: Duration,
    begun: Instant,
    /// The round after which the last provisional answer was shown; 0 before the first.
    answered: u32,
}

impl Progress {
    /// For `passes` passes that are expected to take `nominal` in all; `quiet` draws nothing.
    pub fn new(passes: u64, nominal: Duration, quiet: bool) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(passes), target);
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Progress {
            bar,
            nominal,
            begun: Instant::now(),
            answered: 0,
        }
    }

    /// A block begins.
    pub fn block(&self, scenario: &Scenario, planned: &Planned, contenders: usize) {
        let who = match contenders {
            1 => "alone".to_owned(),
            number => format!("{number} in turns"),
        };
        let left = humantime::format_duration(Duration::from_secs(self.left().as_secs()));
        let round = match planned.pass {
            PassKind::Counter => format!("counting {}/{}", planned.round, scenario.counters),
            _ => format!("round {}/{}", planned.round, scenario.rounds),
        };
        let name = &scenario.name;
        self.bar
            .set_message(format!("{round}: {name}, {who}; {left} left"));
        self.bar.tick();
    }

    /// A pass of a lab begins.
    pub fn lab(&self, lab: &Lab, planned: &Planned) {
        let left = humantime::format_duration(Duration::from_secs(self.left().as_secs()));
        let (round, rounds, who) = (planned.round, lab.rounds, &planned.contender);
        let message = format!("round {round}/{rounds}: {}, {who}; {left} left", lab.name);
        self.bar.set_message(message);
        self.bar.tick();
    }

    /// So many passes were added to the plan.
    pub fn more(&self, passes: u64) {
        self.bar.inc_length(passes);
    }

    /// So many passes are done.
    pub fn done(&self, passes: u64) {
        self.bar.inc(passes);
    }

    /// Whether an answer that rests on so many rounds would be shown: the first one, and on a terminal whenever it may
    /// have changed; in a log, once.
    pub fn wants_answer(&self, rounds: u32) -> bool {
        match self.answered {
            0 => true,
            answered => !self.bar.is_hidden() && rounds >= next_answer(answered),
        }
    }

    /// An answer that later rounds will tighten.
    pub fn provisional(&mut self, rounds: u32, table: &str) {
        // Nobody may be there to read it.
        let write = || writeln!(std::io::stderr().lock(), "{table}");
        let _ = self.bar.suspend(write);
        self.answered = rounds;
    }

    /// The last word.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn left(&self) -> Duration {
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
        if done == 0 {
            return self.nominal;
        }
        let elapsed = self.begun.elapsed().as_secs_f64();
        Duration::from_secs_f64(elapsed / done as f64 * all.saturating_sub(done) as f64)
    }
}

/// After so many rounds the next answer is due: after each of the first ten, then when there are a fifth more. An answer
/// unpacks all that was recorded. Made after every one of many rounds, all answers together would cost as the square of
/// the rounds, and say the same again: an interval that rests on a fifth more is a tenth narrower.
fn next_answer(answered: u32) -> u32 {
    answered + (answered / 5).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_rarer_so_that_they_cost_as_much_as_a_few_readings_of_everything() {
        let due = std::iter::successors(Some(1), |rounds| Some(next_answer(*rounds)));
        let due: Vec<u32> = due.take_while(|rounds| *rounds <= 1_000).collect();
        assert_eq!(due[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
        let unpacked: u32 = due.iter().sum();
        assert!(unpacked < 7 * 1_000, "{unpacked} rounds are read: {due:?}");
    }

    #[test]
    fn a_log_is_told_once() {
        let mut progress = Progress::new(9, Duration::ZERO, true);
        assert!(progress.wants_answer(1));
        progress.provisional(1, "");
        assert!((2..=9).all(|round| !progress.wants_answer(round)));
    }
}
