//! Yardsticks in figures: what a page, a switch, a wake-up, a round trip, a fork, a thread took before the run.
//!
//! A yardstick is taken on one machine in one tenth of a second, so its interval is of that moment: the median's
//! by order statistics, and beside it where four fifths of the samples lie. It ends there: no figure is divided by one.

use record::{Host, Yardstick};

use crate::format;

/// How each is called, in the order of pages.
const TITLES: [(&str, &str); 8] = [
    ("first-touch", "a page touched for the first time"),
    ("copy-on-write", "a page copied after a fork"),
    ("switch", "a switch to another process, one core"),
    ("wake-up", "a wake-up across cores"),
    ("tcp-spinning", "a TCP round trip, both sides spinning"),
    ("tcp-blocking", "a TCP round trip, both sides sleeping"),
    ("fork", "a fork, its end, the wait"),
    ("thread", "a thread, its end, the join"),
];
/// Fewer samples than this have no interval: the range of five holds the median 94 times of 100.
const SAMPLES_MIN: u64 = 6;

/// Nanoseconds an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    /// Half of the samples took less.
    pub median: f64,
    /// Where the median lies, 95 times of 100.
    pub interval: Option<(f64, f64)>,
    /// Four fifths of the samples lie between these.
    pub spread: (f64, f64),
    /// Samples.
    pub count: u64,
}

/// A yardstick with its words.
pub(crate) struct Told<'a> {
    /// As the records call it.
    pub name: &'a str,
    /// What it is.
    pub title: String,
    /// Operations a sample.
    pub batch: u32,
    /// What it took, or why that is not known.
    pub figures: Result<Figures, String>,
}

/// Each of them, in the order of the records.
pub(crate) fn told(yardsticks: &[Yardstick]) -> Vec<Told<'_>> {
    let told = yardsticks.iter().map(|it| Told {
        name: &it.name,
        title: title(it),
        batch: it.batch,
        figures: figures(it),
    });
    told.collect()
}

/// Whether there is one of this name.
pub(crate) fn is_known(name: &str) -> bool {
    TITLES.iter().any(|(known, _)| *known == name)
}

/// What it is called on pages.
pub(crate) fn title_of(name: &str) -> &str {
    let known = TITLES.iter().find(|(known, _)| *known == name);
    known.map_or(name, |(_, title)| title)
}

/// The names of all of them.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TITLES.iter().map(|(name, _)| *name)
}

fn title(it: &Yardstick) -> String {
    let known = TITLES.iter().find(|(name, _)| *name == it.name);
    let title = known.map_or(it.name.as_str(), |(_, title)| *title);
    match it.resident_bytes {
        Some(bytes) => format!("{title} ({} resident)", format::bytes(bytes as f64)),
        None => title.to_owned(),
    }
}

fn figures(it: &Yardstick) -> Result<Figures, String> {
    let Some(samples) = &it.samples else {
        let reason = it.reason.as_deref().unwrap_or("it was not measured");
        return Err(format::without_paths(reason));
    };
    let samples = samples.decode().map_err(|error| error.to_string())?;
    if samples.is_empty() {
        return Err("no sample was taken".to_owned());
    }
    let count = samples.len();
    let at =
        |quantile: f64| samples.value_at_quantile(quantile) as f64 / f64::from(it.batch.max(1));
    // The ranks n/2 ± 0.98 √n enclose the median 95 times of 100, whatever the distribution.
    let reach = 0.98 / (count as f64).sqrt();
    Ok(Figures {
        median: at(0.5),
        interval: (count >= SAMPLES_MIN).then(|| (at(0.5 - reach), at(0.5 + reach))),
        spread: (at(0.1), at(0.9)),
        count,
    })
}

/// The median of one, nanoseconds.
pub(crate) fn median(yardsticks: &[Yardstick], name: &str) -> Option<f64> {
    let it = yardsticks.iter().find(|it| it.name == name)?;
    figures(it).ok().map(|figures| figures.median)
}

/// The head of a table of them.
pub(crate) const HEAD: [&str; 4] = [
    "median",
    "its interval",
    "four fifths lie within",
    "samples",
];

/// A row each: title, and the columns of [`HEAD`].
pub(crate) fn rows(yardsticks: &[Yardstick]) -> Vec<Vec<String>> {
    let range =
        |(low, high): (f64, f64)| format!("{} to {}", format::time(low), format::time(high));
    let row = |it: Told<'_>| match it.figures {
        Ok(figures) => vec![
            it.title,
            format::time(figures.median),
            figures.interval.map_or(format::MISSING.to_owned(), range),
            range(figures.spread),
            match it.batch {
                1 => format::count(figures.count as f64),
                batch => format!("{} × {batch}", format::count(figures.count as f64)),
            },
        ],
        Err(reason) => {
            let missing = || format::MISSING.to_owned();
            vec![it.title, missing(), missing(), missing(), reason]
        }
    };
    told(yardsticks).into_iter().map(row).collect()
}

/// Where they were taken, in a sentence.
pub(crate) fn place(yardsticks: &[Yardstick], host: &Host) -> String {
    let widest = yardsticks.iter().max_by_key(|it| it.cpus.len());
    let cpus = match widest.map(|it| it.cpus.as_slice()) {
        Some([server, generator]) => {
            format!("on CPU {server} (the server's), across cores with CPU {generator}")
        }
        Some([server]) => format!("on CPU {server}"),
        _ => format!("on one of {}", format::plural(host.cpus as usize, "CPU")),
    };
    format!("{cpus}, just before the first pass; a tenth of a second each")
}

#[cfg(test)]
mod tests {
    use record::Encoded;
    use record::histogram::latencies;

    use super::*;

    fn yardstick(batch: u32, samples: impl IntoIterator<Item = u64>) -> Yardstick {
        let mut histogram = latencies();
        samples
            .into_iter()
            .for_each(|ns| histogram.saturating_record(ns));
        Yardstick {
            name: "wake-up".to_owned(),
            batch,
            cpus: vec![1, 0],
            resident_bytes: None,
            samples: Some(Encoded::new(&histogram)),
            reason: None,
        }
    }

    #[test]
    fn a_sample_of_a_batch_is_shared_out() {
        let figures = figures(&yardstick(2, 1..=1_000)).unwrap();
        assert_eq!((figures.median, figures.count), (250.0, 1_000));
        assert_eq!(figures.spread, (50.0, 450.0));
        let (low, high) = figures.interval.unwrap();
        // Ranks 469 and 531.
        assert!((234.0..236.0).contains(&low) && (265.0..267.0).contains(&high));
    }

    #[test]
    fn few_samples_have_no_interval_and_none_have_no_figure() {
        assert_eq!(figures(&yardstick(1, [5; 5])).unwrap().interval, None);
        assert!(figures(&yardstick(1, [])).is_err_and(|why| why.contains("no sample")));
        let refused = Yardstick {
            samples: None,
            reason: Some("cannot fork: EAGAIN".to_owned()),
            ..yardstick(1, [])
        };
        let row = &rows(&[refused])[0];
        assert_eq!(row[1], format::MISSING);
        assert!(row[4].contains("EAGAIN"));
        assert_eq!(median(&[], "wake-up"), None);
    }
}
