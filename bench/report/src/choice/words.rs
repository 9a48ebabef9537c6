//! A choice in words and as a table: every figure from the estimates, no advice that is not made of them.

use super::{Choice, Headroom, Stand, Standing};
use crate::format;
use crate::terminal::text::{clip, wrap_to};

/// Of a name.
const NAME: usize = 22;

/// The answer in one or two sentences.
pub(super) fn answer(choice: &Choice) -> String {
    let need = format!("{} at {}", choice.slo, format::rate(choice.rate_per_s));
    let of = |name: &String| choice.contenders.iter().find(|it| it.contender == *name);
    let Some(first) = choice.take.first().and_then(of) else {
        return nobody(choice, &need);
    };
    let mut text = format!("Take {}: it keeps {need}", first.contender);
    if let Some(response) = first.response_ns {
        text.push_str(&format!(
            ", {} {}",
            percentile(choice),
            format::time(response)
        ));
    }
    if let Some(headroom) = first.headroom {
        text.push_str(&format!(", and {}", room(headroom)));
    }
    if let Some(bytes) = first.memory_bytes {
        text.push_str(&format!(", in {}", format::bytes(bytes)));
    }
    text.push('.');
    if let [_, others @ ..] = choice.take.as_slice()
        && !others.is_empty()
    {
        text.push_str(&format!(
            " Headroom cannot tell it from {}: it goes first for memory, then CPU.",
            others.join(", ")
        ));
    } else if let Some(next) = choice
        .contenders
        .get(1)
        .filter(|it| it.stand == Stand::Meets)
    {
        text.push_str(&format!(" Next is {}", next.contender));
        if let Some(headroom) = next.headroom {
            text.push_str(&format!(": {}", room(headroom)));
        }
        text.push('.');
    }
    if let Some(doubt) = &first.reason {
        let doubt = doubt.split([';', '(']).next().unwrap_or_default();
        text.push_str(&format!(" In doubt, {}.", doubt.trim_end()));
    }
    text
}

