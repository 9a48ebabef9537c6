//! What tests do with results: write their pages, and look something up in them.

#![allow(dead_code)] // not every test file needs all of it

use std::fs;

use record::*;

/// Everything that `write` makes of `results`, by file name.
pub fn written(results: &Results) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let written = report::write(folder.path(), results).expect("a report");
    let read = |path: &std::path::PathBuf| {
        let name = path
            .strip_prefix(folder.path())
            .expect("inside")
            .display()
            .to_string();
        (name, fs::read(path).expect("just written"))
    };
    written.files.iter().map(read).collect()
}

/// A file of them.
pub fn text(files: &[(String, Vec<u8>)], name: &str) -> String {
    let (_, bytes) = files.iter().find(|(other, _)| other == name).expect(name);
    String::from_utf8(bytes.clone()).expect("text")
}

/// One figure.
pub fn estimate<'a>(
    summary: &'a Summary,
    contender: &str,
    scenario: &str,
    metric: &str,
) -> &'a Estimate {
    let found = summary
        .estimates
        .iter()
        .find(|it| it.contender == contender && it.scenario == scenario && it.metric == metric);
    found.unwrap_or_else(|| panic!("{contender} {scenario} {metric}"))
}

/// What the terminal shows, within its size.
pub fn terminal_fits(results: &Results) -> String {
    let text = report::terminal(
        results,
        &report::summarise(results),
        Some("results/quick/report.html".as_ref()),
    );
    assert!(text.lines().count() <= 24, "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(text.contains("report: results/quick/report.html"), "{text}");
    text
}

/// Nothing panics, everything is written, and the terminal keeps its size.
pub fn survives(results: &Results) -> Vec<(String, Vec<u8>)> {
    terminal_fits(results);
    let files = written(results);
    assert!(text(&files, "report.html").ends_with("</html>"));
    files
}
