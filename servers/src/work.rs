//! What a request costs the server beside the echo, and the state that it holds while it serves.
//!
//! Work is done once for every message received on a connection, at its last byte, before these bytes go
//! back; which messages is a matter of counting. A share is counted over all connections and forked processes (one
//! atomic addition for what is received at once; workers that are executed anew, as `cluster-listener`'s, count by
//! themselves): counted on each connection, no short one would ever come to its hundredth request, and many long ones
//! would come to it together. Where all messages have the same work nothing is shared.

use std::cell::RefCell;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::scratch;
use crate::sys;

/// What `--work` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkSpec {
    /// What is done.
    pub kind: WorkKind,
    /// To which share of the requests.
    pub share: Share,
}

/// The kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkKind {
    /// Arithmetic that takes so long on an undisturbed CPU.
    Cpu(Duration),
    /// A blocking sleep.
    Sleep(Duration),
    /// So many bytes read from a file (the page cache: a copy through the kernel, no disk), and the share
    /// of the reads that find no file.
    Read(usize, Share),
}

/// A share of things that come one after another, in parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub u32);

impl Share {
    /// All of them.
    pub const ALL: Share = Share(1_000_000);

    /// None of them.
    pub const NONE: Share = Share(0);

    /// Whether number `number` (from 1) is one of the share: 1 % is each hundredth.
    pub fn falls_on(self, number: u64) -> bool {
        number > 0 && self.up_to(number) > self.up_to(number - 1)
    }

    /// How many of the first `number` are of the share.
    fn up_to(self, number: u64) -> u64 {
        (u128::from(number) * u128::from(self.0) / 1_000_000) as u64
    }
}

/// Everything beside the echo that a model needs to serve a connection.
pub struct Service {
    jobs: Vec<Job>,
    /// Requests so far, of everybody; where all of them have all of the work, nobody asks.
    counter: Option<&'static AtomicU64>,
    message: usize,
    state: &'static [AtomicU8],
    touch: Option<Share>,
}

/// A piece of work, and which requests have it.
struct Job {
    work: Work,
    share: Share,
}

enum Work {
    Spin { turns: u64 },
    Sleep(Duration),
    Read { file: Sheet, missing: Share },
}

/// A file to read, and a path beside it where there is none.
struct Sheet {
    file: File,
    size: usize,
    gone: PathBuf,
}

const PAGE: usize = 4096;

impl Service {
    /// Calibrates, opens and touches what will be needed: dear, and therefore done before listening.
    ///
    /// # Errors
    /// When there is no room for the state or the file.
    pub fn prepare(options: &Options) -> io::Result<Self> {
        let jobs = options.work.iter().map(Job::prepare);
        let jobs = jobs.collect::<io::Result<Vec<Job>>>()?;
        let counter = match jobs.iter().any(Job::is_counted) {
            true => sys::shared_words(1)?.1.first(),
            false => None,
        };
        let state = NonZeroUsize::new(options.state).map_or(Ok(&[][..]), |size| {
            sys::private_pages(size).map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!(
                        "no room for --state {size} bytes: {error}; a smaller --state, or more by `ulimit -v`"
                    ),
                )
            })
        })?;
        for page in state.chunks(PAGE) {
            page[0].store(1, Relaxed);
        }
        Ok(Service {
            jobs,
            counter,
            message: options.message,
            state,
            touch: options.touch,
        })
    }

    /// Begins a connection: writes to its share of the state, spread evenly, and counts its requests if
    /// there is work to do.
    #[inline]
    pub fn begin(&self) -> Option<Requests<'_>> {
        if let Some(share) = self.touch {
            self.touch(share);
        }
        (!self.jobs.is_empty()).then_some(Requests {
            jobs: &self.jobs,
            counter: self.counter,
            message: self.message,
            bytes: 0,
            number: 0,
        })
    }

    fn touch(&self, share: Share) {
        for (number, page) in (1..).zip(self.state.chunks(PAGE)) {
            if share.falls_on(number) {
                page[0].store(2, Relaxed);
            }
        }
    }
}

/// The requests of one connection, as a server sees them that sees bytes.
pub struct Requests<'a> {
    jobs: &'a [Job],
    counter: Option<&'a AtomicU64>,
    message: usize,
    bytes: usize,
    /// Of the last one: among all, or where nobody counts those, on its connection.
    number: u64,
}

