//! What descriptors lead to, under names that are the same in every trace. Asked of /proc at each call: a table
//! of our own would have to know every call that moves a descriptor.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use netlink_packet_sock_diag::inet::StateFlags;
use record::trace::{Object, ObjectKind};

use crate::sockets;

/// By which local port which client comes; clients write it before they connect.
pub type ClientPorts = Mutex<HashMap<u16, String>>;

/// What two descriptors have in common if they lead to one thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// Sockets and pipes.
    Inode(u64),
    Eventfd(u64),
    /// Epolls, rings, timers: a descriptor of a process, since nothing tells one from another.
    Own(i32, u64),
    Path(String),
    /// An address, of a process if it is private.
    Futex(i32, u64),
    Word(&'static str),
}

/// Everything that was met.
pub struct Objects<'a> {
    /// In the order of their coming.
    pub record: Vec<Object>,
    by_key: HashMap<Key, usize>,
    counted: HashMap<ObjectKind, u32>,
    /// Ends of socket pairs, by inode: the other end, and whether this one was named first.
    pairs: HashMap<u64, (u64, bool)>,
    port: u16,
    clients: &'a ClientPorts,
}

impl<'a> Objects<'a> {
    /// Nothing yet, of a server on this port.
    pub fn none(port: u16, clients: &'a ClientPorts) -> Self {
        Objects {
            record: Vec::new(),
            by_key: HashMap::new(),
            counted: HashMap::new(),
            pairs: HashMap::new(),
            port,
            clients,
        }
    }

    /// The name of what a descriptor of a process leads to.
    pub fn of(&mut self, process: i32, fd: u64) -> Option<String> {
        let fd = u64::from(u32::try_from(fd & 0xffff_ffff).ok()?);
        let link = fs::read_link(format!("/proc/{process}/fd/{fd}")).ok()?;
        let link = link.to_string_lossy().into_owned();
        let inode = |kind: &str| {
            let rest = link.strip_prefix(kind)?.strip_prefix(":[")?;
            rest.strip_suffix(']')?.parse::<u64>().ok()
        };
        if let Some(inode) = inode("socket") {
            return Some(self.socket(inode));
        }
        let (key, kind) = match (inode("pipe"), link.strip_prefix("anon_inode:")) {
            (Some(_), _) if fd <= 2 => {
                let word = ["stdin", "stdout", "stderr"][fd as usize];
                return Some(self.called(Key::Word(word), ObjectKind::File, word));
            }
            (Some(inode), _) => (Key::Inode(inode), ObjectKind::Pipe),
            (None, Some("[eventfd]")) => {
                let id = eventfd(process, fd);
                let key = id.map_or(Key::Own(process, fd), Key::Eventfd);
                (key, ObjectKind::Eventfd)
            }
            (None, Some("[eventpoll]")) => (Key::Own(process, fd), ObjectKind::Epoll),
            (None, Some("[io_uring]")) => (Key::Own(process, fd), ObjectKind::Ring),
            (None, Some(other)) => {
                let name = other.trim_matches(['[', ']']);
                return Some(self.called(Key::Own(process, fd), ObjectKind::File, name));
            }
            // Removed: its name says nothing any more.
            (None, None) if link.ends_with(" (deleted)") => (Key::Path(link), ObjectKind::File),
            (None, None) => {
                let path = Path::new(&link);
                let name = match path.starts_with("/dev") || path.starts_with("/proc") {
                    true => link.clone(),
                    false => path.file_name()?.to_string_lossy().into_owned(),
                };
                return Some(self.called(Key::Path(link), ObjectKind::File, &name));
            }
        };
        Some(self.numbered(key, kind))
    }

    /// The name of a word that is waited for.
    pub fn futex(&mut self, process: i32, address: u64, private: bool) -> String {
        let process = if private { process } else { 0 };
        self.numbered(Key::Futex(process, address), ObjectKind::Futex)
    }

    /// Two descriptors of a process are the ends of a socket pair.
    pub fn pair(&mut self, process: i32, ends: [u64; 2]) {
        if let [Some(a), Some(b)] = ends.map(|fd| socket_inode(process, fd)) {
            self.pairs.insert(a, (b, true));
            self.pairs.insert(b, (a, false));
        }
    }

    /// Counts anew: what was met until now is forgotten, but for which sockets are pairs.
    pub fn forget(&mut self) {
        self.record.clear();
        self.by_key.clear();
        self.counted.clear();
    }

