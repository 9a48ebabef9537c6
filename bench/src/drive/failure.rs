//! Errors of the tool itself: what failed, in which phase, why, what was kept, and what to type next.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use measure::AgentError;
use nix::libc::{EAGAIN, EDQUOT, EFBIG, EMFILE, ENFILE, ENOMEM, ENOSPC};
use record::StoreError;

/// How the program ends. When several hold, the strongest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All well, skipped cells included.
    Well,
    /// The tool could not go on.
    ToolError,
    /// What was typed cannot be meant.
    Usage,
    /// Some cells failed.
    CellsFailed,
    /// Some server sent wrong bytes.
    WrongBytes,
    /// Figures are weak, and `--strict` accepts none of those.
    Refused,
    /// Worse than `--fail-if` allows, and surely so.
    Regression,
    /// Interrupted; what was finished is kept.
    Interrupted,
}

impl Exit {
    /// As a shell sees it.
    const fn code(self) -> u8 {
        match self {
            Exit::Well => 0,
            Exit::ToolError => 1,
            Exit::Usage => 2,
            Exit::CellsFailed => 3,
            Exit::WrongBytes => 4,
            Exit::Refused => 5,
            Exit::Regression => 6,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// An error that ends the program.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    phase: &'static str,
    error: String,
    cause: String,
    hint: Option<String>,
}

impl Failure {
    /// The tool could not go on.
    pub fn tool(phase: &'static str, error: impl Into<String>, cause: impl Into<String>) -> Self {
        Failure {
            exit: Exit::ToolError,
            phase,
            error: error.into(),
            cause: cause.into(),
            hint: None,
        }
    }

    /// The server failed, not the tool.
    pub fn server(phase: &'static str, error: impl Into<String>, cause: impl Into<String>) -> Self {
        Failure {
            exit: Exit::CellsFailed,
            ..Failure::tool(phase, error, cause)
        }
    }

    /// What was typed cannot be meant.
    pub fn usage(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Failure {
            exit: Exit::Usage,
            ..Failure::tool("usage", error, cause)
        }
    }

    /// A name that nobody has, with the nearest of those that there are.
    pub fn unknown(what: &str, name: &str, known: &[String]) -> Self {
        let failure = Failure::usage(
            format!("there is no {what} `{name}`"),
            format!("there are {}", known.join(", ")),
        );
        match record::nearest(name, known.iter().map(String::as_str)) {
            Some(near) => failure.hint(format!("`{near}`")),
            None => failure.hint("fiveways list"),
        }
    }

    /// A panic: what is recorded stays, and whoever was started has ended.
    pub fn mistake() -> Self {
        Failure::tool(
            "anywhere",
            "this is a mistake of fiveways, and not of yours",
            "it has panicked, as told above; what was recorded is kept",
        )
        .hint("fiveways resume DIR; and tell its authors")
    }

    /// An agent cannot be had, or not be asked: by an error of its own, or because the user has ended the program meanwhile.
    pub fn agent(
        phase: &'static str,
        error: impl Into<String>,
        cause: &AgentError,
        hint: impl Into<String>,
    ) -> Self {
        match cause {
            AgentError::Interrupted => Failure::interrupted("interrupted; nothing was measured"),
            _ => Failure::tool(phase, error, cause.to_string()).hint(hint),
        }
    }

    /// The user has told the program to end before there was anything to keep.
    pub fn interrupted(error: impl Into<String>) -> Self {
        Failure {
            exit: Exit::Interrupted,
            ..Failure::tool("prepare", error, String::new())
        }
    }

    /// With what to type next.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Failure {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Says it: three lines on standard error, or one object on standard output.
    pub fn tell(&self, json: bool) -> ExitCode {
        if json {
            let object = serde_json::json!({
                "error": self.error, "phase": self.phase, "cause": self.cause, "hint": self.hint,
            });
            print(&object);
        } else {
            // Nobody may be there to read it: then the exit status says what is left to say.
            let mut stderr = std::io::stderr().lock();
            let _ = writeln!(stderr, "fiveways: {}", plain(&self.error));
            if !self.cause.is_empty() {
                let _ = writeln!(stderr, "  because {}", plain(&self.cause));
            }
            if let Some(hint) = &self.hint {
                let _ = writeln!(stderr, "  try: {}", plain(hint));
            }
        }
        self.exit.into()
    }
}

/// What a terminal may be shown: what is told of came from files and from servers.
fn plain(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(report::printable).collect();
    lines.join("\n")
}

/// Says something on standard error while the work goes on; nobody may be there to read it.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "fiveways: {}", plain(text));
}

/// Prints to standard output; a reader who has left is no error.
pub fn print(what: &impl Display) {
    let _ = writeln!(std::io::stdout().lock(), "{what}");
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let cause = error.to_string();
        let hint = match &error {
            StoreError::Occupied(folder) => format!(
                "--out DIR with another folder; fiveways resume {} goes on with the run in this one",
                folder.display()
            ),
            StoreError::Busy(_) => {
                "the same without --now: then the end of the other is waited for".to_owned()
            }
            _ => of_a_limit(&cause).map_or_else(
                || "--out DIR with a folder that you may write to".to_owned(),
                |when| format!("the same {when}, or --out DIR with another folder"),
            ),
        };
        let what = "the results folder cannot be used; what is in it stays as it was";
        Failure::tool("results", what, cause).hint(hint)
    }
}

/// When a thing can be typed again whose cause has the number of a limit of this process or this machine.
pub fn of_a_limit(cause: &str) -> Option<&'static str> {
    const LIMITS: [(i32, &str); 7] = [
        (EAGAIN, "after `ulimit -u` with a higher number"),
        (
            ENOMEM,
            "once there is more memory (`ulimit -v`, too, is a limit of it)",
        ),
        (
            ENFILE,
            "after `sysctl -w fs.file-max=` with a higher number",
        ),
        (EMFILE, "after `ulimit -n` with a higher number"),
        (EFBIG, "after `ulimit -f unlimited`"),
        (ENOSPC, "once there is room"),
        (EDQUOT, "once there is room"),
    ];
    let named = |number: &i32| cause.contains(&format!("(os error {number})"));
    let found = LIMITS.iter().find(|(number, _)| named(number));
    found.map(|(_, when)| *when)
}

impl From<report::WriteError> for Failure {
    fn from(error: report::WriteError) -> Self {
        Failure::tool("report", "the report cannot be written", error.to_string())
            .hint("fiveways report DIR, once there is room; the records are kept")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_by_its_number_and_with_what_raises_it() {
        let cause = |errno| std::io::Error::from_raw_os_error(errno).to_string();
        assert!(of_a_limit(&cause(EMFILE)).is_some_and(|it| it.contains("ulimit -n")));
        assert!(of_a_limit(&cause(EAGAIN)).is_some_and(|it| it.contains("ulimit -u")));
        assert!(of_a_limit(&cause(ENOSPC)).is_some_and(|it| it.contains("room")));
        assert_eq!(of_a_limit(&cause(nix::libc::EACCES)), None);
    }

    #[test]
    fn every_exit_code_has_its_text() {
        let all = [
            Exit::Well,
            Exit::ToolError,
            Exit::Usage,
            Exit::CellsFailed,
            Exit::WrongBytes,
            Exit::Refused,
            Exit::Regression,
            Exit::Interrupted,
        ];
        for exit in all {
            let code = exit.code().to_string();
            let text = report::explain(&code, None, report::Language::English, 80);
            assert!(text.is_some_and(|lines| lines.len() > 4), "{code}");
        }
    }
}