fn nobody(choice: &Choice, need: &str) -> String {
    let names = |stand: Stand| {
        let these = choice.contenders.iter().filter(|it| it.stand == stand);
        these
            .map(|it| it.contender.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (close, unknown) = (names(Stand::TooCloseToCall), names(Stand::CannotSay));
    match (close.is_empty(), unknown.is_empty()) {
        (false, _) => format!(
            "Too close to call: nobody keeps {need} for sure; the line lies within the interval of {close}. A longer --window or more --rounds would tell."
        ),
        (true, false) => format!(
            "Cannot say: nobody was seen to keep {need}, and the generator was the limit for {unknown}."
        ),
        (true, true) => match choice.contenders.first() {
            Some(nearest) => format!(
                "None meets it: nobody keeps {need}. The nearest is {}: {}.",
                nearest.contender,
                nearest
                    .reason
                    .as_deref()
                    .unwrap_or("no reason was recorded")
            ),
            None => format!("None meets it: nobody was measured at {need}."),
        },
    }
}

fn room(it: Headroom) -> String {
    let ratio = format::digits(it.ratio);
    match (it.searched, it.low.zip(it.high)) {
        (true, Some((low, high))) => format!(
            "would keep it up to {ratio} × the rate ({} to {})",
            format::digits(low),
            format::digits(high)
        ),
        (true, None) => format!("would keep it up to {ratio} × the rate (one search: no interval)"),
        (false, _) => format!("by CPU use has time for {ratio} × the rate (not searched for)"),
    }
}

/// The whole in so many columns: who meets the need, what excluded the others, the answer.
pub fn choice_text(choice: &Choice, columns: usize) -> String {
    let mut lines = wrap_to(
        &format!(
            "Needed: {} at {}, one server core; medians over rounds",
            choice.slo,
            format::rate(choice.rate_per_s)
        ),
        columns,
    );
    lines.extend(meeting(choice, columns));
    for (stand, head) in [
        (Stand::TooCloseToCall, "too close to call"),
        (Stand::CannotSay, "cannot say"),
        (Stand::Excluded, "does not meet it"),
    ] {
        let these: Vec<&Standing> = of_stand(choice, stand).collect();
        if !these.is_empty() {
            lines.extend([String::new(), format!("{head}:")]);
        }
        for it in these {
            let reason = it.reason.as_deref().unwrap_or("no reason was recorded");
            lines.extend(indented(&format!("{}: {reason}", it.contender), columns));
        }
    }
    for (name, reason) in &choice.skipped {
        lines.extend(wrap_to(&format!("skipped: {name}, {reason}"), columns));
    }
    lines.push(String::new());
    lines.extend(wrap_to(&choice.answer, columns));
    lines.join("\n")
}

fn of_stand(choice: &Choice, stand: Stand) -> impl Iterator<Item = &Standing> {
    let all = choice.contenders.iter();
    all.filter(move |it| it.stand == stand)
}

/// The table of those who meet the need, and what weakens its figures.
fn meeting(choice: &Choice, columns: usize) -> Vec<String> {
    let meet: Vec<&Standing> = of_stand(choice, Stand::Meets).collect();
    if meet.is_empty() {
        return Vec::new();
    }
    let head = format!(
        "{:NAME$} {:>9} {:>8} {:>14} {:>10} {:>9}",
        "meets it",
        percentile(choice),
        "± %",
        "headroom ×",
        "memory",
        "CPU"
    );
    let mut lines = vec![String::new(), head];
    lines.extend(meet.iter().map(|it| row(it)));
    let by_cpu = |it: &&Standing| it.headroom.is_some_and(|it| !it.searched);
    if meet.iter().any(by_cpu) {
        let note = "~ by CPU use: one core over what the server took; not searched for";
        lines.extend(indented(note, columns));
    }
    lines.extend(doubts(&meet, columns));
    lines
}

fn percentile(choice: &Choice) -> &str {
    choice.slo.split('=').next().unwrap_or_default()
}

/// What weakens the figures of those who meet the need: each doubt once, with the first one's reason.
fn doubts(meet: &[&Standing], columns: usize) -> Vec<String> {
    let word = |it: &Standing| Some(it.reason.as_ref()?.split(':').next()?.to_owned());
    let mut words: Vec<String> = meet.iter().filter_map(|it| word(it)).collect();
    words.sort();
    words.dedup();
    let told = words.iter().flat_map(|doubt| {
        let these = meet.iter().filter(|it| word(it).as_ref() == Some(doubt));
        let names: Vec<&str> = these.clone().map(|it| it.contender.as_str()).collect();
        let reason = these.clone().find_map(|it| it.reason.as_deref());
        let reason = reason.and_then(|it| it.split_once(": "));
        let reason = reason.map_or("", |(_, reason)| reason);
        let text = format!(
            "in doubt, {doubt}: {}; of the first, {reason}",
            names.join(", ")
        );
        indented(&text, columns)
    });
    told.collect()
}

/// Wrapped, and two columns to the right of what it belongs to.
fn indented(text: &str, columns: usize) -> Vec<String> {
    let lines = wrap_to(text, columns - 2).into_iter();
    lines.map(|line| format!("  {line}")).collect()
}

fn row(it: &Standing) -> String {
    let missing = || format::MISSING.to_owned();
    let half = it
        .response_ns
        .and_then(|value| format::plus_minus(value, it.response_low_ns, it.response_high_ns));
    let half = half.map(|text| text.replace("± ", "").replace(" %", ""));
    let headroom = it.headroom.map(|room| {
        let ratio = format::digits(room.ratio);
        match (room.searched, room.low.zip(room.high)) {
            (true, Some((low, high))) => {
                format!("{}–{}", format::digits(low), format::digits(high))
            }
            (true, None) => ratio,
            (false, _) => format!("~ {ratio}"),
        }
    });
    let cpu = it
        .cpu_cores
        .map(|cores| format!("{} %", format::digits(100.0 * cores)));
    format!(
        "{:NAME$} {:>9} {:>8} {:>14} {:>10} {:>9}",
        clip(&it.contender, NAME),
        it.response_ns.map_or_else(missing, format::time),
        half.unwrap_or_else(missing),
        headroom.unwrap_or_else(missing),
        it.memory_bytes.map_or_else(missing, format::bytes),
        cpu.unwrap_or_else(missing),
    )
}
