//! The `Cookie` header (RFC 6265bis).

use crate::bytes::{cut, pieces};
use crate::place::{self, Place};
use crate::token;
use std::borrow::Cow;

/// The header without Gatepass's own cookies and without any that holds a
/// token; `None` when none of them is in it.
///
/// Two `Cookie` fields arrive as one, joined by a comma, so a comma may end a
/// cookie too.
pub fn without_own(header: &str) -> Option<String> {
    let holds_own = |part: &str| pieces(part, b',').any(is_own);
    if !pieces(header, b';').any(holds_own) {
        return None;
    }
    let mut kept = String::with_capacity(header.len());
    for part in pieces(header, b';') {
        let rest = if holds_own(part) {
            let rest: Vec<_> = pieces(part, b',').filter(|pair| !is_own(pair)).collect();
            Cow::Owned(rest.join(","))
        } else {
            Cow::Borrowed(part)
        };
        let rest = rest.trim_matches([' ', ',']);
        if !rest.is_empty() {
            kept.push_str(if kept.is_empty() { "" } else { "; " });
            kept.push_str(rest);
        }
    }
    Some(kept)
}

/// The values of the cookies with a name, in their order. Only a semicolon ends
/// a cookie here: browsers keep commas in values, where anybody may have put them.
pub fn values<'a>(header: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    pieces(header, b';').filter_map(move |pair| {
        let (found, value) = cut(pair, b'=')?;
        (trimmed(found) == name).then(|| trimmed(value))
    })
}

/// The places whose sessions a header holds, with the values; found likewise.
pub fn sessions(header: &str) -> impl Iterator<Item = (Place, &str)> {
    header.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let place = Place::parse(trimmed(name).strip_prefix(place::COOKIE_PREFIX)?)?;
        Some((place, trimmed(value)))
    })
}

/// Whether a `name=value` is Gatepass's own, or holds a token.
pub fn is_own(pair: &str) -> bool {
    is_own_name(cut(pair, b'=').map_or(pair, |(name, _)| name)) || token::appears_in(pair)
}

/// Whether a cookie's name is Gatepass's own.
///
/// Such names begin with `__Host-gp-` (sessions) or `__Host-gatepass`
/// (management), in any case, since browsers read the prefix so; or with
/// `gp-<place>-`, by which path places keep the cookies of their apps apart.
pub fn is_own_name(name: &str) -> bool {
    let name = name.trim();
    let is_prefixed = OWN_PREFIXES.iter().any(|prefix| {
        name.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    });
    is_prefixed || is_of_a_place(name)
}

/// A name or a value without the blanks around it (RFC 6265bis §5.6). Other white space is
/// a part of a name, which then has none of the prefixes that browsers protect.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_of_a_place(name: &str) -> bool {
    name.strip_prefix("gp-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(place, _)| Place::parse(place).is_some())
}

const OWN_PREFIXES: [&str; 2] = ["__host-gp-", "__host-gatepass"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn own_cookies_are_taken_out_and_the_rest_stays() {
        let header = "a=1; __Host-gp-abc=secret; b=2;__HOST-gatepass=x; c";
        assert_eq!(without_own(header).as_deref(), Some("a=1; b=2; c"));
        assert_eq!(without_own("__Host-gp-abc=secret").as_deref(), Some(""));
        let joined = "a=1,2, __Host-gp-abc=secret; b=2";
        assert_eq!(without_own(joined).as_deref(), Some("a=1,2; b=2"));
        assert_eq!(without_own("a=1; host-gp=2; b=__Host-gp-x"), None);
    }

    #[test]
    fn cookies_of_apps_in_path_places_never_reach_the_main_upstream() {
        let header = "a=1; gp-abcdefghij234567-sid=secret; b=2,gp-abcdefghij234567-=x";
        assert_eq!(without_own(header).as_deref(), Some("a=1; b=2"));
        for other in [
            "gp-abcdefghij234567=1",
            "gp-abcdefghij23456-a=1",
            "gp-abcdefghij2345678-a=1",
            "gp-abcdefghij234561-a=1",
            "gp-ABCDEFGHIJ234567-a=1",
            "gp-a-b=1",
        ] {
            assert_eq!(without_own(other), None, "{other}");
        }
    }

    #[test]
    fn a_session_is_a_cookie_of_its_own_and_no_part_of_another() {
        let name = "__Host-gp-abcdefghijklmnop";
        let header = format!("a=1,{name}=x; {name}=y;{name}=z; {name}2=w, {name}=v");
        assert_eq!(values(&header, name).collect::<Vec<_>>(), ["y", "z"]);
        let found: Vec<_> = sessions(&header).map(|(_, value)| value).collect();
        assert_eq!(found, ["y", "z"]);
    }

    #[test]
    fn rfc_6265bis_5_6_only_spaces_and_tabs_around_a_name_are_none_of_it() {
        let name = "__Host-gp-abcdefghijklmnop";
        for blank in ["\u{a0}", "\u{2003}", "\u{3000}", "\u{b}", "\u{85}"] {
            let header = format!("{blank}{name}=x; {name}{blank}=x");
            assert_eq!(values(&header, name).next(), None, "{header:?}");
            assert!(sessions(&header).next().is_none(), "{header:?}");
            assert_eq!(without_own(&header).as_deref(), Some(""), "{header:?}");
        }
        let header = format!("\t{name} =\tx ");
        assert_eq!(values(&header, name).collect::<Vec<_>>(), ["x"]);
    }

    proptest! {
        #[test]
        fn nothing_of_ours_is_left(
            header in "(([ ;,=a-c]|__Host-gp-x|__host-GATEPASS|gp-abcdefghij234567-)){0,12}",
        ) {
            let rest = without_own(&header).unwrap_or(header);
            prop_assert!(!rest.split([';', ',']).any(is_own));
        }
    }
}
