//! `--fail-if 'response_ns_p99>+10%'`: what may not become of a metric. A gate is broken only where the whole
//! interval lies beyond it and chance is ruled out: noise fails nobody's build, and a pass proves nothing.

use std::fmt;
use std::str::FromStr;

use super::Change;

/// A metric, and how far it may go.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// A name of a metric.
    pub metric: String,
    /// Whether more than that is too much; else less is too little.
    above: bool,
    /// As a share: 0.1 for `+10%`.
    share: f64,
}

impl Gate {
    /// Whether a change is beyond it, surely.
    pub fn is_broken_by(&self, change: &Change) -> bool {
        let edge = 1.0 + self.share;
        let beyond = change.interval.is_some_and(|(low, high)| match self.above {
            true => low > edge,
            false => high < edge,
        });
        self.metric == change.metric && beyond && change.is_sure()
    }
}

impl FromStr for Gate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "write it as 'response_ns_p99>+10%' or 'throughput_per_s<-5%'";
        let at = text
            .find(['<', '>'])
            .ok_or(format!("no < or > in it; {example}"))?;
        let (metric, rest) = text.split_at(at);
        let metric = metric.trim();
        if record::metric(metric).is_none() {
            let names = record::METRICS.iter().map(|it| it.name);
            let near = record::nearest(metric, names);
            let near = near
                .map(|it| format!("; did you mean {it}?"))
                .unwrap_or_default();
            return Err(format!("there is no metric `{metric}`{near}"));
        }
        let (sign, share) = rest.split_at(1);
        let share = share
            .trim()
            .strip_suffix('%')
            .ok_or(format!("no % at its end; {example}"))?;
        let share: f64 = share
            .trim()
            .parse()
            .map_err(|_| format!("`{share}` is no number; {example}"))?;
        let above = sign == ">";
        let fits = if above {
            share >= 0.0
        } else {
            (-100.0..=0.0).contains(&share)
        };
        if !share.is_finite() || !fits {
            return Err(format!(
                "> takes a rise (+10%), < a fall (-5%), not {share}%"
            ));
        }
        Ok(Gate {
            metric: metric.to_owned(),
            above,
            share: share / 100.0,
        })
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.above { '>' } else { '<' };
        write!(
            f,
            "{}{sign}{:+}%",
            self.metric,
            (self.share * 1e4).round() / 100.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_read_and_written_alike() {
        for text in [
            "response_ns_p99>+10%",
            "throughput_per_s<-5%",
            "cpu_us_per_request>+2.5%",
        ] {
            assert_eq!(
                text.parse::<Gate>().map(|it| it.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!(
            " response_ns_p99 > 10 %".parse(),
            "response_ns_p99>+10%".parse::<Gate>()
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_can() {
        let error = |text: &str| text.parse::<Gate>().expect_err(text);
        assert!(error("response_ns_p98>+10%").contains("did you mean response_ns_p9"));
        assert!(error("response_ns_p99").contains("response_ns_p99>+10%"));
        assert!(error("response_ns_p99>10").contains("no %"));
        for text in [
            "response_ns_p99>-10%",
            "throughput_per_s<5%",
            "errors>NaN%",
            "errors>x%",
            "<-5%",
        ] {
            error(text);
        }
    }
}
