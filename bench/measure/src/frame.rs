//! How messages travel between harness, agent and keeper: a length (u32, big-endian), then JSON.
//!
//! One request at a time, at most 16 MiB a message; a peer that says more is not believed.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest message.
pub const LONGEST: usize = 16 << 20;

/// Writes one message.
///
/// # Errors
/// When the peer is gone (EPIPE), or the message is longer than [`LONGEST`].
pub fn send<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    if body.len() > LONGEST {
        return Err(io::Error::other("a message of over 16 MiB"));
    }
    to.write_all(&framed(&body))?;
    to.flush()
}

/// A message's bytes with their length before them. No bytes at all are a *beat*, a sign of life (`lease`).
pub fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(body.len() + 4);
    frame.extend_from_slice(&(body.len() as u32).to_be_bytes());
    frame.extend_from_slice(body);
    frame
}

/// Messages as they come in, piece by piece: whoever waits for one need not wait inside of it.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
}

impl Inbox {
    /// Takes what one read(2) brings; false at the end of the stream.
    ///
    /// # Errors
    /// Those of read(2), EINTR excepted, and when the stream ends inside of a message.
    pub fn fill(&mut self, from: &mut impl Read) -> io::Result<bool> {
        let mut piece = [0; 64 << 10];
        let length = loop {
            match from.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.bytes.extend_from_slice(&piece[..length]);
        if length == 0 && !self.bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(length > 0)
    }

    /// The next message that is whole; without bytes it is a beat.
    ///
    /// # Errors
    /// When a longer one than [`LONGEST`] is announced: nothing of it is kept.
    pub fn take(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(length) = self.bytes.first_chunk() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > LONGEST {
            return Err(self.boast(length));
        }
        if self.bytes.len() < 4 + length {
            return Ok(None);
        }
        let rest = self.bytes.split_off(4 + length);
        let mut message = std::mem::replace(&mut self.bytes, rest);
        message.drain(..4);
        Ok(Some(message))
    }

    /// What came is no message: often it is text that a shell or a login has printed.
    fn boast(&self, length: usize) -> io::Error {
        let text: String = String::from_utf8_lossy(&self.bytes)
            .chars()
            .take(60)
            .collect();
        let is_text = |c: char| !c.is_control() || c.is_whitespace();
        let shown = text.lines().next().unwrap_or_default();
        io::Error::other(match text.chars().all(is_text) && !shown.is_empty() {
            true => format!("what came is no message but `{shown}`"),
            false => format!("a message of {length} bytes was announced"),
        })
    }
}

/// Reads one message; `None` when the peer has closed at a message's edge.
///
/// # Errors
/// When the stream breaks inside a message, or what came is no message of this kind.
pub fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST {
        return Err(io::Error::other(format!(
            "a message of {length} bytes was announced"
        )));
    }
    // It grows with what comes, not with what is announced.
    let mut body = Vec::new();
    if from.take(length as u64).read_to_end(&mut body)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(serde_json::from_slice(&body)?))
}

