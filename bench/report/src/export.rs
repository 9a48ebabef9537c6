//! Figures for other people's tools: every metric of every round, as CSV or JSON lines, and distributions as files for
//! the HdrHistogram plotter. Nothing is averaged here: estimates stand in `summary.csv`.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use rayon::prelude::*;
use record::{Estimate, METRICS, Observation, Results, Summary};

use crate::cells::{self, Cell};
use crate::charts::file_name;
use crate::estimates::by_round;
use crate::figures::{self, How};
use crate::latency::{self, Span};
use crate::{counters, hgrm, labs};

/// What a distribution is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// From when a request was due.
    Response,
    /// From when it was sent.
    Service,
    /// From the beginning of a connect to its end.
    Connect,
}

/// Every metric of every cell and every lab, a round each; one without a figure in any round says why.
pub fn observations(results: &Results, summary: &Summary) -> Vec<Observation> {
    let cells = cells::cells(results);
    let index: Index<'_> = summary
        .estimates
        .iter()
        .map(|it| {
            (
                (
                    it.contender.as_str(),
                    it.scenario.as_str(),
                    it.metric.as_str(),
                ),
                it,
            )
        })
        .collect();
    let of_cell = |cell: &Cell<'_>| {
        let metrics = METRICS
            .iter()
            .filter(|metric| metric.applies(cell.scenario))
            .map(|it| it.name.to_owned());
        let calls = match cell.scenario.counters {
            0 => Vec::new(),
            _ => counters::by_name(&cells, cell.scenario),
        };
        let all = metrics.chain(calls);
        all.flat_map(|metric| {
            let rounds = rounds(&cells, cell, &metric);
            observed(
                &index,
                (cell.contender, &cell.scenario.name, &metric),
                rounds,
            )
        })
        .collect::<Vec<_>>()
    };
    // An indexed parallel map keeps the order: the same records give the same bytes.
    let mut all = cells.par_iter().map(of_cell).collect::<Vec<_>>().concat();
    for part in labs::parts(results) {
        for metric in record::LAB_METRICS
            .iter()
            .filter(|it| it.applies_to_lab(part.lab.lab))
        {
            let rounds = labs::by_round(&part, metric.name);
            all.extend(observed(
                &index,
                (part.mechanism, &part.lab.name, metric.name),
                rounds,
            ));
        }
    }
    all
}

/// A metric of each round by itself, counts included.
fn rounds(cells: &[Cell<'_>], cell: &Cell<'_>, metric: &str) -> Result<Vec<(u32, f64)>, String> {
    match figures::how(metric) {
        How::Total(count) | How::Largest(count) => {
            let passes = cell.figures().iter();
            Ok(passes
                .map(|pass| (pass.round, count(pass) as f64))
                .collect())
        }
        _ => by_round(cells, cell, metric),
    }
}

/// Why no round has what all of them together have.
const TOO_FEW: &str =
    "no round has samples enough by itself: over all of them it stands in summary.csv";

type Index<'a> = BTreeMap<(&'a str, &'a str, &'a str), &'a Estimate>;

/// The lines of a metric of a cell; what they share its estimate knows.
fn observed(
    index: &Index<'_>,
    key: (&str, &str, &str),
    rounds: Result<Vec<(u32, f64)>, String>,
) -> Vec<Observation> {
    let Some(it) = index.get(&key) else {
        return Vec::new();
    };
    let line = |round, value: Option<f64>, reason: Option<String>| Observation {
        contender: it.contender.clone(),
        family: it.family.clone(),
        scenario: it.scenario.clone(),
        round,
        metric: it.metric.clone(),
        unit: it.unit.clone(),
        value: value.filter(|value| value.is_finite()),
        source: it.source.clone(),
        verdict: it.verdict.clone(),
        reason,
    };
    match rounds {
        Ok(rounds) if !rounds.is_empty() => rounds
            .into_iter()
            .map(|(round, value)| line(Some(round), Some(value), it.reason.clone()))
            .collect(),
        Ok(_) => vec![line(
            None,
            None,
            it.reason.clone().or(Some(TOO_FEW.to_owned())),
        )],
        Err(reason) => vec![line(None, None, it.reason.clone().or(Some(reason)))],
    }
}

/// As CSV, with the fields as columns.
///
/// # Errors
/// With what cannot be written.
pub fn csv(observations: &[Observation]) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for it in observations {
        writer.serialize(it).map_err(|error| error.to_string())?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

/// As JSON, an object a line.
///
/// # Errors
/// With what cannot be written.
pub fn json_lines(observations: &[Observation]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for it in observations {
        serde_json::to_writer(&mut bytes, it).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// The distribution of every cell over its rounds, merged, and those of the labs: the file's path, `rr-50/tokio.hgrm`,
/// and what is in it.
///
/// # Errors
/// When one cannot be read, with whose it is.
pub fn distributions(results: &Results, of: Of) -> Result<Vec<(String, String)>, String> {
    let span = match of {
        Of::Response => Span::Response,
        Of::Service => Span::Service,
        Of::Connect => Span::Connect,
    };
    let mut files: Vec<(String, String)> = Vec::new();
    let mut add = |scenario: &str, name: &str, found: Result<Option<Histogram<u64>>, String>| {
        let found = found.map_err(|error| format!("{name} under {scenario}: {error}"))?;
        if let Some(histogram) = found.filter(|it| !it.is_empty()) {
            let path = free_path(&files, scenario, name);
            files.push((path, hgrm::text(&histogram)));
        }
        Ok::<(), String>(())
    };
    for cell in cells::cells(results) {
        add(
            &cell.scenario.name,
            cell.contender,
            latency::whole(&cell, span),
        )?;
    }
    for part in labs::parts(results) {
        for (name, histogram) in labs::whole(&part) {
            add(
                &part.lab.name,
                &format!("{}-{name}", part.mechanism),
                histogram.map(Some),
            )?;
        }
    }
    Ok(files)
}

/// A path that no other file has, whatever a record calls its contender.
fn free_path(files: &[(String, String)], scenario: &str, name: &str) -> String {
    let base = format!("{}/{}", file_name(scenario), file_name(name));
    let mut names = (1..).map(|count| match count {
        1 => format!("{base}.hgrm"),
        _ => format!("{base}-{count}.hgrm"),
    });
    let is_free = |path: &String| files.iter().all(|(other, _)| other != path);
    names.find(is_free).unwrap_or(base)
}
