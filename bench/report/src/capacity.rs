//! Capacity: the highest rate that a contender sustains within a promise, from the looks that a search recorded.
//!
//! Goals: the search and its outcome rest on records alone, so that the same function says what to look at next
//! and, later, what was found. A capacity is of this promise, these clients and these looks of a second: it ends
//! where a server would break after an hour.

use std::collections::{BTreeMap, HashMap};

use record::search::of_round;
use record::{CONTROL, Capacity, Entrant, Outcome, Pass, Results, Scenario, Search};

use crate::doubts::{TOO_FEW_ROUNDS, UNSERVED, VALID};
use crate::{figures, format, stats};

mod look;
mod page;
mod search;

use look::{Look, look};
use search::{Next, Votes, next};

pub(crate) use page::{caption, chart_label, head, notes, rows, sentence};

/// No ladder is longer: ten million requests a second.
const HIGHEST: f64 = 1e7;
/// Where a search begins, as a share of what the contender answered in a closed loop.
const BEGIN: f64 = 0.85;

/// Shares of a capacity that are looked at once it is found: they move nothing, and give the chart its flat part.
const SHAPE: [f64; 3] = [0.25, 0.5, 0.75];

/// A look that a search wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// At whom.
    pub contender: String,
    /// At which rung; at none first, but at what a closed loop does.
    pub rung: Option<i32>,
    /// In which whole search, from 1.
    pub search: u32,
    /// How many looks at this rung that makes, from 1.
    pub vote: u32,
}

/// What is to be looked at next: the next step of every contender whose search is not over, of the first whole search
/// that is not. Nothing when all are, or none was asked for.
pub fn next_probes(results: &Results) -> Vec<Probe> {
    let Some(wanted) = &results.run.suite.capacity else {
        return Vec::new();
    };
    let searched = Searched::of(results, wanted);
    let wave = |search: u32| -> Vec<Probe> {
        let contenders = entrants(results, wanted).map(|entrant| entrant.name.as_str());
        contenders
            .filter_map(|name| searched.step(name, search).probe(name, search))
            .collect()
    };
    (1..=wanted.rounds)
        .map(wave)
        .find(|wave| !wave.is_empty())
        .unwrap_or_default()
}

/// The capacities that were found so far, in the order of entrants.
pub fn capacities(results: &Results) -> Vec<Capacity> {
    let Some(wanted) = &results.run.suite.capacity else {
        return Vec::new();
    };
    let searched = Searched::of(results, wanted);
    entrants(results, wanted)
        .map(|entrant| searched.capacity(entrant, results.run.seed))
        .collect()
}

fn entrants<'a>(results: &'a Results, wanted: &Search) -> impl Iterator<Item = &'a Entrant> {
    let is_meant = |name: &String| wanted.contenders.is_empty() || wanted.contenders.contains(name);
    let entrants = results.run.entrants.iter();
    entrants.filter(move |one| one.skipped.is_none() && one.name != CONTROL && is_meant(&one.name))
}

