//! Who is traced: threads and processes by the kernel's number, and the names that they have in the record.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use record::trace::{Call, Task, TaskEnd};

/// A call that has been made and has not returned.
#[derive(Debug)]
pub struct Pending {
    /// Its name.
    pub name: &'static str,
    /// As they stood in the registers.
    pub args: [u64; 6],
    /// When it was made.
    pub from_ns: u64,
    /// As the record will have it; none before the recording begins.
    pub call: Option<Call>,
}

/// A task that lives.
#[derive(Debug)]
pub struct Live {
    /// Its place in the record.
    at: usize,
    /// Its process, by the kernel's number.
    pub process: i32,
    /// What it is in.
    pub pending: Option<Pending>,
    /// Its /proc/…/status, kept open: read at the end of each call.
    status: Option<File>,
    switches: Option<u64>,
    /// Since `switches` was read.
    stops: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Tasks {
    live: HashMap<i32, Live>,
    /// In the order of their births.
    pub record: Vec<Task>,
    /// Places in the record, of those who are gone, too.
    places: HashMap<i32, usize>,
    processes: u32,
    threads: HashMap<i32, u32>,
}

impl Tasks {
    /// Its state, if it is known.
    pub fn get(&mut self, tid: i32) -> Option<&mut Live> {
        self.live.get_mut(&tid)
    }

    /// Every living task, in the order of their births.
    pub fn each(&mut self) -> impl Iterator<Item = (i32, &mut Live)> {
        let mut all: Vec<(i32, &mut Live)> = self
            .live
            .iter_mut()
            .map(|(tid, live)| (*tid, live))
            .collect();
        all.sort_by_key(|(_, live)| live.at);
        all.into_iter()
    }

    /// The processes that live.
    pub fn processes(&self) -> Vec<i32> {
        let mut all: Vec<i32> = self.live.values().map(|live| live.process).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A new task, made by `parent`.
    pub fn born(&mut self, tid: i32, parent: Option<i32>, at_ns: u64) -> &str {
        let process = number(tid, "Tgid:").unwrap_or(tid);
        let parent = parent.and_then(|tid| self.name(tid));
        let (name, of) = self.next_name(tid, process);
        let live = Live {
            at: self.record.len(),
            process,
            pending: None,
            status: File::open(format!("/proc/{tid}/status")).ok(),
            switches: None,
            stops: 0,
        };
        self.live.insert(tid, live);
        self.places.insert(tid, self.record.len());
        self.record.push(Task {
            name,
            process: of,
            parent,
            born_ns: at_ns,
            comm: comm(tid),
            ended: None,
        });
        &self.record[self.record.len() - 1].name
    }

    fn next_name(&mut self, tid: i32, process: i32) -> (String, String) {
        match self.live.get(&process) {
            Some(leader) if process != tid => {
                let of = self.record[leader.at].process.clone();
                let nth = self.threads.entry(process).or_insert(1);
                *nth += 1;
                (format!("{of}.{nth}"), of)
            }
            _ => {
                self.processes += 1;
                let name = format!("p{}", self.processes);
                (name.clone(), name)
            }
        }
    }

    /// Forgets who is gone, and counts the others anew: a program that is started by shells has the same names as
    /// one that is not.
    pub fn forget_the_dead(&mut self) {
        let mut living: Vec<(usize, i32)> =
            self.live.iter().map(|(tid, it)| (it.at, *tid)).collect();
        living.sort_unstable();
        let before = std::mem::take(&mut self.record);
        let mut renamed = HashMap::new();
        (self.processes, self.threads) = (0, HashMap::new());
        self.places.clear();
        for (at, tid) in living {
            let process = self.live[&tid].process;
            let (name, of) = self.next_name(tid, process);
            let parent = before[at].parent.as_ref();
            renamed.insert(before[at].name.clone(), name.clone());
            self.places.insert(tid, self.record.len());
            if let Some(live) = self.live.get_mut(&tid) {
                live.at = self.record.len();
            }
            self.record.push(Task {
                name,
                process: of,
                parent: parent.and_then(|parent| renamed.get(parent).cloned()),
                ..before[at].clone()
            });
        }
    }

    /// Its name in the record, whether or not it lives.
    pub fn name(&self, tid: i32) -> Option<String> {
        Some(self.record[*self.places.get(&tid)?].name.clone())
    }

    /// It is about to end.
    pub fn ends(&mut self, tid: i32, end: TaskEnd) {
        if let Some(live) = self.live.get(&tid) {
            let task = &mut self.record[live.at];
            task.comm = comm(tid);
            task.ended.get_or_insert(end);
        }
    }

    /// It is no more.
    pub fn gone(&mut self, tid: i32) -> Option<Live> {
        self.live.remove(&tid)
    }

    /// How those who live call themselves now.
    pub fn note_names(&mut self) {
        for (tid, live) in &self.live {
            self.record[live.at].comm = comm(*tid);
        }
    }
}

impl Live {
    /// It has stopped, for whatever reason; a stop is a switch that is not its own.
    pub fn stopped(&mut self) {
        self.stops += 1;
    }

    /// How often it has slept since the last time that it was asked; asked while it is stopped.
    pub fn slept(&mut self) -> Option<u64> {
        let file = self.status.as_ref()?;
        let mut buffer = [0; 4096];
        let length = file.read_at(&mut buffer, 0).ok()?;
        let text = std::str::from_utf8(&buffer[..length]).ok()?;
        let now: u64 = field(text, "voluntary_ctxt_switches:")?;
        let stops = std::mem::take(&mut self.stops);
        let before = self.switches.replace(now)?;
        Some(now.saturating_sub(before).saturating_sub(stops))
    }
}

fn field<T: std::str::FromStr>(status: &str, name: &str) -> Option<T> {
    let mut lines = status.lines();
    lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

fn number(tid: i32, name: &str) -> Option<i32> {
    field(
        &std::fs::read_to_string(format!("/proc/{tid}/status")).ok()?,
        name,
    )
}

fn comm(tid: i32) -> String {
    let text = std::fs::read_to_string(format!("/proc/{tid}/comm")).unwrap_or_default();
    text.trim_end().to_owned()
}
