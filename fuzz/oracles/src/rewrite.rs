//! URLs of an app in a place: what is moved leads to the same resource inside the place, for
//! a browser too; what is moved once is not moved again.

use crate::text;
use gatepass::place_url::Mount;
use gatepass::rewrite::attribute;
use url::Url;

pub fn check(data: &[u8]) {
    let text = text(data);
    for upstream in ["https://app.example", "https://app.example/base"] {
        for prefix in ["", PREFIX] {
            let mount = Mount {
                origin: ORIGIN,
                prefix,
                upstream,
            };
            is_moved_inside(&mount, &text);
        }
        let mount = Mount {
            origin: ORIGIN,
            prefix: PREFIX,
            upstream,
        };
        for name in ["content", "href", "ping", "srcset"] {
            is_rewritten(&mount, name, &text);
        }
    }
}

fn is_moved_inside(mount: &Mount<'_>, url: &str) {
    let page = Url::parse(&format!("{ORIGIN}{}/some/page", mount.prefix)).unwrap();
    let Some(moved) = mount.moved(url) else {
        return assert!(!leaves(mount, &page, url), "{url:?} leaves the place");
    };
    assert_eq!(
        mount.moved(&moved),
        None,
        "{url:?} as {moved:?} is moved again"
    );
    let leads_to = page.join(&moved).unwrap();
    assert!(is_inside(&leads_to, mount.prefix), "{url:?} as {moved:?}");
    // For the app it led there from its own page.
    let app = Url::parse(mount.upstream).unwrap();
    let base = app.path().trim_end_matches('/');
    let before = app.join(url).unwrap();
    let path = match before.origin() == app.origin() && Url::parse(url).is_ok() {
        true => before.path().strip_prefix(base).unwrap(),
        false => before.path(),
    };
    let path = if path.is_empty() { "/" } else { path };
    let is_placed = path
        .strip_prefix(mount.prefix)
        .is_some_and(|rest| rest.starts_with('/') || rest.is_empty());
    let path = match is_placed && !mount.prefix.is_empty() {
        true => path.to_owned(),
        false => format!("{}{path}", mount.prefix),
    };
    assert_eq!(leads_to.path(), path, "{url:?} as {moved:?}");
    assert_eq!(leads_to.query(), before.query(), "{url:?} as {moved:?}");
    assert_eq!(
        leads_to.fragment(),
        before.fragment(),
        "{url:?} as {moved:?}"
    );
}

/// Whether a path of the app's own host leads out of the place.
fn leaves(mount: &Mount<'_>, page: &Url, url: &str) -> bool {
    let plain: String = url
        .trim_matches(|char| char <= ' ')
        .chars()
        .filter(|char| !"\t\n\r".contains(*char))
        .collect();
    let is_rooted = plain.starts_with('/') && !plain.starts_with("//") && !plain.starts_with("/\\");
    is_rooted
        && page
            .join(url)
            .is_ok_and(|url| !is_inside(&url, mount.prefix))
}

fn is_inside(url: &Url, prefix: &str) -> bool {
    let rest = url.path().strip_prefix(prefix);
    url.origin().ascii_serialization() == ORIGIN
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_rewritten(mount: &Mount<'_>, name: &str, value: &str) {
    let Some(new) = attribute(mount, name, value) else {
        return;
    };
    assert_eq!(
        attribute(mount, name, &new),
        None,
        "{name}={value:?} as {new:?} is moved again"
    );
    match name {
        "content" => {
            let (seconds, before) = refresh(value).unwrap();
            let (same_seconds, url) = refresh(&new).unwrap();
            assert_eq!(seconds, same_seconds, "{value:?} as {new:?}");
            assert_eq!(
                attribute(mount, "href", before).as_deref(),
                Some(url),
                "{value:?} as {new:?}"
            );
        }
        "srcset" => are_moved(mount, &candidates(value), &candidates(&new)),
        "ping" => are_moved(mount, &words(value), &words(&new)),
        _ => assert_eq!(mount.moved(value), Some(new)),
    }
}

fn are_moved(mount: &Mount<'_>, before: &[(&str, &str)], after: &[(&str, &str)]) {
    assert_eq!(before.len(), after.len(), "{before:?} as {after:?}");
    for ((url, described), (moved, same)) in before.iter().zip(after) {
        assert_eq!(described, same, "{before:?} as {after:?}");
        let is_moved = attribute(mount, "href", url).as_deref() == Some(*moved);
        assert!(is_moved || url == moved, "{before:?} as {after:?}");
    }
}

fn words(value: &str) -> Vec<(&str, &str)> {
    value
        .split_ascii_whitespace()
        .map(|word| (word, ""))
        .collect()
}

/// URL and descriptors of each candidate (HTML standard, "parse a srcset attribute").
fn candidates(value: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_ascii_whitespace() || char == ',');
        if rest.is_empty() {
            return found;
        }
        let end = rest
            .find(|char: char| char.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let (url, after) = rest.split_at(end);
        if url.ends_with(',') {
            found.push((url.trim_end_matches(','), ""));
            rest = after;
            continue;
        }
        let mut depth = false;
        let mut end = after.len();
        for (at, char) in after.char_indices() {
            match char {
                '(' => depth = true,
                ')' => depth = false,
                ',' if !depth => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        found.push((url, &after[..end]));
        rest = &after[end..];
    }
}

/// Seconds and URL (HTML standard, "shared declarative refresh steps").
fn refresh(value: &str) -> Option<(&str, &str)> {
    let start = value.trim_ascii_start();
    let digits = start
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(start.len());
    let (seconds, rest) = start.split_at(digits);
    let rest = rest.trim_start_matches(|char: char| char.is_ascii_digit() || char == '.');
    let mut rest = rest.trim_ascii_start();
    rest = rest
        .strip_prefix([';', ','])
        .unwrap_or(rest)
        .trim_ascii_start();
    let sign = rest
        .get(..3)
        .is_some_and(|sign| sign.eq_ignore_ascii_case("url"));
    if let Some(after) = sign
        .then(|| rest[3..].trim_ascii_start())
        .and_then(|after| after.strip_prefix('='))
    {
        rest = after.trim_ascii_start();
    }
    let url = match rest.as_bytes().first() {
        Some(quote @ (b'"' | b'\'')) => rest[1..].split(char::from(*quote)).next()?,
        _ => rest,
    };
    Some((seconds, url))
}

const ORIGIN: &str = "https://gate.example";
const PREFIX: &str = "/embed-apps/jobs/~abcdefghij234567";
