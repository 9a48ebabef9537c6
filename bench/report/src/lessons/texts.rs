//! The lessons' texts, and what is asked of which figures: `bench/lessons.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::claims::Language;
use crate::claims::plain::wrapped;
use crate::claims::texts::Side;

const TEXT: &str = include_str!("../../../lessons.toml");

/// A lesson.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// From 1, in the order of the chapter.
    pub number: u32,
    title: String,
    chinese_title: String,
    setting: String,
    chinese_setting: String,
    /// Scenarios and labs of the suite `lessons` that it measures.
    pub scenarios: Vec<String>,
    /// Claims of the textbook that it is about.
    pub claims: Vec<String>,
    /// Words of it that `explain` knows.
    pub words: Vec<String>,
    why: Vec<String>,
    why_chinese: Vec<String>,
    /// What is to be predicted.
    #[serde(rename = "ask")]
    pub asks: Vec<Ask>,
}

/// Something to predict: an order, or a number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// `[a-z]+`, in files of predictions.
    pub name: String,
    question: String,
    chinese: String,
    #[serde(default)]
    who: Vec<String>,
    under: Option<String>,
    metric: Option<String>,
    left: Option<Side>,
    right: Option<Side>,
    /// What a count shows: no interval.
    #[serde(default)]
    pub(crate) evidence: bool,
}

/// What kind of prediction an ask takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// These, from the most to the least.
    Order(&'a [String]),
    /// How many.
    Number,
    /// How many times as much.
    Factor,
}

/// Of which figures an ask is.
pub(crate) enum Figures<'a> {
    /// Of each of `who`, under this scenario or lab, by this metric.
    Order(&'a [String], &'a str, &'a str),
    /// One figure, or one by another.
    Number(&'a Side, Option<&'a Side>),
}

impl Lesson {
    /// A few words.
    pub fn title(&self, language: Language) -> &str {
        in_language(language, &self.title, &self.chinese_title)
    }

    /// What will be measured.
    pub fn setting(&self, language: Language) -> &str {
        in_language(language, &self.setting, &self.chinese_setting)
    }

    /// Why it comes out as it does.
    pub(crate) fn why(&self, language: Language) -> String {
        match language {
            Language::English => self.why.join(" "),
            Language::Chinese => self.why_chinese.concat(),
        }
    }

    /// Title and setting, in lines of so many columns.
    pub fn opening(&self, language: Language, columns: usize) -> Vec<String> {
        let head = match language {
            Language::English => format!("Lesson {}: {}", self.number, self.title),
            Language::Chinese => format!("第 {} 课:{}", self.number, self.chinese_title),
        };
        let mut lines = wrapped(&head, columns, "");
        lines.push(String::new());
        lines.extend(wrapped(self.setting(language), columns, ""));
        lines
    }

    /// Where there is more to read: `fiveways explain C13`, and so on.
    pub fn further(&self) -> Vec<String> {
        let all = self.claims.iter().chain(&self.words);
        all.map(|word| format!("fiveways explain {word}")).collect()
    }
}

impl Ask {
    /// What is asked.
    pub fn question(&self, language: Language) -> &str {
        in_language(language, &self.question, &self.chinese)
    }

    /// What it takes.
    pub fn kind(&self) -> Kind<'_> {
        match (self.who.is_empty(), &self.right) {
            (false, _) => Kind::Order(&self.who),
            (true, None) => Kind::Number,
            (true, Some(_)) => Kind::Factor,
        }
    }

    /// Of which figures it is; `None` of a text with a mistake, which there is none of.
    pub(crate) fn figures(&self) -> Option<Figures<'_>> {
        match (&self.under, &self.metric, &self.left) {
            (Some(under), Some(metric), None) => Some(Figures::Order(&self.who, under, metric)),
            (None, None, Some(left)) => Some(Figures::Number(left, self.right.as_ref())),
            _ => None,
        }
    }

    /// The metric.
    pub(crate) fn metric(&self) -> &str {
        match self.figures() {
            Some(Figures::Order(_, _, metric)) => metric,
            Some(Figures::Number(left, _)) => &left.2,
            None => "",
        }
    }

    /// The question, and in which form it is answered, in lines of so many columns.
    pub fn asked(&self, language: Language, columns: usize) -> Vec<String> {
        let mut lines = wrapped(self.question(language), columns, "");
        if let Kind::Order(who) = self.kind() {
            let numbered = (1..).zip(who);
            lines.extend(numbered.map(|(number, name)| format!("  {number}  {name}")));
        }
        let (english, chinese) = match self.kind() {
            Kind::Order(_) => (
                "All of them, from the most to the least, by number or name:",
                "请从多到少排出全部(写编号或名字):",
            ),
            Kind::Number => ("A number:", "请写一个数:"),
            Kind::Factor => ("A factor, as in 3.5:", "请写一个倍数,例如 3.5:"),
        };
        lines.extend(wrapped(
            in_language(language, english, chinese),
            columns,
            "",
        ));
        lines
    }
}

