//! Events in words: a sentence for the sequence, two short lines for a box.

use record::Trace;
use record::trace::{Call, MomentKind, Told};

use super::events::{Event, What};
use crate::format;

/// In a sentence, without who does it.
pub(super) fn sentence(trace: &Trace, event: &Event) -> String {
    match &event.what {
        What::Moment(at) => moment(trace, *at),
        What::Calls(at) => {
            let call = &trace.calls[*at];
            format!("{}{}", called(call), came_of(call))
        }
        What::Sleeps(at) => format!("{} sleeps", called(&trace.calls[*at])),
        What::Wakes(at) => {
            let call = &trace.calls[*at];
            format!("… {}{}", call.name, came_of(call))
        }
        What::Aside(calls) => format!("({})", aside(trace, calls)),
        What::Born(at) => born(trace, *at),
        What::Ends(at) => ended(trace, *at),
        What::Signal(at) => {
            let signal = &trace.signals[*at];
            let from = signal.from.as_ref();
            let from = from.map_or(String::new(), |from| format!(" from {from}"));
            format!("{}{from}", signal.signal)
        }
    }
}

fn moment(trace: &Trace, at: usize) -> String {
    let moment = &trace.clients[at];
    let request = moment.request.unwrap_or(0);
    match moment.what {
        MomentKind::Connect => "connects".to_owned(),
        MomentKind::Connected => "is connected".to_owned(),
        MomentKind::Send => format!("sends request {request}"),
        MomentKind::Received => format!("has reply {request}"),
        MomentKind::Close => "closes".to_owned(),
        MomentKind::Failed => {
            let problem = moment.problem.as_deref().unwrap_or("gives up");
            let own = format!("{} ", moment.client);
            problem.strip_prefix(&own).unwrap_or(problem).to_owned()
        }
    }
}

/// The call with what its arguments say.
fn called(call: &Call) -> String {
    let args = args(call);
    match args.is_empty() {
        true => call.name.clone(),
        false => format!("{}({})", call.name, args.join(", ")),
    }
}

fn args(call: &Call) -> Vec<String> {
    let all = || call.args.clone();
    match call.name.as_str() {
        "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => {
            let bounded = |arg: &&String| !arg.starts_with("epoll") && *arg != "for ever";
            let args = call.args.iter().filter(bounded);
            // Node's "as long as there is no timer" is a number of days.
            args.filter(|arg| !arg.starts_with("21474"))
                .cloned()
                .collect()
        }
        "epoll_ctl" => vec![call.args.get(1..).unwrap_or_default().join(" ")],
        "futex" => {
            let what = call.args.get(1..).unwrap_or_default().join(" ");
            vec![what, call.args.first().cloned().unwrap_or_default()]
        }
        "io_uring_enter" => {
            let orders = list(&call.gave, order);
            let orders = (!orders.is_empty()).then(|| format!("order {orders}"));
            orders.into_iter().collect()
        }
        "sendmsg" if !call.gave.is_empty() => {
            let mut args = all();
            args.push(format!(
                "gives {}",
                list(&call.gave, |told| told.on.clone().unwrap_or_default())
            ));
            args
        }
        _ => all(),
    }
}

/// What came of it.
fn came_of(call: &Call) -> String {
    if let Some(errno) = &call.errno {
        return format!(": {errno}");
    }
    let told = match call.name.as_str() {
        "io_uring_enter" => list(&call.got, answer),
        "recvmsg" => list(&call.got, |told| told.on.clone().unwrap_or_default()),
        _ => list(&call.got, event),
    };
    let reads = matches!(
        call.name.as_str(),
        "read" | "readv" | "recvfrom" | "recvmsg"
    );
    match (call.result, &call.made) {
        _ if !told.is_empty() => format!(" → {told}"),
        (Some(0), None) if call.name == "wait4" => ": nobody yet".to_owned(),
        (Some(0), None) if call.name == "futex" => ": woken".to_owned(),
        (_, Some(made)) => format!(" = {made}"),
        (Some(0), None) if reads => " = 0, the end".to_owned(),
        (Some(0) | None, None) => String::new(),
        (Some(result), None) => format!(" = {result}"),
    }
}

fn list(told: &[Told], word: impl Fn(&Told) -> String) -> String {
    let words: Vec<String> = told.iter().map(word).collect();
    words.join(", ")
}

fn order(told: &Told) -> String {
    match &told.on {
        Some(on) => format!("{} {on}", told.what),
        None => told.what.clone(),
    }
}

