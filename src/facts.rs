//! A request as the core sees it.
//!
//! A shell packs what it knows into one string, so that a check crosses from
//! JavaScript into WebAssembly once: the method, the URL and one line for each
//! header that matters, `name:value`, or `name:` where only its presence does
//! ([`Relevance`] says which). No part can hold a line feed, since HTTP forbids it
//! and the runtime enforces that.
//!
//! [`Relevance`]: crate::header::Relevance

use crate::address;
use crate::bytes::{cut, find, pieces};
use crate::header::FETCH_METADATA;
use crate::origin;
use crate::token;
use std::borrow::Cow;
use std::net::IpAddr;

/// The method, the URL and the headers of a request.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// `scheme://host[:port]`, as the runtime saw it.
    pub origin: &'a str,
    /// The path, as the URL standard serialises it; begins with `/`.
    pub path: &'a str,
    /// The query without its question mark, where there is one.
    pub query: Option<&'a str>,
    scheme: &'a str,
    host: &'a str,
    headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Facts<'a> {
    /// Unpacks what a shell has packed.
    pub fn parse(packed: &'a str) -> Option<Self> {
        let mut lines = pieces(packed, b'\n');
        let method = lines.next().filter(|method| !method.is_empty())?;
        let url = lines.next()?;
        let url = cut(url, b'#').map_or(url, |(url, _fragment)| url);
        let (scheme, rest) = cut(url, b':')?;
        let rest = rest.strip_prefix("//")?;
        let (host, target) = rest.split_at_checked(find(rest, b'/')?)?;
        let (origin, _) = url.split_at_checked(url.len().checked_sub(target.len())?)?;
        if !host.bytes().all(may_name_host) {
            return None;
        }
        let (path, query) = match cut(target, b'?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let mut headers = Vec::with_capacity(USUAL_HEADERS);
        for line in lines {
            if !line.is_empty() {
                headers.push(cut(line, b':')?);
            }
        }
        Some(Self {
            method,
            origin,
            path,
            query,
            scheme,
            host,
            headers,
        })
    }

    /// What follows `/gatepass` in a path of Gatepass's own.
    pub fn own_path(&self) -> Option<&'a str> {
        let rest = self.path.strip_prefix("/gatepass")?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }

    /// The value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let found = self.headers.iter().find(|(header, _)| *header == name);
        found.map(|(_, value)| *value)
    }

    /// The names of the headers that matter.
    pub fn header_names(&self) -> impl Iterator<Item = &'a str> {
        self.headers.iter().map(|(name, _)| *name)
    }

    /// Where the request comes from. Only the edge's own header is believed.
    pub fn address(&self) -> Option<IpAddr> {
        let text = self.header("cf-connecting-ip")?;
        text.parse().or_else(|_| text.trim().parse()).ok()
    }

    /// What stands for the address where requests are counted.
    pub fn counted_address(&self) -> String {
        address::counted_as(self.address())
    }

    /// The scheme, `http` or `https`.
    pub const fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// The host with its port, if it has one.
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The host without its port.
    pub fn hostname(&self) -> &'a str {
        origin::without_port(self.host)
    }

    /// Whether a browser says by fetch metadata that it made the request.
    pub fn from_browser(&self) -> bool {
        self.header_names()
            .any(|name| name.starts_with(FETCH_METADATA))
    }

    /// Whether a page of another site (or a sibling origin) made the request,
    /// as far as the browser says. Where a credential is ambient, that is, where
    /// the browser adds it by itself, such a request must not act for anyone.
    pub fn cross_site(&self) -> bool {
        let site = self.header("sec-fetch-site");
        let foreign_site = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
        let foreign_origin = self
            .header("origin")
            .is_some_and(|origin| origin != self.origin);
        foreign_site || foreign_origin
    }

    /// Whether it is a CORS preflight (Fetch standard): `OPTIONS` with an
    /// `Origin` and an `Access-Control-Request-Method`.
    pub fn preflight(&self) -> Option<(&'a str, &'a str)> {
        let asked = self.header("access-control-request-method")?;
        let origin = self.header("origin")?;
        (self.method == "OPTIONS").then_some((origin, asked))
    }

    /// The query without these parameters, and without any other that holds a
    /// token; `None` when nothing is left of it.
    pub fn query_without_secrets(&self, parameters: &[&str]) -> Option<Cow<'a, str>> {
        let query = self.query?;
        let is_secret = |pair: &str| {
            (!parameters.is_empty() && parameters.contains(&&*decode_name(pair)))
                || token::appears_in(&decode(pair))
        };
        if !pieces(query, b'&').any(is_secret) {
            return Some(Cow::Borrowed(query));
        }
        let kept: Vec<_> = pieces(query, b'&')
            .filter(|pair| !is_secret(pair))
            .collect();
        (!kept.is_empty()).then(|| Cow::Owned(kept.join("&")))
    }

    /// The decoded values of a query parameter, in order.
    pub fn query_values(&self, parameter: &str) -> Vec<String> {
        let pairs = pieces(self.query.unwrap_or_default(), b'&');
        pairs
            .filter(|pair| decode_name(pair) == parameter)
            .map(|pair| decode(cut(pair, b'=').map_or("", |(_, value)| value)).into_owned())
            .collect()
    }
}

