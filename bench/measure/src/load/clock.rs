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

/// The end of a wait, which is spun: a sleeping thread wakes some tens of microseconds late.
const SPUN_NS: u64 = 100_000;
/// Nobody agrees on an instant farther away: a longer wait would be for a clock that was misread.
const FARTHEST_NS: u64 = 5_000_000_000;

/// Waits for an instant of this clock, and says by how much it has passed already.
pub fn wait_until(at_ns: u64) -> u64 {
    let left = at_ns.saturating_sub(now_ns()).min(FARTHEST_NS);
    if left > SPUN_NS {
        std::thread::sleep(std::time::Duration::from_nanos(left - SPUN_NS));
    }
    let until = at_ns.min(now_ns() + FARTHEST_NS);
    loop {
        let now = now_ns();
        if now >= until {
            return now - until;
        }
        std::hint::spin_loop();
    }
}
