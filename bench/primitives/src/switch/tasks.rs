//! A ring of tokio's tasks on one thread: the token goes by channels, and no switch is the kernel's. What a hop takes is
//! the executor's: putting a task into its queue and polling it. A pipe would be I/O, and cost what it costs everybody.

use nix::errno::Errno;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::ring::Lap;
use crate::sys::spawn::Memory;

/// A ring, in which whoever asks for a lap is the first.
pub struct Tasks {
    runtime: Runtime,
    to: Sender<u8>,
    from: Receiver<u8>,
    memory: Memory,
    bytes: usize,
}

impl Tasks {
    /// Of so many tasks, the one that asks for laps among them.
    ///
    /// # Errors
    /// ENOMEM, or what making a runtime has said.
    pub fn new(tasks: usize, bytes: usize) -> Result<Self, Errno> {
        let runtime = Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| {
            Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EAGAIN as i32))
        })?;
        let (to, mut from) = channel(1);
        for _ in 1..tasks {
            let memory = Memory::touched(bytes, false)?;
            let (next, last) = channel(1);
            let mut own = std::mem::replace(&mut from, last);
            runtime.spawn(async move {
                while let Some(token) = own.recv().await {
                    std::hint::black_box(memory.sum(bytes));
                    if next.send(token).await.is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Tasks {
            runtime,
            to,
            from,
            memory: Memory::touched(bytes, false)?,
            bytes,
        })
    }
}

impl Lap for Tasks {
    fn lap(&mut self, token: u8) -> Result<(), Errno> {
        let Tasks {
            runtime, to, from, ..
        } = self;
        let came = runtime.block_on(async {
            to.send(token).await.ok()?;
            from.recv().await
        });
        std::hint::black_box(self.memory.sum(self.bytes));
        match came {
            Some(came) if came == token => Ok(()),
            Some(_) => Err(Errno::EBADMSG),
            None => Err(Errno::EPIPE),
        }
    }

    /// The runtime ends its tasks.
    fn end(self: Box<Self>) -> Result<(), Errno> {
        Ok(())
    }
}
