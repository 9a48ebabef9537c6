//! Counter passes through the built program: against a server that does known things, against what usage says,
//! and where the kernel does not let anybody count.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{BRIEFLY, Place, alone, assert_close, estimate, passes, program, rr};
use record::{Counted, Outcome, Pass, PassKind, Results, Usage};

/// Changes between two looks: replies, and each event.
struct Window {
    replies: u64,
    events: BTreeMap<String, u64>,
}

impl Window {
    fn between(before: &Usage, after: &Usage) -> Self {
        let (from, to) = (counted(before), counted(after));
        let change = |(name, value): (&String, &u64)| (name.clone(), value - from.events[name]);
        Window {
            replies: after.replies - before.replies,
            events: to.events.iter().map(change).collect(),
        }
    }

    fn of(pass: &Pass) -> Self {
        Window::between(look(&pass.usage.before), look(&pass.usage.after))
    }

    fn event(&self, name: &str) -> u64 {
        let found = self.events.get(name);
        *found.unwrap_or_else(|| panic!("{name} was not counted: {:?}", self.events))
    }

    fn call(&self, name: &str) -> u64 {
        self.event(&format!("sys_enter_{name}"))
    }
}

fn look(usage: &Option<Usage>) -> &Usage {
    usage.as_ref().expect("it was looked at")
}

fn counted(usage: &Usage) -> &Counted {
    usage.counted.as_ref().expect("it was counted")
}

fn switches(usage: &Usage) -> u64 {
    usage.switches_voluntary + usage.switches_involuntary
}

/// The counter passes of a cell, all of them ok.
fn counters<'a>(results: &'a Results, contender: &str, scenario: &str) -> Vec<&'a Pass> {
    let mut found = passes(results, contender, scenario);
    found.retain(|pass| pass.pass == PassKind::Counter);
    assert!(!found.is_empty(), "no counter pass of {contender}");
    for pass in &found {
        assert_eq!(pass.outcome, Outcome::Ok, "{:?}", pass.cause);
    }
    found
}

/// Why nobody may count here, if that is so: then there is nothing to hold against anything.
fn refused(results: &Results) -> Option<String> {
    let passes = results.passes.iter();
    let mut usages = passes.filter_map(|pass| pass.usage.before.as_ref()?.counted.as_ref());
    let reason = usages.find_map(|it| it.unavailable.values().next().cloned())?;
    eprintln!("not counted here: {reason}");
    Some(reason)
}

/// A scenario of slices, then two rounds of counter passes.
fn scenario(name: &str, connections: u32, window: &str) -> String {
    rr(name, connections, "50ms", window, 1) + "counters = 2\n"
}

