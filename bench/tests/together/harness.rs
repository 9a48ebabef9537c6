//! What happens to the harness itself: no room on the disk, a folder that goes away, nobody who reads, limits that are too
//! low. What was finished is kept, and what to do is said.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{BRIEFLY, Place, ends, idle, program, rr, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use record::Results;

/// fiveways with these words, in a shell that sets the scene first.
fn staged(place: &Place, wrap: &[&str], scene: &str, words: &[&str]) -> Command {
    let quoted = [program().to_owned()]
        .into_iter()
        .chain(words.iter().map(|it| (*it).to_owned()));
    let quoted = shlex_join(quoted);
    let script = scene.replace("FIVEWAYS", &quoted);
    let (name, value) = place.mark();
    let all = [wrap, &["sh", "-c", &script]].concat();
    let mut command = Command::new(all[0]);
    command
        .args(&all[1..])
        .current_dir(place.path(""))
        .env(name, value)
        .env("FIVEWAYS_LOCK", place.lock())
        .env(BRIEFLY.0, BRIEFLY.1)
        .stdin(Stdio::null());
    command
}

fn shlex_join(words: impl Iterator<Item = String>) -> String {
    let quoted = words.map(|word| format!("'{word}'"));
    quoted.collect::<Vec<_>>().join(" ")
}

/// The words of a run of `scenario` into `out`.
fn run_of(place: &Place, scenario: &str, out: &str) -> Vec<String> {
    let suite = place.suite(scenario).display().to_string();
    let words = ["run", &suite, "--only", "^event-loop$", "--out", out];
    words.map(str::to_owned).to_vec()
}

fn words(run: &[String]) -> Vec<&str> {
    run.iter().map(String::as_str).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn read(path: &Path) -> Results {
    record::read_results(path).expect("records")
}

/// Whoever is root has a mount namespace of its own for the asking, others by a user namespace.
fn own_mounts() -> Vec<&'static str> {
    match nix::unistd::geteuid().is_root() {
        true => vec!["unshare", "--mount"],
        false => vec!["unshare", "--map-root-user", "--mount"],
    }
}

