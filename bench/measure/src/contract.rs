//! The contract of an echo server, as a client sees it: untimed, for any server that has a port.
//!
//! Goals: each promise is kept, or broken with a sentence that names the connection, the byte and the lie.
//! Non-goals: speed, and what only the server's host can see (children reaped, limits met). Everything has
//! a deadline, and no client sends more than [`FLOOD`] bytes.

mod client;
#[cfg(test)]
mod liars;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use record::Holds;

use client::Client;

/// The server that is put to the test.
pub struct Target<'a> {
    /// Where it listens.
    pub address: SocketAddr,
    /// How many clients it serves at the same moment.
    pub holds: Holds,
    /// With how many workers it was started.
    pub workers: u32,
    /// The memory of its process tree, where that can be read.
    pub memory_bytes: Option<&'a dyn Fn() -> Option<u64>>,
}

/// One promise, and how to see that it is kept.
pub struct Check {
    /// `[a-z-]+`.
    pub name: &'static str,
    /// What a client may rely on.
    pub promise: &'static str,
    /// Puts the server to the test.
    pub run: fn(&Target<'_>) -> Result<(), Violation>,
}

/// How a promise was broken.
#[derive(Debug, thiserror::Error)]
pub enum Violation {
    /// Bytes came that were not owed, or the end came in their place.
    #[error("{place}: {kind}: expected {}, got {}", byte(.expected), byte(.came))]
    Wrong {
        /// Which lie was told.
        kind: WrongBytes,
        /// Where it was told.
        place: Place,
        /// What was owed.
        expected: Option<u8>,
        /// What came.
        came: Option<u8>,
    },
    /// The server keeps the connection and owes bytes.
    #[error("{0}: expected a byte, got nothing for {PATIENCE:?}")]
    Silent(Place),
    /// The server ended the connection while it owed bytes.
    #[error("{0}: expected a byte, but the server ended the connection: {1}")]
    Closed(Place, io::Error),
    /// No connection could be made.
    #[error("cannot connect to {0}: {1}; does it listen there?")]
    Refused(SocketAddr, io::Error),
    /// The server keeps what a client that never reads will never take back.
    #[error(
        "a client that never reads sent {sent} bytes, and the server's memory grew by {}",
        bytes(.grown)
    )]
    Grew {
        /// What the server took.
        sent: usize,
        /// By how many bytes its memory grew, where that can be read.
        grown: Option<u64>,
    },
}

/// A byte of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1 in this process.
    pub connection: u64,
    /// Counted from 0.
    pub byte: usize,
    /// What the whole reply measures.
    pub of: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (connection, byte, of) = (self.connection, self.byte, self.of);
        write!(f, "connection {connection}, byte {byte} of a reply of {of}")
    }
}

/// The lies that a server can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongBytes {
    /// A byte differs; those after it are right.
    #[error("a byte was changed")]
    Flipped,
    /// Bytes are missing: later ones came in their place, or the end.
    #[error("bytes were dropped")]
    DroppedTail,
    /// Bytes came that had come before.
    #[error("bytes were echoed twice")]
    EchoedTwice,
    /// Another connection of this check sent them.
    #[error("these are another client's bytes")]
    OtherClients,
    /// Nobody sent them.
    #[error("nobody sent these bytes")]
    Garbled,
}

fn byte(byte: &Option<u8>) -> String {
    byte.map_or("the end".to_owned(), |byte| format!("{byte:#04x}"))
}

fn bytes(bytes: &Option<u64>) -> String {
    let unknown = "an amount that cannot be read here";
    bytes.map_or(unknown.to_owned(), |bytes| format!("{bytes} bytes"))
}

/// A server that owes bytes and sends none for so long breaks its promise.
const PATIENCE: Duration = Duration::from_secs(4);
/// More than the socket buffers between two programs ever hold (32 and 4 MiB by default).
const FLOOD: usize = 256 << 20;
/// What a garbage collector may make of a flood that it does not keep.
const GROWTH_ALLOWED: u64 = 64 << 20;
/// Clients at once, where a server holds any number.
const MANY: usize = 64;
/// Bytes of a client that says them one by one, and what others ask between two of them.
const DRIPS: usize = 8;
const BESIDE: usize = 20;

