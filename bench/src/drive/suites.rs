//! Suites by name or by file.

use std::path::Path;

use record::{Suite, read_suite};

use super::failure::Failure;

/// The suites that are compiled in: name and text.
pub const SUITES: &[(&str, &str)] = &[
    ("quick", include_str!("../../suites/quick.toml")),
    ("latency", include_str!("../../suites/latency.toml")),
    ("memory", include_str!("../../suites/memory.toml")),
    ("churn", include_str!("../../suites/churn.toml")),
    ("c10k", include_str!("../../suites/c10k.toml")),
    ("blocking", include_str!("../../suites/blocking.toml")),
    ("work", include_str!("../../suites/work.toml")),
    ("pool-size", include_str!("../../suites/pool-size.toml")),
    ("state", include_str!("../../suites/state.toml")),
    (
        "distribution",
        include_str!("../../suites/distribution.toml"),
    ),
    ("threads", include_str!("../../suites/threads.toml")),
    ("cores", include_str!("../../suites/cores.toml")),
    ("equal-load", include_str!("../../suites/equal-load.toml")),
    ("counters", include_str!("../../suites/counters.toml")),
    ("killed", include_str!("../../suites/killed.toml")),
    ("spawn", include_str!("../../suites/spawn.toml")),
    ("ipc", include_str!("../../suites/ipc.toml")),
    ("claims", include_str!("../../suites/claims.toml")),
    ("lessons", include_str!("../../suites/lessons.toml")),
    ("papers", include_str!("../../suites/papers.toml")),
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
            .hint("the same once that line is mended; nothing was begun")
    })?;
    Ok((suite, text))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_suite_reads_and_asks_questions() {
        let mut names = HashSet::new();
        for (name, _) in SUITES {
            let (suite, _) = find(name).unwrap_or_else(|_| panic!("{name} has a mistake"));
            assert!(names.insert(suite.name.clone()), "{name} stands twice");
            assert!(suite.question.ends_with('?'), "{name}");
            if let Some(only) = &suite.only {
                let regex = regex::Regex::new(only).expect(name);
                assert!(
                    regex.is_match(&suite.reference),
                    "{name} is not about its reference"
                );
            }
            for scenario in &suite.scenarios {
                let (question, scenario) = (&scenario.question, &scenario.name);
                assert!(question.ends_with('?'), "{name}, {scenario}: {question}");
            }
        }
    }

    #[test]
    fn every_file_of_suites_is_compiled_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites");
        for entry in std::fs::read_dir(folder).expect("suites").flatten() {
            let path = entry.path();
            let stem = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .expect("a name");
            assert!(SUITES.iter().any(|(name, _)| *name == stem), "{stem}");
        }
    }
}
