//! What there is to see in a part, in time: calls as one event or, when the caller slept, as two; what serves no
//! client put together; births, ends and signals; what the clients did.

use std::collections::HashMap;

use record::Trace;
use record::trace::{Call, MomentKind};

use super::parts::Part;
use super::wakes::{Cause, Wakes, may_wait, slept};

/// What is to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A client's moment, by its place.
    Moment(usize),
    /// A call that returned without sleeping.
    Calls(usize),
    /// A call inside of which its caller falls asleep.
    Sleeps(usize),
    /// The end of such a call.
    Wakes(usize),
    /// Calls that serve no client.
    Aside(Vec<usize>),
    /// A task's birth.
    Born(usize),
    /// A task's end.
    Ends(usize),
    /// A signal.
    Signal(usize),
}

/// Something at an instant, in somebody's lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// When.
    pub at_ns: u64,
    /// Until when, of a call that did not sleep.
    pub to_ns: u64,
    /// A client or a task.
    pub lane: String,
    /// What.
    pub what: What,
    /// Who caused it, if somebody else did.
    pub cause: Option<Cause>,
}

/// Calls that are about memory, about the caller itself, or that look and find nothing: housekeeping.
pub(super) fn is_aside(call: &Call) -> bool {
    let looks = call.name.starts_with("epoll_") && call.args.iter().any(|arg| arg == "at once");
    let named = matches!(
        call.name.as_str(),
        "mmap"
            | "munmap"
            | "mprotect"
            | "mremap"
            | "brk"
            | "madvise"
            | "getpid"
            | "gettid"
            | "getppid"
            | "prctl"
            | "set_robust_list"
            | "set_tid_address"
            | "rseq"
            | "sigaltstack"
            | "rt_sigprocmask"
            | "rt_sigaction"
            | "rt_sigreturn"
            | "getrandom"
            | "sched_yield"
            | "sched_getaffinity"
            | "clock_gettime"
            | "getsockname"
            | "getpeername"
            | "getsockopt"
            | "setsockopt"
            | "ioctl"
            | "fstat"
            | "newfstatat"
            | "restart_syscall"
            | "nanosleep"
            | "clock_nanosleep"
            | "tgkill"
    );
    let flags = call.name == "fcntl" && call.args.get(1).is_some_and(|what| what.contains("flags"));
    let in_vain =
        call.name == "futex" && (call.result == Some(0) && !may_wait(call) || call.errno.is_some());
    named || flags || in_vain || looks && call.result == Some(0) && call.got.is_empty()
}

fn is_exit(call: &Call) -> bool {
    matches!(call.name.as_str(), "exit" | "exit_group")
}

/// All of a part, in the order of their coming.
pub(super) fn events(trace: &Trace, wakes: &Wakes, part: &Part) -> Vec<Event> {
    let mut events = Vec::new();
    moments(trace, wakes, part, &mut events);
    for (at, call) in trace.calls.iter().enumerate() {
        calls(at, call, wakes, part, &mut events);
    }
    births_and_ends(trace, part, &mut events);
    let signals = trace.signals.iter().enumerate();
    for (at, signal) in signals.filter(|(_, signal)| part.has(signal.at_ns)) {
        let from = signal.from.as_deref();
        let sender = trace
            .tasks
            .iter()
            .position(|task| Some(task.name.as_str()) == from);
        events.push(Event {
            at_ns: signal.at_ns,
            to_ns: signal.at_ns,
            lane: signal.task.clone(),
            what: What::Signal(at),
            cause: sender
                .filter(|_| signal.signal == "SIGCHLD")
                .map(Cause::End),
        });
    }
    events.sort_by_key(|event| event.at_ns);
    together(events)
}

fn moments(trace: &Trace, wakes: &Wakes, part: &Part, events: &mut Vec<Event>) {
    for (at, moment) in trace.clients.iter().enumerate() {
        // The kernel's answer: the server has no part in it.
        if part.has(moment.at_ns) && moment.what != MomentKind::Connected {
            events.push(Event {
                at_ns: moment.at_ns,
                to_ns: moment.at_ns,
                lane: moment.client.clone(),
                what: What::Moment(at),
                cause: wakes.moments.get(&at).copied().map(Cause::Call),
            });
        }
    }
}

