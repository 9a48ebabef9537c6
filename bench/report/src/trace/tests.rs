use record::trace::{
    Call, Moment, MomentKind, Object, ObjectKind, Signalled, Startup, TRACE_SCHEMA, Task, TaskEnd,
    Told, Trace, TraceAsked, Untraced,
};
use record::{Cause, Host, Outcome};

use super::layout::{Look, layout};
use super::parts::parts;
use super::sequence::busy;
use super::wakes::{self, wakes};
use super::{events, trace_svg, trace_text};

/// Microseconds.
const US: u64 = 1000;

fn call(task: &str, name: &str, on: &str, (from, to): (u64, u64)) -> Call {
    Call {
        task: task.to_owned(),
        name: name.to_owned(),
        args: vec![on.to_owned()],
        on: Some(on.to_owned()),
        from_ns: from * US,
        to_ns: (to > 0).then_some(to * US),
        result: Some(64),
        errno: None,
        made: None,
        slept: Some(0),
        gave: Vec::new(),
        got: Vec::new(),
    }
}

fn asleep(call: Call) -> Call {
    Call {
        slept: Some(1),
        ..call
    }
}

fn made(call: Call, name: &str) -> Call {
    Call {
        made: Some(name.to_owned()),
        result: None,
        ..call
    }
}

fn moment(client: &str, at: u64, what: MomentKind, request: Option<u32>) -> Moment {
    Moment {
        client: client.to_owned(),
        at_ns: at * US,
        what,
        request,
        problem: None,
    }
}

fn task(name: &str, parent: Option<&str>, born: u64, ended: Option<u64>) -> Task {
    Task {
        name: name.to_owned(),
        process: name.split('.').next().unwrap_or(name).to_owned(),
        parent: parent.map(str::to_owned),
        born_ns: born * US,
        comm: "server".to_owned(),
        ended: ended.map(|at| TaskEnd {
            at_ns: at * US,
            exit: Some(0),
            signal: None,
        }),
    }
}

/// A client's life from so many microseconds on, before a server that forks for it.
fn life(client: &str, child: &str, from: u64, trace: &mut Trace) {
    use MomentKind::{Close, Connect, Connected, Received, Send};
    let at = |more: u64| from + more;
    for (more, what, request) in [
        (0, Connect, None),
        (1, Connected, None),
        (3000, Send, Some(1)),
        (3200, Received, Some(1)),
        (6000, Close, None),
    ] {
        trace.clients.push(moment(client, at(more), what, request));
    }
    let accept = made(
        asleep(call("p1", "accept4", "listener", (from - 100, at(10)))),
        client,
    );
    let mut clone = made(call("p1", "clone", "", (at(20), at(40))), child);
    (clone.on, clone.args) = (None, vec!["a process, a copy".to_owned()]);
    let mut end = asleep(call(child, "recvfrom", client, (at(3300), at(6010))));
    end.result = Some(0);
    let mut wait = made(call("p1", "wait4", "", (at(6100), at(6110))), child);
    (wait.on, wait.args) = (None, Vec::new());
    trace.calls.extend([
        accept,
        clone,
        Call {
            result: Some(0),
            ..call("p1", "close", client, (at(50), at(55)))
        },
        call(child, "mmap", "", (at(45), at(46))),
        call(child, "prctl", "", (at(47), at(48))),
        asleep(call(child, "recvfrom", client, (at(60), at(3010)))),
        call(child, "sendto", client, (at(3100), at(3150))),
        end,
        wait,
    ]);
    trace
        .tasks
        .push(task(child, Some("p1"), at(30), Some(at(6050))));
    trace.signals.push(Signalled {
        task: "p1".to_owned(),
        at_ns: at(6090) * US,
        signal: "SIGCHLD".to_owned(),
        from: Some(child.to_owned()),
    });
}

/// Two clients alone, then two at once, before a server that forks.
fn forks() -> Trace {
    let mut trace = Trace {
        schema: TRACE_SCHEMA.to_owned(),
        version: "0".to_owned(),
        contender: "forks".to_owned(),
        family: "fork-per-connection".to_owned(),
        contender_version: String::new(),
        command: Vec::new(),
        host: Host::default(),
        asked: TraceAsked {
            connections: 2,
            requests: 1,
            message: 64,
            workers: 1,
            server_cpus: 1,
        },
        outcome: Outcome::Ok,
        cause: None,
        startup: Startup {
            opening: ["socket", "listen", "clone", "clone"]
                .map(str::to_owned)
                .to_vec(),
            ..Startup::default()
        },
        tasks: vec![
            task("p1", None, 0, None),
            task("p1.2", Some("p1"), 10, None),
        ],
        objects: Vec::new(),
        calls: vec![asleep(Call {
            args: vec!["futex 1".to_owned(), "wait".to_owned()],
            ..call("p1.2", "futex", "futex 1", (20, 0))
        })],
        signals: Vec::new(),
        clients: Vec::new(),
        at_once_ns: Some(30_000 * US),
        truncated: false,
        untraced: Untraced::default(),
        source: None,
    };
    for (client, child, from) in [
        ("c1", "p2", 10_000),
        ("c2", "p3", 20_000),
        ("c3", "p4", 30_000),
        ("c4", "p5", 30_400),
    ] {
        life(client, child, from, &mut trace);
    }
    trace.clients.sort_by_key(|moment| moment.at_ns);
    trace.untraced.clients = trace.clients.clone();
    trace
}

