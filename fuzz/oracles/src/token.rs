//! Tokens: text and parsed token agree with the published format, bit by bit.

use crate::text;
use gatepass::hint::Hint;
use gatepass::token::{self, Kind, Token};

pub fn check(data: &[u8]) {
    let text = text(data);
    agrees(&text);
    let body = body(data);
    for kind in [Kind::Pat, Kind::Embed] {
        let whole = format!("{}_{body}{}", kind.prefix(), checksum(&body));
        agrees(&whole);
        assert!(Token::parse(&whole).is_ok(), "a right checksum is refused");
        let at = usize::from(data.first().copied().unwrap_or_default()) % whole.len();
        let mut other = whole.clone().into_bytes();
        other[at] = data.get(1).copied().unwrap_or_default();
        agrees(&crate::text(&other));
        let among = format!("{text}{whole}{text}");
        assert!(token::appears_in(&among), "a token is not seen in a text");
        generates(kind, data);
    }
}

fn agrees(text: &str) {
    let parsed = Token::parse(text).ok();
    let kind = kind_of(text);
    assert_eq!(parsed.map(|token| token.kind()), kind, "{text:?}");
    assert_eq!(token::appears_in(text), looks_like(text), "{text:?}");
    if let Some(token) = parsed {
        let body = &text[token.kind().prefix().len() + 1..];
        assert_eq!(token.secret(), text);
        assert_eq!(token.hint().as_str(), &body[..4]);
        let start = format!("{}_{}", token.kind().prefix(), &body[4..8]);
        assert_eq!(token.start(), start);
    }
}

fn generates(kind: Kind, data: &[u8]) {
    let mut entropy = [0; 64];
    entropy
        .iter_mut()
        .zip(data)
        .for_each(|(to, from)| *to = *from);
    let hint = Hint::of("default", "ada");
    let enough = entropy.iter().filter(|byte| **byte < 62 << 2).count() >= 26;
    let made = token::generate(kind, &hint, &entropy);
    assert_eq!(made.is_some(), enough);
    let Some(made) = made else { return };
    assert_eq!(kind_of(&made), Some(kind));
    agrees(&made);
}

/// The kind of a token, if it is one: the format as GitHub published it.
pub(crate) fn kind_of(text: &str) -> Option<Kind> {
    let (prefix, tail) = text.rsplit_once('_')?;
    let kind = match prefix {
        "pat" => Kind::Pat,
        "pat_embed" => Kind::Embed,
        _ => return None,
    };
    let is_base62 = tail.bytes().all(|byte| ALPHABET.contains(&byte));
    (tail.len() == 36 && is_base62 && tail[30..] == checksum(&tail[..30])).then_some(kind)
}

/// Whether something with a token's shape stands anywhere in a text.
pub(crate) fn looks_like(text: &str) -> bool {
    ["pat_", "pat_embed_"].iter().any(|prefix| {
        text.match_indices(prefix).any(|(at, _)| {
            let tail = text.as_bytes().iter().skip(at + prefix.len()).take(36);
            tail.filter(|byte| ALPHABET.contains(byte)).count() == 36
        })
    })
}

/// Thirty characters that bytes choose.
fn body(data: &[u8]) -> String {
    let digits = data.iter().chain([&0; 30]).take(30);
    digits
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % 62]))
        .collect()
}

pub(crate) fn checksum(body: &str) -> String {
    let crc = crc(body.as_bytes());
    let digit = |power| char::from(ALPHABET[(crc / 62_u32.pow(power) % 62) as usize]);
    [5, 4, 3, 2, 1, 0].map(digit).iter().collect()
}

/// CRC-32 as IEEE 802.3 has it, a bit at a time.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
