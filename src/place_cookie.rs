//! The cookies of an app in a place (RFC 6265bis).
//!
//! In a host place the browser keeps them apart by host. In a path place they
//! are named `gp-<place>-<name>` and have the place's prefix before their path.

use crate::cookie;
use crate::path;
use crate::place_url::is_below;

/// The upstream's `Set-Cookie` value as the browser may get it, `None`: not at
/// all. In a host place, prefix and place are `""`.
///
/// It is read as browsers read it (§5.6). `Domain`, `SameSite` and attributes
/// that the RFC does not know are lost; `Secure; SameSite=None; Partitioned`
/// are added. Left out are cookies with control characters, too long ones, and
/// those that would pass for Gatepass's own.
pub fn confined(line: &str, prefix: &str, place: &str) -> Option<String> {
    let is_control = |byte: u8| byte.is_ascii_control() && byte != b'\t';
    let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
    let (name, value) = split(pair).unwrap_or(("", pair.trim_matches(BLANKS)));
    let is_nothing = name.is_empty() && value.is_empty();
    if line.bytes().any(is_control) || is_nothing || is_forbidden(name, value) {
        return None;
    }
    let mut cookie = String::with_capacity(line.len().saturating_add(128));
    if !place.is_empty() {
        push_all(&mut cookie, &["gp-", place, "-"]);
    }
    cookie.push_str(name);
    if cookie.len().saturating_add(value.len()) > MAX_PAIR {
        return None;
    }
    push_all(&mut cookie, &["=", value]);
    let attributes = Attributes::parse(attributes);
    push_attribute(&mut cookie, "; Path=", &attributes.path_below(prefix));
    push_attribute(&mut cookie, "; Expires=", attributes.expires);
    push_attribute(&mut cookie, "; Max-Age=", attributes.max_age);
    if attributes.http_only {
        cookie.push_str("; HttpOnly");
    }
    cookie.push_str("; Secure; SameSite=None; Partitioned");
    Some(cookie)
}

/// The `Cookie` header that the upstream gets of the one that came; `""`: none.
///
/// In a host place (place `""`) it has all but Gatepass's own cookies and those
/// that hold a token; in a path place only those of the place, under the names
/// that the app gave them. Two `Cookie` fields arrive as one, joined by a comma
/// and a space, so what looks like a cookie after these is one.
pub fn for_upstream(header: &str, place: &str) -> String {
    if place.is_empty() {
        return cookie::without_own(header).unwrap_or_else(|| header.to_owned());
    }
    let mut kept = String::new();
    for part in header.split(';') {
        let mut is_kept = false;
        for (index, piece) in part.split(',').enumerate() {
            if index == 0 || begins_cookie(piece) {
                let own = of_place(piece, place);
                is_kept = own.is_some();
                if let Some(pair) = own {
                    let sign = if kept.is_empty() { "" } else { "; " };
                    push_all(&mut kept, &[sign, pair]);
                }
            } else if is_kept {
                push_all(&mut kept, &[",", piece]);
            }
        }
    }
    kept
}

/// Whether what follows a comma is a cookie rather than the rest of a value.
fn begins_cookie(piece: &str) -> bool {
    let is_token = |name: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty() && name.bytes().all(allowed)
    };
    let is_named = split(piece).is_some_and(|(name, _)| is_token(name));
    is_named && piece.starts_with(BLANKS) || cookie::is_own(piece)
}

/// The cookie as the app named it, if it is one of the place.
fn of_place<'a>(pair: &'a str, place: &str) -> Option<&'a str> {
    let rest = pair.trim_matches(BLANKS).strip_prefix("gp-")?;
    let pair = rest.strip_prefix(place)?.strip_prefix('-')?;
    let bare = pair.trim_start_matches(['=', ' ', '\t']);
    let is_nothing = bare.is_empty();
    (!is_nothing && !cookie::is_own(bare)).then(|| pair.strip_prefix('=').unwrap_or(pair))
}

/// Whether a cookie would pass for Gatepass's own. A browser sends one without
/// a name as its value alone, which a server may read as a name.
fn is_forbidden(name: &str, value: &str) -> bool {
    let bare = value.trim_start_matches(['=', ' ', '\t']);
    cookie::is_own_name(name) || name.is_empty() && cookie::is_own(bare)
}

#[derive(Default)]
struct Attributes<'a> {
    path: &'a str,
    expires: &'a str,
    max_age: &'a str,
    http_only: bool,
}

