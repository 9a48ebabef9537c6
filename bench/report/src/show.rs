//! What `show` prints: the answers, and under them bars, a contender a row, within the columns of a terminal. Colours
//! are escapes; whoever prints takes them out where nobody wants them.

use std::path::PathBuf;

use record::{Estimate, Lab, Results, Scenario, Summary};

use crate::answers::{answers, of_scenario};
use crate::conditions::{conditions, machine};
use crate::data::{Data, may_be_shown};
use crate::terminal::bars::{Bar, bold, dim, drawn};
use crate::terminal::text::{clip, path_lines, wrap_to};
use crate::terminal::{head, notes};
use crate::{capacity, columns, format, labs, noise_floor};

/// What is shown, and how wide.
#[derive(Clone, Debug, Default)]
pub struct Shown<'a> {
    /// Of this scenario or lab alone.
    pub scenario: Option<&'a str>,
    /// Of this metric alone.
    pub metric: Option<&'a str>,
    /// Of the terminal.
    pub columns: usize,
    /// Where the page is.
    pub path: Option<PathBuf>,
}

/// Narrower, nothing can be read; wider, a bar is none.
const COLUMNS: (usize, usize) = (40, 160);
/// Of one scenario these are shown, as far as it has them, beside the metric that ranks it.
const BESIDE: [&str; 4] = [
    "response_ns_p50",
    "response_ns_p99",
    "cpu_us_per_request",
    "tasks",
];

/// The text, its last line ended.
///
/// # Errors
/// With why there is nothing.
pub fn show(results: &Results, summary: &Summary, shown: &Shown<'_>) -> Result<String, String> {
    let data = Data::new(results, summary);
    let columns = shown.columns.clamp(COLUMNS.0, COLUMNS.1);
    let mut lines = vec![bold(&clip(&head(&data), columns))];
    lines.extend(dim(&wrap_to(&machine(&results.run.host), columns)));
    let all = shown.scenario.is_none() && shown.metric.is_none();
    if all {
        lines.push(String::new());
        let sentences = noise_floor::sentences(&data)
            .into_iter()
            .chain(answers(&data));
        lines.extend(sentences.flat_map(|sentence| wrap_to(&sentence, columns)));
        lines.extend(capacities(&data, columns));
    }
    let before = lines.len();
    let here = |name: &str| shown.scenario.is_none_or(|it| it == name);
    for scenario in data
        .scenarios()
        .iter()
        .filter(|it| here(&it.name) && (!it.probe || shown.scenario.is_some()))
    {
        lines.extend(section(&data, scenario, shown, columns));
    }
    for lab in data.labs().iter().filter(|it| here(&it.name)) {
        lines.extend(lab_section(&data, lab, shown, columns));
    }
    if lines.len() == before && !all {
        let metric = shown.metric.unwrap_or("any figure");
        let under = shown
            .scenario
            .map_or(String::new(), |name| format!(" under {name}"));
        return Err(format!("nobody has {metric}{under}"));
    }
    if all {
        let notes = notes(&data);
        let notes: Vec<String> = notes.iter().flat_map(|it| wrap_to(it, columns)).collect();
        if !notes.is_empty() {
            lines.push(String::new());
            lines.extend(dim(&notes));
        }
    }
    if let Some(path) = &shown.path {
        lines.push(String::new());
        lines.extend(path_lines(&path.display().to_string()));
    }
    Ok(lines.join("\n") + "\n")
}

