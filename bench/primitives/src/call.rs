//! The call lab: what a system call of a server takes by itself, on loopback sockets of which this process holds both
//! ends. Prices for the ledger.
//!
//! A turn is what a server sees: fifty clients have asked, each is read and answered; or sixteen have connected and
//! gone, each is accepted and closed. Only the named call of a turn is timed, and the clock's own time is subtracted.
//! A message to a loopback socket is delivered within the call that sends it, so that is in `sendto`'s price, and what
//! clients send is in nobody's. Nobody sleeps on these sockets: a wake-up is in the price of a switch, not here.

mod turns;

use hdrhistogram::Histogram;
use measure::LabAsked;
use nix::errno::Errno;
use record::histogram::latencies;
use record::{Encoded, Findings};

use crate::Nothing;
use crate::sys::spawn::now_ns;
use turns::{Bare, Connections, Ready, Talk, Turn};

/// Every mechanism, in the order of tables: name and title.
#[rustfmt::skip]
pub const MECHANISMS: &[(&str, &str)] = &[
    ("call-entry", "a call that does nothing (getppid)"),
    ("call-recvfrom", "recvfrom of 64 bytes that are there"),
    ("call-sendto", "sendto of 64 bytes, delivered"),
    ("call-recvfrom-end", "recvfrom of a client that has gone"),
    ("call-accept4", "accept4 of a client that waits"),
    ("call-close", "close of a connection that its client has left"),
    ("call-close-copy", "close of a descriptor that another process has, too"),
    ("call-epoll-ctl", "epoll_ctl that adds a connection"),
    ("call-epoll-wait", "epoll_wait, one connection ready"),
    ("call-epoll-wait-16", "epoll_wait, sixteen connections ready"),
    ("call-futex", "futex that finds nobody"),
];

/// Readings of the clock, of which the middle is subtracted.
const CLOCK: u32 = 2_000;
/// Connections leave ports behind that are waited out: no more than this in a pass.
const MOST: u64 = 3_000;

/// Times of one call.
pub(crate) struct Times {
    all: Histogram<u64>,
    clock_ns: u64,
    counts: bool,
}

impl Times {
    fn new() -> Self {
        let mut clock = latencies();
        for _ in 0..CLOCK {
            let begun = now_ns();
            clock.saturating_record((now_ns() - begun).max(1));
        }
        Times {
            all: latencies(),
            clock_ns: clock.value_at_quantile(0.5),
            counts: false,
        }
    }

    /// Makes the call, and keeps what it took once the warm-up is over.
    pub fn of<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let begun = now_ns();
        let made = call();
        let taken = now_ns() - begun;
        if self.counts {
            let alone = taken.saturating_sub(self.clock_ns);
            self.all.saturating_record(alone.max(1));
        }
        made
    }
}

/// Measures one.
///
/// # Errors
/// Why there is no figure.
pub fn measure(asked: &LabAsked) -> Result<Findings, Nothing> {
    let lab = &asked.lab;
    crate::lab::stay_on(&asked.cpus, lab.placement)?;
    let failed = |errno: Errno| Nothing::failed(&asked.mechanism, errno);
    let mut turn: Box<dyn Turn> = match asked.mechanism.as_str() {
        "call-entry" => Box::new(Bare::Entry),
        "call-futex" => Box::new(Bare::futex()),
        "call-recvfrom" => Box::new(Talk::receiving().map_err(failed)?),
        "call-sendto" => Box::new(Talk::sending().map_err(failed)?),
        "call-recvfrom-end" => Box::new(Connections::ending().map_err(failed)?),
        "call-accept4" => Box::new(Connections::accepting().map_err(failed)?),
        "call-close" => Box::new(Connections::closing().map_err(failed)?),
        "call-close-copy" => Box::new(Talk::closing_copies().map_err(failed)?),
        "call-epoll-ctl" => Box::new(Connections::registering().map_err(failed)?),
        "call-epoll-wait" => Box::new(Ready::of(1).map_err(failed)?),
        "call-epoll-wait-16" => Box::new(Ready::of(16).map_err(failed)?),
        other => return Err(crate::lab::unknown(other)),
    };
    let mut times = Times::new();
    let warm = now_ns() + crate::spawn::nanos(lab.warmup);
    let end = warm + crate::spawn::nanos(lab.window);
    loop {
        let now = now_ns();
        let (made, enough) = match asked.times {
            Some(wanted) => (times.all.len(), times.all.len() >= wanted),
            None => (times.all.len(), now >= end),
        };
        if enough && made > 0 || made >= MOST && turn.leaves_ports() {
            break;
        }
        times.counts = now >= warm || asked.times.is_some();
        turn.take(&mut times).map_err(failed)?;
    }
    Ok(Findings {
        times: times.all.len(),
        verified: times.all.len(),
        figures: [("clock_ns".to_owned(), times.clock_ns as f64)].into(),
        histograms: [("call_ns".to_owned(), Encoded::new(&times.all))].into(),
        ..Findings::default()
    })
}
