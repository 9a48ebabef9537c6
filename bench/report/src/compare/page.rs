//! What a comparison says, for a terminal and for a pull request: what differs beside the servers first, then the verdict,
//! then every ratio.

use record::Answer;

use super::{Change, Compared};
use crate::format;
use crate::terminal::text::{clip, wrap_to};

/// Of a contender's name in a terminal.
const NAME: usize = 22;
/// Of a ratio.
const CELL: usize = 10;
/// Lines of who was not compared before the rest is counted.
const LEFT_OUT: usize = 8;

const READING: &str = "B / A over what all contenders of the scenario share, ± its 95 % interval; + B is ahead (better), − behind, \
                       = within ± 3 %, ? undecided.";

pub(super) fn terminal(it: &Compared, columns: usize) -> String {
    let wrap = |text: &str| wrap_to(text, columns);
    let mut lines = Vec::new();
    for (index, name) in it.names.iter().enumerate() {
        lines.push(clip(&format!("{}: {name}", letter(index)), columns));
    }
    lines.push(match it.differences.is_empty() {
        true => "Nothing differs beside the figures.".to_owned(),
        false => "What differs beside the figures:".to_owned(),
    });
    for (name, values) in &it.differences {
        let values = values.iter().enumerate();
        let values: Vec<String> = values
            .map(|(at, it)| format!("{} {it}", letter(at)))
            .collect();
        lines.extend(wrap(&format!("- {name}: {}", values.join("; "))));
    }
    lines.push(String::new());
    lines.extend(verdict(it).iter().flat_map(|it| wrap(it)));
    lines.extend(shifts(it).iter().flat_map(|it| wrap(it)));
    for side in 1..it.names.len() {
        for scenario in scenarios(it, side) {
            lines.extend(matrix(it, side, scenario, columns));
        }
    }
    if !it.changes.is_empty() {
        lines.push(String::new());
        lines.extend(wrap(&READING.replace('B', &letters(it))));
    }
    lines.extend(left_out(it).iter().flat_map(|it| wrap(it)));
    lines.join("\n") + "\n"
}

/// `B`, or `B, C`.
fn letters(it: &Compared) -> String {
    let all: Vec<String> = (1..it.names.len()).map(letter).collect();
    all.join(", ")
}

fn letter(index: usize) -> String {
    let letters = u8::try_from(index).ok().filter(|it| *it < 26);
    letters.map_or(format!("#{}", index + 1), |it| {
        char::from(b'A' + it).to_string()
    })
}

