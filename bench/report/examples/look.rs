//! Writes a report to look at: of a results folder, or of a synthetic run (`quick`, the default, `steady` with
//! rates, `rates` in which the rate grows; `struck` in which processes are killed; `crowd`, `crowd-steady`, `crowd-rates` of everybody, `counted` with counter
//! passes, `crowd-counted` with both).
//!
//!     cargo run -p report --example look -- /tmp/report-look [quick|steady|rates|…|RESULTS]

use std::path::PathBuf;

#[path = "../tests/fixture/mod.rs"]
mod fixture;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    let folder =
        folder.ok_or("where to: look FOLDER [quick|steady|rates|counted|crowd|…|RESULTS]")?;
    let results = match arguments.next().as_deref() {
        None | Some("quick") => fixture::results(),
        Some("steady") => fixture::steady(),
        Some("rates") => fixture::rates(),
        Some("struck") => fixture::struck(),
        Some("counted") => fixture::counted::with_counters(fixture::results(), 3),
        Some("crowd") => crowd(0),
        Some("crowd-steady") => crowd(1),
        Some("crowd-rates") => crowd(2),
        Some("crowd-counted") => fixture::counted::with_counters(crowd(0), 2),
        Some(results) => record::read_results(results.as_ref())?,
    };
    std::fs::create_dir_all(&folder)?;
    let written = report::write(&folder, &results)?;
    print!(
        "{}",
        report::terminal(
            &results,
            &written.summary,
            written.files.last().map(PathBuf::as_path)
        )
    );
    Ok(())
}

fn crowd(which: usize) -> record::Results {
    fixture::crowds()[which].clone()
}
