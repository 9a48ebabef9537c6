//! How much the tracing slowed the server: the requests of clients that came alone, with and without it.

use std::collections::HashMap;

use record::Trace;
use record::trace::{Moment, MomentKind};

use crate::format;
use crate::stats::median;

/// In a sentence.
pub(super) fn slowed(trace: &Trace) -> String {
    let alone = |client: &str| number(client) <= trace.asked.connections;
    let (with, without) = (
        latencies(&trace.clients, &alone),
        latencies(&trace.untraced.clients, &alone),
    );
    match (median(&with), median(&without)) {
        (Some(with_ns), Some(without_ns)) => {
            let times = match with_ns / without_ns {
                // Somebody else was at work: tracing makes nothing faster.
                ..1.0 => "This machine was not at rest, so that how much tracing slowed it cannot be said".to_owned(),
                times => format!("Tracing slowed it {} times", format::digits(times)),
            };
            format!(
                "{times}: a request took {}, untraced {} (medians of {}, one client at a time)",
                format::time(with_ns),
                format::time(without_ns),
                with.len(),
            )
        }
        _ => match &trace.untraced.reason {
            Some(reason) => format!("How much tracing slowed it is not known: {reason}"),
            None => "How much tracing slowed it is not known: no client had a reply".to_owned(),
        },
    }
}

fn number(client: &str) -> u32 {
    client.trim_start_matches('c').parse().unwrap_or(u32::MAX)
}

fn latencies(moments: &[Moment], of: &dyn Fn(&str) -> bool) -> Vec<f64> {
    let mut sent: HashMap<&str, u64> = HashMap::new();
    let mut latencies = Vec::new();
    for moment in moments.iter().filter(|moment| of(&moment.client)) {
        match moment.what {
            MomentKind::Send => {
                sent.insert(&moment.client, moment.at_ns);
            }
            MomentKind::Received => {
                if let Some(sent_ns) = sent.get(moment.client.as_str()) {
                    latencies.push(moment.at_ns.saturating_sub(*sent_ns) as f64);
                }
            }
            _ => {}
        }
    }
    latencies
}