/// The answer, in sentences.
fn verdict(it: &Compared) -> Vec<String> {
    if it.changes.is_empty() {
        return vec!["Nothing can be compared: no contender was measured soundly under the same load in both.".to_owned()];
    }
    let count = |answer| it.count(answer);
    let mut said = vec![format!(
        "Of {}: {} ahead, {} behind, {} equal for practical purposes, {} undecided.",
        format::plural(it.changes.len(), "ratio"),
        count(Answer::Ahead),
        count(Answer::Behind),
        count(Answer::Equal),
        count(Answer::Undecided)
    )];
    let regressions = it.regressions();
    for (gate, change) in &regressions {
        said.push(format!("- REGRESSION beyond {gate}: {}", sentence(change)));
    }
    let is_told = |change: &&Change| {
        regressions
            .iter()
            .any(|(_, told)| std::ptr::eq(*told, *change))
    };
    let decided = it
        .changes
        .iter()
        .filter(|it| matches!(it.answer, Answer::Ahead | Answer::Behind));
    let decided = decided.filter(|it| !is_told(it));
    said.extend(decided.map(|change| format!("- {}", sentence(change))));
    for gate in &it.gates {
        let mut of_gate = it.changes.iter().filter(|it| it.metric == gate.metric);
        if !of_gate.any(|it| it.interval.is_some()) {
            said.push(format!(
                "The gate {gate} judges nothing: no ratio of its metric has an interval."
            ));
        }
    }
    let mut reasons: Vec<&str> = it.changes.iter().filter_map(|it| it.reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    said.extend(
        reasons
            .iter()
            .map(|it| format!("Undecided without an interval: {it}.")),
    );
    said
}

/// `event-loop under rr-50, response p99: 1.12 × (1.08 to 1.16), behind; 1.10 ms to 1.31 ms, 1.19 × as measured`.
fn sentence(it: &Change) -> String {
    let [from, to] = it.values.map(|value| format::figure(&it.metric, value));
    format!(
        "{}: {} under {}, {}: {}, {}; {from} to {to}, {}\u{a0}× as measured",
        letter(it.side),
        it.contender,
        it.scenario,
        title(&it.metric),
        ratio(it),
        word(it.answer),
        format::digits(it.raw)
    )
}

fn ratio(it: &Change) -> String {
    let ratio = format!("{}\u{a0}×", format::digits(it.ratio));
    match it.interval {
        Some((low, high)) => format!(
            "{ratio} ({} to {})",
            format::digits(low),
            format::digits(high)
        ),
        None => ratio,
    }
}

/// What all moved by, where that is more than what is called equal; and how far errors were stretched.
fn shifts(it: &Compared) -> Vec<String> {
    let apart = it
        .shifts
        .iter()
        .filter(|it| (it.ratio - 1.0).abs() > crate::comparisons::EQUAL);
    let mut said: Vec<String> = apart
        .map(|it| {
            format!(
                "All {} under {} moved by {}\u{a0}× in {} from A to {}: taken for the machine's, and divided by.",
                it.contenders,
                it.scenario,
                format::digits(it.ratio),
                title(&it.metric),
                letter(it.side)
            )
        })
        .collect();
    let most = it
        .shifts
        .iter()
        .max_by(|a, b| a.scatter.total_cmp(&b.scatter));
    said.extend(most.filter(|it| it.scatter > 1.05).map(|it| {
        format!(
            "Contenders scatter between the runs more than within: intervals are up to {} times as wide for it ({}).",
            format::digits(it.scatter),
            title(&it.metric)
        )
    }));
    said
}

fn title(metric: &str) -> &str {
    record::metric(metric).map_or(
        metric,
        |it| if it.name == metric { it.title } else { metric },
    )
}

/// Over a column.
fn short(metric: &str) -> String {
    let known = match metric {
        "throughput_per_s" => "req/s",
        "response_ns_p50" => "p50",
        "response_ns_p99" => "p99",
        "service_ns_p50" => "svc p50",
        "service_ns_p99" => "svc p99",
        "connect_ns_p50" => "connect",
        "cpu_us_per_request" => "CPU",
        "system_calls_per_request" => "calls",
        "memory_bytes_per_connection" => "memory",
        other => title(other),
    };
    clip(known, CELL - 1)
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Ahead => "ahead",
        Answer::Behind => "behind",
        Answer::Equal => "equal",
        Answer::Undecided => "undecided",
    }
}

fn sign(answer: Answer) -> char {
    match answer {
        Answer::Ahead => '+',
        Answer::Behind => '−',
        Answer::Equal => '=',
        Answer::Undecided => '?',
    }
}

fn unique<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut once = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

fn scenarios(it: &Compared, side: usize) -> Vec<&str> {
    let of_side = it.changes.iter().filter(|it| it.side == side);
    unique(of_side.map(|it| it.scenario.as_str()))
}

fn of<'a>(
    it: &'a Compared,
    side: usize,
    scenario: &'a str,
) -> impl Iterator<Item = &'a Change> + Clone {
    let changes = it.changes.iter();
    changes.filter(move |it| it.side == side && it.scenario == scenario)
}

