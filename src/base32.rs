//! Base32 in lower case, without padding (RFC 4648 §6), of ten bytes: what names a
//! place. No secret is written in it.

/// Bytes of which 16 digits are.
pub const BYTES: usize = 10;

/// How many digits they are.
pub const DIGITS: usize = 16;

/// Writes the bytes as 16 digits.
pub fn encode(bytes: &[u8; BYTES]) -> String {
    let mut text = String::with_capacity(DIGITS);
    for part in bytes.as_chunks::<5>().0 {
        let part = part
            .iter()
            .fold(0, |part, byte| (part << 8) | u64::from(*byte));
        text.extend([35, 30, 25, 20, 15, 10, 5, 0].map(|shift| digit(part >> shift)));
    }
    text
}

/// Reads 16 digits.
pub fn decode(text: &str) -> Option<[u8; BYTES]> {
    let (parts, rest) = text.as_bytes().as_chunks::<8>();
    let mut bytes = Vec::with_capacity(BYTES);
    for part in parts {
        let part = part
            .iter()
            .try_fold(0, |part, digit| Some((part << 5) | value(*digit)?))?;
        bytes.extend_from_slice(part.to_be_bytes().last_chunk::<5>()?);
    }
    bytes.try_into().ok().filter(|_| rest.is_empty())
}

/// Whether these are 16 digits.
pub fn are_digits(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|digit| value(digit).is_some())
}

fn digit(value: u64) -> char {
    let value = u8::try_from(value & 31).unwrap_or_default();
    let first = if value < 26 { b'a' } else { b'2' - 26 };
    char::from(first.saturating_add(value))
}

fn value(digit: u8) -> Option<u64> {
    match digit {
        b'a'..=b'z' => Some(u64::from(digit.saturating_sub(b'a'))),
        b'2'..=b'7' => Some(u64::from(digit.saturating_sub(b'2' - 26))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_are_those_of_the_standard() {
        // printf 'foobarfoob' | base32
        assert_eq!(encode(b"foobarfoob"), "mzxw6ytbojtg633c");
    }

    proptest! {
        #[test]
        fn bytes_round_trip(bytes: [u8; BYTES]) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }

        #[test]
        fn digits_have_one_spelling(text in "[a-zA-Z0-9=]{14,18}|[a-z0-9]{16}|[a-z2-7]{16}|\\PC{0,16}") {
            let bytes = decode(&text);
            prop_assert_eq!(bytes.is_some(), are_digits(&text));
            prop_assert!(bytes.is_none_or(|bytes| encode(&bytes) == text));
        }
    }
}
