//! What a fork copies: page tables at once, pages when somebody writes to them, and what both weigh
//! meanwhile.

use std::fs::File;
use std::io::{Read, Write};

use nix::fcntl::OFlag;
use nix::sys::wait::waitpid;
use nix::unistd::pipe2;
use record::Findings;

use super::parent::{Parent, kib, smaps_rollup};
use crate::Nothing;
use crate::sys::spawn::{PAGE, Stamp, fork_to, now_ns};

/// The share of the state that the child writes to.
const WRITTEN: usize = 4;

/// Forks once more, weighs both, has the child write to a quarter of the state, and weighs both again.
///
/// # Errors
/// When the child cannot be forked or led; what cannot be read is missing with its reason.
pub fn look(parent: &Parent, findings: &mut Findings) -> Result<(), Nothing> {
    let written = parent.state_bytes / WRITTEN;
    let stamp = Stamp::new().map_err(|errno| Nothing::failed("mmap", errno))?;
    let pair = || pipe2(OFlag::O_CLOEXEC).map_err(|errno| Nothing::failed("pipe2", errno));
    let ((orders, to_child), (from_child, done)) = (pair()?, pair()?);
    let (mut orders, mut to_child) = (File::from(orders), Some(File::from(to_child)));
    let (mut from_child, mut done) = (File::from(from_child), Some(File::from(done)));
    let child = fork_to(|| {
        to_child = None;
        let mut next = [0];
        if orders.read_exact(&mut next).is_ok() {
            let begun = now_ns();
            parent.state.write(written);
            stamp.tell(now_ns() - begun);
            let _ = done.as_mut().map(|done| done.write_all(&next));
            let _ = orders.read_exact(&mut next);
        }
    });
    let child = match child {
        Ok(child) => child,
        Err(errno) => {
            return missing(
                findings,
                &format!("the parent has threads: {}", errno.desc()),
            );
        }
    };
    drop(done);
    let pid = child.to_string();
    let tables = kib(&format!("/proc/{pid}/status"), "VmPTE:");
    let weigh = |line| Some(smaps_rollup("self", line)? + smaps_rollup(&pid, line)?);
    let (rss, pss) = (weigh("Rss:"), weigh("Pss:"));
    let mut word = [0];
    let led = to_child.as_mut().map(|to| to.write_all(&[1]));
    let told = from_child.read_exact(&mut word);
    let pss_written = weigh("Pss:");
    // End of file: the child ends.
    drop(to_child);
    waitpid(child, None).map_err(|errno| Nothing::failed("waitpid", errno))?;
    if !matches!((led, told), (Some(Ok(())), Ok(()))) {
        return missing(findings, "the child that should write ended before it did");
    }
    let pages = written / PAGE;
    let first_write = (pages > 0).then(|| stamp.take() as f64 / pages as f64);
    let bytes = |figure: Option<usize>| figure.map(|figure| figure as f64);
    let figures = [
        (
            "first_write_ns",
            first_write,
            "without state there is nothing to write to",
        ),
        ("child_page_table_bytes", bytes(tables), NO_PROC),
        ("both_rss_bytes", bytes(rss), NO_PROC),
        ("both_pss_bytes", bytes(pss), NO_PROC),
        ("both_pss_bytes_written", bytes(pss_written), NO_PROC),
    ];
    for (name, figure, why) in figures {
        match figure {
            Some(figure) => drop(findings.figures.insert(name.to_owned(), figure)),
            None => drop(findings.missing.insert(name.to_owned(), why.to_owned())),
        }
    }
    Ok(())
}

const NO_PROC: &str = "/proc does not tell";

fn missing(findings: &mut Findings, why: &str) -> Result<(), Nothing> {
    let names = [
        "first_write_ns",
        "child_page_table_bytes",
        "both_rss_bytes",
        "both_pss_bytes",
        "both_pss_bytes_written",
    ];
    let missing = names.map(|name| (name.to_owned(), why.to_owned()));
    findings.missing.extend(missing);
    Ok(())
}
