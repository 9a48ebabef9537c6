//! Distributions as they are stored: HdrHistograms, V2 with deflate, in base64; never a percentile.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest latency that is told from larger ones: a minute, in nanoseconds.
pub const LATENCY_MAX_NS: u64 = 60_000_000_000;

/// Three significant digits: a recorded value is off by less than 0.1 %.
pub const SIGNIFICANT_DIGITS: u8 = 3;

/// An empty histogram of latencies in nanoseconds, 1 ns to [`LATENCY_MAX_NS`].
pub fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, SIGNIFICANT_DIGITS)
        .unwrap_or_else(|error| unreachable!("bounds are constants: {error}"))
}

/// An empty histogram of latencies with two digits: off by less than 1 %, and a tenth of the memory.
pub fn coarse_latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, 2)
        .unwrap_or_else(|error| unreachable!("bounds are constants: {error}"))
}

/// A histogram in the public V2-deflate form, base64: every HdrHistogram library reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("contentEncoding" = "base64"))]
pub struct Encoded(String);

/// A stored histogram that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a V2 deflate HdrHistogram in base64: {0}")]
pub struct DecodeError(String);

impl Encoded {
    /// Stores `histogram` losslessly.
    pub fn new(histogram: &Histogram<u64>) -> Self {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(histogram, &mut bytes)
            .unwrap_or_else(|error| unreachable!("writing to memory: {error:?}"));
        Encoded(STANDARD.encode(bytes))
    }

    /// The histogram again.
    ///
    /// # Errors
    /// When the text is not what [`Encoded::new`] makes.
    pub fn decode(&self) -> Result<Histogram<u64>, DecodeError> {
        let bytes = STANDARD
            .decode(&self.0)
            .map_err(|error| DecodeError(error.to_string()))?;
        Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| DecodeError(format!("{error:?}")))
    }
}
