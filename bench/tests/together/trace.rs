//! `trace`: each family followed from accept to close, servers that die or hang, tracers that are killed.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::support::{Place, command_line, ends, program, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use record::Outcome;
use record::trace::{Call, Trace};

/// Traces, and reads the record.
fn traced(place: &Place, words: &[&str]) -> (Output, Trace) {
    let output = place.run(&[&["trace", "--json"], words].concat());
    let trace = serde_json::from_slice(&output.stdout);
    let trace = trace.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output, trace)
}

/// The first call of that name about something.
#[track_caller]
fn call<'a>(trace: &'a Trace, names: &[&str], on: &str) -> &'a Call {
    let is = |call: &&Call| {
        let about = [&call.on, &call.made].map(|name| name.as_deref() == Some(on));
        names.contains(&call.name.as_str()) && about.contains(&true) && call.errno.is_none()
    };
    let found = trace.calls.iter().find(is);
    found.unwrap_or_else(|| panic!("no {names:?} of {on} in {:#?}", trace.calls))
}

const READS: &[&str] = &["recvfrom", "read"];
const WRITES: &[&str] = &["sendto", "write"];

#[test]
fn each_family_is_followed_from_accept_to_close() {
    let place = Place::new();
    let models = [
        "iterative",
        "fork-per-connection",
        "prefork",
        "thread-per-connection",
        "thread-pool",
        "event-loop",
    ];
    for model in models {
        let (output, trace) = traced(&place, &[model, "--connections", "1", "--requests", "1"]);
        assert_eq!(
            (output.status.code(), trace.outcome),
            (Some(0), Outcome::Ok),
            "{model}"
        );
        let accept = call(&trace, &["accept4"], "c1");
        let (read, write) = (call(&trace, READS, "c1"), call(&trace, WRITES, "c1"));
        let order = [accept, read, write].map(|call| call.to_ns);
        assert!(order.is_sorted(), "{model}: {order:?}");
        assert_eq!((read.result, write.result), (Some(64), Some(64)), "{model}");
        let ended = |call: &&Call| {
            call.on.as_deref() == Some("c1")
                && call.result == Some(0)
                && READS.contains(&call.name.as_str())
        };
        let end = trace.calls.iter().find(ended).expect("its end");
        assert_eq!(end.task, read.task, "{model}");
        let sleepers = trace
            .calls
            .iter()
            .filter(|call| call.slept.is_some_and(|times| times > 0));
        assert!(sleepers.count() > 1, "{model}: nobody waited for anybody");
        assert!(
            trace.untraced.clients.len() == trace.clients.len(),
            "{model}: {:?}",
            trace.untraced
        );
        lesson(model, &trace, accept, read);
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn a_file_lock_is_seen_to_be_taken_and_freed() {
    let place = Place::new();
    let few = ["prefork-file-lock", "--connections", "2", "--requests", "1"];
    let (output, trace) = traced(&place, &few);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let accept = call(&trace, &["accept4"], "c1");
    let locks = |what: &str, call: &Call| {
        call.name == "fcntl" && call.args == ["file 1", what] && call.errno.is_none()
    };
    // Who has accepted frees it, and then somebody else holds it.
    let frees = |call: &&Call| call.task == accept.task && locks("unlock", call);
    let freed = trace.calls.iter().find(frees).expect("it is freed");
    assert!(Some(freed.from_ns) >= accept.to_ns);
    let holds = |call: &Call| {
        call.task != accept.task
            && locks("lock, and wait for it", call)
            && call.to_ns.is_some_and(|to| to >= freed.from_ns)
    };
    assert!(trace.calls.iter().any(holds), "{:#?}", trace.calls);
    place.assert_nothing_left(&[]);
}

/// What each family is known by.
fn lesson(model: &str, trace: &Trace, accept: &Call, read: &Call) {
    let apart = accept.task != read.task;
    let made = trace
        .tasks
        .iter()
        .find(|task| task.name == read.task)
        .expect("who reads");
    match model {
        // The copy: a process that the one that accepts has made for this client, and that ends with it.
        "fork-per-connection" => {
            let clone = call(trace, &["clone"], &read.task);
            assert!(apart && clone.task == accept.task && clone.from_ns > accept.from_ns);
            assert!(
                !made.is_thread() && made.ended.as_ref().is_some_and(|end| end.exit == Some(0))
            );
            call(trace, &["wait4"], &read.task);
            let died = trace
                .signals
                .iter()
                .find(|it| it.signal == "SIGCHLD")
                .expect("its end is told");
            assert_eq!(died.from.as_ref(), Some(&read.task));
        }
        "thread-per-connection" => {
            assert!(apart && made.is_thread() && made.ended.is_some());
            call(trace, &["clone3", "clone"], &read.task);
        }
        // The hand-over: who accepts wakes who serves.
        "thread-pool" => {
            assert!(apart && made.is_thread() && made.ended.is_none());
            let wakes = |call: &&Call| {
                call.args.get(1).is_some_and(|what| what == "wake") && call.result == Some(1)
            };
            let wake = trace.calls.iter().find(wakes).expect("a futex wake");
            let waits = |call: &&Call| {
                call.task == read.task && call.on == wake.on && call.result == Some(0)
            };
            assert!(wake.task == accept.task && trace.calls.iter().any(|call| waits(&call)));
        }
        "prefork" => assert!(!apart && !made.is_thread() && made.parent.as_deref() == Some("p1")),
        // The single lane.
        "event-loop" => {
            assert_eq!(trace.tasks.len(), 1);
            let told = |call: &&Call| call.got.iter().any(|told| told.on.as_deref() == Some("c1"));
            assert!(
                trace
                    .calls
                    .iter()
                    .any(|call| call.name == "epoll_wait" && told(&call))
            );
        }
        _ => assert!(!apart && trace.tasks.len() == 1),
    }
}

/// `mortal.py`, marked.
fn mortal(place: &Place, words: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/mortal.py");
    let mut command = vec!["python3", script.to_str().expect("UTF-8"), "{port}"];
    command.extend(words);
    let (name, value) = place.mark();
    let text = format!(
        "[[contender]]\nname = \"mortal\"\ncommand = {command:?}\nenv = {{ {name} = \"{value}\" }}\n"
    );
    place.write("mortal.toml", &text).display().to_string()
}

#[test]
fn a_server_that_dies_is_drawn_up_to_its_end() {
    let place = Place::new();
    for (how, end) in [
        ("killed", "was ended by SIGKILL"),
        ("exits", "exited with status 1"),
    ] {
        let file = mortal(&place, &[how, "2"]);
        let (output, trace) = traced(&place, &["mortal", "--contenders", &file]);
        assert_eq!(
            (output.status.code(), trace.outcome),
            (Some(3), Outcome::Crashed)
        );
        let cause = trace.cause.expect("why");
        assert!(cause.text.contains(end), "{cause:?}");
        let end = trace.tasks[0].ended.as_ref().expect("its end");
        assert_eq!(
            end.signal.as_deref(),
            (how == "killed").then_some("SIGKILL")
        );
        assert_eq!(cause.stderr.contains("that is all"), how == "exits");
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn a_server_that_never_listens_is_said_so_with_what_it_does() {
    let place = Place::new();
    let words = [
        "trace",
        "mute",
        "--with",
        "mute=sleep 60 {port}",
        "--patience",
        "300ms",
    ];
    let output = place.run(&words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("within 300 ms; p1 is in clock_nanosleep"),
        "{said}"
    );
    let ended = place.run(&["trace", "gone", "--with", "gone=sh -c 'exit 7' {port}"]);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        said.contains("exited with status 7 before it listened"),
        "{said}"
    );
    let missing = place.run(&["trace", "none", "--with", "none=./none {port}"]);
    let said = String::from_utf8_lossy(&missing.stderr);
    assert!(said.contains("cannot execute ./none"), "{said}");
}

/// A tracer whose server does not answer, has forked, and is asleep or stopped.
fn stuck(place: &Place, how: &str) -> Child {
    let file = mortal(place, &[how]);
    let tracer = place
        .command(&["trace", "mortal", "--contenders", &file])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("fiveways runs");
    let servers = || {
        let marked = place.marked().into_iter();
        let servers: Vec<i32> = marked
            .filter(|pid| command_line(*pid).contains("mortal.py"))
            .collect();
        let wanted = if how == "hangs" { 2 } else { 1 };
        let stands = servers
            .iter()
            .all(|pid| how != "stops" || state(*pid) == 't' || state(*pid) == 'T');
        let accepted = servers.iter().any(|pid| sockets(*pid) > 1);
        (servers.len() == wanted && stands && accepted).then_some(())
    };
    wait_for(servers, "a stuck server");
    tracer
}

fn state(pid: i32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit(") ").next().unwrap_or_default();
    after.chars().next().unwrap_or(' ')
}

fn sockets(pid: i32) -> usize {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    let is_socket = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    descriptors.filter(is_socket).count()
}

#[test]
fn whoever_ends_the_tracer_nothing_is_left_stopped_or_stuck() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT] {
        let place = Place::new();
        for how in ["hangs", "stops"] {
            let mut tracer = stuck(&place, how);
            kill(Pid::from_raw(tracer.id() as i32), signal).expect("it lives");
            let status = ends(&mut tracer);
            if signal != Signal::SIGKILL {
                assert_eq!(status.code(), Some(130), "{signal}");
            }
            place.assert_nothing_left(&[]);
        }
    }
}

#[test]
fn a_refusal_of_ptrace_is_said_with_its_reason_and_what_to_do() {
    let place = Place::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../servers/tests/contract/denied.py");
    let output = Command::new("python3")
        .arg(script)
        .args(["ptrace", program(), "trace", "event-loop"])
        .current_dir(place.path("."))
        .stdin(Stdio::null())
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Operation not permitted (1)"), "{said}");
    assert!(
        said.contains("seccomp") && said.contains("SYS_PTRACE"),
        "{said}"
    );
}

#[test]
fn a_drawing_goes_where_it_is_told_and_can_be_made_again() {
    let place = Place::new();
    let output = place.run(&[
        "trace",
        "iterative",
        "--connections",
        "2",
        "-o",
        "t.svg",
        "-o",
        "t.txt",
        "-o",
        "t.json",
    ]);
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    let again = place.run(&["trace", "--from", "t.json"]);
    let text = std::fs::read_to_string(place.path("t.txt")).expect("a text");
    assert_eq!(String::from_utf8_lossy(&again.stdout), text);
    assert!(
        text.contains("c3 and c4, at once") && text.contains("accept4(listener) = c4"),
        "{text}"
    );
    let svg = std::fs::read_to_string(place.path("t.svg")).expect("a picture");
    assert!(svg.starts_with("<svg") && svg.contains("client c4"));
    for (words, said) in [
        (["trace", "iterativ"].as_slice(), "`iterative`"),
        (
            &["trace", "iterative", "-o", "t.png"],
            ".svg, .txt or .json",
        ),
        (&["trace", "--from", "t.svg"], "is no trace"),
    ] {
        let output = place.run(words);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(said),
            "{output:?}"
        );
    }
}

