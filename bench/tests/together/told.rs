//! The verbs that tell what a results folder holds, through the built program: `chart`, `show`, `export`, `schema`,
//! `completions`. They start nobody and measure nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("report/tests/golden")
        .join(name)
}

/// An empty folder with a run in ./results, as `run` leaves it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(tempfile::tempdir().expect("a temporary folder"));
        place.copy("facts", "results/quick-1");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn copy(&self, from: &str, to: &str) {
        std::fs::create_dir_all(self.path(to)).expect("writable");
        for file in ["run.json", "records.jsonl"] {
            std::fs::copy(golden(from).join(file), self.path(to).join(file)).expect("a copy");
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fiveways"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("fiveways runs")
    }

    /// What it says, once it went well.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// What it says of a mistake.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        String::from_utf8(output.stderr).expect("text")
    }
}

#[test]
fn charts_are_named_drawn_and_printed() {
    let place = Place::new();
    let listed = place.said(&["chart", "--list"]);
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        names.contains(&"five-ways") && names.contains(&"latency-rr-50"),
        "{listed}"
    );
    assert_eq!(listed, place.said(&["chart", "--list", "results/quick-1"]));
    for name in &names {
        place.said(&["chart", name, "-o", &format!("{name}.svg")]);
    }
    // The same as the report's.
    place.said(&["report"]);
    for name in &names {
        let read = |path: String| std::fs::read(place.path(&path)).expect("written");
        assert_eq!(
            read(format!("{name}.svg")),
            read(format!("results/quick-1/charts/{name}.svg")),
            "{name}"
        );
    }
    place.said(&[
        "chart",
        "five-ways",
        "results/quick-1",
        "-o",
        "a.png",
        "--theme",
        "print",
        "--dpi",
        "192",
        "--width",
        "480",
    ]);
    let png = std::fs::read(place.path("a.png")).expect("written");
    assert_eq!(png[16..20], 960_u32.to_be_bytes());
    let dark = place.said(&[
        "chart",
        "five-ways",
        "-o",
        "-",
        "--theme",
        "dark",
        "--only",
        "prefork,event-loop",
        "--title",
        "Two",
    ]);
    for said in [
        "<title>Two</title>",
        "only prefork, event-loop, of ",
        "#15181C",
    ] {
        assert!(dark.contains(said), "{said}");
    }
}

#[test]
fn a_chart_that_cannot_be_drawn_says_what_to_type() {
    let place = Place::new();
    for (arguments, said) in [
        (
            &["chart", "fiveways", "-o", "x.svg"][..],
            &[
                "there is no chart `fiveways`",
                "throughput-by-connections",
                "did you mean `five-ways`?",
            ][..],
        ),
        (
            &["chart", "latency-by-rate", "-o", "x.svg"],
            &[
                "there is nothing to draw `latency-by-rate` of",
                "chart --list",
            ],
        ),
        (
            &["chart", "five-ways", "-o", "x.pdf"],
            &["neither in .svg nor in .png"],
        ),
        (
            &["chart", "five-ways", "-o", "x.svg", "--dpi", "300"],
            &["--dpi"],
        ),
        (
            &["chart", "five-ways", "-o", "x.svg", "--only", "event-lop"],
            &["there is no contender `event-lop`", "`event-loop`"],
        ),
        (
            &[
                "chart",
                "five-ways",
                "-o",
                "x.png",
                "--width",
                "20000",
                "--dpi",
                "2400",
            ],
            &["megapixels", "a smaller --width"],
        ),
        (&["chart", "five-ways"], &["--output"]),
        (
            &["chart", "five-ways", "nowhere", "-o", "x.svg"],
            &["`nowhere` is no results folder"],
        ),
    ] {
        let error = place.refused(arguments);
        for said in said {
            assert!(error.contains(said), "{arguments:?}: {said}: {error}");
        }
    }
    assert!(!place.path("x.svg").exists() && !place.path("x.png").exists());
}

