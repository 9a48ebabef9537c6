//! Samples of one yardstick: taken until its time is up, the first of them not kept, at least one.

use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use record::Encoded;
use record::histogram::latencies;

/// Of each yardstick.
pub const TIME: Duration = Duration::from_millis(150);
/// The share of it at its beginning that is not kept: caches fill, cores wake, tables grow.
const WARM_UP: u32 = 10;
/// Another time, in milliseconds, for runs whose figures nobody reads: tests start hundreds.
const OTHER_TIME: &str = "FIVEWAYS_YARDSTICK_MS";

/// A histogram of nanoseconds, and how long it is added to.
pub struct Samples {
    begun: Instant,
    time: Duration,
    taken: Histogram<u64>,
    /// What was resident in the process that forks.
    pub resident_bytes: Option<u64>,
}

impl Default for Samples {
    fn default() -> Self {
        Samples {
            begun: Instant::now(),
            time: asked_for().unwrap_or(TIME),
            taken: latencies(),
            resident_bytes: None,
        }
    }
}

/// What the environment says, if it says a time that is no longer than the usual one.
fn asked_for() -> Option<Duration> {
    let text = std::env::var(OTHER_TIME).ok()?;
    let asked = Duration::from_millis(text.parse().ok()?);
    (asked <= TIME).then_some(asked)
}

impl Samples {
    /// Whether there is time for more, or none was kept yet: on a busy machine the first may take it all.
    pub fn go_on(&self) -> bool {
        self.taken.is_empty() || self.begun.elapsed() < self.time
    }

    /// Times it once.
    ///
    /// # Errors
    /// Its own.
    pub fn time(&mut self, operation: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let before = Instant::now();
        operation()?;
        let after = Instant::now();
        if before.duration_since(self.begun) >= self.time / WARM_UP {
            let ns = u64::try_from(after.duration_since(before).as_nanos()).unwrap_or(u64::MAX);
            self.taken.saturating_record(ns.max(1));
        }
        Ok(())
    }

    /// Times it again and again until the time is up.
    ///
    /// # Errors
    /// Its own.
    pub fn time_all(&mut self, mut operation: impl FnMut() -> io::Result<()>) -> io::Result<()> {
        while self.go_on() {
            self.time(&mut operation)?;
        }
        Ok(())
    }

    /// As it is written down.
    pub fn encoded(&self) -> Encoded {
        Encoded::new(&self.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_kept_even_if_the_first_takes_all_the_time() {
        let mut samples = Samples::default();
        let end = samples.begun + samples.time;
        let mut calls = 0;
        let until_the_end = || {
            calls += 1;
            while Instant::now() < end {
                std::hint::spin_loop();
            }
            Ok(())
        };
        samples.time_all(until_the_end).unwrap();
        assert_eq!((calls, samples.taken.len()), (2, 1));
    }

    #[test]
    fn the_first_samples_are_not_kept_and_errors_end_it() {
        let mut samples = Samples::default();
        samples.time(|| Ok(())).unwrap();
        assert_eq!(samples.taken.len(), 0);
        let mut calls = 0_u64;
        samples
            .time_all(|| {
                calls += 1;
                Ok(())
            })
            .unwrap();
        assert!(!samples.go_on());
        assert!(samples.taken.len() < calls);
        let mut samples = Samples::default();
        assert!(
            samples
                .time_all(|| Err(io::ErrorKind::Other.into()))
                .is_err()
        );
    }
}
