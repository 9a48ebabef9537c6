//! A class on one page: of each lesson that was taken, what every machine has measured, what everybody had predicted, and
//! what it was worth. Machines are the sample: a dot is one of them.

use std::collections::BTreeSet;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use record::{Answers, Prediction, Scored};

use super::texts::{Ask, Kind, Lesson, lessons};
use super::told::{amount, figure, foretold, number, title, total};
use crate::cells::cells;
use crate::charts;
use crate::claims::Language;
use crate::compare::{ByHost, Row, Side};
use crate::format;
use crate::html::STYLE;
use crate::stats::median;
use crate::terminal::text::{clip, padded, wrap_to};

/// What a class has done.
pub struct Class {
    /// For a terminal.
    pub text: String,
    /// One file that opens offline.
    pub html: String,
}

/// A folder: whose, on what, and what came of it.
struct Taken<'a> {
    folder: &'a str,
    cpu: &'a str,
    answers: Answers,
}

/// What the lessons among `sides` have come to; `None` where none is one.
pub fn class(sides: &[Side<'_>], columns: usize) -> Option<Class> {
    let all: Vec<Taken<'_>> = sides
        .iter()
        .filter_map(|side| {
            let answers = super::answers(side.results, &cells(side.results))?;
            Some(Taken {
                folder: &side.name,
                cpu: &side.results.run.host.cpu,
                answers,
            })
        })
        .collect();
    let taken = |lesson: &Lesson| -> Vec<&Taken<'_>> {
        all.iter()
            .filter(|it| it.answers.lesson == lesson.number)
            .collect()
    };
    let given: Vec<(&Lesson, Vec<&Taken<'_>>)> = lessons()
        .iter()
        .map(|lesson| (lesson, taken(lesson)))
        .filter(|(_, taken)| !taken.is_empty())
        .collect();
    if given.is_empty() {
        return None;
    }
    let parts: Vec<Part<'_>> = given
        .into_iter()
        .map(|(lesson, taken)| Part::of(lesson, taken))
        .collect();
    let others = sides.len() - all.len();
    Some(Class {
        text: parts
            .iter()
            .flat_map(|part| part.lines(columns.max(60)))
            .chain(left_out(others))
            .collect::<Vec<_>>()
            .join("\n")
            + "\n",
        html: page(&parts, others),
    })
}

fn left_out(others: usize) -> Option<String> {
    (others > 0).then(|| format!("{} of no lesson left out", format::plural(others, "folder")))
}

/// One lesson.
struct Part<'a> {
    lesson: &'a Lesson,
    taken: Vec<&'a Taken<'a>>,
    /// Each with its picture.
    asks: Vec<(&'a Ask, String)>,
}

impl<'a> Part<'a> {
    fn of(lesson: &'a Lesson, taken: Vec<&'a Taken<'a>>) -> Self {
        let picture = |ask: &'a Ask| (ask, charts::hosts(&gathered(ask, &taken)));
        let asks = lesson.asks.iter().map(picture).collect();
        Part {
            lesson,
            taken,
            asks,
        }
    }

    fn heading(&self) -> String {
        let machines: BTreeSet<&str> = self.taken.iter().map(|it| it.cpu).collect();
        format!(
            "Lesson {}, {}: {}, {} of CPU",
            self.lesson.number,
            self.lesson.title(Language::English),
            format::plural(self.taken.len(), "folder"),
            format::plural(machines.len(), "kind")
        )
    }

    fn lines(&self, columns: usize) -> Vec<String> {
        let mut lines = wrap_to(&self.heading(), columns);
        for (ask, _) in &self.asks {
            lines.push(String::new());
            lines.extend(wrap_to(ask.question(Language::English), columns));
            lines.extend(rows(ask, &self.taken).iter().map(|row| line(row, columns)));
        }
        lines.push(String::new());
        for it in &self.taken {
            lines.push(clip(&total(&named(it), Language::English), columns));
        }
        lines.push(String::new());
        lines
    }

    fn section(&self) -> Markup {
        html! {
            section {
                h2 { (self.heading()) }
                @for (ask, picture) in &self.asks {
                    figure {
                        h3 { (ask.question(Language::English)) }
                        p lang="zh" { (ask.question(Language::Chinese)) }
                        div.card tabindex="0" role="group" aria-label=(ask.question(Language::English)) { (PreEscaped(picture)) }
                    }
                }
                div.box tabindex="0" {
                    table aria-label={ "predictions of lesson " (self.lesson.number) } {
                        thead { tr {
                            th scope="col" { "who" }
                            @for (ask, _) in &self.asks { th scope="col" { (ask.name) } }
                            th scope="col" { "score" }
                            th scope="col" { "CPU" }
                        } }
                        tbody { @for it in &self.taken { (student(self, it)) } }
                    }
                }
                p { strong { "Why. " } (self.lesson.why(Language::English)) }
                p lang="zh" { (self.lesson.why(Language::Chinese)) }
            }
        }
    }
}

/// Its answers under a name that tells who it was.
fn named(it: &Taken<'_>) -> Answers {
    let student = it
        .answers
        .student
        .clone()
        .or_else(|| Some(it.folder.to_owned()));
    Answers {
        student,
        ..it.answers.clone()
    }
}

fn student(part: &Part<'_>, it: &Taken<'_>) -> Markup {
    let score = it.answers.score();
    html! {
        tr {
            th scope="row" { (named(it).student.unwrap_or_default()) small { (it.folder) } }
            @for (ask, _) in &part.asks {
                td.words { @if let Some(scored) = of_ask(it, ask) { (said(ask, scored)) small { (came(ask, scored)) } } }
            }
            td { (score.map_or(format::MISSING.to_owned(), |score| format!("{:.0} %", 100.0 * score))) }
            td.words { (it.cpu) }
        }
    }
}

fn of_ask<'a>(it: &'a Taken<'_>, ask: &Ask) -> Option<&'a Scored> {
    it.answers
        .asked
        .iter()
        .find(|scored| scored.ask == ask.name)
}

/// What was predicted.
fn said(ask: &Ask, scored: &Scored) -> String {
    match &scored.predicted {
        Some(Prediction::Order(order)) => order.join(" > "),
        Some(Prediction::Number(number)) => amount(ask, *number),
        None => format::MISSING.to_owned(),
    }
}

/// What came, and what that made of it.
fn came(ask: &Ask, scored: &Scored) -> String {
    let measured = match ask.kind() {
        Kind::Order(_) => {
            let names = scored.measured.iter().filter(|it| it.value.is_some());
            names
                .map(|it| it.name.as_str())
                .collect::<Vec<_>>()
                .join(" > ")
        }
        Kind::Number | Kind::Factor => scored.measured.iter().map(|it| figure(ask, it)).collect(),
    };
    match scored.score {
        Some(score) => format!("came {measured}: {:.0} %", 100.0 * score),
        None => format!("no score: {}", scored.reason.clone().unwrap_or_default()),
    }
}

/// Of an order, each name's figures over those of the least on the same machine, and where it was put; of a number, what was
/// measured, and what was said.
fn rows(ask: &Ask, taken: &[&Taken<'_>]) -> Vec<Row> {
    let scored: Vec<&Scored> = taken.iter().filter_map(|it| of_ask(it, ask)).collect();
    match ask.kind() {
        Kind::Order(who) => {
            let mut rows: Vec<Row> = who
                .iter()
                .map(|name| placed(name, &scored))
                .filter(|row| !row.ratios.is_empty())
                .collect();
            rows.sort_by(|a, b| {
                median(&b.ratios)
                    .unwrap_or(0.0)
                    .total_cmp(&median(&a.ratios).unwrap_or(0.0))
            });
            rows
        }
        Kind::Number | Kind::Factor => {
            let measured = scored.iter().filter_map(|it| it.measured.first()?.value);
            let predicted = scored.iter().filter_map(|it| number(it));
            let all = [
                ("measured", measured.collect()),
                ("predicted", predicted.collect()),
            ];
            all.map(|(name, values)| row(name.to_owned(), values))
                .into_iter()
                .filter(|row| !row.ratios.is_empty())
                .collect()
        }
    }
}

fn row(contender: String, mut ratios: Vec<f64>) -> Row {
    ratios.sort_by(f64::total_cmp);
    Row {
        contender,
        ratios,
        answers: [0; 4],
    }
}

fn placed(name: &str, scored: &[&Scored]) -> Row {
    let ratios = scored.iter().filter_map(|it| {
        let values = || it.measured.iter().filter_map(|it| it.value);
        let least = values().fold(f64::INFINITY, f64::min);
        let own = it.measured.iter().find(|it| it.name == name)?.value?;
        (least > 0.0).then(|| own / least)
    });
    let places: Vec<f64> = scored
        .iter()
        .filter_map(|it| Some(foretold(it, name)? as f64))
        .collect();
    let mean = places.iter().sum::<f64>() / (places.len() as f64).max(1.0);
    let contender = match places.is_empty() {
        true => name.to_owned(),
        false => format!("{name} (put {mean:.1})"),
    };
    row(contender, ratios.collect())
}

/// `event-loop (put 1.4)        30   4.1   2.9 to 6.0`.
fn line(row: &Row, columns: usize) -> String {
    let (low, high) = (row.ratios[0], row.ratios[row.ratios.len() - 1]);
    let middle = median(&row.ratios).unwrap_or(f64::NAN);
    let text = format!(
        "  {}{:>4}{:>10}   {} to {}",
        padded(&clip(&row.contender, 34), 35),
        row.ratios.len(),
        format::digits(middle),
        format::digits(low),
        format::digits(high)
    );
    clip(&text, columns)
}

fn gathered(ask: &Ask, taken: &[&Taken<'_>]) -> ByHost {
    let hosts = format::plural(taken.len(), "folder");
    let (subtitle, axis, unit) = match ask.kind() {
        Kind::Order(_) => (
            format!(
                "A dot is a machine ({hosts}); in brackets the mean of the places that it was put at"
            ),
            "a multiple of the least on the same machine",
            "×",
        ),
        Kind::Factor => (
            format!("A dot is a machine, or somebody's prediction ({hosts})"),
            "a factor",
            "×",
        ),
        Kind::Number => (
            format!("A dot is a machine, or somebody's prediction ({hosts})"),
            "a number",
            "",
        ),
    };
    ByHost {
        title: title(ask),
        subtitle,
        axis,
        unit,
        rows: rows(ask, taken),
    }
}

fn page(parts: &[Part<'_>], others: usize) -> String {
    // Nothing is fetched, and nothing runs.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "fiveways: a class" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.over { "fiveways · lessons" }
                    h1 { "What a class predicted, and what its machines measured" }
                    @if let Some(left_out) = left_out(others) { p.conditions { (left_out) "." } }
                }
                main { @for part in parts { (part.section()) } }
                footer { p.soft { "Figures are medians over rounds of each machine. Pairs that a machine does not tell apart count for nobody. Missing figures are " (format::MISSING) ", never 0." } }
            }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use record::{Results, Taken};

    use super::*;
    use crate::fixture;

    fn student(number: usize) -> Results {
        let mut results = fixture::results();
        results.run.host.cpu = format!("CPU {}", number % 3);
        let mut order = [
            "event-loop",
            "prefork",
            "thread-pool",
            "thread-per-connection",
            "fork-per-connection",
        ]
        .map(str::to_owned);
        order.rotate_left(number % 5);
        results.run.lesson = Some(Taken {
            lesson: 5,
            student: (number > 0).then(|| format!("Student <{number}>")),
            predictions: BTreeMap::from([
                ("answers".to_owned(), Prediction::Order(order.to_vec())),
                (
                    "processes".to_owned(),
                    Prediction::Number(1.0 + number as f64),
                ),
                ("threads".to_owned(), Prediction::Number(1.5)),
            ]),
        });
        results
    }

    #[test]
    fn thirty_students_are_one_page() {
        let all: Vec<Results> = (0..30).map(student).collect();
        let mut sides: Vec<Side<'_>> = all
            .iter()
            .enumerate()
            .map(|(number, results)| Side {
                name: format!("class/{number}"),
                results,
            })
            .collect();
        let quick = fixture::results();
        sides.push(Side {
            name: "no-lesson".to_owned(),
            results: &quick,
        });
        let class = class(&sides, 80).expect("a class");
        assert_eq!(class.html.matches("<svg").count(), 3);
        for number in 1..30 {
            assert!(
                class.html.contains(&format!("Student &lt;{number}&gt;")),
                "{number}"
            );
        }
        assert!(!class.html.contains("<script"));
        assert!(
            class.text.contains("30 folders, 3 kinds of CPU"),
            "{}",
            class.text
        );
        assert!(
            class.text.contains("class/0: "),
            "who gave no name has the folder's"
        );
        assert!(class.text.contains("1 folder of no lesson left out"));
        assert!(
            class.text.lines().all(|line| line.chars().count() <= 80),
            "{}",
            class.text
        );
        // Every place was predicted as often as any other.
        assert!(
            class.text.contains("event-loop (put 3.0)"),
            "{}",
            class.text
        );
        assert!(super::class(&sides[30..], 80).is_none());
    }
}
