//! What several generators measured of one target, put together as if one had: counts are summed, histograms of the same
//! bounds are added without loss, slices and tenths of seconds are paired by their place.
//!
//! Every latency was taken on one clock; no instant of one host is ever subtracted from another's.

use std::collections::BTreeMap;

use record::pass::{Bin, Generator, Slice};
use record::{Encoded, Histograms};

use crate::protocol::{Measured, Tally};

/// The tallies of one target, each with the name of its host.
pub fn tallies<'a>(parts: impl Iterator<Item = (&'a str, &'a Tally)>) -> Tally {
    let mut sum = Tally::default();
    for (name, part) in parts {
        sum.served += part.served;
        sum.idle += part.idle;
        sum.able += part.able;
        let named = part
            .problem
            .as_ref()
            .map(|problem| format!("{name}: {problem}"));
        sum.add(&Tally {
            problem: named,
            ..part.clone()
        });
    }
    sum
}

/// All that was measured of one target; of one generator, what it says.
pub fn measured(parts: &[(&str, Measured)]) -> Measured {
    if let [(_, alone)] = parts {
        return alone.clone();
    }
    let each = || parts.iter().map(|(_, part)| part);
    let histogram =
        |of: fn(&Measured) -> &Option<Encoded>| sum(each().filter_map(|part| of(part).as_ref()));
    Measured {
        asked: each().map(|part| part.asked).sum(),
        tally: tallies(parts.iter().map(|(name, part)| (*name, &part.tally))),
        slices: slices(&each().map(|part| &part.slices[..]).collect::<Vec<_>>()),
        service: histogram(|it| &it.service),
        response: histogram(|it| &it.response),
        connect: histogram(|it| &it.connect),
        lag: histogram(|it| &it.lag),
        bins: bins(each().flat_map(|part| &part.bins)),
        by_connection: each().flat_map(|part| part.by_connection.clone()).collect(),
        generator: generators(each().map(|part| &part.generator)),
        late_ns: each().map(|part| part.late_ns).max().unwrap_or(0),
    }
}

/// A target's distributions.
pub fn histograms(measured: &Measured) -> Histograms {
    Histograms {
        service: measured.service.clone(),
        response: measured.response.clone(),
        connect: measured.connect.clone(),
        lag: measured.lag.clone(),
    }
}

/// One that cannot be read is left out of none: then there is no sum.
fn sum<'a>(parts: impl Iterator<Item = &'a Encoded>) -> Option<Encoded> {
    let mut sum: Option<hdrhistogram::Histogram<u64>> = None;
    for part in parts {
        let part = part.decode().ok()?;
        match &mut sum {
            None => sum = Some(part),
            Some(sum) => sum.add(part).ok()?,
        }
    }
    sum.as_ref().map(Encoded::new)
}

/// Slices that began at one agreed instant.
fn slices(parts: &[&[Slice]]) -> Vec<Slice> {
    let shortest = parts.iter().map(|part| part.len()).min().unwrap_or(0);
    let of = |index: usize| {
        let same = || parts.iter().map(|part| part[index]);
        Slice {
            start_ns: same().map(|it| it.start_ns).min().unwrap_or(0),
            length_ns: same().map(|it| it.length_ns).max().unwrap_or(0),
            replies: same().map(|it| it.replies).sum(),
            generator_cpu_ns: same().map(|it| it.generator_cpu_ns).sum(),
        }
    };
    (0..shortest).map(of).collect()
}

fn bins<'a>(all: impl Iterator<Item = &'a Bin>) -> Vec<Bin> {
    let mut by_start: BTreeMap<u64, Vec<&Bin>> = BTreeMap::new();
    for bin in all {
        by_start.entry(bin.start_ns).or_default().push(bin);
    }
    let together = |(start_ns, same): (u64, Vec<&Bin>)| {
        let each = || same.iter();
        Some(Bin {
            start_ns,
            length_ns: each().map(|it| it.length_ns).max()?,
            replies: each().map(|it| it.replies).sum(),
            errors: each().map(|it| it.errors).sum(),
            generator_cpu_ns: each().map(|it| it.generator_cpu_ns).sum(),
            response: sum(each().map(|it| &it.response))?,
            accept_queue: None,
            listen_overflows: None,
            listen_drops: None,
        })
    };
    by_start.into_iter().filter_map(together).collect()
}

fn generators<'a>(parts: impl Iterator<Item = &'a Generator>) -> Generator {
    let parts: Vec<&Generator> = parts.collect();
    let each = || parts.iter();
    Generator {
        cpus: Vec::new(),
        threads: each().map(|it| it.threads).sum(),
        cpu_ns: each().map(|it| it.cpu_ns).sum(),
        replies: each().map(|it| it.replies).sum(),
        loaded_ns: each().map(|it| it.loaded_ns).max().unwrap_or(0),
        clamped: each().map(|it| it.clamped).sum(),
        sources: format!("{} load hosts, the client closes first", parts.len()),
        resident_bytes: each().map(|it| it.resident_bytes).sum(),
        migrations: each().map(|it| it.migrations).sum(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use record::histogram::latencies;

    use super::*;

    fn part(latencies_ns: &[u64], served: u32) -> Measured {
        let mut service = latencies();
        latencies_ns
            .iter()
            .for_each(|ns| service.saturating_record(*ns));
        let requests = record::Requests {
            sent: latencies_ns.len() as u64,
            ok: latencies_ns.len() as u64,
            ..record::Requests::default()
        };
        Measured {
            tally: Tally {
                served,
                able: 1,
                requests,
                ..Tally::default()
            },
            slices: vec![Slice {
                start_ns: u64::from(served),
                length_ns: 18,
                replies: latencies_ns.len() as u64,
                generator_cpu_ns: 5,
            }],
            service: Some(Encoded::new(&service)),
            generator: Generator {
                threads: 1,
                loaded_ns: u64::from(served),
                migrations: Some(1),
                ..Generator::default()
            },
            ..Measured::default()
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_added(
            one in proptest::collection::vec(1u64..10_000_000_000, 0..50),
            other in proptest::collection::vec(1u64..10_000_000_000, 0..50),
        ) {
            let both = measured(&[("load-1", part(&one, 3)), ("load-2", part(&other, 4))]);
            let together = part(&[one.clone(), other.clone()].concat(), 7);
            prop_assert_eq!(
                both.service.expect("two").decode().expect("ours"),
                together.service.expect("one").decode().expect("ours")
            );
            prop_assert_eq!((both.tally.served, both.tally.able), (7, 2));
            prop_assert_eq!(both.tally.requests, together.tally.requests);
            prop_assert_eq!(both.slices[0].replies, (one.len() + other.len()) as u64);
            prop_assert_eq!((both.generator.threads, both.generator.loaded_ns), (2, 4));
            prop_assert_eq!(both.generator.migrations, Some(2));
        }
    }

    #[test]
    fn what_went_wrong_says_where() {
        let mut second = part(&[1], 1);
        second.tally.problem = Some("connection 7: lost".to_owned());
        second.generator.migrations = None;
        let both = measured(&[("load-1", part(&[1], 1)), ("load-2", second)]);
        assert_eq!(
            both.tally.problem.as_deref(),
            Some("load-2: connection 7: lost")
        );
        assert_eq!(both.generator.migrations, None, "unknown, and not 1");
    }
}
