//! `fiveways load` as its users have it: the built program against servers whose behaviour is known, because
//! they stand in this process.

mod chaos;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock, RwLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use chaos::{Server, chaos as harmful, deserted_port, echo, serve};
use serde_json::Value;

/// How long a load may take before a test says that it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Held for writing where time is the oracle, so that the other tests do not disturb it.
static MACHINE: RwLock<()> = RwLock::new(());

/// The program; it ends with the test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a load said.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

fn start(target: &str, words: &str) -> Guard {
    let child = Command::new(env!("CARGO_BIN_EXE_fiveways"))
        .args(["load", target])
        .args(words.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Guard(child.expect("fiveways runs"))
}

/// Reads everything, in a thread.
fn text_of(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (told, text) = mpsc::channel();
    thread::spawn(move || {
        let mut all = String::new();
        let _ = pipe.read_to_string(&mut all);
        let _ = told.send(all);
    });
    text
}

fn end(mut program: Guard) -> Said {
    let stdout = program.0.stdout.take().map(text_of);
    let stderr = program.0.stderr.take().map(text_of);
    let read = |text: Option<mpsc::Receiver<String>>| match text {
        Some(text) => text.recv_timeout(PATIENCE).expect("it ends"),
        None => String::new(),
    };
    let said = Said {
        stdout: read(stdout),
        stderr: read(stderr),
        code: program.0.wait().expect("a child of ours").code(),
    };
    assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    said
}

fn run_to(target: &str, words: &str) -> Said {
    end(start(target, words))
}

fn run(server: &Server, words: &str) -> Said {
    run_to(&server.target(), words)
}

fn number(object: &Value, path: &str) -> f64 {
    let found = object.pointer(path).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no number at {path}: {object}"))
}

fn count(object: &Value, path: &str) -> u64 {
    let found = object.pointer(path).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("no count at {path}: {object}"))
}

fn errors(object: &Value, kind: &str) -> u64 {
    object["errors"][kind].as_u64().unwrap_or(0)
}

/// `sent = ok + Σ errors`, to the unit.
#[track_caller]
fn assert_sums(object: &Value) {
    let errors = object["errors"].as_object().expect("kinds");
    let failed: u64 = errors.values().filter_map(Value::as_u64).sum();
    assert_eq!(
        count(object, "/sent"),
        count(object, "/ok") + failed,
        "{object}"
    );
}

const CHAOS_CONNECTIONS: u64 = 12;

/// A load under chaos, and what both sides counted.
fn under_chaos(seed: u64, words: &str) -> (Value, Arc<chaos::Harm>) {
    let _shared = MACHINE.read();
    let (proxy, harm) = harmful(64, seed, CHAOS_CONNECTIONS);
    let words = format!("-c {CHAOS_CONNECTIONS} --timeout 400ms --seed {seed} --json {words}");
    let said = run(&proxy, &words);
    let object = said.json();
    assert_sums(&object);
    assert!(
        harm.wrong.load(SeqCst) > 0,
        "the proxy did nothing: {words}: {object} {harm:?}"
    );
    assert_eq!(object["verdict"], "wrong", "{object}");
    assert_eq!(said.code, Some(4), "{}{}", said.stdout, said.stderr);
    (object, harm)
}

/// Each kind is what the proxy did, to the unit.
#[track_caller]
fn assert_kinds(object: &Value, harm: &chaos::Harm, all_were_sent: bool) {
    for (kind, done) in [
        ("reset", &harm.reset),
        ("closed", &harm.closed),
        ("wrong", &harm.wrong),
    ] {
        assert_eq!(
            errors(object, kind),
            done.load(SeqCst),
            "{kind}: {object} {harm:?}"
        );
    }
    // Who got a good answer too late counts as timed out.
    let (good, silent) = (harm.good.load(SeqCst), harm.silent.load(SeqCst));
    let (ok, timeout) = (count(object, "/ok"), errors(object, "timeout"));
    assert!(ok <= good && timeout >= silent, "{object} {harm:?}");
    if all_were_sent {
        assert_eq!(ok + timeout, good + silent, "{object} {harm:?}");
    }
}

