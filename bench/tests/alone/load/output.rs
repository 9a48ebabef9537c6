//! What is printed and written, for people, programs and plotters; and to a reader who leaves.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::thread;

use super::chaos::echo;
use super::program::*;
use crate::support::shared;

#[test]
fn one_object_tells_all() {
    let _shared = shared();
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
fn a_file_for_the_plotter_has_four_columns_and_reads_back() {
    let _shared = shared();
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
    let _shared = shared();
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
    let _shared = shared();
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
fn a_reader_who_leaves_is_no_panic() {
    let _shared = shared();
    let server = echo(64, |_| {});
    for words in ["-n 1000", "-n 1000 --json", "-d 500ms --interval 100ms"] {
        let mut program = start(&server.target(), words);
        drop(program.0.stdout.take());
        assert_eq!(end(program).code, Some(0), "{words}");
    }
}

#[test]
fn an_interruption_prints_what_there_is() {
    let _shared = shared();
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
