//! Published results as text: a section of Markdown, a line each in a terminal, and one of them in full.

use std::fmt::Write;

use super::page::published;
use super::{Paper, told};
use crate::charts::Drawn;
use crate::claims::plain::wrapped;
use crate::claims::{Language, alike, words};
use crate::data::Data;
use crate::markdown::line;
use crate::terminal::text::{clip, padded};

/// Columns of a name, a word, a published figure and a measured one in a terminal.
const NAME: usize = 11;
const WORD: usize = 11;
const PUBLISHED: usize = 15;
const FIGURE: usize = 25;

/// The section of README.md: one table of what decides, then each by itself.
pub(crate) fn markdown(data: &Data<'_>, charts: &[Drawn]) -> String {
    let judgements = &data.summary.papers;
    let mut text = String::new();
    if judgements.is_empty() {
        return text;
    }
    // Writing to a String does not fail.
    let tally = words::tally(judgements, Language::English);
    let _ = writeln!(
        text,
        "\n## Published results\n\nOf {} shapes: {tally}.\n",
        judgements.len()
    );
    let _ = writeln!(
        text,
        "| paper | what | published | measured | line | shape |\n|---|---|---:|---:|---:|---|"
    );
    for (judgement, paper) in told(judgements) {
        for test in judgement.tests.iter().filter(|it| !it.beside) {
            let cells = [
                &test.says,
                &published(test),
                &words::value(test),
                &words::line(test),
                words::judged(test.judged, Language::English),
            ];
            let cells = cells.map(line).join(" | ");
            let _ = writeln!(text, "| {} | {cells} |", paper.id);
        }
    }
    for (judgement, paper) in told(judgements) {
        let _ = writeln!(
            text,
            "\n### {}: {}\n\n{}: {} ({}).",
            paper.id,
            judgement.judged.as_str(),
            line(&paper.title),
            line(&paper.citation),
            line(&paper.reading())
        );
        let _ = writeln!(
            text,
            "\nPublished: {}.\n\n{}\n",
            line(&paper.published),
            line(&paper.conditions)
        );
        let _ = writeln!(
            text,
            "| test | published | measured | line | rounds | shape |\n|---|---:|---:|---:|---:|---|"
        );
        for test in &judgement.tests {
            let published = published(test);
            let row = alike::row(test, &test.says, Some(&published), Language::English);
            let _ = writeln!(text, "{row}");
        }
        let _ = writeln!(text, "\n{}", line(&paper.why));
        alike::charts(&mut text, charts, &paper.charts);
    }
    text
}

/// A line a paper: its word, what was published, what was measured, and of what.
pub(crate) fn lines(data: &Data<'_>, columns: usize) -> Vec<String> {
    let head = columns_of(["", "", "published", "measured"]) + "of what";
    let all = told(&data.summary.papers).map(|(judgement, paper)| {
        let test = words::deciding(judgement);
        let (said, came, of) = test.map_or_else(Default::default, |it| {
            let came = alike::instead(it).unwrap_or_else(|| words::value(it));
            (published(it), came, it.says.clone())
        });
        columns_of([&paper.id, judgement.judged.as_str(), &said, &came]) + &of
    });
    std::iter::once(head)
        .chain(all)
        .map(|line| clip(line.trim_end(), columns))
        .collect()
}

fn columns_of(cells: [&str; 4]) -> String {
    let widths = [NAME, WORD, PUBLISHED, FIGURE];
    let cells = cells.iter().zip(widths);
    cells
        .map(|(cell, wide)| padded(&clip(cell, wide - 1), wide))
        .collect()
}

/// One of them in full, to so many columns.
pub(crate) fn paper(data: Option<&Data<'_>>, paper: &Paper, columns: usize) -> Vec<String> {
    let mut lines = wrapped(&format!("{}: {}", paper.id, paper.title), columns, "");
    lines.push(String::new());
    lines.extend(wrapped(
        &format!("{} ({})", paper.citation, paper.reading()),
        columns,
        "",
    ));
    lines.push(String::new());
    lines.extend(wrapped(
        &format!("Published: {}.", paper.published),
        columns,
        "",
    ));
    lines.extend(wrapped(&paper.conditions, columns, ""));
    lines.push(String::new());
    let judgement =
        data.and_then(|data| data.summary.papers.iter().find(|it| it.claim == paper.id));
    match judgement {
        Some(judgement) => {
            lines.push(judgement.judged.as_str().to_owned());
            for test in &judgement.tests {
                let beside = if test.beside { "beside: " } else { "" };
                let said = test
                    .published
                    .as_ref()
                    .map_or(String::new(), |it| format!(", published {it}"));
                let text = format!(
                    "{beside}{}: {}{said}, {} → {}",
                    test.says,
                    words::value(test),
                    words::line(test),
                    words::verdict(test, Language::English)
                );
                lines.extend(wrapped(&text, columns, "  "));
            }
        }
        None => {
            for test in &paper.test {
                let text = alike::to_come(test, &test.says);
                lines.extend(wrapped(&text, columns, "  "));
            }
        }
    }
    lines.push(String::new());
    lines.extend(wrapped(&paper.why, columns, ""));
    lines
}
