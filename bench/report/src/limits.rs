//! What a machine cannot show: a rule a line, each with its figure, at the end of every report. Pure functions of
//! host, yardsticks and records.
//!
//! A doubt says that a figure is weak; a limit, that a good figure answers no more than was asked of this machine.

mod machine;
mod run;

use crate::data::Data;

/// One of them.
pub(crate) struct Limit {
    /// What is not shown, in a few words: `a network`.
    pub what: &'static str,
    /// Why, with the figure.
    pub text: String,
}

/// A rule; `None` where it does not hold here.
type Rule = fn(&Data<'_>) -> Option<Limit>;

/// In the order in which they are read: what readers get wrong most often first.
const RULES: &[Rule] = &[
    run::server_cores,
    machine::network,
    machine::bare_metal,
    machine::cheap_pages,
    run::work,
    machine::hyper_threads,
    machine::caches,
    machine::nodes,
    machine::frequency,
    machine::mitigations,
    machine::clock,
    run::steal,
    run::steps,
    run::suspended,
    machine::connections,
    run::another_day,
];

/// Those that hold.
pub(crate) fn limits(data: &Data<'_>) -> Vec<Limit> {
    RULES.iter().filter_map(|rule| rule(data)).collect()
}

/// In a line of so many columns: what is not shown, as far as it fits.
pub(crate) fn line(data: &Data<'_>, columns: usize) -> Option<String> {
    let limits = limits(data);
    let mut names = limits.iter().map(|limit| limit.what);
    let mut line = format!("cannot be shown here: {}", names.next()?);
    for name in names {
        let more = format!("{line}, {name}");
        // Room for the sign that there are others.
        if more.chars().count() + 3 > columns {
            return Some(line + ", …");
        }
        line = more;
    }
    Some(line)
}

#[cfg(test)]
mod tests;