/// A scenario: a contender a row, a metric a column, as many columns at once as there is room for.
fn matrix(it: &Compared, side: usize, scenario: &str, columns: usize) -> Vec<String> {
    let here = of(it, side, scenario);
    let contenders = unique(here.clone().map(|it| it.contender.as_str()));
    let metrics = unique(here.clone().map(|it| it.metric.as_str()));
    let mut lines = Vec::new();
    for metrics in metrics.chunks(((columns - NAME) / CELL).max(1)) {
        lines.push(String::new());
        let wide = (columns - CELL * metrics.len()).clamp(NAME, 2 * NAME);
        let name = clip(&format!("{scenario}, {}", letter(side)), wide - 1);
        let heads = metrics.iter().map(|it| format!("{:>CELL$}", short(it)));
        lines.push(format!("{name:<wide$}{}", heads.collect::<String>()));
        for contender in &contenders {
            let cell = |metric: &&str| {
                let found = here
                    .clone()
                    .find(|it| it.contender == *contender && it.metric == *metric);
                format!(
                    "{:>CELL$}",
                    found.map_or(format::MISSING.to_owned(), compact)
                )
            };
            let cells: String = metrics.iter().map(cell).collect();
            lines.push(format!("{:<wide$}{cells}", clip(contender, wide - 1)));
        }
    }
    lines
}

/// `0.98±3%=`.
fn compact(it: &Change) -> String {
    let ratio = if it.ratio < 9.995 {
        format!("{:.2}", it.ratio)
    } else {
        format::digits(it.ratio)
    };
    let half = it.interval.map_or(String::new(), |(low, high)| {
        let share = 100.0 * (high / low).sqrt() - 100.0;
        if share > 99.0 {
            "±>99%".to_owned()
        } else {
            format!("±{share:.0}%")
        }
    });
    format!("{ratio}{half}{}", sign(it.answer))
}

fn left_out(it: &Compared) -> Vec<String> {
    let mut lines = Vec::new();
    if !it.left_out.is_empty() {
        lines.extend([String::new(), "Not compared:".to_owned()]);
    }
    lines.extend(
        it.left_out
            .iter()
            .take(LEFT_OUT)
            .map(|it| format!("- {it}")),
    );
    if it.left_out.len() > LEFT_OUT {
        let more = it.left_out.len() - LEFT_OUT;
        lines.push(format!("… and {more} more: --json has all"));
    }
    lines
}

pub(super) fn markdown(it: &Compared) -> String {
    let mut text = format!("### fiveways: {} against A\n\n", letters(it));
    let heads: Vec<String> = it
        .names
        .iter()
        .enumerate()
        .map(|(at, name)| format!("{} {}", letter(at), plain(name)))
        .collect();
    if it.differences.is_empty() {
        text += &format!(
            "{}; nothing differs beside the figures.\n\n",
            heads.join(", ")
        );
    } else {
        text += &format!(
            "| differs | {} |\n|---|{}\n",
            heads.join(" | "),
            "---|".repeat(heads.len())
        );
        for (name, values) in &it.differences {
            let values: Vec<String> = values.iter().map(|it| plain(it)).collect();
            text += &format!("| {} | {} |\n", plain(name), values.join(" | "));
        }
        text.push('\n');
    }
    for line in verdict(it).iter().chain(&shifts(it)) {
        text += &match line.strip_prefix("- ") {
            Some(rest) => format!("- {}\n", plain(rest)),
            None => format!("\n**{}**\n\n", plain(line)),
        };
    }
    for side in 1..it.names.len() {
        for scenario in scenarios(it, side) {
            text += &table(it, side, scenario);
        }
    }
    for line in left_out(it) {
        text += &plain(&line);
        text.push('\n');
    }
    text
}

/// A scenario, folded away: a pull request shows the verdict.
fn table(it: &Compared, side: usize, scenario: &str) -> String {
    let mut text = format!(
        "\n<details><summary>{}, {} / A</summary>\n\n| contender | metric | A | {} | ratio (95 %) | |\n|---|---|---:|---:|---:|---|\n",
        plain(scenario),
        letter(side),
        letter(side)
    );
    for change in of(it, side, scenario) {
        let [from, to] = change
            .values
            .map(|value| format::figure(&change.metric, value));
        text += &format!(
            "| {} | {} | {from} | {to} | {} | {} |\n",
            plain(&change.contender),
            title(&change.metric),
            ratio(change),
            word(change.answer)
        );
    }
    text + "\n</details>\n"
}

fn plain(text: &str) -> String {
    crate::markdown::line(text)
}
