//! node's own ways.

use measure::LabAsked;
use record::Findings;

use crate::Nothing;

/// Measures one.
///
/// # Errors
/// Without node.
pub fn measure(_: &LabAsked) -> Result<Findings, Nothing> {
    Err(Nothing::unavailable(
        "node is not installed".to_owned(),
        None,
    ))
}
