//! What domain sockets carry beside bytes: descriptors, and the lines of JSON by which node talks to children.

use std::io::{BufRead, BufReader, IoSlice, IoSliceMut, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};
use nix::sys::stat::fstat;
use serde::{Deserialize, Serialize};

use super::end::{End, Pair, Refused, by, through};
use super::streams::errno;
use crate::sys::ipc::own;

fn pair() -> Result<(OwnedFd, OwnedFd), Refused> {
    let made = UnixStream::pair().map_err(|error| ("socketpair", errno(&error)))?;
    Ok((made.0.into(), made.1.into()))
}

/// Sends a descriptor with each byte, and knows whose it gets by its inode.
struct Descriptors {
    socket: OwnedFd,
    given: OwnedFd,
    expected: u64,
}

impl End for Descriptors {
    fn send(&mut self, message: &[u8]) -> Result<(), Errno> {
        let given = [self.given.as_raw_fd()];
        let carried = [ControlMessage::ScmRights(&given)];
        let bytes = [IoSlice::new(message)];
        let socket = self.socket.as_raw_fd();
        through(|| sendmsg::<UnixAddr>(socket, &bytes, &carried, MsgFlags::empty(), None)).map(drop)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        let mut space = nix::cmsg_space!([std::os::fd::RawFd; 1]);
        let mut bytes = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let got = through(|| {
            recvmsg::<UnixAddr>(self.socket.as_raw_fd(), &mut bytes, Some(&mut space), flags).map(
                |got| {
                    let carried = got.cmsgs().map(|mut all| all.next());
                    (got.bytes, carried)
                },
            )
        })?;
        match got {
            (0, _) => Err(Errno::EPIPE),
            (_, Ok(Some(ControlMessageOwned::ScmRights(passed)))) if passed.len() == 1 => {
                let passed = own(passed[0]);
                if fstat(&passed)?.st_ino == self.expected {
                    Ok(())
                } else {
                    Err(Errno::EBADMSG)
                }
            }
            _ => Err(Errno::EBADMSG),
        }
    }
}

/// SCM_RIGHTS, a descriptor a byte; opened and closed again by who receives it.
pub fn descriptors(_: usize) -> Result<Pair, Refused> {
    let (one, other) = pair()?;
    let (mine, yours) = pair()?;
    let inode = |of: &OwnedFd| fstat(of).map(|stat| stat.st_ino).map_err(by("fstat"));
    let (mine_is, yours_is) = (inode(&mine)?, inode(&yours)?);
    Ok(Pair::new(
        Descriptors {
            socket: one,
            given: mine,
            expected: yours_is,
        },
        Descriptors {
            socket: other,
            given: yours,
            expected: mine_is,
        },
    ))
}

/// What node's `send` would have been given.
#[derive(Serialize, Deserialize)]
struct Said<'a> {
    data: &'a str,
}

/// A line of JSON a message.
struct Lines {
    socket: BufReader<UnixStream>,
    written: Vec<u8>,
    heard: Vec<u8>,
}

impl Lines {
    fn new(socket: OwnedFd) -> Self {
        Lines {
            socket: BufReader::with_capacity(65_536, socket.into()),
            written: Vec::new(),
            heard: Vec::new(),
        }
    }
}

impl End for Lines {
    fn send(&mut self, message: &[u8]) -> Result<(), Errno> {
        let data = std::str::from_utf8(message).map_err(|_| Errno::EILSEQ)?;
        self.written.clear();
        serde_json::to_writer(&mut self.written, &Said { data }).map_err(|_| Errno::EILSEQ)?;
        self.written.push(b'\n');
        let sent = self.socket.get_mut().write_all(&self.written);
        sent.map_err(|error| errno(&error))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        self.heard.clear();
        let heard = self.socket.read_until(b'\n', &mut self.heard);
        if heard.map_err(|error| errno(&error))? == 0 {
            return Err(Errno::EPIPE);
        }
        let said: Said<'_> = serde_json::from_slice(&self.heard).map_err(|_| Errno::EBADMSG)?;
        if said.data.len() != buffer.len() {
            return Err(Errno::EBADMSG);
        }
        buffer.copy_from_slice(said.data.as_bytes());
        Ok(())
    }
}

/// Node's shape without node.
pub fn json(_: usize) -> Result<Pair, Refused> {
    let (one, other) = pair()?;
    Ok(Pair::new(Lines::new(one), Lines::new(other)))
}
