//! Makes records: agent and keeper, load generator, gauges, usage, host, placement.
//!
//! Goals: it knows a server only as a command and a port, and looks from outside; what it starts it ends,
//! however it ends itself. Non-goals: it computes no statistics, prints nothing, decides nothing.
//!
//! | what | where |
//! |---|---|
//! | the method, a line a step | [`round()`] |
//! | who launches, looks and ends | [`serve`] (the agent), `keeper` |
//! | who loads | `load` |
//! | what is looked at | `look` (usage, memory), `counters` (what the kernel counts), `holders` (who serves whom), `host_memory`, `host`, `listening` |
//! | what is done to it while it serves | `strike` |
//! | what the machine's parts take | `yardsticks` |
//! | what a killed harness has left | [`remains`] |
//! | where a part is measured by itself | `subject` |
//! | what a server asks of the kernel, call by call | [`trace`] |

mod agent;
mod awake;
mod bench;
mod cgroup;
mod client;
mod command;
pub mod contract;
mod counters;
mod door;
mod frame;
mod holders;
mod host;
mod host_memory;
mod keeper;
mod lease;
mod listening;
pub mod load;
mod load_host;
mod look;
mod merge;
mod order;
pub mod payload;
mod placement;
mod programs;
mod protocol;
pub mod remains;
mod round;
mod seat;
mod shape;
mod sockets;
mod strike;
mod subject;
mod sys;
pub mod trace;
mod tree;
mod verify;
mod yardsticks;

pub use agent::serve;
pub use bench::{Bench, adopt_orphans, end_orphans};
pub use client::{Agent, AgentError, Launcher};
pub use command::Contestant;
pub use host::ports;
pub use order::{derived_seed, shuffle};
pub use placement::{Placement, place, place_as};
pub use programs::{
    Program, Said, find as find_program, locate as locate_program, run as run_program,
};
pub use protocol::{Found, LabAsked, Labs};
pub use round::{Entry, round};
pub use verify::{Verified, verify};
