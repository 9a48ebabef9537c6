//! The generator's own hot paths: what a request costs it beside the system calls.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use measure::load::{Schedule, Share};
use measure::payload::Payload;
use record::Pace;

fn payload(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("payload");
    for size in [64, 4096, 65_536] {
        group.throughput(Throughput::Bytes(size as u64));
        let mut buffer = vec![0; size];
        group.bench_function(BenchmarkId::new("fill", size), |bencher| {
            let mut sequence = 0;
            bencher.iter(|| {
                sequence += 1;
                Payload::new(7, sequence).fill(0, black_box(&mut buffer));
            });
        });
        Payload::new(7, 1).fill(0, &mut buffer);
        group.bench_function(BenchmarkId::new("check", size), |bencher| {
            bencher.iter(|| Payload::new(7, 1).check(0, black_box(&buffer)));
        });
    }
    group.finish();
}

fn histogram(criterion: &mut Criterion) {
    let mut latencies = record::histogram::latencies();
    let mut value = 1_u64;
    criterion.bench_function("histogram/record", |bencher| {
        bencher.iter(|| {
            // From 1 ns to some milliseconds, without a pattern that a branch predictor would learn.
            value = value
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            latencies.saturating_record(black_box(value >> 42));
        });
    });
}

fn pacing(criterion: &mut Criterion) {
    let whole = Share { index: 0, of: 1 };
    let mut group = criterion.benchmark_group("schedule");
    for (name, pace) in [
        ("constant", Pace::Constant(20_000.0)),
        ("poisson", Pace::Poisson(20_000.0)),
    ] {
        group.bench_function(name, |bencher| {
            let mut schedule = Schedule::new(pace, 1, (0, u64::MAX), u64::MAX, whole);
            bencher.iter(|| {
                black_box(schedule.due());
                schedule.take();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, payload, histogram, pacing);
criterion_main!(benches);