/// Work that waits to be done, for messages that have come.
pub struct Due<'a> {
    jobs: &'a [Job],
    /// The messages, as they are counted: after this one, up to that.
    messages: (u64, u64),
}

impl<'a> Requests<'a> {
    /// Takes note of `bytes` received and does the work of each message that they complete.
    ///
    /// # Errors
    /// When the file cannot be read: that ends the connection.
    pub fn received(&mut self, bytes: usize) -> io::Result<()> {
        self.due(bytes).map_or(Ok(()), Due::finish)
    }

    /// Takes note of `bytes` received, and says what there is to do for the messages that they complete.
    pub fn due(&mut self, bytes: usize) -> Option<Due<'a>> {
        let all = self.bytes + bytes;
        self.bytes = all % self.message;
        let complete = (all / self.message) as u64;
        let before = match self.counter {
            Some(counter) if complete > 0 => counter.fetch_add(complete, Relaxed),
            _ => self.number,
        };
        self.number = before + complete;
        let messages = (before, self.number);
        let any = self.jobs.iter().any(|job| !job.pieces(messages).is_empty());
        any.then_some(Due {
            jobs: self.jobs,
            messages,
        })
    }
}

impl Due<'_> {
    /// Whether the thread that does it waits for something else than a CPU.
    pub fn blocks(&self) -> bool {
        let blocks = |job: &Job| {
            !matches!(job.work, Work::Spin { .. }) && !job.pieces(self.messages).is_empty()
        };
        self.jobs.iter().any(blocks)
    }

    /// Does it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn finish(self) -> io::Result<()> {
        self.jobs.iter().try_for_each(|job| {
            let mut pieces = job.pieces(self.messages);
            pieces.try_for_each(|piece| job.work.do_piece(piece))
        })
    }
}

impl Job {
    fn prepare(spec: &WorkSpec) -> io::Result<Self> {
        let work = match spec.kind {
            WorkKind::Cpu(time) => Work::Spin {
                turns: turns_in(time),
            },
            WorkKind::Sleep(time) => Work::Sleep(time),
            WorkKind::Read(size, missing) => Work::Read {
                file: Sheet::of(size)?,
                missing,
            },
        };
        Ok(Job {
            work,
            share: spec.share,
        })
    }

    /// Whether it matters how manieth a request is.
    fn is_counted(&self) -> bool {
        let fails =
            |work: &Work| matches!(work, Work::Read { missing, .. } if *missing != Share::NONE);
        self.share != Share::ALL || fails(&self.work)
    }

    /// How manieth each piece for these messages is, counted like the requests.
    fn pieces(&self, (before, last): (u64, u64)) -> Range<u64> {
        self.share.up_to(before) + 1..self.share.up_to(last) + 1
    }
}

impl Work {
    fn do_piece(&self, piece: u64) -> io::Result<()> {
        match self {
            Work::Spin { turns } => spin(*turns),
            Work::Sleep(time) => thread::sleep(*time),
            Work::Read { file, missing } if missing.falls_on(piece) => {
                return read(&File::open(&file.gone)?, file.size);
            }
            Work::Read { file, .. } => return read(&file.file, file.size),
        }
        Ok(())
    }
}

/// A chain of arithmetic in which each step waits for the one before, so that its length is its time.
fn spin(turns: u64) {
    let mut word = black_box(1u64);
    for _ in 0..turns {
        word = word
            .wrapping_mul(0x5851_F42D_4C95_7F2D)
            .wrapping_add(0x1405_7B7E_F767_814F);
    }
    black_box(word);
}

/// How many turns of [`spin`] take `time`: the best of several trials, since a trial is only ever
/// disturbed towards slowness. A clock read costs as much as 50 ns of work, so none is made while serving.
fn turns_in(time: Duration) -> u64 {
    const TRIALS: u32 = 50;
    const TURNS: u64 = 100_000;
    let trial = |_| {
        let start = Instant::now();
        spin(TURNS);
        start.elapsed()
    };
    let best = (0..TRIALS)
        .map(trial)
        .min()
        .unwrap_or_default()
        .as_nanos()
        .max(1);
    u64::try_from(time.as_nanos() * u128::from(TURNS) / best).unwrap_or(u64::MAX)
}

