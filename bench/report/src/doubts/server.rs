//! What the server did not do: serve everybody, answer what was asked.

use record::{Pace, Pass, Scenario};

use crate::cells::Cell;
use crate::conditions::rate;
use crate::struck::strikes;
use crate::{figures, format, stats};

/// Not everybody got a first answer; what the server said of it tells a model that holds no more from a limit that was met.
pub(super) fn unserved(cell: &Cell<'_>) -> Option<String> {
    let (served, asked) = cell.served().filter(|(served, asked)| served < asked)?;
    let what = format::served(served, asked);
    let mut why = format!(
        "{what}: not ranked; compare it where connections come and go (crr), or give a pool workers = \"connections\""
    );
    if let Some(line) = cell.passes.iter().find_map(|pass| super::said(pass)) {
        why.push_str("; it said: ");
        why.push_str(&format::printable(&format::without_paths(line)));
    }
    Some(why)
}

/// Whether a pass answered, of what its rate asked for, all but 1 %.
pub(crate) fn kept_pace(pass: &Pass, scenario: &Scenario, service_ns_p50: f64) -> bool {
    let rate = scenario.rate_per_s(&pass.contender);
    let counted = figures::counted(pass);
    rate.is_none_or(|rate| kept(counted, rate, scenario.pace, (1, service_ns_p50)))
}

/// Whether so many replies in so many nanoseconds, over so many windows, are all but 1 % of what was asked.
fn kept(
    (replies, length_ns): (u64, u64),
    per_second: f64,
    pace: Pace,
    (windows, service_ns): (usize, f64),
) -> bool {
    let asked = per_second * length_ns as f64 / 1e9;
    // Each window begins with no request on its way and ends with as many as a slow server holds at once.
    let on_their_way = (1.0 + per_second * service_ns / 1e9) * windows as f64;
    // What a poisson schedule asks for is itself chance.
    let chance = match pace {
        Pace::Constant(_) | Pace::Closed => 0.0,
        Pace::Poisson(_) | Pace::OfSlowest(_) | Pace::OfOwn(_) => 3.0 * asked.sqrt(),
    };
    replies as f64 >= 0.99 * asked - on_their_way - chance
}

/// With a rate, less than 99 % of what was asked came back in the window.
pub(super) fn overload(cell: &Cell<'_>) -> Option<String> {
    // What a struck server does not answer is the finding.
    if strikes(cell.scenario) {
        return None;
    }
    let per_second = cell.scenario.rate_per_s(cell.contender)?;
    let counted = cell.passes.iter().map(|pass| figures::counted(pass));
    let counted = counted.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    let service_ns = cell.service_ns_p50.unwrap_or(0.0);
    let windows = (cell.passes.len(), service_ns);
    if kept(counted, per_second, cell.scenario.pace, windows) {
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
