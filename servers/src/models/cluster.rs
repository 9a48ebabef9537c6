//! Cluster: a master accepts and passes each connection to a worker process (Node's default; UNP 30.9).
//!
//! ```text
//!                        ┌─ the descriptor ─► worker: a loop, or one at a time ─┐
//! accept ─► who gets it? ┼─ (SCM_RIGHTS)  ──► worker …                          │
//!    ▲           ▲       └──────────────────► worker …                          │
//!    │           └──── "I have it", "I have it, and enough", "it got lost" ─────┘
//!    └── while somebody is free; else clients wait in the backlog
//! ```
//!
//! A policy: `RoundRobin`: who has waited longest for one (Node). `LeastConnections`: who has the fewest open.
//! `FirstFree`: the first that serves nobody; its workers block and own a connection until it closes, so it
//! ends at N clients, the others at what N loops can do. It buys this choice, which the kernel does not
//! offer, and pays: two context switches and two messages a connection, and a master that everything goes
//! through (`master.rs`). A connection that was lost on the way, or whose worker died first, is given again.
//!
//! System calls: a request is the worker's alone: `recvfrom`, `sendto`, a share of an `epoll_wait` (loops).
//! A connection: master: `epoll_wait` × 2, `accept4`, `sendmsg`, `recvmsg`, `close`; worker: `epoll_wait` × 2,
//! `recvmsg` × 2, `sendmsg`, `epoll_ctl`, `recvfrom` of its end, `close` (first-free: master `epoll_wait` × 3,
//! `recvmsg` × 2; worker no epoll, `recvmsg` once, `sendmsg` × 2).

use std::io;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;

use super::{Server, event_loop};
use crate::echo::echo;
use crate::handover::Taker;
use crate::listen::{self, Refusal};
use crate::master::{self, Free, Rules};
use crate::nonblocking::Connection;
use crate::{patience, sys, tally};

/// Who gets the next connection.
#[derive(Clone, Copy)]
pub enum Policy {
    RoundRobin,
    LeastConnections,
    FirstFree,
}

/// Serves with `workers` processes until QUIT has ended them all.
pub fn serve(server: &'static Server, policy: Policy) -> io::Result<()> {
    let choose = |free: &mut dyn Iterator<Item = Free>| match policy {
        Policy::FirstFree => free.next(),
        Policy::RoundRobin => free.min_by_key(|worker| worker.since),
        Policy::LeastConnections => {
            free.min_by_key(|worker| (tally::open_at(worker.place), worker.since))
        }
    };
    let work = |taker: &Taker| match policy {
        Policy::FirstFree => serve_one_at_a_time(server, taker),
        // Whatever stops a loop, its end shows the master that somebody has to take its place.
        _ if serve_all_at_once(server, taker).is_err() => sys::exit_now(1),
        _ => {}
    };
    let rules = Rules {
        choose: &choose,
        accept: match policy {
            Policy::FirstFree => |listener| Ok(listener.accept()?.0),
            _ => sys::accept_nonblocking,
        },
        work: &work,
    };
    master::serve(server, rules)
}

fn serve_one_at_a_time(server: &Server, taker: &Taker) {
    let mut left = server.recycle;
    while left > 0 {
        // One at a time: "enough" for now.
        match taker.wait(true) {
            Ok(connection) => {
                left -= 1;
                echo(&listen::Connection::passed(connection), &server.service);
                if left > 0 {
                    taker.done();
                }
            }
            Err(error) => match listen::refusal(&error) {
                Refusal::Retry => {}
                Refusal::Ended => return,
                Refusal::Exhausted => std::thread::sleep(patience::PAUSE),
            },
        }
    }
}

fn serve_all_at_once(server: &'static Server, taker: &Taker) -> io::Result<()> {
    let mut left = server.recycle;
    event_loop::run(taker, EpollFlags::EPOLLIN, || {
        if left == 0 {
            return Err(Errno::EINVAL.into());
        }
        let taken = taker.take(left == 1)?;
        let connection = Connection::adopt(taken.into(), &server.service);
        left -= 1;
        if left == 0 {
            tally::leave();
        }
        Ok(connection)
    })
}
