//! The keeper: one small process a server, between it and the agent. Nothing of the server outlives it.
//!
//! ```text
//! harness ── agent ──┬── keeper ── server ── its workers …
//!                    └── keeper ── server
//! ```
//!
//! It is a child subreaper in a session of its own: orphans of the tree become its children, and a
//! terminal's Ctrl-C does not reach it. Its socket to the agent is its *lifeline*: end of file means that
//! the harness or the agent is gone, however they ended, and the keeper ends the tree. It waits for every
//! process of the tree by wait4(2), whose sums are exact and need no privilege.
//!
//! It ends with its tree: TERM to the group, two seconds, then KILL to everybody, until nobody is left.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, setpgid, setsid};
use record::pass::{Cause, Counted, Phase, Source, Usage};
use serde::{Deserialize, Serialize};

use crate::cgroup::Cgroup;
use crate::counters::Counters;
use crate::counters::tracepoints::Ids;
use crate::frame;
use crate::listening;
use crate::look::elapsed_ns;
use crate::protocol::{Ended, Launch, Stopped};
use crate::sys::{self, Fork, Reaped};
use crate::tree::{self, Tree};

/// How long a server may take over TERM.
const TERM_GRACE: Duration = Duration::from_secs(2);
/// How long everybody may take over KILL; 10,000 processes do within it.
const KILL_GRACE: Duration = Duration::from_secs(20);
/// Between two looks whether the server listens.
const READY_INTERVAL: Duration = Duration::from_micros(500);
/// Kept of the end of a server's standard error.
const STDERR_KEPT: usize = 64 << 10;

/// From an agent to a keeper whose server listens: a single byte. Whatever else it hears means `Stop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Word {
    /// End the tree.
    Stop = 1,
    /// Say what was counted up to now.
    Count = 2,
}

/// From a keeper to its agent.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    /// It listens.
    Ready {
        /// The root process.
        pid: i32,
        /// From release to listening.
        startup_ns: u64,
    },
    /// It does not; the tree is gone, and so is the keeper.
    Failed {
        /// Why.
        cause: Cause,
        /// Whether it ended by itself.
        ended: bool,
    },
    /// To `Count`.
    Counted(Counted),
    /// The tree is gone, and so is the keeper.
    Stopped(Stopped),
}

/// A keeper's whole life; call it in a process just forked for it. The tree is counted when there are
/// tracepoints, or a reason why there are none.
pub fn keep(
    launch: &Launch,
    port: u16,
    control: UnixStream,
    cgroup: Option<Cgroup>,
    counting: Option<&Ids>,
) -> ! {
    // A panic must not unwind into the agent's code of which this process is a copy.
    let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        live(launch, port, control, cgroup, counting)
    }));
    sys::exit_now(if matches!(lived, Ok(Ok(()))) { 0 } else { 1 })
}

fn live(
    launch: &Launch,
    port: u16,
    control: UnixStream,
    cgroup: Option<Cgroup>,
    counting: Option<&Ids>,
) -> io::Result<()> {
    setsid()?;
    sys::become_subreaper()?;
    let mut keeper = match Keeper::start(launch, &control, cgroup, counting) {
        Ok(keeper) => keeper,
        Err(error) => {
            let mut cause = Cause::new(Phase::Launch, format!("cannot start it: {error}"));
            cause.errno = error.raw_os_error();
            return frame::send(
                &mut &control,
                &Report::Failed {
                    cause,
                    ended: false,
                },
            );
        }
    };
    let report = match keeper.await_ready(launch, port) {
        Readiness::Ready => {
            let startup_ns = elapsed_ns(keeper.born);
            let ready = Report::Ready {
                pid: keeper.root.as_raw(),
                startup_ns,
            };
            // Nobody may be there to hear it: then the lifeline is at its end, which the next lines see.
            let _ = frame::send(&mut &control, &ready);
            // Whatever breaks here means that nobody listens any more: the tree is ended all the same.
            while keeper.listen().is_ok_and(|word| word == Word::Count) {
                let counted = keeper.counters.as_mut().map(Counters::read);
                let counted = Report::Counted(counted.unwrap_or_default());
                if frame::send(&mut &control, &counted).is_err() {
                    break;
                }
            }
            Report::Stopped(keeper.end())
        }
        Readiness::Failed { mut cause, ended } => {
            let stopped = keeper.end();
            cause.stderr = stopped.stderr;
            Report::Failed { cause, ended }
        }
        Readiness::Deserted => {
            keeper.end();
            return Ok(());
        }
    };
    frame::send(&mut &control, &report)
}

