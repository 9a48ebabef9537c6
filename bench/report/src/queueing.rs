//! Queueing theory: what response times are to be expected at a rate, from the times that requests take on an idle server.
//!
//! M/M/c is closed (Erlang's C) and takes service times for exponential; M/G/1 takes them as they were measured. Its wait is
//! a geometric sum of residual service times (Pollaczek and Khinchine), reckoned on a grid by Panjer's recursion. Goals: pure
//! functions that agree with the textbook's values. It ends at its assumptions: Poisson arrivals, first come first
//! served, and one queue; a processor that is shared among threads is no such server.

mod general;
mod markov;
pub(crate) mod measured;

pub(crate) use general::General;
pub(crate) use markov::Markov;

/// Smallest and largest time that a quantile is looked for in, in mean service times.
const FURTHEST: f64 = 1e6;

/// Where a function that grows with time passes a value: by halving, to a ten-thousandth.
fn passes(of: impl Fn(f64) -> f64, value: f64, scale: f64) -> Option<f64> {
    let mut high = scale;
    while of(high) < value {
        high *= 2.0;
        if high > scale * FURTHEST {
            return None;
        }
    }
    let mut low = 0.0;
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if of(middle) < value {
            low = middle;
        } else {
            high = middle;
        }
        if high - low <= 1e-4 * high {
            break;
        }
    }
    Some(high)
}