#[test]
fn what_is_shown_is_plain_in_a_pipe_and_80_columns_wide() {
    let place = Place::new();
    let plain = place.said(&["show"]);
    assert!(!plain.contains('\u{1b}'), "{plain}");
    assert!(
        plain.lines().all(|line| line.chars().count() <= 80),
        "{plain}"
    );
    for said in ["rr-50:", "crr-16:", "idle-500:", "█", "event-loop"] {
        assert!(plain.contains(said), "{said}: {plain}");
    }
    let coloured = place.said(&["show", "--color", "always"]);
    assert!(coloured.contains("\u{1b}[1m"), "{coloured}");
    let with = |name: &str, arguments: &[&str]| {
        let output = place
            .command(arguments)
            .env(name, "1")
            .output()
            .expect("fiveways runs");
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(with("CLICOLOR_FORCE", &["show"]), coloured);
    assert_eq!(with("NO_COLOR", &["show"]), plain);
    assert_eq!(
        place.said(&["show", "results/quick-1", "--color", "never"]),
        plain
    );
}

#[test]
fn one_scenario_or_one_metric_is_shown_alone() {
    let place = Place::new();
    let one = place.said(&["show", "rr-50"]);
    assert!(
        one.contains("rr-50:") && one.contains("(response_ns_p99)") && !one.contains("crr-16:"),
        "{one}"
    );
    let metric = place.said(&["show", "--metric", "cpu_us_per_request"]);
    assert!(
        metric.contains("crr-16:") && !metric.contains("throughput"),
        "{metric}"
    );
    assert_eq!(
        metric,
        place.said(&["show", "results/quick-1", "cpu_us_per_request"])
    );
    for (arguments, said) in [
        (&["show", "rr-5o"][..], "did you mean `rr-50`?"),
        (&["show", "--metric", "cpu_us"], "`cpu_us_per_request`"),
        (
            &["show", "rr-50", "--metric", "memory_bytes_per_connection"],
            "nobody has memory_bytes_per_connection under rr-50",
        ),
        (
            &["show", "results/quick-1", "results/quick-1"],
            "fiveways compare",
        ),
    ] {
        let error = place.refused(arguments);
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
}

#[test]
fn names_that_clear_a_screen_reach_neither_a_terminal_nor_a_chart() {
    let place = Place::new();
    let evil = "evil\\u001b[2J\\u202e\\u0007";
    for file in ["run.json", "records.jsonl"] {
        let path = place.path("results/quick-1").join(file);
        let text = std::fs::read_to_string(&path).expect("copied");
        let text = text
            .replace("\"node-net\"", &format!("\"{evil}\""))
            .replace("\"title\": \"", &format!("\"title\": \"{evil}"));
        std::fs::write(&path, text).expect("writable");
    }
    let is_evil = |c: char| c == '\u{202e}' || c.is_control() && c != '\n';
    for arguments in [
        &["show"][..],
        &["show", "rr-50"],
        &["chart", "--list"],
        &["chart", "memory-per-connection", "-o", "-"],
        &["chart", "throughput-by-connections", "-o", "-"],
        &["report"],
    ] {
        let said = place.said(arguments);
        assert!(!said.contains(is_evil), "{arguments:?}: {said:?}");
        assert!(
            arguments.contains(&"--list") || said.contains("evil"),
            "{arguments:?}"
        );
    }
    let output = place.run(&["chart", "five-ways", "-o", "x.svg", "--only", "nobody"]);
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains(is_evil),
        "{output:?}"
    );
}

#[test]
fn figures_leave_as_csv_as_json_and_as_percentile_files() {
    let place = Place::new();
    let csv = place.said(&["export"]);
    assert!(
        csv.starts_with(
            "contender,family,scenario,round,metric,unit,value,source,verdict,reason\n"
        )
    );
    assert!(
        csv.lines()
            .any(|line| line.starts_with("event-loop,event-driven,rr-50,1,throughput_per_s,1/s,")),
        "{csv:.400}"
    );
    place.said(&["export", "results/quick-1", "-o", "a.csv"]);
    assert_eq!(
        std::fs::read_to_string(place.path("a.csv"))
            .expect("written")
            .trim_end(),
        csv.trim_end()
    );
    place.said(&["export", "-o", "a.jsonl"]);
    let json = std::fs::read_to_string(place.path("a.jsonl")).expect("written");
    assert!(
        json.lines()
            .all(|line| serde_json::from_str::<record::Observation>(line).is_ok())
    );
    assert_eq!(json.lines().count(), csv.lines().count() - 1);
    place.said(&["export", "--format", "hgrm", "-o", "percentiles"]);
    let file =
        std::fs::read_to_string(place.path("percentiles/rr-50/event-loop.hgrm")).expect("written");
    assert!(file.contains("1/(1-Percentile)"), "{file}");
    let error = place.refused(&["export", "--format", "hgrm"]);
    assert!(error.contains("-o FOLDER"), "{error}");
}

#[test]
fn schemas_and_completions_are_printed() {
    let place = Place::new();
    for name in ["record", "run", "summary", "observation"] {
        let schema: serde_json::Value =
            serde_json::from_str(&place.said(&["schema", name])).expect("JSON");
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
    }
    assert!(place.refused(&["schema", "recrod"]).contains("record"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.said(&["completions", shell]);
        for word in ["choose", "export", "completions"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        // The far end of the instrument is nobody's to type.
        assert!(!script.contains("agent"), "{shell}");
    }
    std::fs::write(
        place.path("fiveways.bash"),
        place.said(&["completions", "bash"]),
    )
    .expect("writable");
    let completed = Command::new("bash")
        .args(["--norc", "-c", "source ./fiveways.bash; COMP_WORDS=(fiveways sch); COMP_CWORD=1; _fiveways fiveways sch fiveways; echo \"${COMPREPLY[@]}\""])
        .current_dir(place.path(""))
        .output()
        .expect("bash runs");
    assert_eq!(
        String::from_utf8_lossy(&completed.stdout).trim(),
        "schema",
        "{completed:?}"
    );
}