impl<'a> Attributes<'a> {
    /// Of attributes that stand twice the last counts; too long ones do not.
    fn parse(text: &'a str) -> Self {
        let mut attributes = Self::default();
        for attribute in text.split(';') {
            let (name, value) = split(attribute).unwrap_or((attribute.trim_matches(BLANKS), ""));
            if value.len() > MAX_ATTRIBUTE {
                continue;
            }
            match name.to_ascii_lowercase().as_str() {
                "path" => attributes.path = value,
                "expires" if !value.is_empty() => attributes.expires = value,
                "max-age" if is_number(value) => attributes.max_age = value,
                "httponly" => attributes.http_only = true,
                _ => {}
            }
        }
        attributes
    }

    /// The path; `""` for the browser's default, which a path place never uses.
    fn path_below(&self, prefix: &str) -> String {
        let is_usable = self.path.starts_with('/');
        if prefix.is_empty() {
            return if is_usable { self.path } else { "" }.to_owned();
        }
        if !is_usable || self.path.split('/').any(path::climbs) {
            return prefix.to_owned() + "/";
        }
        if is_below(self.path, prefix) {
            return self.path.to_owned();
        }
        let below = prefix.to_owned() + self.path;
        if below.len() > MAX_ATTRIBUTE {
            return prefix.to_owned() + "/";
        }
        below
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Name and value, without the blanks around them.
fn split(pair: &str) -> Option<(&str, &str)> {
    let (name, value) = pair.split_once('=')?;
    Some((name.trim_matches(BLANKS), value.trim_matches(BLANKS)))
}

fn push_attribute(cookie: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        push_all(cookie, &[name, value]);
    }
}

fn push_all(text: &mut String, parts: &[&str]) {
    for part in parts {
        text.push_str(part);
    }
}

const BLANKS: [char; 2] = [' ', '\t'];
/// Octets of name and value together, and of an attribute's value.
const MAX_PAIR: usize = 4096;
const MAX_ATTRIBUTE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PREFIX: &str = "/embed-apps/jobs/~abcdefghij234567";
    const PLACE: &str = "abcdefghij234567";
    const ADDED: &str = "; Secure; SameSite=None; Partitioned";

    fn in_host(line: &str) -> Option<String> {
        confined(line, "", "")
    }

    fn in_path(line: &str) -> Option<String> {
        confined(line, PREFIX, PLACE)
    }