#[test]
fn a_closed_loop_counts_every_harm_to_the_unit() {
    for seed in [1, 2] {
        for mode in [
            "--mode rr",
            "--mode crr",
            "--mode crr --per-connection 7 -t 2",
        ] {
            let (object, harm) = under_chaos(seed, &format!("-n 2000 {mode}"));
            assert_eq!(count(&object, "/sent"), 2000, "{mode}: {object}");
            assert_kinds(&object, &harm, true);
        }
    }
}

#[test]
fn an_open_loop_counts_every_harm_to_the_unit() {
    for (seed, pace) in [(3, "constant"), (4, "poisson")] {
        for mode in ["rr", "crr"] {
            let words = format!("-R 1000 -d 1500ms --pace {pace} --mode {mode} -t 3");
            let (object, harm) = under_chaos(seed, &words);
            if pace == "constant" {
                assert_eq!(count(&object, "/sent"), 1500, "{object}");
            }
            assert_kinds(&object, &harm, false);
        }
    }
}

#[test]
fn a_stream_under_chaos_sums_to_the_unit() {
    for seed in [5, 6] {
        let (object, harm) = under_chaos(seed, "--mode stream --depth 5 -n 3000");
        assert_eq!(count(&object, "/sent"), 3000, "{object}");
        assert!(count(&object, "/ok") <= harm.good.load(SeqCst));
    }
}

#[test]
fn requests_rates_and_connections_sum_exactly_over_threads() {
    let _shared = MACHINE.read();
    for (words, sent) in [
        ("-n 1000 -c 7", 1000),
        ("-n 1000 -c 7 -t 3", 1000),
        ("-n 2 -c 7 -t 3", 2),
        ("-R 997 -d 1s --pace constant -c 7 -t 3", 997),
        ("-R 997 -n 501 --pace poisson -c 7 -t 3", 501),
    ] {
        let server = echo(64, |_| {});
        let said = run(&server, &format!("{words} --json"));
        let object = said.json();
        assert_eq!(said.code, Some(0), "{words}: {object} {}", said.stderr);
        assert_sums(&object);
        assert_eq!(count(&object, "/sent"), sent, "{words}: {object}");
        assert_eq!(count(&object, "/ok"), sent, "{words}: {object}");
        assert_eq!(count(&object, "/connections/asked"), 7);
        assert_eq!(count(&object, "/connections/served"), 7);
        assert_eq!(server.accepted(), 7, "{words}");
        // And each connection's first echo.
        assert_eq!(server.requests(), sent + 7, "{words}");
    }
}

#[test]
fn a_known_delay_is_what_is_measured() {
    const DELAY: Duration = Duration::from_millis(10);
    let _alone = MACHINE.write();
    for pace in ["", "-R 200 --pace constant"] {
        let measured = |delay: Duration| {
            let server = echo(64, move |_| {
                if !delay.is_zero() {
                    thread::sleep(delay);
                }
            });
            let said = run(&server, &format!("-c 4 -n 200 --json {pace}"));
            let object = said.json();
            assert_eq!(said.code, Some(0), "{object}");
            ["response_ns", "service_ns"].map(|name| number(&object, &format!("/{name}/p50")))
        };
        let exact = DELAY.as_nanos() as f64;
        let within = || {
            let (base, delayed) = (measured(Duration::ZERO), measured(DELAY));
            base.into_iter().zip(delayed).all(|(base, delayed)| {
                println!("{pace}: {delayed} with a base of {base}");
                // Half a thousandth: the histogram's grain.
                (exact * 0.9995..=exact * 1.02 + base).contains(&delayed)
            })
        };
        // A sleep is never too short and, on a busy machine, sometimes too long by more than 2 %.
        assert!((0..3).any(|_| within()), "never within 2 % and the base");
    }
}

