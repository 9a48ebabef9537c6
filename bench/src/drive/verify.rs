//! `verify`: does every contender answer as a server must? Untimed.

use std::process::ExitCode;

use measure::contract::Violation;
use measure::{AgentError, Verified};

use super::entrants;
use super::failure::{Exit, Failure, print};
use super::session;
use crate::Who;

/// The verb.
///
/// # Errors
/// When nobody matches, or an agent is lost.
pub fn verify(pattern: Option<&str>, who: &Who, json: bool) -> Result<ExitCode, Failure> {
    let contestants = entrants::matching(who, pattern, None)?;
    measure::adopt_orphans();
    let interrupt = session::watch()?;
    let mut bench = session::start_bench(&interrupt)?;
    let (mut exit, mut objects) = (Exit::Well, Vec::new());
    for contestant in &contestants {
        let name = &contestant.entrant.name;
        let verified = match measure::verify(&mut bench, contestant) {
            Ok(verified) => verified,
            Err(AgentError::Interrupted) => {
                exit = Exit::Interrupted;
                break;
            }
            Err(error) => {
                return Err(Failure::tool(
                    "verify",
                    format!("{name} cannot be verified"),
                    error.to_string(),
                )
                .hint("the same command again"));
            }
        };
        exit = stronger(exit, &verified);
        if json {
            objects.push(object(name, &verified));
        } else {
            print(&lines(name, &verified));
        }
    }
    drop(bench);
    measure::end_orphans();
    if json {
        print(&serde_json::json!({ "contenders": objects }));
    }
    Ok(exit.into())
}

fn stronger(exit: Exit, verified: &Verified) -> Exit {
    let wrong = |violation: &Violation| matches!(violation, Violation::Wrong { .. });
    let here = match verified {
        Verified::Skipped(_) => Exit::Well,
        Verified::Failed(_) => Exit::CellsFailed,
        Verified::Checked(checks)
            if checks
                .iter()
                .filter_map(|(_, broken)| broken.as_ref())
                .any(wrong) =>
        {
            Exit::WrongBytes
        }
        Verified::Checked(checks) if checks.iter().any(|(_, broken)| broken.is_some()) => {
            Exit::CellsFailed
        }
        Verified::Checked(_) => Exit::Well,
    };
    if exit == Exit::WrongBytes || here == Exit::Well {
        exit
    } else {
        here
    }
}

fn lines(name: &str, verified: &Verified) -> String {
    match verified {
        Verified::Skipped(reason) => format!("{name}: skipped, {reason}"),
        Verified::Failed(cause) => {
            let said = cause
                .stderr
                .lines()
                .last()
                .map(|line| format!("\n    it said: {line}"));
            let errno = cause.errno.map(|number| format!(", errno {number}"));
            format!(
                "{name}: FAILED, {}{}{}",
                cause.text,
                errno.unwrap_or_default(),
                said.unwrap_or_default()
            )
        }
        Verified::Checked(checks) => {
            let broken: Vec<String> = checks
                .iter()
                .filter_map(|(promise, broken)| {
                    Some(format!("\n    {promise}: {}", broken.as_ref()?))
                })
                .collect();
            match broken.len() {
                0 => format!("{name}: keeps all {} promises", checks.len()),
                number => format!(
                    "{name}: BREAKS {number} of {} promises{}",
                    checks.len(),
                    broken.concat()
                ),
            }
        }
    }
}

fn object(name: &str, verified: &Verified) -> serde_json::Value {
    match verified {
        Verified::Skipped(reason) => serde_json::json!({ "contender": name, "skipped": reason }),
        Verified::Failed(cause) => serde_json::json!({ "contender": name, "failed": cause }),
        Verified::Checked(checks) => {
            let checks: Vec<_> = checks
                .iter()
                .map(|(promise, broken)| {
                    serde_json::json!({ "promise": promise, "broken": broken.as_ref().map(ToString::to_string) })
                })
                .collect();
            serde_json::json!({ "contender": name, "checks": checks })
        }
    }
}
