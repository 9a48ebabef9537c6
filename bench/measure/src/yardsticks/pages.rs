//! What a page of memory takes: the first time it is touched, and the first time after a fork.

use std::io;

use nix::unistd::pause;

use super::samples::Samples;
use super::{Cores, beside, end};
use crate::sys::Pages;

/// Pages a sample: one alone would be little more than two readings of the clock.
pub const BATCH: u32 = 64;
/// Pages of a mapping.
const PAGES: usize = 1024;

fn batches() -> impl Iterator<Item = std::ops::Range<usize>> {
    let batch = BATCH as usize;
    (0..PAGES / batch).map(move |index| index * batch..(index + 1) * batch)
}

/// A fault on an anonymous page that nobody has touched: the kernel finds one, clears it, and maps it.
pub fn first_touch(_: &Cores, samples: &mut Samples) -> io::Result<()> {
    while samples.go_on() {
        let mut pages = Pages::map(PAGES)?;
        for batch in batches() {
            samples.time(|| {
                pages.touch(batch);
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// A write to a page that a living child shares since it was forked: the kernel copies it first.
pub fn copy_on_write(cores: &Cores, samples: &mut Samples) -> io::Result<()> {
    while samples.go_on() {
        let mut pages = Pages::map(PAGES)?;
        pages.touch(0..PAGES);
        let child = beside(cores.server, || {
            pause();
            Ok(())
        })?;
        for batch in batches() {
            samples.time(|| {
                pages.touch(batch);
                Ok(())
            })?;
        }
        end(child);
    }
    Ok(())
}
