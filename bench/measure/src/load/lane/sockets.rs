//! Sockets of a lane: opened from one source after another, and watched for what is to be done with them.

use std::net::Ipv4Addr;

use nix::sys::epoll::{EpollEvent, EpollFlags};

use super::{Handshake, Lane};
use crate::load::clock::now_ns;
use crate::load::connection::Sent;

/// What a socket is watched for. Told once each time that something comes: told for as long as it is there,
/// each socket would be asked once more, in vain, after every reply.
const WATCHED: EpollFlags = EpollFlags::EPOLLIN
    .union(EpollFlags::EPOLLRDHUP)
    .union(EpollFlags::EPOLLET);

impl Lane {
    /// Opens a connection and watches it; what cannot be opened fails.
    pub(super) fn open_one(&mut self, index: usize, now: u64) {
        let source = self.next_source();
        let connection = &mut self.connections[index];
        let opened = connection.open(self.plan.target, source).and_then(|()| {
            let event = EpollEvent::new(WATCHED, index as u64);
            match &connection.socket {
                Some(socket) => Ok(self.epoll.add(socket, event)?),
                None => Ok(()),
            }
        });
        if let Err(failure) = opened {
            self.fail(index, failure);
            return;
        }
        match self.handshakes.get_mut(index) {
            Some(handshake) => {
                *handshake = Handshake {
                    opened_ns: now,
                    ..Handshake::default()
                };
                // Over loopback it is over when connect(2) returns; else EPOLLOUT tells, and corrects.
                self.connected(index);
            }
            None => connection.without_delay(),
        }
    }

    /// A handshake is over: what is to be sent on its connection is sent from now on.
    fn connected(&mut self, index: usize) {
        let now = now_ns();
        self.handshakes[index].connected_ns = now;
        if let Some(flight) = self.connections[index].flights.oldest_mut() {
            flight.sent_ns = now;
        }
    }

    fn next_source(&mut self) -> Option<Ipv4Addr> {
        let count = self.plan.sources.len();
        if count == 0 {
            return None;
        }
        self.opened = self.opened.wrapping_add(1);
        Some(self.plan.sources[self.opened as usize % count])
    }

    /// Watches a socket, whose state is then told anew: for room, too, where it took too little of the request or
    /// is not connected yet.
    pub(super) fn watch(&mut self, index: usize, wants_room: bool) {
        let connection = &mut self.connections[index];
        connection.wants_room = wants_room;
        let mut flags = WATCHED;
        flags.set(EpollFlags::EPOLLOUT, wants_room);
        let modified = match &connection.socket {
            Some(socket) => self
                .epoll
                .modify(socket, &mut EpollEvent::new(flags, index as u64)),
            None => Ok(()),
        };
        if let Err(errno) = modified {
            self.fail(index, errno.into());
        }
    }

    /// There is room for what was left of a request.
    pub(super) fn resume_sending(&mut self, index: usize, buffer: &mut [u8]) {
        let unanswered = |it: &Handshake| it.answered == 0;
        if self.handshakes.get(index).is_some_and(unanswered)
            && self.connections[index].progress().1 == 0
        {
            self.connected(index);
        }
        match self.connections[index].send(self.plan.message, buffer) {
            Ok(Sent::Part) => {}
            Ok(Sent::All) => self.watch(index, false),
            Err(failure) => self.fail(index, failure),
        }
    }
}