    #[test]
    fn a_cookie_loses_its_domain_and_becomes_partitioned() {
        for (line, kept) in [
            ("a=1", "a=1"),
            (" a = 1 ", "a=1"),
            (
                "a=1; Domain=app.example; Secure; SameSite=Lax; Partitioned",
                "a=1",
            ),
            (
                "a=1; secure; SECURE; samesite=Strict; partitioned; Priority=High",
                "a=1",
            ),
            ("a=1;HTTPONLY;httponly=x", "a=1; HttpOnly"),
            ("a=1; Path=/x; path=/y", "a=1; Path=/y"),
            ("a=1; Path=/x; Path", "a=1"),
            ("a=1; Path=x", "a=1"),
            (
                "a=1; Max-Age=60; max-age = -1; Max-Age=x; Max-Age",
                "a=1; Max-Age=-1",
            ),
            (
                "a=1; expires=Thu, 01 Jan 1970 00:00:00 GMT; Expires",
                "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            ),
            ("a=b=c,d \"e\"", "a=b=c,d \"e\""),
            ("a=", "a="),
            ("value", "=value"),
            ("__Host-a=1; Path=/", "__Host-a=1; Path=/"),
            ("a=Domain=app.example", "a=Domain=app.example"),
        ] {
            assert_eq!(in_host(line), Some(kept.to_owned() + ADDED), "{line}");
        }
    }

    #[test]
    fn a_cookie_that_would_pass_for_gatepass_s_own_is_dropped() {
        for line in [
            "__Host-gp-x=1",
            " \t__HOST-GP-x = 1",
            "__host-Gatepass=1",
            "__Host-gatepass-session=1; Path=/",
            "gp-abcdefghij234567-sid=1",
            "__Host-gp-x",
            "=__Host-gp-x=1",
            "= __Host-gatepass=1",
            "==__Host-gp-x=1",
            "=gp-abcdefghij234567-sid=1",
        ] {
            assert_eq!(in_host(line), None, "{line}");
            assert_eq!(in_path(line), None, "{line}");
        }
    }

    #[test]
    fn cookies_that_browsers_ignore_are_dropped() {
        for line in [
            "",
            "=",
            "; Path=/",
            " = ;a=1",
            "a=\u{0}",
            "a=1\r\nb: 2",
            "a=1; Path=/\u{7f}",
        ] {
            assert_eq!(in_host(line), None, "{line:?}");
        }
        assert!(in_host("a=1\t2").is_some());
    }

    #[test]
    fn what_is_too_long_is_dropped() {
        let pair = |length: usize| format!("a={}", "x".repeat(length - 1));
        assert!(in_host(&pair(4096)).is_some());
        assert_eq!(in_host(&pair(4097)), None);
        assert!(in_path(&pair(4096 - 20)).is_some());
        assert_eq!(in_path(&pair(4096 - 19)), None);
        let path = |length: usize| format!("/{}", "x".repeat(length - 1));
        let with_path = |length| format!("a=1; Path={}", path(length));
        let kept = format!("a=1; Path={}{ADDED}", path(1024));
        assert_eq!(in_host(&with_path(1024)), Some(kept));
        assert_eq!(in_host(&with_path(1025)), Some(format!("a=1{ADDED}")));
        let kept = format!("gp-{PLACE}-a=1; Path={PREFIX}/{ADDED}");
        assert_eq!(in_path(&with_path(1000)), Some(kept));
    }

    #[test]
    fn in_a_path_place_name_and_path_are_the_place_s() {
        for (line, name, path) in [
            ("a=1", "a", "/"),
            ("a=1; Path=/", "a", "/"),
            ("a=1; Path=/x/y", "a", "/x/y"),
            ("a=1; Path=x", "a", "/"),
            ("a=1; Path=//evil.example", "a", "//evil.example"),
            ("a=1; Path=/..", "a", "/"),
            ("a=1; Path=/x/%2e%2E/../..", "a", "/"),
            ("a=1; Path=/x/..%2f..", "a", "/"),
            ("a=1; Path=/x\\..\\..", "a", "/"),
            ("a=1; Path=/embed-apps/jobs/~abcdefghij234567/x", "a", "/x"),
            (
                "a=1; Path=/embed-apps/jobs/~abcdefghij234567/../x",
                "a",
                "/",
            ),
            ("a=1; Path=/embed-apps", "a", "/embed-apps"),
            ("__Host-a=1; Path=/; Secure", "__Host-a", "/"),
            ("=1", "", "/"),
        ] {
            let kept = format!("gp-{PLACE}-{name}=1; Path={PREFIX}{path}{ADDED}");
            assert_eq!(in_path(line), Some(kept), "{line}");
        }
    }

    #[test]
    fn the_upstream_gets_the_cookies_of_its_place_under_its_own_names() {
        for (header, kept) in [
            (
                "gp-abcdefghij234567-a=1; gp-abcdefghij234567-b=2",
                "a=1; b=2",
            ),
            (
                "gp-abcdefghij234567-a=1;gp-abcdefghij234567-a=x=y",
                "a=1; a=x=y",
            ),
            (
                "main=1; gp-abcdefghij234567-a=1; __Host-gp-abcdefghij234567=s",
                "a=1",
            ),
            ("gp-bbbbbbbbbbbbbbbb-a=1; gp-abcdefghij2345677-a=1", ""),
            ("GP-abcdefghij234567-a=1; xgp-abcdefghij234567-a=1", ""),
            (
                "gp-abcdefghij234567-__Host-gp-x=1; gp-abcdefghij234567- __HOST-GATEPASS=1",
                "",
            ),
            (
                "gp-abcdefghij234567-=__Host-gp-x=1; gp-abcdefghij234567-==__Host-gp-x",
                "",
            ),
            ("gp-abcdefghij234567-gp-abcdefghij234567-a=1", ""),
            ("gp-abcdefghij234567-=value; gp-abcdefghij234567-=", "value"),
            (
                "gp-abcdefghij234567-a=pat_0123456789abcdefghij0123456789abcdef",
                "",
            ),
            ("gp-abcdefghij234567-a=1,2, 3", "a=1,2, 3"),
            ("gp-abcdefghij234567-a=x=1,y=2", "a=x=1,y=2"),
            (
                "gp-abcdefghij234567-a={\"x\": 1, \"y=\": 2}",
                "a={\"x\": 1, \"y=\": 2}",
            ),
            (
                "gp-abcdefghij234567-a=1, main=2; gp-abcdefghij234567-b=3",
                "a=1; b=3",
            ),
            (
                "main=1, gp-abcdefghij234567-a=1, gp-abcdefghij234567-b=2",
                "a=1; b=2",
            ),
            ("gp-abcdefghij234567-a=1,__Host-gp-x=2,3", "a=1"),
            ("", ""),
        ] {
            assert_eq!(for_upstream(header, PLACE), kept, "{header}");
        }
    }

    #[test]
    fn in_a_host_place_all_but_gatepass_s_own_cookies_reach_the_upstream() {
        let header = "a=1; __Host-gp-abcdefghij234567=s; b=2";
        assert_eq!(for_upstream(header, ""), "a=1; b=2");
        assert_eq!(for_upstream("a=1;b", ""), "a=1;b");
        assert_eq!(for_upstream("__Host-gp-x=s", ""), "");
    }

    /// A cookie as a browser would store it: RFC 6265bis §5.6 by another road.
    fn stored(line: &str) -> (String, String, Vec<(String, String)>) {
        let mut parts = line.split(';').map(|part| {
            let at = part.find('=');
            let (name, value) = part.split_at(at.unwrap_or(part.len()));
            let value = value.get(1..).unwrap_or_default();
            (name.trim().to_owned(), value.trim().to_owned())
        });
        let (name, value) = parts.next().unwrap();
        let attributes = parts.map(|(name, value)| (name.to_lowercase(), value));
        (name, value, attributes.collect())
    }

    fn lines() -> impl Strategy<Value = String> {
        let pieces = "([ab/=;,. \t\"\u{1}-]|; ?|__Host-gp-|__host-GATEPASS|gp-abcdefghij234567-|\
                      Path=/|Path=|Domain=x|Secure|SameSite=Lax|HttpOnly|Max-Age=1|Expires=x|\
                      \\.\\./|%2e|/embed-apps/jobs/~abcdefghij234567|Partitioned|ä)";
        proptest::string::string_regex(&format!("{pieces}{{0,14}}")).unwrap()
    }

    proptest! {
        #[test]
        fn every_cookie_that_is_set_is_whole_confined_and_not_ours(line in lines(), in_path: bool) {
            let (prefix, place) = if in_path { (PREFIX, PLACE) } else { ("", "") };
            let Some(cookie) = confined(&line, prefix, place) else { return Ok(()) };
            let (name, value, attributes) = stored(&cookie);
            prop_assert!(name.len() + value.len() <= 4096);
            let mut names: Vec<_> = attributes.iter().map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            let known = ["expires", "httponly", "max-age", "partitioned", "path", "samesite", "secure"];
            prop_assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{}", cookie);
            prop_assert!(names.iter().all(|name| known.contains(name)), "{}", cookie);
            for (name, wanted) in [("secure", ""), ("partitioned", ""), ("samesite", "None")] {
                prop_assert!(attributes.contains(&(name.to_owned(), wanted.to_owned())));
            }
            let lowered = name.to_lowercase();
            prop_assert!(!lowered.starts_with("__host-gp-") && !lowered.starts_with("__host-gatepass"));
            if in_path {
                prop_assert!(name.starts_with("gp-abcdefghij234567-"));
                let path = attributes.iter().find(|(name, _)| name == "path");
                prop_assert!(path.unwrap().1.starts_with(PREFIX), "{}", cookie);
                prop_assert!(!path.unwrap().1.split('/').any(path::climbs), "{}", cookie);
            }
            let (sent_name, sent_value, _) = stored(&line);
            if line.split(';').next().unwrap().contains('=') {
                prop_assert!(name.ends_with(&sent_name));
                prop_assert_eq!(value, sent_value);
            }
        }

        #[test]
        fn a_cookie_comes_back_as_it_was_set(
            name in "[a-z_.-]{1,8}", value in "[a-z0-9=\"{}:][a-z0-9,=\"{}:]{0,12}",
        ) {
            let cookie = in_path(&format!("{name}={value}")).unwrap();
            let (pair, _) = cookie.split_once(';').unwrap();
            let header = format!("main=1; {pair}; other=2");
            prop_assert_eq!(for_upstream(&header, PLACE), format!("{name}={value}"));
        }

        #[test]
        fn nothing_of_ours_or_of_the_main_site_reaches_the_upstream(
            header in "([ ;,=a\t]|__Host-gp-x|__host-GATEPASS|gp-abcdefghij234567-|main=1|                       gp-bbbbbbbbbbbbbbbb-){0,12}",
        ) {
            for place in [PLACE, ""] {
                let rest = for_upstream(&header, place);
                prop_assert!(!rest.split([';', ',']).any(cookie::is_own), "{}", rest);
            }
            let mixed = format!("main=2; {header}; main=2");
            let rest = for_upstream(&mixed, PLACE);
            prop_assert!(!rest.contains("main=2"), "{}", rest);
        }

        #[test]
        fn no_text_makes_it_panic(text: String, prefix: String, place: String) {
            let _ = confined(&text, &prefix, &place);
            let _ = for_upstream(&text, &place);
        }
    }
}
