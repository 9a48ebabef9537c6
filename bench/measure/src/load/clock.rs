//! One clock for everything that is timed: CLOCK_MONOTONIC, in nanoseconds, read through the vDSO (some
//! 25 ns); and this thread's CPU time, which is a system call and read once a slice.

use nix::time::{ClockId, clock_gettime};

/// Now.
#[inline]
pub fn now_ns() -> u64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// CPU time that this thread has used.
pub fn thread_cpu_ns() -> u64 {
    read(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

#[inline]
fn read(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |time| {
        time.tv_sec().unsigned_abs() * 1_000_000_000 + time.tv_nsec().unsigned_abs()
    })
}
