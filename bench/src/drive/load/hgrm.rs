//! The files that `--hgrm` and `--hgrm-service` ask for; `report` knows their form.

use std::path::Path;

use measure::load::Loaded;

use crate::drive::failure::Failure;

/// Writes the files that were asked for.
///
/// # Errors
/// When the file system refuses.
pub fn write(
    response: Option<&Path>,
    service: Option<&Path>,
    loaded: &Loaded,
) -> Result<(), Failure> {
    for (path, histogram) in [(response, &loaded.response), (service, &loaded.service)] {
        let Some(path) = path else { continue };
        let text = report::hgrm(histogram);
        record::write_whole(path, text.as_bytes()).map_err(|error| {
            let what = format!("{} cannot be written", path.display());
            Failure::tool("output", what, error.to_string())
                .hint("--hgrm FILE in a folder that you may write to")
        })?;
    }
    Ok(())
}
