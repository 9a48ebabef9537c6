//! The service on a socket that does not block: what an event loop does when a connection's turn comes.
//!
//! The same promise as `echo.rs`, kept in steps. Back-pressure: a client that does not take its bytes back
//! stops being read, so that at most one buffer is kept for it, and only while it is behind.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use crate::signals::Open;
use crate::sys;
use crate::work::{Due, Requests, Service};

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

    /// Sends what it owes, and then echoes what has come. True when more may be there at once: fewer bytes
    /// than the buffer holds were all that there were.
    ///
    /// # Errors
    /// When the client is done, or gone: either ends this connection and no other.
    pub fn turn(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let Some(received) = self.receive(buffer)? else {
            return Ok(false);
        };
        if let Some(due) = self.due(received) {
            due.finish()?;
        }
        self.send(&buffer[..received])?;
        Ok(received == buffer.len() && self.unsent.is_empty())
    }

    /// Sends what it owes, and then takes what has come; `None` while it owes, or nothing has.
    ///
    /// # Errors
    /// When the client is done, or gone.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            self.send(&unsent)?;
            if !self.unsent.is_empty() {
                return Ok(None);
            }
        }
        match (&self.stream).read(buffer) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if is_later(&error) => Ok(None),
            received => received.map(Some),
        }
    }

    /// What there is to do for so many bytes before they go back.
    pub fn due(&mut self, received: usize) -> Option<Due<'static>> {
        self.requests.as_mut()?.due(received)
    }

    /// Sends what the client takes, and owes the rest.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
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
