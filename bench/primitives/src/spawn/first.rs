//! The program that children execute: it says when it began, prints 123, and ends. It stands in memory
//! (memfd), reached through /proc, so that nothing is left of it whatever happens.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;

use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::sys::spawn as sys;

/// What a child prints after its stamp.
pub const OUTPUT: &[u8] = b"123\n";
/// Stamp and output.
pub const SAID: usize = 16 + OUTPUT.len();

/// A file that can be executed while this lives.
#[derive(Debug)]
pub struct Program {
    _file: File,
    path: CString,
}

impl Program {
    /// The program that says when it began.
    ///
    /// # Errors
    /// As a sentence, with the error number: no memfd, or no such program for this architecture.
    pub fn first() -> Result<Self, (String, Option<i32>)> {
        let Some(code) = sys::first_code() else {
            let architecture = std::env::consts::ARCH;
            let text =
                format!("the program that says when it began is not written for {architecture}");
            return Err((text, None));
        };
        Program::of("first", &executable(code))
    }

    /// A script that `env` executes the other program for.
    ///
    /// # Errors
    /// As above.
    pub fn script(interpreter: &Program) -> Result<Self, (String, Option<i32>)> {
        let line = format!("#!/usr/bin/env {}\n", interpreter.path().to_string_lossy());
        Program::of("script", line.as_bytes())
    }

    /// Where children of this process find it, while this lives. (A method: a closure that used the field
    /// would capture that alone, and the file would be closed.)
    pub fn path(&self) -> &CStr {
        &self.path
    }

    fn of(name: &str, content: &[u8]) -> Result<Self, (String, Option<i32>)> {
        let failed = |error: std::io::Error| {
            let text = format!("a program in memory cannot be made (memfd_create): {error}");
            (text, error.raw_os_error())
        };
        let made =
            memfd_create(name, MFdFlags::MFD_CLOEXEC).map_err(|errno| failed(errno.into()))?;
        let mut file = File::from(made);
        file.write_all(content).map_err(failed)?;
        let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        let path = CString::new(path).map_err(|error| failed(error.into()))?;
        Ok(Program { _file: file, path })
    }
}

/// When it began, if it has said what it must.
pub fn began(said: &[u8]) -> Option<u64> {
    let (stamp, output) = said.split_at_checked(16)?;
    let word = |range: std::ops::Range<usize>| {
        let bytes = stamp[range].try_into().ok()?;
        u64::try_from(i64::from_ne_bytes(bytes)).ok()
    };
    (output == OUTPUT).then_some(word(0..8)? * 1_000_000_000 + word(8..16)?)
}

/// What this process says when it is its own child (`self-exec`): the same, from Rust's `main`.
pub fn say() {
    let now = sys::now_ns();
    let mut said = Vec::with_capacity(SAID);
    said.extend_from_slice(&((now / 1_000_000_000) as i64).to_ne_bytes());
    said.extend_from_slice(&((now % 1_000_000_000) as i64).to_ne_bytes());
    said.extend_from_slice(OUTPUT);
    // Whoever does not read it misses it, and says so.
    let _ = nix::unistd::write(std::io::stdout(), &said);
}

/// The smallest ELF file for Linux on x86-64: a header, one segment, the code.
fn executable(code: &[u8]) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    let size = HEADERS + code.len() as u64;
    let mut file = Vec::new();
    file.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    for half in [2_u16, 62] {
        // An executable, for x86-64.
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(&1_u32.to_le_bytes());
    for word in [BASE + HEADERS, 64, 0] {
        // Entry, program header, no section header.
        file.extend_from_slice(&word.to_le_bytes());
    }
    file.extend_from_slice(&0_u32.to_le_bytes());
    for half in [64_u16, 56, 1, 0, 0, 0] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    for word in [1_u32, 5] {
        // To be loaded, readable and executable.
        file.extend_from_slice(&word.to_le_bytes());
    }
    for word in [0, BASE, BASE, size, size, 4096] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    file.extend_from_slice(code);
    file
}
