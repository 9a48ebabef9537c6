//! What is claimed, by which figures and which line it is judged, and why it comes out as it does: `bench/claims.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

const TEXT: &str = include_str!("../../../claims.toml");

/// A sentence of the textbook's, in our words, and what decides it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    /// C1 to C17.
    pub id: String,
    /// In English.
    pub sentence: String,
    /// In Chinese.
    pub chinese: String,
    /// Charts that show it, by the names of their files.
    pub charts: Vec<String>,
    /// What it rests on.
    pub yardsticks: Vec<String>,
    /// Three sentences.
    pub why: Vec<String>,
    /// The same three.
    pub why_chinese: Vec<String>,
    /// All that is not `beside` must hold.
    pub test: Vec<Test>,
}

/// One comparison.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Test {
    /// What is compared.
    pub says: String,
    /// The same in Chinese; papers have none.
    #[serde(default)]
    pub chinese: String,
    /// Who, under what, which metric.
    pub left: Side,
    /// The same, of what it is divided by; else the figure stands by itself.
    pub right: Option<Side>,
    /// How it must lie to the line.
    pub relation: Relation,
    /// Fixed before the run.
    pub line: f64,
    /// What the kernel shows: no interval, and the same in every round.
    #[serde(default)]
    pub evidence: bool,
    /// What was published of it, where something was.
    pub published: Option<String>,
    /// Decides nothing.
    #[serde(default)]
    pub beside: bool,
}

/// Contender or mechanism, scenario or lab, metric.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Side(pub String, pub String, pub String);

/// How a figure must lie to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Relation {
    /// ≥
    AtLeast,
    /// ≤
    AtMost,
    /// >
    MoreThan,
    /// <
    LessThan,
    /// =, of evidence alone.
    Equals,
}

impl Relation {
    /// As in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Relation::AtLeast => "at-least",
            Relation::AtMost => "at-most",
            Relation::MoreThan => "more-than",
            Relation::LessThan => "less-than",
            Relation::Equals => "equals",
        }
    }

    /// As mathematicians write it.
    pub fn sign(word: &str) -> &'static str {
        match word {
            "at-least" => "≥",
            "at-most" => "≤",
            "more-than" => ">",
            "less-than" => "<",
            _ => "=",
        }
    }

    /// Whether one figure lies as it must.
    pub fn holds(self, figure: f64, line: f64) -> bool {
        match self {
            Relation::AtLeast => figure >= line,
            Relation::AtMost => figure <= line,
            Relation::MoreThan => figure > line,
            Relation::LessThan => figure < line,
            Relation::Equals => figure == line,
        }
    }
}

/// All, in the chapter's order. Compiled in, and read by the tests: it has no mistake.
pub(crate) fn claims() -> &'static [Claim] {
    static ALL: LazyLock<Vec<Claim>> = LazyLock::new(|| {
        #[derive(Deserialize)]
        struct File {
            claim: Vec<Claim>,
        }
        toml::from_str::<File>(TEXT).map_or_else(|_| Vec::new(), |file| file.claim)
    });
    &ALL
}

/// One of them, by `C5` or `c5`.
pub(crate) fn claim(id: &str) -> Option<&'static Claim> {
    claims().iter().find(|it| it.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn seventeen_claims_are_told_in_both_languages() {
        let ids: Vec<&str> = claims().iter().map(|it| it.id.as_str()).collect();
        let expected: Vec<String> = (1..=17).map(|number| format!("C{number}")).collect();
        assert_eq!(ids, expected);
        let chinese = |text: &str| {
            text.chars()
                .any(|it| ('\u{4e00}'..='\u{9fff}').contains(&it))
        };
        for claim in claims() {
            assert_eq!(
                (claim.why.len(), claim.why_chinese.len()),
                (3, 3),
                "{}",
                claim.id
            );
            let ours = claim.why.iter().chain([&claim.sentence]);
            let ours = ours.chain(claim.test.iter().map(|it| &it.says));
            assert!(
                ours.clone().all(|it| !chinese(it) && !it.is_empty()),
                "{}",
                claim.id
            );
            let theirs = claim.why_chinese.iter().chain([&claim.chinese]);
            let mut theirs = theirs.chain(claim.test.iter().map(|it| &it.chinese));
            assert!(theirs.all(|it| chinese(it)), "{}", claim.id);
            assert!(claim.test.iter().any(|it| !it.beside), "{}", claim.id);
        }
    }

    #[test]
    fn every_test_is_measured_by_the_suite() {
        let text = include_str!("../../../suites/claims.toml");
        let suite = record::read_suite(text, std::path::Path::new("claims.toml"));
        let suite = suite.expect("the suite reads");
        assert!(suite.claims);
        let whole = measured(&suite);
        for claim in claims() {
            for test in &claim.test {
                for side in std::iter::once(&test.left).chain(&test.right) {
                    let pair = (side.0.clone(), side.1.clone());
                    assert!(whole.contains(&pair), "{}: {side:?}", claim.id);
                    let known = record::metric(&side.2).is_some()
                        || super::super::own::OWN.contains(&side.2.as_str());
                    assert!(known, "{}: {side:?}", claim.id);
                }
            }
        }
        // In haste a claim may lose what stands beside, and no test that decides.
        let left = measured(&suite.quickened());
        let deciding = claims().iter().flat_map(|claim| &claim.test);
        for test in deciding.filter(|it| !it.beside) {
            for side in std::iter::once(&test.left).chain(&test.right) {
                let pair = (side.0.clone(), side.1.clone());
                assert!(left.contains(&pair), "{side:?}");
            }
        }
    }

    fn measured(suite: &record::Suite) -> BTreeSet<(String, String)> {
        let scenarios = suite.scenarios.iter();
        let scenarios = scenarios.flat_map(|it| {
            it.contenders
                .iter()
                .map(|who| (who.clone(), it.name.clone()))
        });
        let labs = suite.labs.iter().flat_map(|lab| {
            let named = lab
                .mechanisms
                .iter()
                .map(|who| (who.clone(), lab.name.clone()));
            let own = ["busy-threads", "terminal-signals", "node-channel-sockets"];
            let all = own.map(|who| (who.to_owned(), lab.name.clone()));
            named.chain(all)
        });
        scenarios.chain(labs).collect()
    }

    #[test]
    fn yardsticks_are_known() {
        for claim in claims() {
            for name in &claim.yardsticks {
                assert!(crate::yardsticks::is_known(name), "{}: {name}", claim.id);
            }
        }
    }
}