/// A stall of S seconds at R requests a second: R·S requests are due while it lasts, and the one due u seconds
/// into it waits S − u. So of N requests the share (S − x)·R/N waits longer than x, and p99 is
/// S − N/(100·R). Only one request a connection was on its way: service time hardly knows of the stall.
#[test]
fn a_stall_shows_in_response_time_and_not_in_service_time() {
    const RATE: f64 = 1000.0;
    const LENGTH_S: f64 = 4.0;
    const STALL: Duration = Duration::from_millis(500);
    let _alone = MACHINE.write();
    let over: Arc<OnceLock<Instant>> = Arc::default();
    let server = echo(64, move |number| {
        if number == 1000 {
            let _ = over.set(Instant::now() + STALL);
        }
        if let Some(over) = over.get() {
            // The server stands still: that is what it is for.
            thread::sleep(over.saturating_duration_since(Instant::now()));
        }
    });
    let words = format!("-c 20 -R {RATE} --pace constant -d {LENGTH_S}s --json");
    let said = run(&server, &words);
    let object = said.json();
    assert_eq!(said.code, Some(0), "{object}");
    assert_eq!(count(&object, "/ok") as f64, RATE * LENGTH_S, "{object}");
    let expected_ns = STALL.as_nanos() as f64 - LENGTH_S / 100.0 * 1e9;
    let response = number(&object, "/response_ns/p99");
    assert!(
        (response / expected_ns - 1.0).abs() < 0.15,
        "{response} instead of {expected_ns}: {object}"
    );
    let service = number(&object, "/service_ns/p99");
    assert!(service < expected_ns / 5.0, "{object}");
    let stall_ns = STALL.as_nanos() as f64;
    assert!(
        number(&object, "/service_ns/max") > stall_ns * 0.95,
        "{object}"
    );
}

#[test]
fn one_object_tells_all() {
    let _shared = MACHINE.read();
    let server = echo(64, |_| {});
    let closed = run(&server, "-n 20k --json").json();
    for key in [
        "sent",
        "ok",
        "errors",
        "throughput_per_s",
        "response_ns",
        "service_ns",
        "connect_ns",
        "generator_cpu_us_per_request",
        "schedule_lag_ns",
        "connections",
        "clamped",
        "resident_bytes",
        "elapsed_s",
        "problem",
        "verdict",
    ] {
        assert!(closed.get(key).is_some(), "{key}: {closed}");
    }
    for name in ["response_ns", "service_ns"] {
        let at = |p: &str| number(&closed, &format!("/{name}/{p}"));
        let ascending = [at("p50"), at("p90"), at("p99"), at("p999"), at("max")];
        assert!(ascending.is_sorted(), "{closed}");
    }
    assert!(closed["schedule_lag_ns"].is_null() && closed["connect_ns"].is_null());
    assert!(closed["problem"].is_null(), "{closed}");
    assert!(count(&closed, "/resident_bytes") > 0 && count(&closed, "/clamped") == 0);
    let elapsed = number(&closed, "/elapsed_s");
    let throughput = number(&closed, "/throughput_per_s");
    assert!(
        (throughput * elapsed / 20_000.0 - 1.0).abs() < 0.01,
        "{closed}"
    );
    assert!(number(&closed, "/generator_cpu_us_per_request") > 0.0);

    let open = run(&server, "-R 2000 -d 1s --json").json();
    assert_eq!(
        open["asked"]["pace"]["poisson"], 2000.0,
        "a rate alone is poisson: {open}"
    );
    for key in ["p50", "p99", "max"] {
        assert!(open["schedule_lag_ns"][key].is_u64(), "{open}");
    }
    assert!(open["response_ns"]["p999"].is_null(), "{open}");
}

#[test]
fn the_same_seed_sends_the_same_schedule() {
    let _shared = MACHINE.read();
    let server = echo(64, |_| {});
    let sent = |seed: u64, threads: u32| {
        let words = format!("-R 500 -d 500ms -c 6 -t {threads} --seed {seed} --json");
        count(&run(&server, &words).json(), "/sent")
    };
    assert_eq!(sent(11, 1), sent(11, 3));
}

