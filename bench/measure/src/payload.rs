//! What a request says: bytes that only one connection, at one place in its conversation, can be owed.
//!
//! Every byte is a function of (connection, sequence, offset), made when it is sent and again when it is
//! checked, so nothing is kept per connection and a reply may come in any segmentation. A server that
//! flips, drops, repeats or swaps bytes cannot match by luck: neighbouring keys differ in every word.
//!
//! It pays one multiplication for eight bytes, some 10 ns for a message of 64.

/// The bytes of one request, as a pure function of who sends it and when in its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    key: u64,
}

impl Payload {
    /// The payload of request `sequence` (from 0) on `connection`; `connection` must be unique in a run.
    #[inline]
    pub fn new(connection: u64, sequence: u64) -> Self {
        let key = connection
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(sequence.wrapping_mul(0xD1B5_4A32_D192_ED03));
        Payload { key: mix(key) }
    }

    /// Writes the bytes of this payload that start at `offset` into `buffer`.
    #[inline]
    pub fn fill(self, offset: usize, buffer: &mut [u8]) {
        let (mut word, skip) = (offset as u64 / 8, offset % 8);
        let (head, rest) = buffer.split_at_mut(((8 - skip) % 8).min(buffer.len()));
        if skip != 0 {
            let from = &self.word(word)[skip..];
            head.copy_from_slice(&from[..head.len()]);
            word += 1;
        }
        let mut words = rest.chunks_exact_mut(8);
        for chunk in &mut words {
            chunk.copy_from_slice(&self.word(word));
            word += 1;
        }
        let tail = words.into_remainder();
        tail.copy_from_slice(&self.word(word)[..tail.len()]);
    }

    /// Compares `bytes` with this payload from `offset` on.
    ///
    /// # Errors
    /// The index in `bytes` of the first byte that differs.
    #[inline]
    pub fn check(self, offset: usize, bytes: &[u8]) -> Result<(), usize> {
        let (mut word, skip) = (offset as u64 / 8, offset % 8);
        let (head, rest) = bytes.split_at(((8 - skip) % 8).min(bytes.len()));
        if skip != 0 {
            if head != &self.word(word)[skip..skip + head.len()] {
                return Err(self.first_difference(offset, bytes));
            }
            word += 1;
        }
        // Differences are gathered and looked at once: no branch a word, so that words go side by side.
        let (words, tail) = rest.as_chunks::<8>();
        let mut differences = 0;
        for chunk in words {
            differences |= u64::from_le_bytes(*chunk) ^ u64::from_le_bytes(self.word(word));
            word += 1;
        }
        if differences != 0 || tail != &self.word(word)[..tail.len()] {
            return Err(self.first_difference(offset, bytes));
        }
        Ok(())
    }

    /// The byte at `offset`.
    pub fn byte(self, offset: usize) -> u8 {
        self.word(offset as u64 / 8)[offset % 8]
    }

    fn word(self, index: u64) -> [u8; 8] {
        mix(self
            .key
            .wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
        .to_le_bytes()
    }

    #[cold]
    fn first_difference(self, offset: usize, bytes: &[u8]) -> usize {
        bytes
            .iter()
            .enumerate()
            .position(|(index, &byte)| byte != self.byte(offset + index))
            .unwrap_or(bytes.len())
    }
}

/// A bijection that spreads every input bit (the middle of SplitMix64: Steele, Lea & Flood 2014).
#[inline]
fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 32)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word ^ (word >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(payload: Payload, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        payload.fill(0, &mut bytes);
        bytes
    }

    proptest! {
        #[test]
        fn any_segmentation_is_filled_and_checked_alike(
            connection: u32, sequence in 0u64..1 << 40, cuts in prop::collection::vec(0usize..200, 0..20)
        ) {
            let payload = Payload::new(u64::from(connection), sequence);
            let length: usize = cuts.iter().sum();
            let expected = whole(payload, length);
            let mut offset = 0;
            for cut in cuts {
                let mut part = vec![0; cut];
                payload.fill(offset, &mut part);
                prop_assert_eq!(&part, &expected[offset..offset + cut]);
                prop_assert_eq!(payload.check(offset, &part), Ok(()));
                offset += cut;
            }
        }

        #[test]
        fn a_flipped_bit_is_found_where_it_is(length in 1usize..300, at: usize, bit in 0u8..8, offset in 0usize..64) {
            let payload = Payload::new(7, 9);
            let mut bytes = vec![0; length];
            payload.fill(offset, &mut bytes);
            let at = at % length;
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(payload.check(offset, &bytes), Err(at));
        }

        #[test]
        fn another_connection_or_request_never_matches(a: u32, b: u32, s in 0u64..1000, t in 0u64..1000) {
            prop_assume!((a, s) != (b, t));
            let theirs = whole(Payload::new(u64::from(b), t), 8);
            prop_assert!(Payload::new(u64::from(a), s).check(0, &theirs).is_err());
        }
    }
}
