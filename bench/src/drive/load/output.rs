//! How a load is told: to people, in at most 80 columns; to programs, as one JSON object; while it runs, a
//! line at a time.

use std::fmt::Write;

use measure::load::{LoadBin, LoadPlan, Span};
use record::{Pace, Workload};
use serde_json::{Value, json};

use super::findings::{Findings, QUANTILES, Shape, per_second};

/// What stands where there is no figure.
const MISSING: &str = "–";
/// How wide text may be.
const COLUMNS: usize = 80;
/// How wide a line's name is.
const NAME: usize = 13;

/// What was asked, so that it can be asked again.
pub fn heading(plan: &LoadPlan, span: &Span) -> String {
    let mut words = vec![match plan.workload {
        Workload::Rr => "rr".to_owned(),
        Workload::Crr => format!("crr, {} a connection", requests(plan.per_connection.into())),
        Workload::Stream => format!("stream, {} on their way", requests(plan.depth.into())),
        Workload::Idle => "idle".to_owned(),
    }];
    if plan.workload != Workload::Idle {
        words.push(match plan.pace {
            Pace::Closed | Pace::OfSlowest(_) | Pace::OfOwn(_) => "closed loop".to_owned(),
            Pace::Constant(rate) => format!("{rate}/s constant"),
            Pace::Poisson(rate) => format!("{rate}/s poisson"),
        });
        words.push(format!("{} B", plan.message));
    }
    if !plan.think.is_zero() {
        words.push(format!("think {}", humantime::format_duration(plan.think)));
    }
    words.push(number(plan.connections.into(), "connection"));
    words.push(number(plan.threads.into(), "thread"));
    if !span.warmup.is_zero() {
        words.push(format!(
            "warm-up {}",
            humantime::format_duration(span.warmup)
        ));
    }
    words.push(match span.requests {
        Some(limit) => requests(limit),
        None => humantime::format_duration(span.length).to_string(),
    });
    words.push(format!("seed {}", plan.seed));
    format!(
        "fiveways load {}\n{}\n",
        plan.target,
        wrapped(2, &words.join(", "))
    )
}

/// What came of it, for people.
pub fn text(plan: &LoadPlan, findings: &Findings, spectrum: bool) -> String {
    let mut text = String::new();
    counts(&mut text, findings);
    if plan.workload != Workload::Idle {
        if let Some(rate) = findings.throughput_per_s {
            line(&mut text, "requests/s", &digits(rate));
            let each_way = bytes(rate * plan.message as f64);
            line(&mut text, "each way", &format!("{each_way}/s"));
        }
        table(&mut text, findings, spectrum);
        generator(&mut text, plan, findings);
    }
    if let Some(problem) = &findings.problem {
        line(&mut text, "problem", problem);
    }
    let verdict = match findings.reason.as_str() {
        "" => findings.verdict.to_owned(),
        reason => format!("{}: {reason}", findings.verdict),
    };
    line(&mut text, "verdict", &verdict);
    text.trim_end().to_owned()
}

fn counts(text: &mut String, findings: &Findings) {
    let sent = findings
        .sent
        .map_or(MISSING.to_owned(), |sent| sent.to_string());
    line(text, "sent", &sent);
    line(text, "ok", &findings.ok.to_string());
    let errors: u64 = findings.errors.values().sum();
    let kinds: Vec<String> = findings
        .errors
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    match kinds.is_empty() {
        true => line(text, "errors", "0"),
        false => line(text, "errors", &format!("{errors} ({})", kinds.join(", "))),
    }
    if let Some(connections) = findings.connections {
        let served = format!("{} of {} served", connections.served, connections.asked);
        line(text, "connections", &served);
    }
    line(text, "elapsed", &time(findings.elapsed_ns));
}

fn table(text: &mut String, findings: &Findings, spectrum: bool) {
    let mut shapes = vec![
        ("response", &findings.response),
        ("service", &findings.service),
    ];
    shapes.extend(findings.connect.iter().map(|shape| ("connect", shape)));
    let quantiles: &[f64] = if spectrum {
        &QUANTILES
    } else {
        &[0.5, 0.9, 0.99, 0.999]
    };
    let mut row = |name: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>12}")).collect();
        let _ = writeln!(text, "{}", format!("{name:<NAME$}{cells}").trim_end());
    };
    row("", Vec::new());
    row("", shapes.iter().map(|(name, _)| (*name).into()).collect());
    for &quantile in quantiles {
        // Rounded, because 0.999 × 100 is 99.9 and a little.
        let name = format!("p{}", (quantile * 1e8).round() / 1e6);
        let cell = |shape: &Shape| shape.at(quantile).map_or(MISSING.to_owned(), time);
        row(&name, shapes.iter().map(|(_, shape)| cell(shape)).collect());
    }
    let max = |shape: &Shape| shape.max.map_or(MISSING.to_owned(), time);
    row("max", shapes.iter().map(|(_, shape)| max(shape)).collect());
    row("", Vec::new());
}

