//! How a master hands a connection over to a worker, so that none is lost and none is served twice.
//!
//! ```text
//! Giver ── the descriptor ──► Taker        the giver keeps its copy until an answer comes:
//!       ◄── More ─────────────             I have it, and would take another one
//!       ◄── Enough ───────────             I have it, and take none until I say More
//!       ◄── Lost ─────────────             the kernel lost it on the way: give it to somebody
//! ```
//!
//! At most one connection is on the way to a worker, as in Node. The taker answers before it reads a byte: of
//! a worker that dies, what it has not answered for is as untouched as it was.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use crate::channel::{Channel, Message};

const MORE: u32 = 1;
const ENOUGH: u32 = 2;
const LOST: u32 = 3;
const CONNECTION: u32 = 4;

/// The master's side.
pub struct Giver {
    channel: Channel,
    passed: Option<OwnedFd>,
    free: bool,
}

/// What a giver heard.
pub enum Heard {
    /// An answer.
    Answer,
    /// This connection has to be given again.
    Back(OwnedFd),
    /// Nothing that matters.
    Nothing,
    /// The worker is gone.
    Gone,
}

/// The worker's side.
pub struct Taker(Channel);

impl Giver {
    /// One with a worker that has nothing to do.
    pub fn new(channel: Channel) -> Self {
        Giver {
            channel,
            passed: None,
            free: true,
        }
    }

    /// Whether the worker would take a connection.
    pub fn is_free(&self) -> bool {
        self.free
    }

    /// Passes a connection, or gives it back when that cannot be done.
    pub fn pass(&mut self, connection: OwnedFd) -> Result<(), (OwnedFd, io::Error)> {
        let sent = self.channel.send(CONNECTION, &[connection.as_fd()]);
        self.free = false;
        let Err(error) = sent else {
            self.passed = Some(connection);
            return Ok(());
        };
        // Else the kernel has too much on the way, and the worker may have it later.
        let gone = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
        self.free = !gone.contains(&error.kind());
        Err((connection, error))
    }

    /// Hears what the worker says.
    pub fn hear(&mut self) -> Heard {
        let word = match self.channel.receive() {
            Ok(Some(Message { word, .. })) => word,
            Ok(None) => return Heard::Gone,
            Err(_) => return Heard::Nothing,
        };
        self.free = word != ENOUGH;
        let passed = self.passed.take();
        match passed {
            Some(connection) if word == LOST => Heard::Back(connection),
            _ => Heard::Answer,
        }
    }

    /// What a worker that is gone has not answered for.
    pub fn rescue(mut self) -> Option<OwnedFd> {
        loop {
            match self.hear() {
                Heard::Answer => {}
                Heard::Back(connection) => return Some(connection),
                Heard::Nothing | Heard::Gone => return self.passed,
            }
        }
    }

    /// Says that nothing more will come.
    pub fn close(&self) {
        self.channel.close();
    }
}

impl AsFd for Giver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

impl Taker {
    /// The other side of a giver.
    pub fn new(channel: Channel) -> Self {
        Taker(channel)
    }

    /// A connection that has come, and the answer `enough` or not.
    ///
    /// # Errors
    /// As `accept` would say it: `WouldBlock` when there is none yet, EINVAL when there will be no more,
    /// ENOBUFS when this process can have no more descriptors.
    pub fn take(&self, enough: bool) -> io::Result<OwnedFd> {
        self.answer(self.0.receive(), enough)
    }

    /// The next connection, when it comes.
    ///
    /// # Errors
    /// As above.
    pub fn wait(&self, enough: bool) -> io::Result<OwnedFd> {
        self.answer(self.0.wait(), enough)
    }

    /// Says that this worker would take another one.
    pub fn done(&self) {
        // A master that is gone has told us by a signal of its own.
        let _ = self.0.send(MORE, &[]);
    }

    fn answer(&self, came: io::Result<Option<Message>>, enough: bool) -> io::Result<OwnedFd> {
        let taken = match came {
            Ok(Some(message)) => message.descriptors.into_iter().next(),
            Ok(None) => return Err(Errno::EINVAL.into()),
            Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => None,
            Err(error) => return Err(error),
        };
        let word = match taken {
            None => LOST,
            Some(_) if enough => ENOUGH,
            Some(_) => MORE,
        };
        // A master that does not hear is gone, and this connection the last.
        let _ = self.0.send(word, &[]);
        taken.ok_or_else(|| Errno::ENOBUFS.into())
    }
}

impl AsFd for Taker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
