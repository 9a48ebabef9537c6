//! Old folders keep rendering, and damaged ones lose no more than what is damaged.
//!
//! `golden/` holds folders as they were once written, cut to a few contenders and rounds: `first` by the first version
//! that had a reference run, `facts` since hosts have facts and runs yardsticks. They are never written again: what a
//! version can no longer read shows here. A schema that changes gets a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use record::{Results, StoreError, read_results};

use crate::fixture::Dice;
use crate::pages::*;

const RECORDS: &str = "records.jsonl";

fn folders() -> Vec<PathBuf> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = fs::read_dir(golden).expect("in the sources");
    let mut folders: Vec<PathBuf> = entries.map(|it| it.expect("readable").path()).collect();
    folders.sort();
    folders
}

#[test]
fn old_folders_keep_rendering() {
    let folders = folders();
    assert_eq!(folders.len(), 2);
    for folder in folders {
        let results = read_results(&folder).expect("readable");
        assert_eq!(results.damage, Vec::<String>::new());
        assert!(results.passes.len() >= 36, "{}", folder.display());
        let summary = report::summarise(&results);
        for contender in ["event-loop", "prefork", "node-net"] {
            for (scenario, metric) in [
                ("rr-50", "throughput_per_s"),
                ("rr-50", "response_ns_p99"),
                ("crr-16", "cpu_us_per_request"),
                ("idle-500", "memory_bytes_per_connection"),
            ] {
                let it = estimate(&summary, contender, scenario, metric);
                assert!(
                    it.value.is_some_and(|value| value > 0.0) && it.low.is_some(),
                    "{}: {it:?}",
                    folder.display()
                );
            }
        }
        let files = written(&results);
        assert!(text(&files, "report.html").ends_with("</html>"));
    }
}

/// A copy of a golden folder with other bytes in it.
struct Damaged(tempfile::TempDir);

impl Damaged {
    fn of(folder: &Path) -> Self {
        let copy = tempfile::tempdir().expect("a temporary folder");
        for name in ["run.json", RECORDS] {
            fs::copy(folder.join(name), copy.path().join(name)).expect("a copy");
        }
        Damaged(copy)
    }

    fn read(&self, name: &str, bytes: &[u8]) -> Result<Results, StoreError> {
        fs::write(self.0.path().join(name), bytes).expect("writable");
        read_results(self.0.path())
    }
}

/// Each line is a pass, or named with its number.
fn accounted(results: &Results, bytes: &[u8]) {
    let lines = bytes.split(|&byte| byte == b'\n').count()
        - usize::from(bytes.is_empty() || bytes.ends_with(b"\n"));
    assert_eq!(results.passes.len() + results.damage.len(), lines);
    for damage in &results.damage {
        let number = damage
            .strip_prefix("records.jsonl line ")
            .and_then(|it| it.split(':').next()?.parse().ok());
        assert!(
            number.is_some_and(|it: usize| (1..=lines).contains(&it)),
            "{damage}"
        );
    }
}

#[test]
fn torn_at_every_byte_the_lines_before_are_kept() {
    for folder in folders() {
        let bytes = fs::read(folder.join(RECORDS)).expect("readable");
        let ends = bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(at, _)| at);
        // The shortest neighbours: what a byte costs does not depend on the rest of the file.
        let ends: Vec<usize> = std::iter::once(0).chain(ends.map(|at| at + 1)).collect();
        let two = ends
            .windows(3)
            .min_by_key(|it| it[2] - it[0])
            .expect("three lines");
        let (bytes, line) = (&bytes[two[0]..two[2]], two[1] - two[0]);
        let damaged = Damaged::of(&folder);
        for end in 0..bytes.len() {
            let results = damaged
                .read(RECORDS, &bytes[..end])
                .expect("the plan is whole");
            accounted(&results, &bytes[..end]);
            assert_eq!(
                results.passes.len(),
                usize::from(end >= line - 1) + usize::from(end >= bytes.len() - 1)
            );
        }
        let plan = fs::read(folder.join("run.json")).expect("readable");
        for end in (0..plan.len() - 2).step_by(7) {
            let error = damaged
                .read("run.json", &plan[..end])
                .expect_err("half a plan is none");
            assert!(error.to_string().contains("line"), "{error}");
        }
    }
}

/// A few mistakes that a disk or a hand makes, anywhere.
fn slips(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..1 + dice.below(6) {
        if bytes.is_empty() {
            return;
        }
        let at = dice.below(bytes.len());
        match dice.below(6) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = b"0123456789-.eE\"{}[],:n"[dice.below(22)],
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, dice.below(256) as u8),
            4 => bytes.truncate(at),
            _ => {
                let piece = bytes[at..(at + 1 + dice.below(400)).min(bytes.len())].to_vec();
                let to = dice.below(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
}

/// Reads one damaged folder, and makes figures and pages of whatever could be read.
fn fuzzed(folder: &Path, seed: u64) {
    let mut dice = Dice(seed);
    let damaged = Damaged::of(folder);
    let mut bytes = fs::read(folder.join(RECORDS)).expect("readable");
    slips(&mut bytes, &mut dice);
    let results = damaged.read(RECORDS, &bytes).expect("the plan is whole");
    accounted(&results, &bytes);
    terminal_fits(&results);
    let mut plan = fs::read(folder.join("run.json")).expect("readable");
    slips(&mut plan, &mut dice);
    match damaged.read("run.json", &plan) {
        Ok(results) => drop(report::terminal(
            &results,
            &report::summarise(&results),
            None,
        )),
        Err(error) => assert!(error.to_string().contains("run.json"), "{error}"),
    }
}

#[test]
fn damaged_folders_are_no_panic() {
    for folder in folders() {
        (1..=25).for_each(|seed| fuzzed(&folder, seed));
    }
}

/// `scripts/fuzz SECONDS`: says each seed before it is tried, so that the last one said repeats a failure.
#[test]
#[ignore = "takes as long as it is given"]
fn damaged_folders_for_a_while() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let (begun, lasts) = (
        Instant::now(),
        Duration::from_secs(number("FIVEWAYS_FUZZ_SECONDS").unwrap_or(60)),
    );
    let (first, mut tried) = (number("FIVEWAYS_FUZZ_SEED").unwrap_or(1_000), 0);
    while begun.elapsed() < lasts {
        for folder in folders() {
            let seed = first + tried;
            let outcome = std::panic::catch_unwind(|| fuzzed(&folder, seed));
            assert!(
                outcome.is_ok(),
                "{}: FIVEWAYS_FUZZ_SEED={seed}",
                folder.display()
            );
        }
        tried += 1;
    }
    println!("{tried} seeds from {first}: no panic, every line accounted for");
}
