//! Paths that a gate and an upstream might read differently.
//!
//! The rule is matched against the very string that the upstream gets. What is
//! left to fear is an upstream that decodes, folds or climbs where the gate did
//! not: the functions here recognise the spellings that allow it.

use crate::bytes::pieces;
use percent_encoding::percent_decode_str;

/// Whether a segment could be read as another one. Asked of each segment that
/// decides which rule applies: there, only one spelling of a name is let in.
pub fn ambiguous(segment: &str) -> bool {
    segment.is_empty()
        || !is_plain(segment) && (segment.contains(['\\', ';']) || has_needless_encoding(segment))
}

/// Whether any segment of a path climbs.
pub fn climbs_anywhere(path: &str) -> bool {
    let is_simple = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
    !path.bytes().all(is_simple) && pieces(path, b'/').any(climbs)
}

/// Whether a segment could lead out of the folder it stands in, in however many
/// layers of encoding, or holds a control character. Asked of every segment.
pub fn climbs(segment: &str) -> bool {
    if is_plain(segment) {
        return matches!(segment, "." | "..");
    }
    climbs_decoded(segment)
}

/// Whether a segment is the same however it is read.
fn is_plain(segment: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || byte.is_ascii_graphic() && !matches!(byte, b'%' | b'/' | b'\\' | b';' | b'?' | b'#')
    };
    segment.bytes().all(plain)
}

fn climbs_decoded(segment: &str) -> bool {
    let mut bytes = segment.as_bytes().to_vec();
    for _ in 0..MAX_LAYERS {
        if bytes.iter().any(u8::is_ascii_control) || is_overlong(&bytes) || has_dots(&bytes) {
            return true;
        }
        let decoded: Vec<u8> = percent_encoding::percent_decode(&bytes).collect();
        if decoded == bytes {
            return false;
        }
        bytes = decoded;
    }
    true
}

/// Encoded ASCII that could stand unencoded in a name, a broken encoding, bytes
/// that are not UTF-8, or one of the four characters outside ASCII that are a letter of
/// ASCII in the other case (Unicode's UnicodeData.txt).
fn has_needless_encoding(segment: &str) -> bool {
    let mut rest = segment;
    while let Some((_, after)) = rest.split_once('%') {
        let Some((digits, remaining)) = after.split_at_checked(2) else {
            return true;
        };
        match u8::from_str_radix(digits, 16) {
            Ok(byte) if !byte.is_ascii() || MUST_BE_ENCODED.contains(&byte) => rest = remaining,
            _ => return true,
        }
    }
    let name = percent_decode_str(segment).decode_utf8();
    name.map_or(true, |name| {
        name.contains(['\u{130}', '\u{131}', '\u{17f}', '\u{212a}'])
    })
}

fn has_dots(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| matches!(byte, b'/' | b'\\'))
        .any(|part| {
            let ends = |byte: &u8| matches!(byte, b';' | b'?' | b'#');
            let name = part.split(ends).next().unwrap_or(part);
            matches!(name.trim_ascii(), b"." | b"..")
        })
}

/// The spellings of ASCII in too many bytes that lenient decoders accept, and
/// the `%uXXXX` of one of them.
fn is_overlong(bytes: &[u8]) -> bool {
    let overlong = bytes.iter().any(|byte| matches!(byte, 0xc0 | 0xc1))
        || bytes.windows(2).any(|pair| {
            matches!(
                pair,
                [0xe0, 0x80..=0x9f] | [0xf0 | 0xf8 | 0xfc, 0x80..=0x8f]
            )
        });
    let looks_alike = bytes.windows(3).any(|bytes| LOOK_ALIKES.contains(&bytes));
    overlong || looks_alike || bytes.windows(2).any(|pair| matches!(pair, b"%u" | b"%U"))
}

/// Printable ASCII that the URL standard always encodes in a path.
const MUST_BE_ENCODED: &[u8] = b" \"<>^`{|}";
/// `．`, `／`, `＼` and `․`, which lenient servers fold to their ASCII forms.
const LOOK_ALIKES: [&[u8]; 4] = [
    b"\xef\xbc\x8e",
    b"\xef\xbc\x8f",
    b"\xef\xbc\xbc",
    b"\xe2\x80\xa4",
];
const MAX_LAYERS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_spelling_of_a_name_is_clear() {
        for segment in [
            "admin",
            "v1",
            "Jobs(7)",
            "$metadata",
            "a%20b",
            "caf%C3%A9",
            "..a",
            "a.b",
        ] {
            assert!(!ambiguous(segment) && !climbs(segment), "{segment}");
        }
    }

    #[test]
    fn other_spellings_of_a_name_are_ambiguous() {
        for segment in [
            "",
            "%61dmin",
            "a%2fb",
            "a%5Cb",
            "a\\b",
            "a;b",
            "%2e",
            "a%3f",
            "a%23",
            "%zz",
            "%",
            "%25",
            "%ff",
            "%e2%84%aaeys",
            "adm%c4%b0n",
            "adm%c4%b1n",
            "job%c5%bf",
        ] {
            assert!(ambiguous(segment), "{segment}");
        }
    }

    #[test]
    fn what_could_climb_is_seen_through_every_layer() {
        for segment in [
            "..%2fadmin",
            "..%5cadmin",
            "%2e%2e%2f",
            "%252e%252e%252f",
            "..;",
            "..;x=1",
            "..%3b",
            "x%2f..",
            "%c0%ae%c0%ae",
            "%e0%80%ae",
            "%f0%80%80%ae",
            "%f8%80%80%80%ae%fc%80%80%80%80%ae",
            "..%20",
            "%u002e%u002e",
            "%00",
            "a%0ab",
            "%252500",
            "%2525252525252e",
            "..%3f",
            "%2e%2e%23x",
            "%ef%bc%8e%ef%bc%8e%ef%bc%8fapi",
        ] {
            assert!(climbs(segment), "{segment}");
        }
        for segment in ["Jobs('a%2Fb')", "100%25", "a%2525b", "..."] {
            assert!(!climbs(segment), "{segment}");
        }
    }

    proptest! {
        #[test]
        fn no_segment_makes_it_panic(segment: String) {
            let _ = (ambiguous(&segment), climbs(&segment));
        }

        #[test]
        fn a_clear_segment_decodes_to_a_name_of_the_same_meaning(segment in "[a%/.;2f5cE0-9]{1,12}") {
            if !ambiguous(&segment) {
                let decoded = percent_decode_str(&segment).decode_utf8().unwrap();
                prop_assert!(!decoded.contains(['\\', '?', '#']));
            }
        }

        #[test]
        fn a_plain_segment_is_what_it_is_decoded(segment in "(\\.{1,3}|[ -~]|\\PC){0,4}") {
            prop_assert_eq!(climbs(&segment), climbs_decoded(&segment));
            if is_plain(&segment) && !segment.is_empty() {
                prop_assert!(!segment.contains(['\\', ';']) && !has_needless_encoding(&segment));
            }
        }

        #[test]
        fn a_path_climbs_where_a_segment_does(path in "/(\\.|%2[eEfF]|[/a-cZ0-9_;~-]){0,8}") {
            prop_assert_eq!(climbs_anywhere(&path), path.split('/').any(climbs));
        }

        #[test]
        fn dots_in_any_number_of_layers_never_pass(layers in 0usize..8, dots in "\\.{1,2}") {
            let mut segment = format!("{dots}/");
            segment = segment.replace('.', "%2e").replace('/', "%2f");
            for _ in 0..layers {
                segment = segment.replace('%', "%25");
            }
            prop_assert!(climbs(&segment));
        }
    }
}
