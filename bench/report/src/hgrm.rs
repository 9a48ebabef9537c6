//! A distribution as a file for the HdrHistogram plotter, in the form of the Java library: four columns, and
//! a footer. Values are milliseconds, the plotter's own unit, to the nanosecond.

use std::fmt::Write;

use hdrhistogram::Histogram;

/// Steps of each half of what is left to 100 %, as in the Java tool.
const STEPS: u32 = 5;
const NS_PER_MS: f64 = 1e6;

/// The file of a distribution of nanoseconds.
pub fn text(histogram: &Histogram<u64>) -> String {
    let mut text = heading();
    for step in histogram.iter_quantiles(STEPS) {
        let below = histogram.count_between(0, step.value_iterated_to());
        row(
            &mut text,
            step.value_iterated_to(),
            step.quantile_iterated_to(),
            below,
        );
    }
    let moments = (histogram.mean(), histogram.stdev(), histogram.max());
    footer(&mut text, moments, histogram.len());
    let sub_buckets = (2 * 10_u64.pow(histogram.sigfig().into())).next_power_of_two();
    let _ = writeln!(
        text,
        "#[Buckets = {:12}, SubBuckets     = {sub_buckets:12}]",
        histogram.buckets()
    );
    text
}

fn heading() -> String {
    format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )
}

fn row(text: &mut String, value_ns: u64, quantile: f64, total: u64) {
    let value_ms = value_ns as f64 / NS_PER_MS;
    // The plotter skips what is no number; Java leaves the column out, and then it has three.
    let share = match quantile < 1.0 {
        true => format!("{:.2}", 1.0 / (1.0 - quantile)),
        false => "inf".to_owned(),
    };
    let _ = writeln!(
        text,
        "{value_ms:12.6} {quantile:2.12} {total:10} {share:>14}"
    );
}

fn footer(text: &mut String, (mean_ns, stdev_ns, max_ns): (f64, f64, u64), count: u64) {
    let (mean, stdev, max) = (
        mean_ns / NS_PER_MS,
        stdev_ns / NS_PER_MS,
        max_ns as f64 / NS_PER_MS,
    );
    let _ = writeln!(
        text,
        "#[Mean    = {mean:12.6}, StdDeviation   = {stdev:12.6}]"
    );
    let _ = writeln!(text, "#[Max     = {max:12.6}, Total count    = {count:12}]");
}
