//! Unsafe calls of the IPC lab.
