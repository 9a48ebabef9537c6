//! Who woke whom: read from what a call that had slept was told, and from who had last done something to that
//! very thing. A cause lies before the end of the sleep, and after its beginning; what does not is none.

use std::collections::HashMap;

use record::Trace;
use record::trace::{Call, MomentKind, ObjectKind};

/// What a sleeping call was woken by, a client's wait was ended by, a task was begun by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A call, by its place.
    Call(usize),
    /// A client's moment, by its place.
    Moment(usize),
    /// A task's end, by its place.
    End(usize),
}

/// Causes, by the place of what they caused.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    /// Of calls.
    pub calls: HashMap<usize, Cause>,
    /// Of clients' moments: a reply's arrival.
    pub moments: HashMap<usize, usize>,
}

/// Calls that wait for somebody, when they must.
pub(super) fn may_wait(call: &Call) -> bool {
    match call.name.as_str() {
        "futex" => call
            .args
            .get(1)
            .is_some_and(|what| what == "wait" || what == "lock"),
        "fcntl" => call
            .args
            .get(1)
            .is_some_and(|what| what.starts_with("lock")),
        name => matches!(
            name,
            "accept"
                | "accept4"
                | "read"
                | "readv"
                | "recvfrom"
                | "recvmsg"
                | "epoll_wait"
                | "epoll_pwait"
                | "epoll_pwait2"
                | "poll"
                | "ppoll"
                | "select"
                | "pselect6"
                | "wait4"
                | "waitid"
                | "flock"
                | "io_uring_enter"
                | "nanosleep"
                | "clock_nanosleep"
                | "restart_syscall"
                | "pause"
                | "rt_sigsuspend"
                | "rt_sigtimedwait"
                | "sigwaitinfo"
        ),
    }
}

/// Whether the caller slept inside. Of a task's first call it is not told how often; then only its end is known.
pub(super) fn slept(call: &Call) -> bool {
    may_wait(call) && (call.to_ns.is_none() || call.slept.is_some_and(|times| times > 0))
}

/// All of a trace.
pub(super) fn wakes(trace: &Trace) -> Wakes {
    let mut wakes = Wakes::default();
    futexes(trace, &mut wakes);
    for (at, call) in trace.calls.iter().enumerate() {
        // Whether a task's first call slept is not told: if there is a cause, it did.
        let slept = may_wait(call) && call.slept != Some(0);
        if slept
            && call.to_ns.is_some()
            && !wakes.calls.contains_key(&at)
            && let Some(cause) = cause(trace, call)
        {
            wakes.calls.insert(at, cause);
        }
    }
    for (at, moment) in trace.clients.iter().enumerate() {
        if moment.what == MomentKind::Received
            && let Some(reply) = reply(trace, &moment.client, moment.at_ns)
        {
            wakes.moments.insert(at, reply);
        }
    }
    wakes
}

/// A wake of n ends n waits at the same word, the longest first.
fn futexes(trace: &Trace, wakes: &mut Wakes) {
    let is = |call: &Call, what: &str| {
        call.name == "futex" && call.args.get(1).is_some_and(|arg| arg.starts_with(what))
    };
    for (waker, wake) in trace.calls.iter().enumerate() {
        if !(is(wake, "wake") || is(wake, "unlock")) {
            continue;
        }
        let mut left = wake.result.unwrap_or(0);
        for (at, wait) in trace.calls.iter().enumerate() {
            let ended = wait.to_ns.filter(|to| *to > wake.from_ns);
            let matches = is(wait, "wait") && wait.on == wake.on && wait.from_ns < wake.from_ns;
            let woken = wait.errno.is_none() && !wakes.calls.contains_key(&at);
            // Who is woken may return before the call that woke it does, but not much later.
            let soon = ended.is_some_and(|to| to < wake.from_ns + 50_000_000);
            if left > 0 && matches && woken && soon {
                wakes.calls.insert(at, Cause::Call(waker));
                left -= 1;
            }
        }
    }
}