#[test]
fn a_file_for_the_plotter_has_four_columns_and_reads_back() {
    let _shared = MACHINE.read();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [response, service] =
        ["response.hgrm", "service.hgrm"].map(|name| folder.path().join(name));
    let server = echo(64, |_| {});
    let words = format!(
        "-n 5000 --json --hgrm {} --hgrm-service {}",
        response.display(),
        service.display()
    );
    let object = run(&server, &words).json();
    for (path, key) in [(&response, "response_ns"), (&service, "service_ns")] {
        let (values, total) = plotter_file(path);
        assert_eq!(total, 5000);
        let (p50, _) = values
            .iter()
            .find(|(_, percentile)| *percentile >= 0.5)
            .expect("a median");
        let expected = number(&object, &format!("/{key}/p50")) / 1e6;
        assert!(
            (p50 / expected - 1.0).abs() < 0.01,
            "{p50} instead of {expected}"
        );
        let (max, _) = values.last().expect("rows");
        let expected = number(&object, &format!("/{key}/max")) / 1e6;
        assert!((max / expected - 1.0).abs() < 0.01, "{max}: {expected}");
    }
}

/// Values in milliseconds with their percentiles, and the total count of the footer.
fn plotter_file(path: &Path) -> (Vec<(f64, f64)>, u64) {
    let text = std::fs::read_to_string(path).expect("a file");
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut lines = text.lines();
    let head = words(lines.next().expect("a header"));
    assert_eq!(
        head,
        ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    );
    let (foot, rows): (Vec<&str>, Vec<&str>) = lines
        .filter(|line| !line.is_empty())
        .partition(|line| line.starts_with('#'));
    let rows: Vec<[f64; 4]> = rows
        .iter()
        .map(|row| {
            let cells: Vec<f64> = words(row)
                .iter()
                .map(|cell| cell.parse().expect(row))
                .collect();
            cells.try_into().expect("four columns")
        })
        .collect();
    for column in 0..4 {
        assert!(rows.iter().map(|row| row[column]).is_sorted(), "{text}");
    }
    let last = rows.last().expect("rows");
    assert_eq!((last[1], last[3]), (1.0, f64::INFINITY));
    assert_eq!(foot.len(), 3, "{text}");
    assert!(foot[0].starts_with("#[Mean    = ") && foot[0].contains("StdDeviation   = "));
    assert!(foot[1].starts_with("#[Max     = ") && foot[2].starts_with("#[Buckets = "));
    let total = foot[1].rsplit('=').next().expect("a total");
    let total: u64 = total.trim_matches([' ', ']']).parse().expect("a count");
    assert_eq!(last[2] as u64, total);
    let values = rows.iter().map(|row| (row[0], row[1])).collect();
    (values, total)
}

