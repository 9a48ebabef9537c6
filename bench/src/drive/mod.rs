//! What the verbs do: measure a round, record it, ask `report`, go on. No statistics and no measuring here.

pub mod capacity;
pub mod choose;
pub mod compare;
pub mod doctor;
pub mod duel;
pub mod entrants;
pub mod failure;
pub mod interrupt;
pub mod labs;
pub mod list;
pub mod load;
pub mod plan;
pub mod progress;
pub mod report;
pub mod run;
pub mod saved;
pub mod session;
pub mod stopping;
pub mod suites;
pub mod trace;
pub mod verify;
