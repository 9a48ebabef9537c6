//! The ledger: what a request costs, item by item. Counts are of counter passes (system calls by name) and of usage
//! (switches, faults), prices of the labs of the same run; their products are laid beside the CPU time that bare
//! passes measured, and what is left has a name: caches, run queue, the server's own instructions.
//!
//! Goals: every item names its price's source, and one without a price says so and counts as nothing. It pays with prices
//! that were measured warm and alone, so that it explains too little rather than too much. It ends where counting is
//! denied. The time for which tasks waited for a CPU is no CPU time: it stands beside the account and in no sum.
//!
//! | question | where |
//! |---|---|
//! | what one of something takes | `prices` |
//! | the table | `page` |

pub(crate) mod page;
mod prices;

use std::collections::BTreeMap;

use record::{Account, Entry, LabKind, Results};

use crate::cells::Cell;
use crate::{counters, estimates, labs, stats};
use prices::{Call, Price, Prices};

/// A start of less than one request in a hundred is the server's own beginning.
const STARTS: f64 = 0.01;
/// An account that explains so much is believed.
pub(crate) const CLOSES: std::ops::RangeInclusive<f64> = 0.7..=1.3;
/// What a request has less often than this explains no gap.
const OFTEN: f64 = 0.05;
/// Items that are less than this of a request, microseconds, are none.
const NOTHING_US: f64 = 0.0005;

/// The books of a run.
pub(crate) struct Ledger<'r, 'c> {
    cells: &'c [Cell<'r>],
    prices: Option<Prices<'r>>,
}

/// How often a request has something, of one cell.
struct Counts {
    calls: BTreeMap<String, f64>,
    switches: Option<f64>,
    faults: Option<f64>,
    requests_per_connection: f64,
    connects: bool,
}

/// What a server starts for a connection.
struct Starts {
    /// A process, or else a thread.
    processes: bool,
    per_request: f64,
}

