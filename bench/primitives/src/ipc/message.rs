//! What messages say: printable text that depends on the number of the message, so that one that is changed,
//! lost, repeated or swapped does not match; told apart over 61 successive ones, as far as their length allows.
//!
//! It pays nothing when a message is sent (it is a slice of one long text), and a comparison when it is checked.

/// How many successive messages differ.
const DIFFERENT: u64 = 61;
const APART: usize = 64;

/// All messages of one length.
pub struct Messages {
    text: Vec<u8>,
    bytes: usize,
}

impl Messages {
    /// Messages of so many bytes.
    pub fn new(bytes: usize) -> Self {
        let length = bytes + APART * DIFFERENT as usize;
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let letter = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // 64 letters from '#' on, none of which JSON escapes when the backslash is replaced.
            match b'#' + (state >> 58) as u8 {
                b'\\' => b'~',
                other => other,
            }
        };
        let text = (0..length).map(letter).collect();
        Messages { text, bytes }
    }

    /// Message number `number`.
    pub fn of(&self, number: u64) -> &[u8] {
        let start = (number % DIFFERENT) as usize * APART;
        &self.text[start..start + self.bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_differ_and_are_text_that_json_leaves_alone() {
        let messages = Messages::new(64);
        for number in 0..DIFFERENT {
            for other in number + 1..DIFFERENT {
                assert_ne!(messages.of(number), messages.of(other));
            }
            let text = std::str::from_utf8(messages.of(number)).unwrap();
            assert_eq!(serde_json::to_string(text).unwrap().len(), 66);
        }
    }
}
