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
        text.push_str(&format!(" with {}", format::time(response)));
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
            " Too close to call by headroom: {}; it is the lightest of them.",
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
        text.push_str(&format!(" In doubt, {doubt}."));
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
            "would up to {ratio} × the rate ({} to {})",
            format::digits(low),
            format::digits(high)
        ),
        (true, None) => format!("would up to {ratio} × the rate (one search: no interval)"),
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
    let percentile = choice.slo.split('=').next().unwrap_or_default();
    let (meet, not): (Vec<&Standing>, Vec<&Standing>) = choice
        .contenders
        .iter()
        .partition(|it| it.stand == Stand::Meets);
    if !meet.is_empty() {
        lines.extend([
            String::new(),
            format!(
                "{:NAME$} {:>9} {:>8} {:>14} {:>10} {:>9}",
                "meets it", percentile, "± %", "headroom ×", "memory", "CPU"
            ),
        ]);
        lines.extend(meet.iter().map(|it| row(it)));
        for it in meet.iter().filter(|it| it.reason.is_some()) {
            let doubt = it.reason.as_deref().unwrap_or_default();
            lines.extend(wrap_to(
                &format!("  in doubt, {}: {doubt}", it.contender),
                columns,
            ));
        }
        if meet
            .iter()
            .any(|it| it.headroom.is_some_and(|it| !it.searched))
        {
            lines.push(
                "  ~ by CPU use: one core over what the server took; not searched for".to_owned(),
            );
        }
    }
    for (stand, head) in [
        (Stand::TooCloseToCall, "too close to call"),
        (Stand::CannotSay, "cannot say"),
        (Stand::Excluded, "does not meet it"),
    ] {
        let these: Vec<&&Standing> = not.iter().filter(|it| it.stand == stand).collect();
        if these.is_empty() {
            continue;
        }
        lines.extend([String::new(), format!("{head}:")]);
        for it in these {
            let reason = it.reason.as_deref().unwrap_or("no reason was recorded");
            lines.extend(wrap_to(&format!("  {}: {reason}", it.contender), columns));
        }
    }
    for (name, reason) in &choice.skipped {
        lines.extend(wrap_to(&format!("skipped: {name}, {reason}"), columns));
    }
    lines.push(String::new());
    lines.extend(wrap_to(&choice.answer, columns));
    lines.join("\n")
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