/// The records of a search.
struct Searched<'a> {
    wanted: &'a Search,
    /// The looks at each rung, by contender and whole search.
    looks: HashMap<(&'a str, u32), BTreeMap<i32, Vec<Look>>>,
    /// What each did in a closed loop.
    firsts: HashMap<(&'a str, u32), &'a Pass>,
}

/// Where a whole search of one contender stands.
enum Step {
    /// It is to look at this rung, or at a closed loop; so many looks at it were made.
    Look(Option<i32>, u32),
    /// It is over: the highest rung that is sustained, if any is.
    Over(Option<i32>),
    /// It cannot begin, for this reason.
    Not(String, &'static str),
}

impl Step {
    fn probe(self, contender: &str, search: u32) -> Option<Probe> {
        match self {
            Step::Look(rung, looks) => Some(Probe {
                contender: contender.to_owned(),
                rung,
                search,
                vote: looks + 1,
            }),
            Step::Over(_) | Step::Not(..) => None,
        }
    }
}

impl<'a> Searched<'a> {
    fn of(results: &'a Results, wanted: &'a Search) -> Self {
        let scenarios = results.run.suite.scenarios.iter();
        let probes: HashMap<&str, &Scenario> = scenarios
            .filter(|scenario| scenario.probe)
            .map(|scenario| (scenario.name.as_str(), scenario))
            .collect();
        let mut searched = Searched {
            wanted,
            looks: HashMap::new(),
            firsts: HashMap::new(),
        };
        for pass in &results.passes {
            let Some(scenario) = probes.get(pass.scenario.as_str()) else {
                continue;
            };
            let key = (pass.contender.as_str(), of_round(pass.round).0);
            match scenario.pace.rate_per_s() {
                None => drop(searched.firsts.insert(key, pass)),
                Some(rate) => searched
                    .looks
                    .entry(key)
                    .or_default()
                    .entry(Search::rung(rate))
                    .or_default()
                    .push(look(pass, scenario, &wanted.slo)),
            }
        }
        searched
    }

    fn step(&self, contender: &str, search: u32) -> Step {
        let Some(first) = self.firsts.get(&(contender, search)) else {
            return Step::Look(None, 0);
        };
        let (replies, ns) = figures::counted(first);
        if first.outcome != Outcome::Ok || replies == 0 {
            let cause = first.cause.as_ref().map(|cause| cause.text.as_str());
            let cause = cause.unwrap_or("nobody was answered in a closed loop");
            return Step::Not(format::without_paths(cause), first.outcome.as_str());
        }
        let start = Search::rung(BEGIN * replies as f64 * 1e9 / ns.max(1) as f64);
        let ladder = (self.wanted.lowest(), Search::rung(HIGHEST));
        let votes = self.votes(contender, search);
        match next(start, ladder, &votes) {
            Next::Look(rung) => {
                let made = votes.get(&rung).copied().unwrap_or_default();
                Step::Look(Some(rung), made.kept + made.broke)
            }
            Next::Found(kept, _) => self.shape(kept, &votes),
        }
    }

    /// What is left to do when a search is over: one look at each of a few rates far below, where the line is flat.
    fn shape(&self, kept: Option<i32>, votes: &BTreeMap<i32, Votes>) -> Step {
        let below = kept.into_iter().flat_map(|kept| {
            let rungs = SHAPE.map(|share| kept + Search::rung(1e6 * share) - Search::rung(1e6));
            rungs
                .into_iter()
                .filter(|rung| *rung >= self.wanted.lowest())
        });
        let mut missing = below.filter(|rung| !votes.contains_key(rung));
        match missing.next() {
            Some(rung) => Step::Look(Some(rung), 0),
            None => Step::Over(kept),
        }
    }

    fn votes(&self, contender: &str, search: u32) -> BTreeMap<i32, Votes> {
        let looks = self.looks.get(&(contender, search)).into_iter().flatten();
        looks
            .map(|(rung, looks)| {
                let kept = looks.iter().filter(|look| look.kept).count() as u32;
                let broke = looks.len() as u32 - kept;
                (*rung, Votes { kept, broke })
            })
            .collect()
    }

    /// What broke at a rung, in any whole search: the middle one of its looks by response time.
    fn breaking(&self, contender: &str, rung: i32) -> Option<Look> {
        let mut broke = self.at(contender, rung);
        broke.retain(|look| !look.kept);
        broke.sort_by(|a, b| {
            let of = |look: &Look| look.response_ns.unwrap_or(f64::INFINITY);
            of(a).total_cmp(&of(b))
        });
        let middle = broke.len() / 2;
        broke.into_iter().nth(middle)
    }

    fn at(&self, contender: &str, rung: i32) -> Vec<Look> {
        let searches = (1..=self.wanted.rounds).filter_map(|search| {
            let looks = self.looks.get(&(contender, search))?.get(&rung)?;
            Some(looks.clone())
        });
        searches.flatten().collect()
    }

    fn capacity(&self, entrant: &Entrant, seed: u64) -> Capacity {
        let name = entrant.name.as_str();
        let (mut found, mut below, mut reason) = (Vec::new(), false, None);
        for search in 1..=self.wanted.rounds {
            match self.step(name, search) {
                Step::Over(Some(rung)) => found.push(Search::rate(rung)),
                Step::Over(None) => below = true,
                Step::Not(cause, word) => reason = reason.or(Some((cause, word))),
                Step::Look(..) => {}
            }
        }
        let firsts = || (1..=self.wanted.rounds).filter_map(|it| self.firsts.get(&(name, it)));
        let mut capacity = Capacity {
            contender: entrant.name.clone(),
            family: entrant.family.clone(),
            slo: self.wanted.slo.to_string(),
            connections: self.wanted.connections,
            served: firsts()
                .map(|pass| pass.connections.served)
                .min()
                .unwrap_or(0),
            value: None,
            low: None,
            high: None,
            by_round: found,
            response_ns: None,
            beyond: None,
            verdict: VALID.to_owned(),
            reason: None,
        };
        if let Some((cause, word)) = reason {
            (capacity.verdict, capacity.reason) = (word.to_owned(), Some(cause));
        } else if below {
            let lowest = format::rate(Search::rate(self.wanted.lowest()));
            let reason =
                format!("not even {lowest} was sustained: a looser --slo, or fewer --connections");
            (capacity.verdict, capacity.reason) = ("overload".to_owned(), Some(reason));
        } else {
            self.estimate(&mut capacity, seed);
        }
        capacity
    }

    /// The middle of what the searches found, with its interval, what stands there and what broke beyond.
    fn estimate(&self, capacity: &mut Capacity, seed: u64) {
        let name = capacity.contender.clone();
        let Some(value) = stats::median(&capacity.by_round) else {
            let reason = "the search is not over: finish the run".to_owned();
            (capacity.verdict, capacity.reason) = (TOO_FEW_ROUNDS.to_owned(), Some(reason));
            return;
        };
        capacity.value = Some(value);
        let seed = stats::seed(seed, &[&name, "capacity"]);
        let interval = stats::median_interval(&capacity.by_round, seed);
        // A rung that is sustained and the next that is not: what lies between was not looked at.
        capacity.low = interval.map(|it| it.low);
        capacity.high = interval.map(|it| it.high * record::search::STEP);
        let rung = Search::rung(value);
        let there = self.at(&name, rung);
        let there: Vec<f64> = there.iter().filter_map(|look| look.response_ns).collect();
        capacity.response_ns = stats::median(&there);
        let breaking = (rung + 1..rung + 4).find_map(|it| Some((it, self.breaking(&name, it)?)));
        if let Some((rung, look)) = &breaking {
            let why = look.why.clone().unwrap_or_default();
            capacity.beyond = Some(format!("at {} {why}", format::rate(Search::rate(*rung))));
        }
        (capacity.verdict, capacity.reason) = verdict(capacity, breaking.map(|(_, look)| look));
    }
}

/// What is to be thought of a capacity.
fn verdict(capacity: &Capacity, breaking: Option<Look>) -> (String, Option<String>) {
    let weak = |word: &str, reason: String| (word.to_owned(), Some(reason));
    if capacity.served < capacity.connections {
        let served = format::served(capacity.served, capacity.connections);
        return weak(
            UNSERVED,
            format!("{served}: its capacity is that of so many clients, and not ranked"),
        );
    }
    if breaking.is_some_and(|look| look.is_client) {
        return weak(
            "client-bound",
            "the generator broke first: the server sustains at least this; give the generator more cores".to_owned(),
        );
    }
    match capacity.by_round.len() {
        searches if searches < stats::ROUNDS_MIN => weak(
            TOO_FEW_ROUNDS,
            format!(
                "{} of at least {}: no interval can be given; --rounds 3",
                match searches {
                    1 => "1 search".to_owned(),
                    n => format!("{n} searches"),
                },
                stats::ROUNDS_MIN
            ),
        ),
        _ => (VALID.to_owned(), None),
    }
}

/// Whether a capacity may stand beside others.
pub(crate) fn is_ranked(capacity: &Capacity) -> bool {
    capacity.value.is_some() && (capacity.verdict == VALID || capacity.verdict == TOO_FEW_ROUNDS)
}

/// Those of everybody who served all clients and has one, by which loads are made equal; the slowest of them first.
pub fn serving_all(capacities: &[Capacity]) -> Vec<(String, f64)> {
    let all = capacities.iter().filter(|it| it.served == it.connections);
    let mut all: Vec<(String, f64)> = all
        .filter_map(|it| Some((it.contender.clone(), it.value?)))
        .collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1));
    all
}
