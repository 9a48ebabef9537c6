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
    let rises: Vec<(String, f64, f64)> = ranking.iter().filter_map(rise).collect();
    let (mut kept, others): (Vec<_>, Vec<_>) = rises
        .into_iter()
        .partition(|(_, before, after)| *after > KEPT * before);
    kept.reverse();
    let ms = |ns: &f64| format::time(*ns);
    let named = |(name, before, after): &(String, f64, f64)| {
        format!("{name} (p90 {} instead of {})", ms(after), ms(before))
    };
    let waiting = match kept.as_slice() {
        [] => "keeps nobody else waiting".to_owned(),
        some => {
            let names: Vec<String> = some.iter().map(named).collect();
            format!("keeps others waiting at {}", names.join(", "))
        }
    };
    let spared = match others.iter().max_by(|a, b| a.2.total_cmp(&b.2)) {
        Some((_, _, most)) if !kept.is_empty() => {
            let names: Vec<&str> = others.iter().map(|it| it.0.as_str()).collect();
            format!("; p90 is {} or less in {}", ms(most), names.join(", "))
        }
        _ => String::new(),
    };
    let worst = data.ranking(&with.name, WORST);
    let ends = match (worst.first(), worst.last()) {
        (Some(first), Some(last)) if worst.len() > 1 => {
            let said =
                |it: &Estimate| format!("{} ({})", ms(&it.value.unwrap_or(f64::NAN)), it.contender);
            format!("; p99 is {} to {}", said(first), said(last))
        }
        _ => String::new(),
    };
    Some(format!("Work {} {waiting}{spared}{ends}.", with.work))
}