#[test]
fn a_client_is_followed_from_accept_to_close_in_a_text_of_80_columns() {
    let text = trace_text(&forks());
    let lines: Vec<&str> = text.lines().collect();
    let wide = lines.iter().find(|line| line.chars().count() > 80);
    assert_eq!(wide, None);
    let alone: Vec<&str> = lines
        .iter()
        .skip_while(|line| **line != "c1, alone")
        .take_while(|line| !line.starts_with("c2"))
        .copied()
        .collect();
    let expected = "\
c1, alone
asleep all the while: p1.2
     µs  C  p1 p2
      0  ●  ┊     c1 connects
     10  ├─▶●     p1 … accept4 = c1
     20  │  ●     p1 clone(a process, a copy) = p2
     30  │  ├─▶●  p2 begins: a copy of p1
     45  │  ┃  ·  p2 (mmap, prctl)
     50  │  ●  ┃  p1 close(c1)
     60  │  ┃  ○  p2 recvfrom(c1) sleeps
         │  ┃  ┊
   3000  ●  ┃  ┊  c1 sends request 1
   3010  ├──┼─▶●  p2 … recvfrom = 64
   3100  │  ┃  ●  p2 sendto(c1) = 64
   3200  ●◀─┼──┤  c1 has reply 1
   3300  │  ┃  ○  p2 recvfrom(c1) sleeps";
    assert_eq!(alone[..16].join("\n"), expected);
    assert!(text.contains("6090     !◀─┤  p1 SIGCHLD from p2"), "{text}");
    assert!(text.contains("c2: the same calls as c1"), "{text}");
    assert!(text.contains("c3 and c4, at once"), "{text}");
    assert!(
        text.replace("\n  ", " ")
            .contains("socket, listen, clone\u{a0}×\u{a0}2"),
        "{text}"
    );
}

#[test]
fn whoever_came_first_woke_the_sleeper_and_who_came_before_did_not() {
    let mut trace = forks();
    let cause = |trace: &Trace, at: usize| wakes(trace).calls.get(&at).copied();
    let at = trace
        .calls
        .iter()
        .position(|call| call.made.as_deref() == Some("c3"))
        .unwrap();
    let connect = |client: &str, trace: &Trace| {
        let mut moments = trace.clients.iter();
        moments
            .position(|moment| moment.client == client)
            .map(wakes::Cause::Moment)
    };
    assert_eq!(cause(&trace, at), connect("c3", &trace));
    // Two came while it slept.
    trace.calls[at].to_ns = Some(30_450 * US);
    assert_eq!(cause(&trace, at), connect("c3", &trace));
    // It fell asleep when the first had come already.
    trace.calls[at].from_ns = 30_003 * US;
    assert_eq!(cause(&trace, at), connect("c4", &trace));
    trace.calls[at].slept = Some(0);
    assert_eq!(cause(&trace, at), None);
}

#[test]
fn a_futex_wakes_as_many_as_it_says_and_a_pair_wakes_its_other_end() {
    let mut trace = forks();
    let futex = |task: &str, what: &str, instants, result| Call {
        args: vec!["futex 1".to_owned(), what.to_owned()],
        result: Some(result),
        slept: Some(1),
        ..call(task, "futex", "futex 1", instants)
    };
    trace.calls = vec![
        futex("p1.2", "wait", (10, 60), 0),
        futex("p1.3", "wait", (11, 61), 0),
        futex("p1.4", "wait", (12, 62), 0),
        futex("p1", "wake", (50, 55), 2),
        asleep(call("p2", "recvmsg", "pair 1b", (10, 90))),
        call("p1", "sendmsg", "pair 1a", (80, 85)),
        call("p1", "sendmsg", "pair 1b", (82, 85)),
    ];
    trace.calls[4].got = vec![Told {
        on: Some("c1".to_owned()),
        what: "passed".to_owned(),
    }];
    trace.objects = [("pair 1a", "pair 1b"), ("pair 1b", "pair 1a")]
        .map(|(name, peer)| Object {
            name: name.to_owned(),
            kind: ObjectKind::Pair,
            peer: Some(peer.to_owned()),
        })
        .to_vec();
    let found = wakes(&trace).calls;
    assert_eq!(found.get(&0), Some(&wakes::Cause::Call(3)));
    assert_eq!(found.get(&1), Some(&wakes::Cause::Call(3)));
    assert_eq!(found.get(&2), None);
    assert_eq!(found.get(&4), Some(&wakes::Cause::Call(5)));
}

