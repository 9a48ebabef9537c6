//! Evidence: what the kernel shows by itself, where a claim is about how something is made and not about how long it
//! takes. A pass has figures and sentences, and no distribution.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use measure::LabAsked;
use nix::libc;
use record::{Findings, Outcome};

use crate::{Nothing, ipc};

/// Every mechanism, in the order of tables: name and title.
pub const MECHANISMS: &[(&str, &str)] = &[
    ("terminal-signals", "Ctrl-C in a pseudo-terminal, and KILL"),
    ("node-channel-sockets", "the channel of node's fork"),
];

/// Forks a child with a channel, says both ids once it has answered, and stays until its input ends.
const SCRIPT: &str = "const child = require('child_process').fork('-e', [\
    'process.on(\"message\", (message) => process.send(message + 1))'\
    ], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });\
    child.on('message', (said) => console.log(`${process.pid} ${child.pid} ${said}`));\
    child.send(41);\
    process.stdin.on('end', () => child.disconnect()).resume();";

/// Looks.
///
/// # Errors
/// What this host lacks, or did not show.
pub fn measure(asked: &LabAsked) -> Result<Findings, Nothing> {
    match asked.mechanism.as_str() {
        "terminal-signals" => signals(),
        "node-channel-sockets" => channel(),
        other => Err(crate::lab::unknown(other)),
    }
}

fn findings(figures: &[(&str, f64)], seen: &[(&str, String)]) -> Findings {
    let figures = figures
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value));
    let seen = seen
        .iter()
        .map(|(name, said)| ((*name).to_owned(), said.clone()));
    Findings {
        times: 1,
        verified: 1,
        figures: figures.collect(),
        seen: seen.collect(),
        ..Findings::default()
    }
}

fn signals() -> Result<Findings, Nothing> {
    let shown = ipc::evidence().map_err(|(call, errno)| Nothing::failed(call, errno))?;
    let code = match shown.ctrl_c_from_kernel {
        true => "SI_KERNEL: sent by the kernel, where the terminal's driver is",
        false => "not SI_KERNEL: sent by a process",
    };
    let refused = shown.kill_handler.err();
    let handler = match refused {
        Some(errno) => format!("{} ({})", errno as i32, errno.desc()),
        None => "accepted".to_owned(),
    };
    Ok(findings(
        &[
            ("ctrl_c_signal", f64::from(shown.ctrl_c_number)),
            (
                "ctrl_c_from_kernel",
                f64::from(u8::from(shown.ctrl_c_from_kernel)),
            ),
            ("kill_signal", f64::from(shown.kill_number)),
            (
                "kill_handler_errno",
                f64::from(refused.map_or(0, |errno| errno as i32)),
            ),
        ],
        &[
            (
                "ctrl_c",
                format!("si_signo {}, si_code {code}", shown.ctrl_c_number),
            ),
            ("handler_for_kill", handler),
        ],
    ))
}

/// Ended and reaped when dropped; its child ends when the channel does.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It has ended by itself, as it should.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn channel() -> Result<Findings, Nothing> {
    let node = Command::new("node")
        .args(["-e", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let node = node.map_err(|error| {
        Nothing::unavailable(format!("node cannot be run: {error}"), error.raw_os_error())
    })?;
    let mut node = Ended(node);
    let mut line = String::new();
    if let Some(told) = node.0.stdout.take() {
        // The agent ends this process at its deadline, should node say nothing.
        let _ = BufReader::new(told).read_line(&mut line);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let [parent, child, "42"] = words[..] else {
        return Err(Nothing {
            outcome: Outcome::Wrong,
            text: format!("node's parent should say two ids and 42, and said {line:?}"),
            errno: None,
        });
    };
    let (parent, child) = (sockets(parent)?, sockets(child)?);
    let told = |sockets: &[Held]| {
        let all = sockets.iter().map(|it| {
            let domain = if it.is_unix { "AF_UNIX" } else { "not AF_UNIX" };
            format!(
                "descriptor {} is socket {}, {domain}",
                it.descriptor, it.inode
            )
        });
        all.collect::<Vec<_>>().join("; ")
    };
    Ok(findings(
        &[
            ("channel_domain_parent", domain(&parent)),
            ("channel_domain_child", domain(&child)),
        ],
        &[("parent", told(&parent)), ("child", told(&child))],
    ))
}

/// A socket that a process has a descriptor of.
struct Held {
    descriptor: String,
    inode: u64,
    is_unix: bool,
}

/// AF_UNIX when it holds sockets, and all are of that domain; 0 when the kernel shows something else.
fn domain(sockets: &[Held]) -> f64 {
    let all = !sockets.is_empty() && sockets.iter().all(|it| it.is_unix);
    if all { f64::from(libc::AF_UNIX) } else { 0.0 }
}

/// All sockets of a process; those of node with a channel and no network are the channel's.
fn sockets(pid: &str) -> Result<Vec<Held>, Nothing> {
    let failed = |what: String| {
        move |error: std::io::Error| {
            Nothing::unavailable(format!("{what}: {error}"), error.raw_os_error())
        }
    };
    let table =
        fs::read_to_string("/proc/net/unix").map_err(failed("/proc/net/unix".to_owned()))?;
    let unix: HashSet<u64> = table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(6)?.parse().ok())
        .collect();
    let folder = format!("/proc/{pid}/fd");
    let entries = fs::read_dir(&folder).map_err(failed(folder.clone()))?;
    let mut held: Vec<Held> = entries
        .flatten()
        .filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            let inode = target
                .to_str()?
                .strip_prefix("socket:[")?
                .strip_suffix(']')?;
            let inode = inode.parse().ok()?;
            Some(Held {
                descriptor: entry.file_name().to_string_lossy().into_owned(),
                inode,
                is_unix: unix.contains(&inode),
            })
        })
        .collect();
    held.sort_by_key(|it| it.inode);
    Ok(held)
}
