//! A look into a task's memory. Whatever cannot be read is not there: a trace without it is still one.

use std::io::IoSliceMut;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

/// So many bytes from there, all of them or nothing.
pub fn bytes(pid: i32, from: u64, length: usize) -> Option<Vec<u8>> {
    if from == 0 || length == 0 {
        return None;
    }
    let mut buffer = vec![0; length];
    let remote = RemoteIoVec {
        base: usize::try_from(from).ok()?,
        len: length,
    };
    let mut local = [IoSliceMut::new(&mut buffer)];
    let read = process_vm_readv(Pid::from_raw(pid), &mut local, &[remote]).ok()?;
    (read == length).then_some(buffer)
}

/// A word of four bytes.
pub fn u32(pid: i32, from: u64) -> Option<u32> {
    Some(u32_at(&bytes(pid, from, 4)?, 0))
}

/// The word of four bytes at a place.
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    u32::from_ne_bytes(word.unwrap_or_default())
}

/// The word of eight bytes at a place.
pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let word = bytes.get(at..at + 8).and_then(|word| word.try_into().ok());
    u64::from_ne_bytes(word.unwrap_or_default())
}

/// A text that ends with a zero, or its first bytes.
pub fn text(pid: i32, from: u64) -> Option<String> {
    // Not over the edge of a page, beyond which there may be nothing.
    const PAGE: u64 = 4096;
    let length = usize::try_from(PAGE - from % PAGE).ok()?.min(256);
    let bytes = bytes(pid, from, length)?;
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(length);
    Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
}
