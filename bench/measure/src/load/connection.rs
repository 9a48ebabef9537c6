//! One client's conversation: requests out, replies in, byte for byte, and what may go wrong on the way.
//!
//! No buffer is kept for it: payloads are made when they are sent and again when they are checked. It pays
//! one system call for whatever is to be sent and one for whatever has come, however many requests that is.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrStorage, bind,
    connect, getsockname, recv, send, setsockopt, socket, sockopt,
};

use super::flights::{Flight, Flights};
use crate::payload::Payload;

/// The largest stretch that is sent or received by one system call.
pub const STRETCH: usize = 64 << 10;

/// How a conversation failed. The kinds are those of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A byte that was not sent, at this offset of the reply; or one after the last reply's end.
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
    /// The load ended before the request could be sent.
    Unfinished,
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
            Failure::Unfinished => "unfinished",
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
            Errno::ETIMEDOUT => Failure::Timeout,
            other => Failure::System(other),
        }
    }
}

/// Whether all that was begun is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// All of it.
    All,
    /// The socket takes no more for now, or is not connected yet.
    Part,
}

/// What one call has brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Received {
    /// Bytes that came, all of them right.
    pub bytes: usize,
    /// Replies that are complete now; their flights are still to be taken.
    pub replies: u32,
    /// Whether more may be there: the call was interrupted, or took as much as it could.
    pub more: bool,
}

/// One connection, or for crr one slot that connects anew. It fills a cache line and shares none: of all that
/// this program does for a request, a line that is not in the cache is the dearest part.
#[derive(Debug)]
#[repr(align(64))]
pub struct Connection {
    /// The socket, while there is one.
    pub socket: Option<OwnedFd>,
    /// The number from which its payloads follow.
    pub number: u64,
    /// Requests on their way.
    pub flights: Flights,
    /// Whether its first echo has come.
    pub served: bool,
    /// Whether the socket is watched for room to send, too.
    pub wants_room: bool,
    /// Whether its next request has a time already: its client thinks, or it is to be opened anew.
    pub scheduled: bool,
    /// Requests begun, ever.
    begun: u64,
    /// Bytes on their way of the oldest that is not entirely.
    sent: u32,
    /// Bytes that have come of the oldest reply that is awaited.
    received: u32,
}

impl Connection {
    /// A connection yet to be opened.
    pub fn new(number: u64) -> Self {
        Connection {
            socket: None,
            number,
            flights: Flights::default(),
            served: false,
            wants_room: false,
            scheduled: false,
            begun: 0,
            sent: 0,
            received: 0,
        }
    }

