//! What each stop of a traced task means, and how the task goes on from it. Everything of ptrace(2) is done by
//! the one thread that seized the first task: the kernel answers no other.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::unistd::Pid;
use record::trace::{Call, Signalled, TaskEnd};

use super::calls::{self, World};
use super::clients::Shared;
use super::tasks::{Pending, Tasks};
use crate::protocol::Ended;
use crate::sys::trace::{self as sys, AtCall, GoOn};

/// More calls than any trace that is looked at.
const MOST_CALLS: usize = 50_000;

/// What is kept of what is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Calls are counted, and those that open something kept.
    Startup,
    /// Calls are kept.
    Recording,
    /// Nothing: tasks go on freely, to their end.
    Ending,
}

/// Calls that make what a server serves with.
const OPENING: &[&str] = &[
    "execve",
    "socket",
    "bind",
    "listen",
    "epoll_create",
    "epoll_create1",
    "eventfd2",
    "pipe2",
    "socketpair",
    "io_uring_setup",
    "clone",
    "clone3",
    "fork",
    "vfork",
];

/// Whoever watches the tasks.
pub struct Watcher<'a> {
    /// What is kept.
    pub mode: Mode,
    /// Who is watched.
    pub tasks: Tasks,
    /// What their calls are decoded against.
    pub world: World<'a>,
    /// Calls that have returned, in that order.
    pub calls: Vec<Call>,
    /// Signals that reached somebody.
    pub signals: Vec<Signalled>,
    /// How often what was called before the recording.
    pub counted: BTreeMap<String, u64>,
    /// What was opened before it, by whom.
    opening: Vec<(i32, &'static str)>,
    /// Whether there were more calls than are kept.
    pub truncated: bool,
    /// How the first process ended.
    pub root_ended: Option<Ended>,
    /// Whether somebody has called listen(2) since this was last false.
    pub listened: bool,
    /// The first process.
    pub root: Pid,
    begun: Instant,
    shared: &'a Shared,
    /// Stops of tasks whose birth is not told yet.
    early: HashMap<i32, i32>,
}

impl<'a> Watcher<'a> {
    /// Of a process that was just seized.
    pub fn of(root: Pid, begun: Instant, world: World<'a>, shared: &'a Shared) -> Self {
        let mut tasks = Tasks::default();
        tasks.born(root.as_raw(), None, 0);
        Watcher {
            mode: Mode::Startup,
            tasks,
            world,
            calls: Vec::new(),
            signals: Vec::new(),
            counted: BTreeMap::new(),
            opening: Vec::new(),
            truncated: false,
            root_ended: None,
            listened: false,
            root,
            begun,
            shared,
            early: HashMap::new(),
        }
    }

