//! One picture, for a slide or a page of one's own: any chart of a results folder, as wide as it is wanted, for whom
//! and on what [`Look`] says. The same records and the same look give the same bytes.

use record::{Results, Summary};

use crate::charts::{self, Drawn, look::Look};
use crate::data::Data;

/// A chart that a folder has data for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charted {
    /// What it is asked for by.
    pub name: String,
    /// What it shows.
    pub title: String,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPicture {
    /// No chart has this name.
    Unknown,
    /// There is such a chart, and nothing in this folder to draw it of.
    NoData,
    /// There is, but not of those who are shown.
    NotOfThese,
}

/// The charts that a folder has data for, in the order of its pages.
pub fn charts(results: &Results, summary: &Summary) -> Vec<Charted> {
    let drawn = charts::draw_all(&Data::new(results, summary)).into_iter();
    drawn
        .map(|Drawn { name, title, .. }| Charted { name, title })
        .collect()
}

/// The SVG of a chart, so many units wide if that is said.
///
/// # Errors
/// When there is none.
pub fn picture(
    results: &Results,
    summary: &Summary,
    name: &str,
    look: &Look,
    width: Option<u32>,
) -> Result<String, NoPicture> {
    let data = Data::new(results, summary).looking(look.clone());
    let Some(drawn) = charts::draw_one(&data, name) else {
        let everybody = data.looking(Look::default());
        return Err(match charts::draw_one(&everybody, name) {
            Some(_) => NoPicture::NotOfThese,
            None if is_known(&everybody, name) => NoPicture::NoData,
            None => NoPicture::Unknown,
        });
    };
    Ok(match width {
        Some(width) => charts::sized(&drawn.svg, width),
        None => drawn.svg,
    })
}

/// Whether a folder with the records for it would have such a chart.
fn is_known(data: &Data<'_>, name: &str) -> bool {
    charts::names().any(|(chart, each)| match name.strip_prefix(chart) {
        Some("") => true,
        Some(rest) if each => {
            let scenario = rest.strip_prefix('-').unwrap_or_default();
            data.sections()
                .any(|it| charts::file_name(&it.name) == scenario)
        }
        _ => false,
    })
}

/// The PNG of a picture with so many pixels an inch, 96 of which make it pixel for unit.
///
/// # Errors
/// With what the renderer said.
pub fn png(svg: &str, dpi: u32) -> Result<Vec<u8>, String> {
    charts::png_at(svg, dpi)
}
