//! The requests of one connection that are on their way, oldest first.
//!
//! The oldest stands here and the others on the heap: with one request on its way, which is what most loads
//! have, nothing but the connection's own cache line is touched. A generator of thousands of connections pays
//! for each line that it touches more than for all its arithmetic.

use std::collections::VecDeque;

/// A request that was begun and is not answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flight {
    /// When it was due.
    pub due_ns: u64,
    /// When its first byte was sent.
    pub sent_ns: u64,
}

/// A queue of them.
#[derive(Debug, Default)]
pub struct Flights {
    oldest: Flight,
    /// Allocated when a second request is first begun before the first is answered (pipelining). Boxed: a
    /// `VecDeque` here would be three words more in every connection.
    #[allow(clippy::box_collection)]
    younger: Option<Box<VecDeque<Flight>>>,
    awaited: u32,
    /// Of those, not entirely on their way.
    pub unsent: u32,
}

impl Flights {
    /// How many are awaited.
    #[inline]
    pub fn len(&self) -> usize {
        self.awaited as usize
    }

    /// Whether none is.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.awaited == 0
    }

    /// One more, of which nothing is sent yet.
    #[inline]
    pub fn begin(&mut self, flight: Flight) {
        if self.awaited == 0 {
            self.oldest = flight;
        } else {
            self.younger.get_or_insert_default().push_back(flight);
        }
        self.awaited += 1;
        self.unsent += 1;
    }

    /// The oldest.
    #[inline]
    pub fn oldest(&self) -> Option<&Flight> {
        (self.awaited > 0).then_some(&self.oldest)
    }

    /// The oldest, to be corrected.
    pub fn oldest_mut(&mut self) -> Option<&mut Flight> {
        (self.awaited > 0).then_some(&mut self.oldest)
    }

    /// Takes the oldest: it is answered.
    #[inline]
    pub fn take_oldest(&mut self) -> Option<Flight> {
        let flight = *self.oldest()?;
        self.awaited -= 1;
        if self.awaited > 0
            && let Some(next) = self.younger.as_mut().and_then(|queue| queue.pop_front())
        {
            self.oldest = next;
        }
        Some(flight)
    }

    /// Takes all: they are lost.
    pub fn take_all(&mut self) -> Vec<Flight> {
        let flights = std::iter::from_fn(|| self.take_oldest()).collect();
        self.unsent = 0;
        flights
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_a_queue(begins in prop::collection::vec(any::<bool>(), 0..60)) {
            let (mut flights, mut model) = (Flights::default(), VecDeque::new());
            for (number, begin) in (0_u64..).zip(begins) {
                if begin {
                    let flight = Flight { due_ns: number, sent_ns: number + 1 };
                    flights.begin(flight);
                    model.push_back(flight);
                } else {
                    prop_assert_eq!(flights.take_oldest(), model.pop_front());
                }
                prop_assert_eq!(flights.oldest(), model.front());
                prop_assert_eq!(flights.len(), model.len());
                prop_assert_eq!(flights.is_empty(), model.is_empty());
            }
            prop_assert_eq!(flights.take_all(), Vec::from(model));
            prop_assert_eq!(flights.unsent, 0);
        }
    }

    #[test]
    fn a_connection_fits_its_cache_line() {
        assert_eq!(size_of::<super::super::connection::Connection>(), 64);
    }
}
