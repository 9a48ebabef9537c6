//! FAULTS.md is a table of what was tested: every row names tests, and every one of them is there.

use std::collections::BTreeSet;
use std::path::Path;

/// The rows below each head: fault, what is seen, what is kept, tests.
fn rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let cells = rows.map(|row| {
        let row = row.trim().trim_matches('|').replace("\\|", "\u{0}");
        row.split('|')
            .map(|cell| cell.trim().replace('\u{0}', "|"))
            .collect()
    });
    cells
        .filter(|cells: &Vec<String>| cells[0] != "fault")
        .collect()
}

/// Names of all tests below a folder.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder)
        .expect("a folder of the workspace")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            tests(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source");
            found.extend(tests_in(&text));
        }
    }
}

fn tests_in(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if let (true, Some(rest)) = (is_test, line.strip_prefix("fn ")) {
            named.extend(rest.split('(').next().map(str::to_owned));
            is_test = false;
        }
    }
    named
}

#[test]
fn every_row_of_the_fault_matrix_names_tests_that_there_are() {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(bench.join("FAULTS.md")).expect("the matrix");
    let mut known = BTreeSet::new();
    tests(bench, &mut known);
    tests(&bench.join("../servers"), &mut known);
    let rows = rows(&text);
    assert!(rows.len() > 60, "{} rows", rows.len());
    let mut faults = BTreeSet::new();
    for row in &rows {
        let [fault, seen, kept, tested] = &row[..] else {
            panic!("four columns: {row:?}");
        };
        assert!(faults.insert(fault), "{fault} stands twice");
        assert!(!seen.is_empty() && !kept.is_empty(), "{row:?}");
        let names: Vec<&str> = tested.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{fault}: no test");
        for name in names {
            assert!(known.contains(name), "{fault}: there is no test {name}");
        }
    }
}
