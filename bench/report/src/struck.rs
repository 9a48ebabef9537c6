//! What became of a server of which a process was struck in the middle of its window: pure functions of the
//! pass's bins, its failed requests, and of who was there before and after.
//!
//! Service is *out* in a tenth of a second in which fewer than 90 % of the replies come that came before the
//! strike, and *back* with the first of two in a row that are not. So an outage is told to a tenth of a second,
//! and a shorter one, which the replies that follow make up for, is none: it stands in the longest wait. It ends
//! at processes: who of a process's threads does what nobody outside can see.

mod page;

use record::pass::Bin;
use record::{Pass, Scenario, Struck};

use crate::figures::{self, Figure};
use crate::stats;

pub(crate) use page::{label, sentence, table, terminal_row};

/// Of the replies before the strike, what a step must have to be one of service.
const SERVICE: f64 = 0.9;
/// Why there is no length of an outage.
pub(crate) const NEVER: &str = "service was not back at the window's end";
const NOT_STRUCK: &str = "nobody was struck";

/// What is done to servers in this scenario is what it is about.
pub(crate) fn strikes(scenario: &Scenario) -> bool {
    scenario.fault.is_some()
}

/// The tenths of a second from the strike on, and what a nanosecond held before it.
struct Around<'a> {
    struck: &'a Struck,
    usual: f64,
    after: Vec<&'a Bin>,
}

impl<'a> Around<'a> {
    fn of(pass: &'a Pass) -> Result<Self, &'static str> {
        let struck = pass.struck.as_ref().ok_or(NOT_STRUCK)?;
        // A rest of a bin has no rate.
        let longest = pass.bins.iter().map(|bin| bin.length_ns).max();
        let whole = longest.unwrap_or(0) / 2;
        let bins = pass.bins.iter().filter(|bin| bin.length_ns > whole);
        let end = |bin: &&Bin| bin.start_ns + bin.length_ns;
        let (before, after): (Vec<&Bin>, Vec<&Bin>) =
            bins.partition(|bin| end(bin) <= struck.at_ns);
        let usual = stats::median(&before.into_iter().map(rate).collect::<Vec<_>>());
        match usual.filter(|usual| *usual > 0.0) {
            None => Err("nothing was answered before the strike"),
            Some(_) if after.is_empty() => Err("nothing was recorded after the strike"),
            Some(usual) => Ok(Around {
                struck,
                usual,
                after,
            }),
        }
    }

    fn is_service(&self, index: usize) -> bool {
        let bin = self.after.get(index);
        bin.is_none_or(|bin| rate(bin) >= SERVICE * self.usual)
    }
}

fn rate(bin: &Bin) -> f64 {
    bin.replies as f64 / bin.length_ns.max(1) as f64
}

/// From the strike until service is back, milliseconds: 0 where it was never out, infinity where it is not back.
pub(crate) fn outage(pass: &Pass) -> Figure {
    let around = Around::of(pass)?;
    // What begins later is not the strike's.
    let Some(out) = (0..2).find(|index| !around.is_service(*index)) else {
        return Ok(0.0);
    };
    let back = (out..around.after.len())
        .find(|index| around.is_service(*index) && around.is_service(*index + 1));
    Ok(back.map_or(f64::INFINITY, |index| {
        let back_ns = around.after[index].start_ns;
        back_ns.saturating_sub(around.struck.at_ns) as f64 / 1e6
    }))
}

/// Replies from the strike to the window's end, as a share of what came before it in as long a time. The tenth of a
/// second in which the strike falls counts whole: suites strike at its beginning, so that hardly a reply in it is from
/// before.
pub(crate) fn served_after(pass: &Pass) -> Figure {
    let around = Around::of(pass)?;
    let replies: u64 = around.after.iter().map(|bin| bin.replies).sum();
    let length: u64 = around.after.iter().map(|bin| bin.length_ns).sum();
    Ok(replies as f64 / (around.usual * length as f64))
}

/// How long the one request waited that was answered after the strike and had waited longest, nanoseconds.
pub(crate) fn longest_wait(pass: &Pass) -> Figure {
    let around = Around::of(pass)?;
    let waits = around.after.iter().filter(|bin| bin.replies > 0);
    let longest = waits
        .filter_map(|bin| Some(bin.response.decode().ok()?.max()))
        .max();
    longest
        .map(|ns| ns as f64)
        .ok_or("nobody was answered after the strike")
}

/// Requests that were due and not answered.
pub(crate) fn lost(pass: &Pass) -> Figure {
    pass.struck.as_ref().ok_or(NOT_STRUCK)?;
    Ok(figures::errors(pass) as f64)
}

/// Connections that were lost at least once.
pub(crate) fn hit(pass: &Pass) -> Figure {
    let struck = pass.struck.as_ref().ok_or(NOT_STRUCK)?;
    Ok(struck.hit.values().sum::<u64>() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    /// A pass struck in the middle of its sixth bin, with so many replies in each.
    fn pass(replies: &[u64]) -> Pass {
        let mut pass = fixture::struck().passes.remove(0);
        let like = pass.bins[0].clone();
        let bin = |(index, replies): (usize, &u64)| Bin {
            start_ns: 100_000_000 * index as u64,
            length_ns: 100_000_000,
            replies: *replies,
            ..like.clone()
        };
        pass.bins = replies.iter().enumerate().map(bin).collect();
        pass.struck.as_mut().expect("a strike").at_ns = 550_000_000;
        pass
    }

    #[test]
    fn an_outage_lasts_until_two_steps_in_a_row_are_served() {
        let outage = |rest: &[u64]| outage(&pass(&[&[200; 5], rest].concat())).expect("a figure");
        assert_eq!(outage(&[200, 200, 200, 200]), 0.0);
        assert_eq!(
            outage(&[181, 199, 20, 200]),
            0.0,
            "what comes later is not its doing"
        );
        assert_eq!(outage(&[90, 200, 200, 200]), 50.0);
        assert_eq!(
            outage(&[90, 200, 0, 0, 320, 200, 200]),
            350.0,
            "one good step is not service"
        );
        assert_eq!(outage(&[181, 179, 500, 200]), 150.0);
        assert_eq!(outage(&[100, 0, 0, 0]), f64::INFINITY);
        assert_eq!(outage(&[100, 0, 0, 200]), 250.0);
    }

    #[test]
    fn what_is_served_is_a_share_of_what_was() {
        let share = |rest: &[u64]| {
            let share = served_after(&pass(&[&[200; 5], rest].concat()));
            share.map(|share| (1e6 * share).round() / 1e6)
        };
        assert_eq!(share(&[100, 0, 0, 0]), Ok(0.125));
        assert_eq!(share(&[200, 200]), Ok(1.0));
        assert_eq!(share(&[]), Err("nothing was recorded after the strike"));
        assert_eq!(
            served_after(&pass(&[0; 9])),
            Err("nothing was answered before the strike")
        );
        let mut untouched = pass(&[200; 9]);
        untouched.struck = None;
        for figure in [outage, served_after, longest_wait, lost, hit] {
            assert_eq!(figure(&untouched), Err(NOT_STRUCK));
        }
    }

    #[test]
    fn a_rest_of_a_step_is_none() {
        let mut rest = pass(&[200, 200, 200, 200, 200, 200, 200, 0]);
        rest.bins[7].length_ns = 1_000_000;
        assert_eq!(outage(&rest), Ok(0.0));
        assert!(served_after(&rest).is_ok_and(|share| (share - 1.0).abs() < 1e-9));
    }
}
