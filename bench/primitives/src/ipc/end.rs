//! What a mechanism is to the lab: two ends, each of which can send a message and wait for one.

use std::any::Any;

use nix::errno::Errno;
use nix::unistd::Pid;

/// One party's end.
pub trait End: Send {
    /// Called by the party that will use it, where it will use it, before the first message.
    ///
    /// # Errors
    /// Those of the calls that it needs.
    fn meet(&mut self, other: Pid) -> Result<(), Errno> {
        let _ = other;
        Ok(())
    }

    /// Called before the clock of a round trip starts.
    ///
    /// # Errors
    /// Those of the calls that it needs.
    fn prepare(&mut self) -> Result<(), Errno> {
        Ok(())
    }

    /// Sends a whole message.
    ///
    /// # Errors
    /// Those of the call.
    fn send(&mut self, message: &[u8]) -> Result<(), Errno>;

    /// Waits for a message that fills the buffer.
    ///
    /// # Errors
    /// Those of the call; EPIPE when the other party has gone, EBADMSG for a message of another length.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Errno>;
}

/// Both ends, and what must live as long as they do.
pub struct Pair {
    /// Who asks, and pours.
    pub asker: Box<dyn End>,
    /// Who answers, and takes.
    pub answerer: Box<dyn End>,
    /// Objects that are removed when this is dropped.
    pub kept: Box<dyn Any>,
}

impl Pair {
    /// Ends that leave nothing behind.
    pub fn new(asker: impl End + 'static, answerer: impl End + 'static) -> Self {
        Pair {
            asker: Box::new(asker),
            answerer: Box::new(answerer),
            kept: Box::new(()),
        }
    }

    /// The same, with something that is removed when both are done.
    pub fn keeping(self, kept: impl Any) -> Self {
        Pair {
            kept: Box::new(kept),
            ..self
        }
    }
}

/// Which call said no, and what it said.
pub type Refused = (&'static str, Errno);

/// Names the call of an error.
pub fn by(call: &'static str) -> impl Fn(Errno) -> Refused {
    move |errno| (call, errno)
}

/// Again, as long as a call is interrupted.
pub fn through<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}
