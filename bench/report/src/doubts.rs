//! Doubts: what makes the figures of a cell weak. Each is a pure function of the cell's records and a row of
//! [`DOUBTS`]; the first that answers is the cell's verdict, and says what to type next.

use record::{Pace, Pass, Source, Workload};

use crate::cells::Cell;
use crate::conditions::{asks_at_once, is_open, rate};
use crate::{figures, format, stats};

/// `valid`, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The word in `summary.json`.
    pub word: String,
    /// Why, and what to do.
    pub reason: Option<String>,
}

/// One way in which figures may be weak.
struct Doubt {
    word: &'static str,
    look: fn(&Cell<'_>) -> Option<String>,
}

/// In order of precedence.
const DOUBTS: &[Doubt] = &[
    Doubt {
        word: UNSERVED,
        look: unserved,
    },
    Doubt {
        word: "client-bound",
        look: client_bound,
    },
    Doubt {
        word: "client-bound",
        look: late,
    },
    Doubt {
        word: OVERLOAD,
        look: overload,
    },
    Doubt {
        word: "few-samples",
        look: few_samples,
    },
    Doubt {
        word: TOO_FEW_ROUNDS,
        look: too_few_rounds,
    },
];

/// The verdict of a cell in which not everybody was served.
pub(crate) const UNSERVED: &str = "unserved";
/// The verdict of a cell that did not answer what was asked of it.
pub(crate) const OVERLOAD: &str = "overload";
/// The verdict of a cell that rests on too few rounds: what every cell of an unfinished run starts as.
pub(crate) const TOO_FEW_ROUNDS: &str = "too-few-rounds";
/// The verdict of a cell that may be ranked.
pub(crate) const VALID: &str = "valid";

/// The verdict of a cell: an outcome that is not ok goes before every doubt.
pub(crate) fn verdict(cell: &Cell<'_>) -> Verdict {
    if let Some(pass) = cell.failed {
        return Verdict {
            word: pass.outcome.as_str().to_owned(),
            reason: Some(failure(pass)),
        };
    }
    let found = DOUBTS
        .iter()
        .find_map(|doubt| Some((doubt.word, (doubt.look)(cell)?)));
    match found {
        Some((word, reason)) => Verdict {
            word: word.to_owned(),
            reason: Some(reason),
        },
        None => Verdict {
            word: VALID.to_owned(),
            reason: None,
        },
    }
}

/// Why a pass is not ok, as one line without paths.
fn failure(pass: &Pass) -> String {
    let Some(cause) = &pass.cause else {
        return format!("round {}: no cause was recorded", pass.round);
    };
    let mut text = format!("round {}: {}", pass.round, cause.text.trim());
    let numbers = [
        ("errno", cause.errno),
        ("signal", cause.signal),
        ("exit", cause.exit),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            text.push_str(&format!(", {name} {number}"));
        }
    }
    if let Some(line) = cause
        .stderr
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
    {
        text.push_str(&format!("; it said: {}", line.trim()));
    }
    format::without_paths(&text)
}

fn unserved(cell: &Cell<'_>) -> Option<String> {
    let (served, asked) = cell.served()?;
    let what = format::served(served, asked);
    (served < asked).then(|| {
        format!("{what}: not ranked; compare it where connections come and go (crr), or give a pool workers = \"connections\"")
    })
}

/// With a rate, the generator was later than this once in a hundred requests: then its own lateness stands
/// in the response times.
const LATE_NS: f64 = 1e6;
/// Fewer replies than this in a round have no p99: ten of a thousand lie beyond it.
const REPLIES_MIN: u64 = 1_000;

/// The generator could not keep its schedule.
fn late(cell: &Cell<'_>) -> Option<String> {
    let lag = cell.lag_ns_p99.filter(|lag| *lag > LATE_NS)?;
    Some(format!(
        "the generator sent 1 % of its requests {} late or later: that is in the response times; give it more \
         cores (a smaller server_cpus, or a larger machine), or ask for a lower rate",
        format::time(lag)
    ))
}