impl<'r, 'c> Ledger<'r, 'c> {
    /// Of a run that has prices; without a lab of calls there are none.
    pub fn new(results: &'r Results, cells: &'c [Cell<'r>]) -> Self {
        let priced = results
            .run
            .suite
            .labs
            .iter()
            .any(|lab| lab.lab == LabKind::Call);
        let prices = priced.then(|| Prices::new(labs::parts(results), &results.run.yardsticks));
        Ledger { cells, prices }
    }

    /// An account for every cell whose scenario was counted.
    pub fn accounts(&self) -> Vec<Account> {
        let Some(prices) = &self.prices else {
            return Vec::new();
        };
        let counted = self.cells.iter().filter(|cell| cell.scenario.counters > 0);
        let counted = counted.filter(|cell| cell.contender != record::CONTROL);
        counted
            .filter(|cell| !cell.counters.is_empty() || cell.counters_failed.is_some())
            .map(|cell| self.account(prices, cell))
            .collect()
    }

    /// The part of a request's CPU time that is switches, round by round: what C8 is judged by.
    ///
    /// # Errors
    /// With what is missing.
    pub fn share_of_switches(&self, cell: &Cell<'_>) -> Result<Vec<(u32, f64)>, String> {
        let prices = self
            .prices
            .as_ref()
            .ok_or("no lab of this run has prices")?;
        let price = prices.switch(is_of_processes(cell), cell.scenario.connections);
        let by_round: BTreeMap<u32, f64> = price.by_round?.into_iter().collect();
        let of = |metric: &str| -> Result<BTreeMap<u32, f64>, String> {
            Ok(estimates::by_round(self.cells, cell, metric)?
                .into_iter()
                .collect())
        };
        let (cpu, voluntary) = (
            of("cpu_us_per_request")?,
            of("switches_voluntary_per_request")?,
        );
        let involuntary = of("switches_involuntary_per_request")?;
        let share = |(round, cpu): (u32, f64)| {
            let switches = voluntary.get(&round)? + involuntary.get(&round)?;
            let price_us = by_round.get(&round)? / 1e3;
            (cpu > 0.0).then_some((round, switches * price_us / cpu))
        };
        Ok(cpu.into_iter().filter_map(share).collect())
    }

    fn median(&self, cell: &Cell<'_>, metric: &str) -> Option<f64> {
        let rounds = estimates::by_round(self.cells, cell, metric).ok()?;
        stats::median(&rounds.iter().map(|(_, value)| *value).collect::<Vec<f64>>())
    }

    fn account(&self, prices: &Prices<'_>, cell: &Cell<'_>) -> Account {
        let counts = self.counts(cell);
        let mut entries = entries(prices, cell, &counts);
        entries.retain(|it| {
            it.cpu_us.is_none_or(|us| us > NOTHING_US)
                && it.count.is_none_or(|count| count > STARTS / 10.0)
        });
        entries.sort_by(|a, b| b.cpu_us.unwrap_or(0.0).total_cmp(&a.cpu_us.unwrap_or(0.0)));
        let cpu_us = self.median(cell, "cpu_us_per_request");
        let accounted_us = entries.iter().filter_map(|it| it.cpu_us).sum::<f64>();
        let share = cpu_us
            .filter(|cpu| *cpu > 0.0)
            .map(|cpu| accounted_us / cpu);
        let mut notes = Vec::new();
        if let Some(pass) = cell.counters_failed.filter(|_| cell.counters.is_empty()) {
            notes.push(format!(
                "its counter pass failed: {}",
                crate::doubts::failure(pass)
            ));
        } else if counts.calls.is_empty() {
            let why = estimates::by_round(self.cells, cell, record::SYSTEM_CALLS).err();
            notes.push(format!(
                "its system calls were not counted: {}",
                why.unwrap_or_default()
            ));
        }
        notes.extend(
            share.and_then(|share| unclosed(share, &entries, cpu_us.unwrap_or(0.0) - accounted_us)),
        );
        Account {
            contender: cell.contender.to_owned(),
            family: cell.family.to_owned(),
            scenario: cell.scenario.name.clone(),
            cpu_us,
            accounted_us,
            accounted_share: share,
            rest_us: cpu_us.map(|cpu| cpu - accounted_us),
            run_queue_us: self.median(cell, "run_queue_us_per_request"),
            entries,
            notes,
        }
    }

    fn counts(&self, cell: &Cell<'_>) -> Counts {
        let names = counters::by_name(self.cells, cell.scenario);
        let prefix = format!("{}_", record::SYSTEM_CALLS);
        let count = |metric: &String| {
            Some((
                metric.strip_prefix(&prefix)?.to_owned(),
                self.median(cell, metric)?,
            ))
        };
        let voluntary = self.median(cell, "switches_voluntary_per_request");
        let involuntary = self.median(cell, "switches_involuntary_per_request");
        Counts {
            calls: names
                .iter()
                .filter_map(count)
                .filter(|(_, count)| *count > 0.0)
                .collect(),
            switches: voluntary.zip(involuntary).map(|(a, b)| a + b),
            faults: self.median(cell, "faults_minor_per_request"),
            requests_per_connection: f64::from(cell.scenario.per_connection),
            connects: cell.scenario.workload == record::Workload::Crr,
        }
    }
}

/// Families whose tasks have address spaces of their own.
fn is_of_processes(cell: &Cell<'_>) -> bool {
    ["fork-per-connection", "prefork"].contains(&cell.family)
}

/// Why an account does not close, where it does not.
fn unclosed(share: f64, entries: &[Entry], rest_us: f64) -> Option<String> {
    if CLOSES.contains(&share) {
        return None;
    }
    let percent = crate::format::digits(100.0 * share);
    let dearest = entries.first().map_or("nothing", |it| it.item.as_str());
    let unpriced: Vec<&str> = entries
        .iter()
        .filter(|it| it.cpu_us.is_none() && it.count.is_none_or(|count| count > OFTEN))
        .map(|it| it.item.as_str())
        .collect();
    Some(if share > 1.0 {
        format!(
            "{percent} % are accounted for: in the lab `{dearest}` is dearer than it is here, where the next one finds its \
             caches warm"
        )
    } else if unpriced.is_empty() {
        format!(
            "{percent} % are accounted for: prices are of calls that find their caches warm and nobody to wake; \
             {} µs are caches that another task or the other core has used meanwhile, wake-ups of clients, and the server's own instructions",
            crate::format::digits(rest_us)
        )
    } else {
        format!(
            "{percent} % are accounted for: no lab has a price of {}",
            unpriced.join(", ")
        )
    })
}

/// Every item of a request.
fn entries(prices: &Prices<'_>, cell: &Cell<'_>, counts: &Counts) -> Vec<Entry> {
    let starts = Starts::of(&counts.calls);
    let mut entries = Vec::new();
    for (name, &count) in &counts.calls {
        entries.extend(of_call(prices, name, count, counts, starts.as_ref()));
    }
    let lab = starts
        .as_ref()
        .map(|starts| (starts, prices.start(starts.processes)));
    let beside = |metric: fn(&prices::Start) -> f64| {
        let swallowed = lab
            .as_ref()
            .map(|(starts, lab)| starts.per_request * metric(lab));
        swallowed.unwrap_or(0.0)
    };
    let switches = counts
        .switches
        .map(|it| (it - beside(|lab| lab.switches)).max(0.0));
    let price = prices.switch(is_of_processes(cell), cell.scenario.connections);
    entries.push(entry(
        "switch",
        switches,
        price,
        "switches were not counted",
    ));
    let faults = counts
        .faults
        .map(|it| (it - beside(|lab| lab.faults)).max(0.0));
    let price = prices.fault(starts.as_ref().is_some_and(|it| it.processes));
    entries.push(entry(
        "minor fault",
        faults,
        price,
        "faults were not counted",
    ));
    if let Some((starts, lab)) = lab {
        let item = if starts.processes {
            "process, to its end"
        } else {
            "thread, to its end"
        };
        entries.push(entry(item, Some(starts.per_request), lab.price, ""));
    }
    entries
}

impl Starts {
    fn of(calls: &BTreeMap<String, f64>) -> Option<Self> {
        let of = |name: &str| calls.get(name).copied().unwrap_or(0.0);
        let per_request = of("clone") + of("clone3") + of("fork") + of("vfork");
        (per_request > STARTS).then(|| Starts {
            processes: of("exit_group") > of("exit"),
            per_request,
        })
    }
}

fn entry(item: &str, count: Option<f64>, price: Price, uncounted: &str) -> Entry {
    let reason = match (&count, &price.ns) {
        (None, _) => Some(uncounted.to_owned()),
        (_, Err(why)) => Some(why.clone()),
        _ => None,
    };
    let price_ns = price.ns.ok();
    Entry {
        item: item.to_owned(),
        count,
        price_ns,
        source: price.source,
        cpu_us: count.zip(price_ns).map(|(count, ns)| count * ns / 1e3),
        reason,
    }
}

/// One name may be several items: the call that finds something, and the call that finds nothing.
fn of_call(
    prices: &Prices<'_>,
    name: &str,
    count: f64,
    counts: &Counts,
    starts: Option<&Starts>,
) -> Vec<Entry> {
    let connections = match counts.connects {
        true => 1.0 / counts.requests_per_connection,
        false => 0.0,
    };
    let item = |item: &str, count: f64, call: Call| entry(item, Some(count), prices.call(call), "");
    match name {
        _ if starts.is_some() && prices::is_in_a_start(name) => Vec::new(),
        // Each request is read once; what is read beyond that is the end of a connection.
        "recvfrom" | "read" | "recvmsg" => {
            let ends = (count - 1.0).clamp(0.0, connections);
            vec![
                item(name, count - ends, Call::Receive),
                item(&format!("{name}, the end"), ends, Call::End),
            ]
        }
        // A loop asks until nobody waits.
        "accept4" | "accept" => {
            let found = count.min(connections);
            vec![
                item(name, found, Call::Accept),
                item(&format!("{name}, nobody"), count - found, Call::Entry),
            ]
        }
        // One of them is the last: the connection ends there.
        "close" => {
            let last = count.min(connections);
            vec![
                item("close", last, Call::Close),
                item("close, a copy", count - last, Call::CloseCopy),
            ]
        }
        "epoll_wait" | "epoll_pwait" => {
            // What is ready in a turn: a request each, and of a connection its beginning and its end.
            let ready = ((1.0 + 2.0 * connections) / count).max(1.0);
            let many = format!("{name}, {} ready", crate::format::digits(ready));
            vec![entry(&many, Some(count), prices.wait(ready), "")]
        }
        "sendto" | "write" | "sendmsg" | "writev" => vec![item(name, count, Call::Send)],
        "epoll_ctl" => vec![item(name, count, Call::Register)],
        "futex" => vec![item(name, count, Call::Futex)],
        small if prices::is_small(small) => vec![item(small, count, Call::Entry)],
        other => vec![entry(other, Some(count), Price::none(other), "")],
    }
}

#[cfg(test)]
mod tests {
    use record::{Account, Entry, Results};