/// `recv c1 = 64`, `accept = c1`.
fn answer(told: &Told) -> String {
    match (told.what.split_once(" = "), &told.on) {
        (Some(("accept", _)), Some(on)) => format!("accept = {on}"),
        (Some((what, result)), Some(on)) => format!("{what} {on} = {result}"),
        (_, Some(on)) => format!("{on} {}", told.what),
        _ => told.what.clone(),
    }
}

/// `c1 readable`; that it is writable, too, is no news then.
fn event(told: &Told) -> String {
    let what = match told.what.as_str() {
        "readable, writable" => "readable",
        "readable, writable, said all" | "readable, said all" => "said all",
        other => other,
    };
    match &told.on {
        Some(on) => format!("{on} {what}"),
        None => what.to_owned(),
    }
}

/// The names of calls, each once.
fn aside(trace: &Trace, calls: &[usize]) -> String {
    let mut names: Vec<(&str, usize)> = Vec::new();
    for at in calls {
        let name = trace.calls[*at].name.as_str();
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => *times += 1,
            None => names.push((name, 1)),
        }
    }
    let names: Vec<String> = names
        .into_iter()
        .map(|(name, times)| match times {
            1 => name.to_owned(),
            _ => format!("{name}\u{a0}×\u{a0}{times}"),
        })
        .collect();
    names.join(", ")
}

fn born(trace: &Trace, at: usize) -> String {
    let task = &trace.tasks[at];
    let parent = task.parent.as_deref().unwrap_or("?");
    match task.is_thread() {
        true => format!("begins: a thread of {}", task.process),
        false => format!("begins: a copy of {parent}"),
    }
}

fn ended(trace: &Trace, at: usize) -> String {
    let end = trace.tasks[at].ended.as_ref();
    match end.map(|end| (end.exit, &end.signal)) {
        Some((_, Some(signal))) => format!("is ended by {signal}"),
        Some((Some(0), _)) => "exits".to_owned(),
        Some((Some(status), _)) => format!("exits with status {status}"),
        _ => "ends".to_owned(),
    }
}

/// In two short lines, the second may be empty.
pub(super) fn short(trace: &Trace, event: &Event) -> (String, String) {
    match &event.what {
        What::Moment(at) => {
            let moment = &trace.clients[*at];
            let request = moment.request.unwrap_or(0);
            let text = match moment.what {
                MomentKind::Connect => "connect".to_owned(),
                MomentKind::Connected => "connected".to_owned(),
                MomentKind::Send => format!("request {request}"),
                MomentKind::Received => format!("reply {request}"),
                MomentKind::Close => "close".to_owned(),
                MomentKind::Failed => "gives up".to_owned(),
            };
            (text, String::new())
        }
        What::Calls(at) => (
            trace.calls[*at].name.clone(),
            short_result(&trace.calls[*at]),
        ),
        What::Wakes(at) => {
            let call = &trace.calls[*at];
            let result = short_result(call);
            let result = if result.is_empty() {
                "awake".to_owned()
            } else {
                result
            };
            (call.name.clone(), result)
        }
        What::Sleeps(at) => (trace.calls[*at].name.clone(), "asleep".to_owned()),
        What::Aside(calls) => (format!("+{}", calls.len()), String::new()),
        What::Born(at) => {
            let task = &trace.tasks[*at];
            let what = match task.is_thread() {
                true => "a thread".to_owned(),
                false => format!("copy of {}", task.parent.as_deref().unwrap_or("?")),
            };
            (format!("{} begins", task.name), what)
        }
        What::Ends(at) => {
            let task = &trace.tasks[*at];
            let end = task.ended.as_ref();
            let how = end.map(|end| match (&end.signal, end.exit) {
                (Some(signal), _) => signal.clone(),
                (None, Some(status)) => format!("status {status}"),
                (None, None) => String::new(),
            });
            (format!("{} ends", task.name), how.unwrap_or_default())
        }
        What::Signal(at) => {
            let signal = &trace.signals[*at];
            let from = signal.from.as_ref();
            let from = from.map_or(String::new(), |from| format!("from {from}"));
            (signal.signal.clone(), from)
        }
    }
}

