//! The clients of a loop that orders instead of calling: what is on the way for each, and what it is owed.
//!
//! Sends of one client follow one another, or their bytes might change places; a client with [`BEHIND`]
//! buffers owed is not received from until they are sent; and its descriptor is closed only when the kernel
//! has answered all that was ordered for it.

use std::collections::VecDeque;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsRawFd;

use crate::signals::Open;
use crate::sys::uring::{Lent, Ring};
use crate::work::{Requests, Service};

/// Buffers owed to a client before it is no longer read.
const BEHIND: usize = 4;

/// One of them.
pub struct Client {
    stream: TcpStream,
    /// What it asks for beside the echo.
    pub requests: Option<Requests<'static>>,
    /// Received, and to be sent when what is being sent is.
    pub owed: VecDeque<Lent>,
    /// Whether a send is on the way.
    pub sending: bool,
    /// Whether a receive is.
    pub receiving: bool,
    /// Whether it has said all.
    pub ended: bool,
    _open: Open,
}

/// Who is here, and the ring that serves them.
pub struct Clients {
    /// Where orders are written and answers read.
    pub ring: Ring,
    /// By descriptor.
    table: Vec<Option<Client>>,
    /// How many there are.
    pub open: usize,
    /// Who is to be received from when there are buffers again.
    pub starved: Vec<usize>,
    service: &'static Service,
}

impl Clients {
    /// Nobody yet.
    pub fn none(ring: Ring, service: &'static Service) -> Self {
        Clients {
            ring,
            table: Vec::new(),
            open: 0,
            starved: Vec::new(),
            service,
        }
    }

    /// The client of that number, and the ring.
    pub fn get(&mut self, at: usize) -> Option<(&mut Client, &mut Ring)> {
        Some((self.table.get_mut(at)?.as_mut()?, &mut self.ring))
    }

    /// A client came: orders that all it sends be received.
    pub fn add(&mut self, stream: TcpStream) {
        let at = stream.as_raw_fd() as usize;
        let length = self.table.len().max(at + 1);
        self.table.resize_with(length, || None);
        self.table[at] = Some(Client {
            stream,
            requests: self.service.begin(),
            owed: VecDeque::new(),
            sending: false,
            receiving: true,
            ended: false,
            _open: Open::count(),
        });
        self.open += 1;
        self.ring.receive(at);
    }

    /// Orders what is to be done next for a client, or lets it go when nothing is and nothing is on the way.
    pub fn go_on(&mut self, at: usize) {
        let Some(client) = &mut self.table[at] else {
            return;
        };
        if !client.sending
            && let Some(lent) = client.owed.pop_front()
        {
            client.sending = true;
            self.ring.send(at, lent);
        }
        if client.receiving && client.owed.len() >= BEHIND {
            self.ring.stop_receiving(at);
        } else if !client.receiving && !client.ended && client.owed.is_empty() {
            client.receiving = true;
            self.ring.receive(at);
        }
        if client.ended && !client.receiving && !client.sending {
            self.table[at] = None;
            self.open -= 1;
        }
    }

    /// Ends a client that is gone, or whose work has failed; what it is owed is not sent.
    pub fn break_off(&mut self, at: usize) {
        let Some(client) = &mut self.table[at] else {
            return;
        };
        client.ended = true;
        client
            .owed
            .drain(..)
            .for_each(|lent| self.ring.give_back(lent));
        // Its receive, if there is one, is answered by this; it may be gone already.
        let _ = client.stream.shutdown(Shutdown::Both);
        self.go_on(at);
    }
}
