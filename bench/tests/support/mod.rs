//! What the tests of the built program share: starting it, giving it suites, reading what it recorded, and
//! seeing that nothing of it is left.

#![allow(dead_code, reason = "each test program uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use record::{Estimate, Pass, Results, Summary};

/// How long anything may take before a test says that it hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at what is waited for: a test that looks all the time takes a core from what it waits for.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// The models of `echo-server`.
pub const MODELS: [&str; 7] = [
    "iterative",
    "fork-per-connection",
    "prefork",
    "thread-per-connection",
    "thread-pool",
    "event-loop",
    "tokio",
];

/// For runs whose yardsticks nobody reads: a tenth of their time.
pub const BRIEFLY: (&str, &str) = ("FIVEWAYS_YARDSTICK_MS", "15");

/// Whose turn it is on this machine, among the tests of one program.
static MACHINE: RwLock<()> = RwLock::new(());

/// The machine for oneself, until it is dropped.
pub type Turn = RwLockWriteGuard<'static, ()>;

/// Whoever's oracle is a figure or a clock has the machine for himself, whether or not another test has failed.
pub fn alone() -> Turn {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever starts something beside those, and minds nobody beside himself.
pub fn shared() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// fiveways, with `echo-server` beside it, where no run builds that anew: cargo is asked once a test program.
pub fn program() -> &'static str {
    static PROGRAM: LazyLock<String> = LazyLock::new(|| {
        let built = Path::new(env!("CARGO_BIN_EXE_fiveways"));
        let listed = Command::new(built).arg("list").output();
        let listed = listed.expect("fiveways runs");
        let said = String::from_utf8_lossy(&listed.stderr);
        assert!(listed.status.success(), "{said}");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
        std::fs::create_dir_all(&folder).expect("a writable target folder");
        for name in ["fiveways", "echo-server"] {
            link(&built.with_file_name(name), &folder.join(name));
        }
        folder.join("fiveways").display().to_string()
    });
    &PROGRAM
}

/// In the place of what is there, at no moment of which there is nothing: another test program may just start it.
fn link(from: &Path, to: &Path) {
    let beside = to.with_extension(std::process::id().to_string());
    // Of a process of that number that was killed here.
    let _ = std::fs::remove_file(&beside);
    std::fs::hard_link(from, &beside).expect("one file system");
    std::fs::rename(&beside, to).expect("a writable folder");
    // Two names of one file are left as they are.
    let _ = std::fs::remove_file(&beside);
}

/// A folder and a mark: every process that comes of what is run in it bears the mark in its environment.
pub struct Place {
    folder: tempfile::TempDir,
    mark: String,
}

impl Place {
    /// An empty place.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mark = format!("FIVEWAYS_TEST={}", folder.path().display());
        Place { folder, mark }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The mark: a variable, and its value.
    pub fn mark(&self) -> (&str, &str) {
        self.mark.split_once('=').expect("made with one")
    }

    /// Writes a file into it.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a writable temporary folder");
        path
    }

    /// fiveways with these arguments, in this place, marked.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let (name, value) = self.mark.split_once('=').expect("made with one");
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env(name, value)
            .env(BRIEFLY.0, BRIEFLY.1)
            .env("FIVEWAYS_LOCK", self.lock())
            .stdin(Stdio::null());
        command
    }

    /// A lock of its own: tests that run at once wait for nobody.
    pub fn lock(&self) -> PathBuf {
        self.path("turn.lock")
    }

    /// Runs fiveways to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let child = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("fiveways runs");
        child.wait_with_output().expect("fiveways ends")
    }

    /// Runs a suite of these scenarios into the folder `out`, and reads what it recorded.
    pub fn measure(&self, scenarios: &str, arguments: &[&str]) -> (Output, Results) {
        let suite = self.suite(scenarios);
        let mut all = vec!["run", suite.to_str().expect("UTF-8"), "--out", "out"];
        all.extend(arguments);
        let output = self.run(&all);
        let results = record::read_results(&self.path("out"))
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output, results)
    }

    /// A suite file of these scenarios.
    pub fn suite(&self, scenarios: &str) -> PathBuf {
        let head = "question = \"?\"\nreference = \"event-loop\"\n";
        self.write("suite.toml", &format!("{head}{scenarios}"))
    }

    /// What `summary.json` says.
    pub fn summary(&self) -> Summary {
        let text = std::fs::read_to_string(self.path("out/summary.json")).expect("a summary");
        serde_json::from_str(&text).expect("a summary")
    }

    /// A file of contenders, each an `echo-server` with these words after the port, marked.
    pub fn echo_servers(&self, contenders: &[(&str, &str)]) -> PathBuf {
        let program = Path::new(program()).with_file_name("echo-server");
        let (name, value) = self.mark.split_once('=').expect("made with one");
        let entry = |(contender, words): &(&str, &str)| {
            let (model, rest) = words.split_once(' ').unwrap_or((words, ""));
            let mut command = vec![program.display().to_string(), model.to_owned()];
            command.extend(["--port", "{port}"].map(str::to_owned));
            command.extend(rest.split_whitespace().map(str::to_owned));
            let holds = match model {
                "iterative" => "one",
                "prefork" | "thread-pool" => "workers",
                _ => "any",
            };
            format!(
                "[[contender]]\nname = \"{contender}\"\ncommand = {command:?}\nholds = \"{holds}\"\n\
                 env = {{ {name} = \"{value}\" }}\n"
            )
        };
        self.write(
            "contenders.toml",
            &contenders.iter().map(entry).collect::<String>(),
        )
    }

    /// Everybody who bears the mark and lives.
    pub fn marked(&self) -> Vec<i32> {
        let bears = |pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|&byte| byte == 0)
                .any(|entry| entry == self.mark.as_bytes())
        };
        processes().filter(bears).collect()
    }

    /// Waits until nothing of what ran here is left: no process, no cgroup.
    pub fn assert_nothing_left(&self, agents: &[i32]) {
        let begun = Instant::now();
        loop {
            let left: Vec<(i32, String)> = self
                .marked()
                .into_iter()
                .map(|pid| (pid, command_line(pid)))
                .collect();
            let groups = cgroups(agents);
            if left.is_empty() && groups.is_empty() {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "left: {left:?} {groups:?}"
            );
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }
}

