//! `papers`: published results by name: what was published, what is otherwise here, and a run of one of them. All of them
//! at once are the suite `papers`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use report::Language;

use super::failure::{Failure, print};
use super::hosts::HostsArgs;
use super::resume::Resumed;
use super::run;
use super::turn::TurnArgs;
use crate::{RunArgs, Who};

/// Columns of the list.
const COLUMNS: usize = 80;

/// Which paper.
#[derive(Args, Clone)]
pub struct PapersArgs {
    /// Its name; without it, all are listed
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Fewer rounds: wider intervals, sooner
    #[arg(long)]
    quick: bool,
    /// Rounds of each scenario, whatever the suite says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: Option<u32>,
    /// The results folder [default: ./results/papers-TIME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// From which every order and payload follows [default: from the clock]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    pub there: HostsArgs,
    #[command(flatten)]
    pub turn: TurnArgs,
    /// Print one JSON object: what is listed, or the summary of the run
    #[arg(long)]
    pub json: bool,
}

/// The verb.
///
/// # Errors
/// When nothing is called so, or it cannot be run.
pub fn papers(args: &PapersArgs, resumed: Option<Resumed>) -> Result<ExitCode, Failure> {
    let Some(name) = &args.name else {
        list(args.json);
        return Ok(ExitCode::SUCCESS);
    };
    let known: Vec<String> = report::papers().iter().map(|it| it.id.clone()).collect();
    let paper = report::paper(name).ok_or_else(|| Failure::unknown("paper", name, &known))?;
    let asked = RunArgs {
        suite: "papers".to_owned(),
        out: args.out.clone(),
        there: args.there.clone(),
        save: None,
        only: None,
        scenario: Some(format!("^({})$", paper.scenarios().join("|"))),
        rounds: args.rounds,
        quick: args.quick,
        lang: Language::English,
        precision: None,
        budget: None,
        strict: false,
        seed: args.seed,
        who: Who::default(),
        turn: args.turn,
        traces: false,
        json: args.json,
    };
    run::run(&asked, resumed)
}

fn list(json: bool) {
    let papers = report::papers();
    if json {
        let object = |it: &report::Paper| {
            serde_json::json!({
                "name": it.id, "title": it.title, "citation": it.citation, "reading": it.reading(),
                "published": it.published, "scenarios": it.scenarios(),
            })
        };
        print(&serde_json::json!({ "papers": papers.iter().map(object).collect::<Vec<_>>() }));
        return;
    }
    let mut lines: Vec<String> = Vec::new();
    for paper in papers {
        let text = format!("{}. {} ({})", paper.title, paper.citation, paper.reading());
        let options = textwrap::Options::new(COLUMNS).subsequent_indent("            ");
        lines.extend(
            textwrap::wrap(&format!("{:<12}{text}", paper.id), options)
                .iter()
                .map(ToString::to_string),
        );
    }
    lines.push(
        "\nfiveways papers NAME runs one, fiveways run papers all, fiveways explain NAME"
            .to_owned(),
    );
    print(&lines.join("\n"));
}
