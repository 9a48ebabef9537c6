//! Unsafe calls of the spawn lab and the switch lab.
