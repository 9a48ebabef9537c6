//! One client's conversation: a request out, its reply in, byte for byte, and what may go wrong on the way.
//!
//! No buffer is kept for it: payloads are made when they are sent and again when they are checked.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, bind, connect, recv,
    send, setsockopt, socket, sockopt,
};

use crate::payload::Payload;

/// The largest stretch that is sent or received by one system call.
pub const STRETCH: usize = 64 << 10;

/// How a conversation failed. The names are those of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A byte that was not sent, at this offset of the reply; or one after the reply's end.
    Wrong {
        /// Where in the reply.
        offset: usize,
        /// What came there.
        got: u8,
    },
    /// The server closed before the reply was complete.
    Closed,
    /// The server reset the connection.
    Reset,
    /// Nobody accepts.
    Refused,
    /// No local port is free.
    NoPort,
    /// The reply did not come in time.
    Timeout,
    /// Anything else the system said.
    System(Errno),
}

impl Failure {
    /// The kind under which it is counted.
    pub fn kind(self) -> &'static str {
        match self {
            Failure::Wrong { .. } => "wrong",
            Failure::Closed => "closed",
            Failure::Reset => "reset",
            Failure::Refused => "refused",
            Failure::NoPort => "no-port",
            Failure::Timeout => "timeout",
            Failure::System(_) => "system",
        }
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::ECONNRESET | Errno::EPIPE => Failure::Reset,
            Errno::ECONNREFUSED => Failure::Refused,
            Errno::EADDRNOTAVAIL => Failure::NoPort,
            other => Failure::System(other),
        }
    }
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The reply is complete.
    Complete,
    /// More of the reply must come.
    Receiving,
    /// More of the request must go, when the socket takes it.
    Sending,
}

/// One connection, or for crr one slot that connects anew for each request.
#[derive(Debug)]
pub struct Connection {
    /// The socket, while there is one.
    pub socket: Option<OwnedFd>,
    /// The number from which its payloads follow.
    pub number: u64,
    /// Of the request that is under way, from 0.
    pub sequence: u64,
    /// When the request was due.
    pub due_ns: u64,
    /// When its connection was there (crr).
    pub connected_ns: u64,
    /// When its first byte was sent.
    pub sent_ns: u64,
    /// Bytes of the request that are on their way.
    pub sent: usize,
    /// Bytes of the reply that have come.
    pub received: usize,
    /// Whether a request is under way.
    pub busy: bool,
    /// Whether its first echo has come.
    pub served: bool,
    /// Whether the socket is watched for room to send, too.
    pub wants_room: bool,
}

impl Connection {
    /// A connection yet to be opened.
    pub fn new(number: u64) -> Self {
        Connection {
            socket: None,
            number,
            sequence: 0,
            due_ns: 0,
            connected_ns: 0,
            sent_ns: 0,
            sent: 0,
            received: 0,
            busy: false,
            served: false,
            wants_room: false,
        }
    }

    /// Opens a socket and begins to connect. With `source`, from that address and whichever port is free
    /// for this destination (IP_BIND_ADDRESS_NO_PORT: the port is chosen at connect, not at bind).
    pub fn open(&mut self, to: SocketAddrV4, source: Option<Ipv4Addr>) -> Result<(), Failure> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let fd = socket(
            AddressFamily::Inet,
            SockType::Stream,
            flags,
            SockProtocol::Tcp,
        )?;
        if let Some(source) = source {
            setsockopt(&fd, sockopt::IpBindAddressNoPort, &true)?;
            bind(
                fd.as_raw_fd(),
                &SockaddrIn::from(SocketAddrV4::new(source, 0)),
            )?;
        }
        match connect(fd.as_raw_fd(), &SockaddrIn::from(to)) {
            Ok(()) | Err(Errno::EINPROGRESS) => {}
            Err(errno) => return Err(errno.into()),
        }
        self.socket = Some(fd);
        self.wants_room = false;
        Ok(())
    }

    /// Begins the next request; the caller has set `due_ns` and `sent_ns`.
    #[inline]
    pub fn begin(&mut self) {
        self.sent = 0;
        self.received = 0;
        self.busy = true;
    }

    /// Sends what the socket takes.
    #[inline]
    pub fn send(&mut self, message: usize, buffer: &mut [u8]) -> Result<Progress, Failure> {
        let payload = Payload::new(self.number, self.sequence);
        let fd = self.raw_fd()?;
        while self.sent < message {
            let length = (message - self.sent).min(STRETCH);
            payload.fill(self.sent, &mut buffer[..length]);
            match send(fd, &buffer[..length], MsgFlags::MSG_NOSIGNAL) {
                Ok(taken) => self.sent += taken,
                Err(Errno::EAGAIN) => return Ok(Progress::Sending),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(Progress::Receiving)
    }

    /// Takes what has come, and checks every byte of it. One call a readiness: level-triggered.
    #[inline]
    pub fn receive(&mut self, message: usize, buffer: &mut [u8]) -> Result<Progress, Failure> {
        let fd = self.raw_fd()?;
        let length = match recv(fd, &mut buffer[..STRETCH], MsgFlags::empty()) {
            Ok(0) => return Err(Failure::Closed),
            Ok(length) => length,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(Progress::Receiving),
            Err(errno) => return Err(errno.into()),
        };
        let owed = if self.busy {
            message - self.received
        } else {
            0
        };
        let payload = Payload::new(self.number, self.sequence);
        if let Err(at) = payload.check(self.received, &buffer[..length.min(owed)]) {
            return Err(Failure::Wrong {
                offset: self.received + at,
                got: buffer[at],
            });
        }
        if length > owed {
            return Err(Failure::Wrong {
                offset: self.received + owed,
                got: buffer[owed],
            });
        }
        self.received += length;
        if self.received < message {
            return Ok(Progress::Receiving);
        }
        self.sequence += 1;
        self.busy = false;
        self.served = true;
        Ok(Progress::Complete)
    }

    #[inline]
    fn raw_fd(&self) -> Result<i32, Failure> {
        match &self.socket {
            Some(fd) => Ok(fd.as_raw_fd()),
            None => Err(Failure::System(Errno::EBADF)),
        }
    }
}