enum Readiness {
    Ready,
    Failed { cause: Cause, ended: bool },
    Deserted,
}

struct Keeper<'a> {
    control: &'a UnixStream,
    cgroup: Option<Cgroup>,
    counters: Option<Counters>,
    root: Pid,
    born: Instant,
    child_signal: SignalFd,
    exec_error: Option<File>,
    stdout: Option<File>,
    stderr: Option<File>,
    kept: Vec<u8>,
    used: Usage,
    root_ended: Option<Ended>,
}

impl<'a> Keeper<'a> {
    /// Forks the server and lets it go through the barrier once it is in its cgroup, and counted.
    fn start(
        launch: &Launch,
        control: &'a UnixStream,
        cgroup: Option<Cgroup>,
        counting: Option<&Ids>,
    ) -> io::Result<Self> {
        let mut sigchld = SigSet::empty();
        sigchld.add(Signal::SIGCHLD);
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&sigchld), None)?;
        let child_signal =
            SignalFd::with_flags(&sigchld, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let (barrier, release) = pipe()?;
        let (exec_error, exec_failed) = pipe()?;
        let (stdout, stdout_end) = pipe()?;
        let (stderr, stderr_end) = pipe()?;
        let root = match sys::fork()? {
            Fork::Child => {
                drop(release);
                be_the_server(launch, barrier, exec_failed, &stdout_end, &stderr_end)
            }
            Fork::Parent(pid) => pid,
        };
        if let Some(group) = &cgroup {
            group.admit(root.as_raw())?;
        }
        let counters = counting.map(|tracepoints| Counters::attach(root, tracepoints));
        let born = Instant::now();
        File::from(release).write_all(&[1])?;
        Ok(Keeper {
            control,
            cgroup,
            counters,
            root,
            born,
            child_signal,
            exec_error: Some(exec_error.into()),
            stdout: Some(stdout.into()),
            stderr: Some(stderr.into()),
            kept: Vec::new(),
            used: nothing_used(),
            root_ended: None,
        })
    }

    fn await_ready(&mut self, launch: &Launch, port: u16) -> Readiness {
        let deadline = self.born + Duration::from_millis(launch.deadline_ms);
        loop {
            match self.pulse(Some(Instant::now() + READY_INTERVAL)) {
                Ok(false) => {}
                Ok(true) | Err(_) => return Readiness::Deserted,
            }
            if let Some(cause) = self.exec_failure(launch) {
                return Readiness::Failed { cause, ended: true };
            }
            if let Some(ended) = self.root_ended {
                let text = format!("it {ended} before it listened on port {port}");
                let mut cause = Cause::new(Phase::Launch, text);
                ended.note(&mut cause);
                return Readiness::Failed { cause, ended: true };
            }
            let tree = Tree::now().descendants(std::process::id() as i32);
            if listening::listeners(port, &tree) >= launch.listeners.max(1) as usize {
                return Readiness::Ready;
            }
            if Instant::now() > deadline {
                let waited = launch.deadline_ms;
                let text = format!("it did not listen on port {port} within {waited} ms");
                return Readiness::Failed {
                    cause: Cause::new(Phase::Launch, text),
                    ended: false,
                };
            }
        }
    }

    /// What execve(2) answered, if it failed. The pipe closes by itself when it succeeds.
    fn exec_failure(&mut self, launch: &Launch) -> Option<Cause> {
        let pipe = self.exec_error.as_mut()?;
        let readable = frame::wait_readable(&[pipe.as_fd()], Some(Instant::now())).ok()?;
        if !readable[0] {
            return None;
        }
        let mut errno = [0; 4];
        let told = pipe.read_exact(&mut errno);
        self.exec_error = None;
        told.ok()?;
        let errno = Errno::from_raw(i32::from_ne_bytes(errno));
        let text = format!("cannot execute {}: {}", launch.argv[0], errno.desc());
        let mut cause = Cause::new(Phase::Launch, text);
        cause.errno = Some(errno as i32);
        Some(cause)
    }

    /// Waits for the next thing that happens, or until `deadline`; reaps and drains. True when the agent
    /// has spoken or is gone.
    fn pulse(&mut self, deadline: Option<Instant>) -> io::Result<bool> {
        let mut fds: Vec<BorrowedFd<'_>> = vec![self.control.as_fd(), self.child_signal.as_fd()];
        fds.extend(self.stdout.iter().map(|file| file.as_fd()));
        fds.extend(self.stderr.iter().map(|file| file.as_fd()));
        let ready = frame::wait_readable(&fds, deadline)?;
        let mut outputs = ready[2..].iter().copied();
        if self.stdout.is_some() && outputs.next() == Some(true) {
            drain(&mut self.stdout, None);
        }
        if self.stderr.is_some() && outputs.next() == Some(true) {
            drain(&mut self.stderr, Some(&mut self.kept));
        }
        if ready[1] {
            self.reap();
        }
        Ok(ready[0])
    }

    /// Waits for the agent's next word; its end means `Stop`, too.
    fn listen(&mut self) -> io::Result<Word> {
        while !self.pulse(None)? {}
        let mut word = [0];
        let told = (&mut &*self.control).read(&mut word);
        let counts = matches!(told, Ok(1)) && word[0] == Word::Count as u8;
        Ok(if counts { Word::Count } else { Word::Stop })
    }

    /// Reaps everybody who has ended; true when no child is left.
    fn reap(&mut self) -> bool {
        while let Ok(Some(_)) = self.child_signal.read_signal() {}
        loop {
            match sys::reap() {
                Ok(Some(reaped)) => self.book(reaped),
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }

    fn book(&mut self, reaped: Reaped) {
        if reaped.pid == self.root {
            self.root_ended = Some(Ended::from_status(reaped.status));
        }
        self.used.cpu_ns += reaped.cpu_ns;
        self.used.switches_voluntary += reaped.switches_voluntary;
        self.used.switches_involuntary += reaped.switches_involuntary;
        self.used.faults_minor += reaped.faults_minor;
        self.used.faults_major += reaped.faults_major;
    }

    /// Ends the tree by the ladder and says what it used.
    fn end(&mut self) -> Stopped {
        self.reap();
        let ended = self.root_ended;
        // ESRCH: the group is gone already.
        let _ = killpg(self.root, Signal::SIGTERM);
        let mut empty = self.await_empty(Instant::now() + TERM_GRACE);
        let deadline = Instant::now() + KILL_GRACE;
        while !empty && Instant::now() < deadline {
            if self
                .cgroup
                .as_ref()
                .is_none_or(|group| group.kill().is_err())
            {
                tree::kill_below(std::process::id() as i32);
            }
            empty = self.await_empty(Instant::now() + Duration::from_millis(50));
        }
        drain(&mut self.stderr, Some(&mut self.kept));
        self.used.at_ns = elapsed_ns(self.born);
        self.used.counted = self.counters.as_mut().map(Counters::read);
        if let Some(cpu) = self.cgroup.as_ref().and_then(|group| group.cpu().ok()) {
            self.used.cpu_user_ns = Some(cpu.user_ns);
            self.used.cpu_system_ns = Some(cpu.system_ns);
        }
        if let Some(group) = &self.cgroup {
            group.remove();
        }
        Stopped {
            usage: Some(self.used.clone()),
            ended,
            stderr: String::from_utf8_lossy(&self.kept).into_owned(),
            problem: (!empty)
                .then(|| format!("processes of it survive SIGKILL after {KILL_GRACE:?}")),
        }
    }

    fn await_empty(&mut self, deadline: Instant) -> bool {
        while !self.reap() {
            if Instant::now() >= deadline {
                return false;
            }
            let mut fds = vec![self.child_signal.as_fd()];
            // A server that fills its pipe while it ends must not wait for us for ever.
            fds.extend(
                self.stdout
                    .iter()
                    .chain(&self.stderr)
                    .map(|file| file.as_fd()),
            );
            if frame::wait_readable(&fds, Some(deadline)).is_err() {
                return false;
            }
            drain(&mut self.stdout, None);
            drain(&mut self.stderr, Some(&mut self.kept));
        }
        true
    }
}

impl Ended {
    /// From the status word of wait(2).
    pub(crate) fn from_status(status: i32) -> Self {
        use nix::libc::{WEXITSTATUS, WIFEXITED, WTERMSIG};
        if WIFEXITED(status) {
            Ended::Exit(WEXITSTATUS(status))
        } else {
            Ended::Signal(WTERMSIG(status))
        }
    }

    /// Writes status or signal into a cause.
    pub fn note(self, cause: &mut Cause) {
        match self {
            Ended::Exit(status) => cause.exit = Some(status),
            Ended::Signal(signal) => cause.signal = Some(signal),
        }
    }
}

fn nothing_used() -> Usage {
    Usage {
        at_ns: 0,
        replies: 0,
        tasks: 0,
        tasks_hash: 0,
        cpu_ns: 0,
        cpu_source: Source::Wait4,
        cpu_user_ns: None,
        cpu_system_ns: None,
        switches_voluntary: 0,
        switches_involuntary: 0,
        faults_minor: 0,
        faults_major: 0,
        source: Source::Wait4,
        run_queue_ns: None,
        counted: None,
    }
}

pub(crate) fn pipe() -> io::Result<(std::os::fd::OwnedFd, std::os::fd::OwnedFd)> {
    Ok(nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?)
}

/// Reads what is there; keeps the end of it, or nothing; forgets the pipe at its end.
pub(crate) fn drain(pipe: &mut Option<File>, mut kept: Option<&mut Vec<u8>>) {
    let mut buffer = [0; 16 << 10];
    while let Some(file) = pipe {
        let waiting = frame::wait_readable(&[file.as_fd()], Some(Instant::now()));
        if !waiting.is_ok_and(|readable| readable[0]) {
            return;
        }
        match file.read(&mut buffer) {
            Ok(0) | Err(_) => *pipe = None,
            Ok(length) => {
                if let Some(kept) = kept.as_deref_mut() {
                    kept.extend_from_slice(&buffer[..length]);
                    let over = kept.len().saturating_sub(STDERR_KEPT);
                    kept.drain(..over);
                }
            }
        }
    }
}

/// The forked child, up to exec: a group of its own, its CPUs, its descriptors, then the barrier.
pub(crate) fn be_the_server(
    launch: &Launch,
    barrier: std::os::fd::OwnedFd,
    exec_failed: std::os::fd::OwnedFd,
    stdout: &std::os::fd::OwnedFd,
    stderr: &std::os::fd::OwnedFd,
) -> ! {
    let errno = match prepare(launch, barrier, stdout, stderr) {
        Ok((argv, env)) => sys::execute(&argv, &env),
        Err(error) => Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EINVAL as i32)),
    };
    let _ = File::from(exec_failed).write_all(&(errno as i32).to_ne_bytes());
    sys::exit_now(127)
}

