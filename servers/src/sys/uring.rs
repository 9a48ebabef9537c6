//! A ring of orders to the kernel and of its answers, with buffers that the kernel fills: io_uring(7).
//!
//! What makes it safe: the buffers stay where they are for the life of the process, a program never sees their
//! bytes, and whoever holds a [`Lent`] is the only one who does. A connection's descriptor must stay open until
//! the last answer to what was ordered for it, or the answers are somebody else's.
//!
//! It pays 64 MiB of addresses for the buffers, and memory for as many as were ever needed at once (doubled
//! from 256 whenever the kernel runs out of them).

use std::io;
use std::mem::size_of;
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering::Release};

use io_uring::types::{BufRingEntry, Fd, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{MapFlags, mmap_anonymous};

use crate::echo::BUFFER;
use crate::patience::PAUSE;

use super::READ_WRITE;

/// Orders that wait to be handed over; answers that wait to be read.
const ORDERS: u32 = 4096;
const ANSWERS: u32 = 16_384;

/// Buffers at first and at most; the ring of them needs a power of two.
const FIRST: u16 = 256;
const MOST: u16 = 16_384;
/// The only group of buffers.
const GROUP: u16 = 0;

/// When a pause ends: read by the kernel while it is ordered.
static PAUSE_ENDS: std::sync::OnceLock<Timespec> = std::sync::OnceLock::new();

/// The rings, and the buffers.
pub struct Ring {
    ring: IoUring,
    /// What the kernel takes buffers from, and how many were ever put in (modulo 2^16).
    free: NonNull<BufRingEntry>,
    put_in: u16,
    made: u16,
    memory: NonNull<u8>,
    /// Of what is being sent, by buffer.
    lengths: Vec<u16>,
}

/// A buffer that holds what a client sent; it goes back by [`Ring::send`] or [`Ring::give_back`].
pub struct Lent {
    buffer: u16,
    length: u16,
}

/// An answer of the kernel's; without `more` its order has ended.
pub enum Answer {
    /// A client came, or could not.
    Accepted(io::Result<TcpStream>, bool),
    /// A client sent bytes; `None` is its end.
    Received(usize, io::Result<Option<Lent>>, bool),
    /// A client was sent all of a buffer, or is gone.
    Sent(usize, io::Result<()>),
    /// The pause is over.
    Rested,
    /// A receive was cancelled, which it says itself.
    Cancelled,
}

/// What an order was for, in the upper bits of its mark: kind, buffer, descriptor.
#[derive(Clone, Copy)]
enum Kind {
    Accept,
    Receive,
    Send,
    Pause,
    Cancel,
}

fn mark(kind: Kind, buffer: u16, at: usize) -> u64 {
    (kind as u64) << 48 | u64::from(buffer) << 32 | at as u64
}

impl Ring {
    /// One that this thread alone uses.
    ///
    /// # Errors
    /// EPERM and ENOSYS where io_uring is not allowed, EINVAL where the kernel is too old for this use of it.
    pub fn new() -> io::Result<Self> {
        let ring: IoUring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_cqsize(ANSWERS)
            .build(ORDERS)?;
        let free = pages(size_of::<BufRingEntry>() * usize::from(MOST))?.cast::<BufRingEntry>();
        let memory = pages(BUFFER * usize::from(MOST))?;
        let submitter = ring.submitter();
        // SAFETY: page-aligned, zeroed, large enough for so many entries, and never unmapped.
        unsafe { submitter.register_buf_ring_with_flags(free.as_ptr() as u64, MOST, GROUP, 0) }?;
        let mut ring = Ring {
            ring,
            free,
            put_in: 0,
            made: 0,
            memory,
            lengths: vec![0; usize::from(MOST)],
        };
        ring.make_buffers();
        Ok(ring)
    }

    /// Twice as many buffers as there were; false when there are as many as there will ever be.
    pub fn make_buffers(&mut self) -> bool {
        let more = self.made.max(FIRST).min(MOST - self.made);
        for buffer in self.made..self.made + more {
            self.put_in(buffer);
        }
        self.made += more;
        more > 0
    }

    /// Orders that every connection of this listener be accepted.
    pub fn accept(&mut self, listener: RawFd) {
        let order = opcode::AcceptMulti::new(Fd(listener)).flags(libc::SOCK_CLOEXEC);
        self.order(order.build(), mark(Kind::Accept, 0, 0));
    }

    /// Orders that all that comes from this client be received.
    pub fn receive(&mut self, at: usize) {
        let order = opcode::RecvMulti::new(Fd(at as RawFd), GROUP);
        self.order(order.build(), mark(Kind::Receive, 0, at));
    }

    /// Orders that no more be received from it; the receive says when it has ended.
    pub fn stop_receiving(&mut self, at: usize) {
        let order = opcode::AsyncCancel::new(mark(Kind::Receive, 0, at));
        self.order(order.build(), mark(Kind::Cancel, 0, at));
    }

    /// Orders that a client be sent all of this, however long that takes; the buffer is back with the answer.
    pub fn send(&mut self, at: usize, lent: Lent) {
        // SAFETY: `lent.buffer` is below `MOST`, so this is inside of the mapping.
        let bytes = unsafe { self.memory.add(usize::from(lent.buffer) * BUFFER) };
        self.lengths[usize::from(lent.buffer)] = lent.length;
        let order = opcode::Send::new(Fd(at as RawFd), bytes.as_ptr(), u32::from(lent.length))
            .flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL);
        self.order(order.build(), mark(Kind::Send, lent.buffer, at));
    }

    /// Orders an answer in 10 ms.
    pub fn pause(&mut self) {
        let ends = PAUSE_ENDS.get_or_init(|| Timespec::from(PAUSE));
        self.order(opcode::Timeout::new(ends).build(), mark(Kind::Pause, 0, 0));
    }

    /// Gives a buffer back unsent.
    pub fn give_back(&mut self, lent: Lent) {
        self.put_in(lent.buffer);
    }

    /// Hands all orders over and waits for an answer; returns early when a signal came.
    ///
    /// # Errors
    /// Those of `io_uring_enter`.
    pub fn wait(&mut self) -> io::Result<()> {
        let waited = self.ring.submit_and_wait(1);
        match waited.as_ref().map_err(io::Error::raw_os_error) {
            Err(Some(libc::EINTR | libc::EBUSY | libc::EAGAIN)) => Ok(()),
            _ => waited.map(drop),
        }
    }

    /// The next answer that is there.
    pub fn answer(&mut self) -> Option<Answer> {
        let entry = self.ring.completion().next()?;
        let (at, kind) = (entry.user_data() as u32 as usize, entry.user_data() >> 48);
        let result = match entry.result() {
            failed if failed < 0 => Err(io::Error::from_raw_os_error(-failed)),
            result => Ok(result),
        };
        let more = cqueue::more(entry.flags());
        Some(match kind {
            kind if kind == Kind::Accept as u64 => {
                // SAFETY: the kernel has just made this descriptor, a stream socket, and nobody else knows it.
                let client = result.map(|fd| unsafe { TcpStream::from_raw_fd(fd) });
                Answer::Accepted(client, more)
            }
            kind if kind == Kind::Receive as u64 => {
                let lent = self.lent(cqueue::buffer_select(entry.flags()), entry.result());
                Answer::Received(at, result.map(|_| lent), more)
            }
            kind if kind == Kind::Send as u64 => {
                let buffer = (entry.user_data() >> 32) as u16;
                let length = i32::from(self.lengths[usize::from(buffer)]);
                self.put_in(buffer);
                let all = result.and_then(|sent| match sent == length {
                    true => Ok(()),
                    false => Err(io::ErrorKind::WriteZero.into()),
                });
                Answer::Sent(at, all)
            }
            kind if kind == Kind::Pause as u64 => Answer::Rested,
            _ => Answer::Cancelled,
        })
    }

    fn lent(&mut self, buffer: Option<u16>, length: i32) -> Option<Lent> {
        let buffer = buffer?;
        match u16::try_from(length) {
            Ok(length) if length > 0 => Some(Lent { buffer, length }),
            _ => {
                self.put_in(buffer);
                None
            }
        }
    }

    fn order(&mut self, order: squeue::Entry, mark: u64) {
        let order = order.user_data(mark);
        // SAFETY: what an order points to (a buffer of ours that is lent to it, the static time) stays where
        // it is for the life of the process; the kernel checks descriptors.
        while unsafe { self.ring.submission().push(&order) }.is_err() {
            // Full: what cannot be handed over now will be when the kernel has memory again.
            let _ = self.ring.submit();
        }
    }

    /// Lets the kernel have a buffer.
    fn put_in(&mut self, buffer: u16) {
        let place = usize::from(self.put_in % MOST);
        // SAFETY: `place` and `buffer` are below `MOST`; the kernel reads an entry only after the tail, below,
        // has passed it, and there are never more buffers than entries. Entries lie `MOST` in a row.
        unsafe {
            let memory = self.memory.add(usize::from(buffer) * BUFFER);
            let entry = self.free.add(place).as_mut();
            entry.set_addr(memory.as_ptr() as u64);
            entry.set_len(BUFFER as u32);
            entry.set_bid(buffer);
        }
        self.put_in = self.put_in.wrapping_add(1);
        // SAFETY: the first entry's last field is the ring's tail, two bytes, aligned; only this thread
        // writes it, and the kernel reads it as an atomic.
        let tail =
            unsafe { AtomicU16::from_ptr(BufRingEntry::tail(self.free.as_ptr()).cast_mut()) };
        tail.store(self.put_in, Release);
    }
}

/// Zeroed pages that stay for the life of the process.
fn pages(size: usize) -> io::Result<NonNull<u8>> {
    let size = NonZeroUsize::new(size).ok_or(Errno::EINVAL)?;
    // SAFETY: the kernel chooses the place of a new mapping, so nothing of ours is replaced.
    let start = unsafe {
        mmap_anonymous(
            None,
            size,
            READ_WRITE,
            MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE,
        )
    }?;
    Ok(start.cast())
}

impl Lent {
    /// How many bytes it holds.
    pub fn length(&self) -> usize {
        usize::from(self.length)
    }
}

impl AsRawFd for Ring {
    fn as_raw_fd(&self) -> RawFd {
        self.ring.as_raw_fd()
    }
}
