//! What is behind a word that is printed: a metric, a doubt, an outcome, an exit code, a claim, a model. Texts are data
//! (`bench/explain.toml`, `bench/claims.toml`); figures come from a results folder, where there is one.
//!
//! It ends at what a word means in general: why *this* cell has a doubt stands beside the cell.

use std::sync::LazyLock;

use record::{Results, SYSTEM_CALLS};
use serde::Deserialize;

use crate::claims::Language;
use crate::claims::plain::{self, wrapped};
use crate::claims::texts;
use crate::data::Data;
use crate::{counters, format, papers, yardsticks};

const TEXT: &str = include_str!("../../explain.toml");

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    metric: Vec<OfMetric>,
    doubt: Vec<OfDoubt>,
    exit: Vec<OfExit>,
    model: Vec<OfModel>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfMetric {
    names: Vec<String>,
    how: String,
    cannot: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfDoubt {
    names: Vec<String>,
    cause: String,
    remedy: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfExit {
    code: u8,
    cause: String,
    remedy: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfModel {
    names: Vec<String>,
    buys: String,
    reading: Vec<String>,
}

/// Compiled in, and read by the tests: it has no mistake.
fn texts() -> &'static Texts {
    static ALL: LazyLock<Texts> = LazyLock::new(|| toml::from_str(TEXT).unwrap_or_default());
    &ALL
}

/// What a model buys, and what to read about it.
#[derive(Clone, Copy, Debug)]
pub struct ModelText {
    /// A clause.
    pub buys: &'static str,
    /// Books, papers, manual pages.
    pub reading: &'static [String],
}

/// Of a model of ours.
pub fn model_text(name: &str) -> Option<ModelText> {
    let all = texts().model.iter();
    let found = all
        .into_iter()
        .find(|it| it.names.iter().any(|known| known == name))?;
    Some(ModelText {
        buys: &found.buys,
        reading: &found.reading,
    })
}

/// Every word that has a text here, but for models.
pub fn topics() -> Vec<String> {
    let claims = texts::claims().iter().map(|it| it.id.clone());
    let papers = papers::papers().iter().map(|it| it.id.clone());
    let metrics = texts().metric.iter().flat_map(|it| it.names.clone());
    let doubts = texts().doubt.iter().flat_map(|it| it.names.clone());
    let exits = texts().exit.iter().map(|it| it.code.to_string());
    let sticks = yardsticks::names().map(str::to_owned);
    claims
        .chain(papers)
        .chain(doubts)
        .chain(metrics)
        .chain(exits)
        .chain(sticks)
        .collect()
}

/// What a word means, in lines of so many columns; `None` when nothing is called so.
pub fn explain(
    topic: &str,
    results: Option<&Results>,
    language: Language,
    columns: usize,
) -> Option<Vec<String>> {
    if let Some(claim) = texts::claim(topic) {
        let summary = results.map(crate::summarise);
        let data = results
            .zip(summary.as_ref())
            .map(|(results, summary)| Data::new(results, summary));
        return Some(plain::claim(data.as_ref(), claim, language, columns));
    }
    if let Some(paper) = papers::paper(topic) {
        let summary = results.map(crate::summarise);
        let data = results
            .zip(summary.as_ref())
            .map(|(results, summary)| Data::new(results, summary));
        return Some(papers::plain::paper(data.as_ref(), paper, columns));
    }
    // A word may be both a figure's and a doubt's (`unserved`).
    match (metric(topic, columns), doubt(topic, columns)) {
        (Some(metric), Some(doubt)) => return Some([metric, vec![String::new()], doubt].concat()),
        (metric, doubt) => metric.or(doubt),
    }
    .or_else(|| exit(topic, columns))
    .or_else(|| yardstick(topic, results, columns))
}

fn paragraphs(head: String, said: &[(&str, &str)], columns: usize) -> Vec<String> {
    let mut lines = wrapped(&head, columns, "");
    for (title, text) in said {
        lines.push(String::new());
        lines.extend(wrapped(&format!("{title}: {text}"), columns, ""));
    }
    lines
}

fn metric(topic: &str, columns: usize) -> Option<Vec<String>> {
    let known = record::metric(topic)?;
    // Of system calls of one name, that of all.
    let name = known.name;
    let text = texts()
        .metric
        .iter()
        .find(|it| it.names.iter().any(|it| it == name))?;
    let better = match known.better {
        record::Better::More => "; more is better",
        record::Better::Less => "; less is better",
        record::Better::Neither => "",
    };
    let unit = match known.unit {
        "1" => "a number".to_owned(),
        unit => format!("in {unit}"),
    };
    let head = format!("{topic}: {}, {unit}{better}", known.title);
    Some(paragraphs(
        head,
        &[("How", &text.how), ("What it cannot say", &text.cannot)],
        columns,
    ))
}

fn doubt(topic: &str, columns: usize) -> Option<Vec<String>> {
    let text = texts()
        .doubt
        .iter()
        .find(|it| it.names.iter().any(|it| it == topic))?;
    let kind = match crate::is_doubt(topic) {
        true => "a doubt: the cell's figures are weak, and it is not ranked",
        false => "a verdict: what happened to a cell",
    };
    let head = format!("{topic}: {kind}");
    Some(paragraphs(
        head,
        &[("Cause", &text.cause), ("Remedy", &text.remedy)],
        columns,
    ))
}

fn exit(topic: &str, columns: usize) -> Option<Vec<String>> {
    let code: u8 = topic.parse().ok()?;
    let text = texts().exit.iter().find(|it| it.code == code)?;
    let head = format!("Exit code {code}");
    Some(paragraphs(
        head,
        &[("Cause", &text.cause), ("Remedy", &text.remedy)],
        columns,
    ))
}

fn yardstick(topic: &str, results: Option<&Results>, columns: usize) -> Option<Vec<String>> {
    if !yardsticks::is_known(topic) {
        return None;
    }
    let all = results
        .map(|results| yardsticks::told(&results.run.yardsticks))
        .unwrap_or_default();
    let found = all.iter().find(|it| it.name == topic);
    let title = yardsticks::title_of(topic);
    let figure = match found.map(|it| &it.figures) {
        Some(Ok(figures)) => format!(
            "{} in the run that was looked at.",
            format::time(figures.median)
        ),
        Some(Err(reason)) => reason.clone(),
        None => "no run here has measured it.".to_owned(),
    };
    let how = "Taken in a tenth of a second just before the first pass, on the CPUs that servers and generator get; the middle of its samples.";
    let cannot =
        "No figure is divided by it. Parts overlap, and caches are warmer than in a server.";
    Some(paragraphs(
        format!("{topic}: {title}, a yardstick"),
        &[
            ("Here", &figure),
            ("How", how),
            ("What it cannot say", cannot),
        ],
        columns,
    ))
}

/// What a request makes the kernel do for a contender, as a run has counted it; empty where none has.
pub fn calls_of(results: &Results, contender: &str) -> Vec<String> {
    let summary = crate::summarise(results);
    let data = Data::new(results, &summary);
    let mut lines = Vec::new();
    for scenario in data.sections().filter(|it| it.counters > 0) {
        let names = counters::by_name(&data.cells, scenario);
        let count = |name: &String| {
            let it = data.estimate(contender, &scenario.name, name)?;
            let value = it.value.filter(|value| *value >= 0.005)?;
            let short = name.strip_prefix(SYSTEM_CALLS)?.trim_start_matches('_');
            Some((value, format!("{short} {}", format::digits(value))))
        };
        let mut counts: Vec<(f64, String)> = names.iter().filter_map(count).collect();
        counts.sort_by(|a, b| b.0.total_cmp(&a.0));
        if !counts.is_empty() {
            let said: Vec<String> = counts.into_iter().map(|(_, said)| said).collect();
            lines.push(format!("{}: {}", scenario.name, said.join(", ")));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use record::{LAB_METRICS, METRICS, Outcome};

    use super::*;

    fn of(topic: &str) -> Vec<String> {
        explain(topic, None, Language::English, 80).unwrap_or_else(|| panic!("{topic} has no text"))
    }

    #[test]
    fn everything_that_is_printed_has_its_text() {
        for metric in METRICS.iter().chain(LAB_METRICS) {
            assert!(of(metric.name).len() > 4, "{}", metric.name);
        }
        assert!(
            of("system_calls_per_request_futex")[0].starts_with("system_calls_per_request_futex")
        );
        let outcomes = [
            Outcome::Ok,
            Outcome::Wrong,
            Outcome::Crashed,
            Outcome::Hung,
            Outcome::Refused,
            Outcome::Partial,
            Outcome::Skipped,
            Outcome::Struck,
        ];
        let words = outcomes
            .map(Outcome::as_str)
            .into_iter()
            .chain(crate::doubts::words());
        for word in words.chain(["valid", "unmeasured"]) {
            assert!(
                of(word).iter().any(|line| line.starts_with("Remedy")),
                "{word}"
            );
        }
        for number in 1..=17 {
            assert!(of(&format!("c{number}")).len() > 5);
        }
        for name in yardsticks::names() {
            assert!(of(name).len() > 3, "{name}");
        }
    }

    #[test]
    fn no_text_is_of_something_that_is_gone() {
        let known: BTreeSet<&str> = METRICS
            .iter()
            .chain(LAB_METRICS)
            .map(|it| it.name)
            .collect();
        let named: Vec<&String> = texts().metric.iter().flat_map(|it| &it.names).collect();
        for name in &named {
            assert!(known.contains(name.as_str()), "{name}");
        }
        let once: BTreeSet<&&String> = named.iter().collect();
        assert_eq!((once.len(), known.len()), (named.len(), named.len()));
        assert!(explain("no-such-word", None, Language::English, 80).is_none());
    }

    #[test]
    fn lines_fit_their_columns() {
        for topic in topics() {
            for language in [Language::English, Language::Chinese] {
                let lines = explain(&topic, None, language, 80).expect("a topic");
                let widest = lines.iter().map(|line| plain::width(line)).max();
                assert!(
                    widest.is_some_and(|widest| widest <= 82),
                    "{topic}: {lines:#?}"
                );
            }
        }
    }
}