fn prepare(
    launch: &Launch,
    barrier: std::os::fd::OwnedFd,
    stdout: &std::os::fd::OwnedFd,
    stderr: &std::os::fd::OwnedFd,
) -> io::Result<(Vec<CString>, Vec<CString>)> {
    setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    pin(&launch.cpus)?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let null = File::open("/dev/null")?;
    sys::set_standard_streams([null.as_fd(), stdout.as_fd(), stderr.as_fd()])?;
    // Ours are closed at exec anyway; whoever started the harness may have left others open.
    sys::close_the_rest_at_exec();
    sys::reset_signals()?;
    let text = |word: &String| CString::new(word.as_str()).map_err(io::Error::other);
    let argv: Vec<CString> = launch.argv.iter().map(text).collect::<Result<_, _>>()?;
    let env: Vec<CString> = launch
        .env
        .iter()
        .map(|(name, value)| text(&format!("{name}={value}")))
        .collect::<Result<_, _>>()?;
    // End of file instead of the byte: the keeper is gone.
    File::from(barrier).read_exact(&mut [0])?;
    Ok((argv, env))
}

/// Restricts this thread, and what it forks, to these logical CPUs.
///
/// # Errors
/// EINVAL when none of them is online.
pub fn pin(cpus: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &cpu in cpus {
        set.set(cpu)?;
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}