/// With a rate, less than 99 % of what was asked came back in the window.
fn overload(cell: &Cell<'_>) -> Option<String> {
    let per_second = cell.scenario.pace.rate_per_s()?;
    let counted = cell.passes.iter().map(|pass| figures::counted(pass));
    let (replies, length_ns) = counted.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    let asked = per_second * length_ns as f64 / 1e9;
    // Each window begins with no request on its way and ends with as many as a slow server holds at once.
    let on_their_way = 1.0 + per_second * cell.service_ns_p50.unwrap_or(0.0) / 1e9;
    let on_their_way = on_their_way * cell.passes.len() as f64;
    // What a poisson schedule asks for is itself chance.
    let chance = match cell.scenario.pace {
        Pace::Poisson(_) => 3.0 * asked.sqrt(),
        _ => 0.0,
    };
    if replies as f64 >= 0.99 * asked - on_their_way - chance {
        return None;
    }
    let shares = cell.passes.iter().map(|pass| figures::counted(pass));
    let shares = shares.map(|(replies, ns)| replies as f64 / (per_second * ns as f64 / 1e9));
    let share = stats::median(&shares.filter(|it| it.is_finite()).collect::<Vec<_>>())?;
    Some(format!(
        "{} % of {} came back in time: the others queued, and the longer the window the longer they would; \
         ask for a lower rate, or see under pace = \"closed\" what it can do",
        format::digits(100.0 * share),
        rate(per_second)
    ))
}

fn few_samples(cell: &Cell<'_>) -> Option<String> {
    if cell.scenario.workload == Workload::Idle {
        return None;
    }
    let counted = cell.passes.iter();
    let counted = counted.map(|pass| (figures::counted(pass).0, pass.round));
    let (replies, round) = counted.min()?;
    (replies < REPLIES_MIN).then(|| {
        format!(
            "{} in round {round}, fewer than {REPLIES_MIN}: measure longer (window) or ask for more (pace, \
             connections)",
            format::replies(replies)
        )
    })
}

/// While loaded the generator's CPUs idled less than 2 % and the server's more than 5 %: then the figure is
/// the generator's. When neither idles the limit is shared, and the cell is valid.
fn client_bound(cell: &Cell<'_>) -> Option<String> {
    // With a rate it waits for the next due instant on its feet: then what tells is whether it was late.
    if is_open(cell.scenario) {
        return None;
    }
    let (generator, server) = busy_shares(cell)?;
    (generator > 0.98 && server < 0.95).then(|| {
        format!(
            "the generator was busy {:.0} % of the time and the server {:.0} %: the figure is the \
             generator's; give it more cores (a smaller server_cpus, or a larger machine)",
            generator * 100.0,
            server * 100.0
        )
    })
}

/// Neither side was busy: throughput is then the time that wake-ups take, not capacity. No doubt of the
/// figure, but of what a reader may make of it; a sentence to stand beside it.
pub(crate) fn waiting(cell: &Cell<'_>) -> Option<String> {
    if !asks_at_once(cell.scenario) {
        return None;
    }
    let (generator, server) = busy_shares(cell)?;
    (generator < 0.9 && server < 0.9).then(|| {
        format!(
            "Neither side was busy (server {:.0} %, generator {:.0} % of the time): this is how long \
             waking takes here, and how requests happen to bunch, not what the server could do.",
            server * 100.0,
            generator * 100.0
        )
    })
}

/// Medians over rounds of the shares of the loaded time in which generator and server were on their CPUs.
fn busy_shares(cell: &Cell<'_>) -> Option<(f64, f64)> {
    let (generator, server): (Vec<f64>, Vec<f64>) =
        cell.passes.iter().filter_map(|pass| busy(pass)).unzip();
    Some((stats::median(&generator)?, stats::median(&server)?))
}

/// Shares of the loaded time in which the generator and the server were on their CPUs.
fn busy(pass: &Pass) -> Option<(f64, f64)> {
    let (before, after) = pass.usage.before.as_ref().zip(pass.usage.after.as_ref())?;
    // The time of tasks that ended in between is lost, unless a cgroup kept it.
    let whole = after.cpu_source == Source::Cgroup || before.tasks_hash == after.tasks_hash;
    let loaded = pass.generator.loaded_ns as f64;
    if !whole || loaded == 0.0 {
        return None;
    }
    let generator =
        pass.generator.cpu_ns as f64 / (loaded * f64::from(pass.generator.threads.max(1)));
    let cpus = pass.server_cpus.len().max(1) as f64;
    let server = after.cpu_ns.saturating_sub(before.cpu_ns) as f64 / (loaded * cpus);
    Some((generator, server))
}

fn too_few_rounds(cell: &Cell<'_>) -> Option<String> {
    match cell.passes.len() {
        0 => Some("not measured yet: finish the run".to_owned()),
        rounds if rounds < stats::ROUNDS_MIN => Some(format!(
            "{rounds} of at least {} rounds: no interval can be given; --rounds 5",
            stats::ROUNDS_MIN
        )),
        _ => None,
    }
}