fn in_language<'a>(language: Language, english: &'a str, chinese: &'a str) -> &'a str {
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

/// All, in order. Compiled in, and read by the tests: they have no mistake.
pub fn lessons() -> &'static [Lesson] {
    static ALL: LazyLock<Vec<Lesson>> = LazyLock::new(|| {
        #[derive(Deserialize)]
        struct File {
            lesson: Vec<Lesson>,
        }
        toml::from_str::<File>(TEXT).map_or_else(|_| Vec::new(), |file| file.lesson)
    });
    &ALL
}

/// The one of this number.
pub fn lesson(number: u32) -> Option<&'static Lesson> {
    lessons().iter().find(|it| it.number == number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::claims::plain::width;

    #[test]
    fn ten_lessons_are_told_in_both_languages() {
        let numbers: Vec<u32> = lessons().iter().map(|it| it.number).collect();
        assert_eq!(numbers, (1..=10).collect::<Vec<u32>>());
        let chinese = |text: &str| {
            text.chars()
                .any(|it| ('\u{4e00}'..='\u{9fff}').contains(&it))
        };
        for lesson in lessons() {
            assert_eq!((lesson.why.len(), lesson.why_chinese.len()), (3, 3));
            let asked = lesson.asks.iter().map(|it| it.question.as_str());
            let mut ours = asked.chain([lesson.title.as_str(), &lesson.setting]);
            let why = lesson.why(Language::English);
            assert!(ours.all(|it| !chinese(it)) && !chinese(&why), "{why}");
            let asked = lesson.asks.iter().map(|it| it.chinese.as_str());
            let mut theirs = asked.chain([lesson.chinese_title.as_str(), &lesson.chinese_setting]);
            assert!(theirs.all(chinese), "{}", lesson.number);
            assert!(lesson.why_chinese.iter().all(|it| chinese(it)));
            for language in [Language::English, Language::Chinese] {
                let asked = lesson.asks.iter().flat_map(|it| it.asked(language, 80));
                for line in asked.chain(lesson.opening(language, 80)) {
                    assert!(width(&line) <= 82, "{line}");
                }
            }
        }
    }

    #[test]
    fn what_is_asked_is_measured_and_what_is_measured_is_asked() {
        let text = include_str!("../../../suites/lessons.toml");
        let suite = record::read_suite(text, std::path::Path::new("lessons.toml"));
        let suite = suite.expect("the suite reads");
        let mut measured: BTreeSet<&str> = BTreeSet::new();
        for lesson in lessons() {
            measured.extend(lesson.scenarios.iter().map(String::as_str));
            let mut names = BTreeSet::new();
            for ask in &lesson.asks {
                assert!(names.insert(&ask.name), "{} stands twice", ask.name);
                let sides: Vec<(&str, &str)> = match ask.figures().expect("one kind of ask") {
                    Figures::Order(who, under, _) => {
                        assert!(
                            who.len() > 1 && who.is_sorted(),
                            "{who:?}: the order tells nothing"
                        );
                        who.iter().map(|who| (who.as_str(), under)).collect()
                    }
                    Figures::Number(left, right) => {
                        let sides = std::iter::once(left).chain(right);
                        sides
                            .map(|side| (side.0.as_str(), side.1.as_str()))
                            .collect()
                    }
                };
                assert!(record::metric(ask.metric()).is_some(), "{}", ask.metric());
                for (who, under) in sides {
                    assert!(lesson.scenarios.iter().any(|it| it == under), "{under}");
                    let scenario = suite.scenarios.iter().find(|it| it.name == under);
                    let lab = suite.labs.iter().find(|it| it.name == under);
                    let takes_part = scenario
                        .is_some_and(|it| it.contenders.iter().any(|it| it == who))
                        || lab.is_some_and(|it| it.mechanisms.iter().any(|it| it == who));
                    assert!(takes_part, "lesson {}: {who} under {under}", lesson.number);
                }
            }
        }
        let scenarios = suite.scenarios.iter().map(|it| it.name.as_str());
        let there: BTreeSet<&str> = scenarios
            .chain(suite.labs.iter().map(|it| it.name.as_str()))
            .collect();
        assert_eq!(measured, there);
    }

    #[test]
    fn what_a_lesson_refers_to_is_there() {
        for lesson in lessons() {
            for id in &lesson.claims {
                assert!(crate::claims::texts::claim(id).is_some(), "{id}");
            }
            for word in &lesson.words {
                let known = crate::explain(word, None, Language::English, 80).is_some();
                assert!(known || crate::model_text(word).is_some(), "{word}");
            }
        }
    }
}