/// Waits until one of `fds` can be read (or its peer has closed), or until `deadline`.
/// Returns for each whether it can.
///
/// # Errors
/// Those of poll(2), EINTR excepted.
pub fn wait_readable(fds: &[BorrowedFd<'_>], deadline: Option<Instant>) -> io::Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> = fds
        .iter()
        .map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN))
        .collect();
    loop {
        match nix::poll::poll(&mut polled, timeout(deadline)) {
            Ok(_) => break,
            Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(polled
        .iter()
        .map(|fd| fd.revents().is_some_and(|events| !events.is_empty()))
        .collect())
}

/// Waits until `fd` takes bytes (or its peer has closed), or until `deadline`; says whether it does.
///
/// # Errors
/// Those of poll(2), EINTR excepted.
pub fn wait_writable(fd: BorrowedFd<'_>, deadline: Instant) -> io::Result<bool> {
    let mut polled = [PollFd::new(fd, PollFlags::POLLOUT)];
    loop {
        match nix::poll::poll(&mut polled, timeout(Some(deadline))) {
            Ok(ready) => return Ok(ready > 0),
            Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Rounded up to a millisecond, so that a wait never ends before its deadline.
fn timeout(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else {
        return PollTimeout::NONE;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let millis = (left + Duration::from_nanos(999_999)).as_millis();
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::keeper::Report;
    use crate::protocol::{Reply, Request};

    #[test]
    fn what_is_sent_is_received_and_the_end_is_told() {
        let mut stream = Vec::new();
        send(&mut stream, &vec!["a", "ü"]).unwrap();
        let mut from = stream.as_slice();
        assert_eq!(
            receive::<Vec<String>>(&mut from).unwrap().unwrap(),
            ["a", "ü"]
        );
        assert!(receive::<Vec<String>>(&mut from).unwrap().is_none());
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_a_message_an_error_or_the_end(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64),
            length in 0_u32..80,
        ) {
            let framed = [&length.to_be_bytes()[..], &bytes].concat();
            for stream in [&bytes, &framed] {
                let mut from = stream.as_slice();
                let heard = receive::<crate::protocol::Request>(&mut from);
                proptest::prop_assert!(from.len() <= stream.len());
                proptest::prop_assert!(heard.is_err() || heard.is_ok_and(|it| it.is_none() || length > 3));
            }
        }
    }

    #[test]
    fn a_torn_or_boastful_message_is_an_error() {
        let mut stream = Vec::new();
        send(&mut stream, &"hello").unwrap();
        assert!(receive::<String>(&mut &stream[..6]).is_err());
        assert!(receive::<String>(&mut [0xff_u8; 8].as_slice()).is_err());
    }

    #[test]
    fn text_in_place_of_a_message_is_shown() {
        let mut inbox = Inbox::default();
        inbox
            .fill(&mut "Welcome to db-7\nLast login".as_bytes())
            .unwrap();
        let error = inbox.take().unwrap_err().to_string();
        assert_eq!(error, "what came is no message but `Welcome to db-7`");
    }

    /// A stream that yields at most so many bytes at a time.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(buffer.len());
            (&mut self.0).take(length as u64).read(buffer)
        }
    }

    /// Everything that an inbox makes of a stream, and what ends it.
    fn unpack(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, io::Result<()>) {
        let (mut from, mut inbox, mut all) = (Pieces(stream, piece), Inbox::default(), Vec::new());
        loop {
            let filled = inbox.fill(&mut from);
            loop {
                match inbox.take() {
                    Ok(Some(message)) => all.push(message),
                    Ok(None) => break,
                    Err(error) => return (all, Err(error)),
                }
            }
            assert!(inbox.bytes.len() < LONGEST + 4);
            match filled {
                Ok(true) => {}
                Ok(false) => return (all, Ok(())),
                Err(error) => return (all, Err(error)),
            }
        }
    }

    proptest! {
        #[test]
        fn messages_come_whole_in_whatever_pieces(
            sent in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..8),
            piece in 1usize..700,
        ) {
            let stream: Vec<u8> = sent.iter().flat_map(|it| framed(it)).collect();
            let (heard, end) = unpack(&stream, piece);
            prop_assert_eq!(heard, sent);
            prop_assert!(end.is_ok());
        }

        #[test]
        fn no_stream_of_bytes_is_more_than_an_error(stream in proptest::collection::vec(any::<u8>(), 0..2000), piece in 1usize..700) {
            let (heard, _) = unpack(&stream, piece);
            prop_assert!(heard.iter().map(|it| it.len() + 4).sum::<usize>() <= stream.len());
            let _ = receive::<Request>(&mut stream.as_slice());
            let _ = receive::<Reply>(&mut stream.as_slice());
        }
    }

    /// Messages of every kind that go either way, as they are and as a damaged link would make them.
    fn samples() -> Vec<Vec<u8>> {
        let requests = [
            r#"{"Hello":{"version":"0.1.0","lease_ms":3000}}"#,
            r#"{"Pin":[0,1,2]}"#,
            r#"{"Launch":{"id":1,"argv":["x","{port}"],"env":{"A":"b"},"cpus":[1],"listeners":1,"deadline_ms":9}}"#,
            r#"{"Slices":{"order":[0,1,1,0],"length_ns":20000000,"together":{"at_ns":5,"origin_ns":null,"able":[{"index":0,"of":2}]}}}"#,
            r#"{"Strike":{"id":1,"pid":2,"blow":"Kill"}}"#,
            r#"{"OfHost":{"RoundTrips":{"to":"10.0.0.1:7","from":"10.0.0.2","times":10}}}"#,
            r#"{"OfHost":{"Shape":{"delay":"1ms","loss":"0.1%"}}}"#,
            r#"{"OfHost":{"Run":["a","b"]}}"#,
            r#""Close""#,
        ];
        let replies = [
            r#"{"Loaded":[{"served":3,"idle":0,"able":1,"requests":{"sent":1,"ok":1,"errors":{"reset":2}},"hit":{},"problem":null}]}"#,
            r#"{"Refused":{"phase":"load","text":"no"}}"#,
            r#"{"Clock":18446744073709551615}"#,
            r#"{"Door":4000}"#,
            r#"{"Stopped":{"usage":null,"ended":{"Exit":1},"stderr":"","problem":null}}"#,
            r#"{"Program":{"path":"/bin/sh","sha256":"00"}}"#,
        ];
        let all = requests.iter().chain(&replies);
        all.map(|text| framed(text.as_bytes())).collect()
    }

    #[test]
    fn the_samples_of_the_fuzzer_are_messages() {
        for sample in samples() {
            let request = receive::<Request>(&mut sample.as_slice());
            let reply = receive::<Reply>(&mut sample.as_slice());
            let text = String::from_utf8_lossy(&sample[4..]).into_owned();
            assert!(
                request.is_ok() || reply.is_ok(),
                "{text}: {request:?} {reply:?}"
            );
        }
    }

    fn resident_peak_bytes() -> u64 {
        let status = procfs::process::Process::myself().and_then(|it| it.status());
        status.ok().and_then(|it| it.vmhwm).expect("/proc") * 1024
    }

    /// Flips, cuts, doubles and announces: what a broken or hostile peer may send.
    fn damaged(samples: &[Vec<u8>], dice: &mut StdRng) -> Vec<u8> {
        let mut stream = Vec::new();
        for _ in 0..dice.random_range(1..6) {
            stream.extend_from_slice(&samples[dice.random_range(0..samples.len())]);
        }
        for _ in 0..dice.random_range(0..8) {
            let at = dice.random_range(0..stream.len());
            match dice.random_range(0..6) {
                0 => stream[at] = dice.random(),
                1 => stream.truncate(at.max(1)),
                2 => stream.insert(at, b"[{\"0,\\u-e"[dice.random_range(0..9)]),
                3 => stream.extend_from_within(at..),
                4 => drop(stream.splice(at..at, b"[".repeat(dice.random_range(1..4000)))),
                _ => stream[..4.min(at + 1)].fill(dice.random_range(0..2)),
            }
        }
        stream
    }

    /// `scripts/fuzz`: FIVEWAYS_FUZZ_SECONDS of damaged streams, from FIVEWAYS_FUZZ_SEED.
    #[test]
    #[ignore = "takes as long as it is told to: scripts/fuzz"]
    fn frames_for_a_while() {
        let number = |name: &str| {
            std::env::var(name)
                .ok()
                .and_then(|text| text.parse::<u64>().ok())
        };
        let length = Duration::from_secs(number("FIVEWAYS_FUZZ_SECONDS").unwrap_or(60));
        let seed = number("FIVEWAYS_FUZZ_SEED").unwrap_or_else(|| std::process::id().into());
        println!("FIVEWAYS_FUZZ_SEED={seed}");
        let (mut dice, samples) = (StdRng::seed_from_u64(seed), samples());
        let (before, begun, mut streams) = (resident_peak_bytes(), Instant::now(), 0u64);
        while begun.elapsed() < length {
            let stream = damaged(&samples, &mut dice);
            let piece = dice.random_range(1..=stream.len());
            for message in unpack(&stream, piece).0 {
                let _ = serde_json::from_slice::<Request>(&message);
                let _ = serde_json::from_slice::<Reply>(&message);
                let _ = serde_json::from_slice::<Report>(&message);
            }
            let _ = receive::<Request>(&mut stream.as_slice());
            streams += 1;
        }
        let grown = resident_peak_bytes() - before;
        println!("{streams} streams, {} KiB grown", grown >> 10);
        assert!(grown < 2 * LONGEST as u64, "{grown} bytes");
    }
}
