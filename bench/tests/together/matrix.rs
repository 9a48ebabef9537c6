//! FAULTS.md is a table of what was tested: every row names tests, every one of them is there, and none is left out of
//! the files that are of nothing but faults.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files of which every test is of a fault, below the workspace.
const OF_FAULTS: [&str; 11] = [
    "bench/tests/alone/load/lies.rs",
    "bench/tests/alone/withheld.rs",
    "bench/tests/together/denied.rs",
    "bench/tests/together/faults.rs",
    "bench/tests/together/harness.rs",
    "bench/tests/together/hosts/lost.rs",
    "bench/tests/together/limits.rs",
    "bench/tests/together/nothing_left.rs",
    "bench/tests/together/resume.rs",
    "bench/tests/together/two.rs",
    "servers/tests/contract/limits.rs",
];

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

/// The matrix, and the folder of the workspace.
fn matrix() -> (String, PathBuf) {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(bench.join("FAULTS.md")).expect("the matrix");
    (text, bench.join(".."))
}

/// The tests that a row names.
fn named(row: &[String]) -> impl Iterator<Item = &str> {
    row[3].split('`').skip(1).step_by(2)
}

#[test]
fn every_row_of_the_fault_matrix_names_tests_that_there_are() {
    let (text, workspace) = matrix();
    let mut known = BTreeSet::new();
    tests(&workspace.join("bench"), &mut known);
    tests(&workspace.join("servers"), &mut known);
    let rows = rows(&text);
    let (mut faults, mut used) = (BTreeSet::new(), BTreeSet::new());
    for row in &rows {
        let [fault, seen, kept, _] = &row[..] else {
            panic!("four columns: {row:?}");
        };
        assert!(faults.insert(fault), "{fault} stands twice");
        assert!(!seen.is_empty() && !kept.is_empty(), "{row:?}");
        assert!(named(row).next().is_some(), "{fault}: no test");
        for name in named(row) {
            assert!(known.contains(name), "{fault}: there is no test {name}");
            used.insert(name);
        }
    }
    let totals = format!(
        "{} faults stand below, and {} tests",
        rows.len(),
        used.len()
    );
    assert!(text.contains(&totals), "its head should say: {totals}");
}

#[test]
fn every_test_of_a_fault_has_its_row() {
    let (text, workspace) = matrix();
    let rows = rows(&text);
    let used: BTreeSet<&str> = rows.iter().flat_map(|row| named(row)).collect();
    for file in OF_FAULTS {
        let source = std::fs::read_to_string(workspace.join(file)).expect(file);
        let tests = tests_in(&source);
        assert!(!tests.is_empty(), "{file} has no test");
        for name in tests {
            assert!(used.contains(&*name), "no row names {name} of {file}");
        }
    }
}
