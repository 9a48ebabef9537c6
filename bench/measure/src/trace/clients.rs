//! The clients of a trace: some one after another, each step when the server has come to rest from the one
//! before, so that a reader can tell what belongs to what; then as many all at once.
//!
//! They are this process's, and are not traced: they say themselves what they did and when. Each waits for its
//! reply no longer than [`PATIENCE`]; the first that is let down ends the script.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, socket};
use record::pass::{Cause, Outcome, Phase};
use record::trace::{Moment, MomentKind, TraceAsked};

use super::objects::ClientPorts;
use crate::payload::Payload;

/// How long a reply may take.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// A server that asked nothing of the kernel for so long has come to rest.
const REST: Duration = Duration::from_millis(2);
/// One that does nothing about it, or never rests, is not waited for.
const RESTLESS: Duration = Duration::from_millis(100);
/// Between two looks whether it is all over.
const LOOK: Duration = Duration::from_millis(50);

/// What clients and tracer know of each other.
#[derive(Debug, Default)]
pub struct Shared {
    /// Who comes from where.
    pub ports: ClientPorts,
    /// When the server last asked something of the kernel, after the trace's beginning.
    pub last_call_ns: AtomicU64,
    /// Whether somebody looks when that is.
    pub traced: bool,
    /// Nobody needs to wait any more.
    pub over: AtomicBool,
}

/// What they did and saw.
#[derive(Debug)]
pub struct Served {
    /// In order.
    pub moments: Vec<Moment>,
    /// When those that come all at once began to come.
    pub at_once_ns: Option<u64>,
    /// What became of the first that was let down.
    pub failed: Option<(Outcome, Cause)>,
}

/// Carries the script out.
pub fn be_served(asked: &TraceAsked, port: u16, begun: Instant, shared: &Shared) -> Served {
    let mut script = Script {
        asked,
        port,
        begun,
        shared,
        moments: Vec::new(),
        at_once_ns: None,
    };
    let failed = script
        .one_after_another()
        .and_then(|()| script.all_at_once());
    Served {
        moments: script.moments,
        at_once_ns: script.at_once_ns,
        failed: failed.err(),
    }
}

type Done<T = ()> = Result<T, (Outcome, Cause)>;

struct Script<'a> {
    asked: &'a TraceAsked,
    port: u16,
    begun: Instant,
    shared: &'a Shared,
    moments: Vec<Moment>,
    at_once_ns: Option<u64>,
}

struct Client {
    number: u32,
    stream: TcpStream,
    request: u32,
    received: usize,
}

