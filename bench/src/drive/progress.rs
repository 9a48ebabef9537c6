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
    table: String,
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
            table: String::new(),
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

    /// An answer that later rounds will tighten. On a terminal the first one is shown, and then each time
    /// a round has ended; in a log, once.
    pub fn provisional(&mut self, table: String) {
        if !self.bar.is_hidden() || self.table.is_empty() {
            // Nobody may be there to read it.
            let write = || writeln!(std::io::stderr().lock(), "{table}");
            let _ = self.bar.suspend(write);
        }
        self.table = table;
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
