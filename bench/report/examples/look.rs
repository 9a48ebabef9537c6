//! Writes a report to look at: of a results folder, or of a synthetic run (`quick`, the default, `steady` with
//! rates, `rates` in which the rate grows, `struck` in which processes are killed).
//!
//!     cargo run -p report --example look -- /tmp/report-look [quick|steady|rates|struck|RESULTS]

use std::path::PathBuf;

#[path = "../tests/fixture/mod.rs"]
mod fixture;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    let folder = folder.ok_or("where to: look FOLDER [quick|steady|rates|struck|RESULTS]")?;
    let results = match arguments.next().as_deref() {
        None | Some("quick") => fixture::results(),
        Some("steady") => fixture::steady(),
        Some("rates") => fixture::rates(),
        Some("struck") => fixture::struck(),
        Some(results) => record::read_results(results.as_ref())?,
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