impl Sheet {
    /// One of `size` bytes.
    fn of(size: usize) -> io::Result<Self> {
        let block = [b'.'; PAGE];
        let file = scratch::file("--work read", |file| {
            let mut starts = (0..size).step_by(PAGE);
            starts.try_for_each(|start| file.write_all(&block[..PAGE.min(size - start)]))
        })?;
        let gone = std::env::temp_dir().join("echo-server-has-no-such-file");
        Ok(Sheet { file, size, gone })
    }
}

fn read(file: &File, size: usize) -> io::Result<()> {
    const BLOCK: usize = 64 * 1024;
    thread_local! {
        static BLOCK_OF_THREAD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    BLOCK_OF_THREAD.with_borrow_mut(|block| {
        block.resize(BLOCK, 0);
        let mut done = 0;
        while done < size {
            let part = BLOCK.min(size - done);
            file.read_exact_at(&mut block[..part], done as u64)?;
            done += part;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_falls_evenly_and_exactly() {
        let hits =
            |share: Share, of: u64| (1..=of).filter(|&number| share.falls_on(number)).count();
        assert_eq!(hits(Share(10_000), 1000), 10);
        assert!(Share(10_000).falls_on(100) && !Share(10_000).falls_on(99));
        assert!(!Share(500_000).falls_on(1) && Share(500_000).falls_on(2));
        assert_eq!(hits(Share(30_000), 1000), 30);
        assert_eq!(hits(Share::ALL, 1000), 1000);
        assert!(!Share::ALL.falls_on(0));
        assert!(Share::ALL.falls_on(u64::MAX));
    }

    #[test]
    fn work_is_done_at_the_last_byte_of_each_message() {
        let jobs = [Job {
            work: Work::Spin { turns: 0 },
            share: Share::ALL,
        }];
        let mut requests = Requests {
            jobs: &jobs,
            counter: None,
            message: 64,
            bytes: 0,
            number: 0,
        };
        let mut after = |bytes| requests.received(bytes).map(|()| requests.number).ok();
        assert_eq!(after(63), Some(0));
        assert_eq!(after(1), Some(1));
        assert_eq!(after(129), Some(3));
        assert_eq!(after(62), Some(3));
        assert_eq!(after(1), Some(4));
    }

    #[test]
    fn of_two_kinds_of_work_each_falls_on_its_share_and_only_one_blocks() {
        let job = |work, share| Job { work, share };
        let jobs = [
            job(Work::Spin { turns: 0 }, Share(500_000)),
            job(Work::Sleep(Duration::ZERO), Share(250_000)),
        ];
        let mut requests = Requests {
            jobs: &jobs,
            counter: None,
            message: 1,
            bytes: 0,
            number: 0,
        };
        let mut blocks = |_| requests.due(1).map(|due| due.blocks());
        let seen: Vec<_> = (1..=4).map(&mut blocks).collect();
        assert_eq!(seen, [None, Some(false), None, Some(true)]);
    }

    #[test]
    fn a_spin_takes_at_least_nearly_its_time() {
        let turns = turns_in(Duration::from_millis(2));
        let start = Instant::now();
        spin(turns);
        assert!(
            start.elapsed() >= Duration::from_micros(1000),
            "{:?}",
            start.elapsed()
        );
    }

    #[test]
    fn reading_reads_and_a_missing_byte_is_an_error() {
        let sheet = Sheet::of(100_000).expect("a temporary file");
        assert!(read(&sheet.file, 100_000).is_ok());
        assert!(read(&sheet.file, 100_001).is_err());
    }

    #[test]
    fn of_the_reads_the_missing_share_fails_and_no_other() {
        let jobs = [Job {
            work: Work::Read {
                file: Sheet::of(10).expect("a temporary file"),
                missing: Share(250_000),
            },
            share: Share(500_000),
        }];
        let mut requests = Requests {
            jobs: &jobs,
            counter: None,
            message: 1,
            bytes: 0,
            number: 0,
        };
        let failed = |requests: &mut Requests<'_>| requests.received(1).is_err();
        let numbers: Vec<u64> = (1..=16).filter(|_| failed(&mut requests)).collect();
        assert_eq!(numbers, [8, 16]);
    }
}
