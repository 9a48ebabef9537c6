//! Where connections come from: every listener is made here, alike for all models.
//!
//! It ends when QUIT shuts the listener down: then `accept` returns `None` in every thread and process.

use std::fmt;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{ReuseAddr, ReusePort, TcpNoDelay};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
};

use crate::models::Server;
use crate::patience;
use crate::signals::{self, Open};

/// Connections that may wait for `accept`; with 128, the default of std and tokio, a burst of clients
/// loses its SYNs and comes back a second later.
const BACKLOG: i32 = 4096;

/// A listening socket that QUIT shuts down.
pub struct Listener(TcpListener);

/// An accepted connection; it counts as open until it is dropped.
pub struct Connection {
    stream: TcpStream,
    open: Open,
}

/// What to do after an `accept` that brought no connection.
pub enum Refusal {
    /// This client gave up, or a signal came: the next one may do better.
    Retry,
    /// The listener was shut down.
    Ended,
    /// The kernel is out of descriptors or memory.
    Exhausted,
}

impl Server {
    /// Listens, and says where on standard output.
    ///
    /// # Errors
    /// When the address cannot be had; the message says what to type next.
    pub fn listen(&self) -> io::Result<Listener> {
        let listener = open(self.address, false).map_err(|errno| explain(self.address, errno))?;
        let listeners = announce(vec![Listener(listener)])?;
        listeners
            .into_iter()
            .next()
            .ok_or_else(|| Errno::EINVAL.into())
    }

    /// Listens with `count` sockets on one port, among which the kernel deals connections out by hash.
    ///
    /// # Errors
    /// When the address cannot be had, or not so often; the message says what to type next.
    pub fn listen_apart(&self, count: usize) -> io::Result<Vec<Listener>> {
        let open = |address| open(address, true).map_err(|errno| explain(address, errno));
        // SO_REUSEPORT would share the port even with another server of this user.
        drop(self::open(self.address, false).map_err(|errno| explain(self.address, errno))?);
        let mut listeners = vec![Listener(open(self.address)?)];
        let address = listeners[0].local_addr()?;
        for _ in 1..count {
            listeners.push(Listener(open(address)?));
        }
        announce(listeners)
    }
}

/// Says where; from now on QUIT shuts these down.
fn announce(listeners: Vec<Listener>) -> io::Result<Vec<Listener>> {
    signals::shut_down_at_quit(&listeners);
    // Nobody may be reading: that is no reason not to serve.
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "listening on {}", listeners[0].local_addr()?)
        .and_then(|()| stdout.flush());
    Ok(listeners)
}

/// Buffer sizes stay the kernel's defaults; accepted sockets inherit TCP_NODELAY from the listener.
fn open(address: SocketAddr, shares_port: bool) -> nix::Result<TcpListener> {
    let family = if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let fd = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&fd, ReuseAddr, &true)?;
    if shares_port {
        setsockopt(&fd, ReusePort, &true)?;
    }
    setsockopt(&fd, TcpNoDelay, &true)?;
    bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen(&fd, Backlog::new(BACKLOG)?)?;
    Ok(TcpListener::from(fd))
}

impl Listener {
    /// The next connection, or `None` once the listener is shut down.
    pub fn accept(&self) -> Option<Connection> {
        loop {
            let error = match self.0.accept() {
                Ok((stream, _)) => {
                    return Some(Connection {
                        stream,
                        open: Open::count(),
                    });
                }
                Err(error) => error,
            };
            match refusal(&error) {
                Refusal::Retry => {}
                Refusal::Ended => return None,
                Refusal::Exhausted => std::thread::sleep(patience::PAUSE),
            }
        }
    }

    /// One that this program was given by another.
    pub fn given(descriptor: OwnedFd) -> Self {
        let listener = [Listener(TcpListener::from(descriptor))];
        signals::shut_down_at_quit(&listener);
        let [listener] = listener;
        listener
    }

    /// The socket without the waiting, for models that wait for events.
    ///
    /// # Errors
    /// Those of `ioctl`.
    pub fn into_nonblocking(self) -> io::Result<TcpListener> {
        self.0.set_nonblocking(true)?;
        Ok(self.0)
    }
}

/// Judges an error of `accept`; says so once when the kernel is out of something.
pub fn refusal(error: &io::Error) -> Refusal {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EINTR | Errno::ECONNABORTED) => Refusal::Retry,
        Some(Errno::EINVAL) => Refusal::Ended,
        _ => {
            patience::say_once("accept a connection", error);
            Refusal::Exhausted
        }
    }
}

impl Connection {
    /// One that another process has accepted and passed to this one.
    pub fn passed(descriptor: OwnedFd) -> Self {
        Connection {
            stream: TcpStream::from(descriptor),
            open: Open::count(),
        }
    }

    /// Closes this process's copy; the connection lives on in a child, which is counted when it is reaped.
    pub fn leave_to_child(self) {
        std::mem::forget(self.open);
    }
}

impl Deref for Listener {
    type Target = TcpListener;

    fn deref(&self) -> &TcpListener {
        &self.0
    }
}

impl Deref for Connection {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.stream
    }
}

fn explain(address: SocketAddr, errno: Errno) -> io::Error {
    let error = io::Error::from(errno);
    let port = address.port();
    let hint: &dyn fmt::Display = match errno {
        Errno::EADDRINUSE => {
            &format!("`ss -ltnp 'sport = :{port}'` shows who has it; `--port 0` takes a free one")
        }
        Errno::EACCES => &"ports below 1024 are root's: take a higher one, or `--port 0`",
        Errno::EADDRNOTAVAIL => &"`ip addr` shows the addresses of this machine",
        _ => &"`--listen` and `--port` say where to listen",
    };
    io::Error::new(
        error.kind(),
        format!("cannot listen on {address}: {error}; {hint}"),
    )
}
