//! Numbers, sizes and times as people write them; nothing typed overflows.

use std::time::Duration;

/// A load that is to end by `--requests` ends by time after so long; nobody may ask for more.
pub const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);
/// The largest rate: the one of suites.
const FASTEST_PER_S: f64 = 1e7;

/// `10s`, `500ms`, `1m 30s`; a bare number is seconds, as for wrk.
///
/// # Errors
/// With how a time is written.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text)
            .map_err(|error| format!("{error}; write 10s, 500ms or 1m"))?,
    };
    if duration > LONGEST {
        return Err("at most 30 days".to_owned());
    }
    Ok(duration)
}

/// `1000`, `10k`, `2M`.
///
/// # Errors
/// With how a count is written.
pub fn count(text: &str) -> Result<u64, String> {
    let (number, factor) = scaled(text);
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "write a whole number such as 1000, 10k or 2M".to_owned())
}

/// The same, as far as 32 bits go.
///
/// # Errors
/// With how it is written, or how much there may be.
pub fn count_u32(text: &str) -> Result<u32, String> {
    u32::try_from(count(text)?).map_err(|_| format!("at most {}", u32::MAX))
}

/// `997`, `0.5`, `20k`.
///
/// # Errors
/// With how a rate is written.
pub fn rate(text: &str) -> Result<f64, String> {
    let (number, factor) = scaled(text);
    number
        .parse::<f64>()
        .ok()
        .map(|number| number * factor as f64)
        .filter(|rate| *rate > 0.0 && *rate <= FASTEST_PER_S)
        .ok_or_else(|| {
            "write requests a second, above 0 and at most 10M, such as 1000 or 20k".to_owned()
        })
}

fn scaled(text: &str) -> (&str, u64) {
    match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1_000),
        None => match text.strip_suffix(['m', 'M']) {
            Some(number) => (number, 1_000_000),
            None => (text, 1),
        },
    }
}

/// Bytes as people write them: `64`, `64B`, `4KiB`, `1MiB`, `1GiB`.
///
/// # Errors
/// With how it is written.
pub fn size(text: &str) -> Result<usize, String> {
    let (number, factor) = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("B", 1),
    ]
    .iter()
    .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
    .unwrap_or((text, 1));
    number
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "write bytes such as 64, 4KiB or 1MiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_text_is_a_panic(text in "\\PC{0,24}", number in "[0-9.eE+-]{0,30}[a-zA-Z%]{0,4}") {
            for text in [text, number] {
                let _ = (count(&text), size(&text), duration(&text));
                if let Ok(rate) = rate(&text) {
                    proptest::prop_assert!(rate > 0.0 && rate.is_finite());
                }
            }
        }
    }

    #[test]
    fn numbers_are_read_as_people_write_them_and_never_overflow() {
        assert_eq!(
            (count("1000"), count("10k"), count("2M")),
            (Ok(1000), Ok(10_000), Ok(2_000_000))
        );
        assert_eq!((rate("997"), rate("1.5k")), (Ok(997.0), Ok(1500.0)));
        assert_eq!(
            (size("64"), size("4KiB"), size("1MiB"), size("2GiB")),
            (Ok(64), Ok(4096), Ok(1 << 20), Ok(2 << 30))
        );
        assert_eq!(duration("10"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("5ms"), Ok(Duration::from_millis(5)));
        for text in ["", "-1", "k", "18446744073709551615k", "1e3x", "NaN"] {
            assert!(count(text).is_err() && size(text).is_err(), "{text}");
        }
        for text in ["0", "-1", "inf", "NaN", "1e300", "1e300M", "k"] {
            assert!(rate(text).is_err(), "{text}");
        }
        for text in ["18446744073709551615", "99999999999999999999y", "-1s", "s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
