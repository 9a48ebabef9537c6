//! What one of something takes on this machine: of the labs of the same run, with their names. A price is a mean, for costs add up;
//! over rounds it is their median.

use record::{LabKind, Yardstick};

use crate::labs::{self, Part};
use crate::{stats, yardsticks};

/// What one takes, nanoseconds, and who says so.
pub(super) struct Price {
    /// The median over rounds, or why there is none.
    pub ns: Result<f64, String>,
    /// Each round by itself.
    pub by_round: Result<Vec<(u32, f64)>, String>,
    /// Mechanism and lab, or the yardstick.
    pub source: String,
}

impl Price {
    /// Of a call that no lab makes.
    pub fn none(name: &str) -> Self {
        let why = format!("no lab has a price of {name}");
        Price {
            ns: Err(why.clone()),
            by_round: Err(why),
            source: String::new(),
        }
    }
}

/// Starting and ending something, and what is in that price already.
pub(super) struct Start {
    /// CPU time of both sides.
    pub price: Price,
    /// Switches of one.
    pub switches: f64,
    /// Minor faults of one.
    pub faults: f64,
}

/// A system call, by what it finds.
#[derive(Clone, Copy)]
pub(super) enum Call {
    Entry,
    Receive,
    End,
    Send,
    Accept,
    Close,
    CloseCopy,
    Register,
    Futex,
}

impl Call {
    const fn mechanism(self) -> &'static str {
        match self {
            Call::Entry => "call-entry",
            Call::Receive => "call-recvfrom",
            Call::End => "call-recvfrom-end",
            Call::Send => "call-sendto",
            Call::Accept => "call-accept4",
            Call::Close => "call-close",
            Call::CloseCopy => "call-close-copy",
            Call::Register => "call-epoll-ctl",
            Call::Futex => "call-futex",
        }
    }
}

/// Calls that a task is born and dies with, for whoever starts tasks.
pub(super) fn is_in_a_start(name: &str) -> bool {
    const ALL: [&str; 22] = [
        "clone",
        "clone3",
        "fork",
        "vfork",
        "exit",
        "exit_group",
        "wait4",
        "mmap",
        "munmap",
        "mprotect",
        "madvise",
        "rseq",
        "set_robust_list",
        "sigaltstack",
        "rt_sigprocmask",
        "rt_sigreturn",
        "prctl",
        "gettid",
        "getpid",
        "getppid",
        "futex",
        "others",
    ];
    ALL.contains(&name)
}

/// Calls that do next to nothing.
pub(super) fn is_small(name: &str) -> bool {
    const ALL: [&str; 11] = [
        "fcntl",
        "getpid",
        "gettid",
        "getsockname",
        "setsockopt",
        "rt_sigprocmask",
        "rt_sigreturn",
        "prctl",
        "sched_yield",
        "ioctl",
        "sigaltstack",
    ];
    ALL.contains(&name)
}

/// All that a run has measured.
pub(super) struct Prices<'r> {
    parts: Vec<Part<'r>>,
    yardsticks: &'r [Yardstick],
}

impl<'r> Prices<'r> {
    /// Of a run.
    pub fn new(parts: Vec<Part<'r>>, yardsticks: &'r [Yardstick]) -> Self {
        Prices { parts, yardsticks }
    }

    /// Of a system call.
    pub fn call(&self, call: Call) -> Price {
        self.of(call.mechanism(), "call_ns_mean", |_| 0)
    }

    /// Of a wait that finds so many ready: a line through one and sixteen.
    pub fn wait(&self, ready: f64) -> Price {
        let (one, many) = (
            self.of("call-epoll-wait", "call_ns_mean", |_| 0),
            self.of("call-epoll-wait-16", "call_ns_mean", |_| 0),
        );
        let ns = one.ns.and_then(|one| {
            let each = (many.ns? - one).max(0.0) / 15.0;
            Ok(one + each * (ready - 1.0))
        });
        Price {
            ns,
            by_round: Err("it is read off a line".to_owned()),
            source: format!("{} and -16", one.source),
        }
    }

    /// Of a switch among so many tasks, wake-up included: of the ring whose size is nearest.
    pub fn switch(&self, processes: bool, tasks: u32) -> Price {
        let ring = if processes {
            "process-ring"
        } else {
            "thread-ring"
        };
        let far = |part: &Part<'_>| {
            let ratio = f64::from(part.lab.tasks.unwrap_or(2)) / f64::from(tasks.max(1));
            (ratio.ln().abs() * 1e6) as u64
        };
        self.of(ring, "switch_ns_mean", far)
    }

    /// Of a page fault: of a copy for whoever forks, else of a first touch.
    pub fn fault(&self, copies: bool) -> Price {
        let name = if copies {
            "copy-on-write"
        } else {
            "first-touch"
        };
        let median = yardsticks::median(self.yardsticks, name);
        Price {
            ns: median.ok_or_else(|| format!("the yardstick {name} was not measured")),
            by_round: Err("a yardstick has no rounds".to_owned()),
            source: format!("yardstick {name}"),
        }
    }

    /// Of a process or a thread from its start to its end, beside as little state as there is a lab of.
    pub fn start(&self, process: bool) -> Start {
        let mechanism = if process { "fork" } else { "thread-std" };
        let least = |part: &Part<'_>| u64::from(part.lab.state_mib.unwrap_or(0));
        let of = |metric| self.of(mechanism, metric, least);
        Start {
            price: of("cpu_ns_per_time"),
            switches: of("switches_voluntary_per_time").ns.unwrap_or(0.0),
            faults: of("faults_minor_per_time").ns.unwrap_or(0.0),
        }
    }

    /// Of a mechanism, under the lab that `far` finds nearest.
    fn of(&self, mechanism: &str, metric: &str, far: impl Fn(&Part<'_>) -> u64) -> Price {
        let named = self
            .parts
            .iter()
            .filter(|it| it.mechanism == mechanism && !it.passes.is_empty());
        let named = named.filter(|it| it.lab.lab != LabKind::Spawn || it.lab.rate.is_none());
        let Some(part) = named.min_by_key(|part| far(part)) else {
            let why = format!("{mechanism} was not measured in this run");
            return Price {
                ns: Err(why.clone()),
                by_round: Err(why),
                source: mechanism.to_owned(),
            };
        };
        let by_round = labs::by_round(part, metric);
        let values: Vec<f64> = by_round.iter().flatten().map(|(_, value)| *value).collect();
        let ns = stats::median(&values)
            .ok_or_else(|| by_round.as_ref().err().cloned().unwrap_or_default());
        Price {
            ns,
            by_round,
            source: format!("{mechanism}, {}", part.lab.name),
        }
    }
}
