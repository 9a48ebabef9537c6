//! How a master and its worker talk: a pair of domain sockets that carry words, and descriptors with them.
//!
//! Whole messages (SOCK_SEQPACKET), in order; the end of either process is the end of the channel. It pays a
//! system call for each message on either side, and the kernel's passing of a descriptor. One that the
//! receiver has no number left for is lost on the way (MSG_CTRUNC, here ENOBUFS) while its word arrives: so
//! whoever passes a descriptor keeps a copy until the other side has said that it has it.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, Shutdown, SockFlag, SockType, sendmsg, shutdown,
    socketpair,
};

use crate::sys;

/// One end.
pub struct Channel(OwnedFd);

/// What came.
pub struct Message {
    /// Its word.
    pub word: u32,
    /// The descriptors that were passed with it.
    pub descriptors: Vec<OwnedFd>,
}

impl Channel {
    /// Two ends; a program that is executed keeps neither unless told.
    ///
    /// # Errors
    /// Those of `socketpair`.
    pub fn pair() -> io::Result<(Self, Self)> {
        let kind = SockType::SeqPacket;
        let (one, other) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?;
        Ok((Channel(one), Channel(other)))
    }

    /// The end that this program was started with.
    ///
    /// # Errors
    /// EBADF when there is none of that number.
    pub fn inherited(number: RawFd) -> io::Result<Self> {
        sys::inherited(number).map(Channel)
    }

    /// Says a word, and passes descriptors with it.
    ///
    /// # Errors
    /// EPIPE when the other side is gone; EAGAIN when it does not listen.
    pub fn send(&self, word: u32, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        let passed = [ControlMessage::ScmRights(&numbers)];
        let control = &passed[..usize::from(!numbers.is_empty())];
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        let bytes = word.to_le_bytes();
        let socket = self.0.as_raw_fd();
        sendmsg::<()>(socket, &[IoSlice::new(&bytes)], control, flags, None)?;
        Ok(())
    }

    /// The next message, at once; `None` when the other side is gone.
    ///
    /// # Errors
    /// `WouldBlock` when there is none yet; ENOBUFS when its descriptor was lost on the way.
    pub fn receive(&self) -> io::Result<Option<Message>> {
        self.take(MsgFlags::MSG_DONTWAIT)
    }

    /// The next message, when it comes.
    ///
    /// # Errors
    /// ENOBUFS when its descriptor was lost on the way.
    pub fn wait(&self) -> io::Result<Option<Message>> {
        self.take(MsgFlags::empty())
    }

    fn take(&self, flags: MsgFlags) -> io::Result<Option<Message>> {
        let mut bytes = [0; 4];
        loop {
            return match sys::receive(&self.0, &mut bytes, flags) {
                Err(Errno::EINTR) => continue,
                // It ended without hearing our last words.
                Err(Errno::ECONNRESET) | Ok((0, _)) => Ok(None),
                Err(errno) => Err(errno.into()),
                Ok((_, descriptors)) => Ok(Some(Message {
                    word: u32::from_le_bytes(bytes),
                    descriptors,
                })),
            };
        }
    }

    /// Says that nothing more will be said, for all processes that have this end.
    pub fn close(&self) {
        // The other side may be gone already.
        let _ = shutdown(self.0.as_raw_fd(), Shutdown::Write);
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