    /// Both ends get their names when one is met.
    fn name_pair(&mut self, first: u64, second: u64) {
        let nth = self.next(ObjectKind::Pair);
        let names = [format!("pair {nth}a"), format!("pair {nth}b")];
        for (inode, name, peer) in [
            (first, &names[0], &names[1]),
            (second, &names[1], &names[0]),
        ] {
            self.by_key.insert(Key::Inode(inode), self.record.len());
            self.record.push(Object {
                name: name.clone(),
                kind: ObjectKind::Pair,
                peer: Some(peer.clone()),
            });
        }
    }

    fn socket(&mut self, inode: u64) -> String {
        let key = Key::Inode(inode);
        if let Some(&(other, first)) = self.pairs.get(&inode)
            && !self.by_key.contains_key(&key)
        {
            let (a, b) = if first {
                (inode, other)
            } else {
                (other, inode)
            };
            self.name_pair(a, b);
        }
        if let Some(at) = self.by_key.get(&key) {
            return self.record[*at].name.clone();
        }
        match self.tcp(inode) {
            Some((ObjectKind::Listener, _)) => {
                let nth = self.next(ObjectKind::Listener);
                let name = match nth {
                    1 => "listener".to_owned(),
                    _ => format!("listener {nth}"),
                };
                self.called(key, ObjectKind::Listener, &name)
            }
            Some((kind, peer)) => {
                let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
                let name = clients.get(&peer).cloned();
                drop(clients);
                let name = name.unwrap_or_else(|| format!("stranger {}", self.next(kind)));
                self.called(key, kind, &name)
            }
            // It may become one of those: it is asked about again.
            None => "socket".to_owned(),
        }
    }

    /// Whether this is a socket of the server's port, and from which port its client comes.
    fn tcp(&self, inode: u64) -> Option<(ObjectKind, u16)> {
        let mut found = None;
        // Where sock_diag(7) is not allowed, sockets have no names.
        let _ = sockets::each(StateFlags::all() - StateFlags::TIME_WAIT, |socket| {
            let id = &socket.socket_id;
            if u64::from(socket.inode) == inode && id.source_port == self.port {
                let kind = match id.destination_port {
                    0 => ObjectKind::Listener,
                    _ => ObjectKind::Connection,
                };
                found = Some((kind, id.destination_port));
            }
        });
        found
    }

    fn next(&mut self, kind: ObjectKind) -> u32 {
        let nth = self.counted.entry(kind).or_insert(0);
        *nth += 1;
        *nth
    }

    fn numbered(&mut self, key: Key, kind: ObjectKind) -> String {
        if let Some(at) = self.by_key.get(&key) {
            return self.record[*at].name.clone();
        }
        let word = match kind {
            ObjectKind::Connection | ObjectKind::Listener | ObjectKind::Socket => "socket",
            ObjectKind::Pair => "pair",
            ObjectKind::Pipe => "pipe",
            ObjectKind::Eventfd => "eventfd",
            ObjectKind::Epoll => "epoll",
            ObjectKind::Ring => "ring",
            ObjectKind::Futex => "futex",
            ObjectKind::File => "file",
        };
        let name = format!("{word} {}", self.next(kind));
        self.called(key, kind, &name)
    }

    fn called(&mut self, key: Key, kind: ObjectKind, name: &str) -> String {
        self.by_key.entry(key).or_insert_with(|| {
            self.record.push(Object {
                name: name.to_owned(),
                kind,
                peer: None,
            });
            self.record.len() - 1
        });
        name.to_owned()
    }
}

fn socket_inode(process: i32, fd: u64) -> Option<u64> {
    let link = fs::read_link(format!("/proc/{process}/fd/{fd}")).ok()?;
    let link = link.to_str()?.strip_prefix("socket:[")?;
    link.strip_suffix(']')?.parse().ok()
}

fn eventfd(process: i32, fd: u64) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/fdinfo/{fd}")).ok()?;
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix("eventfd-id:")?.trim().parse().ok())
}

/// The descriptor that an epoll knows by this word, as its process numbers it.
pub fn watched(process: i32, epoll: u64) -> Vec<(u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{process}/fdinfo/{epoll}")).unwrap_or_default();
    let after = |line: &str, name: &str| {
        let at = line.find(name)? + name.len();
        line[at..].split_whitespace().next().map(str::to_owned)
    };
    let read = |line: &str| {
        let fd = after(line, "tfd:")?.parse().ok()?;
        let data = u64::from_str_radix(&after(line, "data:")?, 16).ok()?;
        Some((data, fd))
    };
    text.lines().filter_map(read).collect()
}
