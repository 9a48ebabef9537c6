//! Writes a report to look at: of a results folder, or of the synthetic fixture when none is named.
//!
//!     cargo run -p report --example look -- /tmp/report-look [RESULTS]

use std::path::PathBuf;

#[path = "../tests/fixture/mod.rs"]
mod fixture;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let folder = arguments.next().ok_or("where to: look FOLDER [RESULTS]")?;
    let results = match arguments.next() {
        Some(results) => record::read_results(&results)?,
        None => fixture::results(),
    };
    std::fs::create_dir_all(&folder)?;
    let written = report::write(&folder, &results)?;
    let summary = report::summarise(&results);
    print!(
        "{}",
        report::terminal(&results, &summary, written.last().map(PathBuf::as_path))
    );
    Ok(())
}
