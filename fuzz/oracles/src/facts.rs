//! Facts: what a shell packs comes out as it went in, and no part of it is more than it was.
//!
//! The input's first line is a URL; the others are headers, `name:value`.

use crate::{text, token::looks_like};
use gatepass::facts::Facts;
use url::{Url, form_urlencoded};

pub fn check(data: &[u8]) {
    let text = text(data);
    if let Some(facts) = Facts::parse(&text) {
        assert!(facts.path.starts_with('/') && !facts.method.is_empty());
    }
    let (url, headers) = text.split_once('\n').unwrap_or((&text, ""));
    let Some(url) = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
    else {
        return;
    };
    let headers = sent(headers);
    let packed = packed("GET", url.as_str(), &headers);
    // A name (RFC 1123 §2.1, and `_` as many have it) or an address; and nobody's password.
    let is_named = url
        .host_str()
        .unwrap()
        .chars()
        .all(|char| char.is_ascii_alphanumeric() || "-._:[]".contains(char));
    let is_plain = is_named && url.username().is_empty() && url.password().is_none();
    let Some(facts) = Facts::parse(&packed) else {
        assert!(!is_plain, "{packed:?}");
        return;
    };
    assert!(is_plain, "{packed:?}");
    is_the_url(&facts, &url);
    let names: Vec<_> = facts.header_names().collect();
    assert_eq!(
        names,
        headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
    );
    for (name, value) in &headers {
        assert_eq!(facts.header(name), Some(value.as_str()), "{packed:?}");
    }
    // What only a shell may say.
    assert!(
        !names.iter().any(|name| name.starts_with('@')),
        "{packed:?}"
    );
    finds_parameters(&facts, &url);
}

/// What a client sends as headers: a name in lower case (RFC 9110 §5.1), once, and a value in
/// a line.
pub(crate) fn sent(lines: &str) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in lines.split('\n').filter_map(|line| line.split_once(':')) {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) || value.contains(['\r', '\0']) {
            continue;
        }
        let (name, value) = (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']));
        match headers.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) => *values = format!("{values}, {value}"),
            None => headers.push((name, value.to_owned())),
        }
    }
    headers
}

/// A request as shells pack it.
pub(crate) fn packed(method: &str, url: &str, headers: &[(String, String)]) -> String {
    let mut packed = format!("{method}\n{url}");
    for (name, value) in headers {
        packed.push_str(&format!("\n{name}:{value}"));
    }
    packed
}

fn is_the_url(facts: &Facts<'_>, url: &Url) {
    assert_eq!(facts.scheme(), url.scheme());
    assert_eq!(facts.hostname(), url.host_str().unwrap());
    assert_eq!(facts.origin, url.origin().ascii_serialization());
    assert_eq!(facts.path, url.path());
    assert_eq!(facts.query, url.query());
}

fn finds_parameters(facts: &Facts<'_>, url: &Url) {
    let query = url.query().unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    for (name, _) in &pairs {
        let values = pairs.iter().filter(|(other, _)| other == name);
        let values: Vec<_> = values.map(|(_, value)| value.to_string()).collect();
        // An empty pair is none to the URL standard.
        if !name.is_empty() {
            assert_eq!(facts.query_values(name), values, "{query:?}");
        }
        let rest = facts.query_without_secrets(&[name]);
        let rest = rest.as_deref().unwrap_or_default();
        let kept: Vec<_> = form_urlencoded::parse(rest.as_bytes()).collect();
        assert!(
            kept.iter().all(|pair| pairs.contains(pair)),
            "{query:?} leaves {rest:?}"
        );
        for (other, value) in &kept {
            let is_secret = looks_like(other) || looks_like(value);
            assert!(!is_secret && other != name, "{query:?} leaves {rest:?}");
        }
        let is_left =
            |(other, value): &&(_, _)| other != name && !looks_like(&format!("{other}={value}"));
        assert!(
            kept.len() >= pairs.iter().filter(is_left).count(),
            "{query:?} loses some"
        );
    }
}
