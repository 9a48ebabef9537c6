//! Network: what a scenario has the way between load hosts and server do, beside what it does anyway.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Delay and loss of what the server's host sends, by netem(8): `network = { delay = "1ms", loss = "0.1%" }`. Only where
/// that host is a network namespace made for it, and its kernel has netem: else the cells are skipped, with the cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Of each packet.
    #[serde(
        default,
        with = "humantime_serde",
        skip_serializing_if = "Duration::is_zero"
    )]
    #[schemars(with = "String")]
    pub delay: Duration,
    /// The share of packets that are lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<String>,
}

impl Network {
    /// Lost packets of a hundred.
    pub fn loss_percent(&self) -> Option<f64> {
        let percent = self.loss.as_deref()?.strip_suffix('%')?;
        percent.trim().parse().ok()
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.delay.is_zero() && self.loss.is_none() {
            return Err("network says delay, loss, or both");
        }
        if self.delay > Duration::from_secs(10) {
            return Err("a delay is at most 10s");
        }
        let lost = self.loss_percent();
        if self.loss.is_some() && !lost.is_some_and(|lost| lost > 0.0 && lost < 100.0) {
            return Err("loss is a share of packets, as in \"0.1%\"");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_a_share_and_a_network_does_something() {
        let of = |delay, loss: Option<&str>| Network {
            delay: Duration::from_millis(delay),
            loss: loss.map(str::to_owned),
        };
        assert_eq!(of(0, Some("0.1%")).loss_percent(), Some(0.1));
        assert!(of(1, None).check().is_ok() && of(0, Some("99.9 %")).check().is_ok());
        for wrong in [
            of(0, None),
            of(1, Some("1")),
            of(1, Some("100%")),
            of(1, Some("nan%")),
            of(11_000, None),
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