#[test]
fn whoever_frees_a_lock_wakes_who_waits_for_it() {
    let mut trace = forks();
    let lock = |task: &str, what: &str, instants| Call {
        args: vec!["file 1".to_owned(), what.to_owned()],
        result: Some(0),
        slept: Some(1),
        ..call(task, "fcntl", "file 1", instants)
    };
    trace.calls = vec![
        lock("p1.2", "lock, and wait for it", (29_000, 30_060)),
        lock("p1", "try the lock", (30_020, 30_021)),
        lock("p1", "unlock", (30_050, 30_051)),
        lock("p4", "unlock", (30_040, 30_041)),
    ];
    trace.calls[0].slept = None;
    trace.objects = vec![Object {
        name: "file 1".to_owned(),
        kind: ObjectKind::File,
        peer: None,
    }];
    let found = wakes(&trace).calls;
    assert_eq!(found.get(&0), Some(&wakes::Cause::Call(2)));
    assert_eq!(found.len(), 1);
    let svg = trace_svg(&trace);
    assert!(svg.contains("\nholds file 1\n") && svg.contains("\nfrees file 1\n"));
}

#[test]
fn what_was_ordered_and_done_at_once_is_told_once() {
    let mut trace = forks();
    let told = |what: &str, on: &str| Told {
        on: Some(on.to_owned()),
        what: what.to_owned(),
    };
    let enters = |gave: Vec<Told>, got: Vec<Told>| Call {
        gave,
        got,
        ..call("p1", "io_uring_enter", "ring 1", (30_010, 30_020))
    };
    let (send, recv) = (told("send", "c3"), told("recv", "c3"));
    let both = vec![told("send = 64", "c3"), told("recv = 64", "c4")];
    trace.calls.push(enters(vec![send.clone()], both.clone()));
    assert!(trace_svg(&trace).contains("\nsend c3, recv c4\n"));
    *trace.calls.last_mut().unwrap() = enters(vec![send, recv], both);
    assert!(trace_svg(&trace).contains("\nsend c3, recv c3 → send c3, recv c4\n"));
}

#[test]
fn boxes_of_a_lane_do_not_overlap_and_stand_in_the_order_of_time() {
    let trace = forks();
    let known = wakes(&trace);
    for part in parts(&trace) {
        let events = events::events(&trace, &known, &part);
        let layout = layout(&trace, &part, &events, busy(&trace, &events));
        let solid = layout
            .boxes
            .iter()
            .filter(|placed| placed.look != Look::Asleep);
        let mut free = vec![0; layout.lanes.len()];
        let mut last = 0;
        for placed in solid {
            assert!(
                placed.x0 >= free[placed.lane] && placed.x0 >= last,
                "{placed:?}"
            );
            (free[placed.lane], last) = (placed.x1, placed.x0);
        }
        assert!(
            layout
                .arrows
                .iter()
                .all(|arrow| layout.boxes[arrow.from].x0 <= layout.boxes[arrow.to].x0)
        );
    }
}

#[test]
fn the_picture_is_one_and_the_same_each_time() {
    let trace = forks();
    let svg = trace_svg(&trace);
    assert_eq!(svg, trace_svg(&trace));
    resvg::usvg::Tree::from_str(&svg, &resvg::usvg::Options::default()).expect("an SVG");
    for text in [
        "c2 alone (c1 before it: the same calls)",
        "c3 and c4 at once",
        "copy of p1",
        "p4 ends",
        "from p5",
    ] {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn what_went_wrong_and_what_is_not_known_is_said() {
    let mut trace = forks();
    trace.cause = Some(Cause::new(record::Phase::Load, "it was ended by SIGKILL"));
    trace.untraced = Untraced {
        clients: Vec::new(),
        reason: Some("the traced run was not ok".to_owned()),
    };
    let joined = trace_text(&trace).replace("\n  ", " ");
    assert!(
        joined.contains("is not known: the traced run was not ok"),
        "{joined}"
    );
    assert!(
        joined.contains("did not go well: it was ended by SIGKILL"),
        "{joined}"
    );
    assert!(trace_svg(&trace).contains("ended by SIGKILL"));
    let empty = Trace {
        clients: Vec::new(),
        calls: Vec::new(),
        tasks: Vec::new(),
        at_once_ns: None,
        ..trace
    };
    assert!(trace_text(&empty).contains("did not go well"));
    assert!(trace_svg(&empty).starts_with("<svg"));
}