#[test]
fn people_get_a_table_of_at_most_80_columns() {
    let _shared = MACHINE.read();
    let server = echo(64, |_| {});
    let said = run(&server, "-R 3000 -d 1s --latency -c 7 -t 2 --seed 5");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let head = said
        .stdout
        .lines()
        .find(|line| line.contains("response") && line.contains("service"));
    assert!(head.is_some(), "{}", said.stdout);
    for name in ["p50", "p75", "p99.999", "max"] {
        let row = said.stdout.lines().find(|line| line.starts_with(name));
        let cells = row.map_or(0, |row| row.split_whitespace().count());
        assert!(cells >= 3, "{name}: {}", said.stdout);
    }
    for words in [
        "seed 5",
        "3000/s poisson",
        "schedule lag",
        "verdict",
        "generator",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    let row = said.stdout.lines().find(|line| line.starts_with("p99.999"));
    assert!(row.is_some_and(|row| row.contains('–')), "{}", said.stdout);
    assert!(
        said.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        said.stdout
    );
}

#[test]
fn an_interval_prints_lines_while_it_runs() {
    let _shared = MACHINE.read();
    let server = echo(64, |_| {});
    let said = run(&server, "-d 1s --interval 200ms");
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert!((4..=5).contains(&lines.len()), "{}", said.stderr);
    for line in lines {
        assert!(
            line.contains("/s")
                && line.contains("p50")
                && line.contains("p99")
                && line.contains("errors 0"),
            "{line}"
        );
    }
}

#[test]
fn remote_servers_are_loaded_only_when_that_is_said() {
    // TEST-NET-1: nobody's address. Were a packet sent, there would be a timeout and not a sentence.
    let said = run_to("192.0.2.1:80", "-d 1s");
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    for words in [
        "not on this machine",
        "fiveways load 192.0.2.1:80 --allow-remote",
    ] {
        assert!(said.stderr.contains(words), "{}", said.stderr);
    }
    assert!(said.stdout.is_empty(), "{}", said.stdout);
}

#[test]
fn a_name_is_resolved() {
    let _shared = MACHINE.read();
    let server = echo(64, |_| {});
    let said = run_to(&format!("localhost:{}", server.port), "-n 100 --json");
    assert_eq!((said.code, count(&said.json(), "/ok")), (Some(0), 100));
}

#[test]
fn mistakes_are_told_with_what_to_type() {
    for (words, told) in [
        ("-R 100 --pace closed", "try: --rate 100 --pace constant"),
        ("--pace poisson", "try: --pace poisson --rate 1000"),
        ("-R 100 --mode idle", "try: --mode rr --rate 100"),
        ("-R 100 --mode stream", "try: --mode rr --rate 100"),
        ("--depth 4", "try: --mode stream --depth 4"),
        ("--per-connection 4", "try: --mode crr --per-connection 4"),
        ("--think 5ms -R 100", "try: --think without --rate"),
        ("--think 5ms --mode stream", "try: --think without --rate"),
        ("-n 100 --mode idle", "try: --mode idle -d 10s"),
        ("-c 0", "try: -c 1"),
        ("-t 0", "try: -t 1"),
        ("-t 5 -c 4", "try: -t 4, or -c 5"),
        ("-n 0", "try: -n 1000"),
        ("-d 0s", "try: -d 10s"),
        ("--payload 0", "try: --payload 64"),
        ("--payload 1048577", "1 byte to 1 MiB"),
        ("--payload 2MiB", "1 byte to 1 MiB"),
        ("--mode stream --depth 0", "try: --depth 16"),
        ("--mode crr --per-connection 0", "try: --per-connection 1"),
        ("--timeout 0s", "try: --timeout 2s"),
        ("--timeout 2m", "try: --timeout 2s"),
        ("--interval 1ms", "try: --interval 1s"),
        ("-R 0.01 -d 1s", "none is due in 1s"),
        ("--hgrm /no/such/folder/file", "there is no folder"),
        ("--hgrm /tmp", "it is a folder"),
        ("-d 10parsecs", "write 10s, 500ms or 1m"),
        ("-d 99999999999999999999s", "write 10s"),
        ("-d 100years", "at most 30 days"),
        ("-d 18446744073709551615", "at most 30 days"),
        ("-R 1e300", "at most 10M"),
        ("-R -5", "above 0"),
        ("-R NaN", "at most 10M"),
        ("-n 18446744073709551615k", "write a whole number"),
        ("-c 5000000000", "at most 4294967295"),
        ("--payload 18446744073709551615MiB", "write bytes"),
        ("--mode ping", "[possible values: rr, crr, stream, idle]"),
    ] {
        let said = run_to("127.0.0.1:1", words);
        assert_eq!(
            said.code,
            Some(2),
            "{words}: {}{}",
            said.stdout,
            said.stderr
        );
        assert!(said.stderr.contains(told), "{words}: {}", said.stderr);
    }
    for target in [
        "127.0.0.1",
        "http://127.0.0.1/",
        ":80",
        "127.0.0.1:0",
        "127.0.0.1:99999",
        "no such host:80",
    ] {
        let said = run_to(target, "-d 1s");
        assert_eq!(said.code, Some(2), "{target}: {}", said.stderr);
        assert!(
            said.stderr.contains("fiveways load 127.0.0.1:8080"),
            "{}",
            said.stderr
        );
    }
    let said = run_to("127.0.0.1:1", "-c 0 --json");
    assert_eq!((said.code, &said.json()["hint"]), (Some(2), &"-c 1".into()));
}

#[test]
fn a_plan_beyond_the_limit_of_descriptors_is_refused_with_the_number_missing() {
    let server = echo(64, |_| {});
    let said = run(&server, "-c 4000000000 -d 1s");
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("more descriptors"), "{}", said.stderr);
    assert_eq!(server.accepted(), 0);
}

