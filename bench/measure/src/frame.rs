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
    let mut frame = Vec::with_capacity(body.len() + 4);
    frame.extend_from_slice(&(body.len() as u32).to_be_bytes());
    frame.extend_from_slice(&body);
    to.write_all(&frame)?;
    to.flush()
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
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
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
    use super::*;

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
}