    /// Handles whoever has stopped or ended by now; false when nobody is left.
    pub fn look(&mut self) -> bool {
        loop {
            match sys::next_stop() {
                Ok(Some((pid, status))) => self.stopped(pid, status),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Keeps what is called from now on. What tasks are in already is kept when it returns.
    pub fn record(&mut self) {
        self.mode = Mode::Recording;
        self.tasks.forget_the_dead();
        self.world.objects.forget();
        for (_, live) in self.tasks.each() {
            let process = live.process;
            if let Some(pending) = &mut live.pending {
                let begun = self
                    .world
                    .begun(process, pending.name, &pending.args, pending.from_ns);
                pending.call.get_or_insert(begun);
            }
        }
    }

    /// Calls that have not returned are kept as such.
    pub fn end_recording(&mut self) {
        self.mode = Mode::Ending;
        self.tasks.note_names();
        let mut left = Vec::new();
        for (tid, live) in self.tasks.each() {
            left.extend(
                live.pending
                    .take()
                    .and_then(|it| Some((tid, live.process, it.call?))),
            );
        }
        for (tid, process, mut call) in left {
            // Sleepers never told what they have slept: that they are asleep says /proc.
            call.slept = asleep(process, tid).then_some(1);
            self.keep(tid, call);
        }
    }

    /// The calls that made what it serves with, by those who serve.
    pub fn opened(&self) -> Vec<String> {
        let theirs = self
            .opening
            .iter()
            .filter(|(tid, _)| self.tasks.name(*tid).is_some());
        theirs.map(|(_, name)| (*name).to_owned()).collect()
    }

    /// When somebody last stopped or ended.
    pub fn heard(&self) -> u64 {
        self.shared.last_call_ns.load(Relaxed)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn stopped(&mut self, pid: Pid, status: i32) {
        let tid = pid.as_raw();
        self.shared.last_call_ns.store(self.now(), Relaxed);
        if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
            return self.gone(pid, status);
        }
        let Some(live) = self.tasks.get(tid) else {
            // Its parent's stop, which says that it is born, comes in a moment.
            self.early.insert(tid, status);
            return;
        };
        live.stopped();
        let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
        let go_on = match event {
            0 if signal == libc::SIGTRAP | 0x80 => self.at_call(pid),
            0 => self.signalled(pid, signal),
            libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => (GoOn::Stopped, 0),
            libc::PTRACE_EVENT_EXIT => self.ending(pid),
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
                self.born(pid)
            }
            libc::PTRACE_EVENT_EXEC => self.executed(pid),
            _ => (GoOn::ToCall, 0),
        };
        self.let_go(pid, go_on);
    }

    fn let_go(&self, pid: Pid, (how, signal): (GoOn, i32)) {
        let how = match how {
            GoOn::ToCall if self.mode == Mode::Ending => GoOn::Freely,
            how => how,
        };
        // ESRCH: it was killed in the meantime, and its end is told next.
        let _: Result<(), Errno> = sys::go_on(pid, how, signal);
    }

    fn at_call(&mut self, pid: Pid) -> (GoOn, i32) {
        let on = (GoOn::ToCall, 0);
        match sys::at_call(pid) {
            Ok(AtCall::Entry { number, args }) => self.call_begins(pid.as_raw(), number, args),
            Ok(AtCall::Exit { result, failed }) => self.call_ends(pid.as_raw(), result, failed),
            _ => {}
        }
        on
    }

    fn call_begins(&mut self, tid: i32, number: u64, args: [u64; 6]) {
        let from_ns = self.now();
        let Some(live) = self.tasks.get(tid) else {
            return;
        };
        let number = usize::try_from(number).ok();
        let name = number
            .and_then(syscalls::Sysno::new)
            .map_or("?", |it| it.name());
        let keep = match self.mode {
            Mode::Recording => true,
            // What a ring was told, and which sockets are pairs, is known only if it is always read.
            Mode::Startup => matches!(name, "io_uring_enter" | "socketpair"),
            Mode::Ending => false,
        };
        let call = keep.then(|| self.world.begun(live.process, name, &args, from_ns));
        live.pending = Some(Pending {
            name,
            args,
            from_ns,
            call,
        });
    }

    fn call_ends(&mut self, tid: i32, result: i64, failed: bool) {
        let to_ns = self.now();
        let Some(live) = self.tasks.get(tid) else {
            return;
        };
        let (slept, process) = (live.slept(), live.process);
        // A child's first stop is the end of the call that made it: there was no beginning.
        let Some(pending) = live.pending.take() else {
            return;
        };
        self.note_rings(process, &pending, result, failed);
        self.listened |= pending.name == "listen" && !failed;
        if self.mode == Mode::Startup {
            self.note_opening(tid, pending.name, failed);
        }
        if let Some(mut call) = pending.call {
            self.world
                .ended(&mut call, process, &pending.args, (result, failed));
            (call.to_ns, call.slept) = (Some(to_ns), slept);
            self.name_result(&mut call);
            self.keep(tid, call);
        }
    }

    fn note_opening(&mut self, tid: i32, name: &'static str, failed: bool) {
        *self.counted.entry(name.to_owned()).or_default() += 1;
        if name == "execve" {
            // What the program before it has opened is another's.
            self.opening.retain(|(of, _)| *of != tid);
        }
        if !failed && OPENING.contains(&name) {
            self.opening.push((tid, name));
        }
    }

    fn note_rings(&mut self, process: i32, pending: &Pending, result: i64, failed: bool) {
        let result = result.unsigned_abs();
        match pending.name {
            _ if failed => {}
            "io_uring_setup" => self.world.rings.made(process, result, pending.args[1]),
            "mmap" => {
                let (fd, offset) = (pending.args[4] & 0xffff_ffff, pending.args[5]);
                self.world.rings.mapped(process, fd, offset, result);
            }
            _ => {}
        }
    }

    fn keep(&mut self, tid: i32, mut call: Call) {
        call.task = self.tasks.name(tid).unwrap_or_default();
        match self.mode {
            Mode::Startup => {}
            _ if self.calls.len() < MOST_CALLS => self.calls.push(call),
            _ => self.truncated = true,
        }
    }

    /// Processes by name: their numbers differ from run to run.
    fn name_result(&self, call: &mut Call) {
        const ANSWER_WHO: &[&str] = &[
            "clone",
            "clone3",
            "fork",
            "vfork",
            "wait4",
            "getpid",
            "gettid",
            "getppid",
            "set_tid_address",
        ];
        if ANSWER_WHO.contains(&call.name.as_str())
            && let Some(result) = call.result.filter(|result| *result > 0)
        {
            let named = i32::try_from(result)
                .ok()
                .and_then(|tid| self.tasks.name(tid));
            call.made = call.made.take().or(named);
            call.result = None;
        }
    }

    /// `pid` has made somebody.
    fn born(&mut self, pid: Pid) -> (GoOn, i32) {
        let child = ptrace::getevent(pid)
            .ok()
            .and_then(|it| i32::try_from(it).ok());
        if let Some(child) = child {
            let at_ns = self.now();
            let name = self.tasks.born(child, Some(pid.as_raw()), at_ns).to_owned();
            let live = self.tasks.get(pid.as_raw());
            if let Some(call) = live
                .and_then(|it| it.pending.as_mut())
                .and_then(|it| it.call.as_mut())
            {
                call.made = Some(name);
            }
            if let Some(status) = self.early.remove(&child) {
                self.stopped(Pid::from_raw(child), status);
            }
        }
        (GoOn::ToCall, 0)
    }

    /// A thread that executes becomes its process; its own number is gone.
    fn executed(&mut self, pid: Pid) -> (GoOn, i32) {
        let before = ptrace::getevent(pid)
            .ok()
            .and_then(|it| i32::try_from(it).ok());
        if let Some(before) = before.filter(|&before| before != pid.as_raw()) {
            let pending = self.tasks.gone(before).and_then(|live| live.pending);
            if let Some(live) = self.tasks.get(pid.as_raw()) {
                live.pending = pending;
            }
        }
        (GoOn::ToCall, 0)
    }

    fn signalled(&mut self, pid: Pid, signal: i32) -> (GoOn, i32) {
        if self.mode == Mode::Recording
            && let Some(task) = self.tasks.name(pid.as_raw())
        {
            let from = self.tasks.name(sys::sender(pid));
            self.signals.push(Signalled {
                task,
                at_ns: self.now(),
                signal: calls::signal(signal),
                from,
            });
        }
        (GoOn::ToCall, signal)
    }

    /// It is about to end, by itself or not.
    fn ending(&mut self, pid: Pid) -> (GoOn, i32) {
        let status = ptrace::getevent(pid).unwrap_or(0) as i32;
        self.end(pid.as_raw(), status);
        (GoOn::Freely, 0)
    }

    fn end(&mut self, tid: i32, status: i32) {
        let at_ns = self.now();
        let pending = self.tasks.get(tid).and_then(|live| live.pending.take());
        if let Some(call) = pending.and_then(|pending| pending.call) {
            self.keep(tid, call);
        }
        if self.mode != Mode::Ending {
            let exited = libc::WIFEXITED(status);
            let end = TaskEnd {
                at_ns,
                exit: exited.then(|| libc::WEXITSTATUS(status)),
                signal: (!exited).then(|| calls::signal(libc::WTERMSIG(status))),
            };
            self.tasks.ends(tid, end);
        }
    }

    fn gone(&mut self, pid: Pid, status: i32) {
        let tid = pid.as_raw();
        self.early.remove(&tid);
        self.end(tid, status);
        self.tasks.gone(tid);
        if pid == self.root {
            self.root_ended = Some(Ended::from_status(status));
        }
    }
}

/// Whether the kernel says that a task sleeps.
fn asleep(process: i32, tid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/task/{tid}/stat"));
    let stat = stat.unwrap_or_default();
    let state = stat.rsplit(')').next().map(str::trim_start);
    state.is_some_and(|state| state.starts_with('S'))
}