fn section(data: &Data<'_>, scenario: &Scenario, shown: &Shown<'_>, columns: usize) -> Vec<String> {
    let first = columns::ranked_by(data, scenario);
    let metrics: Vec<&str> = match (shown.metric, shown.scenario) {
        (Some(metric), _) => vec![metric],
        (None, None) => vec![first],
        (None, Some(_)) => std::iter::once(first)
            .chain(BESIDE.into_iter().filter(|it| *it != first))
            .collect(),
    };
    let bars: Vec<Vec<String>> = metrics
        .into_iter()
        .map(|metric| bars(data, &scenario.name, metric, columns))
        .filter(|bars| !bars.is_empty())
        .collect();
    if bars.is_empty() {
        return Vec::new();
    }
    let mut lines = titled(&scenario.name, &scenario.title, columns);
    if shown.scenario.is_some() {
        lines.extend(wrap_to(&of_scenario(data, scenario), columns));
    }
    lines.extend(dim(&wrap_to(&conditions(scenario), columns)));
    lines.extend(bars.join(&String::new()));
    lines
}

fn lab_section(data: &Data<'_>, lab: &Lab, shown: &Shown<'_>, columns: usize) -> Vec<String> {
    let all = labs::tables::columns(lab.lab)
        .iter()
        .map(|(_, metric)| *metric);
    let metrics: Vec<&str> = match (shown.metric, shown.scenario) {
        (Some(metric), _) => vec![metric],
        (None, None) => all.take(1).collect(),
        (None, Some(_)) => all.collect(),
    };
    let bars: Vec<Vec<String>> = metrics
        .into_iter()
        .map(|metric| bars(data, &lab.name, metric, columns))
        .filter(|bars| !bars.is_empty())
        .collect();
    if bars.is_empty() {
        return Vec::new();
    }
    let mut lines = titled(&lab.name, &lab.title, columns);
    lines.extend(dim(&wrap_to(&labs::tables::conditions(lab), columns)));
    lines.extend(bars.join(&String::new()));
    lines
}

fn titled(name: &str, title: &str, columns: usize) -> Vec<String> {
    vec![
        String::new(),
        bold(&clip(&format!("{name}: {title}"), columns)),
    ]
}

/// A metric's head and its bars; nothing where nobody has a figure.
fn bars<'a>(data: &Data<'a>, under: &str, metric: &str, columns: usize) -> Vec<String> {
    let ranking = data.ranking(under, metric);
    if ranking.is_empty() {
        return Vec::new();
    }
    let of = |it: &'a Estimate| {
        let spread = it
            .value
            .and_then(|value| format::spread(metric, value, it.low, it.high));
        Bar {
            name: &it.contender,
            family: &it.family,
            value: it.value,
            figure: it
                .value
                .map_or_else(String::new, |value| format::figure(metric, value)),
            spread: spread.unwrap_or_default(),
        }
    };
    let mut rows: Vec<Bar<'_>> = ranking.into_iter().map(of).collect();
    for it in data.estimates(under, metric) {
        if rows.iter().all(|row| row.name != it.contender) {
            rows.push(instead(data, it));
        }
    }
    let known = record::metric(metric);
    let better = match known.map(|it| it.better) {
        Some(record::Better::More) => ", more is better",
        Some(record::Better::Less) => ", less is better",
        _ => "",
    };
    let title = known.map_or(metric, |it| it.title);
    let mut lines = vec![clip(&format!("{title} ({metric}){better}"), columns)];
    lines.extend(drawn(&rows, columns));
    lines
}

/// Whoever has no figure that may stand beside others, with the reason.
fn instead<'a>(data: &Data<'_>, it: &'a Estimate) -> Bar<'a> {
    let served = data.served(&it.contender, &it.scenario);
    let why = served.unwrap_or_else(|| match may_be_shown(it) {
        true => it
            .reason
            .clone()
            .unwrap_or_else(|| format::MISSING.to_owned()),
        false => it.verdict.clone(),
    });
    Bar {
        name: &it.contender,
        family: &it.family,
        value: None,
        figure: why,
        spread: String::new(),
    }
}

