//! Samples of one yardstick: taken until its time is up, the first of them not kept.

use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use record::Encoded;
use record::histogram::latencies;

/// Of each yardstick.
pub const TIME: Duration = Duration::from_millis(150);
/// At its beginning: caches fill, cores wake, tables grow.
const WARM_UP: Duration = Duration::from_millis(15);

/// A histogram of nanoseconds, and how long it is added to.
pub struct Samples {
    begun: Instant,
    taken: Histogram<u64>,
    /// What was resident in the process that forks.
    pub resident_bytes: Option<u64>,
}

impl Default for Samples {
    fn default() -> Self {
        Samples {
            begun: Instant::now(),
            taken: latencies(),
            resident_bytes: None,
        }
    }
}

impl Samples {
    /// Whether there is time for more.
    pub fn go_on(&self) -> bool {
        self.begun.elapsed() < TIME
    }

    /// Times it once.
    ///
    /// # Errors
    /// Its own.
    pub fn time(&mut self, operation: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let before = Instant::now();
        operation()?;
        let after = Instant::now();
        if before.duration_since(self.begun) >= WARM_UP {
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
