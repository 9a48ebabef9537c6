//! The ring: tasks that pass a token on, each with a pipe to read from and the next one's to write to. It
//! ends with the token 0, and with whoever made it.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getpid, getppid, pipe2, read, write};

use crate::sys::spawn::{Memory, fork_to};

/// A pipe: where to read, where to write.
pub type Pipe = (OwnedFd, OwnedFd);

/// A pipe that no program which is executed inherits.
///
/// # Errors
/// EMFILE.
pub fn pipe() -> Result<Pipe, Errno> {
    pipe2(OFlag::O_CLOEXEC)
}

/// One place in a ring.
pub struct Hop<'a> {
    from: &'a OwnedFd,
    to: &'a OwnedFd,
    memory: &'a Memory,
    bytes: usize,
}

impl<'a> Hop<'a> {
    /// Between two pipes, with a working set.
    pub fn new(from: &'a OwnedFd, to: &'a OwnedFd, memory: &'a Memory, bytes: usize) -> Self {
        Hop {
            from,
            to,
            memory,
            bytes,
        }
    }

    /// The token, once the working set has been read.
    pub fn receive(&self) -> Result<u8, Errno> {
        let mut token = [0];
        match read(self.from, &mut token)? {
            1 => {}
            _ => return Err(Errno::EPIPE),
        }
        std::hint::black_box(self.memory.sum(self.bytes));
        Ok(token[0])
    }

    /// Passes it on.
    pub fn send(&self, token: u8) -> Result<(), Errno> {
        write(self.to, &[token]).map(drop)
    }

    /// Passes on whatever comes, until the token that ends the ring.
    fn serve(&self) {
        while let Ok(token) = self.receive() {
            if self.send(token).is_err() || token == 0 {
                return;
            }
        }
    }
}

/// Whatever a token goes round in.
pub trait Lap {
    /// Once round, by everybody.
    ///
    /// # Errors
    /// EPIPE when somebody has gone, EBADMSG when another token came back.
    fn lap(&mut self, token: u8) -> Result<(), Errno>;

    /// Ends everybody, and waits for them.
    ///
    /// # Errors
    /// Those of a lap.
    fn end(self: Box<Self>) -> Result<(), Errno>;
}

/// A ring, in which this process is the first.
pub struct Ring {
    pipes: Arc<Vec<Pipe>>,
    memory: Memory,
    bytes: usize,
    processes: Vec<Pid>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Ring {
    fn new(tasks: usize, bytes: usize) -> Result<Self, Errno> {
        let pipes = (0..tasks).map(|_| pipe()).collect::<Result<_, _>>()?;
        Ok(Ring {
            pipes: Arc::new(pipes),
            memory: Memory::touched(bytes, false)?,
            bytes,
            processes: Vec::new(),
            threads: Vec::new(),
        })
    }

    /// Of so many processes, this one among them.
    pub fn of_processes(tasks: usize, bytes: usize) -> Result<Self, Errno> {
        let mut ring = Ring::new(tasks, bytes)?;
        let first = getpid();
        for place in 1..tasks {
            let pipes = Arc::clone(&ring.pipes);
            let process = fork_to(|| {
                // Who was orphaned before this call asks who its parent is.
                if set_pdeathsig(Signal::SIGKILL).is_ok() && getppid() == first {
                    serve(&pipes, place, bytes);
                }
            })?;
            ring.processes.push(process);
        }
        Ok(ring)
    }

    /// Of so many threads, this one among them.
    pub fn of_threads(tasks: usize, bytes: usize) -> Result<Self, Errno> {
        let mut ring = Ring::new(tasks, bytes)?;
        for place in 1..tasks {
            let pipes = Arc::clone(&ring.pipes);
            let thread = std::thread::Builder::new().stack_size(64 << 10);
            let thread = thread.spawn(move || serve(&pipes, place, bytes));
            let error = |error: std::io::Error| {
                Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EAGAIN as i32))
            };
            ring.threads.push(thread.map_err(error)?);
        }
        Ok(ring)
    }
}

impl Lap for Ring {
    fn lap(&mut self, token: u8) -> Result<(), Errno> {
        let tasks = self.pipes.len();
        let (from, to) = (&self.pipes[0].0, &self.pipes[1 % tasks].1);
        let hop = Hop::new(from, to, &self.memory, self.bytes);
        hop.send(token)?;
        match hop.receive()? {
            came if came == token => Ok(()),
            _ => Err(Errno::EBADMSG),
        }
    }

    fn end(mut self: Box<Self>) -> Result<(), Errno> {
        self.lap(0)?;
        for process in self.processes {
            waitpid(process, None)?;
        }
        for thread in self.threads {
            // It panicked: its token would not have come.
            let _ = thread.join();
        }
        Ok(())
    }
}

fn serve(pipes: &[Pipe], place: usize, bytes: usize) {
    let next = (place + 1) % pipes.len();
    if let Ok(memory) = Memory::touched(bytes, false) {
        Hop::new(&pipes[place].0, &pipes[next].1, &memory, bytes).serve();
    }
}
