//! Writes the report of a results folder: figures, tables, charts and the page, all made again from the
//! records each time, each file whole or not at all.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use record::{Results, StoreError, Summary};
use serde::Serialize;

use crate::charts::{self, Drawn};
use crate::claims::Language;
use crate::data::Data;
use crate::{html, markdown};

/// A report that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file system refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A table or a summary cannot be put into its format.
    #[error("{file}: {problem}")]
    Format {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A chart cannot be drawn.
    #[error("chart {chart}: {problem}")]
    Chart {
        /// Its name.
        chart: String,
        /// What is wrong.
        problem: String,
    },
}

/// What [`write_in`] has made.
pub struct Written {
    /// The files; the last is the page.
    pub files: Vec<PathBuf>,
    /// What stands in them.
    pub summary: Summary,
}

/// Writes summary.json, summary.csv, README.md, charts, of a lesson answers.json, and report.html into `folder`. Nothing else in
/// the folder is touched.
///
/// # Errors
/// When a file cannot be written or a chart cannot be drawn.
pub fn write(folder: &Path, results: &Results) -> Result<Written, WriteError> {
    write_in(folder, results, Language::English)
}

/// The same, with the claims of README.md in this language; the page has both.
///
/// # Errors
/// When a file cannot be written or a chart cannot be drawn.
pub fn write_in(
    folder: &Path,
    results: &Results,
    language: Language,
) -> Result<Written, WriteError> {
    let summary = crate::summarise(results);
    let data = Data::new(results, &summary);
    let drawn = charts::draw_all(&data);
    let mut files = Vec::new();
    let mut put = |name: &str, bytes: &[u8]| -> Result<(), WriteError> {
        let path = folder.join(name);
        record::write_whole(&path, bytes)?;
        files.push(path);
        Ok(())
    };
    record::make_subfolder(&folder.join("charts"))?;
    put("summary.json", json("summary.json", &summary)?.as_bytes())?;
    put("summary.csv", &csv(&summary)?)?;
    let pixels: Vec<Result<Vec<u8>, String>> =
        drawn.par_iter().map(|it| charts::png(&it.svg)).collect();
    for (Drawn { name, svg, .. }, png) in drawn.iter().zip(pixels) {
        put(&format!("charts/{name}.svg"), svg.as_bytes())?;
        let problem = |problem| WriteError::Chart {
            chart: name.clone(),
            problem,
        };
        put(&format!("charts/{name}.png"), &png.map_err(problem)?)?;
    }
    let readme = markdown::readme(&data, &drawn, language);
    put("README.md", readme.as_bytes())?;
    if let Some(answers) = &summary.lesson {
        put("answers.json", json("answers.json", answers)?.as_bytes())?;
    }
    put("report.html", html::page(&data, &drawn).as_bytes())?;
    Ok(Written { files, summary })
}

fn json(file: &str, what: &impl Serialize) -> Result<String, WriteError> {
    let text = serde_json::to_string_pretty(what);
    text.map(|text| text + "\n").map_err(format_error(file))
}

/// One estimate a line, with the fields of `record::Estimate` as columns.
fn csv(summary: &Summary) -> Result<Vec<u8>, WriteError> {
    let file = "summary.csv";
    let mut writer = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    let head = [
        "contender",
        "family",
        "scenario",
        "metric",
        "unit",
        "value",
        "low",
        "high",
        "rounds",
        "source",
        "verdict",
        "reason",
    ];
    writer.write_record(head).map_err(format_error(file))?;
    for it in &summary.estimates {
        let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let row = [
            it.contender.clone(),
            it.family.clone(),
            it.scenario.clone(),
            it.metric.clone(),
            it.unit.clone(),
            number(it.value),
            number(it.low),
            number(it.high),
            it.rounds.to_string(),
            it.source.clone(),
            it.verdict.clone(),
            it.reason.clone().unwrap_or_default(),
        ];
        writer.write_record(row).map_err(format_error(file))?;
    }
    writer.into_inner().map_err(format_error(file))
}

fn format_error<E: std::fmt::Display>(file: &str) -> impl FnOnce(E) -> WriteError + use<E> {
    let file = file.to_owned();
    move |error| WriteError::Format {
        file,
        problem: error.to_string(),
    }
}