#[test]
fn nobody_listening_is_told() {
    let port = deserted_port();
    let said = run_to(&format!("127.0.0.1:{port}"), "-d 5s");
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    let hint = format!("is a server listening there? e.g. `echo-server event-loop --port {port}`");
    assert!(said.stderr.contains(&hint), "{}", said.stderr);
    let said = run_to(&format!("127.0.0.1:{port}"), "-d 5s --json");
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.json()["error"].is_string());
}

#[test]
fn a_server_that_never_answers_ends_in_time() {
    let _shared = MACHINE.read();
    let server = serve(|mut stream, _, _| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).map(drop)
    });
    let begun = Instant::now();
    let said = run(&server, "-c 5 -d 500ms --timeout 300ms");
    assert_eq!(said.code, Some(3), "{}{}", said.stdout, said.stderr);
    assert!(begun.elapsed() < PATIENCE / 3);
}

#[test]
fn a_server_that_falls_silent_shows_as_timeouts() {
    let _shared = MACHINE.read();
    let server = echo(64, |number| {
        if number > 5 {
            thread::park();
        }
    });
    for words in ["-d 500ms", "-d 500ms -R 100"] {
        let begun = Instant::now();
        let said = run(&server, &format!("-c 5 {words} --timeout 300ms --json"));
        // The second load finds nobody who answers at all.
        assert_eq!(said.code, Some(3), "{}{}", said.stdout, said.stderr);
        if words == "-d 500ms" {
            let object = said.json();
            assert_sums(&object);
            assert!(errors(&object, "timeout") > 0, "{object}");
            assert_eq!(
                (count(&object, "/ok"), &object["verdict"]),
                (0, &"errors".into())
            );
            assert!(object["problem"].is_string(), "{object}");
        }
        assert!(begun.elapsed() < PATIENCE / 3);
    }
}

#[test]
fn connections_that_never_get_an_answer_are_unserved() {
    let _shared = MACHINE.read();
    let server = serve(|mut stream, number, _| {
        let mut bytes = [0; 64];
        loop {
            stream.read_exact(&mut bytes)?;
            if number < 3 {
                stream.write_all(&bytes)?;
            }
        }
    });
    let said = run(&server, "-c 5 -n 2000 --timeout 500ms --json");
    let object = said.json();
    assert_sums(&object);
    assert_eq!(count(&object, "/connections/served"), 3, "{object}");
    assert_eq!(object["verdict"], "unserved", "{object}");
    assert_eq!(said.code, Some(3));
}

#[test]
fn a_reader_who_leaves_is_no_panic() {
    let _shared = MACHINE.read();
    let server = echo(64, |_| {});
    for words in ["-n 1000", "-n 1000 --json", "-d 500ms --interval 100ms"] {
        let mut program = start(&server.target(), words);
        drop(program.0.stdout.take());
        assert_eq!(end(program).code, Some(0), "{words}");
    }
}