    /// Opens a socket and begins to connect. With `source`, from that address and whichever port is free
    /// for this destination (IP_BIND_ADDRESS_NO_PORT: the port is chosen at connect, not at bind).
    pub fn open(&mut self, to: SocketAddr, source: Option<Ipv4Addr>) -> Result<(), Failure> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let family = if to.is_ipv4() {
            AddressFamily::Inet
        } else {
            AddressFamily::Inet6
        };
        let fd = socket(family, SockType::Stream, flags, SockProtocol::Tcp)?;
        if let Some(source) = source {
            setsockopt(&fd, sockopt::IpBindAddressNoPort, &true)?;
            bind(
                fd.as_raw_fd(),
                &SockaddrIn::from(SocketAddrV4::new(source, 0)),
            )?;
        }
        match connect(fd.as_raw_fd(), &SockaddrStorage::from(to)) {
            Ok(()) | Err(Errno::EINPROGRESS) => {}
            Err(errno) => return Err(errno.into()),
        }
        self.socket = Some(fd);
        self.wants_room = false;
        Ok(())
    }

    /// Small requests of a stream would otherwise wait for each other's acknowledgements.
    pub fn without_delay(&self) {
        if let Some(fd) = &self.socket {
            // Refused only for what is no TCP socket.
            let _ = setsockopt(fd, sockopt::TcpNoDelay, &true);
        }
    }

    /// Begins a request; nothing is sent yet.
    #[inline]
    pub fn begin(&mut self, flight: Flight) {
        self.flights.begin(flight);
        self.begun += 1;
    }

    /// Sends what the socket takes.
    #[inline]
    pub fn send(&mut self, message: usize, buffer: &mut [u8]) -> Result<Sent, Failure> {
        let fd = self.raw_fd()?;
        while self.flights.unsent > 0 {
            let length = self.fill(message, buffer);
            match send(fd, &buffer[..length], MsgFlags::MSG_NOSIGNAL) {
                Ok(taken) => self.count_sent(taken, message),
                Err(Errno::EAGAIN) => return Ok(Sent::Part),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(Sent::All)
    }

    /// As many of the bytes to be sent as one call takes.
    #[inline]
    fn fill(&self, message: usize, buffer: &mut [u8]) -> usize {
        let (mut filled, mut offset) = (0, self.sent as usize);
        for sequence in self.begun - u64::from(self.flights.unsent)..self.begun {
            let length = (message - offset).min(STRETCH - filled);
            let part = &mut buffer[filled..filled + length];
            Payload::new(self.number, sequence).fill(offset, part);
            filled += length;
            offset = 0;
            if filled == STRETCH {
                break;
            }
        }
        filled
    }

    #[inline]
    fn count_sent(&mut self, taken: usize, message: usize) {
        let mut sent = self.sent as usize + taken;
        while sent >= message && self.flights.unsent > 0 {
            sent -= message;
            self.flights.unsent -= 1;
        }
        self.sent = sent as u32;
    }

    /// Takes what has come by one call, and checks every byte of it.
    #[inline]
    pub fn receive(&mut self, message: usize, buffer: &mut [u8]) -> Result<Received, Failure> {
        let fd = self.raw_fd()?;
        let length = match recv(fd, &mut buffer[..STRETCH], MsgFlags::empty()) {
            Ok(0) => return Err(Failure::Closed),
            Ok(length) => length,
            Err(Errno::EAGAIN) => return Ok(Received::default()),
            Err(Errno::EINTR) => {
                return Ok(Received {
                    more: true,
                    ..Received::default()
                });
            }
            Err(errno) => return Err(errno.into()),
        };
        let (mut replies, mut rest) = (0, &buffer[..length]);
        let mut sequence = self.begun - self.flights.len() as u64;
        while !rest.is_empty() {
            if sequence == self.begun {
                return Err(Failure::Wrong {
                    offset: message,
                    got: rest[0],
                });
            }
            let received = self.received as usize;
            let (part, more) = rest.split_at(rest.len().min(message - received));
            if let Err(at) = Payload::new(self.number, sequence).check(received, part) {
                return Err(Failure::Wrong {
                    offset: received + at,
                    got: part[at],
                });
            }
            self.received += part.len() as u32;
            if received + part.len() == message {
                self.received = 0;
                sequence += 1;
                replies += 1;
            }
            rest = more;
        }
        Ok(Received {
            bytes: length,
            replies,
            more: length == STRETCH,
        })
    }

    /// Forgets whatever was on its way, and the socket with it.
    pub fn hang_up(&mut self) -> Vec<Flight> {
        self.socket = None;
        self.sent = 0;
        self.received = 0;
        self.flights.take_all()
    }

    /// Closes the socket between two requests.
    #[inline]
    pub fn close(&mut self) {
        self.socket = None;
    }

    /// The sequence of the oldest request that is not answered, and the bytes of its reply that have come.
    pub fn progress(&self) -> (u64, usize) {
        (
            self.begun - self.flights.len() as u64,
            self.received as usize,
        )
    }

    /// This end, while there is one.
    pub fn local(&self) -> Option<SocketAddr> {
        let name: SockaddrStorage = getsockname(self.socket.as_ref()?.as_raw_fd()).ok()?;
        let four = name
            .as_sockaddr_in()
            .map(|it| SocketAddr::from(SocketAddrV4::from(*it)));
        let six = || {
            name.as_sockaddr_in6()
                .map(|it| SocketAddr::from(SocketAddrV6::from(*it)))
        };
        four.or_else(six)
    }

    #[inline]
    fn raw_fd(&self) -> Result<i32, Failure> {
        match &self.socket {
            Some(fd) => Ok(fd.as_raw_fd()),
            None => Err(Failure::System(Errno::EBADF)),
        }
    }
}
