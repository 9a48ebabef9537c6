//! Whether state stands in memory once for each process: scenarios that differ in the share of it that a connection
//! writes to. RSS is told only to show what it hides.

use record::Scenario;

use crate::data::Data;
use crate::format;
use crate::work::longest;

/// Share of the state that a connection writes to, 0 to 1.
pub(crate) fn touched(scenario: &Scenario) -> f64 {
    let share = scenario.touch.as_deref().unwrap_or("0%");
    let share: f64 = share.trim_end_matches('%').parse().unwrap_or(0.0);
    share / 100.0
}

/// Bytes of the state: `256MiB`.
pub(crate) fn bytes(scenario: &Scenario) -> f64 {
    let text = scenario.state.as_deref().unwrap_or("0");
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let unit = match &text[digits.len()..] {
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    };
    digits.parse::<f64>().unwrap_or(0.0) * unit
}

/// The scenarios with the most state, by the share that is touched.
pub(crate) fn line<'a>(data: &Data<'a>) -> Option<Vec<&'a Scenario>> {
    let able = |scenario: &&Scenario| {
        scenario.state.is_some() && !data.ranking(&scenario.name, "pss_bytes").is_empty()
    };
    let all: Vec<&Scenario> = data.sections().filter(able).collect();
    let most = all.iter().map(|it| bytes(it)).fold(0.0, f64::max);
    let largest = all.into_iter().filter(|it| bytes(it) == most);
    longest(largest, Scenario::touch_line, touched)
}

/// A sentence for everybody who was measured, the firsts of families first.
pub(crate) fn sentences(data: &Data<'_>) -> Vec<String> {
    let Some(line) = line(data) else {
        return Vec::new();
    };
    let (Some(least), Some(most)) = (line.first(), line.last()) else {
        return Vec::new();
    };
    let entrants = data.firsts_then_others().into_iter();
    let sentence = |it: &record::Entrant| sentence(data, &it.name, least, most);
    entrants.filter_map(sentence).collect()
}

/// `10 clients of fork-per-connection beside 256 MiB of state: RSS 2.7 GiB, PSS 259 MiB and page tables 5.9 MiB while
/// each writes to none of it; PSS 2.5 GiB and page tables 5.9 MiB when each has written to all of it.`
fn sentence(data: &Data<'_>, name: &str, least: &Scenario, most: &Scenario) -> Option<String> {
    let figure = |scenario: &Scenario, metric: &str| {
        let value = data.shown(name, &scenario.name, metric)?.value?;
        Some(format::bytes(value))
    };
    Some(format!(
        "{} of {name} beside {} of state: RSS {}, PSS {} and page tables {} while each writes to {} of it; PSS {} and \
         page tables {} when each has written to {} of it.",
        format::plural(least.connections as usize, "client"),
        format::bytes(bytes(least)),
        figure(least, "rss_bytes")?,
        figure(least, "pss_bytes")?,
        figure(least, "page_table_bytes")?,
        share(least),
        figure(most, "pss_bytes")?,
        figure(most, "page_table_bytes")?,
        share(most),
    ))
}

/// `none`, `10 %`, `all`.
fn share(scenario: &Scenario) -> String {
    match touched(scenario) {
        0.0 => "none".to_owned(),
        1.0 => "all".to_owned(),
        some => format!("{}\u{a0}%", format::tick(100.0 * some)),
    }
}