    use crate::fixture;

    fn account(results: &Results, contender: &str, scenario: &str) -> Account {
        let all = crate::summarise(results).ledger.into_iter();
        let mut found = all.filter(|it| it.contender == contender && it.scenario == scenario);
        found.next().expect("an account")
    }

    fn item<'a>(account: &'a Account, name: &str) -> &'a Entry {
        let mut entries = account.entries.iter();
        let found = entries.find(|it| it.item.starts_with(name));
        found.unwrap_or_else(|| panic!("{name} in {account:#?}"))
    }

    #[test]
    fn an_account_is_what_was_counted_times_what_it_costs() {
        let results = fixture::claimed::claimed();
        let account = account(&results, "thread-per-connection", "rr-50");
        let read = item(&account, "recvfrom");
        assert!((read.cpu_us.expect("priced") - 0.7 * read.count.expect("counted")).abs() < 0.01);
        assert_eq!(read.source, "call-recvfrom, calls");
        let switch = item(&account, "switch");
        assert_eq!(switch.source, "thread-ring, switch-50");
        let sum: f64 = account.entries.iter().filter_map(|it| it.cpu_us).sum();
        assert!((sum - account.accounted_us).abs() < 1e-9);
        let rest = account.cpu_us.expect("measured") - sum;
        assert!((account.rest_us.expect("a rest") - rest).abs() < 1e-9);
    }

    #[test]
    fn processes_switch_between_address_spaces() {
        let results = fixture::claimed::claimed();
        let account = account(&results, "prefork", "rr-50");
        assert_eq!(item(&account, "switch").source, "process-ring, switch-50");
    }

    #[test]
    fn a_price_that_is_missing_counts_as_nothing_and_says_so() {
        let mut results = fixture::claimed::claimed();
        let before = account(&results, "event-loop", "rr-50");
        results
            .passes
            .retain(|pass| pass.contender != "call-sendto");
        let after = account(&results, "event-loop", "rr-50");
        let sent = item(&after, "sendto");
        assert!(sent.price_ns.is_none() && sent.cpu_us.is_none());
        assert!(
            sent.reason
                .as_ref()
                .is_some_and(|it| it.contains("not measured")),
            "{sent:?}"
        );
        let lost = item(&before, "sendto").cpu_us.expect("priced");
        assert!((before.accounted_us - after.accounted_us - lost).abs() < 1e-9);
    }

    #[test]
    fn who_starts_a_task_pays_its_birth_once() {
        let results = fixture::claimed::claimed();
        let account = account(&results, "fork-per-connection", "crr-16");
        assert!(
            account
                .entries
                .iter()
                .any(|it| it.item.ends_with("to its end")),
            "{account:#?}"
        );
        assert!(
            account
                .entries
                .iter()
                .all(|it| !["clone", "wait4", "exit_group"].contains(&it.item.as_str()))
        );
        // No lab of this run starts anything.
        let birth = account
            .entries
            .iter()
            .find(|it| it.item.ends_with("to its end"));
        assert!(birth.is_some_and(|it| it.cpu_us.is_none() && it.reason.is_some()));
    }

    #[test]
    fn without_prices_there_is_no_ledger() {
        let results = fixture::counted::with_counters(fixture::results(), 3);
        assert!(crate::summarise(&results).ledger.is_empty());
    }
}