impl Drop for Place {
    /// Whatever a failed test leaves.
    fn drop(&mut self) {
        for pid in self.marked() {
            let _ = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(pid),
                nix::sys::signal::Signal::SIGKILL,
            );
        }
    }
}

/// Every process.
pub fn processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").expect("a mounted /proc");
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The words of a process's command, or nothing when it is gone.
pub fn command_line(pid: i32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// The parent of a process.
pub fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')')
        .next()?
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// Servers' cgroups of these agents that are still there.
fn cgroups(agents: &[i32]) -> Vec<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let roots = mounts.lines().filter(|line| line.contains(" - cgroup2 "));
    roots
        .filter_map(|line| line.split(' ').nth(4))
        .flat_map(|root| std::fs::read_dir(root).into_iter().flatten().flatten())
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            agents
                .iter()
                .any(|agent| name.starts_with(&format!("fiveways-{agent}-")))
        })
        .collect()
}

/// Waits for the end of a child, and no longer than a test may.
pub fn ends(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return status;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not end");
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// Waits until `what` is there.
pub fn wait_for<T>(what: impl Fn() -> Option<T>, name: &str) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{name} did not come");
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// A scenario of closed-loop load.
pub fn rr(name: &str, connections: u32, slice: &str, window: &str, rounds: u32) -> String {
    format!(
        "[[scenario]]\nname = \"{name}\"\ntitle = \"t\"\nquestion = \"q\"\nworkload = \"rr\"\n\
         connections = {connections}\nworkers = \"connections\"\nserver_cpus = 1\nmeasure = \"sliced\"\n\
         slice = \"{slice}\"\nwarmup = \"50ms\"\nwindow = \"{window}\"\nrounds = {rounds}\n"
    )
}

/// For scenarios whose verdict is the oracle: so dear a request that the generator is the limit on no machine.
pub const DEAR: &str = "work = \"cpu:50us\"\n";

/// A scenario of idle connections.
pub fn idle(name: &str, connections: u32, more: &str) -> String {
    format!(
        "[[scenario]]\nname = \"{name}\"\ntitle = \"t\"\nquestion = \"q\"\nworkload = \"idle\"\n\
         connections = {connections}\nworkers = \"connections\"\nserver_cpus = 1\nmeasure = \"solo\"\n\
         rounds = 3\n{more}"
    )
}

/// The passes of one cell.
pub fn passes<'a>(results: &'a Results, contender: &str, scenario: &str) -> Vec<&'a Pass> {
    let found: Vec<&Pass> = results
        .passes
        .iter()
        .filter(|pass| pass.contender == contender && pass.scenario == scenario)
        .collect();
    assert!(!found.is_empty(), "no pass of {contender} under {scenario}");
    found
}

/// One estimate of a summary.
pub fn estimate<'a>(
    summary: &'a Summary,
    contender: &str,
    scenario: &str,
    metric: &str,
) -> &'a Estimate {
    let found = summary
        .estimates
        .iter()
        .find(|one| one.contender == contender && one.scenario == scenario && one.metric == metric);
    found.unwrap_or_else(|| panic!("no estimate of {metric} for {contender} under {scenario}"))
}

/// Its value.
pub fn value(summary: &Summary, contender: &str, scenario: &str, metric: &str) -> f64 {
    let found = estimate(summary, contender, scenario, metric);
    found
        .value
        .unwrap_or_else(|| panic!("{contender}, {scenario}, {metric}: {:?}", found.reason))
}

/// Fails unless `value` is within `share` of `expected`.
#[track_caller]
pub fn assert_close(value: f64, expected: f64, share: f64, what: &str) {
    assert!(
        (value - expected).abs() <= share * expected.abs(),
        "{what}: {value} is not within {share} of {expected}"
    );
}
