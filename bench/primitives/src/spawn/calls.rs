//! Which system calls start a child: seen by tracing one start (ptrace), in a process of its own.

use super::Mechanism;

/// The calls of one start, as `clone3(CLONE_VM | CLONE_VFORK), execve`.
///
/// # Errors
/// Why it could not be traced.
pub fn of(_: &Mechanism) -> Result<String, String> {
    Err("not traced".to_owned())
}
