//! When rounds are added to a plan: while an interval is wider than was asked for and there is time. For no
//! other reason: who looks again and again until a difference is significant will find one.

use std::time::Duration;

use record::{Results, Suite};

use super::plan;
use super::resume::Resumed;
use super::session::More;

/// What is asked of the answer, and what it may cost.
#[derive(Clone, Debug)]
pub struct Stopping {
    /// The half-width that throughput ratios shall have: 0.01 is ± 1 %.
    precision: f64,
    /// Of the whole session.
    budget: Duration,
    /// Before an interruption.
    spent: Duration,
    /// Whether every pair counts, or everybody against the reference.
    all_pairs: bool,
}

impl Stopping {
    /// Of a session that has not begun.
    pub fn new(precision: f64, budget: Duration, all_pairs: bool) -> Self {
        Stopping {
            precision,
            budget,
            spent: Duration::ZERO,
            all_pairs,
        }
    }

    /// What a run that is gone on with has spent already is spent.
    pub fn after(self, resumed: Option<&Resumed>) -> Self {
        Stopping {
            spent: resumed.map_or(Duration::ZERO, Resumed::spent),
            ..self
        }
    }

    /// Scenarios, by their place in the suite, that are to have another round.
    fn too_wide(&self, results: &Results, spent: Duration) -> Vec<usize> {
        let scenarios = &results.run.suite.scenarios;
        let rounds = scenarios.iter().map(|one| one.rounds).max().unwrap_or(1);
        let spent = self.spent + spent;
        let round = spent / rounds.max(1);
        if spent + round > self.budget {
            return Vec::new();
        }
        let widths = report::half_widths(results, self.all_pairs);
        let too_wide = widths
            .into_iter()
            .filter(|(_, width)| width.is_none_or(|width| width > self.precision));
        too_wide
            .filter_map(|(name, _)| scenarios.iter().position(|one| one.name == name))
            .collect()
    }

    /// One more round of each scenario that is not known well enough; nothing when all are, or time is up: so much of it
    /// has been spent since the turn began.
    pub fn more(&self, results: &Results, spent: Duration) -> Option<More> {
        let too_wide = self.too_wide(results, spent);
        if too_wide.is_empty() {
            return None;
        }
        let run = &results.run;
        let present = plan::present(&run.entrants);
        let mut suite: Suite = run.suite.clone();
        let mut passes = Vec::new();
        for index in too_wide {
            suite.scenarios[index].rounds += 1;
            let round = suite.scenarios[index].rounds;
            passes.extend(plan::round(&suite, index, &present, run.seed, round));
        }
        Some(More { suite, passes })
    }
}

/// A precision as people write it: `1%`, `0.5 %`.
///
/// # Errors
/// With what is wrong, for the command line.
pub fn percent(text: &str) -> Result<f64, String> {
    let number = text
        .trim()
        .strip_suffix('%')
        .ok_or("it wants a percent sign, as in 1%")?;
    match number.trim().parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent < 100.0 => Ok(percent / 100.0),
        _ => Err("it is a number above 0 and below 100 before a percent sign, as in 0.5%".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn precision_is_a_share() {
        assert_eq!(percent("1%"), Ok(0.01));
        assert_eq!(percent(" 0.5 %"), Ok(0.005));
        for wrong in ["1", "", "%", "0%", "-1%", "100%", "nan%", "one%"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }
}