/// That the run broke off with what is on the disk, and says the number and what to type.
fn broke_off(output: &Output, kept: &Results, number: &str) {
    let said = said(output);
    assert!(said.contains("the run broke off"), "{said}");
    assert!(said.contains(number), "{said}");
    let told = said
        .split("the run broke off; ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
    assert_eq!(
        told,
        Some(kept.passes.len()),
        "what is said is what is kept: {said}"
    );
    assert!(!kept.passes.is_empty(), "{said}");
    assert!(said.contains("try: fiveways resume "), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_full_disk_ends_the_run_and_what_was_finished_goes_on_elsewhere() {
    let place = Place::new();
    let run = run_of(&place, &rr("rr", 4, "20ms", "20ms", 150), "disk/out");
    std::fs::create_dir(place.path("disk")).expect("writable");
    let scene = "mount -t tmpfs -o size=256k none disk && FIVEWAYS; status=$?; cp -r disk/out kept; exit $status";
    let output = staged(&place, &own_mounts(), scene, &words(&run)).output();
    let output = output.expect("unshare of util-linux");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let kept = read(&place.path("kept"));
    broke_off(&output, &kept, "No space left on device (os error 28)");
    place.assert_nothing_left(&[]);
    let before = kept.passes.len();
    let output = place.run(&["resume", "kept"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let whole = read(&place.path("kept"));
    assert_eq!(whole.passes.len(), whole.run.passes.len());
    assert!(whole.passes.len() > before, "it was not finished before");
}

#[test]
fn a_limit_of_a_files_size_is_an_error_and_no_death() {
    let place = Place::new();
    let run = run_of(&place, &rr("rr", 4, "20ms", "20ms", 150), "out");
    // Blocks of 512 bytes: room for the plan, and not for the records.
    let output = staged(&place, &[], "ulimit -f 400; exec FIVEWAYS", &words(&run)).output();
    let output = output.expect("a shell");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    broke_off(
        &output,
        &read(&place.path("out")),
        "File too large (os error 27)",
    );
    place.assert_nothing_left(&[]);
}

#[test]
fn a_folder_that_goes_away_is_made_again_with_everything() {
    let place = Place::new();
    let run = run_of(&place, &rr("rr", 4, "20ms", "40ms", 30), "out");
    let mut command = place.command(&words(&run));
    let harness = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let harness = harness.spawn().expect("fiveways runs");
    let records = place.path("out/records.jsonl");
    wait_for(
        || std::fs::metadata(&records).ok().filter(|it| it.len() > 0),
        "a record",
    );
    std::fs::rename(place.path("out"), place.path("moved")).expect("a folder");
    let output = harness.wait_with_output().expect("it ends");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("it was removed or moved") && said.contains("it is made again"),
        "{said}"
    );
    let whole = read(&place.path("out"));
    assert_eq!(whole.passes.len(), whole.run.passes.len());
    assert!(place.path("out/report.html").exists());
    place.assert_nothing_left(&[]);
}

#[test]
fn nobody_who_reads_is_no_reason_to_end() {
    let place = Place::new();
    let run = run_of(&place, &idle("idle", 3, ""), "closed");
    let scene = "exec FIVEWAYS <&- >&- 2>&-";
    let output = staged(&place, &[], scene, &words(&run))
        .output()
        .expect("a shell");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(read(&place.path("closed")).passes.len(), 3);
    assert!(place.path("closed/report.html").exists());
    // A reader of standard error who leaves before there is something to say.
    let run = run_of(&place, &rr("rr", 4, "20ms", "200ms", 500), "left");
    let mut command = place.command(&words(&run));
    let harness = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut harness = harness.spawn().expect("fiveways runs");
    drop((harness.stdout.take(), harness.stderr.take()));
    let records = place.path("left/records.jsonl");
    wait_for(
        || std::fs::metadata(&records).ok().filter(|it| it.len() > 0),
        "a record",
    );
    kill(Pid::from_raw(harness.id() as i32), Signal::SIGINT).expect("a child of ours");
    assert_eq!(ends(&mut harness).code(), Some(130), "no panic");
    assert!(place.path("left/report.html").exists());
    place.assert_nothing_left(&[]);
}

#[test]
fn what_there_is_no_room_for_is_refused_before_the_run_with_the_number_missing() {
    let place = Place::new();
    let run = run_of(&place, &rr("rr", 500, "100ms", "200ms", 1), "out");
    let netns = [own_mounts(), vec!["--net"]].concat();
    let ports = "ip link set lo up && echo 20000 20099 > /proc/sys/net/ipv4/ip_local_port_range && exec FIVEWAYS";
    for (wrap, scene, words_of_it) in [
        (
            &[][..],
            "ulimit -n 200; exec FIVEWAYS",
            &[
                "it needs 564 descriptors in one process, and 200 are allowed",
                "364 are missing",
            ][..],
        ),
        (
            &netns[..],
            ports,
            &[
                "it needs 500 local ports, and 100 are allowed",
                "400 are missing",
            ],
        ),
    ] {
        let output = staged(&place, wrap, scene, &words(&run))
            .output()
            .expect("a shell");
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("scenario rr cannot be placed on this machine"),
            "{said}"
        );
        assert!(words_of_it.iter().all(|it| said.contains(it)), "{said}");
        assert!(said.contains("try: fiveways doctor"), "{said}");
        assert!(!place.path("out").exists(), "nothing is begun");
    }
    // Of several scenarios the others are run, and it is said below the answer which is not.
    let several = idle("idle", 3, "") + &rr("rr", 500, "100ms", "200ms", 1);
    let run = run_of(&place, &several, "out");
    let output = staged(&place, &[], "ulimit -n 200; exec FIVEWAYS", &words(&run)).output();
    let output = output.expect("a shell");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        shown.contains("left out: rr, it needs 564 descriptors"),
        "{shown}"
    );
    place.assert_nothing_left(&[]);
}

#[test]
fn too_few_descriptors_for_anything_say_which_limit() {
    let place = Place::new();
    let run = run_of(&place, &idle("idle", 3, ""), "out");
    let output = staged(&place, &[], "ulimit -n 6; exec FIVEWAYS", &words(&run)).output();
    let output = output.expect("a shell");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("(os error 24)") && said.contains("try: the same after `ulimit -n`"),
        "{said}"
    );
    assert!(!place.path("out").exists(), "nothing is begun");
}

#[test]
fn what_is_recorded_is_its_owners_unless_the_folder_was_there() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let mode = |path: &str| {
        let meta = std::fs::metadata(place.path(path)).expect(path);
        meta.permissions().mode() & 0o777
    };
    let files = [
        "run.json",
        "records.jsonl",
        "summary.json",
        "report.html",
        "README.md",
    ];
    let scenario = idle("idle", 3, "");
    assert!(
        place
            .run(&words(&run_of(&place, &scenario, "own")))
            .status
            .success()
    );
    assert_eq!((mode("own"), mode("own/charts")), (0o700, 0o700));
    for file in files {
        assert_eq!(mode(&format!("own/{file}")), 0o600, "{file}");
    }
    std::fs::create_dir(place.path("shared")).expect("writable");
    let shared = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path("shared"), shared).expect("ours");
    let scene = "umask 022; exec FIVEWAYS";
    let run = run_of(&place, &scenario, "shared");
    let output = staged(&place, &[], scene, &words(&run))
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{}", said(&output));
    for file in files {
        assert_eq!(mode(&format!("shared/{file}")), 0o644, "{file}");
    }
}

