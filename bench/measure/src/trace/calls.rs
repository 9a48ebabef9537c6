//! A system call as a reader wants it: what it is about by name, arguments that say something, what it was told.
//! Addresses are left out: they differ from run to run and tell nothing.

use nix::libc;
use record::trace::{Call, Told};

use super::memory::{self, u32_at, u64_at};
use super::objects::{self, Objects};
use super::rings::{Rings, errno};

/// What an argument is.
#[derive(Clone, Copy)]
enum Arg {
    /// A descriptor: by what it leads to.
    Fd,
    /// A number of bytes.
    Bytes,
    /// A number.
    Number,
    /// Milliseconds, −1 for ever.
    Millis,
    /// A path in memory.
    Path,
    /// Nothing to a reader.
    Skip,
}

use Arg::{Bytes, Fd, Millis, Number, Path, Skip};

/// What is shown of whose arguments; of calls that are not here, nothing is.
const SHAPES: &[(&str, &[Arg])] = &[
    ("read", &[Fd]),
    ("readv", &[Fd]),
    ("pread64", &[Fd]),
    ("write", &[Fd, Skip, Bytes]),
    ("writev", &[Fd]),
    ("pwrite64", &[Fd, Skip, Bytes]),
    ("recvfrom", &[Fd]),
    ("recvmsg", &[Fd]),
    ("sendto", &[Fd, Skip, Bytes]),
    ("sendmsg", &[Fd]),
    ("accept", &[Fd]),
    ("accept4", &[Fd]),
    ("close", &[Fd]),
    ("listen", &[Fd, Number]),
    ("bind", &[Fd]),
    ("connect", &[Fd]),
    ("getsockname", &[Fd]),
    ("getpeername", &[Fd]),
    ("setsockopt", &[Fd]),
    ("getsockopt", &[Fd]),
    ("ioctl", &[Fd]),
    ("flock", &[Fd]),
    ("dup", &[Fd]),
    ("dup2", &[Fd, Number]),
    ("dup3", &[Fd, Number]),
    ("fstat", &[Fd]),
    ("epoll_wait", &[Fd, Skip, Skip, Millis]),
    ("epoll_pwait", &[Fd, Skip, Skip, Millis]),
    ("epoll_pwait2", &[Fd]),
    ("poll", &[Skip, Number, Millis]),
    ("ppoll", &[Skip, Number]),
    ("select", &[Number]),
    ("pselect6", &[Number]),
    ("splice", &[Fd, Skip, Fd, Skip, Bytes]),
    ("sendfile", &[Fd, Fd, Skip, Bytes]),
    ("io_uring_setup", &[Number]),
    ("io_uring_enter", &[Fd]),
    ("io_uring_register", &[Fd, Number]),
    ("execve", &[Path]),
    ("open", &[Path]),
    ("openat", &[Skip, Path]),
    ("exit", &[Number]),
    ("exit_group", &[Number]),
];

/// Those whose result is a descriptor.
const MAKE_DESCRIPTORS: &[&str] = &[
    "accept",
    "accept4",
    "socket",
    "epoll_create",
    "epoll_create1",
    "eventfd",
    "eventfd2",
    "io_uring_setup",
    "open",
    "openat",
    "dup",
    "dup2",
    "dup3",
    "timerfd_create",
    "signalfd4",
    "pidfd_open",
];

/// What calls are decoded against.
pub struct World<'a> {
    /// What descriptors lead to.
    pub objects: Objects<'a>,
    /// What rings hold.
    pub rings: Rings,
}

