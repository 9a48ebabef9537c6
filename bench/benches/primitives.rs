//! The labs in criterion: starting, switching and talking, each in a fresh process of the agent's, so many
//! times as criterion asks for. For regressions of the labs (`--save-baseline main`, then `--baseline main`);
//! figures with intervals and conditions are those of `fiveways run spawn` and `ipc`.

use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use measure::{Bench, LabAsked};
use record::{Lab, LabKind, Outcome, Pages, Where};

/// Enough for criterion's largest batch of the slowest mechanism.
const DEADLINE_MS: u64 = 60_000;
const MECHANISMS: [(LabKind, &[&str]); 4] = [
    (LabKind::Call, &["call-recvfrom", "call-sendto"]),
    (
        LabKind::Spawn,
        &[
            "fork",
            "vfork",
            "posix-spawn",
            "fork-exec",
            "thread-pthread",
            "tokio-task",
        ],
    ),
    (
        LabKind::Switch,
        &["process-ring", "thread-ring", "task-ring"],
    ),
    (
        LabKind::Ipc,
        &[
            "pipe",
            "unix-stream",
            "tcp",
            "mq-posix",
            "mq-system-v",
            "semaphore-posix",
            "futex",
            "eventfd",
            "signal-usr1",
            "shm-posix-futex",
            "json-lines",
        ],
    ),
];

/// The smallest of each: a mebibyte of state, two tasks, 64 bytes.
fn smallest(kind: LabKind) -> Lab {
    let only = |of: LabKind| kind == of;
    Lab {
        name: "criterion".to_owned(),
        title: String::new(),
        question: String::new(),
        lab: kind,
        mechanisms: Vec::new(),
        placement: Where::SameCore,
        state_mib: only(LabKind::Spawn).then_some(1),
        pages: only(LabKind::Spawn).then_some(Pages::Small),
        threads: None,
        descriptors: None,
        rate: None,
        bytes: only(LabKind::Ipc).then_some(64),
        tasks: only(LabKind::Switch).then_some(2),
        working_set_kib: only(LabKind::Switch).then_some(0),
        warmup: Duration::ZERO,
        window: Duration::from_millis(5),
        rounds: 1,
    }
}

/// The distribution that a lab's own time is in.
fn timed(kind: LabKind) -> &'static str {
    match kind {
        LabKind::Spawn => "reap_ns",
        LabKind::Ipc => "round_trip_ns",
        LabKind::Switch => "switch_ns",
        LabKind::Call => "call_ns",
        LabKind::Share => "work_ns",
        LabKind::Evidence => unreachable!("it takes no time"),
    }
}

/// So many times, in the agent's process.
fn times(bench: &mut Bench, kind: LabKind, mechanism: &str, times: u64) -> Duration {
    let found = bench.lab(LabAsked {
        lab: smallest(kind),
        mechanism: mechanism.to_owned(),
        cpus: vec![bench.host.topology.first().map_or(0, |cpu| cpu.cpu)],
        times: Some(times),
        deadline_ms: DEADLINE_MS,
    });
    let found = found.expect("the agent answers");
    assert_eq!(found.outcome, Outcome::Ok, "{mechanism}: {:?}", found.cause);
    let findings = found.findings.expect("ok has findings");
    let taken = findings.histograms[timed(kind)].decode().expect("our own");
    // A lab that counts for itself may have made more or fewer.
    Duration::from_nanos((taken.mean() * times as f64) as u64)
}

fn labs(criterion: &mut Criterion) {
    let fiveways = Path::new(env!("CARGO_BIN_EXE_fiveways"));
    let mut bench = Bench::start(fiveways, None).expect("the agents start");
    for (kind, mechanisms) in MECHANISMS {
        let known = primitives::mechanisms(kind);
        let mut group = criterion.benchmark_group(kind.as_str());
        for mechanism in mechanisms
            .iter()
            .filter(|name| known.iter().any(|(it, _)| it == *name))
        {
            group.bench_function(*mechanism, |bencher| {
                bencher.iter_custom(|asked| times(&mut bench, kind, mechanism, asked));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(300));
    targets = labs
}
criterion_main!(benches);
