//! Message queues, POSIX and System V: two of each, one a direction.

use std::ffi::CString;

use nix::errno::Errno;
use nix::libc;
use nix::mqueue::{MQ_OFlag, MqAttr, MqdT, mq_open, mq_receive, mq_send, mq_unlink};
use nix::sys::stat::Mode;

use super::end::{End, Pair, Refused, by, through};
use super::place;
use crate::sys::ipc::{self as sys, SystemV};

/// Messages that wait in a POSIX queue: what every user may ask for.
const WAITING: i64 = 10;

struct Posix {
    from: MqdT,
    to: MqdT,
}

impl End for Posix {
    fn send(&mut self, message: &[u8]) -> Result<(), Errno> {
        through(|| mq_send(&self.to, message, 0))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        let mut priority = 0;
        match through(|| mq_receive(&self.from, buffer, &mut priority))? {
            got if got == buffer.len() => Ok(()),
            _ => Err(Errno::EBADMSG),
        }
    }
}

/// mq_open(3), unlinked as soon as both directions are open.
pub fn posix(bytes: usize) -> Result<Pair, Refused> {
    let size = i64::try_from(bytes).unwrap_or(i64::MAX);
    let open = || {
        let name =
            CString::new(format!("/{}", place::next())).map_err(|_| ("a name", Errno::EINVAL))?;
        let attributes = MqAttr::new(0, WAITING, size, 0);
        let flags = MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL | MQ_OFlag::O_RDWR | MQ_OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let one =
            mq_open(name.as_c_str(), flags, mode, Some(&attributes)).map_err(by("mq_open"))?;
        let other = mq_open(
            name.as_c_str(),
            MQ_OFlag::O_RDWR | MQ_OFlag::O_CLOEXEC,
            mode,
            None,
        );
        mq_unlink(name.as_c_str()).map_err(by("mq_unlink"))?;
        Ok::<_, Refused>((one, other.map_err(by("mq_open"))?))
    };
    let ((there, there_too), (back, back_too)) = (open()?, open()?);
    Ok(Pair::new(
        Posix {
            from: back,
            to: there,
        },
        Posix {
            from: there_too,
            to: back_too,
        },
    ))
}

struct Old {
    from: libc::c_int,
    to: libc::c_int,
    framed: Vec<u8>,
}

const TYPE: usize = size_of::<libc::c_long>();

impl Old {
    fn new(from: &SystemV, to: &SystemV, bytes: usize) -> Self {
        let mut framed = vec![0; TYPE + bytes];
        framed[..TYPE].copy_from_slice(&(1 as libc::c_long).to_ne_bytes());
        Old {
            from: from.id,
            to: to.id,
            framed,
        }
    }
}

impl End for Old {
    fn send(&mut self, message: &[u8]) -> Result<(), Errno> {
        let framed = &mut self.framed[..TYPE + message.len()];
        framed[TYPE..].copy_from_slice(message);
        through(|| sys::queue_send(self.to, framed))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        let framed = &mut self.framed[..TYPE + buffer.len()];
        if through(|| sys::queue_receive(self.from, framed))? != buffer.len() {
            return Err(Errno::EBADMSG);
        }
        buffer.copy_from_slice(&framed[TYPE..]);
        Ok(())
    }
}

/// msgget(2).
pub fn system_v(bytes: usize) -> Result<Pair, Refused> {
    let (there, back) = (
        SystemV::queue().map_err(by("msgget"))?,
        SystemV::queue().map_err(by("msgget"))?,
    );
    let pair = Pair::new(
        Old::new(&back, &there, bytes),
        Old::new(&there, &back, bytes),
    );
    Ok(pair.keeping((there, back)))
}
