//! The control: what its figures are for, and where it does not stand.

use record::*;

use crate::fixture;
use crate::pages::*;

fn controlled() -> Results {
    fixture::with_control(fixture::results(), |_| ())
}

#[test]
fn the_control_changes_nothing_that_is_said_of_contenders() {
    let (with, without) = (controlled(), fixture::results());
    let (with, without) = (report::summarise(&with), report::summarise(&without));
    let of_contenders = |it: &&Estimate| it.contender != CONTROL;
    let estimates = with.estimates.iter().filter(of_contenders);
    assert!(estimates.eq(&without.estimates));
    let comparisons = with.comparisons.iter().filter(|it| it.a != CONTROL);
    assert!(
        comparisons.eq(&without.comparisons),
        "nor does it widen a family"
    );
    assert_eq!(
        report::pairs(&controlled()),
        report::pairs(&fixture::results())
    );
    let halves = |results: &Results| report::half_widths(results, true);
    assert_eq!(halves(&controlled()), halves(&fixture::results()));
}

#[test]
fn the_control_stands_in_the_summary_and_on_no_page_as_a_contender() {
    let results = controlled();
    let summary = report::summarise(&results);
    assert!(summary.estimates.iter().any(|it| it.contender == CONTROL));
    let compared = summary.comparisons.iter();
    let mut compared = compared.filter(|it| it.a == CONTROL && it.metric == "throughput_per_s");
    assert!(compared.all(|it| it.b == "event-loop" && it.answer == Answer::Equal));
    let files = written(&results);
    let readme = text(&files, "README.md");
    assert!(!readme.contains("control"), "{readme}");
    let page = text(&files, "report.html");
    let (page, _) = page.split_once("id=\"summary\"").expect("embedded");
    assert!(!page.contains("control"));
    assert!(!terminal_fits(&results).contains("control"));
    let charts = files.iter().filter(|(name, _)| name.ends_with(".svg"));
    for (name, svg) in charts {
        assert!(!String::from_utf8_lossy(svg).contains("control"), "{name}");
    }
}

#[test]
fn every_page_opens_with_the_noise_floor() {
    let results = controlled();
    let summary = report::summarise(&results);
    let sliced = results.run.suite.scenarios.iter();
    let sliced = sliced.filter(|it| it.measure == Measure::Sliced).count();
    assert_eq!(summary.noise_floor.len(), 4 * sliced);
    let floor = "Noise floor of this run: two copies of event-loop differed by at most 0.";
    let shown = terminal_fits(&results);
    let second = shown.lines().nth(1).expect("lines");
    assert!(
        second.starts_with("Noise floor of this run: two copies of event-loop"),
        "{shown}"
    );
    let files = written(&results);
    let readme = text(&files, "README.md");
    let answer = readme.find("- ").expect("answers");
    assert!(readme.find(floor).is_some_and(|at| at < answer), "{readme}");
    assert!(
        readme
            .contains("| two copies | throughput | CPU per request | service p50 | service p99 |")
    );
    let page = text(&files, "report.html");
    let answers = page.find("class=\"answers\"").expect("answers");
    assert!(page.find(floor).is_some_and(|at| at < answers));
    println!("{shown}\n{}", &readme[..answer]);
}

#[test]
fn a_run_that_tells_copies_apart_says_that_it_measures_noise() {
    let loud = fixture::with_control(fixture::results(), |pass| {
        if pass.scenario == "rr-50" {
            pass.slices
                .iter_mut()
                .for_each(|it| it.replies = it.replies * 24 / 25);
        }
    });
    let said =
        "Under rr-50 the throughput of these two copies of one program differed by 4.2\u{a0}%";
    let readme = text(&written(&loud), "README.md");
    assert!(readme.contains(said), "{readme}");
    assert!(readme.contains("in this run differences of that size are noise"));
    let quiet = text(&written(&controlled()), "README.md");
    assert!(!quiet.contains("are noise"));
}

#[test]
fn without_control_nothing_is_said_and_a_lost_one_says_why() {
    let readme = |results: &Results| text(&written(results), "README.md");
    assert!(!readme(&fixture::results()).contains("oise floor"));
    let crashed = fixture::with_control(fixture::results(), |pass| {
        if pass.scenario == "rr-50" {
            pass.outcome = Outcome::Crashed;
        }
    });
    let said = readme(&crashed);
    assert!(
        said.contains("No noise floor for rr-50 (control, crashed: round 1"),
        "{said}"
    );
    let mut skipped = fixture::results();
    let mut entrant = skipped.run.entrants[0].clone();
    (entrant.name, entrant.skipped) = (CONTROL.to_owned(), Some("no room".to_owned()));
    skipped.run.entrants.push(entrant);
    let said = readme(&skipped);
    assert!(
        said.contains("No noise floor: the control was skipped, no room."),
        "{said}"
    );
    assert!(!said.contains("- control"), "{said}");
}

#[test]
fn two_rounds_have_a_floor_without_interval() {
    let mut results = controlled();
    results.passes.retain(|pass| pass.round <= 2);
    let shown = terminal_fits(&results);
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains(": too few rounds for an interval)."),
        "{shown}"
    );
}

/// The same bytes from one thread as from four.
#[test]
fn the_number_of_threads_changes_no_byte() {
    let results = fixture::with_control(fixture::results_of(4), |_| ());
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(|| written(&results))
    };
    assert!(with(1) == with(4));
}
