//! What claims and published results look like alike as text: the charts that show one, a row of its table, what stands
//! where there is no figure, and a test that was not made.

use std::fmt::Write;

use record::{Judged, Tested};

use super::texts::{Relation, Test};
use super::{Language, words};
use crate::charts::Drawn;
use crate::markdown::line;

/// Adds the charts of these names, as far as they were drawn.
pub(crate) fn charts(text: &mut String, drawn: &[Drawn], names: &[String]) {
    let of_name = |name: &String| drawn.iter().find(|it| it.name == *name);
    for chart in names.iter().filter_map(of_name) {
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "\n![{}](charts/{}.svg)",
            line(&chart.title),
            chart.name
        );
    }
}

/// A row of a table of Markdown; what was published has a column of its own.
pub(crate) fn row(
    test: &Tested,
    says: &str,
    published: Option<&str>,
    language: Language,
) -> String {
    let (open, close) = if test.beside { ("*", "*") } else { ("", "") };
    let published = published.map(|it| format!("{} | ", line(it)));
    let sides = words::sides(test).map(|sides| format!(" — {}", line(&sides)));
    format!(
        "| {open}{}{close} | {}{}{} | {} | {} | {} |",
        line(says),
        published.unwrap_or_default(),
        line(&words::value(test)),
        sides.unwrap_or_default(),
        line(&words::line(test)),
        test.rounds,
        line(&words::verdict(test, language))
    )
}

/// Why there is no figure of what could not be judged.
pub(crate) fn instead(test: &Tested) -> Option<String> {
    let is_open = matches!(test.judged, Judged::NotJudged | Judged::Undecided);
    (is_open && test.value.is_none()).then(|| test.reason.clone().unwrap_or_default())
}

/// A test by its line, before anything was measured.
pub(crate) fn to_come(test: &Test, says: &str) -> String {
    let sign = Relation::sign(test.relation.as_str());
    let unit = if test.right.is_some() { " ×" } else { "" };
    let beside = if test.beside { " (beside)" } else { "" };
    let published = test.published.as_ref();
    let published = published.map_or(String::new(), |it| format!(", published {it}"));
    format!("{says}: {sign} {}{unit}{published}{beside}", test.line)
}