fn generator(text: &mut String, plan: &LoadPlan, findings: &Findings) {
    if let Some(cpu_us) = findings.generator_cpu_us_per_request() {
        let capacity_ns = findings.elapsed_ns as f64 * f64::from(plan.threads);
        let share = findings.generator_cpu_ns as f64 / capacity_ns.max(1.0) * 100.0;
        let what = format!(
            "{} of CPU a request; busy {share:.0} % of its time",
            time((cpu_us * 1e3) as u64)
        );
        line(text, "generator", &what);
    }
    if let Some(lag) = &findings.lag {
        let show = |ns: Option<u64>| ns.map_or(MISSING.to_owned(), time);
        let (p50, p99, max) = (show(lag.at(0.5)), show(lag.at(0.99)), show(lag.max));
        let what = format!("p50 {p50}, p99 {p99}, max {max} after due");
        line(text, "schedule lag", &what);
    }
    if let Some(clamped @ 1..) = findings.clamped {
        let what = format!("{clamped} latencies were longer than a minute");
        line(text, "clamped", &what);
    }
}

/// What came of it, for programs.
pub fn object(plan: &LoadPlan, span: &Span, findings: &Findings) -> Value {
    let ends = |shape: &Shape| {
        json!({
            "p50": shape.at(0.5), "p90": shape.at(0.9), "p99": shape.at(0.99),
            "p999": shape.at(0.999), "max": shape.max,
        })
    };
    let lag =
        |shape: &Shape| json!({ "p50": shape.at(0.5), "p99": shape.at(0.99), "max": shape.max });
    json!({
        "asked": {
            "target": plan.target.to_string(), "mode": plan.workload, "pace": plan.pace,
            "connections": plan.connections, "threads": plan.threads, "payload": plan.message,
            "depth": plan.depth, "per_connection": plan.per_connection,
            "think_s": plan.think.as_secs_f64(), "timeout_s": plan.timeout.as_secs_f64(),
            "warmup_s": span.warmup.as_secs_f64(), "duration_s": span.length.as_secs_f64(),
            "requests": span.requests, "seed": plan.seed,
        },
        "sent": findings.sent,
        "ok": findings.ok,
        "errors": findings.errors,
        "throughput_per_s": findings.throughput_per_s,
        "response_ns": ends(&findings.response),
        "service_ns": ends(&findings.service),
        "connect_ns": findings.connect.as_ref().map(ends),
        "generator_cpu_us_per_request": findings.generator_cpu_us_per_request(),
        "schedule_lag_ns": findings.lag.as_ref().map(lag),
        "connections": findings.connections,
        "clamped": findings.clamped,
        "resident_bytes": findings.resident_bytes,
        "elapsed_s": findings.elapsed_ns as f64 / 1e9,
        "problem": findings.problem,
        "verdict": findings.verdict,
    })
}

/// One line of `--interval`: the bins since the last one, together.
pub fn interval_line(bins: &LoadBin) -> String {
    let until_s = bins.start_ns.saturating_add(bins.length_ns) as f64 / 1e9;
    let rate = per_second(bins.replies, bins.length_ns).map_or(MISSING.to_owned(), digits);
    let response = |quantile: f64| match bins.response.is_empty() {
        true => MISSING.to_owned(),
        false => time(bins.response.value_at_quantile(quantile)),
    };
    format!(
        "{until_s:>7.1} s {rate:>9}/s   p50 {:>9}   p99 {:>9}   errors {}",
        response(0.5),
        response(0.99),
        bins.errors
    )
}

fn line(text: &mut String, name: &str, what: &str) {
    let wrapped = wrapped(NAME, what);
    let _ = writeln!(text, "{name:<NAME$}{}", wrapped.trim_start());
}

/// Words in lines of at most [`COLUMNS`], each indented.
fn wrapped(indent: usize, text: &str) -> String {
    let mut lines = vec![" ".repeat(indent)];
    let mut width = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > indent && width + 1 + length > COLUMNS {
            lines.push(" ".repeat(indent));
            width = indent;
        }
        let last = lines.last_mut().unwrap_or_else(|| unreachable!("one line"));
        if width > indent {
            last.push(' ');
            width += 1;
        }
        last.push_str(word);
        width += length;
    }
    lines.join("\n")
}

fn requests(count: u64) -> String {
    number(count, "request")
}

fn number(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// `52.1 µs`, from nanoseconds.
fn time(ns: u64) -> String {
    let (mut value, mut unit) = (ns as f64, "ns");
    for larger in ["µs", "ms", "s"] {
        // 999.6 would be written 1000 by three digits.
        if value >= 999.5 {
            (value, unit) = (value / 1e3, larger);
        }
    }
    format!("{} {unit}", digits(value))
}

/// `3.43 MiB`.
fn bytes(bytes: f64) -> String {
    let (mut value, mut unit) = (bytes, "B");
    for larger in ["KiB", "MiB", "GiB"] {
        if value >= 1023.5 {
            (value, unit) = (value / 1024.0, larger);
        }
    }
    format!("{} {unit}", digits(value))
}

/// At least three significant digits, no exponent: 0.0123, 1.23, 12.3, 1230.
fn digits(value: f64) -> String {
    let decimals = match value {
        value if value == 0.0 || value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        value if value >= 0.9995 => 2,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        for (ns, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (52_149, "52.1 µs"),
            (999_600, "1.00 ms"),
            (123_400_000, "123 ms"),
            (59_999_000_000, "60.0 s"),
        ] {
            assert_eq!(time(ns), text, "{ns}");
        }
        assert_eq!(digits(0.0123), "0.0123");
    }

    #[test]
    fn a_long_line_is_wrapped() {
        let text = wrapped(NAME, &"word ".repeat(40));
        assert!(text.lines().all(|line| line.len() <= COLUMNS), "{text}");
        assert_eq!(text.split_whitespace().count(), 40);
    }
}
