//! What is forwarded: whatever a client sends, nothing that speaks for the gate survives, no
//! secret goes on, and the path is the one that the gate saw.
//!
//! The input's first line is what follows the host in the URL; the others are headers,
//! `name:value`.

use crate::facts::{packed, sent};
use crate::{cookie, text, token::looks_like};
use gatepass::config::Config;
use gatepass::digest::Digest;
use gatepass::facts::Facts;
use gatepass::gate::Gate;
use gatepass::header::Relevance;
use gatepass::settings::Settings;
use std::collections::HashSet;
use std::rc::Rc;
use url::{Url, form_urlencoded};

pub fn check(data: &[u8]) {
    let text = text(data);
    let (target, headers) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(url) = Url::parse(&format!("https://gate.example/{target}")) else {
        return;
    };
    let mut headers = sent(headers);
    is_forwarded(&url, &headers);
    headers.retain(|(name, _)| name != "authorization");
    headers.push(("authorization".to_owned(), format!("Bearer {SECRET}")));
    is_forwarded(&url, &headers);
}

fn is_forwarded(url: &Url, headers: &[(String, String)]) {
    let packed = packed("GET", url.as_str(), &relevant(headers));
    let facts = Facts::parse(&packed).unwrap();
    let verdict = gate().check(&facts, None, NOW).into_text();
    let Some(lines) = verdict.strip_prefix("allow\n") else {
        return;
    };
    let lines: Vec<_> = lines.split('\n').collect();
    let [forwarded, _service, _cors, _flags, removed, set @ ..] = lines.as_slice() else {
        panic!("{verdict:?} is cut");
    };
    let removed: HashSet<_> = removed.split(',').collect();
    let (kept, lost): (Vec<_>, Vec<_>) = headers
        .iter()
        .partition(|(name, _)| !removed.contains(name.as_str()));
    let set: Vec<_> = set
        .chunks(2)
        .take_while(|pair| !pair[0].is_empty())
        .collect();
    assert_eq!(
        lines.len(),
        5 + 2 * set.len() + 2,
        "{verdict:?} has other lines"
    );
    for (name, value) in kept {
        let is_replaced = set.iter().any(|pair| pair[0] == name);
        assert!(
            is_replaced || !speaks_for_the_gate(name),
            "{name} in {packed:?}"
        );
        assert!(
            is_replaced || !is_secret(name, value),
            "{name}: {value} in {packed:?}"
        );
    }
    for (name, value) in lost {
        let is_known = speaks_for_the_gate(name) || KNOWN.contains(&name.as_str());
        assert!(is_known, "{name}: {value} is lost in {packed:?}");
    }
    for pair in &set {
        assert!(!is_secret(pair[0], pair[1]), "{pair:?} in {packed:?}");
    }
    is_the_path(forwarded, url);
}

/// The upstream gets the path as it is, and the query without what is secret.
fn is_the_path(forwarded: &str, url: &Url) {
    let (path, query) = match forwarded.split_once('?') {
        Some((path, query)) => (path, query),
        None => (forwarded, ""),
    };
    assert_eq!(path, format!("{UPSTREAM}{}", url.path()));
    assert_eq!(
        Url::parse(forwarded).unwrap().path(),
        format!("/base{}", url.path())
    );
    let sent = url.query().unwrap_or_default();
    let mut sent = sent.split('&');
    assert!(query.is_empty() || query.split('&').all(|pair| sent.any(|other| other == pair)));
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        assert!(!looks_like(&name) && !looks_like(&value), "{forwarded:?}");
    }
}

/// The headers that a shell packs.
fn relevant(headers: &[(String, String)]) -> Vec<(String, String)> {
    let relevant = headers
        .iter()
        .filter_map(|(name, value)| match Relevance::of(name) {
            Relevance::Passed => None,
            Relevance::Named => Some((name.clone(), String::new())),
            Relevance::Read => Some((name.clone(), value.clone())),
        });
    relevant.collect()
}

/// Whether a server that folds names could take a header for one of the gate's, or for one
/// by which the connection is told.
fn speaks_for_the_gate(name: &str) -> bool {
    let folded: String = name
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() {
                char
            } else {
                '-'
            }
        })
        .collect();
    let begins = ["gatepass-", "x-forwarded-"]
        .iter()
        .any(|prefix| folded.starts_with(prefix));
    begins
        || TOLD.contains(&folded.as_str())
        || folded != name && SECRETS.contains(&folded.as_str())
}

/// Whether a secret of ours is in a header that may hold one.
fn is_secret(name: &str, value: &str) -> bool {
    let is_own = |value: &str| looks_like(value) || value == OPERATOR_KEY;
    match name {
        "cookie" => cookie::pieces(value).any(cookie::is_own),
        "authorization" | "x-api-key" | "private-token" => is_own(value),
        "referer" => looks_like(value),
        _ => false,
    }
}

fn gate() -> Gate {
    thread_local!(static CONFIG: Rc<Config> = Rc::new(config()));
    let mut gate = Gate::new(CONFIG.with(Rc::clone));
    let key = format!("t/{}", Digest::of(SECRET).to_hex());
    gate.learn(&key, Some(RECORD), NOW);
    gate.learn("w/default", Some(&Settings::default().to_json()), NOW);
    gate
}

fn config() -> Config {
    let variables = format!(
        "{{\"OPERATOR_KEY\":\"{OPERATOR_KEY}\",\"UPSTREAM\":\"{UPSTREAM}\",\
         \"ROUTES\":[{{\"path\":\"/public/*\",\"public\":true}}]}}"
    );
    let bindings = [
        "RECORDS",
        "LEDGER",
        "DIRECTORY",
        "LOOKUPS_BY_ADDRESS",
        "LOOKUPS_BY_LEDGER",
        "ASSETS",
    ];
    Config::parse(&variables, &bindings.map(str::to_owned)).unwrap()
}

const NOW: u64 = 1_800_000_000_000;
const UPSTREAM: &str = "https://app.example/base";
const OPERATOR_KEY: &str = "operator-key-operator-key-operator-key";
const SECRET: &str = "pat_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17";
const RECORD: &str = r#"{"v":1,"rev":1,"id":"zQWB-01ARZ3NDEKTSV4RRFFQ69G5FAV","ws":"default","uid":"ada","k":"p","n":"a","st":"a","c":1}"#;
const SECRETS: [&str; 4] = [
    "authorization",
    "cf-connecting-ip",
    "private-token",
    "x-api-key",
];
/// Headers that are left out for their values.
const KNOWN: [&str; 5] = [
    "authorization",
    "cookie",
    "private-token",
    "referer",
    "x-api-key",
];
/// What RFC 9110 §7.6.1 keeps to a connection, and what tells another method, path or address.
const TOLD: [&str; 19] = [
    "connection",
    "forwarded",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "x-client-ip",
    "x-forwarded",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];
