//! Bytes as hexadecimal digits in lower case.

/// Writes the bytes, two digits each.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// Reads digits, in lower case only.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks();
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some((value(*high)? << 4) | value(*low)?));
    bytes.collect::<Option<_>>().filter(|_| rest.is_empty())
}

fn digit(value: u8) -> char {
    char::from(*DIGITS.get(usize::from(value)).unwrap_or(&b'0'))
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit & 15),
        b'a'..=b'f' => Some((digit & 15).saturating_add(9)),
        _ => None,
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_are_those_of_the_standard() {
        // RFC 4648 §10, in lower case.
        assert_eq!(encode(b"foobar"), "666f6f626172");
        assert_eq!(decode("00ff"), Some(vec![0, 255]));
    }

    proptest! {
        #[test]
        fn bytes_round_trip(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }

        #[test]
        fn digits_have_one_spelling(text in "[0-9a-gA-G]{0,6}|\\PC{0,4}") {
            prop_assert!(decode(&text).is_none_or(|bytes| encode(&bytes) == text));
        }
    }
}
