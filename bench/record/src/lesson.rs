//! A lesson as somebody takes it: predictions, made before anything is measured, and what became of them.
//!
//! Predictions stand in the plan of the run (`run.json`), so that nobody changes them once it has begun; scores are made
//! from them and the records by `report` alone.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toml_file::{self, FileError};

/// The schema of `answers.json`.
pub const ANSWERS_SCHEMA: &str = "fiveways-answers/1";

/// What somebody expects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a number, as in 3.5, or a list of names, as in [\"fork\", \"thread-std\"]"
)]
pub enum Prediction {
    /// How many, or how many times as much.
    Number(f64),
    /// From the most to the least.
    Order(Vec<String>),
}

/// A lesson, and who expects what of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Taken {
    /// Its number.
    pub lesson: u32,
    /// Who took it, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<String>,
    /// By the name of what was asked.
    pub predictions: BTreeMap<String, Prediction>,
}

/// A file of predictions, for a class without a terminal.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predictions {
    /// Who predicts.
    #[serde(default)]
    pub student: Option<String>,
    /// By lesson, and by the name of what is asked.
    #[serde(default)]
    pub lesson: BTreeMap<String, BTreeMap<String, Prediction>>,
}

/// Reads a file of predictions; `path` is for messages.
///
/// # Errors
/// With file, line and column.
pub fn read_predictions(text: &str, path: &Path) -> Result<Predictions, FileError> {
    toml_file::parse(text, path)
}

/// One of those that were to be put in order, or the one figure that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shown {
    /// Who; `A / B` of a ratio.
    pub name: String,
    /// The figure, or the ratio; `None` with a reason.
    pub value: Option<f64>,
    /// Lower end of its 95 % interval; `None` when rounds are too few to tell.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Why there is no value, or what weakens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of one prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scored {
    /// What was asked, by its name.
    pub ask: String,
    /// Of which metric.
    pub metric: String,
    /// What was expected.
    pub predicted: Option<Prediction>,
    /// What was measured, from the most to the least.
    pub measured: Vec<Shown>,
    /// Of an order: pairs that were foretold rightly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs_right: Option<u32>,
    /// Of an order: pairs that this run tells apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<u32>,
    /// From 0 to 1; `None` with a reason.
    pub score: Option<f64>,
    /// Why there is no score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a lesson: `answers.json`, and `lesson` of `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answers {
    /// [`ANSWERS_SCHEMA`].
    #[schemars(description = "Which schema this is.", extend("const" = ANSWERS_SCHEMA))]
    pub schema: String,
    /// Its number.
    pub lesson: u32,
    /// Who took it, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<String>,
    /// When it was taken, UTC, RFC 3339.
    pub started: String,
    /// In the order in which it was asked.
    pub asked: Vec<Scored>,
}

impl Answers {
    /// The mean of the scores that there are.
    pub fn score(&self) -> Option<f64> {
        let scores: Vec<f64> = self.asked.iter().filter_map(|it| it.score).collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Predictions, FileError> {
        read_predictions(text, Path::new("class.toml"))
    }

    #[test]
    fn numbers_and_orders_are_read_and_written_as_they_were() {
        let text =
            "student = \"Li Wei\"\n[lesson.1]\nserved = 1\nfactor = 2.5\norder = [\"a\", \"b\"]\n";
        let read = read(text).expect("a file of predictions");
        let lesson = &read.lesson["1"];
        assert_eq!(lesson["served"], Prediction::Number(1.0));
        assert_eq!(lesson["factor"], Prediction::Number(2.5));
        assert_eq!(
            lesson["order"],
            Prediction::Order(vec!["a".to_owned(), "b".to_owned()])
        );
        let taken = Taken {
            lesson: 1,
            student: read.student.clone(),
            predictions: lesson.clone(),
        };
        let json = serde_json::to_string(&taken).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Taken>(&json).expect("the same"),
            taken
        );
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let error = read("[lesson.1]\nserved = true\n")
            .expect_err("no prediction")
            .to_string();
        assert!(error.starts_with("class.toml:2:"), "{error}");
        assert!(error.contains("a number"), "{error}");
        let error = read("studnet = \"x\"\n")
            .expect_err("no such field")
            .to_string();
        assert!(error.contains("did you mean `student`?"), "{error}");
    }
}
