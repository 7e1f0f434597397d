//! Paths: a segment that is let in is no other one to an upstream that decodes more than
//! it should, and no way out of its folder.

use crate::text;
use gatepass::path;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_encode};

pub fn check(data: &[u8]) {
    let text = text(data);
    // Neither can stand in a path.
    let text = text.split(['?', '#']).next().unwrap();
    let climbs_anywhere = path::climbs_anywhere(text);
    assert_eq!(
        climbs_anywhere,
        text.split('/').any(path::climbs),
        "{text:?}"
    );
    for segment in text.split('/') {
        let is_simple = segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if is_simple {
            assert!(!path::climbs(segment));
            assert_eq!(path::ambiguous(segment), segment.is_empty());
        }
        if !path::climbs(segment) {
            assert!(!leads_out(segment), "{segment:?} leads out");
        }
        if !path::ambiguous(segment) {
            has_one_spelling(segment);
        }
    }
}

/// Whether a segment is, for a lenient reader, a folder's parent, or holds a control
/// character, in however many layers of encoding.
fn leads_out(segment: &str) -> bool {
    let mut bytes = segment.as_bytes().to_vec();
    loop {
        let plain = folded(&bytes);
        let leads_out = plain.split(|char| matches!(char, '/' | '\\')).any(|part| {
            let name = part
                .split(|char| matches!(char, ';' | '?' | '#'))
                .next()
                .unwrap();
            let name: String = name.iter().collect();
            [".", ".."].contains(&name.trim_matches([' ', '\t']))
        });
        if leads_out || plain.iter().any(char::is_ascii_control) {
            return true;
        }
        let decoded: Vec<u8> = percent_decode(&bytes).collect();
        if decoded == bytes {
            return false;
        }
        bytes = decoded;
    }
}

/// Bytes as a decoder reads them that knows `%uXXXX`, takes ASCII in any number of bytes
/// (RFC 3629 §10), and folds what looks like a dot or a slash.
fn folded(bytes: &[u8]) -> Vec<char> {
    let mut chars = Vec::new();
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let escaped = [b"%u", b"%U"]
            .iter()
            .find_map(|sign| rest.strip_prefix(*sign));
        if let Some(digits) = escaped.and_then(|digits| digits.get(..4)) {
            let digits = str::from_utf8(digits).ok();
            let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            if let Some(char) = number.and_then(char::from_u32) {
                chars.push(alike(char));
                rest = &rest[6..];
                continue;
            }
        }
        let length = match first {
            0xc0..0xe0 => 1,
            0xe0..0xf0 => 2,
            0xf0..0xf8 => 3,
            0xf8..0xfc => 4,
            0xfc..0xfe => 5,
            _ => 0,
        };
        let more = after
            .get(..length)
            .filter(|more| more.iter().all(|byte| byte >> 6 == 2));
        let head = u32::from(if length == 0 {
            *first
        } else {
            first & (0x3f >> length)
        });
        let number = more.map(|more| {
            more.iter()
                .fold(head, |number, byte| number << 6 | u32::from(byte & 0x3f))
        });
        chars.push(number.and_then(char::from_u32).map_or('\u{fffd}', alike));
        rest = more.map_or(after, |more| &after[more.len()..]);
    }
    chars
}

fn alike(char: char) -> char {
    match char {
        '\u{ff0e}' | '\u{2024}' => '.',
        '\u{ff0f}' => '/',
        '\u{ff3c}' => '\\',
        other => other,
    }
}

/// Decoded and encoded again as the URL standard does, it is what it was; decoded twice,
/// it is what it is decoded once.
fn has_one_spelling(segment: &str) {
    let decoded: Vec<u8> = percent_decode(segment.as_bytes()).collect();
    let twice: Vec<u8> = percent_decode(&decoded).collect();
    assert_eq!(decoded, twice, "{segment:?}");
    assert!(
        !decoded.iter().any(|byte| b"/\\;%".contains(byte)),
        "{segment:?}"
    );
    assert!(str::from_utf8(&decoded).is_ok(), "{segment:?}");
    let again = percent_encode(&decoded, PATH).to_string();
    let is_encoded = segment
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"<>^`{|}".contains(&byte));
    assert!(
        !is_encoded || again.eq_ignore_ascii_case(segment),
        "{segment:?} or {again:?}"
    );
}

const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
