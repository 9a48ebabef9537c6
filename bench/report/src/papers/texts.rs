//! What was published, where, under which conditions, and by which figures its shape is judged: `bench/papers.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::claims::texts::Test;

const TEXT: &str = include_str!("../../../papers.toml");

/// A published result.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// `[a-z0-9-]+`.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Who, where, when.
    pub citation: String,
    /// How much of that was read.
    pub(crate) checked: Checked,
    /// What was read.
    pub(crate) how: String,
    /// Its figures.
    pub published: String,
    /// Its conditions, and ours.
    pub(crate) conditions: String,
    /// Scenarios of the suite that its tests need and do not name.
    #[serde(default)]
    also: Vec<String>,
    /// Charts that show it.
    pub(crate) charts: Vec<String>,
    /// Why its shape is kept, or is not.
    pub(crate) why: String,
    /// All that is not `beside` must hold.
    pub(crate) test: Vec<Test>,
}

/// How much of a citation was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Checked {
    /// What is quoted here.
    Yes,
    /// A part of it.
    InPart,
    /// Nothing.
    No,
}

impl Checked {
    /// In a sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Checked::Yes => "checked",
            Checked::InPart => "checked in part",
            Checked::No => "not checked",
        }
    }
}

impl Paper {
    /// Scenarios and labs of the suite `papers` that judge it, and their twins.
    pub fn scenarios(&self) -> Vec<&str> {
        let sides = self
            .test
            .iter()
            .flat_map(|test| std::iter::once(&test.left).chain(&test.right));
        let mut names: Vec<&str> = self.also.iter().map(String::as_str).collect();
        for side in sides {
            if !names.contains(&side.1.as_str()) {
                names.push(&side.1);
            }
        }
        names
    }

    /// `checked in part: the abstract was read`.
    pub fn reading(&self) -> String {
        format!("{}: {}", self.checked.as_str(), self.how)
    }
}

/// All, in order. Compiled in, and read by the tests: they have no mistake.
pub fn papers() -> &'static [Paper] {
    static ALL: LazyLock<Vec<Paper>> = LazyLock::new(|| {
        #[derive(Deserialize)]
        struct File {
            paper: Vec<Paper>,
        }
        toml::from_str::<File>(TEXT).map_or_else(|_| Vec::new(), |file| file.paper)
    });
    &ALL
}

/// The one of this name.
pub fn paper(id: &str) -> Option<&'static Paper> {
    papers().iter().find(|it| it.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::own::OWN;

    #[test]
    fn ten_papers_are_judged_by_what_the_suite_measures() {
        let text = include_str!("../../../suites/papers.toml");
        let suite = record::read_suite(text, std::path::Path::new("papers.toml"));
        let suite = suite.expect("the suite reads");
        assert!(suite.papers);
        assert_eq!(papers().len(), 10);
        for paper in papers() {
            let deciding = paper.test.iter().filter(|it| !it.beside);
            assert!(deciding.clone().count() > 0, "{}", paper.id);
            assert!(
                deciding.clone().any(|it| it.published.is_some()),
                "{}",
                paper.id
            );
            for side in paper
                .test
                .iter()
                .flat_map(|test| std::iter::once(&test.left).chain(&test.right))
            {
                let scenario = suite.scenarios.iter().find(|it| it.name == side.1);
                let lab = suite.labs.iter().find(|it| it.name == side.1);
                let takes_part = scenario.is_some_and(|it| it.contenders.contains(&side.0))
                    || lab.is_some_and(|it| it.mechanisms.contains(&side.0));
                assert!(takes_part, "{}: {side:?}", paper.id);
                let known = record::metric(&side.2).is_some() || OWN.contains(&side.2.as_str());
                assert!(known, "{}: {side:?}", paper.id);
            }
        }
    }
}
