//! Memory of the labs: state that children inherit, and the word in which they write when they began.

use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::libc;

use super::spawn::now_ns;

/// Anonymous memory of this process; given back when dropped.
#[derive(Debug)]
pub struct Memory {
    start: NonNull<c_void>,
    bytes: usize,
}

// SAFETY: the mapping belongs to this value alone, and is reached only by volatile or atomic accesses.
unsafe impl Send for Memory {}
// SAFETY: as above; shared references allow atomic loads and stores only.
unsafe impl Sync for Memory {}

/// The distance at which memory is touched: the smallest page that this kernel has anywhere.
pub const PAGE: usize = 4096;
const HUGE_PAGE: usize = 2 << 20;

impl Memory {
    fn map(bytes: usize, flags: libc::c_int) -> Result<Self, Errno> {
        let (any, protection) = (null_mut(), libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: a new anonymous mapping where the kernel likes touches nothing that exists.
        let start = unsafe { libc::mmap(any, bytes, protection, flags, -1, 0) };
        match NonNull::new(start) {
            Some(start) if start.as_ptr() != libc::MAP_FAILED => Ok(Memory { start, bytes }),
            _ => Err(Errno::last()),
        }
    }

    /// Private memory of so many bytes that was written to once a page, in huge pages if they are asked for
    /// and granted.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn touched(bytes: usize, huge: bool) -> Result<Self, Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let memory = Memory::map(bytes + HUGE_PAGE, flags)?;
        let advice = if huge {
            libc::MADV_HUGEPAGE
        } else {
            libc::MADV_NOHUGEPAGE
        };
        // SAFETY: the range is this value's own mapping; the advice changes no content. EINVAL, on a kernel
        // without huge pages, leaves small ones.
        unsafe { libc::madvise(memory.start.as_ptr(), memory.bytes, advice) };
        memory.write(bytes);
        Ok(memory)
    }

    /// The offsets of the first so many bytes, from the first boundary of a huge page on.
    fn offsets(&self, bytes: usize) -> std::ops::Range<usize> {
        let start = self.start.as_ptr() as usize;
        let skipped = start.next_multiple_of(HUGE_PAGE) - start;
        skipped..self.bytes.min(skipped + bytes)
    }

    /// Writes one byte to each page of the first so many bytes.
    pub fn write(&self, bytes: usize) {
        for offset in self.offsets(bytes).step_by(PAGE) {
            // SAFETY: the offset is below the mapping's length, and nobody holds a reference into it.
            unsafe { self.start.cast::<u8>().add(offset).write_volatile(1) };
        }
    }

    /// Sums up the first so many bytes, a word a cache line: the working set of a task of the switch lab.
    pub fn sum(&self, bytes: usize) -> u64 {
        let words = self.offsets(bytes).step_by(64);
        // SAFETY: each offset is below the mapping's length and a multiple of 64, hence aligned.
        words.fold(0, |sum, offset| unsafe {
            sum.wrapping_add(
                self.start
                    .cast::<u8>()
                    .add(offset)
                    .cast::<u64>()
                    .read_volatile(),
            )
        })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and nothing refers to it any more.
        unsafe { libc::munmap(self.start.as_ptr(), self.bytes) };
    }
}

/// A word shared with children, in which they write when they began.
#[derive(Debug)]
pub struct Stamp(Memory);

impl Stamp {
    /// A new one, 0.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new() -> Result<Self, Errno> {
        Memory::map(PAGE, libc::MAP_SHARED | libc::MAP_ANONYMOUS).map(Stamp)
    }

    fn word(&self) -> &AtomicU64 {
        // SAFETY: the mapping is a page, aligned, zeroed by the kernel, and lives as long as this value.
        unsafe { self.0.start.cast::<AtomicU64>().as_ref() }
    }

    /// Writes now.
    pub fn put(&self) {
        self.word().store(now_ns(), Ordering::Release);
    }

    /// Writes a figure.
    pub fn tell(&self, figure: u64) {
        self.word().store(figure, Ordering::Release);
    }

    /// What was written, and 0 from now on.
    pub fn take(&self) -> u64 {
        self.word().swap(0, Ordering::AcqRel)
    }
}

/// Pairs of figures, written down in memory that forked children share: what a parent notes between two forks is
/// then no page that the next one copies, and not even an entry of its page tables.
#[derive(Debug)]
pub struct Notes {
    memory: Memory,
    made: usize,
}

impl Notes {
    /// Room for so many; only what is written to takes memory.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn with_room_for(most: usize) -> Result<Self, Errno> {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let memory = Memory::map(most * size_of::<[u64; 2]>(), flags)?;
        Ok(Notes { memory, made: 0 })
    }

    /// Whether there is no room left.
    pub fn are_full(&self) -> bool {
        (self.made + 1) * size_of::<[u64; 2]>() > self.memory.bytes
    }

    /// One more.
    ///
    /// # Panics
    /// When there is no room left.
    pub fn put(&mut self, pair: [u64; 2]) {
        assert!(!self.are_full(), "more notes than there is room for");
        // SAFETY: there is room for it (asserted), aligned as a page is, and `&mut self` is the only way to it.
        unsafe {
            self.memory
                .start
                .cast::<[u64; 2]>()
                .add(self.made)
                .write(pair)
        };
        self.made += 1;
    }

    /// All of them.
    pub fn all(&self) -> &[[u64; 2]] {
        // SAFETY: so many were written by `put`, side by side, and no child of ours writes to them.
        unsafe { std::slice::from_raw_parts(self.memory.start.cast().as_ptr(), self.made) }
    }
}
