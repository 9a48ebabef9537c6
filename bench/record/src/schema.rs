//! JSON Schemas of the files that are written, made from the very types that write them.
//!
//! They say what may be read, so that folders of older versions are valid, too: what an older version did not write is
//! not required. A reader ignores what it does not know, and a schema allows it, but for suites, where it is a mistake.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::lesson::Answers;
use crate::observation::Observation;
use crate::pass::Pass;
use crate::run::Run;
use crate::summary::Summary;

/// What has a schema: its name, what it is of, how it is made.
type Of = (&'static str, &'static str, fn() -> Schema);

/// Everything that has a schema.
const SCHEMAS: [Of; 5] = [
    ("record", "a line of records.jsonl", of::<Pass>),
    ("run", "run.json", of::<Run>),
    ("summary", "summary.json", of::<Summary>),
    ("answers", "answers.json of a lesson", of::<Answers>),
    (
        "observation",
        "a line of `fiveways export --format json`",
        of::<Observation>,
    ),
];

/// Names of schemas, each with what it is of.
pub fn schemas() -> impl Iterator<Item = (&'static str, &'static str)> {
    SCHEMAS.iter().map(|(name, what, _)| (*name, *what))
}

/// The schema of this name.
pub fn schema(name: &str) -> Option<serde_json::Value> {
    let (_, what, made) = SCHEMAS.iter().find(|(other, ..)| *other == name)?;
    let mut schema = made();
    schema.insert("$id".to_owned(), format!("urn:fiveways:{name}:1").into());
    schema.insert("title".to_owned(), format!("fiveways: {what}").into());
    Some(schema.to_value())
}

fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
}
