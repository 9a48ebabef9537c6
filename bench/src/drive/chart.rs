//! `chart`: one picture of a results folder, for a slide or a paper.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use record::{Results, Summary};
use report::{Charted, Look, NoPicture, Theme};

use super::failure::{Exit, Failure, print};
use super::folder;

/// Pixels an inch where nobody says: a unit of the picture is a pixel.
const SCREEN: u32 = 96;

/// Which picture, and how it is to look.
#[derive(Args, Clone)]
pub struct ChartArgs {
    /// The chart: `fiveways chart --list` names those that a folder has
    #[arg(value_name = "NAME", required_unless_present = "list")]
    name: Option<String>,
    /// A results folder or a saved name [default: the newest below ./results]
    #[arg(value_name = "DIR")]
    dir: Option<String>,
    /// Name the charts that the folder has
    #[arg(long)]
    list: bool,
    /// Where to: a file that ends in .svg or .png; - writes SVG to standard output
    #[arg(long, short, value_name = "FILE", required_unless_present = "list")]
    output: Option<PathBuf>,
    /// Only these contenders, by their names; the subtitle says so
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    only: Vec<String>,
    /// How wide, in pixels of a screen [default: 1920]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(100..=20_000))]
    width: Option<u32>,
    /// Of a .png: pixels an inch, 96 of which are those of --width [default: 96]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(24..=2_400))]
    dpi: Option<u32>,
    /// light, dark, or print (black on white, nothing told by colour)
    #[arg(long, default_value = "light", value_name = "THEME", value_parser = clap::builder::PossibleValuesParser::new(["light", "dark", "print"]))]
    theme: String,
    /// In the place of the chart's own title
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

/// The verb.
///
/// # Errors
/// When there is no such folder, chart or contender, or the file cannot be written.
pub fn chart(args: &ChartArgs) -> Result<ExitCode, Failure> {
    if args.list {
        // Without a chart the first word is the folder.
        let (_, results) = folder::meant(args.name.as_deref())?;
        print(&listed(&report::charts(
            &results,
            &report::summarise(&results),
        )));
        return Ok(Exit::Well.into());
    }
    let (name, output) = (
        args.name.clone().unwrap_or_default(),
        args.output.clone().unwrap_or_default(),
    );
    let kind = Kind::of(&output, args.dpi)?;
    let (folder, results) = folder::meant(args.dir.as_deref())?;
    check_contenders(&results, &args.only)?;
    let look = Look {
        only: args.only.clone(),
        theme: args.theme.parse::<Theme>().unwrap_or_default(),
        title: args.title.clone(),
    };
    let summary = report::summarise(&results);
    let svg = report::picture(&results, &summary, &name, &look, args.width).map_err(|why| {
        missing(
            &name,
            &folder.display().to_string(),
            &results,
            &summary,
            &why,
        )
    })?;
    let bytes = match kind {
        Kind::Printed => {
            print(&svg.trim_end());
            return Ok(Exit::Well.into());
        }
        Kind::Svg => svg.into_bytes(),
        Kind::Png => report::png(&svg, args.dpi.unwrap_or(SCREEN)).map_err(|cause| {
            Failure::usage("the picture cannot be made", cause).hint("a smaller --width or --dpi")
        })?,
    };
    record::write_whole(&output, &bytes).map_err(|error| {
        let what = format!("{} cannot be written", output.display());
        Failure::tool("output", what, error.to_string())
            .hint("-o FILE in a folder that you may write to")
    })?;
    Ok(Exit::Well.into())
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Svg,
    Png,
    /// SVG, on standard output.
    Printed,
}

impl Kind {
    fn of(output: &std::path::Path, dpi: Option<u32>) -> Result<Self, Failure> {
        let extension = output.extension().and_then(|it| it.to_str());
        let kind = match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("svg") => Kind::Svg,
            Some("png") => return Ok(Kind::Png),
            _ if output.as_os_str() == "-" => Kind::Printed,
            _ => {
                let what = format!("what {} is to be cannot be told", output.display());
                return Err(
                    Failure::usage(what, "its name ends neither in .svg nor in .png")
                        .hint("-o chart.svg, or -o chart.png"),
                );
            }
        };
        match dpi {
            Some(_) => Err(
                Failure::usage("--dpi is of no meaning here", "an SVG has no pixels")
                    .hint("--width, or -o chart.png"),
            ),
            None => Ok(kind),
        }
    }
}

fn listed(charts: &[Charted]) -> String {
    let wide = charts
        .iter()
        .map(|it| it.name.chars().count())
        .max()
        .unwrap_or(0);
    let lines = charts
        .iter()
        .map(|it| format!("{:<wide$}  {}", it.name, report::printable(&it.title)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every name is one of those that were measured.
fn check_contenders(results: &Results, names: &[String]) -> Result<(), Failure> {
    let entrants = &results.run.entrants;
    for name in names {
        match entrants
            .iter()
            .find(|it| it.name == *name)
            .map(|it| &it.skipped)
        {
            Some(None) => {}
            Some(Some(reason)) => {
                return Err(Failure::usage(
                    format!("`{name}` was not measured"),
                    format!("it was skipped: {reason}"),
                )
                .hint("--only with others"));
            }
            None => {
                let measured = entrants
                    .iter()
                    .filter(|it| it.skipped.is_none() && it.name != record::CONTROL);
                let known: Vec<String> = measured.map(|it| it.name.clone()).collect();
                return Err(Failure::unknown("contender", name, &known));
            }
        }
    }
    Ok(())
}

fn missing(
    name: &str,
    folder: &str,
    results: &Results,
    summary: &Summary,
    why: &NoPicture,
) -> Failure {
    let known: Vec<String> = report::charts(results, summary)
        .into_iter()
        .map(|it| it.name)
        .collect();
    let there = format!("{folder} has {}", known.join(", "));
    match why {
        NoPicture::NotOfThese => Failure::usage(
            format!("`{name}` shows none of these contenders"),
            "they have no figures in it",
        )
        .hint("--only with others"),
        NoPicture::NoData => Failure::usage(format!("there is nothing to draw `{name}` of"), there)
            .hint(format!("fiveways chart --list {folder}")),
        NoPicture::Unknown => {
            let failure = Failure::usage(format!("there is no chart `{name}`"), there);
            match record::nearest(name, known.iter().map(String::as_str)) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint(format!("fiveways chart --list {folder}")),
            }
        }
    }
}
