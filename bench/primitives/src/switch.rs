//! The switch lab: what it costs the kernel to go from one task to the next.
