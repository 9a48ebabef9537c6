//! Published results on the page of HTML: one table of all, then each with its figures, its conditions, and why.

use std::collections::BTreeSet;

use maud::{Markup, html};
use record::{Judgement, Tested};

use super::{Paper, told};
use crate::charts::Drawn;
use crate::claims::page::mark;
use crate::claims::{Language, words};
use crate::data::Data;
use crate::format;

/// The section; `figure` draws a chart where it is shown for the first time.
pub(crate) fn section(
    data: &Data<'_>,
    charts: &[Drawn],
    figure: impl Fn(&Drawn) -> Markup,
) -> Markup {
    let judgements = &data.summary.papers;
    if judgements.is_empty() {
        return html! {};
    }
    let mut shown = BTreeSet::new();
    let papers: Vec<Markup> = told(judgements)
        .map(|(judgement, paper)| {
            let drawn = paper.charts.iter().filter_map(|name| charts.iter().find(|it| it.name == *name));
            let pictures: Vec<Markup> = drawn
                .map(|chart| match shown.insert(chart.name.clone()) {
                    true => figure(chart),
                    false => html! { p.soft { a href={ "#chart-" (chart.name) } { "Chart: " (chart.title) } } },
                })
                .collect();
            of_paper(judgement, paper, &pictures)
        })
        .collect();
    html! {
        section.claims {
            h2 id="papers" { "Published results" }
            p.soft {
                "Of " (judgements.len()) " shapes: " (words::tally(judgements, Language::English)) ". A shape is an order or a range of a \
                 ratio, fixed before the run, never an absolute figure: the machines are others. It holds when all its tests do, and is \
                 refuted by one; tests in grey only stand beside."
            }
            (table(judgements))
            @for paper in &papers { (paper) }
        }
    }
}

/// Names of the charts that stand in this section.
pub(crate) fn charts(data: &Data<'_>) -> BTreeSet<&'static str> {
    told(&data.summary.papers)
        .flat_map(|(_, paper)| paper.charts.iter().map(String::as_str))
        .collect()
}

/// Published, measured, shape: every test that decides.
fn table(judgements: &[Judgement]) -> Markup {
    html! {
        div.box tabindex="0" {
            table aria-label="published results" {
                thead { tr { @for head in ["paper", "what", "published", "measured", "line", "shape"] { th scope="col" { (head) } } } }
                tbody {
                    @for (judgement, paper) in told(judgements) {
                        @for (index, test) in judgement.tests.iter().filter(|it| !it.beside).enumerate() {
                            tr {
                                th scope="row" { @if index == 0 { a href={ "#" (paper.id) } { (paper.id) } small { (judgement.judged.as_str()) } } }
                                td.words { (test.says) }
                                td { (published(test)) }
                                td { (words::value(test)) }
                                td { (words::line(test)) }
                                td.words { (words::judged(test.judged, Language::English)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What was published of it, or a dash.
pub(crate) fn published(test: &Tested) -> String {
    test.published
        .clone()
        .unwrap_or_else(|| format::MISSING.to_owned())
}

fn of_paper(judgement: &Judgement, paper: &Paper, pictures: &[Markup]) -> Markup {
    html! {
        article.claim id=(paper.id) {
            h3 { (paper.title) " " span.judged.(mark(judgement.judged)) { (judgement.judged.as_str()) } }
            p { (paper.citation) " " small { "(" (paper.reading()) ")" } }
            p { strong { "Published. " } (format::capital(&paper.published)) "." }
            p { strong { "Conditions. " } (paper.conditions) }
            div.box tabindex="0" {
                table aria-label={ "tests of " (paper.id) } {
                    thead { tr { @for head in ["test", "published", "measured", "line", "rounds", "shape"] { th scope="col" { (head) } } } }
                    tbody { @for test in &judgement.tests { (row(test)) } }
                }
            }
            p { strong { "Why. " } (paper.why) }
            @for picture in pictures { (picture) }
        }
    }
}

fn row(test: &Tested) -> Markup {
    let sides = words::sides(test);
    html! {
        tr.weak[test.beside] {
            th scope="row" { (test.says) @if test.beside { small { "beside" } } }
            td { (published(test)) }
            td { (words::value(test)) @if let Some(sides) = sides { small { (sides) } } }
            td { (words::line(test)) }
            td { (test.rounds) }
            td.words { (words::verdict(test, Language::English)) }
        }
    }
}
