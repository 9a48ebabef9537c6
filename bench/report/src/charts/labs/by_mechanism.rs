//! A round trip by mechanism: a row each, a mark for one core and one for two.

use record::{Lab, LabKind, Where};

use super::subtitles;
use crate::charts::curves::{self, Point};
use crate::charts::dots::{self, Dots, Row};
use crate::data::Data;

const METRIC: &str = "round_trip_ns_p50";
/// The size that most mechanisms have.
const BYTES: usize = 64;

const PLACES: [(Where, &str); 2] = [
    (Where::SameCore, "on one core"),
    (Where::TwoCores, "across two cores"),
];

/// The picture; `None` when nobody has a figure.
pub(crate) fn draw(data: &Data<'_>, title: &str) -> Option<String> {
    let labs = PLACES.map(|(place, _)| lab(data, place));
    let row = |entrant: &'_ record::Entrant| -> Vec<Option<Point>> {
        labs.iter()
            .map(|lab| curves::point(data, &entrant.name, &(*lab)?.name, METRIC))
            .collect()
    };
    let rows = data.measured().map(|entrant| Row {
        name: &entrant.name,
        figures: row(entrant),
    });
    let mut rows: Vec<Row<'_>> = rows
        .filter(|row| row.figures.iter().any(Option::is_some))
        .collect();
    let rank = |row: &Row<'_>| row.figures.iter().flatten().next().map_or(0.0, |it| it.0);
    rows.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    dots::draw(&Dots {
        title,
        subtitles: subtitles(
            data,
            &format!("{BYTES} bytes a message, medians of round trips"),
        ),
        marks: PLACES.iter().map(|(_, name)| (*name).to_owned()).collect(),
        rows,
        axis: "a round trip (logarithmic), less is better",
    })
}

fn lab<'a>(data: &Data<'a>, place: Where) -> Option<&'a Lab> {
    let mut labs = data.labs().iter();
    labs.find(|lab| lab.lab == LabKind::Ipc && lab.placement == place && lab.bytes == Some(BYTES))
}