fn cause(trace: &Trace, call: &Call) -> Option<Cause> {
    let to_ns = call.to_ns?;
    let within = |at_ns: u64| at_ns >= call.from_ns && at_ns <= to_ns;
    let mut found: Vec<(u64, Cause)> = Vec::new();
    let things = call.got.iter().filter_map(|told| told.on.as_deref());
    let things = things.chain(call.on.as_deref()).chain(call.made.as_deref());
    for thing in things {
        found.extend(moments_at(trace, thing));
        found.extend(writes_to(trace, call, thing));
        found.extend(ends_of(trace, thing));
    }
    // A child's end is told by a signal, too.
    if call.errno.is_some() {
        let signals = trace.signals.iter().filter(|it| it.task == call.task);
        let near = signals.filter(|it| it.at_ns >= call.from_ns && it.at_ns <= to_ns + 5_000_000);
        found.extend(
            near.filter_map(|it| it.from.as_deref())
                .flat_map(|from| ends_of(trace, from)),
        );
    }
    let found = found.into_iter().filter(|(at_ns, _)| within(*at_ns));
    let cause = match call.name.as_str() {
        // A lock goes through the hands of all who have waited longer.
        "fcntl" => found.max_by_key(|(at_ns, _)| *at_ns),
        // Whoever came first ended the sleep; who comes then finds it awake.
        _ => found.min_by_key(|(at_ns, _)| *at_ns),
    };
    cause.map(|(_, cause)| cause)
}

/// What clients did to a connection, or to the listener.
fn moments_at<'a>(trace: &'a Trace, thing: &'a str) -> impl Iterator<Item = (u64, Cause)> + 'a {
    let door = thing.starts_with("listener");
    let moments = trace.clients.iter().enumerate();
    let theirs = moments.filter(move |(_, moment)| match moment.what {
        MomentKind::Connect => door || moment.client == thing,
        MomentKind::Send | MomentKind::Close => moment.client == thing,
        _ => false,
    });
    theirs.map(|(at, moment)| (moment.at_ns, Cause::Moment(at)))
}

/// What others wrote to the other end of a pair, to a pipe, to an eventfd; when they freed the lock of a file.
fn writes_to<'a>(
    trace: &'a Trace,
    call: &'a Call,
    thing: &'a str,
) -> impl Iterator<Item = (u64, Cause)> + 'a {
    let object = trace.objects.iter().find(|object| object.name == thing);
    let end = object
        .and_then(|object| object.peer.as_deref())
        .unwrap_or(thing);
    // What reaches a connection comes from its client.
    let within = object.is_some_and(|object| object.kind != ObjectKind::Connection);
    let frees = |other: &Call| other.args.get(1).is_some_and(|what| what == "unlock");
    let reaches = move |other: &Call| match other.name.as_str() {
        "write" | "writev" | "sendto" | "sendmsg" => true,
        "fcntl" => frees(other),
        _ => false,
    };
    let calls = trace.calls.iter().enumerate();
    let writes = calls.filter(move |(_, other)| {
        within && other.task != call.task && other.on.as_deref() == Some(end) && reaches(other)
    });
    writes.map(|(at, other)| (other.from_ns, Cause::Call(at)))
}

fn ends_of<'a>(trace: &'a Trace, thing: &'a str) -> impl Iterator<Item = (u64, Cause)> + 'a {
    let tasks = trace.tasks.iter().enumerate();
    let ended = tasks.filter(move |(_, task)| task.name == thing);
    ended.filter_map(|(at, task)| Some((task.ended.as_ref()?.at_ns, Cause::End(at))))
}

/// The call that sent the last bytes to a client before it had them.
fn reply(trace: &Trace, client: &str, at_ns: u64) -> Option<usize> {
    let sends = |call: &Call| {
        let ordered = call.gave.iter().any(|told| {
            told.on.as_deref() == Some(client) && (told.what == "send" || told.what == "write")
        });
        let sends = matches!(
            call.name.as_str(),
            "write" | "writev" | "sendto" | "sendmsg"
        );
        ordered || sends && call.on.as_deref() == Some(client)
    };
    let mut calls = trace.calls.iter().enumerate().rev();
    calls
        .find(|(_, call)| call.from_ns < at_ns && sends(call))
        .map(|(at, _)| at)
}
