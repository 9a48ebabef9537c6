//! Judgements in words, in English and in Chinese.

use record::{Judged, Judgement, Tested};

use super::Language;
use super::texts::{self, Claim, Relation, Test};
use crate::format;

/// One word for what came of it.
pub(crate) fn judged(judged: Judged, language: Language) -> &'static str {
    match (language, judged) {
        (Language::English, judged) => judged.as_str(),
        (_, Judged::Holds) => "成立",
        (_, Judged::Refuted) => "被推翻",
        (_, Judged::Undecided) => "未定",
        (_, Judged::NotJudged) => "未判定",
    }
}

/// `14.2 × (13.1 to 15.4)`, `4.1 ms`, or a dash.
pub(crate) fn value(it: &Tested) -> String {
    let Some(value) = it.value else {
        return format::MISSING.to_owned();
    };
    let each = |value: f64| match it.right {
        Some(_) => format::digits(value),
        None => figure(it, value),
    };
    let unit = if it.right.is_some() { "\u{a0}×" } else { "" };
    match it.low.zip(it.high) {
        Some((low, high)) => format!("{}{unit} ({} to {})", each(value), each(low), each(high)),
        None => format!("{}{unit}", each(value)),
    }
}

/// `≥ 2 ×`.
pub(crate) fn line(it: &Tested) -> String {
    let line = match it.right {
        Some(_) => format!("{}\u{a0}×", it.line),
        None if it.line == 0.0 => "0".to_owned(),
        None => figure(it, it.line),
    };
    format!("{} {line}", Relation::sign(&it.relation))
}

/// A figure of the left side's metric; counts and shares as they are.
fn figure(it: &Tested, value: f64) -> String {
    let metric = it.left.rsplit(", ").next().unwrap_or_default();
    match it.unit.as_str() {
        "1" if value.fract() == 0.0 => format::count(value),
        _ => format::figure(metric, value),
    }
}

/// Both sides of a ratio: `140 KiB against 157 B`.
pub(crate) fn sides(it: &Tested) -> Option<String> {
    let metric = it.left.rsplit(", ").next()?;
    match it.sides[..] {
        [left, right] => Some(format!(
            "{} against {}",
            format::figure(metric, left),
            format::figure(metric, right)
        )),
        _ => None,
    }
}

/// What became of one test: its word, what it would take to decide it, why it is not judged.
pub(crate) fn verdict(it: &Tested, language: Language) -> String {
    let word = judged(it.judged, language);
    let more = it.more_rounds.map(|rounds| match language {
        Language::English => format!("about {} more", format::plural(rounds as usize, "round")),
        Language::Chinese => format!("约再需 {rounds} 轮"),
    });
    let said: Vec<String> = more.into_iter().chain(it.reason.clone()).collect();
    match said.is_empty() {
        true => word.to_owned(),
        false => format!("{word}: {}", said.join("; ")),
    }
}

/// The test that a claim's word rests on: the first of its kind, a ratio before a figure, and that before evidence.
pub(crate) fn deciding(judgement: &Judgement) -> Option<&Tested> {
    let alike = |it: &&Tested| !it.beside && it.judged == judgement.judged;
    let all = judgement.tests.iter().filter(alike);
    all.min_by_key(|it| (it.evidence, it.right.is_none()))
}

/// Claims with their texts, C14 beside C5: of the same two the one says "much", the other "only slightly".
pub(crate) fn told(judgements: &[Judgement]) -> Vec<(&Judgement, &'static Claim)> {
    let mut all: Vec<(&Judgement, &Claim)> = judgements
        .iter()
        .filter_map(|it| Some((it, texts::claim(&it.claim)?)))
        .collect();
    let place = |id: &str| all.iter().position(|(it, _)| it.claim == id);
    if let (Some(five), Some(fourteen)) = (place("C5"), place("C14")) {
        let moved = all.remove(fourteen);
        all.insert(five + 1, moved);
    }
    all
}

/// The sentence.
pub(crate) fn sentence(claim: &Claim, language: Language) -> &str {
    match language {
        Language::English => &claim.sentence,
        Language::Chinese => &claim.chinese,
    }
}

/// Three sentences.
pub(crate) fn why(claim: &Claim, language: Language) -> String {
    match language {
        Language::English => claim.why.join(" "),
        Language::Chinese => claim.why_chinese.concat(),
    }
}

/// What a test compares; a judgement's tests stand in the order of its claim's.
pub(crate) fn says(test: &Test, language: Language) -> &str {
    match language {
        Language::English => &test.says,
        Language::Chinese => &test.chinese,
    }
}

/// `11 hold, 3 are refuted, 2 undecided, 1 not judged`.
pub(crate) fn tally(judgements: &[Judgement], language: Language) -> String {
    let all = [
        Judged::Holds,
        Judged::Refuted,
        Judged::Undecided,
        Judged::NotJudged,
    ];
    let count = |judged| judgements.iter().filter(|it| it.judged == judged).count();
    let said = all
        .into_iter()
        .filter(|judged| count(*judged) > 0)
        .map(|judged| {
            let count = count(judged);
            match (language, judged) {
                (Language::Chinese, judged) => {
                    format!("{} {count}", self::judged(judged, language))
                }
                (_, Judged::Holds) if count == 1 => "1 holds".to_owned(),
                (_, Judged::Holds) => format!("{count} hold"),
                (_, judged) => format!("{count} {}", judged.as_str()),
            }
        });
    let comma = match language {
        Language::Chinese => ",",
        Language::English => ", ",
    };
    said.collect::<Vec<_>>().join(comma)
}

/// Which claims came to what, in a sentence; `None` where none is judged.
pub(crate) fn answer(data: &crate::data::Data<'_>) -> Option<String> {
    let judgements = &data.summary.judgements;
    let of = |judged: Judged| {
        let these = judgements.iter().filter(|it| it.judged == judged);
        these.map(|it| it.claim.as_str()).collect::<Vec<&str>>()
    };
    let said = [
        (Judged::Holds, "holds", "hold"),
        (Judged::Refuted, "is refuted", "are refuted"),
        (Judged::Undecided, "is undecided", "are undecided"),
        (Judged::NotJudged, "is not judged", "are not judged"),
    ];
    let said = said.map(|(judged, one, many)| (of(judged), one, many));
    let said: Vec<String> = said
        .into_iter()
        .filter(|(which, ..)| !which.is_empty())
        .map(|(which, one, many)| {
            let count = format::plural_of(which.len(), one, many);
            format!("{count} ({})", which.join(", "))
        })
        .collect();
    (!said.is_empty()).then(|| {
        format!(
            "Of the textbook's {} claims {}.",
            judgements.len(),
            said.join(", ")
        )
    })
}
