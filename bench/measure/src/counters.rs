//! Counters: what the kernel counts of a server's whole tree, dead tasks included, where it may be asked: perf's
//! software events, and system calls by name through tracepoints.
//!
//! The keeper opens them on the process that waits at the barrier, so they are on from its first instruction,
//! and *inherited*: each task that is forked gets a copy of each, and its sum comes back when it ends. That is
//! what they cost, a microsecond or more a fork; each costs something at a system call, too, and system-wide.
//! Hence a short table of names, and passes of their own. What a task does once perf has let go of it is in
//! no counter: its last switch, and the end of its memory.
//!
//! The kernel's side is included: without it, context switches read 0, and no error says so.

use std::collections::BTreeMap;
use std::io;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;
use perf_event::events::{Event, Software, Tracepoint};
use perf_event::{Builder, Counter};
use record::Counted;

pub mod tracepoints;

use tracepoints::Ids;

/// perf's own, by perf's names.
const SOFTWARE: [(&str, Software); 5] = [
    ("task-clock", Software::TASK_CLOCK),
    ("context-switches", Software::CONTEXT_SWITCHES),
    ("cpu-migrations", Software::CPU_MIGRATIONS),
    ("minor-faults", Software::PAGE_FAULTS_MIN),
    ("major-faults", Software::PAGE_FAULTS_MAJ),
];

/// The counters of one tree.
#[derive(Debug)]
pub struct Counters {
    open: Vec<(String, Counter)>,
    unavailable: BTreeMap<String, String>,
}

impl Counters {
    /// Counts from now on what `pid` does, and whoever comes of it. What cannot be counted is told when they are
    /// read.
    pub fn attach(pid: Pid, tracepoints: &Ids) -> Self {
        let mut counters = Counters {
            open: Vec::new(),
            unavailable: BTreeMap::new(),
        };
        if let Err(reason) = counters.software(pid) {
            // Tracepoints go the same way.
            for kind in ["perf", "tracepoints"] {
                counters.cannot(kind, reason.clone());
            }
            return counters;
        }
        let told = match tracepoints {
            Ok(ids) => counters.system_calls(pid, ids),
            Err(reason) => Err(reason.clone()),
        };
        if let Err(reason) = told {
            counters.cannot("tracepoints", reason);
        }
        counters
    }

    fn software(&mut self, pid: Pid) -> Result<(), String> {
        SOFTWARE
            .iter()
            .try_for_each(|&(name, event)| self.add(name, pid, event))
    }

    fn system_calls(&mut self, pid: Pid, ids: &BTreeMap<String, u64>) -> Result<(), String> {
        for event in tracepoints::events() {
            // What this kernel has not got nobody calls.
            if let Some(&id) = ids.get(&event) {
                self.add(&event, pid, Tracepoint::with_id(id))?;
            }
        }
        Ok(())
    }

    /// `Err` with the reason when the kernel refuses all of its kind.
    fn add(&mut self, name: &str, pid: Pid, event: impl Event) -> Result<(), String> {
        let counter = Builder::new(event)
            .observe_pid(pid.as_raw())
            .any_cpu()
            .inherit(true)
            .enabled(true)
            .include_kernel()
            .include_hv()
            .build();
        match counter {
            Ok(counter) => self.open.push((name.to_owned(), counter)),
            Err(error) if is_refusal(&error) => return Err(why(&error)),
            Err(error) => self.cannot(name, why(&error)),
        }
        Ok(())
    }

    fn cannot(&mut self, name: &str, reason: String) {
        self.unavailable.insert(name.to_owned(), reason);
    }

    /// What was counted up to now: sums over the living and the dead.
    pub fn read(&mut self) -> Counted {
        let mut counted = Counted {
            events: BTreeMap::new(),
            unavailable: self.unavailable.clone(),
        };
        for (name, counter) in &mut self.open {
            match counter.read() {
                Ok(value) => counted.events.insert(name.clone(), value).map(drop),
                Err(error) => {
                    let reason = format!("it cannot be read: {error}");
                    counted.unavailable.insert(name.clone(), reason).map(drop)
                }
            };
        }
        counted
    }
}

/// Whether the kernel would answer every event of the kind alike.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EACCES | libc::EPERM | libc::ENOSYS)
    )
}

/// Why perf_event_open(2) failed, as far as it can be told: the kernel's own door is one setting, and a filter
/// before it says nothing of itself.
fn why(error: &io::Error) -> String {
    let Some(errno) = error.raw_os_error().map(Errno::from_raw) else {
        return format!("perf_event_open: {error}");
    };
    let paranoid = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid");
    let paranoid = paranoid.ok().and_then(|it| it.trim().parse::<i32>().ok());
    let myself = procfs::process::Process::myself().and_then(|it| it.status());
    let filtered = myself.is_ok_and(|status| status.seccomp == Some(2));
    match (errno, paranoid) {
        (Errno::EACCES, Some(level)) if level > 1 => {
            format!("perf_event_paranoid is {level}, CAP_PERFMON missing")
        }
        (Errno::EACCES | Errno::EPERM | Errno::ENOSYS, _) if filtered => {
            format!("perf_event_open: {errno:?} under a seccomp filter")
        }
        (Errno::ENOSYS, _) => "this kernel has no perf events (ENOSYS)".to_owned(),
        _ => format!("perf_event_open: {errno}"),
    }
}
