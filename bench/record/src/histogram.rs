//! Distributions as they are stored: HdrHistograms, V2 with deflate, in base64; never a percentile.
//!
//! To decode one means to zero and to walk tens of thousands of buckets for some hundred that are filled: those are found
//! once, and kept with it.

use std::sync::OnceLock;

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
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("contentEncoding" = "base64"))]
pub struct Encoded {
    text: String,
    #[serde(skip)]
    filled: OnceLock<Result<Filled, DecodeError>>,
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Encoded {}

/// The buckets of a distribution that hold samples.
#[derive(Clone, Debug)]
pub struct Filled {
    /// The upper end of each, ascending, and its samples.
    pub buckets: Box<[(u64, u64)]>,
    /// Of all samples.
    pub mean: f64,
}

impl Filled {
    /// Of a histogram.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let steps = histogram.iter_recorded().map(|step| {
            let end = histogram.highest_equivalent(step.value_iterated_to());
            (end, step.count_at_value())
        });
        Filled {
            buckets: steps.collect(),
            mean: histogram.mean(),
        }
    }
}

/// Samples of a pass: a million a second for nine years. Ten thousand times as many can still be added up.
const MOST: u64 = 1 << 48;

/// A stored histogram that cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("not a V2 deflate HdrHistogram in base64: {0}")]
pub struct DecodeError(String);

impl Encoded {
    /// Stores `histogram` losslessly.
    pub fn new(histogram: &Histogram<u64>) -> Self {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(histogram, &mut bytes)
            .unwrap_or_else(|error| unreachable!("writing to memory: {error:?}"));
        Encoded {
            text: STANDARD.encode(bytes),
            filled: OnceLock::new(),
        }
    }

    /// The histogram again.
    ///
    /// # Errors
    /// When the text is not what [`Encoded::new`] makes, or tells of more samples than anybody has taken.
    pub fn decode(&self) -> Result<Histogram<u64>, DecodeError> {
        let bytes = STANDARD
            .decode(&self.text)
            .map_err(|error| DecodeError(error.to_string()))?;
        let histogram: Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| DecodeError(format!("{error:?}")))?;
        match histogram.len() {
            samples if samples > MOST => Err(DecodeError(format!("{samples} samples"))),
            _ => Ok(histogram),
        }
    }

    /// Its filled buckets, decoded at the first call.
    ///
    /// # Errors
    /// Those of [`Encoded::decode`].
    pub fn filled(&self) -> Result<&Filled, DecodeError> {
        let filled = || self.decode().map(|histogram| Filled::of(&histogram));
        self.filled
            .get_or_init(filled)
            .as_ref()
            .map_err(Clone::clone)
    }
}
