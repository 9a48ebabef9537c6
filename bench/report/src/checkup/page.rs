//! The checkup on a terminal and as an object: what is worth changing first, then what cannot be changed, then
//! what is well, a line each.

use record::{Host, Yardstick};
use serde_json::{Value, json};

use super::{Finding, State, findings};
use crate::conditions::machine;
use crate::terminal::text::{COLUMNS, clip, wrap_to};
use crate::{format, yardsticks};

/// With what it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Of a terminal that has them.
    Colours,
    /// Text alone.
    None,
}

/// How it is written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// With what.
    pub ink: Ink,
    /// Whether every fact is listed, too.
    pub facts: bool,
}

/// A group of findings: its state, its heading, its mark, its colour.
const GROUPS: [(State, &str, &str, &str); 3] = [
    (State::Change, "Worth changing", "!", "33"),
    (State::Fixed, "Cannot be changed here", "-", "36"),
    (State::Well, "As it should be", "+", "32"),
];
/// Between the left edge and the words.
const INDENT: usize = 4;

/// What a terminal of 80 columns shows; only a command is longer if it must be, because it is to be copied.
pub fn checkup(host: &Host, yardsticks: &[Yardstick], style: Style) -> String {
    let found = findings(host, yardsticks);
    let mut lines = vec![
        style.bold("fiveways doctor: this machine, for figures that can be trusted"),
        clip(&machine(host), COLUMNS),
    ];
    for (state, heading, mark, colour) in GROUPS {
        let group: Vec<&Finding> = found
            .iter()
            .filter(|(_, finding)| finding.state == state)
            .map(|(_, finding)| finding)
            .collect();
        if group.is_empty() {
            continue;
        }
        lines.push(String::new());
        lines.push(style.bold(&format!("{heading} ({})", group.len())));
        let mark = style.coloured(mark, colour);
        for finding in group {
            lines.extend(finding_lines(finding, &mark));
        }
    }
    lines.extend(parts(yardsticks, host, style));
    if style.facts {
        lines.extend(facts(host, style));
    } else {
        lines.push(String::new());
        lines.push(
            "Every fact: fiveways doctor --all; for programs: fiveways doctor --json".to_owned(),
        );
    }
    lines.join("\n") + "\n"
}

fn finding_lines(finding: &Finding, mark: &str) -> Vec<String> {
    let mut lines = block(&format!("  {mark} "), INDENT, &finding.stands);
    if finding.state != State::Well {
        lines.extend(block("    why: ", INDENT + 5, &finding.why));
    }
    let command = finding.command.iter();
    lines.extend(command.map(|command| format!("     do: {command}")));
    lines
}

/// A text with a head before its first line, and as much space before the others.
fn block(head: &str, indent: usize, text: &str) -> Vec<String> {
    let wrapped = wrap_to(text, COLUMNS - indent);
    let line = |(index, line): (usize, &String)| match index {
        0 => format!("{head}{line}"),
        _ => format!("{}{}", " ".repeat(indent), line.trim_start()),
    };
    wrapped.iter().enumerate().map(line).collect()
}

fn parts(yardsticks: &[Yardstick], host: &Host, style: Style) -> Vec<String> {
    let told = yardsticks::told(yardsticks);
    if told.is_empty() {
        return Vec::new();
    }
    let place = yardsticks::place(yardsticks, host);
    let place = place.replace(", just before the first pass", "");
    let mut lines = vec![
        String::new(),
        style.bold("What its parts take"),
        clip(&format!("  {place}"), COLUMNS),
    ];
    for it in told {
        let line = match &it.figures {
            Ok(figures) => format!(
                "  {:<45}{:>9}  ({} to {})",
                clip(&it.title, 45),
                format::time(figures.median),
                format::time(figures.spread.0),
                format::time(figures.spread.1),
            ),
            Err(reason) => format!("  {}: {reason}", it.title),
        };
        lines.push(clip(&line, COLUMNS));
    }
    lines
}

fn facts(host: &Host, style: Style) -> Vec<String> {
    let mut lines = vec![String::new(), style.bold("Every fact")];
    for fact in &host.facts {
        let said = match (&fact.value, &fact.reason) {
            (Some(value), _) => value.clone(),
            (None, Some(reason)) => format!("({reason})"),
            (None, None) => format::MISSING.to_owned(),
        };
        let head = format!("  {:<32} ", fact.name);
        lines.extend(block(&head, head.chars().count(), &said));
    }
    lines
}

impl Style {
    fn bold(self, text: &str) -> String {
        self.coloured(text, "1")
    }

    fn coloured(self, text: &str, code: &str) -> String {
        match self.ink {
            Ink::Colours => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Ink::None => text.to_owned(),
        }
    }
}

/// Everything for a program: the host as in `run.json`, the yardsticks in figures, the findings.
pub fn checkup_object(host: &Host, yardsticks: &[Yardstick]) -> Value {
    let finding = |(about, it): (&str, Finding)| {
        json!({
            "about": about, "state": it.state.as_str(), "stands": it.stands, "why": it.why, "command": it.command,
        })
    };
    let yardstick = |it: yardsticks::Told<'_>| {
        let figures = it.figures.as_ref().ok();
        json!({
            "name": it.name, "title": it.title, "unit": "ns",
            "median": figures.map(|it| it.median),
            "low": figures.and_then(|it| it.interval).map(|(low, _)| low),
            "high": figures.and_then(|it| it.interval).map(|(_, high)| high),
            "p10": figures.map(|it| it.spread.0),
            "p90": figures.map(|it| it.spread.1),
            "samples": figures.map(|it| it.count),
            "batch": it.batch,
            "reason": it.figures.as_ref().err(),
        })
    };
    json!({
        "host": host,
        "yardsticks": yardsticks::told(yardsticks).into_iter().map(yardstick).collect::<Vec<_>>(),
        "findings": findings(host, yardsticks).into_iter().map(finding).collect::<Vec<_>>(),
    })
}
