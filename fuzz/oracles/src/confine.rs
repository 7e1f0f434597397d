//! Answers in a place: nothing of what an app answers reaches beyond the place, and what is
//! left of it is what it was.
//!
//! The input's lines are headers, `name:value`.

use crate::{cookie, text, token::looks_like};
use gatepass::confine::{Confinement, confine};
use gatepass::{csp, place_cookie};
use serde_json::from_str;
use url::Url;

pub fn check(data: &[u8]) {
    let text = text(data);
    let lines = text.split('\n').filter_map(|line| line.split_once(':'));
    let headers: Vec<_> = lines
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    for (prefix, place) in [("", ""), (PREFIX, PLACE)] {
        is_confined(&headers, prefix, place);
        for (name, value) in &headers {
            match name.as_str() {
                "set-cookie" => is_cookie_of(value, prefix, place),
                "cookie" => is_for_upstream(value, place),
                _ => {}
            }
        }
    }
    for (_, value) in headers.iter().filter(|(name, _)| name == CSP) {
        keeps_other_directives(value);
    }
}

fn is_confined(headers: &[(String, &str)], prefix: &str, place: &str) {
    let confinement = Confinement {
        origin: ORIGIN,
        prefix,
        place,
        upstream: "https://app.example/base",
        frame_ancestors: "https://portal.example",
        document: true,
        ..Confinement::default()
    };
    let lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    let changes = confine(&confinement.lines().join("\n"), &lines.join("\n")).unwrap();
    let changes: serde_json::Value = from_str(&changes).unwrap();
    let removed: Vec<String> = from_str(&changes["remove"].to_string()).unwrap();
    let mut left: Vec<(String, String)> = from_str(&changes["append"].to_string()).unwrap();
    let kept = headers.iter().filter(|(name, _)| !removed.contains(name));
    left.extend(kept.map(|(name, value)| (name.clone(), (*value).to_owned())));
    assert_eq!(
        left.iter()
            .filter(|(name, value)| name == CSP && is_framed(value))
            .count(),
        1
    );
    for (name, value) in &left {
        let is_dropped = name.starts_with("access-control-") || DROPPED.contains(&name.as_str());
        assert!(!is_dropped && !value.contains('\n'), "{name}: {value}");
        let framing = value
            .split([',', ';'])
            .filter(|directive| is_framing(directive));
        assert!(name != CSP || framing.count() <= 1, "{name}: {value}");
        if name == "location" && !prefix.is_empty() {
            stays_inside(value);
        }
    }
}

/// A redirect to a path of the host that the place shares is one inside the place.
fn stays_inside(location: &str) {
    let page = Url::parse(&format!("{ORIGIN}{PREFIX}/")).unwrap();
    let is_rooted = location.starts_with('/')
        && !location.contains(['\t', '\n', '\r', '\\'])
        && !location.starts_with("//");
    if let Ok(url) = page.join(location)
        && is_rooted
    {
        assert!(
            url.path() == PREFIX || url.path().starts_with(&format!("{PREFIX}/")),
            "{location:?}"
        );
    }
}

/// The one policy of Gatepass's.
fn is_framed(policy: &str) -> bool {
    policy == "frame-ancestors 'self' https://portal.example"
}

fn is_framing(directive: &str) -> bool {
    let name = directive
        .split_ascii_whitespace()
        .next()
        .unwrap_or_default();
    name.eq_ignore_ascii_case("frame-ancestors")
}

fn keeps_other_directives(value: &str) {
    let kept = csp::without_frame_ancestors(value);
    let others = |value: &str| -> Vec<String> {
        let directives = value
            .split([',', ';'])
            .map(|directive| directive.trim_ascii().to_owned());
        directives
            .filter(|directive| !directive.is_empty() && !is_framing(directive))
            .collect()
    };
    assert_eq!(others(&kept), others(value), "{value:?} as {kept:?}");
    assert!(
        !kept.split([',', ';']).any(is_framing),
        "{value:?} as {kept:?}"
    );
    assert_eq!(csp::without_frame_ancestors(&kept), kept, "{value:?}");
}

/// A cookie as RFC 6265bis §5.6 reads it.
fn is_cookie_of(line: &str, prefix: &str, place: &str) {
    let Some(confined) = place_cookie::confined(line, prefix, place) else {
        return;
    };
    let (name, value, _) = cookie_of(line);
    let (own_name, own_value, attributes) = cookie_of(&confined);
    let sign = if place.is_empty() {
        String::new()
    } else {
        format!("gp-{place}-")
    };
    assert_eq!(
        (own_name, own_value),
        (format!("{sign}{name}").as_str(), value),
        "{line:?}"
    );
    assert!(own_name.len() + own_value.len() <= 4096, "{line:?}");
    let names: Vec<_> = attributes
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    for needed in ["secure", "samesite", "partitioned"] {
        assert_eq!(
            names.iter().filter(|name| *name == needed).count(),
            1,
            "{confined:?}"
        );
    }
    let known = [
        "path",
        "expires",
        "max-age",
        "httponly",
        "secure",
        "samesite",
        "partitioned",
    ];
    for (at, name) in names.iter().enumerate() {
        assert!(
            known.contains(&name.as_str()) && !names[..at].contains(name),
            "{confined:?}"
        );
    }
    assert!(attributes.contains(&("SameSite", "None")), "{confined:?}");
    let path = attributes
        .iter()
        .find(|(name, _)| *name == "Path")
        .map(|(_, path)| *path);
    if !prefix.is_empty() {
        let below = path.unwrap().strip_prefix(prefix).unwrap();
        assert!(
            below.is_empty() || below.starts_with(['/', '?', '#']),
            "{confined:?}"
        );
    }
    let pair = [own_name, own_value].join(if own_name.is_empty() { "" } else { "=" });
    assert!(
        own_name.starts_with(&sign) && (!sign.is_empty() || !is_session(&pair)),
        "{confined:?}"
    );
    comes_back(&pair, name, value, place);
}

/// What a browser sends of a cookie reaches the app as the app made it.
fn comes_back(pair: &str, name: &str, value: &str, place: &str) {
    let made = [name, value].join(if name.is_empty() { "" } else { "=" });
    let is_apart = !made.contains(',') && !looks_like(&made) && !made.starts_with('=');
    if is_apart && !cookie::is_own(&made) {
        assert_eq!(place_cookie::for_upstream(pair, place), made, "{pair:?}");
    }
}

fn is_for_upstream(header: &str, place: &str) {
    let rest = place_cookie::for_upstream(header, place);
    assert!(
        !cookie::pieces(&rest).any(cookie::is_own),
        "{header:?} leaves {rest:?}"
    );
    assert!(
        place.is_empty() || rest.is_empty() || header.contains("gp-"),
        "{header:?}"
    );
}

fn is_session(pair: &str) -> bool {
    pair.to_ascii_lowercase().starts_with("__host-gp-")
}

type Attributes<'a> = Vec<(&'a str, &'a str)>;

fn cookie_of(line: &str) -> (&str, &str, Attributes<'_>) {
    let mut parts = line.split(';');
    let pair = parts.next().unwrap();
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    let attributes = parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (trimmed(name), trimmed(value))
    });
    (trimmed(name), trimmed(value), attributes.collect())
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

const ORIGIN: &str = "https://gate.example";
const PREFIX: &str = "/embed-apps/jobs/~abcdefghij234567";
const PLACE: &str = "abcdefghij234567";
const CSP: &str = "content-security-policy";
const DROPPED: [&str; 6] = [
    "clear-site-data",
    "nel",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "x-frame-options",
];
