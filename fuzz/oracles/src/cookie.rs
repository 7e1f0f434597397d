//! Cookies: what a plain reader of the `Cookie` header finds is what is found, and
//! nothing of Gatepass's own is left for the upstream.

use crate::{text, token::looks_like};
use gatepass::cookie;

pub fn check(data: &[u8]) {
    let header = text(data);
    let rest = cookie::without_own(&header);
    assert_eq!(rest.is_some(), pieces(&header).any(is_own), "{header:?}");
    let rest = rest.unwrap_or_else(|| header.clone());
    assert!(!pieces(&rest).any(is_own), "{header:?} leaves {rest:?}");
    assert!(
        pieces(&rest).eq(pieces(&header).filter(|piece| !is_own(piece))),
        "{header:?}"
    );
    assert_eq!(cookie::without_own(&rest), None);
    let pairs = pairs(&header);
    for (name, _) in &pairs {
        let values: Vec<_> = cookie::values(&header, name).collect();
        let read = pairs.iter().filter(|(other, _)| other == name);
        assert_eq!(
            values,
            read.map(|(_, value)| *value).collect::<Vec<_>>(),
            "{header:?}"
        );
    }
    let sessions = cookie::sessions(&header);
    let found: Vec<_> = sessions
        .map(|(place, value)| (place.cookie(), value))
        .collect();
    let read = pairs.iter().filter(|(name, _)| is_session(name));
    let read: Vec<_> = read
        .map(|(name, value)| (name.to_string(), *value))
        .collect();
    assert_eq!(found, read, "{header:?}");
}

/// Name and value of each cookie, as RFC 6265bis §5.6 reads a pair.
fn pairs(header: &str) -> Vec<(&str, &str)> {
    let pairs = header.split(';').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (blankless(name), blankless(value)))
        .collect()
}

fn blankless(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_session(name: &str) -> bool {
    name.strip_prefix("__Host-gp-").is_some_and(is_place)
}

fn is_place(text: &str) -> bool {
    text.len() == 16
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

/// What may be a cookie of its own, where a comma may end one too.
pub(crate) fn pieces(header: &str) -> impl Iterator<Item = &str> {
    let pieces = header
        .split([';', ','])
        .map(|piece| piece.trim_matches([' ', ',']));
    pieces.filter(|piece| !piece.is_empty())
}

pub(crate) fn is_own(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap().trim();
    let lower = name.to_ascii_lowercase();
    let of_a_place = name
        .strip_prefix("gp-")
        .and_then(|rest| rest.split_once('-'));
    lower.starts_with("__host-gp-")
        || lower.starts_with("__host-gatepass")
        || of_a_place.is_some_and(|(place, _)| is_place(place))
        || looks_like(pair)
}
