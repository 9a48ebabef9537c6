//! Published results beside what this machine measures: which keep their shape (an order, a range of a ratio). What was
//! published, under which conditions, and the lines are data (`bench/papers.toml`); they are judged as claims are.
//!
//! It pays with conditions that are never the same: an absolute figure is nobody's here. It ends at the shape: whether a
//! paper was right about its own machine cannot be told from another.
//!
//! | question | where |
//! |---|---|
//! | citation, conditions, tests | `texts` |
//! | on the page, in Markdown, in the terminal | `page`, `plain` |

pub(crate) mod page;
pub(crate) mod plain;
mod texts;

use record::{Judgement, Results};

use crate::cells::Cell;
use crate::claims::found::Records;
use crate::claims::judgement;

pub use texts::{Paper, paper, papers};

/// Every paper of which the suite measures something, where the suite judges them.
pub(crate) fn judgements(results: &Results, cells: &[Cell<'_>]) -> Vec<Judgement> {
    let suite = &results.run.suite;
    if !suite.papers {
        return Vec::new();
    }
    let scenarios = suite.scenarios.iter().map(|it| it.name.as_str());
    let there: Vec<&str> = scenarios
        .chain(suite.labs.iter().map(|it| it.name.as_str()))
        .collect();
    let records = Records::new(results, cells);
    let measured = papers()
        .iter()
        .filter(|paper| paper.scenarios().iter().any(|it| there.contains(it)));
    measured
        .map(|paper| judgement(&records, (&paper.id, &paper.title), &paper.test))
        .collect()
}

/// Judgements with what they are of.
pub(crate) fn told(judgements: &[Judgement]) -> impl Iterator<Item = (&Judgement, &'static Paper)> {
    judgements
        .iter()
        .filter_map(|it| Some((it, paper(&it.claim)?)))
}

#[cfg(test)]
mod tests {
    use record::{Judged, Results};

    use crate::claims::Language;
    use crate::data::Data;
    use crate::fixture;

    /// The invented quick run, in which the clients of one scenario are those of a paper.
    fn echo() -> Results {
        let mut results = fixture::results();
        let rename = |name: &mut String| {
            if name == "rr-50" {
                "pariag-echo".clone_into(name);
            }
        };
        results.run.suite.papers = true;
        results
            .run
            .suite
            .scenarios
            .iter_mut()
            .for_each(|it| rename(&mut it.name));
        results
            .run
            .passes
            .iter_mut()
            .for_each(|it| rename(&mut it.scenario));
        results
            .passes
            .iter_mut()
            .for_each(|it| rename(&mut it.scenario));
        results
    }

    #[test]
    fn only_what_the_suite_measures_is_judged() {
        let results = echo();
        let summary = crate::summarise(&results);
        assert_eq!(summary.papers.len(), 1);
        let pariag = &summary.papers[0];
        assert_eq!(
            (pariag.claim.as_str(), pariag.judged),
            ("pariag", Judged::NotJudged)
        );
        let [files, echo] = [&pariag.tests[0], &pariag.tests[2]];
        assert!(
            files
                .reason
                .as_ref()
                .is_some_and(|it| it.contains("no part of this run"))
        );
        assert_eq!(files.published.as_deref(), Some("about 1.18 ×"));
        // Invented: 198k against 131k.
        assert_eq!(echo.judged, Judged::Holds);
        assert!(
            echo.beside && echo.value.is_some_and(|it| (1.4..1.6).contains(&it)),
            "{echo:?}"
        );
        let mut other = results;
        other.run.suite.papers = false;
        assert!(crate::summarise(&other).papers.is_empty());
    }

    #[test]
    fn pages_tell_published_beside_measured() {
        let results = echo();
        let summary = crate::summarise(&results);
        let data = Data::new(&results, &summary);
        let charts = crate::charts::draw_all(&data);
        let text = super::plain::markdown(&data, &charts);
        assert!(text.contains("| pariag | requests a second that read a file, events against threads | about 1.18 × |"), "{text}");
        assert!(text.contains("### pariag: not judged"), "{text}");
        let page = crate::html::page(&data, &charts);
        assert!(page.contains("id=\"pariag\"") && page.contains("id=\"papers\""));
        let lines = crate::terminal(&results, &summary, None);
        assert!(
            lines.lines().any(|line| line.starts_with("pariag")),
            "{lines}"
        );
        assert!(
            lines.lines().all(|line| line.chars().count() <= 80),
            "{lines}"
        );
        let explained =
            crate::explain("pariag", Some(&results), Language::English, 80).expect("a paper");
        let words = explained.join(" ");
        let words = words.split_whitespace().collect::<Vec<&str>>().join(" ");
        assert!(words.contains("(checked in part: "), "{words}");
    }
}
