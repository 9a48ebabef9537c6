//! Makes pages from records: statistics, tables, charts, a README and a page of HTML.
//!
//! Goals: every figure with its interval or the reason why there is none; every picture complete in itself;
//! a reader who trusts nothing can follow a figure from the page to the record. Non-goals: it starts no
//! process and reads no clock; the same records give the same bytes.
//!
//! It pays for that with a second reading of every distribution (percentiles are read from the rounds merged,
//! never averaged), and it ends where the pages do: what to measure next is `drive`'s business.
//!
//! | question | where |
//! |---|---|
//! | which passes make a figure | `cells` |
//! | a figure of one round | `figures`, `latency`, `memory`, `counters` |
//! | a window over time | `series` |
//! | a median with its interval | `stats`, `estimates` |
//! | one contender against another | `comparisons`, `duel` |
//! | one run against another, one host beside others | `compare` |
//! | what a run cannot tell apart | `noise_floor` |
//! | whether more rounds are needed | `precision` |
//! | the highest rate that is sustained, and the search for it | `capacity` |
//! | who meets a need, and with what headroom | `choice` |
//! | from how much work on models matter no more | `work` |
//! | what became of a server that was struck | `struck` |
//! | what weakens a figure | `doubts` |
//! | what the machine's parts take | `yardsticks` |
//! | what the machine cannot show, and what of it to change | `limits`, `checkup` |
//! | parts that are measured by themselves | `labs` |
//! | what a request costs item by item | `ledger` |
//! | which of the textbook's claims hold | `claims` |
//! | which published results keep their shape | `papers` |
//! | what queueing theory expects | `queueing` |
//! | what predictions are worth, and a class of them | `lessons` |
//! | a few requests through the kernel | `trace` |
//! | how a figure is written | `format` |
//! | what a scenario was run under, in words | `conditions` |
//! | what a printed word means | `explain` |
//! | figures and distributions for other tools | `export`, `hgrm` |
//! | one chart, as somebody wants it | `pictures` |
//! | pages | `answers`, `tables`, `columns`, `terminal`, `show`, `markdown`, `html`, `charts` |

mod answers;
mod capacity;
mod cells;
mod charts;
mod checkup;
mod choice;
mod claims;
mod columns;
mod compare;
mod comparisons;
mod conditions;
mod counters;
mod data;
mod distribution;
mod doubts;
mod duel;
mod estimates;
mod explain;
mod export;
mod figures;
#[cfg(test)]
#[path = "../tests/fixture/mod.rs"]
mod fixture;
mod format;
mod hgrm;
mod html;
mod labs;
mod latency;
mod ledger;
mod lessons;
mod limits;
mod markdown;
mod memory;
mod noise_floor;
mod pages;
mod papers;
mod pictures;
mod precision;
mod queueing;
mod series;
mod show;
mod stats;
mod struck;
mod tables;
mod terminal;
mod threads;
mod trace;
mod ways;
mod yardsticks;

pub use charts::look::{Look, Theme};
pub use checkup::{Ink, Style, checkup, checkup_object};
mod work;

pub use capacity::{Probe, capacities, next_probes, serving_all};
pub use choice::{Choice, Headroom, NEED, Stand, Standing, choice, choice_text, meeting};
pub use claims::Language;
pub use compare::{Change, Compared, Gate, Side, by_host, compare};
pub use comparisons::pairs;
pub use doubts::is_doubt;
pub use duel::{DuelPair, duel, duel_pairs};
pub use explain::{ModelText, calls_of, explain, model_text, topics};
pub use export::{Of, csv, distributions, json_lines, observations};
pub use format::{printable, without_paths};
pub use hgrm::text as hgrm;
pub use lessons::{Ask, Class, Kind, Lesson, check, class, lesson, lesson_text, lessons};
pub use pages::{WriteError, Written, write, write_in};
pub use papers::{Paper, paper, papers};
pub use pictures::{Charted, NoPicture, charts, picture, png};
pub use precision::half_widths;
pub use show::{Shown, show};
pub use terminal::{capacity_table, terminal, terminal_in};
pub use threads::on_threads_of_its_own;
pub use trace::{trace_svg, trace_text};

/// Every figure of `results` with its interval or the reason why there is none, and every comparison with
/// the suite's reference. Also valid on an unfinished run: its figures rest on the rounds made so far.
pub fn summarise(results: &record::Results) -> record::Summary {
    let cells = cells::cells(results);
    let mut estimates = estimates::estimates(&cells, results.run.seed);
    estimates.extend(labs::estimates(results));
    let pairs = comparisons::compared_pairs(&cells, &results.run);
    record::Summary {
        schema: record::SUMMARY_SCHEMA.to_owned(),
        suite: results.run.suite_name.clone(),
        version: results.run.version.clone(),
        started: results.run.started.clone(),
        host: results.run.host.clone(),
        estimates,
        comparisons: comparisons::comparisons(&cells, &results.run, &pairs),
        pairs,
        noise_floor: noise_floor::noise_floor(&cells, &results.run),
        capacities: capacity::capacities(results),
        judgements: claims::judgements(results, &cells),
        papers: papers::judgements(results, &cells),
        lesson: lessons::answers(results, &cells),
        ledger: ledger::Ledger::new(results, &cells).accounts(),
    }
}
