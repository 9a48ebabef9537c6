//! Servers for tests of the load generator, in this very process: an echo server that keeps books, and a
//! proxy before it that harms requests by seed and counts what it did to them.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// What a server did, counted before the client can see it.
#[derive(Default, Debug)]
pub struct Books {
    /// Connections.
    pub accepted: AtomicU64,
    /// Requests that have come.
    pub requests: AtomicU64,
    /// Most requests of one connection.
    pub most_of_one: AtomicU64,
}

/// A server that listens on a free port until the test's process ends.
pub struct Server {
    /// Where.
    pub port: u16,
    /// What it did.
    pub books: Arc<Books>,
}

impl Server {
    /// `HOST:PORT`.
    pub fn target(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Requests that have come until now.
    pub fn requests(&self) -> u64 {
        self.books.requests.load(SeqCst)
    }

    /// Connections until now.
    pub fn accepted(&self) -> u64 {
        self.books.accepted.load(SeqCst)
    }
}

/// Echoes messages; `before_reply` is told the number of the request, over all connections, from 1.
pub fn echo(message: usize, before_reply: impl Fn(u64) + Send + Sync + 'static) -> Server {
    serve(move |mut stream, _, books| {
        let mut bytes = vec![0; message];
        for own in 1.. {
            stream.read_exact(&mut bytes)?;
            books.most_of_one.fetch_max(own, SeqCst);
            before_reply(books.requests.fetch_add(1, SeqCst) + 1);
            stream.write_all(&bytes)?;
        }
        Ok(())
    })
}

/// Accepts, and calls `client` with each connection and its number in a thread.
pub fn serve(
    client: impl Fn(TcpStream, u64, &Books) -> Result<()> + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let (books, client) = (Arc::new(Books::default()), Arc::new(client));
    let server = Server {
        port,
        books: Arc::clone(&books),
    };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let number = books.accepted.fetch_add(1, SeqCst);
            let (books, client) = (Arc::clone(&books), Arc::clone(&client));
            thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                // A client that goes is how each of these ends.
                let _ = client(stream, number, &books);
            });
        }
    });
    server
}

/// A port of this machine on which nobody listens.
pub fn deserted_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// What the proxy did to requests.
#[derive(Default, Debug)]
pub struct Harm {
    /// Answered well, perhaps late or in pieces.
    pub good: AtomicU64,
    /// Reset.
    pub reset: AtomicU64,
    /// Closed before the reply was complete.
    pub closed: AtomicU64,
    /// A byte was changed.
    pub wrong: AtomicU64,
    /// Never answered.
    pub silent: AtomicU64,
}

/// What happens to a request.
#[derive(Clone, Copy)]
enum Fate {
    Good,
    Late,
    InPieces,
    Reset,
    Closed,
    Half,
    Corrupt,
    Silent,
}

/// A proxy before an echo server; the first `calm` requests are left alone.
pub fn chaos(message: usize, seed: u64, calm: u64) -> (Server, Arc<Harm>) {
    let upstream = echo(message, |_| {});
    let harm = Arc::new(Harm::default());
    let done = Arc::clone(&harm);
    let server = serve(move |client, number, books| {
        let mut link = Link {
            client,
            upstream: TcpStream::connect((Ipv4Addr::LOCALHOST, upstream.port))?,
            random: Random(Random(seed).next() ^ Random(!number).next()),
        };
        link.upstream.set_nodelay(true)?;
        loop {
            link.request(message, calm, books, &harm)?;
        }
    });
    (server, done)
}

struct Link {
    client: TcpStream,
    upstream: TcpStream,
    random: Random,
}

impl Link {
    fn request(&mut self, message: usize, calm: u64, books: &Books, harm: &Harm) -> Result<()> {
        let ended = || Error::from(ErrorKind::UnexpectedEof);
        if self.client.peek(&mut [0])? == 0 {
            return Err(ended());
        }
        let unharmed = books.requests.fetch_add(1, SeqCst) < calm;
        let fate = if unharmed {
            Fate::Good
        } else {
            self.random.fate()
        };
        let book = match fate {
            Fate::Reset => &harm.reset,
            Fate::Closed | Fate::Half => &harm.closed,
            Fate::Corrupt => &harm.wrong,
            Fate::Silent => &harm.silent,
            Fate::Good | Fate::Late | Fate::InPieces => &harm.good,
        };
        if !unharmed {
            book.fetch_add(1, SeqCst);
        }
        if matches!(fate, Fate::Reset) {
            // Closed with the request unread: the kernel resets.
            return Err(ended());
        }
        let mut bytes = vec![0; message];
        self.client.read_exact(&mut bytes)?;
        self.upstream.write_all(&bytes)?;
        self.upstream.read_exact(&mut bytes)?;
        match fate {
            Fate::Late => thread::sleep(Duration::from_millis(self.random.below(20))),
            Fate::Corrupt => bytes[self.random.below(message as u64) as usize] ^= 0x10,
            _ => {}
        }
        match fate {
            Fate::Closed => return Err(ended()),
            Fate::Half => {
                self.client.write_all(&bytes[..message / 2])?;
                return Err(ended());
            }
            Fate::InPieces => {
                for piece in bytes.chunks(message.div_ceil(4)) {
                    self.client.write_all(piece)?;
                    thread::sleep(Duration::from_millis(1));
                }
            }
            Fate::Silent => {
                // Until the client gives up; what else it sends stays unanswered.
                while self.client.read(&mut bytes)? > 0 {}
                return Err(ended());
            }
            _ => self.client.write_all(&bytes)?,
        }
        Ok(())
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn fate(&mut self) -> Fate {
        match self.below(1000) {
            0..30 => Fate::Late,
            30..50 => Fate::InPieces,
            50..60 => Fate::Reset,
            60..70 => Fate::Closed,
            70..80 => Fate::Half,
            80..90 => Fate::Corrupt,
            90..93 => Fate::Silent,
            _ => Fate::Good,
        }
    }
}
