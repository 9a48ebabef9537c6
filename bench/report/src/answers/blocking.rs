//! What requests that block do to the others: scenarios at one rate that differ in their work alone, one of them
//! without any.
//!
//! Where a hundredth of the requests is slow, p99 lies between the slow ones and the others, so p90 says who is kept
//! waiting by them, and p99 how long at worst.

use record::{Estimate, Scenario};

use crate::data::Data;
use crate::format;
use crate::work::largest;

const MOST: &str = "response_ns_p90";
const WORST: &str = "response_ns_p99";
/// Whoever waits for longer than so many times as long is kept waiting.
const KEPT: f64 = 2.0;

/// The scenarios: the one without work first, then those that have some.
pub(crate) fn line<'a>(data: &Data<'a>) -> Option<Vec<&'a Scenario>> {
    let able = |scenario: &&Scenario| {
        let blocks = scenario.work.starts_with("sleep:") || scenario.work.starts_with("read:");
        scenario.pace.rate_per_s().is_some()
            && (blocks || scenario.work == "none")
            && !data.ranking(&scenario.name, MOST).is_empty()
    };
    let mut line = largest(data.sections().filter(able), Scenario::work_line)?;
    line.sort_by_key(|scenario| scenario.work != "none");
    let idle = line.iter().filter(|scenario| scenario.work == "none");
    (idle.count() == 1 && line.len() > 1).then_some(line)
}

/// A sentence for each kind of work.
pub(crate) fn sentences(data: &Data<'_>) -> Vec<String> {
    let Some(line) = line(data) else {
        return Vec::new();
    };
    let (without, with) = (line[0], &line[1..]);
    let each = with.iter().filter_map(|it| sentence(data, without, it));
    each.collect()
}

fn sentence(data: &Data<'_>, without: &Scenario, with: &Scenario) -> Option<String> {
    let rise = |it: &&Estimate| {
        let before = data.shown(&it.contender, &without.name, MOST)?.value?;
        Some((it.contender.clone(), before, it.value?))
    };
    let ranking = data.ranking(&with.name, MOST);
    let (told, untold): (Vec<&Estimate>, Vec<&Estimate>) =
        ranking.into_iter().partition(|it| rise(it).is_some());
    let rises = told.iter().filter_map(rise);
    let (mut kept, others): (Vec<_>, Vec<_>) =
        rises.partition(|(_, before, after)| *after > KEPT * before);
    kept.reverse();
    let ms = |ns: &f64| format::time(*ns);
    let named = |(name, before, after): &(String, f64, f64)| {
        format!("{name} (p90 {} instead of {})", ms(after), ms(before))
    };
    let spared: Vec<&str> = others.iter().map(|it| it.0.as_str()).collect();
    let spared = spared.join(", ");
    let most = others.iter().map(|it| it.2).reduce(f64::max);
    let waiting: Vec<String> = kept.iter().map(named).collect();
    let waiting = match (waiting.is_empty(), most) {
        (true, None) => return None,
        (true, Some(_)) if untold.is_empty() => "keeps nobody else waiting".to_owned(),
        (true, Some(_)) => format!("keeps nobody else waiting in {spared}"),
        (false, None) => format!("keeps others waiting at {}", waiting.join(", ")),
        (false, Some(most)) => format!(
            "keeps others waiting at {}; p90 is {} or less in {spared}",
            waiting.join(", "),
            ms(&most)
        ),
    };
    let untold: Vec<&str> = untold.iter().map(|it| it.contender.as_str()).collect();
    let untold = match untold.as_slice() {
        [] => String::new(),
        some => format!("; not known without it: {}", some.join(", ")),
    };
    let worst = data.ranking(&with.name, WORST);
    let ends = match (worst.first(), worst.last()) {
        (Some(first), Some(last)) if worst.len() > 1 => {
            let [low, high] = [first, last].map(|it| ms(&it.value.unwrap_or(f64::NAN)));
            match low == high {
                true => format!("; p99 is {low} with all of them"),
                false => format!(
                    "; p99 is {low} ({}) to {high} ({})",
                    first.contender, last.contender
                ),
            }
        }
        _ => String::new(),
    };
    Some(format!("Work {} {waiting}{untold}{ends}.", with.work))
}
