//! The switch lab: what it costs the kernel to go from one task to the next.

use measure::LabAsked;
use record::Findings;

use crate::Nothing;

/// Every mechanism, in the order of tables: name and title.
pub const MECHANISMS: &[(&str, &str)] = &[
    ("process-ring", "a ring of processes"),
    ("thread-ring", "a ring of threads"),
];

/// Measures one.
///
/// # Errors
/// Why there is no figure.
pub fn measure(asked: &LabAsked) -> Result<Findings, Nothing> {
    Err(crate::lab::unknown(&asked.mechanism))
}
