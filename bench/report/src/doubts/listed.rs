//! The doubts of a run in few words: a word, and of whom under which scenarios it is said. Where it is said of most, those
//! are named of whom it is not.

use crate::cells::Cell;

/// From so many contenders on, and where no more than [`EXCEPTIONS`] are spared, "all" is said.
const MANY: usize = 5;
const EXCEPTIONS: usize = 3;

/// Each word in the order in which it comes up first, with lines such as `tokio (rr-50, crr-16)`.
pub(crate) fn listed<'a>(cells: &'a [Cell<'_>]) -> Vec<(&'a str, Vec<String>)> {
    let words = firsts(cells.iter().flat_map(words_of));
    words
        .into_iter()
        .map(|word| (word, of(cells, word)))
        .collect()
}

/// Each once, in the order of their first appearance.
fn firsts<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut once = Vec::new();
    for it in all {
        if !once.contains(&it) {
            once.push(it);
        }
    }
    once
}

/// None of what a search looked at: whom it was too much for is its finding, and its table says what is weak of that.
fn words_of<'a>(cell: &'a Cell<'_>) -> impl Iterator<Item = &'a str> {
    let verdicts = std::iter::once(&cell.verdict).chain(&cell.of_percentiles);
    verdicts
        .map(|it| it.word.as_str())
        .filter(|word| *word != super::VALID && !cell.scenario.probe)
}

/// Each by name, or in one word where that is shorter.
fn whom(with: &[&str], without: &[&str]) -> Vec<String> {
    match (with.len(), without.len()) {
        (MANY.., 0) => vec!["all".to_owned()],
        (MANY.., 1..=EXCEPTIONS) => vec![format!("all but {}", without.join(", "))],
        _ => with.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// Of a table's rows, each with a contender and perhaps a reason, the reasons once each, with those whom they concern:
/// `event-loop, tokio, unstable: …`.
pub(crate) fn by_reason(rows: &[(&str, Option<String>)]) -> Vec<String> {
    let reasons = firsts(rows.iter().filter_map(|(_, reason)| reason.as_deref()));
    reasons
        .into_iter()
        .map(|reason| {
            let names = |its: bool| -> Vec<&str> {
                let rows = rows.iter();
                let rows = rows.filter(|(_, other)| (other.as_deref() == Some(reason)) == its);
                rows.map(|(contender, _)| *contender).collect()
            };
            format!("{}, {reason}", whom(&names(true), &names(false)).join(", "))
        })
        .collect()
}

/// Of whom a word is said.
fn of<'a>(cells: &[Cell<'a>], word: &str) -> Vec<String> {
    let mut all: Vec<(String, Vec<&str>)> = Vec::new();
    for scenario in firsts(cells.iter().map(|it| it.scenario.name.as_str())) {
        let (with, without): (Vec<&Cell<'_>>, Vec<&Cell<'_>>) = cells
            .iter()
            .filter(|it| it.scenario.name == scenario)
            .partition(|it| words_of(it).any(|one| one == word));
        let names =
            |cells: &[&Cell<'a>]| -> Vec<&'a str> { cells.iter().map(|it| it.contender).collect() };
        for who in whom(&names(&with), &names(&without)) {
            match all.iter_mut().find(|(other, _)| *other == who) {
                Some((_, under)) => under.push(scenario),
                None => all.push((who, vec![scenario])),
            }
        }
    }
    let line = |(who, under): (String, Vec<&str>)| format!("{who} ({})", under.join(", "));
    all.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doubts::Verdict;
    use crate::{cells, fixture};

    /// Of six contenders under two scenarios these are doubted.
    fn said(doubted: impl Fn(usize, &str) -> bool) -> Vec<String> {
        let results = fixture::results_of(6);
        let mut cells = cells::cells(&results);
        let names = firsts(
            cells
                .iter()
                .map(|it| it.contender)
                .collect::<Vec<_>>()
                .into_iter(),
        );
        assert!(names.len() >= MANY, "{names:?}");
        for cell in &mut cells {
            let index = names.iter().position(|it| *it == cell.contender);
            let doubted = doubted(index.expect("one of them"), &cell.scenario.name);
            let word = if doubted {
                "host-noisy"
            } else {
                super::super::VALID
            };
            (cell.verdict, cell.of_percentiles) = (Verdict::default(), None);
            cell.verdict.word = word.to_owned();
        }
        let mut listed = listed(&cells).into_iter();
        listed.next().map(|(_, lines)| lines).unwrap_or_default()
    }

    #[test]
    fn who_is_doubted_twice_is_named_once() {
        let found = said(|index, _| index == 0);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("rr-500, crr-16"), "{found:?}");
    }

    #[test]
    fn looks_of_a_search_are_no_doubts() {
        let listed_of = |probe: bool| {
            let mut results = fixture::results_of(6);
            let scenarios = &mut results.run.suite.scenarios;
            scenarios.iter_mut().for_each(|it| it.probe = probe);
            let mut cells = cells::cells(&results);
            for cell in &mut cells {
                cell.verdict.word = "overload".to_owned();
            }
            listed(&cells).len()
        };
        assert_eq!((listed_of(false), listed_of(true)), (1, 0));
    }

    #[test]
    fn a_reason_is_told_once_with_those_whom_it_concerns() {
        let rows = |doubted: usize| -> Vec<(&str, Option<String>)> {
            let names = ["a", "b", "c", "d", "e", "f"].into_iter().enumerate();
            names
                .map(|(index, name)| (name, (index < doubted).then(|| "odd: why".to_owned())))
                .collect()
        };
        assert_eq!(by_reason(&rows(0)), Vec::<String>::new());
        assert_eq!(by_reason(&rows(2)), ["a, b, odd: why"]);
        assert_eq!(by_reason(&rows(5)), ["all but f, odd: why"]);
        assert_eq!(by_reason(&rows(6)), ["all, odd: why"]);
    }

    #[test]
    fn most_are_named_by_whom_they_are_not() {
        let found = said(|_, scenario| scenario == "rr-50");
        assert_eq!(found, ["all (rr-50)"]);
        let found = said(|index, _| index != 1);
        assert!(
            found.len() == 1 && found[0].starts_with("all but "),
            "{found:?}"
        );
        assert_eq!(said(|_, _| false), Vec::<String>::new());
    }
}
