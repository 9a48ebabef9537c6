//! Suites by name or by file.

use std::path::Path;

use record::{Suite, read_suite};

use super::failure::Failure;

/// The suites that are compiled in: name and text.
pub const SUITES: &[(&str, &str)] = &[
    ("quick", include_str!("../../suites/quick.toml")),
    ("latency", include_str!("../../suites/latency.toml")),
    ("spawn", include_str!("../../suites/spawn.toml")),
    ("ipc", include_str!("../../suites/ipc.toml")),
];

/// Finds a suite by its name, or reads it from a file, and returns its text beside it.
///
/// # Errors
/// When there is none, or it has a mistake: with file, line and column.
pub fn find(name: &str) -> Result<(Suite, String), Failure> {
    let known = SUITES.iter().find(|(known, _)| *known == name);
    let text = match known {
        Some((_, text)) => (*text).to_owned(),
        None if name.ends_with(".toml") || Path::new(name).exists() => {
            std::fs::read_to_string(name).map_err(|error| {
                Failure::usage(
                    format!("the suite {name} cannot be read"),
                    error.to_string(),
                )
                .hint("fiveways list")
            })?
        }
        None => {
            let known: Vec<String> = SUITES
                .iter()
                .map(|(known, _)| (*known).to_owned())
                .collect();
            return Err(Failure::unknown("suite or .toml file", name, &known));
        }
    };
    let suite = read_suite(&text, Path::new(name)).map_err(|error| {
        Failure::usage(format!("the suite {name} has a mistake"), error.to_string())
    })?;
    Ok((suite, text))
}
