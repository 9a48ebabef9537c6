//! `fiveways load` as its users have it: the built program against servers whose behaviour is known, because
//! they stand in this process.

mod accounting;
mod chaos;
mod flags;
mod lies;
mod modes;
mod oracles;
mod output;
mod program;