#[test]
fn forks_system_calls_and_touched_pages_are_counted_to_the_unit() {
    let _alone = alone();
    let place = Place::new();
    let source = format!("{}/tests/servers/counted.py", env!("CARGO_MANIFEST_DIR"));
    let entry = |(name, words): (&str, [&str; 3])| {
        let [forks, yields, pages] = words;
        let command = ["python3", &source, "{port}", forks, yields, pages];
        format!("[[contender]]\nname = \"{name}\"\ncommand = {command:?}\n")
    };
    let servers = [
        ("does-nothing", ["0", "0", "0"]),
        ("does-forks", ["3", "0", "0"]),
        ("does-yields", ["0", "5", "0"]),
        ("does-touches", ["0", "0", "40"]),
    ];
    let file = place.write("does.toml", &servers.map(entry).concat());
    let (output, results) = place.measure(
        &scenario("rr", 1, "500ms"),
        &[
            "--contenders",
            file.to_str().expect("UTF-8"),
            "--only",
            "does",
        ],
    );
    assert!(output.status.success(), "{output:?}");
    if refused(&results).is_some() {
        return;
    }
    let windows = |name| counters(&results, name, "rr").into_iter().map(Window::of);
    let touched = |window: &Window, pages: u64| {
        let faults = window.event("minor-faults") as i64;
        faults - (pages * window.replies) as i64
    };
    let nothing: Vec<Window> = windows("does-nothing").collect();
    for (name, [forks, yields, pages]) in servers {
        let [forks, yields, pages] = [forks, yields, pages].map(|it| it.parse::<u64>().unwrap());
        for window in windows(name) {
            let replies = window.replies;
            assert!(replies > 20, "{name}: {replies} replies are no oracle");
            assert_eq!(window.call("clone"), forks * replies, "{name}");
            assert_eq!(window.call("wait4"), forks * replies, "{name}");
            // By children, each of which has ended: the dead are counted.
            assert_eq!(window.call("exit_group"), forks * replies, "{name}");
            assert_eq!(window.call("sched_yield"), yields * replies, "{name}");
            assert_eq!(window.call("madvise"), replies, "{name}");
            assert_eq!(window.call("sendto"), replies, "{name}");
            assert_eq!(window.event("major-faults"), 0, "{name}");
            let names = window.events.iter();
            let by_name = names.filter(|(name, _)| name.starts_with("sys_enter_"));
            let by_name: u64 = by_name.map(|(_, count)| count).sum();
            assert!(window.event("sys_enter") >= by_name, "{name}");
            if forks == 0 {
                let own = touched(&nothing[0], 0);
                let rest = touched(&window, pages);
                assert!((rest - own).abs() <= 2, "{name}: {rest} beside {own}");
            }
        }
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn counter_passes_stand_in_the_plan_and_in_no_timing() {
    let _alone = alone();
    let place = Place::new();
    let (output, results) = place.measure(
        &scenario("rr", 4, "100ms"),
        &["--only", "^(event-loop|thread-per-connection)$"],
    );
    assert!(output.status.success(), "{output:?}");
    let number = |kind| results.passes.iter().filter(|it| it.pass == kind).count();
    // Two and the control, once; two, twice.
    assert_eq!(
        (number(PassKind::Timing), number(PassKind::Counter)),
        (3, 4)
    );
    let made = results.passes.iter().map(|it| (&it.contender, it.pass));
    let planned = results.run.passes.iter().map(|it| (&it.contender, it.pass));
    assert!(made.eq(planned), "the plan is what was made");
    for pass in &results.passes {
        let usage = &pass.usage;
        let instants = [&usage.ready, &usage.before, &usage.after, &usage.exit];
        for usage in instants {
            let is_counted = look(usage).counted.is_some();
            assert_eq!(is_counted, pass.pass == PassKind::Counter);
        }
    }
    let summary = place.summary();
    let throughput = estimate(&summary, "event-loop", "rr", "throughput_per_s");
    assert_eq!(throughput.rounds, 1, "of the timing pass alone");
}

#[test]
fn switches_by_perf_are_those_of_usage_while_nobody_ends() {
    let _alone = alone();
    let place = Place::new();
    let models = ["thread-per-connection", "prefork", "thread-pool"];
    let (_, results) = place.measure(
        &scenario("rr", 8, "300ms"),
        &["--only", &format!("^({})$", models.join("|"))],
    );
    if refused(&results).is_some() {
        return;
    }
    for model in models {
        for pass in counters(&results, model, "rr") {
            let window = Window::of(pass);
            let by_usage = switches(look(&pass.usage.after)) - switches(look(&pass.usage.before));
            assert!(
                by_usage > 500,
                "{model}: {by_usage} switches are no witness"
            );
            let by_perf = window.event("context-switches");
            assert_close(by_perf as f64, by_usage as f64, 0.05, model);
        }
    }
}

#[test]
fn perf_misses_one_switch_of_each_process_that_ends() {
    let _alone = alone();
    let place = Place::new();
    let crr = scenario("crr", 4, "300ms").replace("\"rr\"", "\"crr\"");
    let suite = place.suite(&crr).display().to_string();
    // Without tracepoints: a task that ends waits for a lock over each of them, after perf has let go of it.
    let is_root = nix::unistd::geteuid().is_root();
    let wrapped = if is_root {
        without_tracing()
    } else {
        Vec::new()
    };
    let program = program();
    let results = run(
        &place,
        &wrapped,
        program,
        &[&suite, "--only", "^fork-per-connection$"],
    );
    for pass in counters(&results, "fork-per-connection", "crr") {
        let (ready, exit) = (look(&pass.usage.ready), look(&pass.usage.exit));
        if counted(exit).unavailable.contains_key("perf") {
            eprintln!("not counted here: {:?}", counted(exit).unavailable);
            return;
        }
        let window = Window::between(ready, exit);
        let by_usage = switches(exit) - switches(ready);
        let missed = (by_usage - window.event("context-switches")) as f64;
        let ended = window.replies as f64;
        assert!(ended > 200.0, "{ended} processes are no witness");
        // Its last; and on a busy machine it may be preempted between perf's end and its own.
        let preempted = (exit.switches_involuntary - ready.switches_involuntary) as f64;
        let bounds = 0.95 * ended..=1.05 * ended + preempted;
        assert!(
            bounds.contains(&missed),
            "{missed} of {by_usage}: {bounds:?}"
        );
    }
}

/// Runs a program that is fiveways in the folder of `place`, with these words before its own; it ends well.
fn run(place: &Place, wrapped: &[String], program: &str, arguments: &[&str]) -> Results {
    let mut words: Vec<&str> = wrapped.iter().map(String::as_str).collect();
    words.extend([program, "run", "--out", "out"]);
    words.extend(arguments);
    let output: Output = Command::new(words[0])
        .args(&words[1..])
        .current_dir(place.path(""))
        .env("FIVEWAYS_LOCK", place.lock())
        .env(BRIEFLY.0, BRIEFLY.1)
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    record::read_results(&place.path("out")).expect("it recorded")
}

/// A suite, a contender that sleeps once a request, and copies of the programs, for somebody who may see nothing else.
struct Elsewhere {
    place: Place,
    suite: String,
}

impl Elsewhere {
    fn new() -> Self {
        let place = Place::new();
        let built = Path::new(program());
        for name in ["fiveways", "echo-server"] {
            let (from, to) = (built.with_file_name(name), place.path(name));
            std::fs::copy(&from, &to).expect("room for a copy");
        }
        let contenders = format!(
            "[[contender]]\nname = \"sleeps\"\ncommand = [\"{}\", \"event-loop\", \"--port\", \"{{port}}\", \
             \"--work\", \"sleep:20us\"]\n",
            place.path("echo-server").display()
        );
        place.write("sleeps.toml", &contenders);
        let suite = place.suite(&scenario("rr", 4, "300ms"));
        let suite = suite.to_str().expect("UTF-8").to_owned();
        Elsewhere { place, suite }
    }

    /// Runs the suite there: `wrapped` are words before the program's own.
    fn run(&self, wrapped: &[String]) -> Results {
        let program = self.place.path("fiveways").display().to_string();
        let arguments = [
            &self.suite,
            "--contenders",
            "sleeps.toml",
            "--only",
            "sleeps",
        ];
        run(&self.place, wrapped, &program, &arguments)
    }

    /// Gives all of it to nobody: words before the program's own with which he runs it. For root.
    fn as_nobody(&self) -> Vec<String> {
        let nobody = nix::unistd::Uid::from_raw(65534);
        for name in ["", "sleeps.toml", "suite.toml", "fiveways", "echo-server"] {
            let path = self.place.path(name);
            nix::unistd::chown(&path, Some(nobody), None).expect("root may");
        }
        words("setpriv --reuid 65534 --regid 65534 --clear-groups")
    }
}

/// What rests on no permission is right in every pass, and there is no event among what could not be counted.
fn assert_the_rest_is_right(results: &Results) {
    assert_eq!(results.passes.len(), 3, "one timed, two counted");
    for pass in &results.passes {
        assert_eq!(pass.outcome, Outcome::Ok, "{:?}", pass.cause);
        let (before, after) = (look(&pass.usage.before), look(&pass.usage.after));
        let replies = (after.replies - before.replies) as f64;
        assert!(replies > 500.0, "{replies} replies are no oracle");
        let slept = (after.switches_voluntary - before.switches_voluntary) as f64;
        assert_close(slept / replies, 1.0, 0.05, "sleeps a request");
        assert!(after.cpu_ns > before.cpu_ns);
        let counted = after.counted.as_ref();
        assert_eq!(counted.is_some(), pass.pass == PassKind::Counter);
        for (name, reason) in counted.iter().flat_map(|it| &it.unavailable) {
            assert!(!reason.is_empty() && !counted.unwrap().events.contains_key(name));
        }
    }
}

fn reason(results: &Results, kind: &str) -> String {
    let passes = results.passes.iter();
    let mut counted = passes.filter_map(|pass| pass.usage.after.as_ref()?.counted.as_ref());
    let counted = counted.next().expect("a counter pass");
    let found = counted.unavailable.get(kind);
    found
        .unwrap_or_else(|| panic!("{kind}: {counted:?}"))
        .clone()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A shell in a mount namespace of its own in which what stands in the way is covered, before `words`.
fn covered(text: &str, words: &[String]) -> Vec<String> {
    let root = nix::unistd::geteuid().is_root();
    // Who is not root becomes one in a user namespace.
    let unshare = [
        "unshare",
        if root { "--mount" } else { "--map-root-user" },
        "--mount",
    ];
    let shell = ["sh", "-ec", &format!("{text}\nexec \"$@\""), "sh"];
    let all = unshare.into_iter().chain(shell).map(str::to_owned);
    all.chain(words.iter().cloned()).collect()
}

const NO_CGROUPS: &str = "mount -t tmpfs none /sys/fs/cgroup";
const NO_TRACING: &str = "for place in /sys/kernel/debug /sys/kernel/tracing; do\n\
                          test ! -d $place || mount -t tmpfs none $place; done";

/// For root: allowed to count, and without a way to tracefs.
fn without_tracing() -> Vec<String> {
    covered(NO_TRACING, &words("setpriv --bounding-set -sys_admin"))
}

/// Words before a program's that deny it a system call.
fn denied(call: &str) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../servers/tests/contract/denied.py");
    words(&format!("python3 {} {call}", script.display()))
}

fn paranoid() -> i32 {
    let text = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid");
    text.expect("a kernel with perf events")
        .trim()
        .parse()
        .expect("a number")
}

#[test]
fn who_has_no_privilege_is_told_which() {
    let _alone = alone();
    let elsewhere = Elsewhere::new();
    let wrapped = match nix::unistd::geteuid().is_root() {
        true => elsewhere.as_nobody(),
        false => Vec::new(),
    };
    let results = elsewhere.run(&wrapped);
    assert_the_rest_is_right(&results);
    if paranoid() > 1 {
        let expected = format!("perf_event_paranoid is {}, CAP_PERFMON missing", paranoid());
        assert_eq!(reason(&results, "perf"), expected);
        assert_eq!(reason(&results, "tracepoints"), expected);
    }
}

#[test]
fn under_a_filter_that_refuses_perf_and_without_cgroups_the_rest_is_right() {
    let _alone = alone();
    let elsewhere = Elsewhere::new();
    let results = elsewhere.run(&covered(NO_CGROUPS, &denied("perf_event_open")));
    assert_the_rest_is_right(&results);
    for kind in ["perf", "tracepoints"] {
        assert_eq!(
            reason(&results, kind),
            "perf_event_open: EPERM under a seccomp filter"
        );
    }
    let after = look(&results.passes[0].usage.after);
    assert_eq!(after.cpu_source, record::Source::Proc);
}

#[test]
fn without_a_tracing_file_system_there_are_still_software_events() {
    let _alone = alone();
    if !nix::unistd::geteuid().is_root() {
        eprintln!("only root can be without tracefs and have perf all the same");
        return;
    }
    let elsewhere = Elsewhere::new();
    let results = elsewhere.run(&without_tracing());
    assert_the_rest_is_right(&results);
    let reason = reason(&results, "tracepoints");
    assert!(
        reason.contains("tracefs") && reason.contains("EPERM"),
        "{reason}"
    );
    for pass in counters(&results, "sleeps", "rr") {
        let counted = counted(look(&pass.usage.after));
        if counted.unavailable.contains_key("perf") {
            continue;
        }
        let window = Window::of(pass);
        let slept = window.event("context-switches") as f64 / window.replies as f64;
        assert!(slept > 0.95, "{slept} switches a request");
        let calls = window
            .events
            .keys()
            .filter(|name| name.starts_with("sys_enter"));
        assert_eq!(calls.count(), 0, "unavailable is never 0");
    }
}

#[test]
fn where_others_are_hidden_in_proc_and_there_is_no_perf_the_rest_is_right() {
    let _alone = alone();
    if !nix::unistd::geteuid().is_root() {
        return println!("skipped: only root can mount a /proc that hides others");
    }
    let elsewhere = Elsewhere::new();
    let wrapped = [denied("perf_event_open=ENOSYS"), elsewhere.as_nobody()].concat();
    let results = elsewhere.run(&covered("mount -t proc -o hidepid=2 none /proc", &wrapped));
    assert_the_rest_is_right(&results);
    let told = "perf_event_open: ENOSYS under a seccomp filter";
    assert_eq!(reason(&results, "perf"), told);
}