#[test]
fn a_run_with_traces_has_them_in_its_page_above_their_source() {
    let place = Place::new();
    // Between two rounds there is an answer, worked out on threads that must not be there when servers are forked.
    let words = ["--only", "^(event-loop|node-net)$", "--traces"];
    let (output, results) =
        place.measure(&crate::support::rr("rr-5", 5, "20ms", "100ms", 2), &words);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let names: Vec<&str> = results
        .traces
        .iter()
        .map(|it| it.contender.as_str())
        .collect();
    assert_eq!(names, ["event-loop", "node-net"], "and no control");
    let sources = results.traces.iter().map(|it| it.source.is_some());
    assert_eq!(sources.collect::<Vec<_>>(), [true, false]);
    let page = std::fs::read_to_string(place.path("out/report.html")).expect("a page");
    let (_, section) = page.split_once("id=\"traces\"").expect("a section");
    for word in ["servers/src/models/event_loop.rs", "epoll_wait", "accept4"] {
        assert!(section.contains(word), "{word}");
    }
    // Drawn again from the folder alone.
    let again = place.run(&["report", place.path("out").to_str().expect("a path")]);
    assert!(again.status.success());
    assert_eq!(
        page,
        std::fs::read_to_string(place.path("out/report.html")).expect("a page")
    );
    place.assert_nothing_left(&[]);
}

