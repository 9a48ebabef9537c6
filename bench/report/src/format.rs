//! How figures are written: three significant digits, SI prefixes for rates and times, binary ones for
//! bytes; a missing figure is a dash, never 0. One place, so that no two pages write one figure differently.

/// What stands where there is no figure.
pub(crate) const MISSING: &str = "–";

/// Without what is not to reach a terminal or a picture, a space in its place: records come from anywhere, and a name in
/// them may hold what clears a screen, or turns the order of the text after it round.
pub fn printable(text: &str) -> String {
    let is_order = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_break = |c: char| matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}');
    text.replace(|c: char| c.is_control() || is_order(c) || is_break(c), " ")
}

/// Three significant digits, no exponent: 0.0123, 1.23, 123, 1230.
pub(crate) fn digits(value: f64) -> String {
    if !value.is_finite() {
        return MISSING.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // Rounded to three digits first: 999.6 has the magnitude of 1000.
    let magnitude = |value: f64| value.abs().log10().floor() as i32;
    let scale = 10_f64.powi(2 - magnitude(value));
    let rounded = (value * scale).round() / scale;
    let decimals = (2 - magnitude(rounded)).clamp(0, 4);
    let text = format!("{rounded:.*}", usize::try_from(decimals).unwrap_or(0));
    if text.trim_matches(['0', '.', '-']).is_empty() {
        "< 0.0001".to_owned()
    } else {
        text
    }
}

/// A value with a prefix of 1000 (or 1024), the largest that leaves at least 1 before the point.
fn prefixed(value: f64, base: f64, units: &[&str]) -> (f64, String) {
    let mut scaled = value;
    let mut unit = 0;
    // 999.6 would be written 1000 by three digits, hence half a digit early.
    while scaled.abs() >= base - 0.5 && unit + 1 < units.len() {
        scaled /= base;
        unit += 1;
    }
    (scaled, units[unit].to_owned())
}

/// `325k/s`.
pub(crate) fn rate(per_second: f64) -> String {
    format!("{}/s", plain_rate(per_second))
}

/// `325k`, for a column that says "/s" in its head.
pub(crate) fn plain_rate(per_second: f64) -> String {
    let (value, unit) = prefixed(per_second, 1e3, &["", "k", "M", "G"]);
    format!("{}{unit}", digits(value))
}

/// A tick of an axis: `50k`, `0.25`, without zeros that say nothing.
pub(crate) fn tick(value: f64) -> String {
    let (value, unit) = prefixed(value, 1e3, &["", "k", "M", "G"]);
    let text = digits(value);
    let short = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{short}{unit}")
}

/// `152 µs`, from nanoseconds.
pub(crate) fn time(ns: f64) -> String {
    let (value, unit) = prefixed(ns, 1e3, &["ns", "µs", "ms", "s"]);
    format!("{} {unit}", digits(value))
}

/// A tick of an axis of time: `2 ms`, `250 µs`.
pub(crate) fn time_tick(ns: f64) -> String {
    let (value, unit) = prefixed(ns, 1e3, &["ns", "µs", "ms", "s"]);
    format!("{} {unit}", tick(value))
}

/// `16.3 KiB`.
pub(crate) fn bytes(bytes: f64) -> String {
    let (value, unit) = prefixed(bytes, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"]);
    let text = if unit == "B" {
        format!("{bytes:.0}")
    } else {
        digits(value)
    };
    format!("{text} {unit}")
}

/// A whole count, thousands apart as in the suites' titles: `1,230`.
pub(crate) fn count(value: f64) -> String {
    let text = format!("{value:.0}");
    let (sign, digits) = text.split_at(usize::from(text.starts_with('-')));
    let mut out = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A figure of a metric in its own unit, the unit included.
pub(crate) fn figure(metric: &str, value: f64) -> String {
    let unit = record::metric(metric).map_or("", |metric| metric.unit);
    match unit {
        "1/s" => rate(value),
        "ns" => time(value),
        "B" => bytes(value),
        "B/s" => format!("{}/s", bytes(value)),
        "µs" => format!("{} µs", digits(value)),
        "ms" => time(value * 1e6),
        // Metrics of claims and papers alone, whose names say it.
        "" if metric.contains("_ns_") => time(value),
        _ if matches!(
            metric,
            "errors"
                | "tasks"
                | "processes"
                | "listening_workers"
                | "unserved"
                | "requests_lost"
                | "connections_hit"
        ) =>
        {
            count(value)
        }
        _ => digits(value),
    }
}

/// The larger half of an interval, relative to its value: `± 2.1 %`. Relative everywhere: a reader asks
/// whether two figures can be told apart, and that is a question of per cent.
pub(crate) fn plus_minus(value: f64, low: Option<f64>, high: Option<f64>) -> Option<String> {
    let (low, high) = low.zip(high)?;
    let half = (value - low).max(high - value);
    if value == 0.0 {
        return (half == 0.0).then(|| "± 0 %".to_owned());
    }
    let share = half / value.abs() * 100.0;
    Some(match share {
        share if share < 0.05 => "± 0 %".to_owned(),
        share if share < 9.95 => format!("± {share:.1} %"),
        _ => format!("± {share:.0} %"),
    })
}

/// The interval of a figure for a table: half its width as a share or, where that is more than the figure
/// itself, both ends. What cannot be negative (only a slope can) is not shown so.
pub(crate) fn spread(
    metric: &str,
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
) -> Option<String> {
    let (from, to) = low.zip(high)?;
    if (value - from).max(to - value) <= value.abs() {
        return plus_minus(value, low, high);
    }
    let from = if metric.ends_with("_per_connection") {
        from
    } else {
        from.max(0.0)
    };
    Some(format!(
        "{} to {}",
        figure(metric, from),
        figure(metric, to)
    ))
}

/// `1.32 × (1.28 to 1.36)`; the sign stays with its number at a line's end.
pub(crate) fn ratio(comparison: &record::Comparison) -> String {
    let ratio = format!("{}\u{a0}×", digits(comparison.ratio));
    match comparison.low.zip(comparison.high) {
        Some((low, high)) => format!("{ratio} ({} to {})", digits(low), digits(high)),
        None => ratio,
    }
}

/// How far a ratio is from 1, either way: `4.1 % (3.7 to 4.5 %)`; beyond the double, `2.30 times (2.10 to 2.52)`.
pub(crate) fn apart(ratio: f64, low: Option<f64>, high: Option<f64>) -> String {
    // Of two that differ, the larger by the smaller: both ends of the interval turn with it.
    let (ratio, low, high) = if ratio < 1.0 {
        (1.0 / ratio, high.map(f64::recip), low.map(f64::recip))
    } else {
        (ratio, low, high)
    };
    let times = ratio >= 2.0;
    let number = |ratio| {
        if times {
            digits(ratio)
        } else {
            per_cent(ratio)
        }
    };
    let unit = if times { "" } else { "\u{a0}%" };
    let value = match times {
        true => format!("{} times", number(ratio)),
        false => format!("{}{unit}", number(ratio)),
    };
    match low.zip(high) {
        Some((low, high)) => format!("{value} ({} to {}{unit})", number(low), number(high)),
        None => value,
    }
}

/// What a ratio is above 1, in per cent, to a tenth, or to a whole number from ten on.
fn per_cent(ratio: f64) -> String {
    let share = 100.0 * (ratio - 1.0);
    let text = if share.abs() < 9.95 {
        format!("{:.1}", share.abs())
    } else {
        format!("{:.0}", share.abs())
    };
    let is_below = share < 0.0 && text != "0.0";
    if is_below { format!("−{text}") } else { text }
}

/// `1 of 50 served`.
pub(crate) fn served(served: u32, asked: u32) -> String {
    let [served, asked] = [served, asked].map(|it| count(f64::from(it)));
    format!("{served} of {asked} served")
}

/// "one server core", "2 server cores".
pub(crate) fn cores(cores: u32) -> String {
    match cores {
        1 => "one server core".to_owned(),
        _ => format!("{cores} server cores"),
    }
}

/// With a capital at its beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// A count with its noun: `1 round`, `5 rounds`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {noun}{s}", self::count(count as f64))
}

/// A count with a noun whose plural takes more than an s: `1 pass`, `2 passes`.
pub(crate) fn plural_of(count: usize, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", self::count(count as f64))
}

/// `1 reply`, `640 replies`.
pub(crate) fn replies(count: u64) -> String {
    match count {
        1 => "1 reply".to_owned(),
        _ => format!("{count} replies"),
    }
}

/// Absolute paths cut to their last part: whose machine it was is nobody's business.
pub fn without_paths(text: &str) -> String {
    let is_path = |word: &str| word.starts_with('/') && word.trim_end().len() > 1;
    text.split_inclusive(|c: char| c.is_whitespace() || "\"'`=:(),".contains(c))
        .map(|word| match word.rsplit_once('/') {
            Some((_, last)) if is_path(word) => format!("…/{last}"),
            _ => word.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        let cases = [
            (0.0, "0"),
            (0.012_34, "0.0123"),
            (0.5, "0.500"),
            (1.0, "1.00"),
            (9.999, "10.0"),
            (12.34, "12.3"),
            (999.4, "999"),
            (999.6, "1000"),
            (-3.456, "-3.46"),
            (1e-9, "< 0.0001"),
        ];
        for (value, text) in cases {
            assert_eq!(digits(value), text);
        }
        assert_eq!(digits(f64::NAN), MISSING);
    }

    #[test]
    fn units() {
        assert_eq!(rate(325_123.0), "325k/s");
        assert_eq!(rate(999_700.0), "1.00M/s");
        assert_eq!(rate(12.0), "12.0/s");
        assert_eq!(
            (tick(50_000.0), tick(0.25), tick(0.0), tick(100.0)),
            ("50k".into(), "0.25".into(), "0".into(), "100".into())
        );
        assert_eq!(time(152_300.0), "152 µs");
        assert_eq!(time(1_000_000.0), "1.00 ms");
        assert_eq!(time(999_900.0), "1.00 ms");
        assert_eq!(bytes(16_700.0), "16.3 KiB");
        assert_eq!(bytes(1023.7), "1.00 KiB");
        assert_eq!(bytes(40.0), "40 B");
        assert_eq!(figure("startup_ms", 0.75), "750 µs");
        assert_eq!(figure("switches_voluntary_per_request", 1.0), "1.00");
        assert_eq!(figure("errors", 0.0), "0");
        assert_eq!(count(12_345.0), "12,345");
    }

    #[test]
    fn intervals() {
        assert_eq!(
            plus_minus(100.0, Some(98.0), Some(101.0)).as_deref(),
            Some("± 2.0 %")
        );
        assert_eq!(
            plus_minus(100.0, Some(80.0), Some(101.0)).as_deref(),
            Some("± 20 %")
        );
        assert_eq!(plus_minus(100.0, None, None), None);
        assert_eq!(plus_minus(0.0, Some(0.0), Some(0.1)), None);
    }

    #[test]
    fn paths_lose_their_folders() {
        assert_eq!(
            without_paths("cannot run /home/me/x/echo: gone"),
            "cannot run …/echo: gone"
        );
        assert_eq!(without_paths("a/b and 1 / 2"), "a/b and 1 / 2");
        assert_eq!(without_paths("\"/work/a b\""), "\"…/a b\"");
    }
}