impl World<'_> {
    /// A call at its beginning, by a task of this process.
    pub fn begun(&mut self, process: i32, name: &str, args: &[u64; 6], from_ns: u64) -> Call {
        let mut call = Call {
            task: String::new(),
            name: name.to_owned(),
            args: Vec::new(),
            on: None,
            from_ns,
            to_ns: None,
            result: None,
            errno: None,
            made: None,
            slept: None,
            gave: Vec::new(),
            got: Vec::new(),
        };
        let shape = SHAPES.iter().find(|(of, _)| *of == name);
        for (arg, &value) in shape.map_or(&[][..], |(_, shape)| shape).iter().zip(args) {
            let text = match arg {
                Arg::Skip => continue,
                Arg::Fd => {
                    let name = self.objects.of(process, value);
                    call.on = call.on.or(name.clone());
                    name.unwrap_or_else(|| format!("fd {}", value as i32))
                }
                Arg::Bytes => format!("{value} bytes"),
                Arg::Number => (value as i32).to_string(),
                Arg::Millis => match value as i32 {
                    ..0 => "for ever".to_owned(),
                    0 => "at once".to_owned(),
                    millis => format!("{millis} ms at most"),
                },
                Arg::Path => memory::text(process, value).unwrap_or_default(),
            };
            call.args.push(text);
        }
        self.begun_specially(&mut call, process, args);
        call
    }

    fn begun_specially(&mut self, call: &mut Call, process: i32, args: &[u64; 6]) {
        match call.name.as_str() {
            "futex" => {
                let private = args[1] & 128 != 0;
                let word = self.objects.futex(process, args[0], private);
                let (what, many) = futex(args[1] & 0x7f);
                call.args = vec![word.clone(), what.to_owned()];
                if many {
                    call.args.push(at_most(args[2]));
                }
                call.on = Some(word);
            }
            "epoll_ctl" => {
                let epoll = self.objects.of(process, args[0]);
                let about = self.objects.of(process, args[2]);
                let what = ["?", "add", "remove", "change"][(args[1] as usize).min(3)];
                call.args = vec![
                    epoll.unwrap_or_default(),
                    what.to_owned(),
                    about
                        .clone()
                        .unwrap_or_else(|| format!("fd {}", args[2] as i32)),
                ];
                call.on = about;
            }
            "fcntl" => {
                let about = self.objects.of(process, args[0]);
                let what = fcntl(process, args[1], args[2]).to_owned();
                call.args = vec![about.clone().unwrap_or_default(), what];
                call.on = about;
            }
            "shutdown" => {
                let about = self.objects.of(process, args[0]);
                let how = ["reading", "writing", "both"][(args[1] as usize).min(2)];
                call.args = vec![about.clone().unwrap_or_default(), how.to_owned()];
                call.on = about;
            }
            "clone" => call.args = vec![clone(args[0]).to_owned()],
            "clone3" => {
                let flags = memory::bytes(process, args[0], 8).map(|bytes| u64_at(&bytes, 0));
                call.args = flags
                    .map(|flags| clone(flags).to_owned())
                    .into_iter()
                    .collect();
            }
            "fork" | "vfork" => call.args = vec!["a process".to_owned()],
            "kill" | "tgkill" | "tkill" => {
                let number = if call.name == "tgkill" {
                    args[2]
                } else {
                    args[1]
                };
                call.args = vec![signal(number as i32)];
            }
            "sendmsg" => call.gave = self.passed(process, args[1]),
            "io_uring_enter" => {
                call.gave = self.rings.orders(process, args[0], &mut self.objects);
                if args[2] > 0 {
                    call.args.push(format!("wait for {}", args[2]));
                }
            }
            _ => {}
        }
    }

    /// A call at its end.
    pub fn ended(
        &mut self,
        call: &mut Call,
        process: i32,
        args: &[u64; 6],
        (result, failed): (i64, bool),
    ) {
        if failed {
            call.errno = Some(errno(i32::try_from(-result).unwrap_or(0)));
        } else {
            call.result = Some(result);
        }
        let count = usize::try_from(result).unwrap_or(0);
        match call.name.as_str() {
            // Answers come with an interrupted call, too.
            "io_uring_enter" => call.got = self.rings.answers(process, args[0], &mut self.objects),
            _ if failed => {}
            "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => {
                call.got = self.events(process, args[0], args[1], count);
            }
            "poll" | "ppoll" => call.got = self.polled(process, args[0], args[1]),
            "recvmsg" => call.got = self.passed(process, args[1]),
            "socketpair" => call.args = self.two(process, args[3], true),
            "pipe" | "pipe2" => call.args = self.two(process, args[0], false),
            name if MAKE_DESCRIPTORS.contains(&name) => {
                call.made = self.objects.of(process, result.unsigned_abs());
            }
            _ => {}
        }
        // What the kernel answers in addresses is nobody's business.
        if matches!(call.name.as_str(), "mmap" | "brk" | "mremap") {
            call.result = None;
        }
    }

    /// What epoll_wait(2) has said.
    fn events(&mut self, process: i32, epoll: u64, at: u64, count: usize) -> Vec<Told> {
        let size = size_of::<libc::epoll_event>();
        let Some(bytes) = memory::bytes(process, at, size * count.min(1024)) else {
            return Vec::new();
        };
        let watched = objects::watched(process, epoll & 0xffff_ffff);
        let told = |event: &[u8]| {
            let data = u64_at(event, size - 8);
            let fd = watched.iter().find(|(word, _)| *word == data);
            Told {
                on: fd.and_then(|(_, fd)| self.objects.of(process, *fd)),
                what: ready(u32_at(event, 0)),
            }
        };
        bytes.chunks_exact(size).map(told).collect()
    }

    fn polled(&mut self, process: i32, at: u64, count: u64) -> Vec<Told> {
        let count = usize::try_from(count).unwrap_or(0).min(1024);
        let bytes = memory::bytes(process, at, 8 * count).unwrap_or_default();
        let mut told = Vec::new();
        for entry in bytes.chunks_exact(8) {
            let seen = u32_at(entry, 4) >> 16;
            if seen != 0 {
                told.push(Told {
                    on: self.objects.of(process, u64::from(u32_at(entry, 0))),
                    what: ready(seen),
                });
            }
        }
        told
    }

    /// The descriptors that a message carries (SCM_RIGHTS).
    fn passed(&mut self, process: i32, message: u64) -> Vec<Told> {
        let read = || {
            let header = memory::bytes(process, message, 56)?;
            let (at, length) = (u64_at(&header, 32), u64_at(&header, 40));
            memory::bytes(process, at, usize::try_from(length).ok()?.min(1024))
        };
        let Some(control) = read() else {
            return Vec::new();
        };
        let rights = u32_at(&control, 8) == libc::SOL_SOCKET as u32
            && u32_at(&control, 12) == libc::SCM_RIGHTS as u32;
        let length = usize::try_from(u64_at(&control, 0)).unwrap_or(0);
        let fds = control.get(16..length.min(control.len()));
        let fds = fds.filter(|_| rights).unwrap_or_default();
        let told = |fd: &[u8]| Told {
            on: self.objects.of(process, u64::from(u32_at(fd, 0))),
            what: "passed".to_owned(),
        };
        fds.chunks_exact(4).map(told).collect()
    }

    fn two(&mut self, process: i32, at: u64, pair: bool) -> Vec<String> {
        let Some(fds) = memory::bytes(process, at, 8) else {
            return Vec::new();
        };
        let fds = [0, 4].map(|place| u64::from(u32_at(&fds, place)));
        if pair {
            self.objects.pair(process, fds);
        }
        let mut names: Vec<String> = fds
            .iter()
            .filter_map(|fd| self.objects.of(process, *fd))
            .collect();
        names.dedup();
        names
    }
}

