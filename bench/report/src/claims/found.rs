//! A side of a test, round by round: of a contender under a scenario, or of a mechanism under a lab.

use record::{CONTROL, Judged, Results};

use super::own;
use super::texts::Side;
use crate::cells::Cell;
use crate::doubts;
use crate::figures::{self, How};
use crate::labs::{self, Part};
use crate::ledger::Ledger;
use crate::{comparisons, estimates, format};

/// Doubts that an interval over rounds holds already, or that CPU time and memory do not mind.
const NOTED: [&str; 3] = [doubts::UNSTABLE, doubts::HOST_NOISY, "restless"];
const TIMING: [&str; 2] = ["client-bound", "slice-too-short"];

/// What a run has recorded, by cells and parts.
pub(crate) struct Records<'r, 'c> {
    results: &'r Results,
    cells: &'c [Cell<'r>],
    parts: Vec<Part<'r>>,
    ledger: Ledger<'r, 'c>,
}

/// A side's figures.
pub(crate) struct Found {
    /// By round.
    pub by_round: Vec<(u32, f64)>,
    /// What weakens them.
    pub weak: Option<String>,
}

/// Why there is none, and what that means for the judgement.
pub(super) type Missing = (Judged, String);

impl<'r, 'c> Records<'r, 'c> {
    /// Of a run.
    pub fn new(results: &'r Results, cells: &'c [Cell<'r>]) -> Self {
        Records {
            results,
            cells,
            parts: labs::parts(results),
            ledger: Ledger::new(results, cells),
        }
    }

    /// From which every interval follows.
    pub fn seed(&self) -> u64 {
        self.results.run.seed
    }

    /// One side.
    pub fn find(&self, side: &Side, evidence: bool) -> Result<Found, Missing> {
        let Side(who, under, metric) = side;
        self.known(who, under)?;
        let suite = &self.results.run.suite;
        if suite.labs.iter().any(|lab| lab.name == *under) {
            return self.of_part(who, under, metric);
        }
        let cell = self.cell(who, under);
        let cell = cell.ok_or((
            Judged::NotJudged,
            format!("{who} was not taken through {under}"),
        ))?;
        if cell.passes.is_empty() && cell.failed.is_none() {
            return Err((
                Judged::Undecided,
                format!("{who} under {under}: no pass was made yet"),
            ));
        }
        let weak = match evidence {
            // What the kernel shows of a pass that went as asked needs no ranking.
            true => None,
            false => weak(cell, metric)?,
        };
        let own = || own::by_round(self.cells, &self.ledger, cell, metric);
        let by_round = match figures::how(metric) {
            How::Total(count) | How::Largest(count) => {
                own::of_passes(cell, &|pass, _| Ok(count(pass) as f64))
            }
            How::Unknown => own().unwrap_or_else(|| estimates::by_round(self.cells, cell, metric)),
            _ => estimates::by_round(self.cells, cell, metric),
        };
        let missing = |reason| (Judged::NotJudged, format!("{who} under {under}: {reason}"));
        Ok(Found {
            by_round: by_round.map_err(missing)?,
            weak,
        })
    }

    /// The logarithms of left / right: paired by slices where both were loaded in turns, else by rounds. `None` where a
    /// figure is not above zero.
    pub fn logarithms(&self, left: &Side, right: &Side, both: &[(f64, f64)]) -> Option<Vec<f64>> {
        let paired = left.1 == right.1 && left.2 == right.2 && left.2 == comparisons::THROUGHPUT;
        let cells = self
            .cell(&left.0, &left.1)
            .zip(self.cell(&right.0, &right.1));
        let reference = self.results.run.suite.reference.as_str();
        let paired = cells
            .filter(|_| paired)
            .and_then(|(a, b)| comparisons::logarithms(self.cells, a, b, &left.2, reference));
        paired.or_else(|| {
            let each = both
                .iter()
                .map(|(a, b)| (*a > 0.0 && *b > 0.0).then(|| (a / b).ln()));
            each.collect()
        })
    }

    fn cell(&self, who: &str, under: &str) -> Option<&'c Cell<'r>> {
        let mut cells = self.cells.iter();
        cells.find(|it| it.contender == who && it.scenario.name == under)
    }

    /// Whether the plan has such a cell at all.
    fn known(&self, who: &str, under: &str) -> Result<(), Missing> {
        let not = |reason: String| Err((Judged::NotJudged, reason));
        let run = &self.results.run;
        let mut names = run.suite.scenarios.iter().map(|it| &it.name);
        let mut labs = run.suite.labs.iter().map(|it| &it.name);
        if !names.any(|it| it == under) && !labs.any(|it| it == under) {
            return not(format!("{under} is no part of this run"));
        }
        match run.entrants.iter().find(|it| it.name == who) {
            Some(entrant) if who != CONTROL => match &entrant.skipped {
                Some(reason) => not(format!(
                    "{who} was skipped: {}",
                    format::without_paths(reason)
                )),
                None => Ok(()),
            },
            _ => not(format!("{who} took no part in this run")),
        }
    }

    fn of_part(&self, who: &str, under: &str, metric: &str) -> Result<Found, Missing> {
        let mut parts = self.parts.iter();
        let part = parts.find(|it| it.mechanism == who && it.lab.name == under);
        let part = part.ok_or((
            Judged::NotJudged,
            format!("{who} was not taken through {under}"),
        ))?;
        let (word, why) = part.verdict();
        if part.passes.is_empty() {
            let judged = match part.failed {
                Some(_) => Judged::NotJudged,
                None => Judged::Undecided,
            };
            return Err((
                judged,
                format!("{who} under {under}: {word}, {}", why.unwrap_or_default()),
            ));
        }
        let by_round = labs::by_round(part, metric);
        let missing = |reason| (Judged::NotJudged, format!("{who} under {under}: {reason}"));
        Ok(Found {
            by_round: by_round.map_err(missing)?,
            weak: None,
        })
    }
}

/// Doubts that spoil a figure of this metric leave it undecided; others are told beside it.
fn weak(cell: &Cell<'_>, metric: &str) -> Result<Option<String>, Missing> {
    let verdict = cell.verdict_of(metric);
    let word = verdict.word.as_str();
    let said = || {
        let reason = verdict.reason.as_deref().unwrap_or_default();
        format!(
            "{} under {} is {word}: {reason}",
            cell.contender, cell.scenario.name
        )
    };
    let timed = metric.contains("_ns_") || metric == comparisons::THROUGHPUT;
    let rare = metric.ends_with("_p99") || metric.ends_with("_p999");
    match word {
        doubts::VALID | doubts::TOO_FEW_ROUNDS => Ok(None),
        // What few samples make uncertain is in the interval, but for percentiles that rest on a handful.
        doubts::FEW_SAMPLES if !rare => Ok(Some(said())),
        noted if NOTED.contains(&noted) || !timed && TIMING.contains(&noted) => Ok(Some(said())),
        _ => Err((Judged::Undecided, said())),
    }
}
