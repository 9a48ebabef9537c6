//! The lesson on the page of HTML and in Markdown: what was asked, predicted and measured, what it was worth, and why. Both
//! languages stand on the page, each marked as what it is.

use std::fmt::Write;

use maud::{Markup, html};
use record::lesson::Shown;
use record::{Answers, Scored};

use super::texts::{Ask, Kind, Lesson, lesson};
use super::told::{amount, asked, figure, foretold, interval, number, title, total, worth};
use crate::claims::Language;
use crate::data::Data;
use crate::format;
use crate::markdown::line;

/// The section of the page; nothing where the run was no lesson.
pub(crate) fn section(data: &Data<'_>) -> Markup {
    let Some((lesson, answers)) = taken(data) else {
        return html! {};
    };
    html! {
        section.claims {
            h2 id="lesson" { "Lesson " (lesson.number) ": " (lesson.title(Language::English)) }
            p.answer { (total(answers, Language::English)) }
            p { (lesson.setting(Language::English)) }
            p lang="zh" { (lesson.setting(Language::Chinese)) }
            @for (ask, scored) in asked(lesson, answers) {
                article.claim {
                    h3 { (ask.question(Language::English)) }
                    p lang="zh" { (ask.question(Language::Chinese)) }
                    (table(ask, scored))
                    p.soft { (format::capital(&worth(scored, Language::English))) "." }
                }
            }
            p { strong { "Why. " } (lesson.why(Language::English)) }
            p lang="zh" { (lesson.why(Language::Chinese)) }
            p.soft { "To read on: " (lesson.further().join(", ")) "." }
        }
    }
}

fn taken<'a>(data: &Data<'a>) -> Option<(&'static Lesson, &'a Answers)> {
    let answers = data.summary.lesson.as_ref()?;
    Some((lesson(answers.lesson)?, answers))
}

fn table(ask: &Ask, scored: &Scored) -> Markup {
    html! {
        div.box tabindex="0" {
            table aria-label=(title(ask)) {
                thead { tr { @for head in heads(ask) { th scope="col" { (head) } } } }
                tbody {
                    @for row in rows(ask, scored) {
                        tr { th scope="row" { (row[0]) } @for cell in &row[1..] { td { (cell) } } }
                    }
                }
            }
        }
    }
}

fn heads(ask: &Ask) -> [String; 4] {
    let first = match ask.kind() {
        Kind::Order(_) => "from the most to the least",
        Kind::Number | Kind::Factor => "",
    };
    [
        first.to_owned(),
        title(ask),
        "95 % interval".to_owned(),
        "predicted".to_owned(),
    ]
}

fn rows(ask: &Ask, scored: &Scored) -> Vec<[String; 4]> {
    let missing = || format::MISSING.to_owned();
    let predicted = |it: &Shown| match ask.kind() {
        Kind::Order(_) => foretold(scored, &it.name).map_or_else(missing, |it| it.to_string()),
        Kind::Number | Kind::Factor => number(scored).map_or_else(missing, |it| amount(ask, it)),
    };
    let row = |(place, it): (usize, &Shown)| {
        let name = match ask.kind() {
            Kind::Order(_) => format!("{place} {}", it.name),
            Kind::Number | Kind::Factor => it.name.clone(),
        };
        [
            name,
            figure(ask, it),
            interval(ask, it).unwrap_or_else(missing),
            predicted(it),
        ]
    };
    (1..).zip(&scored.measured).map(row).collect()
}

/// The section of README.md.
pub(crate) fn markdown(data: &Data<'_>, language: Language) -> String {
    let mut text = String::new();
    let Some((lesson, answers)) = taken(data) else {
        return text;
    };
    let head = match language {
        Language::English => format!("Lesson {}", lesson.number),
        Language::Chinese => format!("第 {} 课", lesson.number),
    };
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "\n## {head}: {}\n\n**{}.** {}",
        line(lesson.title(language)),
        line(&total(answers, language)),
        line(lesson.setting(language))
    );
    for (ask, scored) in asked(lesson, answers) {
        let _ = writeln!(
            text,
            "\n### {}\n\n| {} |\n|---|---:|---:|---:|",
            line(ask.question(language)),
            heads(ask).map(|it| line(&it)).join(" | ")
        );
        for row in rows(ask, scored) {
            let _ = writeln!(text, "| {} |", row.map(|it| line(&it)).join(" | "));
        }
        let _ = writeln!(
            text,
            "\n{}.",
            line(&format::capital(&worth(scored, language)))
        );
    }
    let _ = writeln!(text, "\n{}", line(&lesson.why(language)));
    text
}
