//! The textbook's claims, judged from a run's records: which hold, which are refuted, which the rounds made so far
//! cannot decide, and what nobody measured.
//!
//! Goals: the sentence, the figures and the line are data (`bench/claims.toml`), fixed before any run; a judgement is a
//! pure function of records and can be drawn again from an old folder. It pays with a figure for each test and no
//! correction for there being many: each claim is a question of its own. It ends at the line: how much a claim matters
//! is the reader's business.
//!
//! | question | where |
//! |---|---|
//! | what is claimed, and what decides it | `texts` |
//! | a side of a test, round by round | `found` |
//! | holds, refuted, undecided, and how many more rounds | `judge` |
//! | in words | `words` |
//! | on the page, in Markdown, in the terminal | `page`, `plain` |

mod found;
mod judge;
pub(crate) mod page;
pub(crate) mod plain;
pub(crate) mod texts;
pub(crate) mod words;

use record::{Judged, Judgement, Results};

use crate::cells::Cell;
use found::Records;
use texts::Claim;

/// In which language claims are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese, for the claims; everything else is English.
    Chinese,
}

/// Every claim, where the suite judges them.
pub(crate) fn judgements(results: &Results, cells: &[Cell<'_>]) -> Vec<Judgement> {
    if !results.run.suite.claims {
        return Vec::new();
    }
    let records = Records::new(results, cells);
    let all = texts::claims().iter();
    all.map(|claim| judgement(&records, claim)).collect()
}

fn judgement(records: &Records<'_, '_>, claim: &Claim) -> Judgement {
    let tests = claim.test.iter();
    let tests: Vec<_> = tests.map(|test| judge::tested(records, test)).collect();
    let deciding = || tests.iter().filter(|it| !it.beside);
    let any = |judged| deciding().any(|it| it.judged == judged);
    // The weakest word of its tests, but that one refutation is enough.
    let order = [Judged::Refuted, Judged::NotJudged, Judged::Undecided];
    Judgement {
        claim: claim.id.clone(),
        sentence: claim.sentence.clone(),
        judged: order
            .into_iter()
            .find(|it| any(*it))
            .unwrap_or(Judged::Holds),
        tests,
    }
}