/// Whether a host or its port may have this byte. The URL standard lets more stand in a
/// host, and a runtime puts the target `*` behind it; no name has that, and no server takes it.
const fn may_name_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']' | b'_')
}

fn decode_name(pair: &str) -> Cow<'_, str> {
    decode(cut(pair, b'=').map_or(pair, |(name, _)| name))
}

/// Decodes as `application/x-www-form-urlencoded` does.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy();
    Cow::Owned(decoded.into_owned())
}

const USUAL_HEADERS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_packed_request_is_unpacked() {
        let packed =
            "GET\nhttps://gate.example:8443/a//b?x=1&y=2\nhost:\norigin:https://gate.example:8443";
        let facts = Facts::parse(packed).unwrap();
        assert_eq!(facts.method, "GET");
        assert_eq!(facts.origin, "https://gate.example:8443");
        assert_eq!(facts.host(), "gate.example:8443");
        assert_eq!(facts.hostname(), "gate.example");
        assert_eq!(facts.scheme(), "https");
        assert_eq!(facts.path, "/a//b");
        assert_eq!(facts.query, Some("x=1&y=2"));
        assert_eq!(facts.header("origin"), Some("https://gate.example:8443"));
        assert!(!facts.cross_site());
    }

    #[test]
    fn requests_of_other_sites_and_siblings_are_told_apart() {
        for (headers, cross) in [
            ("sec-fetch-site:same-origin", false),
            ("sec-fetch-site:none", false),
            ("sec-fetch-site:same-site", true),
            ("sec-fetch-site:cross-site", true),
            ("origin:https://a.example", false),
            ("origin:https://b.example", true),
            ("origin:null", true),
            ("accept:", false),
        ] {
            let packed = format!("GET\nhttps://a.example/\n{headers}");
            assert_eq!(
                Facts::parse(&packed).unwrap().cross_site(),
                cross,
                "{headers}"
            );
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        let parse = |host: &str| Facts::parse(&format!("GET\nhttp://{host}/\n")).is_some();
        for host in ["a-b_c.example.", "xn--mnchen-3ya.example:8080", "[::1]:80"] {
            assert!(parse(host), "{host}");
        }
        for host in [
            "a@b",
            "a.example*",
            "*",
            "a,b",
            "a;b",
            "a'b",
            "a\"b",
            "{a}",
            "a%62",
            "ä",
        ] {
            assert!(!parse(host), "{host}");
        }
    }

    #[test]
    fn a_parameter_is_found_and_removed_in_any_spelling() {
        let packed = "GET\nhttps://a.example/?a=1&access%5Ftoken=x%2By&b=2&access_token=z";
        let facts = Facts::parse(packed).unwrap();
        assert_eq!(facts.query_values("access_token"), ["x+y", "z"]);
        assert_eq!(
            facts.query_without_secrets(&["access_token"]).as_deref(),
            Some("a=1&b=2")
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            if let Some(facts) = Facts::parse(&text) {
                prop_assert!(facts.path.starts_with('/'));
            }
        }
    }
}