#[test]
fn an_interruption_prints_what_there_is() {
    let _shared = MACHINE.read();
    let server = echo(64, |_| {});
    for (words, told) in [
        ("--json", "\"verdict\":\"interrupted\""),
        ("", "interrupted: "),
    ] {
        let mut program = start(
            &server.target(),
            &format!("-d 60s --interval 100ms {words}"),
        );
        let mut stderr = BufReader::new(program.0.stderr.take().expect("a pipe"));
        let mut line = String::new();
        // Its first line: the load is under way.
        stderr.read_line(&mut line).expect("text");
        let pid = nix::unistd::Pid::from_raw(program.0.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("it lives");
        thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        let said = end(program);
        assert_eq!(said.code, Some(130), "{line}{}", said.stdout);
        assert!(said.stdout.contains(told), "{}", said.stdout);
    }
}

#[test]
fn a_stream_keeps_depth_requests_on_their_way() {
    let _shared = MACHINE.read();
    let server = echo(64, |_| {});
    let said = run(&server, "--mode stream --depth 8 -c 3 -n 6000 --json");
    let object = said.json();
    assert_eq!(said.code, Some(0), "{object}");
    assert_eq!(
        (count(&object, "/sent"), count(&object, "/ok")),
        (6000, 6000)
    );
    assert_eq!(server.requests(), 6000 + 3);

    // A server that answers in pairs is answered only by who does not wait for the first reply.
    let pairs = serve(|mut stream, _, books| {
        let (mut bytes, mut first) = ([0; 64], true);
        loop {
            let wanted = if first { 1 } else { 2 };
            first = false;
            let mut both = Vec::new();
            for _ in 0..wanted {
                stream.read_exact(&mut bytes)?;
                books.requests.fetch_add(1, SeqCst);
                both.extend(bytes);
            }
            stream.write_all(&both)?;
        }
    });
    let said = run(&pairs, "--mode stream --depth 2 -c 1 -n 2000 --json");
    assert_eq!(count(&said.json(), "/ok"), 2000, "{}", said.stdout);
}

#[test]
fn idle_connections_say_nothing_after_their_first_echo() {
    let _shared = MACHINE.read();
    let server = echo(64, |_| {});
    let said = run(&server, "--mode idle -c 20 -t 2 -d 400ms --json");
    let object = said.json();
    assert_eq!(
        (said.code, &object["verdict"]),
        (Some(0), &"valid".into()),
        "{object}"
    );
    assert_eq!(
        (
            count(&object, "/sent"),
            count(&object, "/connections/served")
        ),
        (0, 20)
    );
    assert_eq!((server.accepted(), server.requests()), (20, 20));
    assert!(object["response_ns"]["p50"].is_null(), "{object}");
    let said = run(&server, "--mode idle -c 2 -d 200ms");
    assert!(said.stdout.contains("2 of 2 served"), "{}", said.stdout);
}

#[test]
fn crr_connects_anew_after_so_many_requests() {
    let _shared = MACHINE.read();
    for (words, of_one, connections) in [("", 1, 1000), ("--per-connection 5", 5, 200)] {
        let server = echo(64, |_| {});
        let said = run(&server, &format!("--mode crr {words} -c 4 -n 1000 --json"));
        let object = said.json();
        assert_eq!(said.code, Some(0), "{object}");
        assert_eq!(
            (count(&object, "/sent"), count(&object, "/ok")),
            (1000, 1000)
        );
        assert_eq!(server.books.most_of_one.load(SeqCst), of_one);
        // Each slot may have a first echo's connection of its own, and one that did not come to its last.
        let accepted = server.accepted();
        assert!(
            (connections..=connections + 8).contains(&accepted),
            "{accepted}"
        );
        assert!(object["connect_ns"]["p50"].is_u64(), "{object}");
    }
}

#[test]
fn payloads_of_one_byte_and_of_one_mebibyte_come_back() {
    let _shared = MACHINE.read();
    for (words, message) in [
        ("--payload 1", 1),
        ("--payload 4KiB", 4096),
        ("--payload 1MiB", 1 << 20),
    ] {
        let server = echo(message, |_| {});
        let said = run(&server, &format!("{words} -c 3 -n 90 --json"));
        let object = said.json();
        assert_eq!(
            (said.code, count(&object, "/ok")),
            (Some(0), 90),
            "{object}"
        );
    }
}

#[test]
fn a_client_thinks_between_requests() {
    let _shared = MACHINE.read();
    let server = echo(64, |_| {});
    let object = run(&server, "-c 2 -n 40 --think 20ms --json").json();
    // 20 requests of each client, with a pause before each but the first, at least.
    assert!(number(&object, "/elapsed_s") > 19.0 * 0.020, "{object}");
    assert!(
        number(&object, "/response_ns/p50") < 20e6,
        "thinking is no waiting: {object}"
    );
}

#[test]
fn a_warm_up_is_no_part_of_what_is_counted() {
    let _shared = MACHINE.read();
    let seen = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&seen);
    let server = echo(64, move |number| {
        told.fetch_max(number, SeqCst);
    });
    let object = run(&server, "-c 2 -n 100 --warmup 200ms --json").json();
    assert_eq!(
        (count(&object, "/sent"), count(&object, "/ok")),
        (100, 100),
        "{object}"
    );
    assert!(seen.load(SeqCst) > 102, "there was no warm-up");
}

