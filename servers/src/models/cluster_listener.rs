//! Cluster by the listener: one port, many programs (the textbook's example of Node's `cluster`).
//!
//! ```text
//! master: listen ─┬─ spawn (fork + exec) ─► worker ◄── the listening descriptor, over a domain socket
//!                 ├─ spawn ───────────────► worker ◄── (SCM_RIGHTS)
//!                 │                            └─► epoll_wait ─► accept, serve ─┐ (again)
//!                 └─► epoll_wait ─► accept, serve ─┐ (again) ◄─────────────────┘   one socket, one backlog
//! ```
//!
//! The workers are programs of their own: they share neither memory nor descriptors with the master but
//! what it passes. So one port is "listened on" by many processes: there is one listening socket, and each
//! has a descriptor of it. Parent and children accept, each a loop over all that it has accepted.
//!
//! It pays a program's start for each worker, `--state` and all. Connections go to whoever is quickest to
//! accept, as under `prefork-epoll`: all that wait are woken. It ends where event loops do.
//!
//! System calls: a request is `recvfrom`, `sendto`, a share of an `epoll_wait`. A connection is `accept4`,
//! `epoll_ctl`, `recvfrom` of its end, `close`; `epoll_wait` and an `accept4` that finds nobody for each loop
//! that was woken; the master's also asks whether a worker ended (`read`).

use std::env;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::unistd::Pid;

use super::{Server, event_loop};
use crate::channel::Channel;
use crate::crew::{self, Crew};
use crate::listen::Listener;
use crate::nonblocking::Connection;
use crate::{signals, sys, tally};

/// Tells a spawned worker the number of its channel (Node: NODE_CHANNEL_FD).
const CHANNEL: &str = "ECHO_SERVER_CHANNEL_FD";

/// Serves with this process and `workers` more.
pub fn serve(server: &'static Server) -> io::Result<()> {
    match env::var(CHANNEL) {
        Ok(number) => work(server, &number),
        Err(_) => lead(server),
    }
}

fn lead(server: &'static Server) -> io::Result<()> {
    let listener = server.listen()?.into_nonblocking()?;
    let mut crew = Crew::of(server.workers)?;
    crew.tend(|place| spawn(place, &listener))?;
    let news = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    for source in [listener.as_fd(), crew.as_fd()] {
        news.add(source, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
    }
    event_loop::run(&news.0, EpollFlags::EPOLLIN, || {
        let accepted = Connection::accept(&listener, &server.service);
        if accepted
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        {
            crew.tend(|place| spawn(place, &listener))?;
        }
        accepted
    })?;
    while crew.tend(|place| spawn(place, &listener))? {
        crew.wait()?;
    }
    Ok(())
}

/// Starts this program again, and passes it the listener and what all count in.
fn spawn(place: usize, listener: &TcpListener) -> io::Result<Pid> {
    let (ours, theirs) = Channel::pair()?;
    let worker = crew::start(place, || {
        let number = theirs.as_fd().as_raw_fd();
        let kept = fcntl(&theirs, FcntlArg::F_SETFD(FdFlag::empty()));
        let mut again = Command::new("/proc/self/exe");
        again
            .args(env::args_os().skip(1))
            .env(CHANNEL, number.to_string());
        again.arg0(env::args_os().next().unwrap_or_default());
        // It returns only when the program could not be started: that is a death.
        let failed = kept.map(|_| again.exec());
        crate::patience::say_once("start a worker", &format!("{failed:?}"));
        sys::exit_now(1);
    })?;
    let memory = tally::memory().ok_or(Errno::EBADF)?;
    let place = u32::try_from(place).unwrap_or(u32::MAX);
    match ours.send(place, &[listener.as_fd(), memory]) {
        // One that died before it could hear is replaced like any other.
        Ok(()) | Err(_) => Ok(worker),
    }
}

fn work(server: &'static Server, channel: &str) -> io::Result<()> {
    let nothing = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{CHANNEL} is set, but no master is there"),
        )
    };
    let number = channel.parse().map_err(|_| nothing())?;
    let message = Channel::inherited(number)?.wait()?.ok_or_else(nothing)?;
    let [listener, memory] =
        <[OwnedFd; 2]>::try_from(message.descriptors).map_err(|_| nothing())?;
    tally::join(memory, server.workers)?;
    tally::work_at(message.word as usize);
    signals::follow_parent();
    let listener = Listener::given(listener).into_nonblocking()?;
    let accept = || Connection::accept(&listener, &server.service);
    event_loop::run(
        &listener,
        EpollFlags::EPOLLIN,
        crew::until_recycled(server.recycle, accept),
    )
}