/// What a futex(2) operation is, and whether it says how many.
fn futex(operation: u64) -> (&'static str, bool) {
    match operation {
        0 | 9 => ("wait", false),
        1 | 5 | 10 => ("wake", true),
        3 | 4 => ("wake and move", true),
        6 | 8 | 13 => ("lock", false),
        7 => ("unlock", false),
        _ => ("?", false),
    }
}

fn at_most(number: u64) -> String {
    match number as i32 {
        i32::MAX | -1 => "all".to_owned(),
        number => number.to_string(),
    }
}

fn fcntl(process: i32, command: u64, about: u64) -> &'static str {
    // struct flock begins with its l_type, a short.
    let kind = || memory::u32(process, about).map(|word| i32::from(word as i16));
    match i32::try_from(command).unwrap_or(-1) {
        libc::F_GETFL => "get flags",
        libc::F_SETFL => "set flags",
        libc::F_GETFD => "get descriptor flags",
        libc::F_SETFD => "set descriptor flags",
        libc::F_SETLK | libc::F_SETLKW if kind() == Some(libc::F_UNLCK) => "unlock",
        libc::F_SETLK => "try the lock",
        libc::F_SETLKW => "lock, and wait for it",
        libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => "duplicate",
        _ => "…",
    }
}

fn clone(flags: u64) -> &'static str {
    let has = |flag: i32| flags & u64::from(flag.unsigned_abs()) != 0;
    if has(libc::CLONE_THREAD) {
        "a thread"
    } else if has(libc::CLONE_VM) {
        "a process in this memory, until it executes"
    } else {
        "a process, a copy"
    }
}

/// The name of a signal, real-time ones by number.
pub fn signal(number: i32) -> String {
    let name = nix::sys::signal::Signal::try_from(number);
    name.map_or(format!("signal {number}"), |name| name.as_str().to_owned())
}

fn ready(events: u32) -> String {
    let words = [
        (libc::EPOLLIN, "readable"),
        (libc::EPOLLOUT, "writable"),
        (libc::EPOLLRDHUP, "said all"),
        (libc::EPOLLHUP, "closed"),
        (libc::EPOLLERR, "broken"),
    ];
    let has = |word: &&(i32, &str)| events & word.0.unsigned_abs() != 0;
    let words: Vec<&str> = words.iter().filter(has).map(|(_, word)| *word).collect();
    words.join(", ")
}