/// A client that thinks while its connection is closed is still one client.
#[test]
fn a_connection_lost_while_its_client_thinks_stays_one_client() {
    let _shared = MACHINE.read();
    // Answers twice, then closes.
    let server = serve(|mut stream, _, books| {
        let mut bytes = [0; 64];
        for _ in 0..2 {
            stream.read_exact(&mut bytes)?;
            books.requests.fetch_add(1, SeqCst);
            stream.write_all(&bytes)?;
        }
        Ok(())
    });
    let object = run(&server, "-c 1 -d 1s --think 50ms --json").json();
    assert_sums(&object);
    // A request and a pause of 50 ms, so at most 20 pauses.
    assert!(count(&object, "/sent") <= 21, "{object}");
}

#[test]
fn a_stream_has_its_depth_again_after_a_lost_connection() {
    let _shared = MACHINE.read();
    // Answers the first request, then pairs; each connection ends after a while.
    let server = serve(|mut stream, number, books| {
        let first = usize::from(number == 0);
        let mut both = [0; 128];
        for turn in 0..50 + first {
            let bytes = match (first, turn) {
                (1, 0) => &mut both[..64],
                _ => &mut both[..],
            };
            stream.read_exact(bytes)?;
            books.requests.fetch_add(bytes.len() as u64 / 64, SeqCst);
            stream.write_all(bytes)?;
        }
        Ok(())
    });
    let words = "--mode stream --depth 2 -c 1 -n 1000 -d 5s --timeout 500ms --json";
    let object = run(&server, words).json();
    assert_sums(&object);
    assert_eq!(errors(&object, "timeout"), 0, "{object}");
}

#[test]
fn an_idle_connection_that_is_lost_is_told_and_sends_nothing() {
    let _shared = MACHINE.read();
    // One echo, then it closes.
    let server = serve(|mut stream, _, books| {
        let mut bytes = [0; 64];
        stream.read_exact(&mut bytes)?;
        books.requests.fetch_add(1, SeqCst);
        stream.write_all(&bytes)
    });
    let said = run(&server, "--mode idle -c 3 -d 400ms --json");
    let object = said.json();
    assert_eq!(
        (count(&object, "/sent"), server.requests()),
        (0, 3),
        "{object}"
    );
    assert_eq!(
        (said.code, &object["verdict"]),
        (Some(3), &"errors".into()),
        "{object}"
    );
    assert!(object["problem"].is_string(), "{object}");
}

/// A thread all of whose connections go without an answer has no one to send its share.
#[test]
fn requests_of_a_thread_without_connections_do_not_hang_the_load() {
    let _shared = MACHINE.read();
    let server = serve(|mut stream, number, _| {
        let mut bytes = [0; 64];
        loop {
            stream.read_exact(&mut bytes)?;
            if number % 2 == 0 {
                stream.write_all(&bytes)?;
            }
        }
    });
    for words in ["-n 1000", "-n 1000 -R 5000"] {
        let said = run(
            &server,
            &format!("{words} -c 2 -t 2 --timeout 500ms --json"),
        );
        let object = said.json();
        assert_sums(&object);
        assert_eq!(said.code, Some(3), "{object}");
    }
}

/// While last replies are awaited, and while it warms up, the generator sleeps.
#[test]
fn waiting_costs_no_cpu() {
    let _shared = MACHINE.read();
    let server = echo(64, |number| {
        if number > 3 {
            thread::park();
        }
    });
    let object = run(&server, "-c 3 -d 200ms --timeout 2s --json").json();
    let cpu_us = number(&object, "/generator_cpu_us_per_request") * count(&object, "/sent") as f64;
    assert!(
        cpu_us < 300_000.0,
        "{cpu_us} µs of CPU while nothing happened: {object}"
    );
}

/// A server that answers, but not what was sent, is told as such although it fails the very first echo.
#[test]
fn who_never_echoes_sends_wrong_bytes() {
    let _shared = MACHINE.read();
    let server = serve(|mut stream, _, _| {
        let mut bytes = [0; 64];
        stream.read_exact(&mut bytes)?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    });
    let said = run(&server, "-c 3 -n 100");
    assert!(
        said.stderr.contains("of the reply is 0x48"),
        "{}",
        said.stderr
    );
    assert_eq!(said.code, Some(4), "{}", said.stderr);
}
