//! Streams of bytes: pipes, FIFOs and stream sockets. A message is as many bytes as both have agreed upon.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::{mkfifo, pipe2, read, write};

use super::end::{End, Pair, Refused, by, through};
use super::place::Named;

/// What is read from, and what is written to.
pub struct Stream {
    from: OwnedFd,
    to: OwnedFd,
}

impl End for Stream {
    fn send(&mut self, message: &[u8]) -> Result<(), Errno> {
        let mut sent = 0;
        while sent < message.len() {
            sent += through(|| write(&self.to, &message[sent..]))?;
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        let mut got = 0;
        while got < buffer.len() {
            match through(|| read(&self.from, &mut buffer[got..]))? {
                0 => return Err(Errno::EPIPE),
                more => got += more,
            }
        }
        Ok(())
    }
}

fn crossed((a, b): (OwnedFd, OwnedFd), (c, d): (OwnedFd, OwnedFd)) -> Pair {
    Pair::new(Stream { from: c, to: b }, Stream { from: a, to: d })
}

/// The two ends of something that goes both ways.
pub fn both_ways(one: impl Into<OwnedFd>, other: impl Into<OwnedFd>) -> Result<Pair, Refused> {
    let (one, other) = (one.into(), other.into());
    let copy = |of: &OwnedFd| {
        let copied = of.as_fd().try_clone_to_owned();
        copied.map_err(|error| ("dup", errno(&error)))
    };
    let (one_to, other_to) = (copy(&one)?, copy(&other)?);
    Ok(Pair::new(
        Stream {
            from: one,
            to: one_to,
        },
        Stream {
            from: other,
            to: other_to,
        },
    ))
}

/// What std's error was to the kernel.
pub fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}

fn io(call: &'static str) -> impl Fn(std::io::Error) -> Refused {
    move |error| (call, errno(&error))
}

/// Two pipes.
pub fn pipes(_: usize) -> Result<Pair, Refused> {
    let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(by("pipe2"));
    Ok(crossed(pipe()?, pipe()?))
}

/// Two named pipes, unnamed again as soon as both are open.
pub fn fifos(_: usize) -> Result<Pair, Refused> {
    let fifo = || {
        let named = Named::new();
        mkfifo(named.path(), Mode::S_IRWXU).map_err(by("mkfifo"))?;
        // Opened for both first, so that nobody waits for the other side.
        let open = |options: &mut std::fs::OpenOptions| options.open(named.path());
        let mut both = File::options();
        let _both = open(both.read(true).write(true)).map_err(io("open"))?;
        let from = open(File::options().read(true)).map_err(io("open"))?;
        let to = open(File::options().write(true)).map_err(io("open"))?;
        Ok::<_, Refused>((from.into(), to.into()))
    };
    Ok(crossed(fifo()?, fifo()?))
}

/// socketpair(2).
pub fn socketpair(_: usize) -> Result<Pair, Refused> {
    let (one, other) = UnixStream::pair().map_err(io("socketpair"))?;
    both_ways(one, other)
}

/// A domain socket with a path.
pub fn named(_: usize) -> Result<Pair, Refused> {
    let path = Named::new();
    let listener = UnixListener::bind(path.path()).map_err(io("bind"))?;
    let one = UnixStream::connect(path.path()).map_err(io("connect"))?;
    let (other, _) = listener.accept().map_err(io("accept"))?;
    both_ways(one, other)
}

/// TCP over loopback, without delay.
pub fn tcp(_: usize) -> Result<Pair, Refused> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(io("bind"))?;
    let address = listener.local_addr().map_err(io("getsockname"))?;
    let one = TcpStream::connect(address).map_err(io("connect"))?;
    let (other, _) = listener.accept().map_err(io("accept"))?;
    for socket in [&one, &other] {
        socket.set_nodelay(true).map_err(io("TCP_NODELAY"))?;
    }
    both_ways(one, other)
}
