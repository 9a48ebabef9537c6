//! Every mechanism at every size, verified, or with the reason why not; and nothing left behind. It has no test
//! harness, because a harness has threads, and who forks must not.

use std::collections::BTreeSet;
use std::time::Duration;

use primitives::ipc::{Asked, Parties, Placement, Unmeasured, measure, mechanisms};

const SIZES: [usize; 5] = [1, 64, 4096, 65_536, 1 << 20];

fn main() {
    let before = objects();
    let mut failed = Vec::new();
    let mut names = BTreeSet::new();
    for mechanism in mechanisms() {
        assert!(names.insert(mechanism.name), "{} twice", mechanism.name);
        assert_eq!(
            mechanism.parties == Parties::Threads,
            mechanism.name.ends_with("-threads")
        );
        let mut measured = 0;
        for bytes in SIZES {
            let asked = Asked {
                bytes,
                placement: Placement::Free,
                warmup: Duration::from_millis(1),
                round_trips_for: Duration::from_millis(5),
                one_way_for: Duration::from_millis(5),
            };
            match measure(mechanism, &asked) {
                Ok(found) => {
                    measured += 1;
                    assert_eq!(found.round_trip.len(), found.round_trips);
                    assert!(found.verified >= 2 * found.round_trips);
                    assert_eq!(found.round_trips == 0, found.verified == 0);
                    if let Some(rate) = found.messages_per_s {
                        assert!(rate > 0.0 && found.verified > 2 * found.round_trips);
                    }
                }
                Err(Unmeasured::NotApplicable(why)) => assert!(bytes > 64, "{why}"),
                Err(Unmeasured::Unavailable(why, errno)) => {
                    assert!(errno.is_some(), "{why}");
                    measured += 1;
                    println!("{}: unavailable: {why}", mechanism.name);
                }
                Err(Unmeasured::Failed(why, _)) => {
                    measured += 1;
                    failed.push(format!("{} at {bytes}: {why}", mechanism.name));
                }
            }
        }
        assert!(measured >= 2, "{}", mechanism.name);
        println!("{} ok, {measured} sizes", mechanism.name);
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(objects(), before, "left behind");
    let children = std::fs::read_to_string("/proc/self/task/self/children").unwrap_or_default();
    assert_eq!(children.trim(), "", "still run");
}

/// What has a life of its own: names, and lines of the kernel's tables of System V.
fn objects() -> Vec<String> {
    let mut found = Vec::new();
    let temporary = std::env::temp_dir();
    for folder in [
        temporary.to_str().unwrap_or("/tmp"),
        "/dev/shm",
        "/dev/mqueue",
    ] {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(&format!("fiveways-ipc-{}-", std::process::id())) {
                found.push(name);
            }
        }
    }
    for kind in ["msg", "sem", "shm"] {
        let table = std::fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
        let mine = std::process::id().to_string();
        let lines = table
            .lines()
            .filter(|line| line.split_whitespace().any(|it| it == mine));
        found.extend(lines.map(str::to_owned));
    }
    found
}
