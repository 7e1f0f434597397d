//! Cutting short texts at an ASCII character.
//!
//! The standard library's searches are made for long texts and for any pattern. A
//! request is many short ones, and the core is built for size: there, a plain walk, eight bytes at
//! a time, takes a fraction.

/// What stands before and after the first such character.
pub fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let (before, rest) = text.split_at_checked(find(text, at)?)?;
    Some((before, rest.get(1..)?))
}

/// Where the first such character stands.
pub fn find(text: &str, wanted: u8) -> Option<usize> {
    let (words, rest) = text.as_bytes().as_chunks::<WORD>();
    let mut passed = 0_usize;
    for word in words {
        // A byte that is wanted becomes zero, and the lowest zero its highest bit.
        let unlike = u64::from_le_bytes(*word) ^ u64::from_le_bytes([wanted; WORD]);
        let zeros = unlike.wrapping_sub(ONES) & !unlike & (ONES << 7);
        if zeros != 0 {
            return Some(passed.saturating_add(zeros.trailing_zeros() as usize >> 3));
        }
        passed = passed.saturating_add(WORD);
    }
    let at = rest.iter().position(|byte| *byte == wanted)?;
    Some(passed.saturating_add(at))
}

const WORD: usize = 8;
const ONES: u64 = u64::from_le_bytes([1; WORD]);

/// The pieces between such characters: at least one, and an empty one beside each of
/// them that has no neighbour.
pub const fn pieces(text: &str, at: u8) -> Pieces<'_> {
    Pieces {
        rest: Some(text),
        at,
    }
}

/// What [`pieces`] answers.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    rest: Option<&'a str>,
    at: u8,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        let (piece, after) = match cut(rest, self.at) {
            Some((piece, after)) => (piece, Some(after)),
            None => (rest, None),
        };
        self.rest = after;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_cut_as_the_standard_library_cuts_it(text in "(\\PC|[/;=.<:]){0,40}") {
            prop_assert_eq!(cut(&text, b'/'), text.split_once('/'));
            prop_assert_eq!(find(&text, b';'), text.find(';'));
            let ours: Vec<_> = pieces(&text, b'=').collect();
            prop_assert_eq!(ours, text.split('=').collect::<Vec<_>>());
        }
    }
}