#[test]
fn that_nobody_can_be_traced_here_is_said_once() {
    let place = Place::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../servers/tests/contract/denied.py");
    let suite = place.suite(&crate::support::rr("rr-5", 5, "20ms", "40ms", 1));
    let output = Command::new("python3")
        .arg(script)
        .args(["ptrace", env!("CARGO_BIN_EXE_fiveways"), "run"])
        .arg(suite)
        .args(["--only", "^(event-loop|tokio)$", "--traces", "--out", "out"])
        .current_dir(place.path("."))
        .env("FIVEWAYS_LOCK", place.lock())
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        said.matches("does not let fiveways trace").count(),
        1,
        "{said}"
    );
    assert_eq!(output.status.code(), Some(0), "the run is whole: {said}");
}

/// Before it serves, it tells whether somebody has the turn.
const WATCHES: &str = "import fcntl, os, sys
lock, told = open(sys.argv[1]), open(sys.argv[2], 'a')
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    print('free', file=told)
except BlockingIOError:
    print('held', file=told)
lock.close()
told.close()
os.execv(sys.argv[3], sys.argv[3:])
";

#[test]
fn traces_are_made_in_the_turn_of_the_run() {
    let place = Place::new();
    let script = place.write("watches.py", WATCHES);
    let with = format!(
        "watched=python3 {} {} {} {{echo-server}} event-loop --port {{port}}",
        script.display(),
        place.lock().display(),
        place.path("told").display()
    );
    let words = ["--only", "^watched$", "--with", &with, "--traces"];
    let (output, results) =
        place.measure(&crate::support::rr("rr-5", 5, "20ms", "40ms", 1), &words);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(results.traces.len(), 1, "{output:?}");
    let told = std::fs::read_to_string(place.path("told")).expect("it was started");
    // For its pass, for its trace, and without a tracer.
    assert_eq!(told, "held\n".repeat(3));
    place.assert_nothing_left(&[]);
}