/// All checks; what breaks the simplest promise is understood soonest.
pub const CHECKS: &[Check] = &[
    check("empty", "a client that says nothing harms nobody", empty),
    check(
        "segmentation",
        "bytes come back in order, whatever their segmentation",
        segmentation,
    ),
    check(
        "half-close",
        "a client that has said all is answered to the last byte",
        half_close,
    ),
    check(
        "slow-reader",
        "1 MiB at once comes back to a client that reads slowly",
        slow_reader,
    ),
    check("many", "clients at once get their own bytes", many),
    check(
        "reset",
        "a client that resets its connection, at whatever point, harms nobody",
        reset,
    ),
    check(
        "never-reader",
        "a client that never reads harms nobody",
        never_reader,
    ),
    check(
        "drip",
        "a client that says a byte at a time is answered, and delays nobody",
        drip,
    ),
    check(
        "flood",
        "a client that never stops asking keeps nobody else from an answer",
        flood,
    ),
];

type Run = fn(&Target<'_>) -> Result<(), Violation>;

const fn check(name: &'static str, promise: &'static str, run: Run) -> Check {
    Check { name, promise, run }
}

fn empty(target: &Target<'_>) -> Result<(), Violation> {
    for _ in 0..8 {
        drop(Client::connect(target)?);
        Client::connect(target)?.finish()?;
    }
    is_served(target)
}

fn segmentation(target: &Target<'_>) -> Result<(), Violation> {
    let mut random = StdRng::seed_from_u64(1);
    let mut client = Client::connect(target)?;
    for size in [
        1usize, 2, 3, 8, 63, 64, 65, 1460, 4095, 4096, 4097, 8192, 65_535, 262_144,
    ] {
        for largest in [size, size.div_ceil(7), size.div_ceil(100)] {
            client.exchange(size, || random.random_range(1..=largest))?;
        }
    }
    client.finish()
}

fn half_close(target: &Target<'_>) -> Result<(), Violation> {
    for size in [0, 1, 64, 4097, 300_000] {
        let mut client = Client::connect(target)?;
        client.begin(size);
        client.say(size);
        client.finish()?;
    }
    Ok(())
}

fn slow_reader(target: &Target<'_>) -> Result<(), Violation> {
    let mut client = Client::connect(target)?;
    client.shrink_buffer();
    client.begin(1 << 20);
    // All that goes before the first byte is read; then little by little, as fast as room is made.
    client.say(1 << 20);
    client.read_at_most = 1000;
    client.complete(|| usize::MAX)?;
    client.finish()
}

fn many(target: &Target<'_>) -> Result<(), Violation> {
    let connect = |_| Client::connect(target);
    let mut clients = (0..at_once(target))
        .map(connect)
        .collect::<Result<Vec<_>, _>>()?;
    let all: Vec<u64> = clients.iter().map(|client| client.id).collect();
    for round in 1..=5 {
        for (index, client) in clients.iter_mut().enumerate() {
            client.others.clone_from(&all);
            client.begin(8 + (index * 131 + round * 517) % 5000);
        }
        for parts in [3, 1] {
            clients
                .iter_mut()
                .for_each(|client| client.say(client.length.div_ceil(parts)));
        }
        for client in clients.iter_mut().rev() {
            client.hear()?;
        }
    }
    clients.into_iter().try_for_each(Client::finish)
}

/// Where a conversation may be when its client resets it: bytes said, how many of them heard, whether it has said all.
const POINTS: [(usize, usize, bool); 8] = [
    // Accepted, or still waiting for it.
    (0, 0, false),
    // The request is on its way, or its reply is.
    (100, 0, false),
    // In the midst of the reply, and after it.
    (100, 40, false),
    (100, 100, false),
    // In the midst of more than buffers hold, with and without a reply that is under way.
    (1 << 20, 0, false),
    (1 << 20, 1000, false),
    // It has said that it has said all: before the reply, and after it.
    (100, 0, true),
    (100, 100, true),
];

fn reset(target: &Target<'_>) -> Result<(), Violation> {
    let mut witness = Witness::call(target)?;
    for (says, hears, is_all) in POINTS {
        let mut client = Client::connect(target)?;
        client.read_at_most = hears.max(1);
        client.begin(says);
        client.say(says);
        if is_all {
            client.say_no_more()?;
        }
        client.hear_first(hears)?;
        client.abort();
        witness.is_served()?;
        is_served(target)?;
    }
    witness.leave()
}

fn drip(target: &Target<'_>) -> Result<(), Violation> {
    let mut witness = Witness::call(target)?;
    let mut slow = Client::connect(target)?;
    slow.begin(DRIPS);
    for drip in 1..=DRIPS {
        slow.say(1);
        slow.hear_first(drip)?;
        for _ in 0..BESIDE {
            witness.is_served()?;
        }
    }
    slow.finish()?;
    witness.leave()
}

fn flood(target: &Target<'_>) -> Result<(), Violation> {
    let connect = |_| Client::connect(target);
    let mut quiet = (1..at_once(target))
        .map(connect)
        .collect::<Result<Vec<_>, _>>()?;
    let ask = |client: &mut Client| client.exchange(64, || 64);
    quiet.iter_mut().try_for_each(ask)?;
    let mut loud = Client::connect(target)?;
    let (told, floods) = mpsc::channel();
    let is_over = AtomicBool::new(false);
    thread::scope(|threads| {
        let flooding = threads.spawn(|| {
            let told = told;
            for _ in 0..FLOOD / client::FAR {
                if is_over.load(Relaxed) {
                    break;
                }
                loud.exchange(client::FAR, || usize::MAX)?;
                let _ = told.send(());
            }
            loud.finish()
        });
        // It ends at once where the flood itself was broken off, which is told below.
        let asked = floods
            .recv()
            .map_or(Ok(()), |()| quiet.iter_mut().try_for_each(ask));
        is_over.store(true, Relaxed);
        let flooded = flooding.join();
        flooded.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        asked
    })?;
    quiet.into_iter().try_for_each(Client::finish)
}

fn never_reader(target: &Target<'_>) -> Result<(), Violation> {
    let memory = || target.memory_bytes.and_then(|read| read());
    let mut witness = Witness::call(target)?;
    let before = memory();
    let mut flood = Client::connect(target)?;
    flood.shrink_buffer();
    flood.begin(FLOOD);
    flood.say(FLOOD);
    let (sent, after) = (flood.sent, memory());
    let grown = after
        .zip(before)
        .map(|(after, before)| after.saturating_sub(before));
    if sent == FLOOD || grown > Some(GROWTH_ALLOWED) {
        return Err(Violation::Grew { sent, grown });
    }
    witness.is_served()?;
    if at_once(target) > 2 {
        is_served(target)?;
    }
    drop(flood);
    is_served(target)?;
    witness.leave()
}

fn at_once(target: &Target<'_>) -> usize {
    match target.holds {
        Holds::One => 1,
        Holds::Workers => target.workers as usize,
        Holds::Any => MANY,
    }
}

/// Somebody comes, is served and goes.
fn is_served(target: &Target<'_>) -> Result<(), Violation> {
    let mut client = Client::connect(target)?;
    client.exchange(1000, || 300)?;
    client.finish()
}

/// A client that is served while others misbehave, where the server holds more than one.
struct Witness(Option<Client>);

impl Witness {
    fn call(target: &Target<'_>) -> Result<Self, Violation> {
        let several = at_once(target) > 1;
        let client = several.then(|| Client::connect(target)).transpose()?;
        let mut witness = Witness(client);
        witness.is_served().map(|()| witness)
    }

    fn is_served(&mut self) -> Result<(), Violation> {
        let ask = |client: &mut Client| client.exchange(1000, || 300);
        self.0.as_mut().map_or(Ok(()), ask)
    }

    fn leave(self) -> Result<(), Violation> {
        self.0.map_or(Ok(()), Client::finish)
    }
}