#[test]
fn a_server_gets_no_descriptor_and_no_variable_that_is_not_its_own() {
    let place = Place::new();
    let source = format!("{}/tests/servers/faulty.py", env!("CARGO_MANIFEST_DIR"));
    let with = format!("spy=python3 {source} {{port}} tell");
    let suite = place.suite(&idle("idle", 3, "")).display().to_string();
    let words = [
        "run", &suite, "--with", &with, "--only", "^spy$", "--out", "out",
    ];
    let scene = "SECRET=told; export SECRET; exec 9</etc/passwd; exec FIVEWAYS";
    let output = staged(&place, &[], scene, &words)
        .output()
        .expect("a shell");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let results = read(&place.path("out"));
    let cause = results.passes[0].cause.as_ref().expect("it ended");
    let told = |what: &str| {
        let line = cause
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix(what));
        line.unwrap_or_else(|| panic!("{}", cause.stderr))
            .trim()
            .to_owned()
    };
    assert_eq!(told("descriptors"), "0 1 2");
    let names: Vec<String> = told("variables").split(' ').map(str::to_owned).collect();
    assert!(names.contains(&"PATH".to_owned()), "{names:?}");
    assert!(!names.contains(&"SECRET".to_owned()), "{names:?}");
    let (mark, _) = place.mark();
    assert!(!names.contains(&mark.to_owned()), "{names:?}");
    // What it said on its way out clears a screen: nobody's.
    assert!(
        cause.stderr.contains('\u{1b}'),
        "the record keeps what was said"
    );
    for text in [
        String::from_utf8_lossy(&output.stdout).into_owned(),
        said(&output),
        std::fs::read_to_string(place.path("out/report.html")).expect("a page"),
        std::fs::read_to_string(place.path("out/README.md")).expect("a page"),
    ] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn a_copy_to_hand_on_has_every_figure_and_names_nobody() {
    let place = Place::new();
    std::fs::create_dir(place.path("of-somebody")).expect("writable");
    let program = place.path("of-somebody/faulty.py");
    let source = format!("{}/tests/servers/faulty.py", env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(source, &program).expect("a copy");
    let with = format!("mine=python3 {} {{port}} leave", program.display());
    let suite = place
        .suite(&rr("rr", 10, "20ms", "100ms", 3))
        .display()
        .to_string();
    let words = [
        "run",
        &suite,
        "--with",
        &with,
        "--only",
        "^(mine|event-loop)$",
        "--out",
        "out",
    ];
    let output = place.run(&words);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let output = place.run(&["report", "out", "--redact", "copy"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = |path: &str| std::fs::read_to_string(place.path(path)).expect(path);
    let told = [text("out/run.json"), text("out/records.jsonl")].concat();
    let copied = [
        "run.json",
        "records.jsonl",
        "summary.json",
        "README.md",
        "report.html",
    ]
    .map(|name| text(&format!("copy/{name}")))
    .concat();
    let results = read(&place.path("out"));
    let command_line = results.run.host.value("kernel.command_line");
    let names = [
        "of-somebody",
        "about to show the fault",
        command_line.unwrap_or("of-somebody"),
    ];
    for name in names {
        assert!(told.contains(name), "{name} is nothing to be kept quiet");
        assert!(!copied.contains(name), "{name}");
    }
    let figures = |path: &str| {
        let summary: record::Summary = serde_json::from_str(&text(path)).expect("a summary");
        (summary.estimates, summary.comparisons)
    };
    let (theirs, ours) = (figures("copy/summary.json"), figures("out/summary.json"));
    assert_eq!(theirs.1, ours.1);
    let numbers = |all: &[record::Estimate]| -> Vec<_> {
        all.iter()
            .map(|it| (it.contender.clone(), it.metric.clone(), it.value))
            .collect()
    };
    assert_eq!(numbers(&theirs.0), numbers(&ours.0));
    let output = place.run(&["report", "out", "--redact", "copy"]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "a copy is a results folder: never edited"
    );
}
