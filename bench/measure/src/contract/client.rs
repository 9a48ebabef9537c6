//! A client of the contract: it knows each byte that it is owed, and looks for the reason when another comes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};

use super::{PATIENCE, Place, Target, Violation, WrongBytes};
use crate::payload::Payload;

/// A server that takes nothing for so long pushes back.
const STUCK: Duration = Duration::from_millis(300);
/// Bytes that tell whose they are.
const TELLING: usize = 8;
/// The longest request that another may follow.
pub(super) const FAR: usize = 1 << 18;

/// One connection, and the request that it is at.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    pub(super) id: u64,
    /// Connections whose bytes might come by mistake.
    pub(super) others: Vec<u64>,
    sequence: u64,
    pub(super) length: usize,
    pub(super) sent: usize,
    received: usize,
    pub(super) read_at_most: usize,
}

impl Client {
    /// Comes to the server.
    pub(super) fn connect(target: &Target<'_>) -> Result<Self, Violation> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let connect = || {
            let stream = TcpStream::connect_timeout(&target.address, PATIENCE)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(STUCK))?;
            Ok(stream)
        };
        Ok(Client {
            stream: connect().map_err(|error| Violation::Refused(target.address, error))?,
            id: LAST.fetch_add(1, Relaxed) + 1,
            others: Vec::new(),
            sequence: 0,
            length: 0,
            sent: 0,
            received: 0,
            read_at_most: 64 << 10,
        })
    }

    /// The server shall meet a full buffer soon; a kernel that refuses makes a check weaker, not wrong.
    pub(super) fn shrink_buffer(&self) {
        let _ = setsockopt(&self.stream, sockopt::RcvBuf, &(64 << 10));
    }

    /// Closes by RST instead of FIN.
    pub(super) fn abort(self) {
        let at_once = linger {
            l_onoff: 1,
            l_linger: 0,
        };
        let _ = setsockopt(&self.stream, sockopt::Linger, &at_once);
    }

    /// Turns to the next request.
    pub(super) fn begin(&mut self, length: usize) {
        self.sequence += 1;
        (self.length, self.sent, self.received) = (length, 0, 0);
    }

    /// One whole request and its reply.
    pub(super) fn exchange(
        &mut self,
        length: usize,
        piece: impl FnMut() -> usize + Send,
    ) -> Result<(), Violation> {
        self.begin(length);
        self.complete(piece)
    }

    /// Says what is left of the request, in pieces, while the reply is heard.
    pub(super) fn complete(
        &mut self,
        piece: impl FnMut() -> usize + Send,
    ) -> Result<(), Violation> {
        let (unsaid, payload) = (self.sent..self.length, self.payload());
        let stream = self
            .stream
            .try_clone()
            .map_err(|error| self.closed(error))?;
        self.sent = self.length;
        thread::scope(|threads| {
            // What could not be said is missed by who hears.
            threads.spawn(move || say(&stream, payload, unsaid, piece, PATIENCE));
            self.hear()
        })
    }

    /// Says so much more of the request, or what the server takes of it before it pushes back.
    pub(super) fn say(&mut self, most: usize) {
        let part = self.sent..self.length.min(self.sent + most);
        self.sent += say(&self.stream, self.payload(), part, || usize::MAX, STUCK);
    }

    /// Takes the reply, to its end.
    pub(super) fn hear(&mut self) -> Result<(), Violation> {
        self.hear_first(self.length)
    }

    /// Takes the reply until so many bytes of it have come.
    pub(super) fn hear_first(&mut self, bytes: usize) -> Result<(), Violation> {
        while self.received < bytes {
            self.hear_some()?;
        }
        Ok(())
    }

    /// Says that nothing more will be said.
    pub(super) fn say_no_more(&self) -> Result<(), Violation> {
        let said = self.stream.shutdown(Shutdown::Write);
        said.map_err(|error| self.closed(error))
    }

    /// Takes what there is, and compares it with what was said.
    fn hear_some(&mut self) -> Result<(), Violation> {
        let mut buffer = vec![0; self.read_at_most];
        let came = match (&self.stream).read(&mut buffer) {
            Ok(0) => return Err(self.closed(ErrorKind::UnexpectedEof.into())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(self.silence()),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            came => came.map_err(|error| self.closed(error))?,
        };
        let owed = came.min(self.length - self.received);
        match self.payload().check(self.received, &buffer[..owed]) {
            Ok(()) if came == owed => {
                self.received += came;
                Ok(())
            }
            right => {
                let wrong = right.err().unwrap_or(owed);
                self.received += wrong;
                Err(self.wrong(self.which_lie(&buffer[wrong..came]), Some(buffer[wrong])))
            }
        }
    }

    /// Says that it is done, takes what it is still owed, and sees the server close.
    pub(super) fn finish(mut self) -> Result<(), Violation> {
        self.say_no_more()?;
        self.length = self.sent;
        loop {
            match self.hear_some() {
                Ok(()) => {}
                Err(Violation::Closed(_, end)) if end.kind() == ErrorKind::UnexpectedEof => break,
                Err(violation) => return Err(violation),
            }
        }
        match self.received == self.length {
            true => Ok(()),
            false => Err(self.wrong(WrongBytes::DroppedTail, None)),
        }
    }

    /// A silent server may think that it has said all: then it closes when we say that we have.
    fn silence(&self) -> Violation {
        let said = self.stream.shutdown(Shutdown::Write);
        match said.and_then(|()| (&self.stream).read(&mut [0])) {
            Ok(0) => self.wrong(WrongBytes::DroppedTail, None),
            _ => Violation::Silent(self.place()),
        }
    }

    /// Looks for the bytes that `came` in what was said on this connection and on the others.
    fn which_lie(&self, came: &[u8]) -> WrongBytes {
        let mut telling = came.to_vec();
        while let 1..TELLING = telling.len() {
            let mut more = [0; TELLING];
            match (&self.stream).read(&mut more) {
                Ok(count @ 1..) => telling.extend_from_slice(&more[..count]),
                _ => break,
            }
        }
        telling.truncate(TELLING);
        let (now, after) = (self.received, self.received + telling.len().min(TELLING));
        let right = |place: &usize| self.payload().byte(*place) == telling[place - now];
        if now < self.length && (now + 1..after.min(self.length)).all(|place| right(&place)) {
            return WrongBytes::Flipped;
        }
        let has = |id, sequence, mut places: Range<usize>| {
            let payload = Payload::new(id, sequence);
            places.any(|place| payload.check(place, &telling).is_ok())
        };
        let others = || self.others.iter().filter(|id| **id != self.id);
        let mut sequences = 1..=self.sequence + 1;
        if sequences.any(|sequence| others().any(|&id| has(id, sequence, 0..5000))) {
            WrongBytes::OtherClients
        } else if has(self.id, self.sequence, 0..now) || has(self.id, self.sequence - 1, 0..FAR) {
            WrongBytes::EchoedTwice
        } else if has(self.id, self.sequence, now..self.length) {
            WrongBytes::DroppedTail
        } else {
            WrongBytes::Garbled
        }
    }

    fn payload(&self) -> Payload {
        Payload::new(self.id, self.sequence)
    }

    fn place(&self) -> Place {
        Place {
            connection: self.id,
            byte: self.received,
            of: self.length,
        }
    }

    fn wrong(&self, kind: WrongBytes, came: Option<u8>) -> Violation {
        let expected = (self.received < self.length).then(|| self.payload().byte(self.received));
        Violation::Wrong {
            kind,
            place: self.place(),
            expected,
            came,
        }
    }

    fn closed(&self, error: io::Error) -> Violation {
        Violation::Closed(self.place(), error)
    }
}

/// Sends a part of a payload in pieces; returns how much went before one could not go within `patience`.
fn say(
    mut stream: &TcpStream,
    payload: Payload,
    part: Range<usize>,
    mut piece: impl FnMut() -> usize,
    patience: Duration,
) -> usize {
    let _ = stream.set_write_timeout(Some(patience));
    let mut buffer = vec![0; part.len().min(64 << 10)];
    let mut said = 0;
    while said < part.len() {
        let size = piece().min(buffer.len()).min(part.len() - said);
        payload.fill(part.start + said, &mut buffer[..size]);
        match stream.write(&buffer[..size]) {
            Ok(count) => said += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    said
}
