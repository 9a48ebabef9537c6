//! How long users wait beside requests that block: a row a contender, a mark for each kind of work, the first
//! without any.

use super::dots::{self, Dots, Row};
use super::{curves, palette};
use crate::answers::blocking;
use crate::conditions::asked;
use crate::data::Data;
use crate::format;

const METRIC: &str = "response_ns_p90";
const WORST: &str = "response_ns_p99";

/// At p90: most of those whose own requests are quick.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    of(data, title, METRIC, "p90")
}

/// At p99.
pub(crate) fn draw_worst(data: &Data<'_>, title: &str) -> Option<String> {
    of(data, title, WORST, "p99")
}

fn of(data: &Data<'_>, title: &str, metric: &str, called: &str) -> Option<String> {
    let line = blocking::line(data)?;
    let first = line[0];
    let rows = data.firsts_then_others().into_iter().map(|entrant| Row {
        name: &entrant.name,
        figures: line
            .iter()
            .map(|it| curves::point(data, &entrant.name, &it.name, metric))
            .collect(),
    });
    let mut rows: Vec<Row<'_>> = rows
        .filter(|row| row.figures.iter().any(Option::is_some))
        .collect();
    // Whoever lets others wait for the first kind of work stands below.
    let rank = |row: &Row<'_>| row.figures[1].map_or(f64::INFINITY, |it| it.0);
    rows.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    let load = format!(
        "{} from {}, {} a message, {}; {}",
        asked(first).unwrap_or_default(),
        format::plural(first.connections as usize, "client"),
        format::bytes(first.message as f64),
        format::cores(first.server_cpus),
        palette::rounds(data, first),
    );
    let marks = line.iter().map(|scenario| match scenario.work.as_str() {
        "none" => "no work".to_owned(),
        work => format!("work {work}"),
    });
    let axis = format!(
        "{called} of response time, from when a request was due (logarithmic), less is better"
    );
    dots::draw(&Dots {
        title,
        subtitles: vec![load, palette::machine(data)],
        marks: marks.collect(),
        rows,
        axis: &axis,
    })
}