/// The rates that a search has found.
fn capacities<'a>(data: &Data<'a>, columns: usize) -> Vec<String> {
    let Some(search) = data.search() else {
        return Vec::new();
    };
    let mut all: Vec<&'a record::Capacity> = data.summary.capacities.iter().collect();
    all.sort_by(|a, b| b.value.unwrap_or(-1.0).total_cmp(&a.value.unwrap_or(-1.0)));
    let of = |it: &'a record::Capacity| {
        let spread = it
            .value
            .and_then(|value| format::plus_minus(value, it.low, it.high));
        Bar {
            name: &it.contender,
            family: &it.family,
            value: it.value,
            figure: it.value.map_or_else(|| it.verdict.clone(), format::rate),
            spread: spread.unwrap_or_default(),
        }
    };
    let rows: Vec<Bar<'_>> = all.into_iter().map(of).collect();
    let mut lines = titled("capacity", "the highest rate that each sustains", columns);
    lines.extend(dim(&wrap_to(&capacity::caption(search), columns)));
    lines.extend(drawn(&rows, columns));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::terminal::text::width;

    fn plain(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            out.push_str(before);
            rest = after.split_once('m').map_or("", |(_, rest)| rest);
        }
        out + rest
    }

    fn shown(results: &Results, shown: &Shown<'_>) -> String {
        plain(&show(results, &crate::summarise(results), shown).expect("something"))
    }

    #[test]
    fn every_line_keeps_to_the_terminal_whatever_names_are() {
        let mut odd = fixture::results();
        let name = |name: &str| {
            format!(
                "{name}\u{1b}[2J\u{202e}🦀漢字-with-a-name-longer-than-any-terminal-is-wide-which-is-no-name"
            )
        };
        odd.run
            .entrants
            .iter_mut()
            .for_each(|it| it.name = name(&it.name));
        odd.passes
            .iter_mut()
            .for_each(|it| it.contender = name(&it.contender));
        for results in [
            fixture::results(),
            fixture::steady(),
            fixture::struck(),
            odd,
        ] {
            let summary = crate::summarise(&results);
            for columns in [1, 40, 61, 80, 133, 1_000] {
                let text = show(
                    &results,
                    &summary,
                    &Shown {
                        columns,
                        ..Shown::default()
                    },
                )
                .expect("something");
                let text = plain(&text);
                for line in text.lines() {
                    assert!(
                        width(line) <= columns.clamp(COLUMNS.0, COLUMNS.1),
                        "{columns}: {line}"
                    );
                    assert_eq!(line, format::printable(line));
                }
            }
        }
    }

    #[test]
    fn the_best_has_the_longest_bar_and_who_has_none_says_why() {
        let text = shown(
            &fixture::results(),
            &Shown {
                scenario: Some("rr-50"),
                columns: 80,
                ..Shown::default()
            },
        );
        let bar = |name: &str| {
            let line = text
                .lines()
                .find(|line| line.starts_with(name) && line.contains('█'))
                .expect(name);
            line.matches('█').count()
        };
        assert!(bar("event-loop") > bar("thread-per-connection"), "{text}");
        let first = text.lines().find(|line| line.contains('█')).expect("a bar");
        assert!(first.matches('█').count() > 30, "{first}");
        assert!(
            text.lines()
                .any(|line| line.starts_with("iterative") && line.ends_with("1 of 50 served")),
            "{text}"
        );
    }

    #[test]
    fn a_metric_is_shown_wherever_it_is_known() {
        let metric = Some("memory_bytes_per_connection");
        let text = shown(
            &fixture::results(),
            &Shown {
                metric,
                columns: 80,
                ..Shown::default()
            },
        );
        assert!(
            text.contains("idle-500") && !text.contains("rr-50"),
            "{text}"
        );
        let results = fixture::results();
        let shown = Shown {
            metric,
            scenario: Some("rr-50"),
            columns: 80,
            ..Shown::default()
        };
        let why = show(&results, &crate::summarise(&results), &shown).expect_err("no such cell");
        assert!(
            why.contains("memory_bytes_per_connection under rr-50"),
            "{why}"
        );
    }
}
