//! The claims on the page of HTML: the word, the figures, the chart that shows it, and why. Both languages stand there,
//! each marked as what it is.

use std::collections::BTreeSet;

use maud::{Markup, html};
use record::{Judged, Judgement, Tested};

use super::texts::Claim;
use super::{Language, words};
use crate::charts::Drawn;
use crate::data::Data;
use crate::format;
use crate::yardsticks;

/// Names of the charts that stand in the claims' section.
pub(crate) fn charts(data: &Data<'_>) -> BTreeSet<&'static str> {
    let told = words::told(&data.summary.judgements).into_iter();
    told.flat_map(|(_, claim)| claim.charts.iter().map(String::as_str))
        .collect()
}

/// The section; `figure` draws a chart where it is shown for the first time.
pub(crate) fn section(
    data: &Data<'_>,
    charts: &[Drawn],
    figure: impl Fn(&Drawn) -> Markup,
) -> Markup {
    let judgements = &data.summary.judgements;
    if judgements.is_empty() {
        return html! {};
    }
    let mut shown = BTreeSet::new();
    let claims: Vec<Markup> = words::told(judgements)
        .into_iter()
        .map(|(judgement, claim)| {
            let drawn = claim.charts.iter().filter_map(|name| charts.iter().find(|it| it.name == *name));
            let pictures: Vec<Markup> = drawn
                .map(|chart| match shown.insert(chart.name.clone()) {
                    true => figure(chart),
                    false => html! { p.soft { a href={ "#chart-" (chart.name) } { "Chart: " (chart.title) } } },
                })
                .collect();
            of_claim(data, judgement, claim, &pictures)
        })
        .collect();
    html! {
        section.claims {
            h2 id="claims" { "The textbook's claims" }
            p.soft {
                "Of " (judgements.len()) ": " (words::tally(judgements, Language::English)) ". Lines were fixed before the run: \"much\", \"very\" \
                 and \"slow\" are at least 2 ×, \"only slightly better\" is less than 2 ×. A claim holds when all its tests do, \
                 and is refuted by one; tests in grey only stand beside."
            }
            ol.judgements {
                @for (judgement, claim) in words::told(judgements) {
                    li class=(mark(judgement.judged)) {
                        a href={ "#" (judgement.claim) } { (judgement.claim) } " "
                        strong { (judgement.judged.as_str()) } " " (claim.sentence)
                    }
                }
            }
            @for claim in &claims { (claim) }
        }
    }
}

/// The class of a word.
pub(crate) fn mark(judged: Judged) -> &'static str {
    match judged {
        Judged::Holds => "holds",
        Judged::Refuted => "refuted",
        Judged::Undecided => "undecided",
        Judged::NotJudged => "not-judged",
    }
}

fn of_claim(data: &Data<'_>, judgement: &Judgement, claim: &Claim, pictures: &[Markup]) -> Markup {
    html! {
        article.claim id=(judgement.claim) {
            h3 { (judgement.claim) " " span.judged.(mark(judgement.judged)) { (judgement.judged.as_str()) } }
            blockquote {
                p { (claim.sentence) }
                p lang="zh" { (claim.chinese) " " strong { (words::judged(judgement.judged, Language::Chinese)) } }
            }
            @if judgement.claim == "C14" {
                p.soft { "Of the same two " a href="#C5" { "C5" } " says \"much\": they stand together here, judged by different figures." }
            }
            div.box tabindex="0" {
                table aria-label={ "tests of " (judgement.claim) } {
                    thead { tr { @for head in ["test", "figure", "line", "rounds", "judged"] { th scope="col" { (head) } } } }
                    tbody { @for test in &judgement.tests { (row(test)) } }
                }
            }
            p { strong { "Why. " } (words::why(claim, Language::English)) }
            p lang="zh" { (words::why(claim, Language::Chinese)) }
            @if let Some(rests) = rests_on(data, claim) { p.soft { (rests) } }
            @for picture in pictures { (picture) }
        }
    }
}

fn row(test: &Tested) -> Markup {
    let sides = words::sides(test);
    html! {
        tr.weak[test.beside] {
            th scope="row" { (test.says) @if test.beside { small { "beside" } } @if test.evidence { small { "evidence" } } }
            td { (words::value(test)) @if let Some(sides) = sides { small { (sides) } } }
            td { (words::line(test)) }
            td { (test.rounds) }
            td.words { (words::verdict(test, Language::English)) }
        }
    }
}

/// The yardsticks of this machine that a claim rests on.
pub(crate) fn rests_on(data: &Data<'_>, claim: &Claim) -> Option<String> {
    let told = yardsticks::told(&data.results.run.yardsticks);
    let of = |name: &String| {
        let it = told.iter().find(|it| it.name == name)?;
        let figures = it.figures.as_ref().ok()?;
        Some(format!("{} {}", it.title, format::time(figures.median)))
    };
    let said: Vec<String> = claim.yardsticks.iter().filter_map(of).collect();
    (!said.is_empty()).then(|| {
        format!(
            "It rests on what this machine's parts take: {}.",
            said.join("; ")
        )
    })
}
