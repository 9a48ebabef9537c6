//! Who shares connections out evenly among its workers, by Jain's index: everybody in one sentence, so that two
//! policies of the same name, ours and another's, stand beside each other.

use record::Estimate;

use crate::data::Data;
use crate::format;

const EVENNESS: &str = "jain_connections";
/// From here on shares are even but for the odd connection.
const EVEN: f64 = 0.95;

/// The sentence, of the first scenario that tells who serves whom.
pub(crate) fn sentence(data: &Data<'_>) -> Option<String> {
    let mut told = data.sections().filter(|scenario| scenario.by_worker);
    let (scenario, ranking) = told.find_map(|scenario| {
        let ranking = data.ranking(&scenario.name, EVENNESS);
        (!ranking.is_empty()).then_some((scenario, ranking))
    })?;
    let is_even = |it: &&&Estimate| it.value.is_some_and(|value| value >= EVEN);
    let even: Vec<&str> = ranking
        .iter()
        .filter(is_even)
        .map(|it| it.contender.as_str())
        .collect();
    let uneven = ranking.iter().filter(|it| !is_even(it));
    let named = |it: &&Estimate| {
        let index = it.value.map_or(format::MISSING.to_owned(), format::digits);
        format!("{} {index}", it.contender)
    };
    let uneven: Vec<String> = uneven.map(named).collect();
    let mut said = format!(
        "{} clients are shared out evenly (Jain's index of connections at least {EVEN}) by {}",
        scenario.connections,
        match even.is_empty() {
            true => "nobody".to_owned(),
            false => even.join(", "),
        }
    );
    if !uneven.is_empty() {
        said.push_str(&format!("; less so by {}", uneven.join(", ")));
    }
    Some(said + ".")
}
