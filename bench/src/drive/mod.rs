//! What the verbs do: measure a round, record it, ask `report`, go on. No statistics and no measuring here.

pub mod capacity;
pub mod chart;
pub mod choose;
pub mod compare;
pub mod doctor;
pub mod duel;
pub mod entrants;
pub mod explain;
pub mod export;
pub mod failure;
pub mod folder;
pub mod interrupt;
pub mod labs;
pub mod list;
pub mod load;
pub mod plan;
pub mod progress;
pub mod report;
pub mod run;
pub mod saved;
pub mod schema;
pub mod session;
pub mod show;
pub mod stopping;
pub mod suites;
pub mod verify;
