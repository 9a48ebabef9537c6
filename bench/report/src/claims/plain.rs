//! The claims as text: a section of Markdown, a line each in a terminal, and one of them in full.

use std::fmt::Write;

use record::Tested;

use super::texts::Claim;
use super::{Language, alike, page, words};
use crate::charts::Drawn;
use crate::data::Data;
use crate::markdown::line;

/// Columns of the word and of the figure in a terminal.
const WORD: usize = 10;
const FIGURE: usize = 30;

/// The section of README.md.
pub(crate) fn markdown(data: &Data<'_>, charts: &[Drawn], language: Language) -> String {
    let judgements = &data.summary.judgements;
    let mut text = String::new();
    if judgements.is_empty() {
        return text;
    }
    let head = match language {
        Language::English => "The textbook's claims",
        Language::Chinese => "教材的论断",
    };
    let _ = writeln!(
        text,
        "\n## {head}\n\n{}.",
        words::tally(judgements, language)
    );
    for (judgement, claim) in words::told(judgements) {
        let _ = writeln!(
            text,
            "\n### {}: {}\n\n> {}\n",
            judgement.claim,
            words::judged(judgement.judged, language),
            line(words::sentence(claim, language))
        );
        let heads = match language {
            Language::English => "| test | figure | line | rounds | judged |",
            Language::Chinese => "| 检验 | 数字 | 界线 | 轮数 | 判定 |",
        };
        let _ = writeln!(text, "{heads}\n|---|---:|---:|---:|---|");
        for (tested, test) in judgement.tests.iter().zip(&claim.test) {
            let says = words::says(test, language);
            let _ = writeln!(text, "{}", alike::row(tested, says, None, language));
        }
        let _ = writeln!(text, "\n{}", line(&words::why(claim, language)));
        if let Some(rests) = page::rests_on(data, claim) {
            let _ = writeln!(text, "\n*{}*", line(&rests));
        }
        alike::charts(&mut text, charts, &claim.charts);
    }
    text
}

/// A line a claim: its word, the figure that decides, and as much of the sentence as there is room for.
pub(crate) fn lines(data: &Data<'_>, language: Language, columns: usize) -> Vec<String> {
    let told = words::told(&data.summary.judgements).into_iter();
    told.map(|(judgement, claim)| {
        let figure = words::deciding(judgement).map(short).unwrap_or_default();
        let head = format!(
            "{}{}{}",
            padded(&judgement.claim, 4),
            padded(words::judged(judgement.judged, language), WORD + 1),
            padded(&clipped(&figure, FIGURE), FIGURE + 1)
        );
        let room = columns.saturating_sub(width(&head));
        format!("{head}{}", clipped(words::sentence(claim, language), room))
    })
    .collect()
}

/// The figure and its line; where there is none, why.
fn short(test: &Tested) -> String {
    let shown = if test.evidence { "shown: " } else { "" };
    let figure = || format!("{shown}{}, {}", words::value(test), words::line(test));
    alike::instead(test).unwrap_or_else(figure)
}

/// One claim in full, to so many columns.
pub(crate) fn claim(
    data: Option<&Data<'_>>,
    claim: &Claim,
    language: Language,
    columns: usize,
) -> Vec<String> {
    let mut lines = wrapped(
        &format!("{}: {}", claim.id, words::sentence(claim, language)),
        columns,
        "",
    );
    let judgement = data.and_then(|data| {
        let mut all = data.summary.judgements.iter();
        all.find(|it| it.claim == claim.id)
    });
    lines.push(String::new());
    match judgement {
        Some(judgement) => {
            lines.push(words::judged(judgement.judged, language).to_owned());
            for (tested, test) in judgement.tests.iter().zip(&claim.test) {
                let beside = match (tested.beside, language) {
                    (false, _) => "",
                    (true, Language::English) => "beside: ",
                    (true, Language::Chinese) => "旁证:",
                };
                let text = format!(
                    "{beside}{}: {}, {} → {}",
                    words::says(test, language),
                    words::value(tested),
                    words::line(tested),
                    words::verdict(tested, language)
                );
                lines.extend(wrapped(&text, columns, "  "));
            }
        }
        None => {
            for test in &claim.test {
                let text = alike::to_come(test, words::says(test, language));
                lines.extend(wrapped(&text, columns, "  "));
            }
        }
    }
    lines.push(String::new());
    lines.extend(wrapped(&words::why(claim, language), columns, ""));
    if let Some(rests) = data.and_then(|data| page::rests_on(data, claim)) {
        lines.push(String::new());
        lines.extend(wrapped(&rests, columns, ""));
    }
    lines
}

/// Columns that a text takes: those of Chinese are two wide.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(wide).sum()
}

fn wide(c: char) -> usize {
    match u32::from(c) {
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60 => 2,
        _ => 1,
    }
}

fn padded(text: &str, columns: usize) -> String {
    let room = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(room))
}

fn clipped(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (mut out, mut taken) = (String::new(), 1);
    for c in text.chars() {
        taken += wide(c);
        if taken > columns {
            break;
        }
        out.push(c);
    }
    out + "…"
}

/// Broken at spaces, and between Chinese characters; continued lines two further in.
pub(crate) fn wrapped(text: &str, columns: usize, indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = indent.to_owned();
    let mut word = String::new();
    let flush = |line: &mut String, word: &mut String, lines: &mut Vec<String>| {
        if width(line) + width(word.trim_end()) > columns && line.trim() != "" {
            lines.push(
                std::mem::replace(line, format!("{indent}  "))
                    .trim_end()
                    .to_owned(),
            );
        }
        line.push_str(word);
        word.clear();
    };
    for c in text.chars() {
        if wide(c) == 2 && !"。,;:、”)".contains(c) {
            flush(&mut line, &mut word, &mut lines);
        }
        word.push(c);
        if c == ' ' {
            flush(&mut line, &mut word, &mut lines);
        }
    }
    flush(&mut line, &mut word, &mut lines);
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_two_columns_wide_and_breaks_anywhere() {
        assert_eq!((width("a b"), width("进程")), (3, 4));
        assert_eq!(clipped("复制进程", 5), "复制…");
        let lines = wrapped("预先复制一些进程,并反复使用", 12, "");
        assert!(
            lines.len() > 1 && lines.iter().all(|line| width(line) <= 13),
            "{lines:?}"
        );
        assert!(
            !lines.iter().any(|line| line.trim_start().starts_with(',')),
            "{lines:?}"
        );
    }

    #[test]
    fn english_breaks_at_spaces() {
        let lines = wrapped("one two three four", 9, "");
        assert_eq!(lines, ["one two", "  three", "  four"]);
    }
}
