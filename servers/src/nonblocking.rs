//! The service on a socket that does not block: what an event loop does when a connection's turn comes.
//!
//! The same promise as `echo.rs`, kept in steps. Back-pressure: a client that does not take its bytes back
//! stops being read, so that at most one buffer is kept for it, and only while it is behind.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use crate::signals::Open;
use crate::sys;
use crate::work::{Requests, Service};

/// One client of an event loop.
pub struct Connection {
    stream: TcpStream,
    /// Received and not yet sent back.
    unsent: Vec<u8>,
    requests: Option<Requests<'static>>,
    _open: Open,
}

/// What a connection waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Bytes to echo.
    Read,
    /// Room for those that it owes.
    Write,
}

impl Connection {
    /// The next one that waits at the listener.
    ///
    /// # Errors
    /// `WouldBlock` when nobody does, and those of `accept`.
    pub fn accept(listener: &TcpListener, service: &'static Service) -> io::Result<Self> {
        Ok(Self::adopt(sys::accept_nonblocking(listener)?, service))
    }

    /// One that is accepted already, and does not block.
    pub fn adopt(stream: TcpStream, service: &'static Service) -> Self {
        Connection {
            stream,
            unsent: Vec::new(),
            _open: Open::count(),
            requests: service.begin(),
        }
    }

    /// Its place in a table: the kernel gives out the lowest free number, so there are few gaps.
    pub fn descriptor(&self) -> usize {
        self.stream.as_raw_fd() as usize
    }

    /// What it waits for now.
    pub fn wants(&self) -> Wants {
        if self.unsent.is_empty() {
            Wants::Read
        } else {
            Wants::Write
        }
    }

    /// Sends what it owes, or else echoes what has come.
    ///
    /// # Errors
    /// When the client is done, or gone: either ends this connection and no other.
    pub fn turn(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            return self.send(&unsent);
        }
        let received = match (&self.stream).read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if is_later(&error) => return Ok(()),
            received => received?,
        };
        if let Some(requests) = &mut self.requests {
            requests.received(received)?;
        }
        self.send(&buffer[..received])
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sent = match (&self.stream).write(bytes) {
            Err(error) if is_later(&error) => 0,
            sent => sent?,
        };
        if sent < bytes.len() {
            self.unsent = bytes[sent..].to_vec();
        }
        Ok(())
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
