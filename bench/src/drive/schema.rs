//! `schema`: what the files of a results folder look like, for whoever reads them by a program.

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;

use super::failure::{Exit, Failure, print};

/// Everything that has a schema, as clap completes it.
pub fn names() -> PossibleValuesParser {
    let names = record::schemas();
    PossibleValuesParser::new(
        names.map(|(name, what)| clap::builder::PossibleValue::new(name).help(what)),
    )
}

/// The verb.
///
/// # Errors
/// When there is no such schema.
pub fn schema(name: &str) -> Result<ExitCode, Failure> {
    let known: Vec<String> = record::schemas().map(|(name, _)| name.to_owned()).collect();
    let schema = record::schema(name).ok_or_else(|| Failure::unknown("schema", name, &known))?;
    print(&format!("{schema:#}"));
    Ok(Exit::Well.into())
}
