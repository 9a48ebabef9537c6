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
//! | a side of a test, round by round; metrics of its own | `found`, `own` |
//! | holds, refuted, undecided, and how many more rounds | `judge` |
//! | in words | `words` |
//! | on the page, in Markdown, in the terminal | `page`, `plain`; as published results, too: `alike` |

pub(crate) mod alike;
pub(crate) mod found;
pub(crate) mod judge;
pub(crate) mod own;
pub(crate) mod page;
pub(crate) mod plain;
pub(crate) mod texts;
pub(crate) mod words;

use record::{Judged, Judgement, Results};

use crate::cells::Cell;
use found::Records;
use texts::Test;

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
    all.map(|claim| judgement(&records, (&claim.id, &claim.sentence), &claim.test))
        .collect()
}

/// What became of a sentence, by its tests.
pub(crate) fn judgement(
    records: &Records<'_, '_>,
    (id, sentence): (&str, &str),
    tests: &[Test],
) -> Judgement {
    let tests = tests.iter();
    let tests: Vec<_> = tests.map(|test| judge::tested(records, test)).collect();
    let deciding = || tests.iter().filter(|it| !it.beside);
    let any = |judged| deciding().any(|it| it.judged == judged);
    // The weakest word of its tests, but that one refutation is enough.
    let order = [Judged::Refuted, Judged::NotJudged, Judged::Undecided];
    Judgement {
        claim: id.to_owned(),
        sentence: sentence.to_owned(),
        judged: order
            .into_iter()
            .find(|it| any(*it))
            .unwrap_or(Judged::Holds),
        tests,
    }
}

#[cfg(test)]
mod tests {
    use record::{Judged, Judgement, Results, Tested};

    use crate::fixture;

    fn judged(results: &Results, id: &str) -> Judgement {
        let summary = crate::summarise(results);
        assert_eq!(summary.judgements.len(), 17);
        let mut all = summary.judgements.into_iter();
        all.find(|it| it.claim == id).expect("a claim")
    }

    fn test<'a>(judgement: &'a Judgement, says: &str) -> &'a Tested {
        let mut tests = judgement.tests.iter();
        tests.find(|it| it.says.contains(says)).expect("a test")
    }

    #[test]
    fn a_suite_that_does_not_ask_for_it_judges_nothing() {
        let mut results = fixture::claimed::claimed();
        results.run.suite.claims = false;
        assert!(crate::summarise(&results).judgements.is_empty());
    }

    #[test]
    fn much_and_slightly_of_the_same_two_are_judged_by_one_line() {
        let results = fixture::claimed::claimed();
        let (five, fourteen) = (judged(&results, "C5"), judged(&results, "C14"));
        let (much, slightly) = (
            test(&five, "memory per connection"),
            test(&fourteen, "memory per connection"),
        );
        // 140 KB and 37 KB were invented.
        let ratio = much.value.expect("a ratio");
        assert!((3.5..4.1).contains(&ratio), "{ratio}");
        assert_eq!(
            (much.value, much.low, much.high),
            (slightly.value, slightly.low, slightly.high)
        );
        assert_eq!(
            (much.judged, slightly.judged),
            (Judged::Holds, Judged::Refuted)
        );
        assert_eq!(fourteen.judged, Judged::Refuted, "one refutation is enough");
    }

    #[test]
    fn what_nobody_measured_is_not_judged_and_says_why() {
        let mut results = fixture::claimed::claimed();
        let ten = judged(&results, "C10");
        assert_eq!(ten.judged, Judged::NotJudged);
        let reason = ten.tests[0].reason.clone().expect("a reason");
        assert!(reason.contains("no part of this run"), "{reason}");
        let mut entrants = results.run.entrants.iter_mut();
        let pool = entrants
            .find(|it| it.name == "thread-pool")
            .expect("invented");
        pool.skipped = Some("its kernel was never built".to_owned());
        results
            .passes
            .retain(|pass| pass.contender != "thread-pool");
        let six = judged(&results, "C6");
        assert_eq!(six.judged, Judged::NotJudged);
        assert!(
            six.tests[0]
                .reason
                .as_ref()
                .is_some_and(|it| it.contains("never built"))
        );
    }

    #[test]
    fn too_few_rounds_leave_it_undecided_and_say_how_many_more() {
        let mut results = fixture::claimed::claimed();
        results.passes.retain(|pass| pass.round <= 2);
        let six = judged(&results, "C6");
        assert_eq!(
            (six.judged, six.tests[0].more_rounds),
            (Judged::Undecided, Some(1))
        );
        assert!(six.tests[0].low.is_none() && six.tests[0].value.is_some());
    }

    #[test]
    fn evidence_is_the_same_in_every_round_or_decides_nothing() {
        let mut results = fixture::claimed::claimed();
        let number = |results: &Results| {
            let seventeen = judged(results, "C17");
            test(&seventeen, "number of KILL").judged
        };
        assert_eq!(number(&results), Judged::Holds);
        let change = |results: &mut Results, rounds: u32| {
            let passes = results.passes.iter_mut().filter(|it| it.round <= rounds);
            for lab in passes.filter_map(|pass| pass.lab.as_mut()) {
                lab.figures
                    .entry("kill_signal".to_owned())
                    .and_modify(|it| *it = 10.0);
            }
        };
        change(&mut results, 1);
        assert_eq!(number(&results), Judged::Undecided);
        change(&mut results, 9);
        assert_eq!(number(&results), Judged::Refuted);
    }

    #[test]
    fn a_doubt_that_spoils_the_figure_leaves_it_undecided() {
        let mut results = fixture::claimed::claimed();
        let of_event = results
            .passes
            .iter_mut()
            .filter(|it| it.contender == "event-loop");
        for pass in of_event.filter(|it| it.scenario == "crr-16") {
            pass.connections.served = 3;
        }
        let one = judged(&results, "C1");
        let spoilt = test(&one, "short connection, against the event loop");
        assert_eq!(spoilt.judged, Judged::Undecided);
        assert!(
            spoilt
                .reason
                .as_ref()
                .is_some_and(|it| it.contains("unserved")),
            "{spoilt:?}"
        );
    }

    #[test]
    fn pages_tell_every_claim_in_the_language_that_was_asked_for() {
        let results = fixture::claimed::claimed();
        let summary = crate::summarise(&results);
        let data = crate::data::Data::new(&results, &summary);
        let charts = crate::charts::draw_all(&data);
        for (language, word) in [
            (super::Language::English, "refuted"),
            (super::Language::Chinese, "被推翻"),
        ] {
            let text = super::plain::markdown(&data, &charts, language);
            assert!(text.contains(&format!("### C14: {word}")), "{text}");
            assert_eq!(text.matches("\n### C").count(), 17);
            let fives = text
                .find("### C5:")
                .zip(text.find("### C14:"))
                .zip(text.find("### C6:"));
            assert!(fives.is_some_and(|((five, fourteen), six)| five < fourteen && fourteen < six));
            let lines = super::plain::lines(&data, language, 80);
            assert_eq!(lines.len(), 17);
            assert!(
                lines.iter().all(|line| super::plain::width(line) <= 80),
                "{lines:#?}"
            );
        }
        let page = crate::html::page(&data, &charts);
        let zh = page.matches("lang=\"zh\"").count();
        assert_eq!(zh, 2 * 17);
        assert!(crate::terminal(&results, &summary, None).lines().count() <= 24);
    }
}
