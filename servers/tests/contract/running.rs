//! A server under test: started, watched through /proc, and ended with all its processes, whatever happens.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{SIGKILL, Signal, kill};
use nix::unistd::Pid;

pub const BINARY: &str = env!("CARGO_BIN_EXE_echo-server");

/// Long enough for a machine that compiles beside the tests; nothing is asserted about it.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A line of `--list`.
#[derive(Clone, Debug)]
pub struct Model {
    pub name: String,
    pub holds: String,
}

pub fn models() -> Vec<Model> {
    let list = Command::new(BINARY)
        .arg("--list")
        .output()
        .expect("the binary runs");
    let text = String::from_utf8(list.stdout).expect("UTF-8");
    let model = |line: &str| {
        let fields: Vec<_> = line.split('\t').collect();
        Model {
            name: fields[0].to_owned(),
            holds: fields[2].to_owned(),
        }
    };
    let models = text.lines().map(model);
    models.filter(|model| can_serve(&model.name)).collect()
}

/// What a model needs may be denied here; a harness asks in the same way.
fn can_serve(model: &str) -> bool {
    let checked = Command::new(BINARY).args([model, "--check"]).output();
    let checked = checked.expect("the binary runs");
    if !checked.status.success() {
        println!("skipped: {}", String::from_utf8_lossy(&checked.stderr));
    }
    checked.status.success()
}

/// Runs `test` for all models at once; a failure names its model.
pub fn every_model(test: impl Fn(&Model) + Sync) {
    let (models, test) = (models(), &test);
    assert!(models.len() >= 7, "{models:?}");
    let failed: Vec<&str> = thread::scope(|scope| {
        let start = |model| {
            let thread = thread::Builder::new().name(format!("model {}", Model::name(model)));
            thread
                .spawn_scoped(scope, move || test(model))
                .expect("a thread")
        };
        let threads: Vec<_> = models.iter().map(|model| (model, start(model))).collect();
        let failed = |(model, thread): (&'_ Model, thread::ScopedJoinHandle<'_, ()>)| {
            thread
                .join()
                .is_err()
                .then(|| models.iter().find(|m| m.name == model.name))
        };
        threads
            .into_iter()
            .filter_map(failed)
            .flatten()
            .map(|model| model.name.as_str())
            .collect()
    });
    assert!(failed.is_empty(), "failed: {failed:?}");
}

impl Model {
    fn name(&self) -> &str {
        &self.name
    }
}

/// Polls a condition until it holds.
pub fn until(what: &str, condition: impl FnMut() -> bool) {
    assert!(
        holds_within(DEADLINE, condition),
        "waited {DEADLINE:?} in vain: {what}"
    );
}

pub fn holds_within(time: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + time;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
    true
}

pub fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("the process exists");
}

pub struct Running {
    child: Child,
    pub address: SocketAddr,
    stderr: Arc<Mutex<String>>,
}

/// A line of /proc/PID/stat.
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub state: char,
    pub cpu: Duration,
}

impl Running {
    pub fn start(model: &Model, options: &[&str]) -> Self {
        Self::start_named(&model.name, options)
    }

    pub fn start_named(model: &str, options: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.args([model, "--port", "0"]).args(options);
        Self::launch(command)
    }

    /// Launches in a process group of its own, and waits until it says where it listens.
    pub fn launch(mut command: Command) -> Self {
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let stderr = Arc::new(Mutex::new(String::new()));
        let (stdout, errors) = (
            child.stdout.take().expect("a pipe"),
            child.stderr.take().expect("a pipe"),
        );
        let mut running = Running {
            child,
            address: SocketAddr::from(([0; 4], 0)),
            stderr,
        };
        let (said, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = said.send(line);
        });
        let kept = Arc::clone(&running.stderr);
        thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                let mut kept = kept.lock().expect("no panic");
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        let line = lines.recv_timeout(DEADLINE).expect("a line on stdout");
        let address = line
            .strip_prefix("listening on ")
            .and_then(|rest| rest.trim().parse().ok());
        running.address = address.unwrap_or_else(|| panic!("{line:?} {}", running.stderr()));
        running
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("no panic").clone()
    }

    /// The group's processes: the server and all that it forked.
    pub fn processes(&self) -> Vec<Process> {
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        stats.filter_map(|stat| self.process(&stat)).collect()
    }

    fn process(&self, stat: &str) -> Option<Process> {
        let (pid, rest) = stat.split_once(" (")?;
        let fields: Vec<&str> = rest.rsplit_once(") ")?.1.split(' ').collect();
        let number = |index: usize| fields[index].parse::<i64>().ok();
        (number(2)? == i64::from(self.pid())).then_some(())?;
        // Ticks of 10 ms: its own and those of the children that it has reaped.
        let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
        Some(Process {
            pid: pid.parse().ok()?,
            parent: number(1)? as i32,
            state: fields[0].chars().next()?,
            cpu: Duration::from_millis(10 * u64::try_from(ticks).ok()?),
        })
    }

    pub fn children(&self) -> Vec<i32> {
        let living = |process: &Process| process.state != 'Z' && process.parent == self.pid();
        self.processes()
            .iter()
            .filter(|&process| living(process))
            .map(|process| process.pid)
            .collect()
    }

    pub fn cpu(&self) -> Duration {
        self.processes().iter().map(|process| process.cpu).sum()
    }

    pub fn memory_bytes(&self) -> u64 {
        let pss = |process: &Process| rollup_kib(process.pid, "Pss:").unwrap_or(0);
        self.processes().iter().map(pss).sum::<u64>() * 1024
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// The exit status, once it has ended by itself, and the rest of its group with it.
    pub fn ended(&mut self) -> ExitStatus {
        until("the server ends", || {
            matches!(self.child.try_wait(), Ok(Some(_)))
        });
        let group = Pid::from_raw(-self.pid());
        until("its workers end, too", || {
            kill(group, None) == Err(Errno::ESRCH)
        });
        self.child.wait().expect("it was waited for")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = Pid::from_raw(-self.pid());
        let _ = kill(group, SIGKILL);
        let _ = self.child.wait();
        let gone = holds_within(DEADLINE, || kill(group, None) == Err(Errno::ESRCH));
        assert!(
            gone || thread::panicking(),
            "a process of the server still runs"
        );
    }
}

/// A field of /proc/PID/smaps_rollup.
pub fn rollup_kib(pid: i32, field: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

pub struct Client(pub TcpStream);

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, DEADLINE).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Client(stream)
    }

    pub fn asks(&mut self) {
        self.0.write_all(&[b'?'; 64]).expect("64 bytes fit");
    }

    pub fn is_answered(&mut self) -> bool {
        let mut answer = [0; 64];
        self.0.read_exact(&mut answer).is_ok() && answer == [b'?'; 64]
    }

    pub fn asks_and_is_answered(&mut self) -> bool {
        self.asks();
        self.is_answered()
    }
}
