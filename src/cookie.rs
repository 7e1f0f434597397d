//! The `Cookie` header (RFC 6265bis).

use crate::token;

/// The header without Gatepass's own cookies and without any that holds a
/// token; `None` when none of them is in it.
///
/// Their names begin with `__Host-gp-` (sessions) or `__Host-gatepass`
/// (management), in any case, since browsers read the prefix so. Two `Cookie`
/// fields arrive as one, joined by a comma, so a comma may end a cookie too.
pub fn without_own(header: &str) -> Option<String> {
    if !header.split([';', ',']).any(is_own) {
        return None;
    }
    let kept: Vec<_> = header
        .split(';')
        .map(|part| {
            let kept: Vec<_> = part.split(',').filter(|pair| !is_own(pair)).collect();
            kept.join(",").trim_matches([' ', ',']).to_owned()
        })
        .filter(|part| !part.is_empty())
        .collect();
    Some(kept.join("; "))
}

fn is_own(pair: &str) -> bool {
    if token::appears_in(pair) {
        return true;
    }
    let name = pair.split_once('=').map_or(pair, |(name, _)| name).trim();
    OWN_PREFIXES.iter().any(|prefix| {
        name.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    })
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

    proptest! {
        #[test]
        fn nothing_of_ours_is_left(header in "(([ ;,=a-c]|__Host-gp-x|__host-GATEPASS)){0,12}") {
            let rest = without_own(&header).unwrap_or(header);
            prop_assert!(!rest.split([';', ',']).any(is_own));
        }
    }
}