fn calls(at: usize, call: &Call, wakes: &Wakes, part: &Part, events: &mut Vec<Event>) {
    let event = |at_ns, to_ns, what, cause| Event {
        at_ns,
        to_ns,
        lane: call.task.clone(),
        what,
        cause,
    };
    if is_exit(call) {
        return;
    }
    if is_aside(call) {
        if part.has(call.from_ns) {
            let to_ns = call.to_ns.unwrap_or(call.from_ns);
            events.push(event(call.from_ns, to_ns, What::Aside(vec![at]), None));
        }
        return;
    }
    if !slept(call) {
        if part.has(call.from_ns) {
            let to_ns = call.to_ns.unwrap_or(call.from_ns);
            events.push(event(call.from_ns, to_ns, What::Calls(at), None));
        }
        return;
    }
    if part.has(call.from_ns) {
        events.push(event(call.from_ns, call.from_ns, What::Sleeps(at), None));
    }
    if let Some(to_ns) = call.to_ns.filter(|to_ns| part.has(*to_ns)) {
        let cause = wakes.calls.get(&at).copied();
        events.push(event(to_ns, to_ns, What::Wakes(at), cause));
    }
}

fn births_and_ends(trace: &Trace, part: &Part, events: &mut Vec<Event>) {
    for (at, task) in trace.tasks.iter().enumerate() {
        if part.has(task.born_ns) && task.parent.is_some() {
            let makes = |call: &Call| {
                call.made.as_ref() == Some(&task.name)
                    && call.from_ns <= task.born_ns
                    && call.name.contains("fork") | call.name.starts_with("clone")
            };
            events.push(Event {
                at_ns: task.born_ns,
                to_ns: task.born_ns,
                lane: task.name.clone(),
                what: What::Born(at),
                cause: trace.calls.iter().position(makes).map(Cause::Call),
            });
        }
        if let Some(end) = task.ended.as_ref().filter(|end| part.has(end.at_ns)) {
            events.push(Event {
                at_ns: end.at_ns,
                to_ns: end.at_ns,
                lane: task.name.clone(),
                what: What::Ends(at),
                cause: None,
            });
        }
    }
}

/// Neighbours in a lane that are both aside become one.
fn together(events: Vec<Event>) -> Vec<Event> {
    let mut kept: Vec<Event> = Vec::new();
    let mut last: HashMap<String, usize> = HashMap::new();
    for event in events {
        let before = last.get(&event.lane).copied();
        if let (What::Aside(more), Some(before)) = (&event.what, before)
            && let What::Aside(calls) = &mut kept[before].what
        {
            calls.extend(more);
            kept[before].to_ns = event.to_ns;
            continue;
        }
        last.insert(event.lane.clone(), kept.len());
        kept.push(event);
    }
    kept
}

/// Whether a lane's task exists and sleeps at the beginning of a part; `None` before its birth and after its end.
pub(super) fn asleep_at(trace: &Trace, task: &str, at_ns: u64) -> Option<bool> {
    let it = trace.tasks.iter().find(|it| it.name == task)?;
    let lives = it.born_ns < at_ns && it.ended.as_ref().is_none_or(|end| end.at_ns >= at_ns);
    let sleeps = |call: &Call| {
        call.task == task
            && slept(call)
            && call.from_ns < at_ns
            && call.to_ns.is_none_or(|to| to > at_ns)
    };
    lives.then(|| trace.calls.iter().any(sleeps))
}

/// Where a cause is to be seen: its lane and its instant.
pub(super) fn origin(trace: &Trace, cause: Cause) -> (&str, u64) {
    match cause {
        Cause::Call(at) => (&trace.calls[at].task, trace.calls[at].from_ns),
        Cause::Moment(at) => (&trace.clients[at].client, trace.clients[at].at_ns),
        Cause::End(at) => {
            let task = &trace.tasks[at];
            (&task.name, task.ended.as_ref().map_or(0, |end| end.at_ns))
        }
    }
}

/// A part's events without names that differ between clients that are served alike.
pub(super) fn signature(trace: &Trace, events: &[Event]) -> Vec<String> {
    let mut roles: HashMap<&str, usize> = HashMap::new();
    let mut signature = Vec::new();
    for event in events {
        let next = roles.len();
        let role = *roles.entry(&event.lane).or_insert(next);
        let text = match &event.what {
            What::Aside(_) => continue,
            What::Moment(at) => format!(
                "{:?} {:?}",
                trace.clients[*at].what, trace.clients[*at].request
            ),
            What::Calls(at) => called(&trace.calls[*at]),
            What::Sleeps(at) => format!("{} sleeps", trace.calls[*at].name),
            What::Wakes(at) => format!("{} wakes", called(&trace.calls[*at])),
            What::Born(_) => "born".to_owned(),
            What::Ends(_) => "ends".to_owned(),
            What::Signal(at) => trace.signals[*at].signal.clone(),
        };
        signature.push(format!("{role} {text}"));
    }
    // Two lanes may take turns between two clients' moments as the scheduler likes.
    signature.sort();
    signature
}

fn called(call: &Call) -> String {
    format!("{} {:?} {}", call.name, call.errno, call.got.len())
}
