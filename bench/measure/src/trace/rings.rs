//! io_uring seen from outside: the orders and the answers lie in memory that the server shares with the kernel,
//! so no system call names them. Read there at each io_uring_enter(2); where they cannot be read (kernels before
//! 6.10 do not show them to strangers) a ring is a call that says nothing.

use std::collections::HashMap;

use nix::libc;
use record::trace::Told;

use super::memory::{self, u32_at, u64_at};
use super::objects::Objects;

/// Where mmap(2) of a ring's descriptor finds what.
const ANSWERS: u64 = 0x800_0000;
const ORDERS: u64 = 0x1000_0000;
/// IORING_SETUP_NO_SQARRAY.
const NO_INDEX: u32 = 1 << 16;
/// IORING_SETUP_SQE128 and _CQE32.
const WIDE_ORDERS: u32 = 1 << 10;
const WIDE_ANSWERS: u32 = 1 << 11;
/// Never more in one call than a ring of a small server holds.
const MOST: u32 = 4096;

/// What an opcode orders, for those that servers use.
const OPS: &[(u8, &str)] = &[
    (0, "nop"),
    (1, "readv"),
    (2, "writev"),
    (6, "poll"),
    (9, "sendmsg"),
    (10, "recvmsg"),
    (11, "timeout"),
    (12, "timeout removal"),
    (13, "accept"),
    (14, "cancel"),
    (15, "linked timeout"),
    (16, "connect"),
    (19, "close"),
    (22, "read"),
    (23, "write"),
    (26, "send"),
    (27, "recv"),
    (31, "buffers"),
    (34, "shutdown"),
    (47, "send (zero copy)"),
];

#[derive(Debug, Default)]
struct Ring {
    flags: u32,
    sq: Vec<u32>,
    cq: Vec<u32>,
    sq_at: u64,
    cq_at: u64,
    orders_at: u64,
    /// Answers up to here were told.
    told: u32,
    /// What was ordered under a word, of which descriptor.
    ordered: HashMap<u64, (String, Option<u64>)>,
}

/// All rings, by process and descriptor.
#[derive(Debug, Default)]
pub struct Rings(HashMap<(i32, u64), Ring>);

impl Rings {
    /// io_uring_setup(2) has returned `fd`; `params` is where its parameters are.
    pub fn made(&mut self, process: i32, fd: u64, params: u64) {
        let Some(params) = memory::bytes(process, params, 120) else {
            return;
        };
        let words = |from: usize| (0..8).map(|n| u32_at(&params, from + 4 * n)).collect();
        let ring = Ring {
            flags: u32_at(&params, 8),
            sq: words(40),
            cq: words(80),
            ..Ring::default()
        };
        self.0.insert((process, fd), ring);
    }

    /// mmap(2) of a descriptor at an offset has returned `address`.
    pub fn mapped(&mut self, process: i32, fd: u64, offset: u64, address: u64) {
        let Some(ring) = self.0.get_mut(&(process, fd)) else {
            return;
        };
        match offset {
            // One mapping for both since Linux 5.4.
            0 => (ring.sq_at, ring.cq_at) = (address, address),
            ANSWERS => ring.cq_at = address,
            ORDERS => ring.orders_at = address,
            _ => {}
        }
    }

    /// What stands in the ring to be ordered by the call that begins.
    pub fn orders(&mut self, process: i32, fd: u64, objects: &mut Objects<'_>) -> Vec<Told> {
        let ring = self.0.get_mut(&(process, fd));
        ring.and_then(|ring| ring.orders(process, objects))
            .unwrap_or_default()
    }

    /// What was answered since the last call.
    pub fn answers(&mut self, process: i32, fd: u64, objects: &mut Objects<'_>) -> Vec<Told> {
        let ring = self.0.get_mut(&(process, fd));
        ring.and_then(|ring| ring.answers(process, objects))
            .unwrap_or_default()
    }
}

impl Ring {
    fn orders(&mut self, process: i32, objects: &mut Objects<'_>) -> Option<Vec<Told>> {
        let word = |at: u32| memory::u32(process, self.sq_at + u64::from(at));
        let (head, tail, mask) = (word(self.sq[0])?, word(self.sq[1])?, word(self.sq[2])?);
        let size = if self.flags & WIDE_ORDERS == 0 {
            64
        } else {
            128
        };
        let mut told = Vec::new();
        for n in 0..tail.wrapping_sub(head).min(MOST) {
            let at = head.wrapping_add(n) & mask;
            let at = match self.flags & NO_INDEX {
                0 => word(self.sq[6] + 4 * at)?,
                _ => at,
            };
            let order = memory::bytes(process, self.orders_at + u64::from(at) * size, 64)?;
            let code = order[0];
            let named = OPS.iter().find(|(op, _)| *op == code);
            let what = named.map_or(format!("order {code}"), |(_, name)| (*name).to_owned());
            let fd = u32_at(&order, 4);
            let about = fd as i32 >= 0 && !matches!(code, 11 | 12 | 14 | 31);
            let fd = about.then_some(u64::from(fd));
            self.ordered.insert(u64_at(&order, 32), (what.clone(), fd));
            told.push(Told {
                on: fd.and_then(|fd| objects.of(process, fd)),
                what,
            });
        }
        Some(told)
    }

    fn answers(&mut self, process: i32, objects: &mut Objects<'_>) -> Option<Vec<Told>> {
        let word = |at: u32| memory::u32(process, self.cq_at + u64::from(at));
        let (tail, mask) = (word(self.cq[1])?, word(self.cq[2])?);
        let size = if self.flags & WIDE_ANSWERS == 0 {
            16
        } else {
            32
        };
        let mut told = Vec::new();
        for n in 0..tail.wrapping_sub(self.told).min(MOST) {
            let at = self.told.wrapping_add(n) & mask;
            let place = self.cq_at + u64::from(self.cq[5]) + u64::from(at) * size;
            let answer = memory::bytes(process, place, 16)?;
            let ordered = self.ordered.get(&u64_at(&answer, 0)).cloned();
            let (what, fd) = ordered.unwrap_or_else(|| ("an order".to_owned(), None));
            let on = fd.and_then(|fd| objects.of(process, fd));
            let result = u32_at(&answer, 8) as i32;
            told.push(match (what.as_str(), result) {
                ("accept", 0..) => Told {
                    on: objects.of(process, u64::from(result.unsigned_abs())),
                    what: format!("accept = {result}"),
                },
                (_, ..0) => Told {
                    on,
                    what: format!("{what}: {}", errno(result)),
                },
                _ => Told {
                    on,
                    what: format!("{what} = {result}"),
                },
            });
        }
        self.told = tail;
        Some(told)
    }
}

/// The name of an error's number, whatever its sign.
pub fn errno(number: i32) -> String {
    let number = number.saturating_abs();
    match number {
        // Never seen by a program: the kernel makes the call again, or says EINTR.
        512..=516 => "interrupted by a signal".to_owned(),
        _ if number == libc::EAGAIN => "EAGAIN".to_owned(),
        _ => format!("{:?}", nix::errno::Errno::from_raw(number)),
    }
}
