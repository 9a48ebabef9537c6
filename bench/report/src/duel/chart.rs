//! The ratios of throughput in characters: an interval a row on one axis of logarithms, the mark of 1, and the
//! ± 3 % within which two are called equal.

use record::Comparison;

use super::name;
use crate::comparisons::EQUAL;

/// Columns of names, at most.
const NAMES: usize = 30;

/// The chart's lines, an empty one first; nothing without pairs.
pub(super) fn chart(pairs: &[Comparison], width: usize) -> Vec<String> {
    if pairs.is_empty() {
        return Vec::new();
    }
    let length = |it: &Comparison| name(&it.a, &it.b, NAMES).chars().count();
    let names = pairs.iter().map(length).max().unwrap_or(0);
    let axis = Axis::over(pairs, width - names - 3);
    let mut lines = vec![
        String::new(),
        "Throughput, first / second, 95 % intervals (│ equal, ░ within ± 3 %)".to_owned(),
    ];
    for pair in pairs {
        let name = name(&pair.a, &pair.b, NAMES);
        lines.push(
            format!("{name:names$}  {}", axis.row(pair))
                .trim_end()
                .to_owned(),
        );
    }
    lines.push(format!("{:names$}  {}", "", axis.ticks()));
    lines
}

/// From the least to the greatest ratio shown.
struct Axis {
    low: f64,
    high: f64,
    columns: usize,
}

impl Axis {
    fn over(pairs: &[Comparison], columns: usize) -> Self {
        let ends = pairs
            .iter()
            .flat_map(|it| [Some(it.ratio), it.low, it.high]);
        let ends = ends.flatten().filter(|it| it.is_finite() && *it > 0.0);
        let band = (1.0 - 1.5 * EQUAL, 1.0 + 1.5 * EQUAL);
        let (low, high) = ends.fold(band, |(low, high), end| (low.min(end), high.max(end)));
        Axis { low, high, columns }
    }

    /// The column of a ratio.
    fn at(&self, ratio: f64) -> usize {
        let share = (ratio / self.low).ln() / (self.high / self.low).ln();
        let last = self.columns - 1;
        ((share * last as f64).round().max(0.0) as usize).min(last)
    }

    fn row(&self, pair: &Comparison) -> String {
        let mut row = vec![' '; self.columns];
        row[self.at(1.0 - EQUAL)..=self.at(1.0 + EQUAL)].fill('░');
        row[self.at(1.0)] = '│';
        if let Some((low, high)) = pair.low.zip(pair.high) {
            row[self.at(low)..=self.at(high)].fill('─');
            if low < 1.0 && high > 1.0 {
                row[self.at(1.0)] = '┼';
            }
            row[self.at(low)] = '├';
            row[self.at(high)] = '┤';
        }
        row[self.at(pair.ratio)] = '●';
        row.into_iter().collect()
    }

    /// The ends and 1, where they do not touch.
    fn ticks(&self) -> String {
        let mut row = vec![' '; self.columns];
        let last = self.columns;
        let mut put = |text: &str, from: usize| {
            let from = from.min(last - text.chars().count());
            let to = from + text.chars().count();
            let around = from.saturating_sub(1)..(to + 1).min(last);
            if row[around].iter().all(|it| *it == ' ') {
                row.splice(from..to, text.chars());
            }
        };
        put("1", self.at(1.0));
        put(&format!("{:.2}", self.low), 0);
        put(&format!("{:.2}", self.high), last);
        let row: String = row.into_iter().collect();
        row.trim_end().to_owned()
    }
}
