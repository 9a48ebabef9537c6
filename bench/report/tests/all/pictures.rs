//! Single pictures: stable to the byte, and looking as they were asked to.
//!
//! `snapshots/charts.txt` holds the hash of each picture of a golden folder in each theme. Where a picture is meant to
//! change, `FIVEWAYS_BLESS=1 cargo test -p report --test all pictures::` writes it again; look at the pictures before.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use record::{Results, read_results};
use report::{Look, NoPicture, Theme, charts, picture, png, summarise};
use sha2::{Digest, Sha256};

use crate::fixture;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn golden(name: &str) -> Results {
    read_results(&tests().join("golden").join(name)).expect("readable")
}

fn look(theme: Theme, only: &[&str]) -> Look {
    Look {
        only: only.iter().map(|it| (*it).to_owned()).collect(),
        theme,
        title: None,
    }
}

/// Every picture of a run in one look, by name.
fn pictures(results: &Results, look: &Look) -> Vec<(String, String)> {
    let summary = summarise(results);
    let drawn = charts(results, &summary).into_iter().filter_map(|chart| {
        let svg = picture(results, &summary, &chart.name, look, None).ok()?;
        Some((chart.name, svg))
    });
    drawn.collect()
}

/// What follows an attribute's name, up to the quote.
fn values<'a>(svg: &'a str, attribute: &'a str) -> impl Iterator<Item = &'a str> {
    let parts = svg.split(attribute).skip(1);
    parts.filter_map(|rest| rest.split('"').next())
}

fn colours(svg: &str) -> BTreeSet<&str> {
    let colours = values(svg, "fill=\"#").chain(values(svg, "stroke=\"#"));
    colours.collect()
}

#[test]
fn the_same_records_give_the_same_pictures() {
    let mut made = String::new();
    for folder in ["facts", "first"] {
        let results = golden(folder);
        for (name, theme) in [
            ("light", Theme::Light),
            ("dark", Theme::Dark),
            ("print", Theme::Print),
        ] {
            for (chart, svg) in pictures(&results, &look(theme, &[])) {
                let hash = Sha256::digest(&svg);
                let _ = writeln!(made, "{folder} {chart} {name} {hash:x}");
            }
        }
    }
    assert!(made.lines().count() > 30, "{made}");
    let path = tests().join("snapshots/charts.txt");
    if std::env::var_os("FIVEWAYS_BLESS").is_some() {
        fs::write(&path, &made).expect("writable");
    }
    let kept = fs::read_to_string(&path).expect("in the sources");
    let changed: Vec<&str> = made
        .lines()
        .filter(|line| !kept.lines().any(|it| it == *line))
        .collect();
    assert!(
        made == kept,
        "these are drawn otherwise than before: {changed:#?}"
    );
}

#[test]
fn whom_a_picture_shows_changes_nobodys_colour() {
    let results = golden("first");
    let (all, two) = (
        pictures(&results, &look(Theme::Light, &[])),
        pictures(&results, &look(Theme::Light, &["event-loop", "prefork"])),
    );
    for (name, svg) in &two {
        let (_, whole) = all
            .iter()
            .find(|(other, _)| other == name)
            .expect("drawn of everybody, too");
        let (shown, known) = (colours(svg), colours(whole));
        assert!(
            shown.is_subset(&known),
            "{name}: {:?}",
            shown.difference(&known)
        );
        if name == "yardsticks" {
            continue;
        }
        assert!(
            svg.contains("only prefork, event-loop, of 3"),
            "{name} does not say whom it shows"
        );
        assert!(!svg.contains("\nnode-net\n"), "{name}");
        assert_ne!(svg, whole, "{name}");
    }
    let names: Vec<&String> = two.iter().map(|(name, _)| name).collect();
    assert!(names.len() > 5, "{names:?}");
    let nobody = picture(
        &results,
        &summarise(&results),
        "memory-per-connection",
        &look(Theme::Light, &["gone"]),
        None,
    );
    assert_eq!(nobody, Err(NoPicture::NotOfThese));
}

#[test]
fn print_has_no_colour_and_the_dark_theme_no_white_paper() {
    for results in [
        golden("facts"),
        fixture::steady(),
        fixture::rates(),
        fixture::struck(),
        fixture::counted::with_counters(fixture::results(), 3),
    ] {
        for (name, svg) in pictures(&results, &look(Theme::Print, &[])) {
            for colour in colours(&svg) {
                assert!(
                    colour[..2] == colour[2..4] && colour[2..4] == colour[4..],
                    "{name}: #{colour}"
                );
            }
            for used in values(&svg, "url(#").map(|it| it.trim_end_matches(')')) {
                assert!(
                    svg.contains(&format!("<pattern id=\"{used}\"")),
                    "{name}: {used}"
                );
            }
            assert!(png(&svg, 96).is_ok(), "{name}");
        }
        for (name, svg) in pictures(&results, &look(Theme::Dark, &[])) {
            assert!(!colours(&svg).contains("FFFFFF"), "{name}");
            assert!(colours(&svg).contains("15181C"), "{name}");
        }
    }
}

#[test]
fn a_title_and_a_width_are_what_was_asked_for() {
    let results = golden("first");
    let summary = summarise(&results);
    let look = Look {
        title: Some("Mine \u{1b}[2J\u{202e}& <yours>".to_owned()),
        ..Look::default()
    };
    let svg = picture(&results, &summary, "five-ways", &look, Some(640)).expect("drawn");
    assert!(svg.starts_with("<svg width=\"640\" "), "{}", &svg[..120]);
    assert!(svg.contains("Mine  [2J &amp; &lt;yours&gt;"), "the title");
    assert!(svg.chars().all(|c| c == '\n' || !c.is_control()));
    let size = |dpi| {
        let png = png(&svg, dpi).expect("a picture");
        let number =
            |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
        let physical = png
            .windows(4)
            .position(|it| it == b"pHYs")
            .map(|at| number(at + 4));
        (number(16), physical)
    };
    assert_eq!(size(96), (640, None));
    // 300 pixels an inch are 11,811 a metre.
    assert_eq!(size(300), (2_000, Some(11_811)));
    let wide = picture(&results, &summary, "five-ways", &look, Some(20_000)).expect("drawn");
    assert!(png(&wide, 96).is_err_and(|why| why.contains("megapixels")));
}

#[test]
fn a_chart_that_is_not_there_is_told_from_one_that_is_none() {
    let results = golden("first");
    let summary = summarise(&results);
    let of =
        |name: &str| picture(&results, &summary, name, &Look::default(), None).expect_err(name);
    assert_eq!(of("latency-by-rate"), NoPicture::NoData);
    assert_eq!(of("distribution-rr-50"), NoPicture::NoData);
    for name in [
        "distribution-no-such-scenario",
        "fiveways",
        "",
        "five-ways-rr-50",
    ] {
        assert_eq!(of(name), NoPicture::Unknown, "{name}");
    }
}
