//! The spawn lab: what it costs to start something, to its first instruction and to its end.