fn short_result(call: &Call) -> String {
    if let Some(errno) = &call.errno {
        return match errno.as_str() {
            "interrupted by a signal" => "interrupted".to_owned(),
            errno => errno.to_owned(),
        };
    }
    let on = || call.on.clone().unwrap_or_default();
    let made = || call.made.clone().unwrap_or_default();
    let names = |told: &[Told]| {
        let mut names: Vec<String> = told.iter().filter_map(|told| told.on.clone()).collect();
        names.dedup();
        names.join(" ")
    };
    match call.name.as_str() {
        "wait4" if call.made.is_none() => "nobody yet".to_owned(),
        "accept" | "accept4" | "clone" | "clone3" | "fork" | "vfork" | "wait4" => {
            format!("→ {}", made())
        }
        "read" | "readv" | "recvfrom" if call.result == Some(0) => format!("{}: end", on()),
        "epoll_wait" | "epoll_pwait" | "epoll_pwait2" | "poll" | "ppoll" => {
            let names = names(&call.got);
            if names.is_empty() {
                "nothing".to_owned()
            } else {
                format!("→ {names}")
            }
        }
        "epoll_ctl" => call.args.get(1..).unwrap_or_default().join(" "),
        "futex" => {
            let what = call.args.get(1).cloned().unwrap_or_default();
            match (what.as_str(), call.result) {
                ("wait", Some(_)) => "woken".to_owned(),
                ("wake", Some(number)) => format!("wakes {number}"),
                _ => what,
            }
        }
        "fcntl" => match call.args.get(1).map(String::as_str) {
            Some("unlock") => format!("frees {}", on()),
            Some(what) if what.contains("lock") => format!("holds {}", on()),
            _ => on(),
        },
        "sendmsg" if !call.gave.is_empty() => format!("gives {}", names(&call.gave)),
        "recvmsg" if !call.got.is_empty() => format!("takes {}", names(&call.got)),
        "io_uring_enter" => {
            let (orders, answers) = (grouped(&call.gave), grouped(&call.got));
            let result = match call.got.as_slice() {
                [one] => one.what.split_once(" = ").map(|(_, result)| result),
                _ => None,
            };
            let result = match result {
                Some("0") => ": end".to_owned(),
                Some(bytes) if !answers.starts_with("accept") => format!(": {bytes} B"),
                _ => String::new(),
            };
            let answered = |order: &Told| {
                let same = |answer: &&Told| answer.on == order.on && what(answer) == what(order);
                call.got.iter().any(|answer| same(&answer))
            };
            match (answers.is_empty(), call.gave.iter().all(answered)) {
                (true, _) => orders,
                // What was ordered and done at once is told once.
                (false, true) => format!("{answers}{result}"),
                (false, false) => format!("{orders} → {answers}{result}"),
            }
        }
        "read" | "readv" | "recvfrom" | "recvmsg" | "write" | "writev" | "sendto" | "sendmsg" => {
            format!("{}: {} B", on(), call.result.unwrap_or(0))
        }
        _ => on(),
    }
}

/// The order that an answer is to: of `recv = 64`, `recv`.
fn what(told: &Told) -> &str {
    let parts = told.what.split_once(" = ");
    parts.map_or(told.what.as_str(), |(what, _)| what)
}

/// `recv c4 c5, send c6`.
fn grouped(told: &[Told]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in told {
        let what = what(one);
        let on = one.on.as_deref();
        match groups.iter_mut().find(|(known, _)| *known == what) {
            Some((_, names)) => names.extend(on),
            None => groups.push((what, on.into_iter().collect())),
        }
    }
    let groups = groups
        .into_iter()
        .map(|(what, names)| format!("{what} {}", names.join(" ")));
    groups.collect::<Vec<_>>().join(", ")
}

/// `3 clients of 2 requests of 64 bytes`.
pub(super) fn load(trace: &Trace) -> String {
    let asked = &trace.asked;
    format!(
        "{} of {} of {}",
        format::plural(asked.connections as usize, "client"),
        format::plural(asked.requests as usize, "request"),
        format::plural(asked.message as usize, "byte"),
    )
}

/// What it did before anybody came.
pub(super) fn startup(trace: &Trace) -> String {
    let startup = &trace.startup;
    let calls: u64 = startup.calls.values().sum();
    let mut opened: Vec<(&str, usize)> = Vec::new();
    for name in &startup.opening {
        match opened.iter_mut().find(|(known, _)| known == name) {
            Some((_, times)) => *times += 1,
            None => opened.push((name, 1)),
        }
    }
    let opened: Vec<String> = opened
        .into_iter()
        .map(|(name, times)| match times {
            1 => name.to_owned(),
            _ => format!("{name}\u{a0}×\u{a0}{times}"),
        })
        .collect();
    format!(
        "Before anybody came it made {} in {}, among them {}",
        format::plural(usize::try_from(calls).unwrap_or(usize::MAX), "call"),
        format::time(startup.took_ns as f64),
        opened.join(", "),
    )
}

/// `c4, c5 and c6`.
pub(super) fn names(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