impl Script<'_> {
    fn one_after_another(&mut self) -> Done {
        for number in 1..=self.asked.connections {
            self.rest();
            let mut client = self.connect(number)?;
            for _ in 0..self.asked.requests {
                self.rest();
                self.send(&mut client)?;
                while !self.receive(&mut client)? {}
            }
            self.rest();
            self.close(client);
        }
        self.rest();
        Ok(())
    }

    /// Each goes on as soon as it has its reply, and leaves when it has the last.
    fn all_at_once(&mut self) -> Done {
        let first = self.asked.connections + 1;
        self.at_once_ns = Some(self.now());
        let mut clients = Vec::new();
        for number in first..first + self.asked.connections {
            clients.push(self.connect(number)?);
        }
        for client in &mut clients {
            self.send(client)?;
        }
        while !clients.is_empty() {
            let at = self.await_any(&clients)?;
            if !self.receive(&mut clients[at])? {
                continue;
            }
            match clients[at].request < self.asked.requests {
                true => self.send(&mut clients[at])?,
                false => {
                    let client = clients.remove(at);
                    self.close(client);
                }
            }
        }
        Ok(())
    }

    fn connect(&mut self, number: u32) -> Done<Client> {
        let stream = self.bound(number).and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            self.tell(number, MomentKind::Connect, None);
            let to = SockaddrIn::from(match SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)) {
                SocketAddr::V4(to) => to,
                SocketAddr::V6(_) => unreachable!("127.0.0.1 is none"),
            });
            nix::sys::socket::connect(stream.as_raw_fd(), &to)?;
            Ok(stream)
        });
        match stream {
            Ok(stream) => {
                self.tell(number, MomentKind::Connected, None);
                Ok(Client {
                    number,
                    stream,
                    request: 0,
                    received: 0,
                })
            }
            Err(error) => Err(self.let_down(number, None, "cannot connect", error)),
        }
    }

    /// Its port is known before it comes: the tracer may see it first.
    fn bound(&self, number: u32) -> io::Result<TcpStream> {
        let fd = socket(
            AddressFamily::Inet,
            SockType::Stream,
            SockFlag::SOCK_CLOEXEC,
            None,
        )?;
        bind(fd.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0))?;
        let own: SockaddrIn = getsockname(fd.as_raw_fd())?;
        let mut ports = self
            .shared
            .ports
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ports.insert(own.port(), format!("c{number}"));
        Ok(TcpStream::from(fd))
    }

    fn send(&mut self, client: &mut Client) -> Done {
        client.request += 1;
        client.received = 0;
        let mut message = vec![0; self.asked.message as usize];
        payload(client).fill(0, &mut message);
        self.tell(client.number, MomentKind::Send, Some(client.request));
        let sent = client.stream.write_all(&message);
        sent.map_err(|error| {
            self.let_down(client.number, Some(client.request), "cannot send", error)
        })
    }

    /// Takes what there is of a reply; true when it is whole.
    fn receive(&mut self, client: &mut Client) -> Done<bool> {
        self.await_any(std::slice::from_ref(client))?;
        let request = Some(client.request);
        let owed = self.asked.message as usize - client.received;
        let mut buffer = vec![0; owed];
        let came = match client.stream.read(&mut buffer) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            came => came,
        };
        let came = came
            .map_err(|error| self.let_down(client.number, request, "got no whole reply", error))?;
        if payload(client)
            .check(client.received, &buffer[..came])
            .is_err()
        {
            let error = io::Error::other("it is not what was sent");
            let (_, cause) = self.let_down(client.number, request, "got a wrong reply", error);
            return Err((Outcome::Wrong, cause));
        }
        client.received += came;
        let whole = client.received == self.asked.message as usize;
        if whole {
            self.tell(client.number, MomentKind::Received, request);
        }
        Ok(whole)
    }

    /// Who of these can be read.
    fn await_any(&mut self, clients: &[Client]) -> Done<usize> {
        let deadline = Instant::now() + PATIENCE;
        let mut fds: Vec<PollFd<'_>> = clients
            .iter()
            .map(|client| PollFd::new(client.stream.as_fd(), PollFlags::POLLIN))
            .collect();
        while Instant::now() < deadline && !self.shared.over.load(Relaxed) {
            // An interruption is a look without a result.
            let _ = poll(
                &mut fds,
                PollTimeout::try_from(LOOK).unwrap_or(PollTimeout::ZERO),
            );
            let is_ready = |fd: &PollFd<'_>| fd.any() == Some(true);
            if let Some(at) = fds.iter().position(is_ready) {
                return Ok(at);
            }
        }
        let error = io::Error::from(ErrorKind::TimedOut);
        let what = "waited in vain for a reply";
        Err(self.let_down(clients[0].number, Some(clients[0].request), what, error))
    }

    fn close(&mut self, client: Client) {
        self.tell(client.number, MomentKind::Close, None);
        drop(client);
    }

    fn let_down(
        &mut self,
        number: u32,
        request: Option<u32>,
        what: &str,
        error: io::Error,
    ) -> (Outcome, Cause) {
        let late = matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock);
        let why = match error.kind() {
            _ if late && self.shared.over.load(Relaxed) => "it was all over".to_owned(),
            _ if late => format!("none within {PATIENCE:?}"),
            ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
            _ => error.to_string(),
        };
        let text = format!("c{number} {what}: {why}");
        self.tell(number, MomentKind::Failed, request);
        if let Some(moment) = self.moments.last_mut() {
            moment.problem = Some(text.clone());
        }
        let mut cause = Cause::new(Phase::Load, text);
        cause.errno = error.raw_os_error();
        let outcome = if late {
            Outcome::Hung
        } else {
            Outcome::Refused
        };
        (outcome, cause)
    }

    fn tell(&mut self, number: u32, what: MomentKind, request: Option<u32>) {
        self.moments.push(Moment {
            client: format!("c{number}"),
            at_ns: self.now(),
            what,
            request,
            problem: None,
        });
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Waits until the server has done something about what its client did last, and has come to rest.
    fn rest(&self) {
        let until = Instant::now() + RESTLESS;
        let since = self.moments.last().map_or(0, |moment| moment.at_ns);
        loop {
            thread::sleep(REST);
            let last = self.shared.last_call_ns.load(Relaxed);
            let quiet = Duration::from_nanos(self.now().saturating_sub(last)) >= REST;
            let rested = !self.shared.traced || last > since && quiet;
            if rested || Instant::now() > until || self.shared.over.load(Relaxed) {
                return;
            }
        }
    }
}

fn payload(client: &Client) -> Payload {
    Payload::new(u64::from(client.number), u64::from(client.request))
}
