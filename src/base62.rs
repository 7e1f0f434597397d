//! Base62 with the alphabet `0-9A-Za-z`, as tokens and hints use it.

/// The character for a value under 62.
pub fn digit(value: u8) -> Option<char> {
    ALPHABET
        .get(usize::from(value))
        .map(|byte| char::from(*byte))
}

/// A 32-bit number as six characters, left-padded with `0`.
pub fn encode_u32(mut value: u32) -> [char; 6] {
    let mut digits = ['0'; 6];
    for slot in digits.iter_mut().rev() {
        *slot = low_digit(value % 62);
        value /= 62;
    }
    digits
}

/// A 256-bit big-endian number as 43 characters, left-padded with `0`.
pub fn encode_u256(mut bytes: [u8; 32]) -> String {
    let mut digits = ['0'; 43];
    for slot in digits.iter_mut().rev() {
        *slot = low_digit(divide_by_62(&mut bytes));
    }
    digits.iter().collect()
}

/// Divides the big-endian number in place and answers the remainder.
fn divide_by_62(bytes: &mut [u8; 32]) -> u32 {
    let mut remainder = 0_u32;
    for byte in bytes.iter_mut() {
        let value = (remainder << 8) | u32::from(*byte);
        *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
        remainder = value % 62;
    }
    remainder
}

fn low_digit(value: u32) -> char {
    u8::try_from(value).ok().and_then(digit).unwrap_or('0')
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_padded_to_their_full_width() {
        let text = |number| String::from_iter(encode_u32(number));
        assert_eq!(text(0), "000000");
        assert_eq!(text(61), "00000z");
        assert_eq!(text(62), "000010");
        assert_eq!(text(u32::MAX), "4gfFC3");
        assert_eq!(encode_u256([0; 32]), "0".repeat(43));
    }

    #[test]
    fn a_wide_number_has_the_digits_of_the_narrow_one() {
        let mut bytes = [0; 32];
        bytes[28..].copy_from_slice(&123_456_789_u32.to_be_bytes());
        assert!(encode_u256(bytes).ends_with(&String::from_iter(encode_u32(123_456_789))));
    }
}
